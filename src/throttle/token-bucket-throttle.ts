/**
 * Token buckets per account, Region and quota.
 *
 * A bucket holds one second's worth of requests (at least one) and fills continuously. It counts in
 * integers, so that no rounding adds up: the unit is 10^-9 request, time is whole microseconds of
 * the monotonic clock, and a rate is a whole number of thousandths of a request per second, which
 * is the same number of units per microsecond. Every value stays below 2^53: 10^6 requests at most.
 *
 * A draw above what a bucket can ever hold (ReEncrypt draws 2, a quota may be 1 per second) is let
 * through by a full bucket and leaves it in debt, so that the rate holds and no call is impossible.
 *
 * Nothing is allocated per request. The counts are those of this process.
 */
import type { Clock } from '../core/clock.js';
import type { Throttle } from './port.js';
import { type QuotaProfile, quotaIndex } from './quota-profile.js';

export interface ThrottleOptions {
  readonly clock: Clock;
  readonly profile: QuotaProfile;
  /** Pairs of account and Region counted at a time. */
  readonly accountsMax?: number;
  /** Keys whose state changes are counted at a time. */
  readonly hotKeysMax?: number;
}

/** Ours: about 1 KiB each. */
export const THROTTLED_ACCOUNTS_MAX = 4_096;
/** Ours: keys whose state changed lately. */
export const HOT_KEYS_MAX = 10_000;
/** Ours: state changes of one key that may come at once after quiet. */
export const HOT_KEY_BURST = 10;

/** Units of a bucket per request. */
const REQUEST_UNITS = 1e9;
/** Units per microsecond and request per second. */
const UNITS_PER_RATE = 1_000;
const US_PER_MS = 1_000;
/** Records looked at when one has to make room. */
const EVICTION_SAMPLE = 64;

/** Capacity and refill of every quota of a group of Regions, by quota index. */
class Limits {
  readonly refill: Float64Array;
  readonly capacity: Float64Array;
  /** Microseconds after which every bucket is full again, debts included. */
  readonly settleUs: number;

  constructor(rates: readonly number[]) {
    this.refill = Float64Array.from(rates, (rate) => Math.round(rate * UNITS_PER_RATE));
    this.capacity = Float64Array.from(rates, (rate) =>
      Math.round(Math.max(1, rate) * REQUEST_UNITS),
    );
    let slowest = Infinity;
    for (const rate of rates) if (rate < slowest) slowest = rate;
    this.settleUs = slowest === Infinity ? 0 : (2 * Math.max(1, 1 / slowest) + 1) * 1e6;
  }
}

/** The buckets of one account in one Region. */
class AccountBuckets {
  usedUs: number;
  readonly account: string;
  readonly region: string;
  readonly limits: Limits;
  readonly #level: Float64Array;
  readonly #atUs: Float64Array;

  constructor(account: string, region: string, limits: Limits, nowUs: number) {
    this.account = account;
    this.region = region;
    this.limits = limits;
    this.usedUs = nowUs;
    this.#level = limits.capacity.slice();
    this.#atUs = new Float64Array(this.#level.length).fill(nowUs);
  }

  /** Takes `cost` requests of the quota with this index, if they are there. */
  take(index: number, cost: number, nowUs: number): boolean {
    const capacity = this.limits.capacity[index]!;
    if (capacity === Infinity) return true;
    let level = this.#level[index]!;
    const elapsedUs = nowUs - this.#atUs[index]!;
    if (elapsedUs > 0) {
      level = Math.min(capacity, level + elapsedUs * this.limits.refill[index]!);
      this.#atUs[index] = nowUs;
    }
    const units = cost * REQUEST_UNITS;
    const enough = level >= units || (units > capacity && level === capacity);
    this.#level[index] = enough ? level - units : level;
    return enough;
  }

  /** Undoes a take of this very moment. */
  giveBack(index: number, cost: number): void {
    if (this.limits.capacity[index] !== Infinity) {
      this.#level[index]! += cost * REQUEST_UNITS;
    }
  }
}

interface HotKey {
  level: number;
  atUs: number;
}

export function createThrottle(options: ThrottleOptions): Throttle {
  return new TokenBucketThrottle(options);
}

class TokenBucketThrottle implements Throttle {
  readonly #clock: Clock;
  readonly #profile: QuotaProfile;
  readonly #limits = new Map<readonly number[], Limits>();
  readonly #byRegion = new Map<string, Map<string, AccountBuckets>>();
  /** All records, for the eviction to walk round. */
  readonly #records: AccountBuckets[] = [];
  readonly #accountsMax: number;
  #hand = 0;
  #last: AccountBuckets | undefined;
  /** By key ARN; the one unchanged for longest comes first. */
  readonly #hotKeys = new Map<string, HotKey>();
  readonly #hotKeysMax: number;

