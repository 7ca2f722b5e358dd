/** Changes of keys against concurrent ones, failures of the store, limits, deletion. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { KmsError } from '../../src/core/errors.js';
import type { Key } from '../../src/keys/key.js';
import { createScheduler } from '../../src/keys/scheduler.js';
import { StoreError } from '../../src/store/port.js';
import { ACCOUNT, CALLER, openRig, overridden, REGION, type Rig } from './rig.js';

const SCOPE = { account: ACCOUNT, region: REGION };
const DAY_MS = 86_400_000;
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('changes of one key', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await openRig();
  });
  afterAll(() => rig.close());

  const state = async (key: Key) => (await rig.store.getKey(SCOPE, key.record.keyId))!.state;

  test('that meet another are tried again on what it left', async () => {
    const key = await rig.create();
    const { keyId } = key.record;
    await rig.store.updateKey(key.record, { description: 'another' });
    await rig.service.disable(key);
    const stored = await rig.store.getKey(SCOPE, keyId);
    expect(stored).toMatchObject({ state: 'Disabled', description: 'another', version: 3 });
  });

  test('never bring back a key that is pending deletion meanwhile', async () => {
    const key = await rig.create();
    await rig.service.disable(key);
    const disabled = await rig.resolve({ id: key.arn, permission: 'kms:EnableKey' });
    await rig.service.scheduleDeletion(disabled, 7);
    await expect(rig.service.enable(disabled)).rejects.toMatchObject({
      code: 'KMSInvalidStateException',
      message: `${key.arn} is pending deletion.`,
    });
    expect(await state(key)).toBe('PendingDeletion');
  });

  test('that change nothing write nothing', async () => {
    const key = await rig.create();
    await rig.service.enable(key);
    await rig.service.updateDescription(key, '');
    expect((await rig.store.getKey(SCOPE, key.record.keyId))!.version).toBe(1);
    await rig.store.updateKey(key.record, { state: 'Unavailable' });
    // Shown as unavailable until its store is connected again.
    await rig.service.enable(await rig.resolve({ id: key.arn, permission: 'kms:EnableKey' }));
    expect(await state(key)).toBe('Unavailable');
  });

  test('many at one time all succeed, one after another', async () => {
    const key = await rig.create();
    await Promise.all(
      Array.from({ length: 40 }, (_, i) => rig.service.updateDescription(key, `text ${i}`)),
    );
    const stored = (await rig.store.getKey(SCOPE, key.record.keyId))!;
    expect(stored).toMatchObject({ version: 41, description: 'text 39' });
  });

  test('do not wait for ever behind one that failed', async () => {
    const key = await rig.create();
    await rig.service.scheduleDeletion(key, 7);
    const refused = rig.service.disable(key);
    const cancelled = rig.service.cancelDeletion(
      await rig.resolve({ id: key.arn, permission: 'kms:CancelKeyDeletion' }),
    );
    await expect(refused).rejects.toMatchObject({ code: 'KMSInvalidStateException' });
    await cancelled;
    expect(await state(key)).toBe('Disabled');
  });

  test('of a key that is gone', async () => {
    const key = await rig.create();
    await rig.store.deleteKey(SCOPE, key.record.keyId, 1, rig.clock.now());
    const changes: (() => Promise<unknown>)[] = [
      () => rig.service.disable(key),
      () => rig.service.scheduleDeletion(key, 7),
      () => rig.service.createAlias(CALLER, 'alias/gone', key),
      () => rig.service.encrypt(key, Buffer.from('x'), undefined),
    ];
    for (const change of changes) {
      await expect(change()).rejects.toMatchObject({
        code: 'NotFoundException',
        message: `Key '${key.arn}' does not exist`,
      });
    }
  });
});

describe('a store that fails', () => {
  test.each(['FULL', 'UNAVAILABLE', 'CORRUPT'] as const)('%s', async (code) => {
    let failing = false;
    const fails = async (): Promise<never> => {
      throw new StoreError(code, 'the disk');
    };
    const rig = await openRig({
      wrapStore: (inner) =>
        new Proxy(inner, {
          get(target, name) {
            const value = Reflect.get(target, name);
            if (name === 'onChange') return value.bind(target);
            return failing ? fails : value.bind(target);
          },
        }),
    });
    const key = await rig.create();
    await rig.service.createAlias(CALLER, 'alias/x', key);
    const page = await rig.service.listKeys(CALLER, 1, undefined);
    expect(page.nextMarker).toBeUndefined();
    failing = true;
    const { service } = rig;
    const calls: (() => Promise<unknown>)[] = [
      () => rig.create(),
      () => service.disable(key),
      () => service.updateDescription(key, 'x'),
      () => service.scheduleDeletion(key, 7),
      () => service.listKeys(CALLER, 1, undefined),
      () => service.createAlias(CALLER, 'alias/y', key),
      () => service.updateAlias(CALLER, 'alias/x', key),
      () => service.deleteAlias(CALLER, 'alias/x'),
      () => service.listAliases(CALLER, undefined, 1, undefined),
      () => service.aliasTarget(CALLER, 'alias/x'),
      () => rig.runDueWork(),
      () => service.encrypt(key, Buffer.from('x'), undefined),
      () => rig.resolve({ id: 'alias/x' }),
      () => rig.resolve({ id: key.arn, permission: 'kms:DescribeKey' }),
      () => rig.accessKeys.create({ arn: CALLER.arn }),
      async () => rig.accessKeys.find('AKIAABCDEFGHIJKLMNOP'),
    ];
    for (const [i, call] of calls.entries()) {
      const outcome = await call().then(
        () => 'done',
        (error: unknown) =>
          error instanceof KmsError && [
            error.code,
            error.message,
            error.cause instanceof StoreError,
          ],
      );
      expect([i, outcome]).toEqual([i, ['KMSInternalException', '', true]]);
    }
    failing = false;
    await service.encrypt(await rig.resolve({ id: 'alias/x' }), Buffer.from('x'), undefined);
    await rig.close();
  });
});

test('an account holds so many keys and no more', async () => {
  const rig = await openRig({ parts: { quotas: { keys: 2 } } });
  await rig.create();
  await rig.create();
  await expect(rig.create()).rejects.toMatchObject({ code: 'LimitExceededException' });
  await rig.create('SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT', { ...CALLER, region: 'eu-north-1' });
  await rig.close();
});

describe('deletion', () => {
  let rig: Rig;
  const deleted: string[] = [];
  let auditFails = false;
  beforeAll(async () => {
    rig = await openRig({
      parts: {
        onDeleted: (key) => {
          deleted.push(key.arn);
          if (auditFails) throw new Error('audit');
        },
      },
    });
  });
  afterAll(() => rig.close());

  async function doomed(days: number): Promise<Key> {
    const key = await rig.create();
    return rig.service.scheduleDeletion(key, days);
  }

  test('takes the key, its materials and its aliases, and tells', async () => {
    const key = await rig.create();
    const { keyId } = key.record;
    await rig.service.createAlias(CALLER, 'alias/doomed', key);
    await rig.service.encrypt(await rig.resolve({ id: 'alias/doomed' }), Buffer.from('x'), {});
    const planned = await rig.service.scheduleDeletion(key, 7);
    expect(planned.record).toMatchObject({
      state: 'PendingDeletion',
      deletionDate: rig.clock.now() + 7 * DAY_MS,
    });
    rig.clock.advance(7 * DAY_MS - 1);
    expect(await rig.runDueWork()).toBe(0);
    rig.clock.advance(1);
    expect(await rig.runDueWork()).toBe(1);
    expect(deleted).toEqual([key.arn]);
    expect(await rig.store.getKey(SCOPE, keyId)).toBeUndefined();
    expect(await rig.store.listMaterials(SCOPE, keyId)).toEqual([]);
    expect(await rig.store.getAlias(SCOPE, 'alias/doomed')).toBeUndefined();
    expect(rig.service.cached()).toEqual({ keys: 0, materials: 0, grants: 0 });
    for (const id of ['alias/doomed', keyId]) {
      await expect(rig.resolve({ id })).rejects.toMatchObject({ code: 'NotFoundException' });
    }
    expect(await rig.runDueWork()).toBe(0);
  });

  test('spares a key whose deletion was cancelled', async () => {
    const key = await doomed(7);
    const spared = await rig.service.cancelDeletion(key);
    expect(spared.record).toMatchObject({ state: 'Disabled', deletionDate: null });
    rig.clock.advance(30 * DAY_MS);
    expect(await rig.runDueWork()).toBe(0);
    expect((await rig.resolve({ id: key.arn })).record.state).toBe('Disabled');
  });

  test('spares a key that is cancelled between the look and the deed', async () => {
    const key = await doomed(7);
    rig.clock.advance(7 * DAY_MS);
    const [due] = await rig.store.keysDueForDeletion(rig.clock.now(), 10);
    expect(due!.keyId).toBe(key.record.keyId);
    const late = await openRig({
      directory: rig.directory,
      wrapStore: (inner) => overridden(inner, { keysDueForDeletion: async () => [due!] }),
    });
    await rig.service.cancelDeletion(key);
    expect(await late.runDueWork()).toBe(0);
    expect((await rig.store.getKey(SCOPE, key.record.keyId))!.state).toBe('Disabled');
    await late.close();
  });

  test('of many keys, in one round, even when telling fails', async () => {
    for (let i = 0; i < 105; i += 1) await doomed(7);
    rig.clock.advance(7 * DAY_MS);
    deleted.length = 0;
    auditFails = true;
    await expect(rig.runDueWork()).rejects.toMatchObject({
      code: 'KMSInternalException',
    });
    auditFails = false;
    expect(deleted).toHaveLength(105);
    expect(await rig.store.keysDueForDeletion(rig.clock.now(), 10)).toEqual([]);
  });

  test('by the scheduler, on the clock', async () => {
    const errors: unknown[] = [];
    const { service, clock } = rig;
    const scheduler = createScheduler({
      work: service.dueWork,
      clock,
      onError: (error) => errors.push(error),
      tickMs: 1,
    });
    scheduler.start();
    scheduler.start();
    expect(await scheduler.run()).toBe(0);
    const key = await doomed(7);
    clock.advance(7 * DAY_MS);
    const deadline = performance.now() + 10_000;
    while ((await rig.store.getKey(SCOPE, key.record.keyId)) !== undefined) {
      if (performance.now() > deadline) throw new Error('not deleted');
      await turn();
    }
    await doomed(7);
    auditFails = true;
    clock.advance(7 * DAY_MS);
    while (errors.length === 0) {
      if (performance.now() > deadline) throw new Error('no failure was told');
      await turn();
    }
    auditFails = false;
    expect(errors[0]).toMatchObject({ code: 'KMSInternalException' });
    await scheduler.stop();
    await doomed(7);
    clock.advance(7 * DAY_MS);
    for (let i = 0; i < 20; i += 1) await turn();
    expect(await scheduler.run()).toBe(1);
  });
});
