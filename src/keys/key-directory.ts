/**
 * The bounded cache from the texts by which requests name keys (id, ARN, alias name, alias ARN) to
 * keys. A hit is two lookups for the scope and one for the text, whatever the form.
 */
import { aliasArn, keyArn } from '../core/ids.js';
import type { StoredKey } from '../core/records.js';
import type { Scope } from '../store/port.js';
import { ResolvedKey } from './resolved-key.js';
import { type Cached, SecondChanceCache } from './second-chance-cache.js';

/** One key, or one alias of it. */
interface Entry extends Cached {
  readonly key: ResolvedKey;
  readonly scope: Scope;
  /** ARN first, which also names the entry in the cache. */
  readonly texts: readonly [arn: string, short: string];
  /** Of a key: the ARNs of its aliases that are cached. */
  readonly aliases: Set<string>;
}

type Names = Map<string, Entry>;

interface Recent {
  readonly text: string;
  readonly entry: Entry;
}

/** Ours: one less than the number of texts found lately that are kept, a power of two. */
const MASK = 255;

function placeOf(text: string): number {
  return (text.charCodeAt(text.length - 1) + 31 * text.charCodeAt(text.length - 2)) & MASK;
}

export class KeyDirectory {
  readonly #regions = new Map<string, Map<string, Names>>();
  readonly #entries: SecondChanceCache<Entry>;
  /** What was found lately, by the end of its text: comparing costs less than hashing. */
  readonly #recent = new Array<Recent | undefined>(MASK + 1).fill(undefined);

  /** `max`: keys and aliases together. */
  constructor(max: number) {
    this.#entries = new SecondChanceCache(max, (entry) => this.#forget(entry));
  }

  get size(): number {
    return this.#entries.size;
  }

  find(scope: Scope, text: string): ResolvedKey | undefined {
    const place = placeOf(text);
    const recent = this.#recent[place];
    if (
      recent?.text === text &&
      recent.entry.scope.account === scope.account &&
      recent.entry.scope.region === scope.region
    ) {
      recent.entry.used = true;
      return recent.entry.key;
    }
    const entry = this.#regions.get(scope.region)?.get(scope.account)?.get(text);
    if (entry === undefined) return undefined;
    this.#recent[place] = { text, entry };
    entry.used = true;
    return entry.key;
  }

  /** Caches a key as the store has it now; keeps what is cached when that is as new. */
  putKey(record: StoredKey): ResolvedKey {
    const { account, region, keyId } = record;
    const arn = keyArn(region, account, keyId);
    const known = this.#entries.get(arn);
    if (known !== undefined) {
      if (known.key.record.version >= record.version) return known.key;
      this.#drop(known);
    }
    const key = ResolvedKey.of(record);
    this.#put({
      key,
      scope: { account, region },
      texts: [arn, keyId],
      aliases: new Set(),
      used: true,
    });
    return key;
  }

  /** Caches an alias of a cached key; of one that has left the cache it is only named. */
  putAlias(scope: Scope, name: string, target: ResolvedKey): ResolvedKey {
    const { account, region } = scope;
    const arn = aliasArn(region, account, name);
    const known = this.#entries.get(arn);
    if (known !== undefined) this.#drop(known);
    const key = target.byAlias(name);
    const base = this.#entries.get(target.arn);
    if (base?.key !== target) return key;
    base.aliases.add(arn);
    const own = { account, region };
    this.#put({ key, scope: own, texts: [arn, name], aliases: new Set(), used: true });
    return key;
  }

  /** Forgets a key and its aliases. */
  dropKey(scope: Scope, keyId: string): void {
    const entry = this.#entries.get(keyArn(scope.region, scope.account, keyId));
    if (entry !== undefined) this.#drop(entry);
  }

  dropAlias(scope: Scope, name: string): void {
    const entry = this.#entries.get(aliasArn(scope.region, scope.account, name));
    if (entry !== undefined) this.#drop(entry);
  }

  clear(): void {
    for (const entry of [...this.#entries.values()]) this.#drop(entry);
  }

  #put(entry: Entry): void {
    const { account, region } = entry.scope;
    let accounts = this.#regions.get(region);
    if (accounts === undefined) {
      accounts = new Map();
      this.#regions.set(region, accounts);
    }
    let names = accounts.get(account);
    if (names === undefined) {
      names = new Map();
      accounts.set(account, names);
    }
    for (const text of entry.texts) names.set(text, entry);
    this.#entries.set(entry.texts[0], entry);
  }

  #drop(entry: Entry): void {
    this.#entries.delete(entry.texts[0]);
    this.#forget(entry);
  }

  #forget(entry: Entry): void {
    for (const text of entry.texts) {
      const place = placeOf(text);
      if (this.#recent[place]?.entry === entry) this.#recent[place] = undefined;
    }
    const { account, region } = entry.scope;
    const accounts = this.#regions.get(region);
    const names = accounts?.get(account);
    if (names?.get(entry.texts[0]) === entry) for (const text of entry.texts) names.delete(text);
    if (names?.size === 0) accounts?.delete(account);
    if (accounts?.size === 0) this.#regions.delete(region);
    const base = this.#entries.peek(entry.key.arn);
    base?.aliases.delete(entry.texts[0]);
    for (const arn of entry.aliases) {
      const alias = this.#entries.peek(arn);
      if (alias !== undefined) this.#drop(alias);
    }
  }
}
