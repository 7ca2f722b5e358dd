/**
 * Reads keys and aliases from the store into the directory: one read per key at a time, and never
 * caches what was overtaken by a change. Absence is not cached.
 */
import type { Caller } from '../auth/port.js';
import { aliasArn, keyArn } from '../core/ids.js';
import type { StoredKey } from '../core/records.js';
import type { Scope, Store } from '../store/port.js';
import { storeFailure } from './failures.js';
import type { KeyDirectory } from './key-directory.js';
import { aliasNotFound, type KeyIdentifier, keyNotFound } from './key-identifier.js';
import { ResolvedKey } from './resolved-key.js';

type Load = Promise<ResolvedKey | undefined>;

export class KeyReader {
  readonly #store: Store;
  readonly #directory: KeyDirectory;
  /** By ARN: the newest read in flight. Only its outcome may be cached. */
  readonly #loads = new Map<string, Load>();

  constructor(store: Store, directory: KeyDirectory) {
    this.#store = store;
    this.#directory = directory;
  }

  /**
   * `fresh`: the answer is as new as the call; otherwise it may share a read that has begun.
   * @throws NotFoundException, KMSInternalException
   */
  async read(caller: Caller, identifier: KeyIdentifier, fresh: boolean): Promise<ResolvedKey> {
    if (identifier.kind === 'key') {
      const key = await this.find(caller, identifier.keyId, fresh);
      if (key === undefined) throw keyNotFound(caller, identifier.keyId);
      return key;
    }
    const key = await this.#findAlias(caller, identifier.name, fresh);
    if (key === undefined) throw aliasNotFound(caller, identifier.name);
    return key;
  }

  /** Undefined when there is no such key in the scope. @throws KMSInternalException */
  find(scope: Scope, keyId: string, fresh: boolean): Load {
    const { account, region } = scope;
    return this.#once(keyArn(region, account, keyId), fresh, async (isNewest) => {
      const record = await this.#getKey({ account, region }, keyId);
      if (record === undefined) {
        // Another process may have deleted it just now: what is cached of it is no more.
        if (isNewest()) this.#directory.dropKey(scope, keyId);
        return undefined;
      }
      return isNewest() ? this.#directory.putKey(record) : ResolvedKey.of(record);
    });
  }

  #findAlias(scope: Scope, name: string, fresh: boolean): Load {
    const own = { account: scope.account, region: scope.region };
    return this.#once(aliasArn(own.region, own.account, name), fresh, async (isNewest) => {
      const alias = await this.#getAlias(own, name);
      const target =
        alias === undefined ? undefined : await this.find(own, alias.targetKeyId, fresh);
      if (target === undefined) {
        if (isNewest()) this.#directory.dropAlias(own, name);
        return undefined;
      }
      return isNewest() ? this.#directory.putAlias(own, name, target) : target.byAlias(name);
    });
  }

  /** What is being read of it now is not cached. */
  overtake(arn: string): void {
    this.#loads.delete(arn);
  }

  overtakeAll(): void {
    this.#loads.clear();
  }

  #once(arn: string, fresh: boolean, read: (isNewest: () => boolean) => Load): Load {
    const running = this.#loads.get(arn);
    if (running !== undefined && !fresh) return running;
    const load: Load = read(() => this.#loads.get(arn) === load).finally(() => {
      if (this.#loads.get(arn) === load) this.#loads.delete(arn);
    });
    this.#loads.set(arn, load);
    return load;
  }

  async #getKey(scope: Scope, keyId: string): Promise<StoredKey | undefined> {
    try {
      return await this.#store.getKey(scope, keyId);
    } catch (error) {
      throw storeFailure(error);
    }
  }

  async #getAlias(scope: Scope, name: string) {
    try {
      return await this.#store.getAlias(scope, name);
    } catch (error) {
      throw storeFailure(error);
    }
  }
}
