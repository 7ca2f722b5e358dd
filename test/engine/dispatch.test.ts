/** Lanes, workers and bounds: nothing is lost, nothing starves, overload is answered at once. */
import { describe, expect, test } from 'vitest';
import { loadNativeAddon } from '../../src/engine/backends/native-addon.js';
import { EngineError } from '../../src/engine/port.js';
import { backends, nativeMissing, openEngine } from './support.js';

const header = Buffer.alloc(38, 1);
const none = Buffer.alloc(0);
const PKCS1 = 'RSASSA_PKCS1_V1_5_SHA_256';

const statusOf = (error: unknown): string => (error as EngineError).status;

describe.each(backends.filter((b) => b !== 'noble'))('dispatch over %s', (backend) => {
  test('workers die under load: every job is answered, most of them well', async () => {
    process.env.KEYSTREL_FAULTS = '1';
    const t = await openEngine({ backend, dispatch: 'pool', threads: 2, batchMax: 8 });
    delete process.env.KEYSTREL_FAULTS;
    const { key } = await t.make('HMAC_256');
    const message = Buffer.from('message');
    const expected = await t.engine.mac(key, 'HMAC_256', message);
    for (let round = 0; round < 3; round += 1) {
      t.engine.faults.killWorkers(2);
      const jobs = Array.from({ length: 200 }, () => t.engine.mac(key, 'HMAC_256', message));
      const outcomes = await Promise.allSettled(jobs);
      for (const outcome of outcomes) {
        if (outcome.status === 'fulfilled') expect(outcome.value).toEqual(expected);
        else expect(statusOf(outcome.reason)).toBe('WORKER_DIED');
      }
      // Two deaths take at most the two frames that died twice.
      const lost = outcomes.filter((o) => o.status === 'rejected').length;
      expect(lost).toBeLessThanOrEqual(8);
    }
    expect(await t.engine.mac(key, 'HMAC_256', message)).toEqual(expected);
    await t.close();
  });

  test('overload is answered before any job of the lane is done', async () => {
    const t = await openEngine({ backend, dispatch: 'pool', threads: 2, laneJobsMax: 4 });
    const { key } = await t.make('SYMMETRIC_DEFAULT');
    const order: string[] = [];
    const jobs = Array.from({ length: 10 }, () =>
      t.engine.encrypt(key, none, none, header).then(
        () => order.push('done'),
        (error: unknown) => order.push(statusOf(error)),
      ),
    );
    await Promise.all(jobs);
    expect(order.slice(0, 6)).toEqual(Array(6).fill('OVERLOADED'));
    expect(order.slice(6)).toEqual(Array(4).fill('done'));
    await t.close();
  });

  test('a lane that is full does not refuse the others', async () => {
    const t = await openEngine({ backend, dispatch: 'pool', threads: 2, laneJobsMax: 4 });
    const { key } = await t.make('SYMMETRIC_DEFAULT');
    const { key: rsa } = await t.make('RSA_2048');
    const signing = Promise.allSettled(
      Array.from({ length: 8 }, () => t.engine.sign(rsa, 'RSA_2048', PKCS1, none, 'RAW')),
    );
    const encrypted = await t.engine.encrypt(key, none, none, header);
    expect(encrypted).toHaveLength(82);
    const refused = (await signing).filter((o) => o.status === 'rejected');
    expect(refused).toHaveLength(4);
    await t.close();
  });

  test('slow lanes leave a worker to the fast ones', async () => {
    const t = await openEngine({ backend, dispatch: 'pool', threads: 2 });
    const { key } = await t.make('SYMMETRIC_DEFAULT');
    // Making RSA-3072 keys occupies its lane for seconds; encryptions submitted later pass by.
    let making = 4;
    const slow = Array.from({ length: making }, () =>
      t.engine.generateKeyPair(key, 'RSA_3072', none, header, false).then(() => {
        making -= 1;
      }),
    );
    await new Promise((resolve) => setImmediate(resolve));
    for (let i = 0; i < 50; i += 1) await t.engine.encrypt(key, none, none, header);
    expect(making).toBeGreaterThan(0);
    await Promise.all(slow);
    await t.close();
  });

  test('cheap frames run in place, dear ones in a worker', async () => {
    const t = await openEngine({ backend: backend, dispatch: 'auto', threads: 2 });
    const { key } = await t.make('HMAC_256');
    const { key: rsa } = await t.make('RSA_2048');
    await t.engine.mac(key, 'HMAC_256', none);
    await t.engine.sign(rsa, 'RSA_2048', PKCS1, none, 'RAW');
    const lanes = new Map(t.engine.status().lanes.map((lane) => [lane.lane, lane]));
    expect(lanes.get('symmetric')!.inlineFrames).toBeGreaterThan(0);
    // The one job of this lane run in place is the loading, which node's registry wants there.
    const { frames, inlineFrames } = lanes.get('rsa2048')!;
    expect(frames).toBeGreaterThan(inlineFrames);
    await t.close();
  });
});

