/** Imported material of multi-Region keys: the same bytes in every Region, one Region at a time. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ImportMaterialRequest } from '../../src/keys/imported-material.js';
import type { Key } from '../../src/keys/key.js';
import { encryptMaterial } from '../engine/import-material.js';
import { ACCOUNT, blobInput, CALLER, caller, openRig, REGION, type Rig } from './rig.js';

const SECOND = 'us-east-1';
const THIRD = 'ap-southeast-2';
const DAY_MS = 86_400_000;
const MULTI = 'PENDING_MULTI_REGION_IMPORT_AND_ROTATION';

describe('a multi-Region key of imported material', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await openRig({ parts: { regions: [REGION, SECOND, THIRD] } });
  });
  afterAll(() => rig.close());

  const seen = (key: Key, region: string) =>
    rig.resolve({ id: key.record.keyId, permission: 'kms:Any' }, caller(ACCOUNT, region));
  const stored = async (key: Key, region: string) =>
    (await rig.store.getKey({ account: ACCOUNT, region }, key.record.keyId))!;
  /** State and import state of a material, Region by Region. */
  const rows = (key: Key, materialId: string, regions: readonly string[]) =>
    Promise.all(
      regions.map(async (region) => {
        const { keyId } = key.record;
        const row = await rig.store.getMaterial({ account: ACCOUNT, region }, keyId, materialId);
        return row === undefined ? undefined : [row.state, row.importState];
      }),
    );

  async function put(
    key: Key,
    region: string,
    material: Uint8Array,
    more: Partial<ImportMaterialRequest> = {},
  ): Promise<string> {
    rig.clock.advance(1);
    const target = await seen(key, region);
    const algorithm = 'RSAES_OAEP_SHA_256';
    const made = await rig.service.importParameters(target, algorithm, 'RSA_2048');
    return rig.service.importMaterial(target, {
      token: blobInput(made.token),
      encryptedMaterial: blobInput(encryptMaterial(made.publicKey, algorithm, material)),
      importType: undefined,
      expirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE',
      validTo: null,
      description: undefined,
      materialId: undefined,
      ...more,
    });
  }

  async function create(): Promise<Key> {
    return rig.service.createKey(CALLER, {
      keySpec: 'SYMMETRIC_DEFAULT',
      keyUsage: 'ENCRYPT_DECRYPT',
      origin: 'EXTERNAL',
      description: '',
      multiRegion: true,
      policy: undefined,
      tags: [],
    });
  }

  async function replicate(key: Key, region: string): Promise<void> {
    const asked = { region, description: '', policy: undefined, tags: [] };
    await rig.service.replicateKey(await seen(key, REGION), asked);
  }

  test('a replica waits for the bytes, opens what the primary sealed, and ends on its own', async () => {
    const key = await create();
    const material = randomBytes(32);
    const id = await put(key, REGION, material);
    await replicate(key, SECOND);
    expect(await stored(key, SECOND)).toMatchObject({
      state: 'PendingImport',
      currentMaterialId: id,
    });
    const fresh = put(key, SECOND, randomBytes(32));
    await expect(fresh).rejects.toMatchObject({ code: 'IncorrectKeyMaterialException' });
    const asNew = put(key, SECOND, randomBytes(32), { importType: 'NEW_KEY_MATERIAL' });
    await expect(asNew).rejects.toMatchObject({
      code: 'UnsupportedOperationException',
      message: expect.stringMatching(/ is not a multi-region primary key\.$/),
    });
    const end = rig.clock.now() + DAY_MS;
    const expiring = { expirationModel: 'KEY_MATERIAL_EXPIRES', validTo: end } as const;
    expect(await put(key, SECOND, material, expiring)).toBe(id);
    expect(await stored(key, SECOND)).toMatchObject({ state: 'Enabled', validTo: end });
    const blob = await rig.service.encrypt(await seen(key, REGION), Buffer.from('x'), undefined);
    const opened = await rig.service.decrypt(await seen(key, SECOND), blobInput(blob), undefined);
    expect(opened.plaintext.toString()).toBe('x');
    rig.clock.advance(DAY_MS);
    expect(await rig.runDueWork()).toBe(1);
    expect((await stored(key, SECOND)).state).toBe('PendingImport');
    expect((await stored(key, REGION)).state).toBe('Enabled');
  });

  test('new material waits for every Region, then for the rotation', async () => {
    const key = await create();
    const [old, next] = [randomBytes(32), randomBytes(32)];
    const first = await put(key, REGION, old);
    for (const region of [SECOND, THIRD]) {
      await replicate(key, region);
      await put(key, region, old);
    }
    const all = [REGION, SECOND, THIRD];
    const rotate = async () => rig.service.rotateOnDemand(await seen(key, REGION));
    const second = await put(key, REGION, next, { importType: 'NEW_KEY_MATERIAL' });
    const waiting = [MULTI, 'PENDING_IMPORT'];
    expect(await rows(key, second, all)).toEqual([[MULTI, 'IMPORTED'], waiting, waiting]);
    await expect(rotate()).rejects.toMatchObject({ code: 'KMSInvalidStateException' });
    for (const region of all) expect((await stored(key, region)).state).toBe('Enabled');
    await put(key, SECOND, next);
    expect(await rows(key, second, all)).toEqual([
      [MULTI, 'IMPORTED'],
      [MULTI, 'IMPORTED'],
      waiting,
    ]);
    await put(key, THIRD, next);
    const ready = ['PENDING_ROTATION', 'IMPORTED'];
    expect(await rows(key, second, all)).toEqual([ready, ready, ready]);

    // A replica's bytes go alone, and are wanted again.
    await rig.service.deleteImportedMaterial(await seen(key, SECOND), second);
    expect(await rows(key, second, all)).toEqual([
      [MULTI, 'IMPORTED'],
      waiting,
      [MULTI, 'IMPORTED'],
    ]);
    await put(key, SECOND, next);
    await rotate();
    for (const region of all) {
      expect(await stored(key, region)).toMatchObject({
        state: 'Enabled',
        currentMaterialId: second,
      });
    }
    expect(await rows(key, first, all)).toEqual(all.map(() => ['NON_CURRENT', 'IMPORTED']));
    const blob = await rig.service.encrypt(await seen(key, THIRD), Buffer.from('y'), undefined);
    const opened = await rig.service.decrypt(await seen(key, REGION), blobInput(blob), undefined);
    expect([opened.plaintext.toString(), opened.materialId]).toEqual(['y', second]);
  });

  test('pending material that the primary drops is dropped everywhere', async () => {
    const key = await create();
    const old = randomBytes(32);
    await put(key, REGION, old);
    await replicate(key, SECOND);
    await put(key, SECOND, old);
    const all = [REGION, SECOND];
    const next = await put(key, REGION, randomBytes(32), { importType: 'NEW_KEY_MATERIAL' });
    await rig.service.deleteImportedMaterial(await seen(key, REGION), next);
    expect(await rows(key, next, all)).toEqual([undefined, undefined]);
    for (const region of all) expect((await stored(key, region)).state).toBe('Enabled');
  });

  test('a replica made while material is pending has to be given both', async () => {
    const key = await create();
    const [old, next] = [randomBytes(32), randomBytes(32)];
    await put(key, REGION, old);
    const second = await put(key, REGION, next, { importType: 'NEW_KEY_MATERIAL' });
    await replicate(key, SECOND);
    await put(key, SECOND, old);
    const rotate = async () => rig.service.rotateOnDemand(await seen(key, REGION));
    await expect(rotate()).rejects.toMatchObject({ code: 'KMSInvalidStateException' });
    await put(key, SECOND, next);
    await rotate();
    expect(await stored(key, SECOND)).toMatchObject({
      state: 'Enabled',
      currentMaterialId: second,
    });
  });
});
