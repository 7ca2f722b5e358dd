/** Notes of last uses: what is kept in memory, what comes to the store, and what does not. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { StoredKeyUse } from '../../src/core/records.js';
import type { Key } from '../../src/keys/key.js';
import { LastUsage } from '../../src/keys/last-usage.js';
import { StoreError } from '../../src/store/port.js';
import { ACCOUNT, openRig, overridden, REGION, type Rig } from './rig.js';

const SCOPE = { account: ACCOUNT, region: REGION };

let rig: Rig;
beforeEach(async () => {
  rig = await openRig();
});
afterEach(() => rig.close());

const stored = (key: Key) => rig.store.getKeyUse(SCOPE, key.record.keyId);
const noteAt = (usage: LastUsage, key: Key, usedAt: number, operation = 'Encrypt') =>
  usage.note(key, operation, usedAt, `request ${usedAt}`, `event ${usedAt}`);

test('a note is seen at once, and is in the store after a flush, once', async () => {
  const key = await rig.create();
  expect((await rig.service.lastUsage(key)).use).toBeUndefined();
  rig.service.noteUse(key, 'Encrypt', 5_000, 'r1', 'e1');
  rig.service.noteUse(key, 'Decrypt', 6_000, 'r2', 'e2');
  const use = {
    ...SCOPE,
    keyId: key.record.keyId,
    operation: 'Decrypt',
    usedAt: 6_000,
    requestId: 'r2',
    eventId: 'e2',
  };
  expect((await rig.service.lastUsage(key)).use).toMatchObject(use);
  expect(await stored(key)).toBeUndefined();
  expect(await rig.service.flushUses()).toBe(1);
  expect(await stored(key)).toEqual(use);
  expect((await rig.service.lastUsage(key)).use).toEqual(use);
  expect(await rig.service.flushUses()).toBe(0);
});

test('a round of due work writes them, and counts nothing as due', async () => {
  const key = await rig.create();
  rig.service.noteUse(key, 'Sign', 7_000, 'r', 'e');
  let due = 0;
  for (const work of rig.service.dueWork) due += await work.run(rig.clock.now());
  expect(due).toBe(0);
  expect((await stored(key))!.operation).toBe('Sign');
});

test('tracking begins with the database, or with a younger key', async () => {
  const begin = (await rig.store.migratedAt(2))!;
  const old = await rig.create();
  expect((await rig.service.lastUsage(old)).trackedSince).toBe(begin);
  rig.clock.advance(86_400_000);
  const young = await rig.create();
  expect((await rig.service.lastUsage(young)).trackedSince).toBe(begin + 86_400_000);
});

test('a key that is cached anew goes on with the note that waits', async () => {
  const usage = new LastUsage(rig.store);
  const first = await rig.create();
  noteAt(usage, first, 1_000);
  await rig.service.updateDescription(first, 'changed');
  const again = await rig.resolve({ id: first.record.keyId });
  noteAt(usage, again, 2_000);
  noteAt(usage, first, 3_000, 'Decrypt');
  expect(await usage.flush()).toBe(1);
  expect(await stored(first)).toMatchObject({ usedAt: 3_000, operation: 'Decrypt' });
  // The notes of both are written over and wait again.
  noteAt(usage, again, 4_000);
  noteAt(usage, first, 5_000);
  expect(await usage.flush()).toBe(1);
  expect(await stored(first)).toMatchObject({ usedAt: 5_000 });
});

test('beyond the bound the oldest notes are dropped, and none is left hanging', async () => {
  const usage = new LastUsage(rig.store, 2);
  const keys = [await rig.create(), await rig.create(), await rig.create()];
  keys.forEach((key, i) => {
    noteAt(usage, key, 1_000 + i);
  });
  expect(await usage.flush()).toBe(2);
  expect(await stored(keys[0]!)).toBeUndefined();
  expect(await stored(keys[2]!)).toMatchObject({ usedAt: 1_002 });
  noteAt(usage, keys[0]!, 2_000);
  await usage.flush();
  expect(await stored(keys[0]!)).toMatchObject({ usedAt: 2_000 });
});

test('what the store could not write waits for the next time, unless there is newer', async () => {
  let failing = true;
  const store = overridden(rig.store, {
    recordKeyUses: async (uses: readonly StoredKeyUse[]) => {
      if (failing) throw new StoreError('FULL', 'no space');
      await rig.store.recordKeyUses(uses);
    },
  });
  const usage = new LastUsage(store);
  const [one, two] = [await rig.create(), await rig.create()];
  noteAt(usage, one, 1_000);
  noteAt(usage, two, 1_000);
  const failed = usage.flush();
  noteAt(usage, two, 2_000);
  await expect(failed).rejects.toMatchObject({ code: 'KMSInternalException' });
  expect((await usage.of(one)).use).toMatchObject({ usedAt: 1_000 });
  failing = false;
  expect(await usage.flush()).toBe(2);
  expect(await stored(one)).toMatchObject({ usedAt: 1_000 });
  expect(await stored(two)).toMatchObject({ usedAt: 2_000 });
});

test('a use is seen while it is being written', async () => {
  let release = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const store = overridden(rig.store, {
    recordKeyUses: async (uses: readonly StoredKeyUse[]) => {
      await gate;
      await rig.store.recordKeyUses(uses);
    },
  });
  const usage = new LastUsage(store);
  const key = await rig.create();
  noteAt(usage, key, 1_000);
  const flushed = usage.flush();
  expect((await usage.of(key)).use).toMatchObject({ usedAt: 1_000 });
  release();
  await flushed;
  expect((await usage.of(key)).use).toMatchObject({ usedAt: 1_000 });
});

test('a key deleted meanwhile is passed over', async () => {
  const key = await rig.create();
  rig.service.noteUse(key, 'Encrypt', 1_000, 'r', 'e');
  await rig.store.deleteKey(SCOPE, key.record.keyId, 1, rig.clock.now());
  expect(await rig.service.flushUses()).toBe(1);
  expect(await stored(key)).toBeUndefined();
});
