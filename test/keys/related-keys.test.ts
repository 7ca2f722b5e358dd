/** Multi-Region keys in the domain: replicas, roles, deletion, rotation. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { StoredKey } from '../../src/core/records.js';
import type { Key } from '../../src/keys/key.js';
import { materialAad } from '../../src/keys/materials.js';
import { keyRecord, materialRecord } from '../store/records.js';
import { asked, primary, SECOND, seen, stored, THIRD } from './related-rig.js';
import { ACCOUNT, blobInput, caller, openRig, REGION, type Rig } from './rig.js';

const DAY_MS = 86_400_000;

describe('related keys', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await openRig({ parts: { regions: [REGION, SECOND, THIRD, 'cn-north-1'] } });
  });
  afterAll(() => rig.close());

  test('share what AWS says is shared, and nothing else', async () => {
    const key = await primary(rig);
    await rig.store.updateKey(key.record, {
      rotationPeriodDays: 90,
      nextRotationAt: 5,
    });
    rig.clock.advance(1000);
    const replica = await rig.service.replicateKey(key, {
      ...asked(SECOND),
      description: 'the second',
    });
    const record = await stored(rig, key, REGION);
    expect(replica.record).toEqual({
      ...record,
      region: SECOND,
      version: 1,
      description: 'the second',
      createdAt: record.createdAt + 1000,
      policy: null,
      multiRegionRole: 'REPLICA',
      primaryRegion: REGION,
      rotationPeriodDays: 90,
      nextRotationAt: 5,
    });
    expect(replica.arn).toBe(key.arn.replace(REGION, SECOND));
    expect((await rig.service.listTags(replica, 10, undefined)).items).toEqual([]);
    expect((await rig.service.relatedKeys(replica)).map((one) => one.record.region)).toEqual([
      REGION,
      SECOND,
    ]);
    const single = await rig.create();
    expect(await rig.service.relatedKeys(single)).toEqual([single]);
  });

  test('have the same material, wrapped by the domain key of each Region', async () => {
    const key = await primary(rig);
    const replica = await rig.service.replicateKey(key, asked(SECOND));
    const [here] = await rig.store.listMaterials(key.record, key.record.keyId);
    const [there] = await rig.store.listMaterials(replica.record, key.record.keyId);
    expect(there!.materialId).toBe(here!.materialId);
    expect(there!.domainKeyId).not.toBe(here!.domainKeyId);
    expect(Buffer.from(there!.wrapped).equals(Buffer.from(here!.wrapped))).toBe(false);
    const sealed = await rig.service.encrypt(key, Buffer.from('text'), { a: 'b' });
    const opened = await rig.service.decrypt(replica, blobInput(sealed), { a: 'b' });
    expect(opened).toEqual({ plaintext: Buffer.from('text'), materialId: here!.materialId });
  });

  test.each([
    ['RSA_2048', 'SIGN_VERIFY', 'RSASSA_PSS_SHA_256'],
    ['ECC_NIST_P256', 'SIGN_VERIFY', 'ECDSA_SHA_256'],
  ] as const)('%s: signed in one Region, verified in another', async (spec, usage, algorithm) => {
    const key = await primary(rig, spec, usage);
    const replica = await rig.service.replicateKey(key, asked(THIRD));
    const message = Buffer.from('message');
    for (const [signer, verifier] of [[key, replica] as const, [replica, key] as const]) {
      const signature = await rig.service.sign(signer, algorithm, message, 'RAW');
      await rig.service.verify(verifier, algorithm, message, 'RAW', signature);
    }
    expect(replica.record.publicKey).toEqual(key.record.publicKey);
  });

  test('every earlier material goes to a new replica', async () => {
    const key = await primary(rig);
    const { keyId } = key.record;
    const sealed = await rig.service.encrypt(key, Buffer.from('old'), undefined);
    const [first] = await rig.store.listMaterials(key.record, keyId);
    const domain = await rig.domainKeys.rotate(REGION);
    const aad = materialAad(key.record);
    const made = await rig.keyStore.generate(domain.handle, 'SYMMETRIC_DEFAULT', keyId, aad);
    const next = materialRecord(key.record, domain.id, {
      materialId: made.materialId.toString('hex'),
      wrapped: made.wrapped,
      rotationType: 'ON_DEMAND',
      rotatedAt: 7,
      createdAt: first!.createdAt + 1,
    });
    const put = [{ ...first!, state: 'NON_CURRENT' as const }, next];
    const patch = { currentMaterialId: next.materialId };
    await rig.store.updateKeyMaterials(key.record, keyId, 1, patch, { put });
    const replica = await rig.service.replicateKey(await seen(rig, key, REGION), asked(SECOND));
    expect(replica.record.currentMaterialId).toBe(next.materialId);
    expect(await rig.store.listMaterials(replica.record, keyId)).toMatchObject([
      { materialId: first!.materialId, state: 'NON_CURRENT' },
      { materialId: next.materialId, state: 'CURRENT', rotatedAt: 7, rotationType: 'ON_DEMAND' },
    ]);
    const fresh = await rig.service.encrypt(replica, Buffer.from('new'), undefined);
    const read = await rig.service.decrypt(await seen(rig, key, REGION), blobInput(fresh), {});
    expect(read).toEqual({ plaintext: Buffer.from('new'), materialId: next.materialId });
    const opened = await rig.service.decrypt(replica, blobInput(sealed), undefined);
    expect(opened.plaintext).toEqual(Buffer.from('old'));
  });

  test('imported material is known to a replica, and not copied', async () => {
    const domain = await rig.domainKeys.current(REGION);
    const imported: StoredKey = keyRecord({
      account: ACCOUNT,
      region: REGION,
      keyId: `mrk-${'1'.repeat(32)}`,
      origin: 'EXTERNAL',
      multiRegion: true,
      multiRegionRole: 'PRIMARY',
      primaryRegion: REGION,
      currentMaterialId: 'ab'.repeat(32),
      expirationModel: 'KEY_MATERIAL_EXPIRES',
      validTo: 99,
    });
    const material = materialRecord(imported, domain.id, {
      importState: 'IMPORTED',
      expirationModel: 'KEY_MATERIAL_EXPIRES',
      validTo: 99,
      description: 'from the safe',
    });
    await rig.store.insertKey(imported, material);
    const key = await rig.resolve({ id: imported.keyId, permission: 'kms:ReplicateKey' });
    const replica = await rig.service.replicateKey(key, asked(SECOND));
    expect(replica.record).toMatchObject({
      state: 'PendingImport',
      origin: 'EXTERNAL',
      currentMaterialId: 'ab'.repeat(32),
      expirationModel: null,
      validTo: null,
    });
    const [copy] = await rig.store.listMaterials(replica.record, imported.keyId);
    expect({ ...copy, wrapped: [...copy!.wrapped] }).toMatchObject({
      materialId: 'ab'.repeat(32),
      description: 'from the safe',
      importState: 'PENDING_IMPORT',
      expirationModel: null,
      validTo: null,
      wrapped: [],
    });
  });

  describe('refusals', () => {
    test('by role, Region and partition', async () => {
      const key = await primary(rig);
      const replica = await rig.service.replicateKey(key, asked(SECOND));
      const single = await rig.create();
      for (const other of [replica, single]) {
        const refused = {
          code: 'UnsupportedOperationException',
          message: `${other.arn} is not a multi-region primary key.`,
        };
        await expect(rig.service.replicateKey(other, asked(THIRD))).rejects.toMatchObject(refused);
        await expect(rig.service.updatePrimaryRegion(other, THIRD)).rejects.toMatchObject(refused);
      }
      for (const region of [REGION, SECOND]) {
        await expect(rig.service.replicateKey(key, asked(region))).rejects.toMatchObject({
          code: 'AlreadyExistsException',
        });
      }
      for (const region of ['sa-east-1', 'cn-north-1']) {
        await expect(rig.service.replicateKey(key, asked(region))).rejects.toMatchObject({
          code: 'UnsupportedOperationException',
        });
      }
      await expect(rig.service.updatePrimaryRegion(key, THIRD)).rejects.toMatchObject({
        code: 'NotFoundException',
        message: `Key '${key.arn.replace(REGION, THIRD)}' does not exist`,
      });
      await expect(rig.service.updatePrimaryRegion(key, REGION)).rejects.toMatchObject({
        code: 'UnsupportedOperationException',
      });
    });

    test('of a new primary that is not enabled, by its own ARN', async () => {
      const key = await primary(rig);
      const replica = await rig.service.replicateKey(key, asked(SECOND));
      await rig.service.disable(replica);
      await expect(rig.service.updatePrimaryRegion(key, SECOND)).rejects.toMatchObject({
        code: 'DisabledException',
        message: `${replica.arn} is disabled.`,
      });
      expect((await stored(rig, key, REGION)).multiRegionRole).toBe('PRIMARY');
    });

    test('where the replica Region is full', async () => {
      const full = await openRig({ parts: { quotas: { keys: 1 } } });
      const key = await primary(full);
      await full.create('SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT', caller(ACCOUNT, SECOND));
      await expect(full.service.replicateKey(key, asked(SECOND))).rejects.toMatchObject({
        code: 'LimitExceededException',
      });
      await full.close();
    });
  });

  test('the primary moves there and back, and all related keys know', async () => {
    const key = await primary(rig);
    await rig.service.replicateKey(key, asked(SECOND));
    await rig.service.replicateKey(key, asked(THIRD));
    const roles = async () =>
      (await rig.service.relatedKeys(key)).map(({ record }) => [
        record.region,
        record.multiRegionRole,
        record.primaryRegion,
      ]);
    await rig.service.updatePrimaryRegion(key, SECOND);
    expect(await roles()).toEqual([
      [THIRD, 'REPLICA', SECOND],
      [REGION, 'REPLICA', SECOND],
      [SECOND, 'PRIMARY', SECOND],
    ]);
    await expect(rig.service.updatePrimaryRegion(key, THIRD)).rejects.toMatchObject({
      code: 'UnsupportedOperationException',
    });
    await rig.service.updatePrimaryRegion(await seen(rig, key, SECOND), REGION);
    expect(await roles()).toEqual([
      [THIRD, 'REPLICA', REGION],
      [REGION, 'PRIMARY', REGION],
      [SECOND, 'REPLICA', REGION],
    ]);
  });

  test('a primary with replicas waits for the last of them, then for its window', async () => {
    const key = await primary(rig);
    const [second, third] = [
      await rig.service.replicateKey(key, asked(SECOND)),
      await rig.service.replicateKey(key, asked(THIRD)),
    ];
    const waiting = await rig.service.scheduleDeletion(key, 10);
    expect(waiting.record).toMatchObject({
      state: 'PendingReplicaDeletion',
      deletionDate: null,
      pendingWindowDays: 10,
    });
    rig.clock.advance(400 * DAY_MS);
    await rig.runDueWork();
    expect(await stored(rig, key, REGION)).toMatchObject({ state: 'PendingReplicaDeletion' });
    await rig.service.scheduleDeletion(second, 7);
    await rig.service.scheduleDeletion(third, 8);
    rig.clock.advance(7 * DAY_MS);
    await rig.runDueWork();
    expect((await rig.service.relatedKeys(key)).map((one) => one.record.region)).toEqual([
      THIRD,
      REGION,
    ]);
    expect((await stored(rig, key, REGION)).state).toBe('PendingReplicaDeletion');
    rig.clock.advance(DAY_MS);
    await rig.runDueWork();
    expect(await stored(rig, key, REGION)).toMatchObject({
      state: 'PendingDeletion',
      deletionDate: rig.clock.now() + 10 * DAY_MS,
    });
    rig.clock.advance(10 * DAY_MS);
    await rig.runDueWork();
    expect(await rig.store.listRelatedKeys(ACCOUNT, key.record.keyId)).toEqual([]);
  });

  test('deletion is cancelled while the primary waits; a deleted replica can be made again', async () => {
    const key = await primary(rig);
    const replica = await rig.service.replicateKey(key, asked(SECOND));
    await rig.service.scheduleDeletion(key, 7);
    const cancelled = await rig.service.cancelDeletion(await seen(rig, key, REGION));
    expect(cancelled.record).toMatchObject({ state: 'Disabled', pendingWindowDays: null });
    await rig.service.enable(cancelled);
    await rig.service.scheduleDeletion(replica, 7);
    await expect(
      rig.service.replicateKey(await seen(rig, key, REGION), asked(SECOND)),
    ).rejects.toMatchObject({ code: 'AlreadyExistsException' });
    rig.clock.advance(7 * DAY_MS);
    await rig.runDueWork();
    const again = await rig.service.replicateKey(await seen(rig, key, REGION), asked(SECOND));
    const sealed = await rig.service.encrypt(again, Buffer.from('x'), undefined);
    const opened = await rig.service.decrypt(key, blobInput(sealed), undefined);
    expect(opened.plaintext).toEqual(Buffer.from('x'));
    expect((await stored(rig, key, REGION)).state).toBe('Enabled');
  });
});

describe('rotation of a primary', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await openRig();
  });
  afterAll(() => rig.close());

  const ids = async (key: Key) =>
    (await rig.store.listMaterials(key.record, key.record.keyId)).map((one) => [
      one.materialId,
      one.state,
      one.rotationType,
      one.rotatedAt,
    ]);

  test('reaches its replicas: material on demand and by date, and the setting', async () => {
    const key = await primary(rig);
    const replica = await rig.service.replicateKey(key, asked(SECOND));
    const old = await rig.service.encrypt(replica, Buffer.from('old'), undefined);
    await rig.service.rotateOnDemand(await seen(rig, key, REGION));
    await rig.service.enableKeyRotation(await seen(rig, key, REGION), 90);
    rig.clock.advance(181 * DAY_MS);
    await rig.runDueWork();
    const [here, there] = [await seen(rig, key, REGION), await seen(rig, key, SECOND)];
    expect(await ids(there)).toEqual(await ids(here));
    expect(await ids(there)).toHaveLength(4);
    for (const member of ['currentMaterialId', 'rotationPeriodDays', 'nextRotationAt'] as const) {
      expect(there.record[member]).toBe(here.record[member]);
    }
    const opened = await rig.service.decrypt(here, blobInput(old), undefined);
    expect(opened).toMatchObject({ plaintext: Buffer.from('old') });
    const fresh = await rig.service.encrypt(there, Buffer.from('new'), undefined);
    expect(await rig.service.decrypt(here, blobInput(fresh), undefined)).toEqual({
      plaintext: Buffer.from('new'),
      materialId: here.record.currentMaterialId,
    });
    await rig.service.disableKeyRotation(here);
    expect((await seen(rig, key, SECOND)).record).toMatchObject({
      rotationPeriodDays: null,
      nextRotationAt: null,
    });
    const later = await rig.service.replicateKey(await seen(rig, key, REGION), asked(THIRD));
    expect(await ids(later)).toEqual(await ids(here));
  });

  test('is refused to replicas, and goes on where the primary goes', async () => {
    const key = await primary(rig);
    const replica = await rig.service.replicateKey(key, asked(SECOND));
    const refused = {
      code: 'UnsupportedOperationException',
      message: `${replica.arn} is not a multi-region primary key.`,
    };
    await expect(rig.service.enableKeyRotation(replica, 90)).rejects.toMatchObject(refused);
    await expect(rig.service.disableKeyRotation(replica)).rejects.toMatchObject(refused);
    await expect(async () => rig.service.rotateOnDemand(replica)).rejects.toMatchObject(refused);
    await rig.service.enableKeyRotation(await seen(rig, key, REGION), 90);
    await rig.service.updatePrimaryRegion(await seen(rig, key, REGION), SECOND);
    rig.clock.advance(91 * DAY_MS);
    await rig.runDueWork();
    expect(await ids(await seen(rig, key, REGION))).toHaveLength(2);
    expect(await ids(replica)).toHaveLength(2);
  });

  test('of imported material keeps what a replica has imported itself', async () => {
    const domain = await rig.domainKeys.current(REGION);
    const [older, newer] = ['ab'.repeat(32), 'cd'.repeat(32)];
    const record: StoredKey = keyRecord({
      account: ACCOUNT,
      region: REGION,
      keyId: `mrk-${'2'.repeat(32)}`,
      origin: 'EXTERNAL',
      multiRegion: true,
      multiRegionRole: 'PRIMARY',
      primaryRegion: REGION,
      currentMaterialId: older,
    });
    const imported = { importState: 'IMPORTED' } as const;
    await rig.store.insertKey(record, materialRecord(record, domain.id, imported));
    const key = await seen(rig, { record } as Key, REGION);
    const replica = await rig.service.replicateKey(key, asked(SECOND));
    const there = await rig.domainKeys.current(SECOND);
    const pending = { materialId: newer, state: 'PENDING_ROTATION', ...imported } as const;
    for (const [at, domainId] of [
      [record, domain.id] as const,
      [replica.record, there.id] as const,
    ]) {
      const { version } = await stored(rig, key, at.region);
      const put = [
        materialRecord(at, domainId, { ...imported, wrapped: Buffer.from([1]) }),
        materialRecord(at, domainId, { ...pending, wrapped: Buffer.from([2]), createdAt: 1 }),
      ];
      await rig.store.updateKeyMaterials(at, record.keyId, version, { state: 'Enabled' }, { put });
    }
    await rig.service.rotateOnDemand(await seen(rig, key, REGION));
    const rows = await rig.store.listMaterials(replica.record, record.keyId);
    expect(rows.map((row) => [row.materialId, row.state, row.importState, ...row.wrapped])).toEqual(
      [
        [older, 'NON_CURRENT', 'IMPORTED', 1],
        [newer, 'CURRENT', 'IMPORTED', 2],
      ],
    );
    expect((await stored(rig, key, SECOND)).currentMaterialId).toBe(newer);
  });
});
