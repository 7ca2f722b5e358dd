/** The buckets against an exact model in integers, on a clock that stands still. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ManualClock } from '../../src/core/clock.js';
import { type QuotaSetting, quotaProfile } from '../../src/throttle/quota-profile.js';
import { createThrottle, HOT_KEY_BURST } from '../../src/throttle/token-bucket-throttle.js';

const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
console.log(`token buckets: SEED=${seed}`);
const RUNS = { seed, numRuns: 100 };

const A = '111111111111';
const B = '222222222222';
const REGION = 'eu-central-1';
const ARN = `arn:aws:kms:${REGION}:${A}:key/00000000-0000-4000-8000-000000000000`;

function rig(setting: QuotaSetting, bounds: { accountsMax?: number; hotKeysMax?: number } = {}) {
  const clock = new ManualClock();
  return { clock, throttle: createThrottle({ clock, profile: quotaProfile(setting), ...bounds }) };
}

/** A bucket in exact integers: 10^-9 requests, microseconds. */
class Model {
  readonly #capacity: bigint;
  readonly #perUs: bigint;
  level: bigint;
  #atUs = 0n;

  constructor(milliPerSecond: number) {
    this.#perUs = BigInt(milliPerSecond);
    const second = this.#perUs * 1_000_000n;
    this.#capacity = second > 1_000_000_000n ? second : 1_000_000_000n;
    this.level = this.#capacity;
  }

  take(cost: number, nowUs: bigint): boolean {
    this.level += (nowUs - this.#atUs) * this.#perUs;
    this.#atUs = nowUs;
    if (this.level > this.#capacity) this.level = this.#capacity;
    const units = BigInt(cost) * 1_000_000_000n;
    if (this.level < units && !(units > this.#capacity && this.level === this.#capacity)) {
      return false;
    }
    this.level -= units;
    return true;
  }
}

const rates = fc.integer({ min: 100, max: 100_000_000 }).map((milli) => milli / 1000);
/** A pause before a request, microseconds, and what it costs. */
const arrivals = fc.array(
  fc.tuple(
    fc.oneof(fc.constant(0), fc.nat(2_000), fc.nat(3_000_000)),
    fc.integer({ min: 1, max: 3 }),
  ),
  { minLength: 1, maxLength: 400 },
);

describe('one bucket', () => {
  test('decides as the exact model does', () => {
    fc.assert(
      fc.property(rates, arrivals, (rate, steps) => {
        const { clock, throttle } = rig({ CreateKey: rate });
        const model = new Model(Math.round(rate * 1000));
        for (const [pauseUs, cost] of steps) {
          clock.advance(pauseUs / 1000);
          const nowUs = BigInt(Math.floor(clock.monotonic() * 1000));
          const expected = model.take(cost, nowUs);
          expect(throttle.take(A, REGION, [{ quota: 'CreateKey', cost }])).toBe(expected);
        }
      }),
      RUNS,
    );
  });

  test('never lets more through than rate x window + burst, in any window', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), arrivals, (rate, steps) => {
        const { clock, throttle } = rig({ CreateKey: rate });
        const accepted: number[] = [];
        for (const [pauseUs] of steps) {
          clock.advance(pauseUs / 1000);
          if (throttle.take(A, REGION, [{ quota: 'CreateKey' }])) accepted.push(clock.monotonic());
        }
        for (let from = 0; from < accepted.length; from++) {
          for (let to = from; to < accepted.length; to++) {
            const windowS = (accepted[to]! - accepted[from]!) / 1000;
            // 1e-5: whole microseconds at up to 200 requests per second.
            expect(to - from + 1).toBeLessThanOrEqual(rate * windowS + rate + 0.001);
          }
        }
      }),
      RUNS,
    );
  });

  test.each([
    ['crypto-symmetric', 20_000, 5],
    ['crypto-rsa', 1_000, 20],
    ['CreateKey', 5, 400],
    ['GenerateDataKeyPair:RSA_4096', 1, 2_000],
  ])('%s under five times its rate gets its rate within 1 %%', (quota, rate, seconds) => {
    const { clock, throttle } = rig('aws');
    const stepMs = 1000 / (rate * 5);
    // The burst of a full bucket comes on top and is spent first.
    while (throttle.take(A, REGION, [{ quota }]));
    let accepted = 0;
    for (let i = 0; i < rate * 5 * seconds; i++) {
      clock.advance(stepMs);
      if (throttle.take(A, REGION, [{ quota }])) accepted++;
    }
    expect(Math.abs(accepted / (rate * seconds) - 1)).toBeLessThan(0.01);
  });

