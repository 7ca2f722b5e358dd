/**
 * Grants by key and grantee, kept so that requests can be checked against them without the store.
 * Most keys have no grant at all, which one flag tells for every caller. Bounded by the grants and
 * grantees kept; dropped per key by the change feed; nothing that was overtaken by a change stays.
 */
import type { StoredGrant } from '../core/records.js';
import type { Scope, Store } from '../store/port.js';
import { storeFailure } from './failures.js';
import type { Key } from './key.js';
import { type Cached, SecondChanceCache } from './second-chance-cache.js';

const NONE: readonly StoredGrant[] = Object.freeze([]);
/** Grants that one look at the store reads. */
const READ_PAGE = 1000;

type Load = Promise<readonly StoredGrant[]>;

/** What is known of one key's grants. */
interface Entry extends Cached {
  /** True when the key has no grant, whoever asks. */
  readonly none: boolean;
  readonly byGrantee: Map<string, readonly StoredGrant[]>;
  /** Grants and grantees. */
  weight: number;
}

export class GrantCache {
  readonly #store: Store;
  readonly #max: number;
  readonly #entries: SecondChanceCache<Entry>;
  /** By key ARN: reads in flight, by grantee. */
  readonly #loads = new Map<string, Map<string, Load>>();
  #weight = 0;

  /** `max`: keys, grantees and grants kept, all together. */
  constructor(store: Store, max: number) {
    this.#store = store;
    this.#max = max;
    this.#entries = new SecondChanceCache(max, (entry) => {
      this.#weight -= entry.weight;
    });
  }

  /** Keys, grantees and grants that are kept. */
  get size(): number {
    return this.#weight;
  }

  /**
   * The key's grants to a principal (an ARN, or a service's name): at once when they are known.
   * @throws KMSInternalException
   */
  find(key: Key, grantee: string): readonly StoredGrant[] | Load {
    const entry = this.#entries.get(key.arn);
    if (entry !== undefined) {
      if (entry.none) return NONE;
      const known = entry.byGrantee.get(grantee);
      if (known !== undefined) return known;
    }
    return this.#load(key, grantee);
  }

  drop(arn: string): void {
    this.#loads.delete(arn);
    const entry = this.#entries.peek(arn);
    if (entry === undefined) return;
    this.#weight -= entry.weight;
    this.#entries.delete(arn);
  }

  clear(): void {
    this.#loads.clear();
    this.#entries.shrink(0);
  }

  #load(key: Key, grantee: string): Load {
    const { arn } = key;
    const ofKey = this.#loads.get(arn) ?? new Map<string, Load>();
    this.#loads.set(arn, ofKey);
    const running = ofKey.get(grantee);
    if (running !== undefined) return running;
    const { account, region, keyId } = key.record;
    const load = this.#read({ account, region }, keyId, grantee).then(
      (grants) => {
        // A change since then has taken this map away: what was read may be older than it.
        if (this.#loads.get(arn) === ofKey) this.#keep(arn, grantee, grants);
        this.#end(arn, ofKey, grantee);
        return grants ?? NONE;
      },
      (error: unknown) => {
        this.#end(arn, ofKey, grantee);
        throw storeFailure(error);
      },
    );
    ofKey.set(grantee, load);
    return load;
  }

  #end(arn: string, ofKey: Map<string, Load>, grantee: string): void {
    ofKey.delete(grantee);
    if (ofKey.size === 0 && this.#loads.get(arn) === ofKey) this.#loads.delete(arn);
  }

  /** Undefined when the key has no grant to anyone. */
  async #read(
    scope: Scope,
    keyId: string,
    grantee: string,
  ): Promise<readonly StoredGrant[] | undefined> {
    if ((await this.#store.countGrants(scope, keyId)) === 0) return undefined;
    const grants: StoredGrant[] = [];
    let after: string | undefined;
    do {
      const page = await this.#store.listGrants(scope, keyId, grantee, READ_PAGE, after);
      grants.push(...page.items);
      after = page.next;
    } while (after !== undefined);
    return Object.freeze(grants);
  }

  #keep(arn: string, grantee: string, grants: readonly StoredGrant[] | undefined): void {
    const before = this.#entries.peek(arn);
    if (before !== undefined) {
      this.#weight -= before.weight;
      this.#entries.delete(arn);
    }
    const none = grants === undefined;
    const entry: Entry =
      before === undefined || before.none !== none
        ? { none, byGrantee: new Map(), weight: 1, used: true }
        : before;
    if (grants !== undefined) {
      entry.weight -= weightOf(entry.byGrantee.get(grantee));
      entry.byGrantee.set(grantee, grants);
      entry.weight += weightOf(grants);
    }
    if (entry.weight > this.#max) return;
    this.#weight += entry.weight;
    this.#entries.set(arn, entry);
    while (this.#weight > this.#max) this.#entries.shrink(this.#entries.size - 1);
  }
}

function weightOf(grants: readonly StoredGrant[] | undefined): number {
  return grants === undefined ? 0 : 1 + grants.length;
}
