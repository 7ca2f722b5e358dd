/** Domain keys: one line per region, rotation, races between processes, rows out of place. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDomainKeys } from '../../src/keys/domain-keys.js';
import {
  ACCOUNT,
  blobInput,
  CALLER,
  caller,
  openRig,
  overridden,
  REGION,
  type Rig,
} from './rig.js';

const text = Buffer.from('text');

describe('domain keys', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await openRig();
  });
  afterAll(() => rig.close());

  test('are made on first use, one per region', async () => {
    expect(await rig.store.listDomainKeys()).toEqual([]);
    const [a, b] = await Promise.all([rig.create(), rig.create()]);
    await rig.create('HMAC_256', 'GENERATE_VERIFY_MAC', caller(ACCOUNT, 'eu-north-1'));
    const rows = await rig.store.listDomainKeys();
    expect(rows.map((row) => row.region).sort()).toEqual([REGION, 'eu-north-1']);
    for (const key of [a, b]) await rig.service.encrypt(key, text, undefined);
  });

  test('rotate: the newest wraps, all unwrap, in other processes too', async () => {
    const old = await rig.create();
    const blob = await rig.service.encrypt(old, text, undefined);
    const before = await rig.domainKeys.current(REGION);
    const after = await rig.domainKeys.rotate(REGION);
    expect(after.id).toBeGreaterThan(before.id);
    expect(await rig.domainKeys.current(REGION)).toEqual(after);
    const young = await rig.create();
    const domainOf = async (keyId: string) => {
      const [material] = await rig.store.listMaterials({ account: ACCOUNT, region: REGION }, keyId);
      return material!.domainKeyId;
    };
    expect(await domainOf(old.record.keyId)).toBe(before.id);
    expect(await domainOf(young.record.keyId)).toBe(after.id);
    const twin = await openRig({ directory: rig.directory });
    const found = await twin.resolve({ ciphertext: blobInput(blob), permission: 'kms:Decrypt' });
    expect((await twin.service.decrypt(found, blobInput(blob), {})).plaintext).toEqual(text);
    await twin.service.encrypt(await twin.resolve({ id: young.arn }), text, undefined);
    expect((await twin.domainKeys.current(REGION)).id).toBe(after.id);
    await twin.close();
  });

  test('two processes that begin a line at one time both go on', async () => {
    const twin = await openRig({ directory: rig.directory });
    const by = caller(ACCOUNT, 'us-east-1');
    const create = (one: Rig) => one.create('SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT', by);
    const keys = await Promise.all([create(rig), create(twin)]);
    for (const key of keys) {
      for (const one of [rig, twin]) {
        const found = await one.resolve({ id: key.arn }, by);
        const blob = await one.service.encrypt(found, text, undefined);
        expect((await one.service.decrypt(found, blobInput(blob), {})).plaintext).toEqual(text);
      }
    }
    await twin.close();
  });

  test('that are absent, of another region or another time do not load', async () => {
    const current = await rig.domainKeys.current(REGION);
    const absent = rig.domainKeys.byId(REGION, 999);
    await expect(absent).rejects.toMatchObject({ code: 'KMSInternalException' });
    const elsewhere = rig.domainKeys.byId('eu-west-3', current.id + 1000);
    await expect(elsewhere).rejects.toMatchObject({ code: 'KMSInternalException' });
    const row = (await rig.store.listDomainKeys()).find((one) => one.id === current.id)!;
    const { region, wrapped, createdAt } = row;
    const moved = await rig.store.insertDomainKey('eu-west-3', wrapped, createdAt);
    const redated = await rig.store.insertDomainKey('eu-west-2', wrapped, createdAt + 1);
    for (const one of [moved, redated]) {
      await expect(rig.domainKeys.byId(one.region, one.id)).rejects.toMatchObject({
        code: 'KMSInternalException',
        message: '',
      });
    }
    const copied = await rig.store.insertDomainKey(region, wrapped, createdAt);
    expect((await rig.domainKeys.byId(region, copied.id)).id).toBe(copied.id);
  });

  test('a failure is not remembered', async () => {
    let fails = true;
    const store = overridden(rig.store, {
      listDomainKeys: async () => {
        if (fails) throw new Error('gone');
        return rig.store.listDomainKeys();
      },
    });
    const { keyStore, clock } = rig;
    const rootKey = (await rig.domainKeys.current(REGION)).handle;
    const keys = createDomainKeys({ store, keyStore, rootKey, clock });
    await expect(keys.current('eu-west-1')).rejects.toMatchObject({ code: 'KMSInternalException' });
    fails = false;
    expect((await keys.current('eu-west-1')).id).toBeGreaterThan(0);
    keys.close();
  });

  test('callers name no region that is not theirs', async () => {
    const key = await rig.create();
    await expect(
      rig.resolve({ id: key.record.keyId }, { ...CALLER, region: 'global' }),
    ).rejects.toMatchObject({ code: 'NotFoundException' });
  });
});
