/**
 * Domain keys: one line of 256-bit keys per region, wrapped by the root key, that wrap all key
 * material of the region. The newest of a line wraps, all of it unwrap. Lines begin on first use.
 *
 * Two processes may begin or rotate a line at one time: both keys are then stored and both unwrap,
 * so that nothing has to be locked.
 */
import type { Clock } from '../core/clock.js';
import { KmsError } from '../core/errors.js';
import type { StoredDomainKey } from '../core/records.js';
import type { KeyHandle, KeyStore } from '../keystores/port.js';
import type { Store } from '../store/port.js';
import { storeFailure, unwrapFailure } from './failures.js';

/** The line for what belongs to no region: access keys, markers. No region has such a name. */
export const GLOBAL_DOMAIN = 'global';

export interface DomainKey {
  readonly id: number;
  readonly region: string;
  readonly handle: KeyHandle;
}

export interface DomainKeys {
  /** The key that wraps now; made when the region has none. @throws KMSInternalException */
  current(region: string): Promise<DomainKey>;
  /** The key with that id, for unwrapping. @throws KMSInternalException when it is absent */
  byId(region: string, id: number): Promise<DomainKey>;
  /** As byId, for ids that come from outside: undefined when there is no such key. */
  find(region: string, id: number): Promise<DomainKey | undefined>;
  /** Makes the next key of a line; material wrapped by older ones stays as it is. */
  rotate(region: string): Promise<DomainKey>;
  /** Frees the handles. */
  close(): void;
}

export interface DomainKeysParts {
  readonly store: Store;
  readonly keyStore: KeyStore;
  readonly rootKey: KeyHandle;
  readonly clock: Clock;
}

/**
 * What the wrapping is bound to. The id is given by the store after wrapping, so that region and
 * time of creation stand for it: a row put in another's place does not unwrap.
 */
function domainAad(region: string, createdAt: number): Buffer {
  return Buffer.from(`keystrel/domain-key/v1/${region}/${createdAt}`);
}

export function createDomainKeys(parts: DomainKeysParts): DomainKeys {
  return new DomainKeyLines(parts);
}

class DomainKeyLines implements DomainKeys {
  readonly #parts: DomainKeysParts;
  readonly #loaded = new Map<number, Promise<DomainKey>>();
  readonly #current = new Map<string, Promise<DomainKey>>();
  readonly #handles: KeyHandle[] = [];

  constructor(parts: DomainKeysParts) {
    this.#parts = parts;
  }

  current(region: string): Promise<DomainKey> {
    return once(this.#current, region, () => this.#newest(region));
  }

  async byId(region: string, id: number): Promise<DomainKey> {
    const found = await this.find(region, id);
    if (found !== undefined) return found;
    throw new KmsError('KMSInternalException', undefined, new Error('no such domain key'));
  }

  async find(region: string, id: number): Promise<DomainKey | undefined> {
    const known = this.#loaded.get(id);
    if (known !== undefined) {
      const loaded = await known;
      return loaded.region === region ? loaded : undefined;
    }
    const rows = await this.#rows(region);
    const row = rows.find((one) => one.id === id);
    return row === undefined ? undefined : once(this.#loaded, id, () => this.#load(row));
  }

  async rotate(region: string): Promise<DomainKey> {
    const made = await this.#make(region);
    this.#current.set(region, Promise.resolve(made));
    return made;
  }

  close(): void {
    this.#loaded.clear();
    this.#current.clear();
    for (const handle of this.#handles.splice(0)) this.#parts.keyStore.free(handle);
  }

  async #newest(region: string): Promise<DomainKey> {
    const rows = await this.#rows(region);
    const newest = rows.reduce<StoredDomainKey | undefined>(
      (best, row) => (best === undefined || row.id > best.id ? row : best),
      undefined,
    );
    if (newest === undefined) return this.#make(region);
    return once(this.#loaded, newest.id, () => this.#load(newest));
  }

  async #rows(region: string): Promise<readonly StoredDomainKey[]> {
    try {
      const rows = await this.#parts.store.listDomainKeys();
      return rows.filter((row) => row.region === region);
    } catch (error) {
      throw storeFailure(error);
    }
  }

  async #make(region: string): Promise<DomainKey> {
    const { store, keyStore, rootKey, clock } = this.#parts;
    const now = clock.now();
    let wrapped: Buffer;
    try {
      const made = await keyStore.generate(rootKey, 'DOMAIN', region, domainAad(region, now));
      wrapped = made.wrapped;
    } catch (error) {
      throw keyStore.failure(error);
    }
    let row: StoredDomainKey;
    try {
      row = await store.insertDomainKey(region, wrapped, now);
    } catch (error) {
      throw storeFailure(error);
    }
    return once(this.#loaded, row.id, () => this.#load(row));
  }

  async #load(row: StoredDomainKey): Promise<DomainKey> {
    const { keyStore, rootKey } = this.#parts;
    const aad = domainAad(row.region, row.createdAt);
    try {
      const handle = await keyStore.load(rootKey, 'DOMAIN', row.wrapped, aad);
      this.#handles.push(handle);
      return Object.freeze({ id: row.id, region: row.region, handle });
    } catch (error) {
      throw unwrapFailure(keyStore.failure(error));
    }
  }
}

/** One call at a time per key; a success is kept, a failure is forgotten. */
export function once<K, V>(known: Map<K, Promise<V>>, key: K, begin: () => Promise<V>): Promise<V> {
  const running = known.get(key);
  if (running !== undefined) return running;
  const begun = begin();
  known.set(key, begun);
  begun.catch(() => {
    if (known.get(key) === begun) known.delete(key);
  });
  return begun;
}
