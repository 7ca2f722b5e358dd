/** Aliases: names of keys in an account and region. AWS KMS Developer Guide, "Aliases". */
import type { Caller } from '../auth/port.js';
import type { Clock } from '../core/clock.js';
import { KmsError } from '../core/errors.js';
import { aliasArn } from '../core/ids.js';
import type { ResourceQuotas } from '../core/limits.js';
import type { StoredAlias } from '../core/records.js';
import type { Store } from '../store/port.js';
import { isStoreError, storeFailure } from './failures.js';
import type { Key } from './key.js';
import type { KeyCaches } from './key-caches.js';
import { aliasNotFound, keyNotFound } from './key-identifier.js';
import type { Markers } from './markers.js';
import type { Page } from './service.js';

export interface AliasesParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly caches: KeyCaches;
  readonly markers: Markers;
  readonly quotas: Pick<ResourceQuotas, 'aliasesPerKey'>;
}

function tooMany(target: Key, limit: number): KmsError {
  return new KmsError(
    'LimitExceededException',
    `The key ${target.arn} has reached the limit of ${limit} aliases.`,
  );
}

export class Aliases {
  readonly #parts: AliasesParts;

  constructor(parts: AliasesParts) {
    this.#parts = parts;
  }

  async create(caller: Caller, name: string, target: Key): Promise<void> {
    const { store, clock, caches, quotas } = this.#parts;
    const { account, region } = caller;
    const now = clock.now();
    const targetKeyId = target.record.keyId;
    const alias: StoredAlias = {
      account,
      region,
      name,
      targetKeyId,
      createdAt: now,
      updatedAt: now,
    };
    try {
      await store.insertAlias(alias, quotas.aliasesPerKey);
    } catch (error) {
      if (isStoreError(error, 'LIMIT')) throw tooMany(target, quotas.aliasesPerKey);
      if (isStoreError(error, 'NOT_FOUND')) throw keyNotFound(caller, targetKeyId);
      if (isStoreError(error, 'CONFLICT')) {
        const arn = aliasArn(region, account, name);
        const text = `An alias with the name ${arn} already exists`;
        throw new KmsError('AlreadyExistsException', text);
      }
      throw storeFailure(error);
    } finally {
      caches.dropAlias(caller, name);
    }
  }

  target(caller: Caller, name: string): Promise<Key> {
    return this.#parts.caches.reader.read(caller, { kind: 'alias', name }, true);
  }

  async update(caller: Caller, name: string, target: Key): Promise<void> {
    const { store, clock, caches, quotas } = this.#parts;
    const { account, region } = caller;
    const { keyId } = target.record;
    try {
      const scope = { account, region };
      await store.updateAlias(scope, name, keyId, clock.now(), quotas.aliasesPerKey);
    } catch (error) {
      if (isStoreError(error, 'LIMIT')) throw tooMany(target, quotas.aliasesPerKey);
      if (isStoreError(error, 'NOT_FOUND')) throw aliasNotFound(caller, name);
      throw storeFailure(error);
    } finally {
      caches.dropAlias(caller, name);
    }
  }

  async delete(caller: Caller, name: string): Promise<void> {
    const { store, caches } = this.#parts;
    try {
      await store.deleteAlias({ account: caller.account, region: caller.region }, name);
    } catch (error) {
      if (isStoreError(error, 'NOT_FOUND')) throw aliasNotFound(caller, name);
      throw storeFailure(error);
    } finally {
      caches.dropAlias(caller, name);
    }
  }

  async list(
    caller: Caller,
    target: Key | undefined,
    limit: number,
    marker: string | undefined,
  ): Promise<Page<StoredAlias>> {
    const { store, markers } = this.#parts;
    const { account, region } = caller;
    const keyId = target?.record.keyId;
    return markers.page(
      ['ListAliases', account, region, keyId ?? ''],
      marker,
      (after) => store.listAliases({ account, region }, keyId, limit, after),
      (alias) => alias,
    );
  }
}
