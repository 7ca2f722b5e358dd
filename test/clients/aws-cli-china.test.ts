/** SM2 by the AWS CLI, in a Region where AWS has it; openssl is the other side. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  opensslSm2Encrypt,
  opensslSm2Key,
  opensslSm2Public,
  opensslSm2Sign,
  opensslSm2Verify,
} from '../openssl-sm2.js';
import { CHINA } from '../specs-of-regions.js';
import { type CliRig, isInstalled, startCliRig } from './aws-cli-rig.js';

let rig: CliRig;

beforeAll(async () => {
  rig = await startCliRig(CHINA);
});
afterAll(() => rig.stop());

const fromBase64 = (text: string) => Buffer.from(text, 'base64');

/** A new key with the imported private key `pkcs8`, encrypted by openssl for an SM2 wrapping key. */
async function importKey(usage: string, pkcs8: Buffer): Promise<string> {
  const { aws, blob } = rig;
  const spec = ['--key-spec', 'SM2', '--key-usage', usage, '--origin', 'EXTERNAL'];
  const { KeyMetadata } = await aws('create-key', ...spec);
  const { KeyId, Arn } = KeyMetadata;
  expect(Arn).toBe(`arn:aws-cn:kms:${CHINA}:${rig.server.account}:key/${KeyId}`);
  const parameters = await aws(
    ...['get-parameters-for-import', '--key-id', Arn],
    ...['--wrapping-algorithm', 'SM2PKE', '--wrapping-key-spec', 'SM2'],
  );
  const encrypted = opensslSm2Encrypt(fromBase64(parameters.PublicKey), pkcs8);
  await aws(
    ...['import-key-material', '--key-id', KeyId],
    ...['--import-token', blob('token', fromBase64(parameters.ImportToken))],
    ...['--encrypted-key-material', blob('material', encrypted)],
    ...['--expiration-model', 'KEY_MATERIAL_DOES_NOT_EXPIRE'],
  );
  return KeyId;
}

describe.skipIf(!isInstalled)('aws kms in China', () => {
  test('sign and verify', async () => {
    const { aws, blob } = rig;
    const pkcs8 = opensslSm2Key();
    const message = Buffer.from('from the shell');
    const use = [
      ...['--key-id', await importKey('SIGN_VERIFY', pkcs8), '--message', blob('m', message)],
      ...['--signing-algorithm', 'SM2DSA'],
    ];
    const { Signature } = await aws('sign', ...use);
    const signature = fromBase64(Signature);
    expect(opensslSm2Verify(opensslSm2Public(pkcs8), message, signature)).toBe(true);
    const theirs = blob('signature', opensslSm2Sign(pkcs8, message));
    expect((await aws('verify', ...use, '--signature', theirs)).SignatureValid).toBe(true);
  });

  test('encrypt and decrypt', async () => {
    const { aws, blob } = rig;
    const pkcs8 = opensslSm2Key();
    const KeyId = await importKey('ENCRYPT_DECRYPT', pkcs8);
    const use = ['--key-id', KeyId, '--encryption-algorithm', 'SM2PKE'];
    const plaintext = Buffer.from('from the shell');
    const sealed = await aws('encrypt', ...use, '--plaintext', blob('plaintext', plaintext));
    for (const ciphertext of [
      fromBase64(sealed.CiphertextBlob),
      opensslSm2Encrypt(opensslSm2Public(pkcs8), plaintext),
    ]) {
      const opened = await aws('decrypt', ...use, '--ciphertext-blob', blob('c', ciphertext));
      expect(fromBase64(opened.Plaintext)).toEqual(plaintext);
    }
  });

  test('data key pairs, and agreement with one', async () => {
    const { aws, blob } = rig;
    const { KeyMetadata } = await aws('create-key');
    const pair = ['--key-id', KeyMetadata.KeyId, '--key-pair-spec', 'SM2'];
    const made = await aws('generate-data-key-pair', ...pair);
    expect(opensslSm2Public(fromBase64(made.PrivateKeyPlaintext))).toEqual(
      fromBase64(made.PublicKey),
    );
    const spec = ['--key-spec', 'SM2', '--key-usage', 'KEY_AGREEMENT'];
    const own = (await aws('create-key', ...spec)).KeyMetadata;
    const derived = await aws(
      ...['derive-shared-secret', '--key-id', own.KeyId, '--key-agreement-algorithm', 'ECDH'],
      ...['--public-key', blob('peer', fromBase64(made.PublicKey))],
    );
    expect(fromBase64(derived.SharedSecret)).toHaveLength(32);
  });
});