  test('a month of uptime does not change the rate', () => {
    const { clock, throttle } = rig('aws');
    clock.advance(30 * 86_400_000);
    while (throttle.take(A, REGION, [{ quota: 'crypto-symmetric' }]));
    let accepted = 0;
    for (let i = 0; i < 20_000; i++) {
      clock.advance(0.1);
      while (throttle.take(A, REGION, [{ quota: 'crypto-symmetric' }])) accepted++;
    }
    expect(Math.abs(accepted - 40_000)).toBeLessThanOrEqual(1);
  });

  test('holds one second of requests after quiet, and one request of a fractional rate', () => {
    const { clock, throttle } = rig('aws');
    const burst = (region: string, quota: string) => {
      let count = 0;
      while (throttle.take(A, region, [{ quota }])) count++;
      return count;
    };
    expect(burst(REGION, 'CreateKey')).toBe(5);
    expect(burst('us-east-1', 'crypto-symmetric')).toBe(100_000);
    expect(burst('cn-north-1', 'GenerateDataKeyPair:RSA_3072')).toBe(1);
    expect(burst('cn-north-1', 'GenerateDataKeyPair:RSA_4096')).toBe(1);
    clock.advance(1_999);
    expect(burst('cn-north-1', 'GenerateDataKeyPair:RSA_3072')).toBe(0);
    clock.advance(1);
    expect(burst('cn-north-1', 'GenerateDataKeyPair:RSA_3072')).toBe(1);
    expect(burst('cn-north-1', 'GenerateDataKeyPair:RSA_4096')).toBe(0);
    clock.advance(3_600_000);
    expect(burst('cn-north-1', 'GenerateDataKeyPair:RSA_4096')).toBe(1);
    expect(burst(REGION, 'CreateKey')).toBe(5);
  });
});

describe('several buckets', () => {
  test('accounts, Regions and quotas are counted apart', () => {
    const { throttle } = rig({ default: 3 });
    const take = (account: string, region: string, quota: string) =>
      throttle.take(account, region, [{ quota }]);
    for (const account of [A, B]) {
      for (const region of [REGION, 'us-east-1']) {
        for (const quota of ['CreateKey', 'crypto-rsa', 'crypto-ecc']) {
          const taken = [1, 2, 3, 4, 5].map(() => take(account, region, quota));
          expect(taken).toEqual([true, true, true, false, false]);
        }
      }
    }
  });

  test('several draws are taken all or none, as the model says', () => {
    const QUOTAS = ['crypto-symmetric', 'crypto-rsa', 'crypto-ecc'];
    const draws = fc.array(
      fc.record({ quota: fc.constantFrom(...QUOTAS), cost: fc.integer({ min: 1, max: 2 }) }),
      { minLength: 1, maxLength: 3 },
    );
    const requests = fc.array(fc.tuple(fc.nat(400_000), draws), { maxLength: 200 });
    fc.assert(
      fc.property(requests, (steps) => {
        const { clock, throttle } = rig({ default: 4 });
        const models = new Map(QUOTAS.map((quota) => [quota, new Model(4000)]));
        for (const [pauseUs, wanted] of steps) {
          clock.advance(pauseUs / 1000);
          const nowUs = BigInt(Math.floor(clock.monotonic() * 1000));
          const taken: { quota: string; cost: number }[] = [];
          const expected = wanted.every((draw) => {
            if (!models.get(draw.quota)!.take(draw.cost, nowUs)) return false;
            taken.push(draw);
            return true;
          });
          if (!expected) {
            for (const { quota, cost } of taken) {
              models.get(quota)!.level += BigInt(cost) * 1_000_000_000n;
            }
          }
          expect(throttle.take(A, REGION, wanted)).toBe(expected);
        }
      }),
      RUNS,
    );
  });

  test('a refused ReEncrypt leaves the class that had tokens untouched', () => {
    const { throttle } = rig({ 'crypto-symmetric': 5, 'crypto-rsa': 1 });
    const mixed = [{ quota: 'crypto-symmetric' }, { quota: 'crypto-rsa' }];
    expect(throttle.take(A, REGION, mixed)).toBe(true);
    for (let i = 0; i < 10; i++) expect(throttle.take(A, REGION, mixed)).toBe(false);
    const twice = [{ quota: 'crypto-symmetric', cost: 2 }];
    expect([1, 2, 3].map(() => throttle.take(A, REGION, twice))).toEqual([true, true, false]);
  });

  test('a draw that a bucket can never hold waits for a full one, at the rate', () => {
    const { clock, throttle } = rig({ 'crypto-symmetric': 1 });
    const twice = [{ quota: 'crypto-symmetric', cost: 2 }];
    expect(throttle.take(A, REGION, twice)).toBe(true);
    let accepted = 0;
    for (let ms = 0; ms < 100_000; ms += 10) {
      clock.advance(10);
      if (throttle.take(A, REGION, twice)) accepted++;
    }
    expect(accepted).toBe(50);
  });

  test('no draws are no limit; an unknown quota is a programmer error', () => {
    const { throttle } = rig('aws');
    expect(throttle.take(A, REGION, [])).toBe(true);
    expect(() => throttle.take(A, REGION, [{ quota: 'CreateKeys' }])).toThrow(RangeError);
    expect(() => rig('off').throttle.take(A, REGION, [{ quota: 'nothing' }])).toThrow(RangeError);
    expect(() => throttle.rate(REGION, 'nothing')).toThrow(RangeError);
  });
});

