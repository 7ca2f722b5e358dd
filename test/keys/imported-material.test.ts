/** Imported key material: the life of a key of Origin EXTERNAL, and what is refused. */
import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ImportMaterialRequest } from '../../src/keys/imported-material.js';
import type { Key } from '../../src/keys/key.js';
import { encryptMaterial, foreignMaterial, freshPrivateKey } from '../engine/import-material.js';
import {
  code,
  createExternal,
  current,
  expiring,
  importInto,
  SCOPE,
  stored,
} from './external-keys.js';
import { blobInput, openRig, type Rig } from './rig.js';

const DAY_MS = 86_400_000;

describe('a symmetric key', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await openRig();
  });
  afterAll(() => rig.close());

  test('has nothing before its first import, and works after it', async () => {
    const key = await createExternal(rig);
    expect(key.record).toMatchObject({
      origin: 'EXTERNAL',
      state: 'PendingImport',
      currentMaterialId: null,
      expirationModel: null,
      validTo: null,
    });
    expect(await rig.store.listMaterials(SCOPE, key.record.keyId)).toEqual([]);
    const id = await importInto(rig, key, randomBytes(32));
    expect(await stored(rig, key)).toMatchObject({
      state: 'Enabled',
      currentMaterialId: id,
      expirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE',
      validTo: null,
    });
    const ready = await current(rig, key);
    const blob = await rig.service.encrypt(ready, Buffer.from('text'), undefined);
    const opened = await rig.service.decrypt(ready, blobInput(blob), undefined);
    expect([opened.plaintext.toString(), opened.materialId]).toEqual(['text', id]);
  });

  test('decrypts after deletion and import of the same bytes, and of no others', async () => {
    const key = await createExternal(rig);
    const material = randomBytes(32);
    const id = await importInto(rig, key, material, { description: 'first' });
    const blob = await rig.service.encrypt(await current(rig, key), Buffer.from('text'), undefined);

    const deleted = await rig.service.deleteImportedMaterial(await current(rig, key), undefined);
    expect(deleted).toBe(id);
    const gone = await stored(rig, key);
    expect(gone).toMatchObject({
      state: 'PendingImport',
      currentMaterialId: id,
      expirationModel: null,
    });
    const [row] = await rig.store.listMaterials(SCOPE, key.record.keyId);
    expect(row).toMatchObject({ importState: 'PENDING_IMPORT', description: 'first' });
    expect(row!.wrapped).toHaveLength(0);
    const late = rig.service.decrypt(await current(rig, key), blobInput(blob), undefined);
    expect(await code(late)).toBe('KMSInvalidStateException');
    // Again is no error, and changes nothing.
    await rig.service.deleteImportedMaterial(await current(rig, key), id);
    expect(await stored(rig, key)).toEqual(gone);

    expect(await code(importInto(rig, key, randomBytes(32)))).toBe('IncorrectKeyMaterialException');
    const flipped = Buffer.from(material);
    flipped[31]! ^= 1;
    expect(await code(importInto(rig, key, flipped))).toBe('IncorrectKeyMaterialException');
    expect(await stored(rig, key)).toEqual(gone);

    expect(await importInto(rig, key, material)).toBe(id);
    expect(await stored(rig, key)).toMatchObject({ state: 'Enabled', currentMaterialId: id });
    const ready = await current(rig, key);
    const opened = await rig.service.decrypt(ready, blobInput(blob), undefined);
    expect(opened.plaintext.toString()).toBe('text');
    const [again] = await rig.store.listMaterials(SCOPE, key.record.keyId);
    expect(again).toMatchObject({ importState: 'IMPORTED', description: 'first' });
  });

  test('takes new material that waits for a rotation, one at a time', async () => {
    const key = await createExternal(rig);
    const [first, second, third] = [randomBytes(32), randomBytes(32), randomBytes(32)];
    const a = await importInto(rig, key, first);
    expect(await code(importInto(rig, key, first, { importType: 'NEW_KEY_MATERIAL' }))).toBe(
      'IncorrectKeyMaterialException',
    );
    rig.clock.advance(1);
    const b = await importInto(rig, key, second, {
      importType: 'NEW_KEY_MATERIAL',
      description: 'next',
      ...expiring(rig.clock.now() + DAY_MS),
    });
    // It does not belong to the key yet: neither its end nor its loss concerns the key.
    expect(await stored(rig, key)).toMatchObject({
      state: 'Enabled',
      currentMaterialId: a,
      expirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE',
    });
    const rows = await rig.store.listMaterials(SCOPE, key.record.keyId);
    expect(rows.map((row) => [row.materialId, row.state])).toEqual([
      [a, 'CURRENT'],
      [b, 'PENDING_ROTATION'],
    ]);
    await expect(
      importInto(rig, key, third, { importType: 'NEW_KEY_MATERIAL' }),
    ).rejects.toMatchObject({
      code: 'KMSInvalidStateException',
      message: expect.stringMatching(
        new RegExp(
          `^New key material \\(id: [0-9a-f]{64}\\) cannot be imported into KMS key ` +
            `${key.record.keyId}, because another key material \\(id: ${b}\\) is pending rotation\\.$`,
        ),
      ),
    });
    await rig.service.deleteImportedMaterial(await current(rig, key), b);
    expect(await rig.store.listMaterials(SCOPE, key.record.keyId)).toHaveLength(1);
    expect(await stored(rig, key)).toMatchObject({ state: 'Enabled', currentMaterialId: a });
  });

  test('tells material by its id, when one is given', async () => {
    const key = await createExternal(rig);
    const material = randomBytes(32);
    const id = await importInto(rig, key, material);
    expect(await importInto(rig, key, material, { materialId: id })).toBe(id);
    expect(await code(importInto(rig, key, material, { materialId: 'ab'.repeat(32) }))).toBe(
      'IncorrectKeyMaterialException',
    );
    const absent = rig.service.deleteImportedMaterial(key, 'ab'.repeat(32));
    expect(await code(absent)).toBe('NotFoundException');
    const other = await createExternal(rig);
    expect(await rig.service.deleteImportedMaterial(other, undefined)).toBeUndefined();
    const early = importInto(rig, other, material, { importType: 'EXISTING_KEY_MATERIAL' });
    expect(await code(early)).toBe('IncorrectKeyMaterialException');
    // The same bytes in another key have another id.
    expect(await importInto(rig, other, material)).not.toBe(id);
  });

  test('keeps the state that its own deletion gave it', async () => {
    const key = await createExternal(rig);
    const material = randomBytes(32);
    await importInto(rig, key, material);
    await rig.service.scheduleDeletion(await current(rig, key), 7);
    await rig.service.deleteImportedMaterial(await current(rig, key), undefined);
    expect(await stored(rig, key)).toMatchObject({ state: 'PendingDeletion' });
    const cancelled = await rig.service.cancelDeletion(await current(rig, key));
    expect(cancelled.record.state).toBe('PendingImport');
    await rig.service.scheduleDeletion(await current(rig, key), 7);
    const pending = await current(rig, key);
    await rig.service.importMaterial(pending, await request(rig, pending, material));
    expect(await stored(rig, key)).toMatchObject({ state: 'PendingDeletion' });
    const back = await rig.service.cancelDeletion(await current(rig, key));
    expect(back.record.state).toBe('Disabled');
  });

  async function request(rig: Rig, key: Key, material: Buffer): Promise<ImportMaterialRequest> {
    const algorithm = 'RSAES_OAEP_SHA_1';
    const made = await rig.service.importParameters(key, algorithm, 'RSA_2048');
    return {
      token: blobInput(made.token),
      encryptedMaterial: blobInput(encryptMaterial(made.publicKey, algorithm, material)),
      importType: undefined,
      expirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE',
      validTo: null,
      description: undefined,
      materialId: undefined,
    };
  }
});

