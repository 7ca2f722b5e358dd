/**
 * What the caches may never do: serve what another process has changed, free a key in use, read
 * twice what many ask for at once, or remember what was overtaken by a change.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EngineError } from '../../src/engine/port.js';
import { SecondChanceCache } from '../../src/keys/second-chance-cache.js';
import type { KeyHandle, KeyStore } from '../../src/keystores/port.js';
import { type Store, StoreError } from '../../src/store/port.js';
import { ACCOUNT, blobInput, CALLER, openRig, overridden, REGION, type Rig } from './rig.js';

const SCOPE = { account: ACCOUNT, region: REGION };
const text = Buffer.from('text');

/** Waits until `check` does not throw; the change feed has 1 s to tell other processes. */
async function soon(check: () => Promise<void>): Promise<void> {
  const deadline = performance.now() + 10_000;
  for (;;) {
    try {
      await check();
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('two processes on one store', () => {
  let here: Rig;
  let there: Rig;
  beforeAll(async () => {
    here = await openRig();
    there = await openRig({ directory: here.directory });
  });
  afterAll(async () => {
    await there.close();
    await here.close();
  });

  test('a key of one is used by the other', async () => {
    const key = await here.create();
    const blob = await here.service.encrypt(key, text, undefined);
    const found = await there.resolve({ ciphertext: blobInput(blob), permission: 'kms:Decrypt' });
    const opened = await there.service.decrypt(found, blobInput(blob), undefined);
    expect(opened.plaintext).toEqual(text);
  });

  test('disabling and deletion reach a cached key', async () => {
    const key = await here.create();
    const id = key.record.keyId;
    const use = async () => {
      const found = await there.resolve({ id });
      there.service.requireState('Encrypt', found);
      return there.service.encrypt(found, text, undefined);
    };
    await use();
    await here.service.disable(key);
    await soon(() => expect(use()).rejects.toMatchObject({ code: 'DisabledException' }));
    await here.service.enable(await here.resolve({ id, permission: 'kms:EnableKey' }));
    await soon(async () => void (await use()));
    const fresh = await here.resolve({ id, permission: 'kms:ScheduleKeyDeletion' });
    await here.service.scheduleDeletion(fresh, 7);
    here.clock.advance(7 * 86_400_000);
    expect(await here.runDueWork()).toBe(1);
    await soon(() => expect(use()).rejects.toMatchObject({ code: 'NotFoundException' }));
  });

  test('management sees the other process at once, before any feed', async () => {
    const key = await here.create();
    const lookup = { id: key.record.keyId, permission: 'kms:DescribeKey' };
    await there.resolve({ id: key.record.keyId });
    for (let i = 0; i < 20; i += 1) {
      await here.service.disable(await here.resolve(lookup));
      expect((await there.resolve(lookup)).record.state).toBe('Disabled');
      await there.service.enable(await there.resolve(lookup));
      expect((await here.resolve(lookup)).record.state).toBe('Enabled');
    }
  });

  test('an alias that was moved or deleted', async () => {
    const first = await here.create();
    const second = await here.create();
    await here.service.createAlias(CALLER, 'alias/moves', first);
    const target = async () => (await there.resolve({ id: 'alias/moves' })).arn;
    expect(await target()).toBe(first.arn);
    await here.service.updateAlias(CALLER, 'alias/moves', second);
    await soon(async () => expect(await target()).toBe(second.arn));
    await here.service.deleteAlias(CALLER, 'alias/moves');
    await soon(() => expect(target()).rejects.toMatchObject({ code: 'NotFoundException' }));
  });

  test('absence is not remembered', async () => {
    const find = () => there.resolve({ id: 'alias/later' });
    await expect(find()).rejects.toMatchObject({ code: 'NotFoundException' });
    const key = await here.create();
    await here.service.createAlias(CALLER, 'alias/later', key);
    expect((await find()).arn).toBe(key.arn);
  });
});

test('own changes are seen by the next call', async () => {
  const rig = await openRig();
  const key = await rig.create();
  await rig.service.createAlias(CALLER, 'alias/own', key);
  for (const id of [key.record.keyId, 'alias/own', key.arn]) {
    await rig.resolve({ id });
    await rig.service.disable(await rig.resolve({ id: key.arn, permission: 'kms:DisableKey' }));
    expect((await rig.resolve({ id })).record.state).toBe('Disabled');
    await rig.service.enable(await rig.resolve({ id: key.arn, permission: 'kms:EnableKey' }));
    expect((await rig.resolve({ id })).record.state).toBe('Enabled');
  }
  await rig.close();
});

/** A key store that knows which handles are loaded, and never lets a freed one be used. */
function watched(inner: KeyStore) {
  const live = new Set<KeyHandle>();
  const counts = { loads: 0, freed: 0, full: 0 };
  const keyStore: KeyStore = {
    ...inner,
    load: async (...args) => {
      if (counts.full > 0) {
        counts.full -= 1;
        throw new EngineError('EXHAUSTED');
      }
      counts.loads += 1;
      const handle = await inner.load(...args);
      live.add(handle);
      return handle;
    },
    free: (handle) => {
      if (!live.delete(handle)) throw new Error('freed twice');
      counts.freed += 1;
      inner.free(handle);
    },
  };
  return { keyStore, live, counts };
}

describe('a bounded cache', () => {
  // On the event loop, and in workers that hold a frame while its keys may be evicted.
  test.each(['inline', 'pool'] as const)('evicts under use (%s)', async (dispatch) => {
    let watch!: ReturnType<typeof watched>;
    const rig = await openRig({
      dispatch,
      threads: 1,
      parts: { cacheMax: 3 },
      wrapKeyStore: (inner) => {
        watch = watched(inner);
        return watch.keyStore;
      },
    });
    const keys = await Promise.all(Array.from({ length: 10 }, () => rig.create()));
    const jobs: Promise<unknown>[] = [];
    for (let round = 0; round < 30; round += 1) {
      for (const key of keys) {
        const use = async () => {
          const found = await rig.resolve({ id: key.record.keyId });
          const blob = await rig.service.encrypt(found, text, undefined);
          const ciphertext = blobInput(blob);
          const again = await rig.resolve({ ciphertext, permission: 'kms:Decrypt' });
          const opened = await rig.service.decrypt(again, ciphertext, undefined);
          expect(opened.plaintext).toEqual(text);
        };
        jobs.push(use());
      }
      if (round % 10 === 9) await turn();
    }
    await Promise.all(jobs);
    await turn();
    expect(rig.service.cached().materials).toBeLessThanOrEqual(3);
    expect(rig.service.cached().keys).toBeLessThanOrEqual(3);
    // The domain key is loaded besides.
    expect(watch.live.size).toBeLessThanOrEqual(4);
    expect(watch.counts.freed).toBeGreaterThan(0);
    rig.service.close();
    await turn();
    expect(watch.live.size).toBe(1);
    await rig.close();
  });

  test('a key that changes while jobs of it wait: they still end well, then it is freed', async () => {
    let watch!: ReturnType<typeof watched>;
    const rig = await openRig({
      wrapKeyStore: (inner) => {
        watch = watched(inner);
        return watch.keyStore;
      },
    });
    const key = await rig.create();
    const found = await rig.resolve({ id: key.arn });
    await rig.service.encrypt(found, text, undefined);
    const waiting = Array.from({ length: 50 }, () => rig.service.encrypt(found, text, undefined));
    await rig.service.disable(await rig.resolve({ id: key.arn, permission: 'kms:DisableKey' }));
    await Promise.all(waiting);
    await turn();
    expect(watch.live.size).toBe(1);
    // A request that found the key before the change may still end; it loads the key anew.
    await rig.service.encrypt(found, text, undefined);
    await rig.close();
  });

  test('a full key store makes room', async () => {
    let watch!: ReturnType<typeof watched>;
    const rig = await openRig({
      wrapKeyStore: (inner) => {
        watch = watched(inner);
        return watch.keyStore;
      },
    });
    for (let i = 0; i < 4; i += 1) await rig.service.encrypt(await rig.create(), text, undefined);
    expect(rig.service.cached().materials).toBe(4);
    const key = await rig.create();
    watch.counts.full = 1;
    await rig.service.encrypt(key, text, undefined);
    expect(rig.service.cached().materials).toBe(4);
    const other = await rig.create();
    watch.counts.full = 2;
    await expect(rig.service.encrypt(other, text, undefined)).rejects.toMatchObject({
      code: 'KMSInternalException',
    });
    await rig.service.encrypt(other, text, undefined);
    await rig.close();
  });

  test('keeps what is used', () => {
    const evicted: string[] = [];
    const cache = new SecondChanceCache<{ used: boolean }>(3, (_value, name) => evicted.push(name));
    for (const name of ['a', 'b', 'c', 'd']) cache.set(name, { used: false });
    expect(evicted).toEqual(['a']);
    cache.get('b');
    cache.set('e', { used: false });
    expect(evicted).toEqual(['a', 'c']);
    expect(cache.peek('b')).toBeDefined();
    cache.shrink(0);
    expect([cache.size, evicted.length]).toEqual([0, 5]);
  });
});

/** A store whose reads can be counted and held up. */
function gated(inner: Store) {
  const calls = { getKey: 0, getAlias: 0, getMaterial: 0 };
  let gate: Promise<void> = Promise.resolve();
  let open: () => void = () => {};
  const methods: Partial<Store> = {
    getKey: async (...args) => {
      calls.getKey += 1;
      const found = await inner.getKey(...args);
      await gate;
      return found;
    },
    getAlias: async (...args) => {
      calls.getAlias += 1;
      const found = await inner.getAlias(...args);
      await gate;
      return found;
    },
    getMaterial: async (...args) => {
      calls.getMaterial += 1;
      const found = await inner.getMaterial(...args);
      await gate;
      return found;
    },
  };
  const shut = () => {
    gate = new Promise((resolve) => {
      open = () => resolve();
    });
  };
  const store = overridden(inner, methods);
  return { store, methods, calls, shut, open: () => open() };
}

describe('concurrent reads', () => {
  let gate: ReturnType<typeof gated>;
  let rig: Rig;
  beforeAll(async () => {
    rig = await openRig({
      wrapStore: (inner) => {
        gate = gated(inner);
        return gate.store;
      },
    });
  });
  afterAll(() => rig.close());

  test('of one key, alias and material are one read', async () => {
    const key = await rig.create();
    await rig.service.createAlias(CALLER, 'alias/crowd', key);
    const before = { ...gate.calls };
    gate.shut();
    const crowd = Array.from({ length: 100 }, async (_, i) => {
      const id = i % 2 === 0 ? 'alias/crowd' : key.record.keyId;
      return rig.service.encrypt(await rig.resolve({ id }), text, undefined);
    });
    await turn();
    gate.open();
    await Promise.all(crowd);
    expect(gate.calls).toEqual({
      getKey: before.getKey + 1,
      getAlias: before.getAlias + 1,
      getMaterial: before.getMaterial + 1,
    });
    await rig.service.encrypt(await rig.resolve({ id: 'alias/crowd' }), text, undefined);
    expect(gate.calls.getKey).toBe(before.getKey + 1);
  });

  test('that a change overtakes are not cached', async () => {
    const key = await rig.create();
    const other = await rig.create();
    const { keyId } = key.record;
    await rig.service.createAlias(CALLER, 'alias/slow', key);
    gate.shut();
    const slowKey = rig.resolve({ id: keyId });
    const slowAlias = rig.resolve({ id: 'alias/slow' });
    await turn();
    await rig.store.updateKey(key.record, { state: 'Disabled' });
    await rig.store.updateAlias(SCOPE, 'alias/slow', other.record.keyId, rig.clock.now(), 50);
    gate.open();
    // They began before the change, and end as of then.
    expect((await slowKey).record.version).toBe(1);
    expect((await slowAlias).arn).toBe(key.arn);
    expect((await rig.resolve({ id: keyId })).record.version).toBe(2);
    expect((await rig.resolve({ id: 'alias/slow' })).arn).toBe(other.arn);
  });

  test('that fail are not remembered', async () => {
    const key = await rig.create();
    const methods = gate.methods as { getKey: Store['getKey'] };
    const { getKey } = methods;
    let failures = 1;
    methods.getKey = async (...args) => {
      failures -= 1;
      if (failures >= 0) throw new StoreError('UNAVAILABLE', 'gone');
      return getKey(...args);
    };
    await expect(rig.resolve({ id: key.arn })).rejects.toMatchObject({
      code: 'KMSInternalException',
      message: '',
    });
    expect((await rig.resolve({ id: key.arn })).arn).toBe(key.arn);
    methods.getKey = getKey;
  });

  test('reset forgets everything', async () => {
    const key = await rig.create();
    await rig.service.encrypt(await rig.resolve({ id: key.arn }), text, undefined);
    expect(rig.service.cached().materials).toBeGreaterThan(0);
    let tell: ((change: 'reset') => void) | undefined;
    const other = await openRig({
      wrapStore: (inner) =>
        overridden(inner, {
          onChange: (listener) => {
            // The first to listen is the key service.
            tell ??= listener;
            return inner.onChange(listener);
          },
        }),
    });
    const theirs = await other.create();
    await other.service.encrypt(await other.resolve({ id: theirs.arn }), text, undefined);
    expect(other.service.cached()).toEqual({ keys: 1, materials: 1, grants: 0 });
    tell!('reset');
    expect(other.service.cached()).toEqual({ keys: 0, materials: 0, grants: 0 });
    await other.service.encrypt(await other.resolve({ id: theirs.arn }), text, undefined);
    await other.close();
  });
});