describe('bounds', () => {
  test('the number of accounts is bounded; a record is forgotten only once it is full', () => {
    const { clock, throttle } = rig({ default: 2 }, { accountsMax: 8 });
    const take = (account: string) => throttle.take(account, REGION, [{ quota: 'CreateKey' }]);
    expect([1, 2, 3].map(() => take('busy'))).toEqual([true, true, false]);
    for (let i = 0; i < 1_000; i++) {
      clock.advance(1_000);
      // Two per second go through and the third does not, however many accounts come by.
      expect([1, 2, 3].map(() => take('busy'))).toEqual([true, true, false]);
      expect(take(`passing-${i}`)).toBe(true);
    }
  });

  test('more busy accounts than records: still answered, the idlest makes room', () => {
    const { throttle } = rig({ default: 1 }, { accountsMax: 4 });
    for (let i = 0; i < 500; i++) {
      expect(throttle.take(`account-${i}`, REGION, [{ quota: 'CreateKey' }])).toBe(true);
    }
  });

  test('the number of hot keys is bounded', () => {
    const { throttle } = rig('aws', { hotKeysMax: 5 });
    for (let i = 0; i < HOT_KEY_BURST; i++) throttle.takeStateChange(ARN);
    expect(throttle.takeStateChange(ARN)).toBe(false);
    for (let i = 0; i < 4; i++) expect(throttle.takeStateChange(`${ARN}${i}`)).toBe(true);
    expect(throttle.takeStateChange(ARN)).toBe(false);
    // Changed last of all, so a newcomer does not displace it.
    expect(throttle.takeStateChange(`${ARN}-new`)).toBe(true);
    expect(throttle.takeStateChange(ARN)).toBe(false);
    for (let i = 0; i < 5; i++) expect(throttle.takeStateChange(`${ARN}${i}`)).toBe(true);
    // Forgotten, because five others came after it.
    expect(throttle.takeStateChange(ARN)).toBe(true);
  });
});

describe('a hot key', () => {
  test('takes a burst, then two changes per second, apart from other keys', () => {
    const { clock, throttle } = rig('aws');
    let burst = 0;
    while (throttle.takeStateChange(ARN)) burst++;
    expect(burst).toBe(HOT_KEY_BURST);
    let sustained = 0;
    for (let ms = 0; ms < 60_000; ms += 10) {
      clock.advance(10);
      if (throttle.takeStateChange(ARN)) sustained++;
    }
    expect(sustained).toBe(120);
    expect(throttle.takeStateChange(`${ARN}-other`)).toBe(true);
  });

  test('has a rate of its own in a record, and none when off', () => {
    const fast = rig({ 'hot-key': 50 });
    let burst = 0;
    while (fast.throttle.takeStateChange(ARN)) burst++;
    expect(burst).toBe(50);
    const off = rig('off');
    for (let i = 0; i < 1_000; i++) expect(off.throttle.takeStateChange(ARN)).toBe(true);
  });
});

test('off: nothing is ever refused', () => {
  const { throttle } = rig('off');
  const draws = [{ quota: 'GenerateDataKeyPair:RSA_4096', cost: 2 }, { quota: 'CreateKey' }];
  for (let i = 0; i < 10_000; i++) expect(throttle.take(A, REGION, draws)).toBe(true);
});