test('work that a worker did costs what it took there, not what the hop took', async (context) => {
  if (nativeMissing !== undefined) return context.skip(nativeMissing);
  const t = await openEngine({ backend: 'native', dispatch: 'pool', threads: 2 });
  const { key } = await t.make('HMAC_256');
  // One job a frame: a hop is many times the job, so its wall time would never come near this.
  for (let i = 0; i < 100; i += 1) await t.engine.mac(key, 'HMAC_256', none);
  const lane = t.engine.status().lanes.find((row) => row.lane === 'symmetric')!;
  expect(lane.frames).toBeGreaterThan(100);
  expect(lane.nsPerJob).toBeGreaterThan(0);
  const local = await openEngine({ backend: 'native', dispatch: 'inline' });
  const { key: own } = await local.make('HMAC_256');
  for (let i = 0; i < 100; i += 1) await local.engine.mac(own, 'HMAC_256', none);
  const inPlace = local.engine.status().lanes.find((row) => row.lane === 'symmetric')!;
  // Same work: within a factor that leaves room for a busy machine.
  expect(lane.nsPerJob).toBeLessThan(20 * inPlace.nsPerJob);
  await t.close();
  await local.close();
});

describe('arena through JavaScript', () => {
  test('exhaustion is a status; freeing makes room; stale and double frees change nothing', async (context) => {
    if (nativeMissing !== undefined) return context.skip(nativeMissing);
    const addon = loadNativeAddon('native').addon!;
    const t = await openEngine({ backend: 'native', dispatch: 'inline' });
    const { key, wrapped } = await t.make('HMAC_256');
    const load = () => t.engine.loadKey(t.root, 'HMAC_256', wrapped, Buffer.from('test'));
    const { limit, keys } = addon.arenaStats();
    addon.setArenaLimit(keys);
    try {
      expect(statusOf(await load().catch((error: unknown) => error))).toBe('EXHAUSTED');
      t.engine.freeKey(key);
      const again = await load();
      // The slot is the freed one, under a new generation: the old handle names nothing.
      t.engine.freeKey(key);
      expect(await t.engine.mac(again, 'HMAC_256', none)).toHaveLength(32);
      const stale = t.engine.mac(key, 'HMAC_256', none);
      expect(statusOf(await stale.catch((error: unknown) => error))).toBe('BAD_KEY');
      expect(addon.arenaStats().keys).toBe(keys);
      t.engine.freeKey(again);
      t.engine.freeKey(again);
      expect(addon.arenaStats().keys).toBe(keys - 1);
    } finally {
      addon.setArenaLimit(limit);
    }
    await t.close();
  });

  test('a handle of the wrong kind is refused by every operation', async () => {
    for (const backend of backends) {
      const t = await openEngine({ backend, dispatch: 'inline' });
      const { key: mac } = await t.make('HMAC_256');
      const { key: aes } = await t.make('SYMMETRIC_DEFAULT');
      const { key: ec } = await t.make('ECC_NIST_P256');
      const wrong = [
        t.engine.encrypt(ec, none, none, header),
        t.engine.decrypt(mac, Buffer.alloc(100), none, none),
        t.engine.generateDataKey(ec, 32, none, header),
        t.engine.mac(aes, 'HMAC_256', none),
        t.engine.mac(ec, 'HMAC_256', none),
        t.engine.deriveSharedSecret(aes, 'ECC_NIST_P256', Buffer.alloc(91)),
        t.engine.rsaDecrypt(ec, 'RSA_2048', 'RSAES_OAEP_SHA_256', Buffer.alloc(256)),
        t.engine.sign(mac, 'ECC_NIST_P256', 'ECDSA_SHA_256', none, 'RAW'),
        t.engine.loadKey(mac, 'HMAC_256', Buffer.alloc(76), none),
      ];
      for (const outcome of await Promise.allSettled(wrong)) {
        expect(outcome.status).toBe('rejected');
        const { reason } = outcome as PromiseRejectedResult;
        expect(reason).toBeInstanceOf(EngineError);
        expect(['BAD_KEY', 'UNSUPPORTED', 'BAD_PEER_KEY']).toContain(statusOf(reason));
      }
      await t.close();
    }
  });
});
