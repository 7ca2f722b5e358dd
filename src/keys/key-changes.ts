/**
 * Changes of keys. A change is written against the version that was looked at; when another process
 * was faster, the key is read anew, its state checked anew, and the change tried again a few times.
 * Should that never succeed, the answer is KMSInternalException, which clients retry: AWS has no
 * error of these operations for it.
 */
import { KmsError } from '../core/errors.js';
import { keyArn } from '../core/ids.js';
import type { StoredKey } from '../core/records.js';
import { type KeyPatch, type Store, StoreError } from '../store/port.js';
import { isStoreError, storeFailure } from './failures.js';
import type { Key } from './key.js';
import type { KeyCaches } from './key-caches.js';
import { ResolvedKey } from './resolved-key.js';
import { requireState } from './states.js';

/** Tries of one change against concurrent ones. */
const ATTEMPTS_MAX = 8;

const nothing = (): void => undefined;

/**
 * Writes a change of `record` against `record.version` and gives the new record; undefined when
 * there is nothing to change. A store's CONFLICT makes it be called again with the newer record.
 */
export type WriteKey = (record: StoredKey) => Promise<StoredKey | undefined>;

export class KeyChanges {
  readonly #store: Store;
  readonly #caches: KeyCaches;
  /** By ARN: the end of the last change of a key that is under way or waits. */
  readonly #changing = new Map<string, Promise<void>>();

  constructor(store: Store, caches: KeyCaches) {
    this.#store = store;
    this.#caches = caches;
  }

  /**
   * Applies what `patchOf` gives, nothing for undefined.
   * @throws NotFoundException, KMSInternalException, and what the state of a newer key refuses
   */
  change(
    operation: string,
    key: Key,
    patchOf: (record: StoredKey) => KeyPatch | undefined,
  ): Promise<Key> {
    return this.write(operation, key, async (record) => {
      const patch = patchOf(record);
      return patch === undefined ? undefined : this.#store.updateKey(record, patch);
    });
  }

  /**
   * As `change`, by any mutation of the store. The operation has checked the state of `key`;
   * whenever the key turns out to be newer than that, it is checked again; undefined stands for the
   * service itself, whose writes look at the state they are given.
   *
   * Changes of one key run one after another: at one time each would be in the way of all others,
   * and many would run out of attempts. Other processes may still interfere.
   */
  async write(operation: string | undefined, key: Key, write: WriteKey): Promise<Key> {
    const before = this.#changing.get(key.arn) ?? Promise.resolve();
    const change = before.then(() => this.#writeNow(operation, key, write));
    const ended = change.then(nothing, nothing);
    this.#changing.set(key.arn, ended);
    try {
      return await change;
    } finally {
      if (this.#changing.get(key.arn) === ended) this.#changing.delete(key.arn);
    }
  }

  async #writeNow(operation: string | undefined, key: Key, write: WriteKey): Promise<Key> {
    const { account, region, keyId } = key.record;
    const scope = { account, region };
    let record = key.record;
    try {
      for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
        try {
          return ResolvedKey.of((await write(record)) ?? record);
        } catch (error) {
          if (!isStoreError(error, 'CONFLICT')) throw error;
        }
        const newer = await this.#store.getKey(scope, keyId);
        if (newer === undefined) throw new StoreError('NOT_FOUND', 'the key was deleted');
        if (operation !== undefined) requireState(operation, ResolvedKey.of(newer));
        record = newer;
      }
      const what = operation ?? 'the service';
      throw new StoreError('CONFLICT', `${what}: ${ATTEMPTS_MAX} concurrent changes`);
    } catch (error) {
      if (isStoreError(error, 'NOT_FOUND')) {
        const arn = keyArn(region, account, keyId);
        throw new KmsError('NotFoundException', `Key '${arn}' does not exist`);
      }
      throw storeFailure(error);
    } finally {
      this.#caches.dropKey(scope, keyId);
    }
  }
}