  constructor({ clock, profile, accountsMax, hotKeysMax }: ThrottleOptions) {
    this.#clock = clock;
    this.#profile = profile;
    this.#accountsMax = accountsMax ?? THROTTLED_ACCOUNTS_MAX;
    this.#hotKeysMax = hotKeysMax ?? HOT_KEYS_MAX;
  }

  take(
    account: string,
    region: string,
    draws: readonly { quota: string; cost?: number; region?: string }[],
  ): boolean {
    const nowUs = this.#nowUs();
    const own = this.#bucketsOf(account, region, nowUs);
    own.usedUs = nowUs;
    for (let i = 0; i < draws.length; i++) {
      const draw = draws[i]!;
      const buckets =
        draw.region === undefined ? own : this.#bucketsOf(account, draw.region, nowUs);
      buckets.usedUs = nowUs;
      if (buckets.take(quotaIndex(draw.quota), draw.cost ?? 1, nowUs)) continue;
      for (let taken = 0; taken < i; taken++) {
        const { quota, cost = 1, region: at = region } = draws[taken]!;
        this.#bucketsOf(account, at, nowUs).giveBack(quotaIndex(quota), cost);
      }
      return false;
    }
    return true;
  }

  takeStateChange(keyArn: string): boolean {
    const rate = this.#profile.hotKeyRate;
    if (rate === Infinity) return true;
    const nowUs = this.#nowUs();
    const capacity = Math.round(Math.max(HOT_KEY_BURST, rate) * REQUEST_UNITS);
    const key = this.#hotKeys.get(keyArn) ?? { level: capacity, atUs: nowUs };
    const refill = Math.round(rate * UNITS_PER_RATE);
    key.level = Math.min(capacity, key.level + (nowUs - key.atUs) * refill);
    key.atUs = nowUs;
    const enough = key.level >= REQUEST_UNITS;
    if (enough) key.level -= REQUEST_UNITS;
    this.#keepHotKey(keyArn, key);
    return enough;
  }

  rate(region: string, quota: string): number {
    return this.#profile.rate(region, quota);
  }

  /** Puts the key last; the one untouched for longest makes room: it is the likeliest to be full. */
  #keepHotKey(keyArn: string, key: HotKey): void {
    if (!this.#hotKeys.delete(keyArn) && this.#hotKeys.size >= this.#hotKeysMax) {
      const [oldest] = this.#hotKeys.keys();
      this.#hotKeys.delete(oldest!);
    }
    this.#hotKeys.set(keyArn, key);
  }

  #nowUs(): number {
    return Math.floor(this.#clock.monotonic() * US_PER_MS);
  }

  #bucketsOf(account: string, region: string, nowUs: number): AccountBuckets {
    const last = this.#last;
    if (last !== undefined && last.account === account && last.region === region) return last;
    const found = this.#byRegion.get(region)?.get(account) ?? this.#add(account, region, nowUs);
    this.#last = found;
    return found;
  }

  #add(account: string, region: string, nowUs: number): AccountBuckets {
    const made = new AccountBuckets(account, region, this.#limitsOf(region), nowUs);
    if (this.#records.length < this.#accountsMax) this.#records.push(made);
    else this.#records[this.#makeRoom(nowUs)] = made;
    let accounts = this.#byRegion.get(region);
    if (accounts === undefined) {
      accounts = new Map();
      this.#byRegion.set(region, accounts);
    }
    accounts.set(account, made);
    return made;
  }

  #limitsOf(region: string): Limits {
    const rates = this.#profile.rates(region);
    let limits = this.#limits.get(rates);
    if (limits === undefined) {
      limits = new Limits(rates);
      this.#limits.set(rates, limits);
    }
    return limits;
  }

  /**
   * Forgets the first of a sample of records whose buckets must all be full, which nobody can
   * notice, or else the one idle for longest: its account may then exceed its quota once, which is
   * better than refusing accounts because of the number of others. Returns the free place.
   */
  #makeRoom(nowUs: number): number {
    const records = this.#records;
    let chosen = this.#hand;
    for (let seen = 0; seen < EVICTION_SAMPLE; seen++) {
      this.#hand = (this.#hand + 1) % records.length;
      const record = records[this.#hand]!;
      const settled = nowUs - record.usedUs >= record.limits.settleUs;
      if (settled || record.usedUs < records[chosen]!.usedUs) chosen = this.#hand;
      if (settled) break;
    }
    const { region, account } = records[chosen]!;
    const accounts = this.#byRegion.get(region)!;
    accounts.delete(account);
    if (accounts.size === 0) this.#byRegion.delete(region);
    return chosen;
  }
}
