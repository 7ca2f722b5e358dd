/** Import tokens: what they are good for, for how long, and what becomes of their keys. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Key } from '../../src/keys/key.js';
import { encryptMaterial } from '../engine/import-material.js';
import { code, createExternal, importInto } from './external-keys.js';
import { ACCOUNT, caller, openRig, REGION, type Rig } from './rig.js';

const DAY_MS = 86_400_000;

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
