/**
 * Access keys: the credentials that requests are signed with. A secret is kept wrapped by a domain
 * key of no region, and used as a handle; as text it exists once, when it is made and shown.
 *
 * Form of AWS: the id is "AKIA" and 16 characters of base32, the secret 40 characters of base64.
 */
import type { AccessKeyEntry, AccessKeySource } from '../auth/port.js';
import type { Clock } from '../core/clock.js';
import type { KeyHandle } from '../core/key-handle.js';
import type { StoredAccessKey, StoredPrincipal } from '../core/records.js';
import type { KeyStore } from '../keystores/port.js';
import type { Change, Store } from '../store/port.js';
import { type DomainKeys, GLOBAL_DOMAIN } from './domain-keys.js';
import { storeFailure, unwrapFailure } from './failures.js';
import { type Cached, SecondChanceCache } from './second-chance-cache.js';

/** Access keys whose secrets stay loaded. */
const CACHE_MAX = 10_000;
/** Milliseconds from the end of a cache entry to the end of its handle: checks in flight need it. */
const FREE_DELAY_MS = 1_000;
/** What an id can look like; anything else is answered without a look at the store. */
const ACCESS_KEY_ID = /^A[KS]IA[A-Z2-7]{16}$/;
const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const ID_CHARS = 16;
/** 30 bytes are 40 characters of base64, without padding. */
const SECRET_BYTES = 30;

export interface AccessKeys extends AccessKeySource {
  /**
   * Makes an access key for a principal that is in the store. The secret is given this once.
   * @throws KMSInternalException
   */
  create(principal: Pick<StoredPrincipal, 'arn'>): Promise<NewAccessKey>;
  /** Stops following the store and frees all handles. */
  close(): void;
}

export interface NewAccessKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface AccessKeysParts {
  /** Open already. */
  readonly store: Store;
  readonly keyStore: KeyStore;
  readonly domainKeys: DomainKeys;
  readonly clock: Clock;
  /** Access keys that stay loaded; 10,000 unless said. */
  readonly cacheMax?: number;
}

interface Loaded extends Cached {
  readonly entry: AccessKeyEntry;
}

/** Binds a secret to its id, principal and end. The ARN comes last: only it may hold slashes. */
function secretAad(
  key: Pick<StoredAccessKey, 'accessKeyId' | 'principalArn' | 'sessionTokenSha256' | 'expiresAt'>,
): Buffer {
  const { accessKeyId, principalArn, sessionTokenSha256, expiresAt } = key;
  const end = `${expiresAt ?? ''}/${sessionTokenSha256 ?? ''}`;
  return Buffer.from(`keystrel/access-key/v1/${accessKeyId}/${end}/${principalArn}`);
}

/** 5 bits of each byte: uniform. */
function base32(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += BASE32[byte & 31];
  return text;
}

export function createAccessKeys(parts: AccessKeysParts): AccessKeys {
  return new StoredAccessKeys(parts);
}

