/** Rotation on the manual clock: dates, missed dates, states, limits, lists. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { StoredMaterial } from '../../src/core/records.js';
import type { Key } from '../../src/keys/key.js';
import { newMaterial } from '../../src/keys/new-material.js';
import type { MadeRotation } from '../../src/keys/rotation.js';
import type { KeyStore } from '../../src/keystores/port.js';
import { StoreError } from '../../src/store/port.js';
import { keyRecord } from '../store/records.js';
import { blobInput, CALLER, openRig, overridden, type Rig } from './rig.js';
import { DAY_MS, days, fresh, rotating, rotations, scopeOf } from './rotating.js';

const MINUTE_MS = 60_000;
const text = Buffer.from('text');

describe('automatic rotation', () => {
  let rig: Rig;
  const told: MadeRotation[] = [];
  // No key of one test is due in another.
  beforeEach(async () => {
    rig = await openRig({ parts: { onRotated: (made) => void told.push(made) } });
    told.length = 0;
  });
  afterEach(() => rig.close());

  test('is off at first, and counts from the moment it is switched on', async () => {
    const key = await rig.create();
    expect(rig.service.rotationStatus(key)).toBeUndefined();
    rig.clock.advance(5 * DAY_MS);
    await rig.service.enableKeyRotation(key, 90);
    const on = await fresh(rig, key);
    expect(rig.service.rotationStatus(on)).toEqual({
      periodDays: 90,
      nextRotationAt: rig.clock.now() + 90 * DAY_MS,
    });
    rig.clock.advance(10 * DAY_MS);
    await rig.service.enableKeyRotation(on, 200);
    expect(rig.service.rotationStatus(await fresh(rig, key))).toEqual({
      periodDays: 200,
      nextRotationAt: rig.clock.now() + 200 * DAY_MS,
    });
    await rig.service.disableKeyRotation(on);
    expect(rig.service.rotationStatus(await fresh(rig, key))).toBeUndefined();
    const { version } = (await fresh(rig, key)).record;
    await rig.service.disableKeyRotation(await fresh(rig, key));
    expect((await fresh(rig, key)).record.version).toBe(version);
    rig.clock.advance(1000 * DAY_MS);
    expect(await rig.runDueWork()).toBe(0);
  });

  test('happens on its date, not before, and then every period', async () => {
    const key = await rotating(rig);
    const start = rig.clock.now();
    const first = key.record.currentMaterialId!;
    rig.clock.advance(90 * DAY_MS - 1);
    expect(await rig.runDueWork()).toBe(0);
    rig.clock.advance(1);
    expect(await rig.runDueWork()).toBe(1);
    expect(await rig.runDueWork()).toBe(0);
    const after = await fresh(rig, key);
    const second = after.record.currentMaterialId!;
    expect(second).toMatch(/^[0-9a-f]{64}$/);
    expect(second).not.toBe(first);
    expect(told).toEqual([
      expect.objectContaining({
        type: 'AUTOMATIC',
        previousMaterialId: first,
        currentMaterialId: second,
      }),
    ]);
    expect(told[0]!.key.record).toEqual(after.record);
    expect(rig.service.rotationStatus(after)!.nextRotationAt).toBe(start + 180 * DAY_MS);
    const all = await rig.store.listMaterials(scopeOf(key.record), key.record.keyId);
    expect(all).toMatchObject([
      { materialId: first, state: 'NON_CURRENT', rotationType: null, rotatedAt: null },
      {
        materialId: second,
        state: 'CURRENT',
        rotationType: 'AUTOMATIC',
        rotatedAt: start + 90 * DAY_MS,
      },
    ]);
    rig.clock.advance(90 * DAY_MS);
    expect(await rig.runDueWork()).toBe(1);
    expect(await days(rig, key, start)).toEqual([90, 180]);
  });

  test('a scheduler that is late does not move the dates', async () => {
    const key = await rotating(rig);
    const start = rig.clock.now();
    for (const late of [MINUTE_MS, 3 * DAY_MS]) {
      rig.clock.advance(90 * DAY_MS + late);
      await rig.runDueWork();
      rig.clock.advance(-late);
    }
    expect(await days(rig, key, start)).toEqual([90, 180]);
  });

  test('dates that were missed are made up for, each at its date', async () => {
    const keys = [await rotating(rig), await rotating(rig, 100), await rotating(rig, 2560)];
    const start = rig.clock.now();
    rig.clock.advance(365 * DAY_MS);
    expect(await rig.runDueWork()).toBe(4 + 3);
    expect(await rig.runDueWork()).toBe(0);
    expect(await days(rig, keys[0]!, start)).toEqual([90, 180, 270, 360]);
    expect(await days(rig, keys[1]!, start)).toEqual([100, 200, 300]);
    expect(await days(rig, keys[2]!, start)).toEqual([]);
  });

  test('a disabled key waits; past its date it rotates once when it is enabled', async () => {
    const key = await rotating(rig);
    const start = rig.clock.now();
    await rig.service.disable(key);
    rig.clock.advance(300 * DAY_MS);
    expect(await rig.runDueWork()).toBe(0);
    const disabled = await fresh(rig, key);
    expect(rig.service.rotationStatus(disabled)).toEqual({
      periodDays: 90,
      nextRotationAt: start + 90 * DAY_MS,
    });
    await rig.service.enable(disabled);
    const enabled = await fresh(rig, key);
    expect(enabled.record).toMatchObject({
      state: 'Enabled',
      nextRotationAt: start + 390 * DAY_MS,
    });
    expect(enabled.record.currentMaterialId).not.toBe(key.record.currentMaterialId);
    expect(await rig.runDueWork()).toBe(0);
    rig.clock.advance(90 * DAY_MS);
    expect(await rig.runDueWork()).toBe(1);
    expect(await days(rig, key, start)).toEqual([300, 390]);
  });

  test('a key that was disabled for a while keeps its schedule', async () => {
    const key = await rotating(rig);
    const start = rig.clock.now();
    await rig.service.disable(key);
    rig.clock.advance(89 * DAY_MS);
    await rig.service.enable(await fresh(rig, key));
    expect((await fresh(rig, key)).record.currentMaterialId).toBe(key.record.currentMaterialId);
    rig.clock.advance(DAY_MS);
    expect(await rig.runDueWork()).toBe(1);
    expect(await days(rig, key, start)).toEqual([90]);
  });

  test('a key that is pending deletion does not rotate and shows no rotation', async () => {
    const key = await rotating(rig);
    const start = rig.clock.now();
    rig.clock.advance(80 * DAY_MS);
    await rig.service.scheduleDeletion(key, 30);
    rig.clock.advance(20 * DAY_MS);
    expect(await rig.runDueWork()).toBe(0);
    expect(rig.service.rotationStatus(await fresh(rig, key))).toBeUndefined();
    await rig.service.cancelDeletion(await fresh(rig, key));
    const cancelled = await fresh(rig, key);
    expect(rig.service.rotationStatus(cancelled)?.periodDays).toBe(90);
    expect(await rig.runDueWork()).toBe(0);
    rig.clock.advance(DAY_MS);
    await rig.service.enable(cancelled);
    expect(await days(rig, key, start)).toEqual([101]);
  });

  const ENDS: readonly [string, (key: Key) => Promise<unknown>][] = [
    ['DisableKey', (key) => rig.service.disable(key)],
    ['ScheduleKeyDeletion', (key) => rig.service.scheduleDeletion(key, 7)],
    ['DisableKeyRotation', (key) => rig.service.disableKeyRotation(key)],
    ['EnableKeyRotation', (key) => rig.service.enableKeyRotation(key, 2560)],
  ];
  test.each(ENDS)('%s after a date that the scheduler has not seen', async (_, end) => {
    const key = await rotating(rig);
    const start = rig.clock.now();
    rig.clock.advance(190 * DAY_MS);
    const known = await fresh(rig, key);
    await end(known);
    expect(await days(rig, key, start)).toEqual([90, 180]);
    expect(await rig.runDueWork()).toBe(0);
    const { nextRotationAt } = (await fresh(rig, key)).record;
    if (end === ENDS[3]![1]) expect(nextRotationAt).toBe(start + (190 + 2560) * DAY_MS);
  });

  test('of more keys than one look finds, past one that cannot be rotated', async () => {
    const broken = new Set<string>();
    const other = await openRig({
      wrapKeyStore: (keyStore) =>
        Object.freeze({
          ...keyStore,
          generate: async (...args: Parameters<KeyStore['generate']>) => {
            if (broken.has(args[2])) throw new Error('no');
            return keyStore.generate(...args);
          },
        }),
    });
    const keys: Key[] = [];
    for (let i = 0; i < 103; i += 1) keys.push(await rotating(other));
    for (const key of keys.slice(0, 101)) broken.add(key.record.keyId);
    other.clock.advance(90 * DAY_MS);
    await expect(other.runDueWork()).rejects.toMatchObject({ code: 'KMSInternalException' });
    for (const [i, key] of keys.entries()) {
      expect(await rotations(other, key)).toHaveLength(i < 101 ? 0 : 1);
    }
    broken.clear();
    expect(await other.runDueWork()).toBe(101);
    await other.close();
  });

  test('stands also when nobody can be told', async () => {
    const deaf = await openRig({
      parts: {
        onRotated: async () => {
          throw new Error('the audit log is full');
        },
      },
    });
    const keys = [await rotating(deaf), await rotating(deaf)];
    deaf.clock.advance(90 * DAY_MS);
    await expect(deaf.runDueWork()).rejects.toMatchObject({ code: 'KMSInternalException' });
    for (const key of keys) expect(await rotations(deaf, key)).toHaveLength(1);
    expect(await deaf.runDueWork()).toBe(0);
    await deaf.close();
  });

  test('is nothing to a key that was deleted between the look and the deed', async () => {
    const key = await rotating(rig);
    rig.clock.advance(90 * DAY_MS);
    const [due] = await rig.store.keysDueForRotation(rig.clock.now(), 10, undefined);
    expect(due!.keyId).toBe(key.record.keyId);
    const late = await openRig({
      directory: rig.directory,
      wrapStore: (store) => overridden(store, { keysDueForRotation: async () => [due!] }),
    });
    const scope = scopeOf(due!);
    await rig.store.deleteKey(scope, due!.keyId, due!.version, rig.clock.now());
    expect(await late.runDueWork()).toBe(0);
    await late.close();
  });

  test('a store that fails is our failure', async () => {
    const other = await openRig({
      wrapStore: (store) =>
        overridden(store, {
          keysDueForRotation: async (): Promise<never> => {
            throw new StoreError('UNAVAILABLE', 'gone');
          },
        }),
    });
    await expect(other.runDueWork()).rejects.toMatchObject({ code: 'KMSInternalException' });
    await other.close();
  });
});

describe('rotation on demand', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await openRig({ parts: { quotas: { onDemandRotationsPerKey: 25 } } });
  });
  afterAll(() => rig.close());

  const rotate = async (key: Key) => rig.service.rotateOnDemand(await fresh(rig, key));

  test('25 times per key, in the order made, however fast', async () => {
    const key = await rig.create();
    const other = await rig.create();
    const ids = [key.record.currentMaterialId];
    for (let i = 0; i < 25; i += 1) ids.push((await rotate(key)).record.currentMaterialId);
    expect(new Set(ids).size).toBe(26);
    const listed = await rig.service.listRotations(key, 'all', 1000, undefined);
    expect(listed.items.map((one) => one.materialId)).toEqual(ids);
    await expect(rotate(key)).rejects.toMatchObject({
      code: 'LimitExceededException',
      message:
        'The on-demand rotations limit has been reached for the given keyId. ' +
        `No more on-demand rotations can be performed for this key: ${key.arn}`,
    });
    expect((await fresh(rig, key)).record.currentMaterialId).toBe(ids[25]);
    await rotate(other);
    // Those on a date are not counted, and go on.
    await rig.service.enableKeyRotation(await fresh(rig, key), 90);
    rig.clock.advance(90 * DAY_MS);
    expect(await rig.runDueWork()).toBe(1);
    await expect(rotate(key)).rejects.toMatchObject({ code: 'LimitExceededException' });
    await rig.service.disableKeyRotation(await fresh(rig, key));
  });

  test('of many at one time no more than the limit', async () => {
    const key = await rig.create();
    const there = await openRig({ directory: rig.directory });
    const outcomes = await Promise.allSettled(
      Array.from({ length: 30 }, async (_, i) => {
        const by = i % 2 === 0 ? rig : there;
        return by.service.rotateOnDemand(await fresh(by, key));
      }),
    );
    const made = outcomes.filter((one) => one.status === 'fulfilled').length;
    expect(made).toBe((await rotations(rig, key)).length);
    expect(made).toBeLessThanOrEqual(25);
    expect(made).toBeGreaterThan(12);
    await there.close();
  });

  test('leaves the schedule alone, and is refused when a date is near', async () => {
    const key = await rotating(rig);
    const { nextRotationAt } = key.record;
    const rotated = await rotate(key);
    expect(rotated.record.nextRotationAt).toBe(nextRotationAt);
    rig.clock.advance(90 * DAY_MS - 20 * MINUTE_MS - 1);
    await rotate(key);
    for (const step of [1, 20 * MINUTE_MS, MINUTE_MS]) {
      rig.clock.advance(step);
      await expect(rotate(key)).rejects.toMatchObject({ code: 'ConflictException' });
    }
    expect(await rig.runDueWork()).toBe(1);
    await rotate(key);
    expect((await rotations(rig, key)).map((one) => one.rotationType)).toEqual([
      'ON_DEMAND',
      'ON_DEMAND',
      'AUTOMATIC',
      'ON_DEMAND',
    ]);
  });

  test('makes imported material current that is pending rotation', async () => {
    const imported = { importState: 'IMPORTED', expirationModel: null } as const;
    const record = keyRecord({ ...CALLER_SCOPE, origin: 'EXTERNAL' });
    const parts = { keyStore: rig.keyStore, domainKeys: rig.domainKeys };
    const first = (await newMaterial(parts, record, rig.clock.now())).row;
    const second = (await newMaterial(parts, record, rig.clock.now() + 1)).row;
    const validTo = rig.clock.now() + DAY_MS;
    await rig.store.insertKey(
      { ...record, currentMaterialId: first.materialId, expirationModel: 'KEY_MATERIAL_EXPIRES' },
      { ...first, ...imported, validTo },
      [],
    );
    const key = await rig.resolve({ id: record.keyId, permission: 'kms:DescribeKey' });
    const blob = await rig.service.encrypt(key, text, undefined);
    const none = `No available key material pending rotation for the key: ${key.arn}.`;
    const refused = { code: 'KMSInvalidStateException', message: none };
    await expect(rotate(key)).rejects.toMatchObject(refused);
    const pending = { ...second, ...imported, validTo: validTo - 1, description: 'next' };
    const steps: Partial<StoredMaterial>[] = [
      { state: 'PENDING_MULTI_REGION_IMPORT_AND_ROTATION' },
      { state: 'PENDING_ROTATION', importState: 'PENDING_IMPORT', wrapped: new Uint8Array(0) },
      { state: 'PENDING_ROTATION' },
    ];
    for (const [i, step] of steps.entries()) {
      const { version } = (await fresh(rig, key)).record;
      const put = [{ ...pending, ...step }];
      await rig.store.updateKeyMaterials(CALLER_SCOPE, record.keyId, version, {}, { put });
      if (i < 2) await expect(rotate(key)).rejects.toMatchObject(refused);
    }
    const listed = async (list: 'all' | 'rotated') =>
      (await rig.service.listRotations(key, list, 10, undefined)).items;
    expect((await listed('all')).map((one) => one.state)).toEqual(['CURRENT', 'PENDING_ROTATION']);
    expect(await listed('rotated')).toEqual([]);
    const rotated = await rotate(key);
    expect(rotated.record).toMatchObject({
      currentMaterialId: second.materialId,
      expirationModel: 'KEY_MATERIAL_EXPIRES',
      validTo: validTo - 1,
    });
    expect(await listed('rotated')).toMatchObject([
      {
        materialId: second.materialId,
        state: 'CURRENT',
        rotationType: 'ON_DEMAND',
        rotatedAt: rig.clock.now(),
        importState: 'IMPORTED',
        description: 'next',
      },
    ]);
    const opened = await rig.service.decrypt(rotated, blobInput(blob), undefined);
    expect(opened).toEqual({ plaintext: text, materialId: first.materialId });
    await expect(rotate(key)).rejects.toMatchObject(refused);
    await expect(rig.service.enableKeyRotation(key, 90)).rejects.toMatchObject({
      code: 'UnsupportedOperationException',
      message: `${key.arn} origin is EXTERNAL which is not valid for this operation.`,
    });
  });
});

const CALLER_SCOPE = { account: CALLER.account, region: CALLER.region };

describe('keys that do not rotate', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await openRig();
  });
  afterAll(() => rig.close());

  const CHANGES: readonly [string, (key: Key) => Promise<unknown>][] = [
    ['EnableKeyRotation', (key) => rig.service.enableKeyRotation(key, 90)],
    ['RotateKeyOnDemand', (key) => rig.service.rotateOnDemand(key)],
  ];

  test.each(['RSA_2048', 'ECC_NIST_P256', 'HMAC_256'] as const)('%s', async (spec) => {
    const usage = spec === 'HMAC_256' ? 'GENERATE_VERIFY_MAC' : 'SIGN_VERIFY';
    const key = await rig.create(spec, usage);
    for (const [, change] of CHANGES) {
      const refusal = await (async () => change(key))().then(
        () => undefined,
        (error: unknown) => error,
      );
      expect(refusal).toMatchObject({ code: 'UnsupportedOperationException', message: '' });
    }
    await rig.service.disableKeyRotation(key);
    expect(rig.service.rotationStatus(key)).toBeUndefined();
    for (const list of ['all', 'rotated'] as const) {
      expect(await rig.service.listRotations(key, list, 10, undefined)).toEqual({
        items: [],
        nextMarker: undefined,
      });
    }
    expect((await fresh(rig, key)).record).toEqual(key.record);
  });

  test('replicas rotate with their primary alone', async () => {
    const record = keyRecord({
      ...CALLER_SCOPE,
      keyId: `mrk-${'5'.repeat(32)}`,
      multiRegion: true,
      multiRegionRole: 'REPLICA',
      primaryRegion: 'us-east-1',
      rotationPeriodDays: 90,
      nextRotationAt: rig.clock.now(),
    });
    const { row } = await newMaterial(rig, record, rig.clock.now());
    await rig.store.insertKey({ ...record, currentMaterialId: row.materialId }, row, []);
    const key = await rig.resolve({ id: record.keyId, permission: 'kms:DescribeKey' });
    const changes = [...CHANGES, ['DisableKeyRotation', rig.service.disableKeyRotation]] as const;
    for (const [, change] of changes) {
      await expect((async () => change(key))()).rejects.toMatchObject({
        code: 'UnsupportedOperationException',
        message: `${key.arn} is not a multi-region primary key.`,
      });
    }
    expect(await rig.runDueWork()).toBe(0);
    expect(rig.service.rotationStatus(key)?.periodDays).toBe(90);
    await rig.service.disable(key);
    await rig.service.enable(await fresh(rig, key));
    expect((await fresh(rig, key)).record.currentMaterialId).toBe(row.materialId);
  });
});

describe('lists of rotations', () => {
  test('page by page, by markers that fit this key and this list alone', async () => {
    const rig = await openRig();
    const [key, other] = [await rig.create(), await rig.create()];
    for (let i = 0; i < 7; i += 1) await rig.service.rotateOnDemand(await fresh(rig, key));
    await rig.service.rotateOnDemand(other);
    const ids: string[] = [];
    const markers: string[] = [];
    let marker: string | undefined;
    do {
      const page = await rig.service.listRotations(key, 'rotated', 3, marker);
      ids.push(...page.items.map((one) => one.materialId));
      marker = page.nextMarker;
      if (marker !== undefined) markers.push(marker);
      // A rotation made between two pages comes at the end.
      if (markers.length === 1 && ids.length === 3) {
        await rig.service.rotateOnDemand(await fresh(rig, key));
      }
    } while (marker !== undefined);
    expect(ids).toEqual((await rotations(rig, key)).map((one) => one.materialId));
    expect(ids).toHaveLength(8);
    const foreign: [Key, 'all' | 'rotated'][] = [
      [other, 'rotated'],
      [key, 'all'],
    ];
    for (const [at, list] of foreign) {
      await expect(rig.service.listRotations(at, list, 3, markers[0])).rejects.toMatchObject({
        code: 'InvalidMarkerException',
      });
    }
    await rig.close();
  });
});
