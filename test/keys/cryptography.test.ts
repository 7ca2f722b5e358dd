/** Every key spec does its work through the service, with material that the engine keeps. */
import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { backends } from '../engine/support.js';
import { blobInput, CALLER, openRig, type Rig } from './rig.js';

const text = Buffer.from('a message');

describe.each(backends)('%s backend', (backend) => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await openRig({ backend });
  });
  afterAll(() => rig.close());

  test('symmetric: encrypt, decrypt, data keys, key pairs', async () => {
    const { service } = rig;
    const key = await rig.create();
    const context = { tenant: 'blue' };
    const blob = await service.encrypt(key, text, context);
    expect(blob.length).toBe(text.length + 80);
    const found = await rig.resolve({ ciphertext: blobInput(blob), permission: 'kms:Decrypt' });
    expect(found.arn).toBe(key.arn);
    const opened = await service.decrypt(found, blobInput(blob), context);
    expect(opened.plaintext).toEqual(text);
    expect(opened.materialId).toBe(key.record.currentMaterialId);
    const dataKey = await service.generateDataKey(key, 24, undefined);
    const again = await service.decrypt(key, blobInput(dataKey.blob), {});
    expect(again.plaintext).toEqual(dataKey.plaintext);
    expect(dataKey.plaintext).toHaveLength(24);
    const pair = await service.generateDataKeyPair(key, 'ECC_NIST_P256', context, true);
    const privateKey = await service.decrypt(key, blobInput(pair.blob), context);
    expect(privateKey.plaintext).toEqual(pair.privateKey);
    const blind = await service.generateDataKeyPair(key, 'ECC_NIST_P256', context, false);
    expect(blind.privateKey).toBeUndefined();
  });

  test('RSA: encrypt, sign', async () => {
    const { service } = rig;
    const seals = await rig.create('RSA_2048', 'ENCRYPT_DECRYPT');
    const sealed = await service.encryptAsymmetric(seals, 'RSAES_OAEP_SHA_256', text);
    const opened = await service.decryptAsymmetric(seals, 'RSAES_OAEP_SHA_256', blobInput(sealed));
    expect(opened).toEqual(text);
    sealed[9]! ^= 1;
    await expect(
      service.decryptAsymmetric(seals, 'RSAES_OAEP_SHA_256', blobInput(sealed)),
    ).rejects.toMatchObject({ code: 'InvalidCiphertextException', message: '' });
    const signs = await rig.create('RSA_2048', 'SIGN_VERIFY');
    const algorithm = 'RSASSA_PSS_SHA_256';
    const signature = await service.sign(signs, algorithm, text, 'RAW');
    await service.verify(signs, algorithm, text, 'RAW', signature);
    const verify = service.verify(signs, algorithm, Buffer.from('other'), 'RAW', signature);
    await expect(verify).rejects.toMatchObject({
      code: 'KMSInvalidSignatureException',
      message: '',
    });
  });

  test('MAC and shared secrets', async () => {
    const { service } = rig;
    const macs = await rig.create('HMAC_384', 'GENERATE_VERIFY_MAC');
    const mac = await service.mac(macs, text);
    expect(mac).toHaveLength(48);
    await service.verifyMac(macs, text, mac);
    mac[0]! ^= 1;
    const wrong = service.verifyMac(macs, text, mac);
    await expect(wrong).rejects.toMatchObject({ code: 'KMSInvalidMacException', message: '' });
    const agrees = await rig.create('ECC_NIST_P256', 'KEY_AGREEMENT');
    const peer = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).publicKey;
    const spki = peer.export({ format: 'der', type: 'spki' });
    expect(await service.deriveSharedSecret(agrees, spki)).toHaveLength(32);
    const bad = service.deriveSharedSecret(agrees, spki.subarray(1));
    await expect(bad).rejects.toMatchObject({ code: 'ValidationException', message: '' });
    expect(await service.random(17)).toHaveLength(17);
  });

  test('the largest plaintext and the largest private key fit into a ciphertext of AWS', async () => {
    const key = await rig.create();
    const blob = await rig.service.encrypt(key, Buffer.alloc(4096, 7), { a: 'b' });
    expect(blob.length).toBeLessThanOrEqual(6144);
    const pair = await rig.service.generateDataKeyPair(key, 'RSA_4096', undefined, true);
    expect(pair.blob.length).toBeLessThanOrEqual(6144);
    const opened = await rig.service.decrypt(key, blobInput(pair.blob), undefined);
    expect(opened.plaintext).toEqual(pair.privateKey);
  });

  test('a key found again by a second lookup is found without a promise', async () => {
    const key = await rig.create();
    const lookup = { id: key.record.keyId, aliases: true, permission: 'kms:Encrypt' };
    await rig.service.resolve(CALLER, lookup);
    const hit = rig.service.resolve(CALLER, lookup);
    expect(hit).not.toBeInstanceOf(Promise);
    expect((hit as { arn: string }).arn).toBe(key.arn);
  });
});