class StoredAccessKeys implements AccessKeys {
  readonly #parts: AccessKeysParts;
  readonly #cache: SecondChanceCache<Loaded>;
  readonly #loads = new Map<string, Promise<AccessKeyEntry | undefined>>();
  readonly #leaving = new Set<KeyHandle>();
  readonly #unsubscribe: () => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: AccessKeysParts) {
    this.#parts = parts;
    this.#cache = new SecondChanceCache(parts.cacheMax ?? CACHE_MAX, (loaded) =>
      this.#retire(loaded.entry.secret),
    );
    this.#unsubscribe = parts.store.onChange((change) => this.#onChange(change));
  }

  find(accessKeyId: string): AccessKeyEntry | undefined | Promise<AccessKeyEntry | undefined> {
    const loaded = this.#cache.get(accessKeyId);
    if (loaded !== undefined) return loaded.entry;
    if (!ACCESS_KEY_ID.test(accessKeyId)) return undefined;
    return this.#loads.get(accessKeyId) ?? this.#load(accessKeyId);
  }

  async create(principal: Pick<StoredPrincipal, 'arn'>): Promise<NewAccessKey> {
    const { store, keyStore, domainKeys, clock } = this.#parts;
    const domain = await domainKeys.current(GLOBAL_DOMAIN);
    let secret: Buffer | undefined;
    try {
      const accessKeyId = `AKIA${base32(await keyStore.random(ID_CHARS))}`;
      const random = await keyStore.random(SECRET_BYTES);
      const secretAccessKey = random.toString('base64');
      random.fill(0);
      secret = Buffer.from(secretAccessKey);
      const named = {
        accessKeyId,
        principalArn: principal.arn,
        sessionTokenSha256: null,
        expiresAt: null,
      };
      const wrappedSecret = await keyStore.wrap(domain.handle, secret, secretAad(named));
      await store.insertAccessKey({
        ...named,
        domainKeyId: domain.id,
        wrappedSecret,
        active: true,
        createdAt: clock.now(),
      });
      return { accessKeyId, secretAccessKey };
    } catch (error) {
      throw keyStore.failure(error);
    } finally {
      secret?.fill(0);
    }
  }

  close(): void {
    this.#unsubscribe();
    this.#clear();
    clearTimeout(this.#timer);
    this.#free();
  }

  /** Once at a time per id; what was overtaken by a change is not cached. Absence never is. */
  #load(accessKeyId: string): Promise<AccessKeyEntry | undefined> {
    const load = this.#read(accessKeyId)
      .then((entry) => {
        if (entry === undefined) return undefined;
        if (this.#loads.get(accessKeyId) === load) {
          this.#cache.set(accessKeyId, { entry, used: true });
        } else {
          this.#retire(entry.secret);
        }
        return entry;
      })
      .finally(() => {
        if (this.#loads.get(accessKeyId) === load) this.#loads.delete(accessKeyId);
      });
    this.#loads.set(accessKeyId, load);
    return load;
  }

  async #read(accessKeyId: string): Promise<AccessKeyEntry | undefined> {
    const { store, keyStore, domainKeys } = this.#parts;
    let key: StoredAccessKey | undefined;
    let principal: StoredPrincipal | undefined;
    try {
      key = await store.getAccessKey(accessKeyId);
      if (key === undefined) return undefined;
      principal = await store.getPrincipal(key.principalArn);
    } catch (error) {
      throw storeFailure(error);
    }
    if (principal === undefined) return undefined;
    const domain = await domainKeys.byId(GLOBAL_DOMAIN, key.domainKeyId);
    try {
      const aad = secretAad(key);
      const secret = await keyStore.load(domain.handle, 'SIGV4_SECRET', key.wrappedSecret, aad);
      return Object.freeze({
        accessKeyId,
        secret,
        account: principal.account,
        principalArn: principal.arn,
        kind: principal.kind,
        name: principal.name,
        active: key.active,
        sessionTokenSha256: key.sessionTokenSha256,
        expiresAt: key.expiresAt,
      });
    } catch (error) {
      throw unwrapFailure(keyStore.failure(error));
    }
  }

  #onChange(change: Change | 'reset'): void {
    if (change === 'reset' || change.kind === 'principal') {
      this.#clear();
    } else if (change.kind === 'access-key') {
      this.#loads.delete(change.id);
      const loaded = this.#cache.peek(change.id);
      if (loaded === undefined) return;
      this.#cache.delete(change.id);
      this.#retire(loaded.entry.secret);
    }
  }

  #clear(): void {
    this.#loads.clear();
    for (const { entry } of [...this.#cache.values()]) {
      this.#cache.delete(entry.accessKeyId);
      this.#retire(entry.secret);
    }
  }

  #retire(secret: KeyHandle): void {
    this.#leaving.add(secret);
    if (this.#timer !== undefined) return;
    // Entries retired meanwhile wait for a round of their own, so that each has its full delay.
    const round = [...this.#leaving];
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#free(round);
      const next = this.#leaving.values().next();
      if (next.done !== true) this.#retire(next.value);
    }, FREE_DELAY_MS);
    this.#timer.unref();
  }

  #free(handles: Iterable<KeyHandle> = [...this.#leaving]): void {
    for (const handle of handles) {
      this.#leaving.delete(handle);
      this.#parts.keyStore.free(handle);
    }
  }
}
