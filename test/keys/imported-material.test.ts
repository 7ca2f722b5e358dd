/**
 * Imported key material: the life of a key of Origin EXTERNAL, tokens, what is refused, expiry on a
 * clock that jumps and across a restart, rows of several materials.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Caller } from '../../src/auth/port.js';
import type { KeySpec, KeyUsage } from '../../src/core/records.js';
import type { ImportMaterialRequest } from '../../src/keys/imported-material.js';
import type { Key } from '../../src/keys/key.js';
import type { WrappingAlgorithm, WrappingKeySpec } from '../../src/specs/wrapping.js';
import { encryptMaterial, foreignMaterial, freshPrivateKey } from '../engine/import-material.js';
import { ACCOUNT, blobInput, CALLER, caller, openRig, REGION, type Rig } from './rig.js';

const DAY_MS = 86_400_000;
const SCOPE = { account: ACCOUNT, region: REGION };

interface ImportOptions
  extends Partial<Omit<ImportMaterialRequest, 'token' | 'encryptedMaterial'>> {
  readonly algorithm?: WrappingAlgorithm;
  readonly wrappingKey?: WrappingKeySpec;
  readonly token?: Uint8Array;
  readonly encrypted?: Uint8Array;
}

function createExternal(
  rig: Rig,
  keySpec: KeySpec = 'SYMMETRIC_DEFAULT',
  keyUsage: KeyUsage = 'ENCRYPT_DECRYPT',
  by: Caller = CALLER,
): Promise<Key> {
  const request = { keySpec, keyUsage, description: '', multiRegion: false, policy: undefined };
  return rig.service.createKey(by, { ...request, tags: [], origin: 'EXTERNAL' });
}

async function importInto(rig: Rig, key: Key, material: Uint8Array, options: ImportOptions = {}) {
  const secret = key.spec.family === 'symmetric' || key.spec.family === 'hmac';
  const { algorithm = secret ? 'RSAES_OAEP_SHA_256' : 'RSA_AES_KEY_WRAP_SHA_256' } = options;
  const { wrappingKey = 'RSA_2048', token, encrypted, ...request } = options;
  let given = { token, encrypted };
  if (token === undefined || encrypted === undefined) {
    const made = await rig.service.importParameters(key, algorithm, wrappingKey);
    given = {
      token: token ?? made.token,
      encrypted: encrypted ?? encryptMaterial(made.publicKey, algorithm, material),
    };
  }
  return rig.service.importMaterial(await current(rig, key), {
    token: blobInput(given.token!),
    encryptedMaterial: blobInput(given.encrypted!),
    importType: undefined,
    expirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE',
    validTo: null,
    description: undefined,
    materialId: undefined,
    ...request,
  });
}

function current(rig: Rig, key: Key): Promise<Key> {
  const by = caller(key.record.account, key.record.region);
  return rig.resolve({ id: key.record.keyId, permission: 'kms:ImportKeyMaterial' }, by);
}

const stored = (rig: Rig, key: Key) => rig.store.getKey(SCOPE, key.record.keyId);
const expiring = (validTo: number) =>
  ({ expirationModel: 'KEY_MATERIAL_EXPIRES', validTo }) as const;

async function code(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'OK',
    (error: { code?: string }) => error.code ?? String(error),
  );
}

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
    const signature = await rig.service.sign(ready, algorithm, digest, true);
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
    await rig.service.verify(await current(rig, key), algorithm, digest, true, signature);
  });
});

describe('import tokens', () => {
  let rig: Rig;
  let key: Key;
  const secret = randomBytes(32);
  beforeAll(async () => {
    rig = await openRig();
    key = await createExternal(rig);
  });
  afterAll(() => rig.close());

  const submit = async (to: Key, token: Uint8Array, encrypted: Uint8Array) =>
    code(importInto(rig, to, secret, { token, encrypted }));

  test('are good for the key, account and Region that they were made for', async () => {
    const made = await rig.service.importParameters(key, 'RSAES_OAEP_SHA_256', 'RSA_2048');
    const encrypted = encryptMaterial(made.publicKey, 'RSAES_OAEP_SHA_256', secret);
    const others = [
      await createExternal(rig),
      await createExternal(
        rig,
        'SYMMETRIC_DEFAULT',
        'ENCRYPT_DECRYPT',
        caller('444455556666', REGION),
      ),
      await createExternal(
        rig,
        'SYMMETRIC_DEFAULT',
        'ENCRYPT_DECRYPT',
        caller(ACCOUNT, 'us-east-1'),
      ),
    ];
    for (const other of others) {
      expect(await submit(other, made.token, encrypted)).toBe('InvalidImportTokenException');
    }
    expect(await submit(key, made.token, encrypted)).toBe('OK');
    // Until it ends, it may be used again.
    expect(await submit(key, made.token, encrypted)).toBe('OK');
  });

  test('with one bit changed, cut or lengthened are not good', async () => {
    const made = await rig.service.importParameters(key, 'RSAES_OAEP_SHA_256', 'RSA_2048');
    const encrypted = encryptMaterial(made.publicKey, 'RSAES_OAEP_SHA_256', secret);
    const { token } = made;
    const changed = [...Array(60).keys(), 100, token.length - 1].map((at) => {
      const copy = Buffer.from(token);
      copy[at]! ^= 1 << (at % 8);
      return copy;
    });
    const cut = [1, 5, 12, 13, 14, 56, token.length - 1].map((end) => token.subarray(0, end));
    for (const bad of [...changed, ...cut, Buffer.concat([token, Buffer.alloc(1)])]) {
      expect(await submit(key, bad, encrypted)).toBe('InvalidImportTokenException');
    }
    expect(await submit(key, token, encrypted)).toBe('OK');
  });

  test('do not open what was encrypted for an earlier wrapping key', async () => {
    const first = await rig.service.importParameters(key, 'RSAES_OAEP_SHA_256', 'RSA_2048');
    const second = await rig.service.importParameters(key, 'RSAES_OAEP_SHA_256', 'RSA_2048');
    const encrypted = encryptMaterial(first.publicKey, 'RSAES_OAEP_SHA_256', secret);
    expect(await submit(key, second.token, encrypted)).toBe('InvalidCiphertextException');
    expect(await submit(key, first.token, encrypted)).toBe('OK');
    const sha1 = encryptMaterial(second.publicKey, 'RSAES_OAEP_SHA_1', secret);
    expect(await submit(key, second.token, sha1)).toBe('InvalidCiphertextException');
  });

  test('end after 24 hours', async () => {
    const made = await rig.service.importParameters(key, 'RSAES_OAEP_SHA_256', 'RSA_2048');
    expect(made.validTo).toBe(rig.clock.now() + DAY_MS);
    const encrypted = encryptMaterial(made.publicKey, 'RSAES_OAEP_SHA_256', secret);
    rig.clock.advance(DAY_MS - 1);
    expect(await submit(key, made.token, encrypted)).toBe('OK');
    rig.clock.advance(1);
    expect(await submit(key, made.token, encrypted)).toBe('ExpiredImportTokenException');
    const changed = Buffer.from(made.token);
    changed[12]! ^= 1;
    expect(await submit(key, changed, encrypted)).toBe('InvalidImportTokenException');
  });

  test('of another deployment are not good', async () => {
    const stranger = await openRig();
    const made = await stranger.service.importParameters(key, 'RSAES_OAEP_SHA_256', 'RSA_2048');
    const encrypted = encryptMaterial(made.publicKey, 'RSAES_OAEP_SHA_256', secret);
    expect(await submit(key, made.token, encrypted)).toBe('InvalidImportTokenException');
    await stranger.close();
  });

  test('leave no key behind', async () => {
    const material = randomBytes(5);
    const loaded: unknown[] = [];
    const freed: unknown[] = [];
    const watched = await openRig({
      wrapKeyStore: (keyStore) => ({
        ...keyStore,
        load: async (...args) => {
          const handle = await keyStore.load(...args);
          if (args[1] === 'RSA_2048') loaded.push(handle);
          return handle;
        },
        free: (handle) => {
          freed.push(handle);
          keyStore.free(handle);
        },
      }),
    });
    const fresh = await createExternal(watched);
    expect(await code(importInto(watched, fresh, material))).toBe('IncorrectKeyMaterialException');
    await importInto(watched, fresh, secret);
    expect(loaded).toHaveLength(2);
    expect(freed).toEqual(expect.arrayContaining(loaded));
    await watched.close();
  });
});

describe('expiry', () => {
  const keys: string[] = [];
  const options = {
    parts: {
      onMaterialExpired: (key: Key, materialId: string) => {
        keys.push(`${key.record.keyId} ${materialId}`);
      },
    },
  };

  test('takes material at its end, exactly, over several due dates', async () => {
    const rig = await openRig(options);
    keys.length = 0;
    const key = await createExternal(rig);
    const material = randomBytes(32);
    const end = rig.clock.now() + 3 * DAY_MS;
    const id = await importInto(rig, key, material, expiring(end));
    expect(await stored(rig, key)).toMatchObject({
      state: 'Enabled',
      expirationModel: 'KEY_MATERIAL_EXPIRES',
      validTo: end,
    });
    const later = await createExternal(rig);
    const laterId = await importInto(rig, later, material, expiring(end + 2 * DAY_MS));
    const forever = await createExternal(rig);
    await importInto(rig, forever, material);
    rig.clock.advance(3 * DAY_MS - 1);
    expect(await rig.runDueWork()).toBe(0);
    rig.clock.advance(1);
    expect(await rig.runDueWork()).toBe(1);
    expect(keys).toEqual([`${key.record.keyId} ${id}`]);
    expect(await stored(rig, key)).toMatchObject({
      state: 'PendingImport',
      currentMaterialId: id,
      expirationModel: null,
      validTo: null,
    });
    rig.clock.advance(40 * DAY_MS);
    expect(await rig.runDueWork()).toBe(1);
    expect(await rig.runDueWork()).toBe(0);
    expect(keys).toEqual([`${key.record.keyId} ${id}`, `${later.record.keyId} ${laterId}`]);
    expect(await stored(rig, forever)).toMatchObject({ state: 'Enabled' });
    // It comes back as what it was, with another end.
    const again = rig.clock.now() + DAY_MS;
    expect(await importInto(rig, key, material, expiring(again))).toBe(id);
    expect(await stored(rig, key)).toMatchObject({ state: 'Enabled', validTo: again });
    await rig.close();
  });

  test('is put off by importing the same material with a later end, or none', async () => {
    const rig = await openRig(options);
    keys.length = 0;
    const key = await createExternal(rig);
    const material = randomBytes(32);
    await importInto(rig, key, material, expiring(rig.clock.now() + DAY_MS));
    await importInto(rig, key, material, expiring(rig.clock.now() + 9 * DAY_MS));
    rig.clock.advance(2 * DAY_MS);
    expect(await rig.runDueWork()).toBe(0);
    await importInto(rig, key, material);
    rig.clock.advance(20 * DAY_MS);
    expect(await rig.runDueWork()).toBe(0);
    expect(await stored(rig, key)).toMatchObject({
      state: 'Enabled',
      expirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE',
      validTo: null,
    });
    expect(keys).toEqual([]);
    await rig.close();
  });

  test('happens after a restart that lasted over the end', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'keystrel-expiry-'));
    const before = await openRig({ ...options, directory });
    keys.length = 0;
    const key = await createExternal(before);
    const material = randomBytes(32);
    const end = before.clock.now() + DAY_MS;
    const id = await importInto(before, key, material, expiring(end));
    const pending = await importInto(before, key, randomBytes(32), {
      importType: 'NEW_KEY_MATERIAL',
      ...expiring(end + 1),
    });
    const blob = await before.service.encrypt(
      await current(before, key),
      Buffer.from('x'),
      undefined,
    );
    await before.close();
    const after = await openRig({ ...options, directory });
    after.clock.advance(100 * DAY_MS);
    expect(await after.runDueWork()).toBe(2);
    expect(keys).toEqual([`${key.record.keyId} ${id}`, `${key.record.keyId} ${pending}`]);
    expect(await stored(after, key)).toMatchObject({ state: 'PendingImport', validTo: null });
    expect(await after.store.listMaterials(SCOPE, key.record.keyId)).toHaveLength(1);
    expect(await importInto(after, key, material)).toBe(id);
    const opened = await after.service.decrypt(
      await current(after, key),
      blobInput(blob),
      undefined,
    );
    expect(opened.plaintext.toString()).toBe('x');
    await after.close();
    rmSync(directory, { recursive: true });
  });

  test('leaves the state of keys that are pending deletion, and does not stop at a gone key', async () => {
    const rig = await openRig(options);
    const doomed = await createExternal(rig);
    await importInto(rig, doomed, randomBytes(32), expiring(rig.clock.now() + DAY_MS));
    await rig.service.scheduleDeletion(await current(rig, doomed), 7);
    rig.clock.advance(DAY_MS);
    expect(await rig.runDueWork()).toBe(1);
    expect(await stored(rig, doomed)).toMatchObject({ state: 'PendingDeletion' });
    rig.clock.advance(7 * DAY_MS);
    await rig.runDueWork();
    expect(await stored(rig, doomed)).toBeUndefined();
    await rig.close();
  });

  test('many materials are all taken', async () => {
    const rig = await openRig({ ...options, backend: 'node' });
    keys.length = 0;
    const material = randomBytes(32);
    const made: Key[] = [];
    const parameters = new Map<string, unknown>();
    for (let i = 0; i < 103; i += 1) {
      const key = await createExternal(rig);
      made.push(key);
      parameters.set(key.record.keyId, i);
      const { keyId } = key.record;
      const domain = await rig.domainKeys.current(REGION);
      const wrapped = await rig.keyStore.wrap(domain.handle, material, Buffer.from('any'));
      const row = {
        ...SCOPE,
        keyId,
        materialId: i.toString(16).padStart(64, '0'),
        domainKeyId: domain.id,
        wrapped,
        createdAt: 0,
        state: 'CURRENT',
        rotationType: null,
        rotatedAt: null,
        importState: 'IMPORTED',
        expirationModel: 'KEY_MATERIAL_EXPIRES',
        validTo: rig.clock.now() + 1 + (i % 5),
        description: null,
      } as const;
      const patch = { state: 'Enabled', currentMaterialId: row.materialId } as const;
      await rig.store.updateKeyMaterials(SCOPE, keyId, 1, patch, { put: [row] });
    }
    rig.clock.advance(DAY_MS);
    expect(await rig.runDueWork()).toBe(103);
    expect(new Set(keys).size).toBe(103);
    for (const key of made) expect((await stored(rig, key))!.state).toBe('PendingImport');
    await rig.close();
  });
});