describe('other keys', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await openRig();
  });
  afterAll(() => rig.close());

  test('an HMAC key gives the MAC of its material', async () => {
    const key = await createExternal(rig, 'HMAC_384', 'GENERATE_VERIFY_MAC');
    const material = randomBytes(48);
    await importInto(rig, key, material);
    const { createHmac } = await import('node:crypto');
    const mac = await rig.service.mac(await current(rig, key), Buffer.from('message'));
    expect(mac).toEqual(createHmac('sha384', material).update('message').digest());
    expect(await code(importInto(rig, key, randomBytes(48)))).toBe('IncorrectKeyMaterialException');
  });

  test.each([
    ['RSA_2048', 'RSASSA_PSS_SHA_256'],
    ['ECC_NIST_P256', 'ECDSA_SHA_256'],
  ] as const)('%s has one private key for life', async (spec, algorithm) => {
    const key = await createExternal(rig, spec, 'SIGN_VERIFY');
    const pkcs8 = foreignMaterial(spec);
    await importInto(rig, key, pkcs8);
    const ready = await current(rig, key);
    expect(ready.record.publicKey).not.toBeNull();
    const digest = createHash('sha256').update('message').digest();
    const signature = await rig.service.sign(ready, algorithm, digest, 'DIGEST');
    await rig.service.deleteImportedMaterial(ready, undefined);
    const without = (await stored(rig, key))!;
    expect(without.state).toBe('PendingImport');
    expect(Buffer.from(without.publicKey!)).toEqual(Buffer.from(ready.record.publicKey!));
    const other = freshPrivateKey(spec);
    for (const importType of [undefined, 'NEW_KEY_MATERIAL'] as const) {
      const refused = importInto(rig, key, other, importType === undefined ? {} : { importType });
      expect(await code(refused)).toBe('IncorrectKeyMaterialException');
    }
    await importInto(rig, key, pkcs8);
    await rig.service.verify(await current(rig, key), algorithm, digest, 'DIGEST', signature);
  });
});
