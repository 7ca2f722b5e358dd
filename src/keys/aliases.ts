/** Aliases: names of keys in an account and region. AWS KMS Developer Guide, "Aliases". */
import type { Caller } from '../auth/port.js';
import type { Clock } from '../core/clock.js';
import { KmsError } from '../core/errors.js';
import { aliasArn } from '../core/ids.js';
import type { ResourceQuotas } from '../core/limits.js';
import type { StoredAlias } from '../core/records.js';
import type { Scope, Store, Page as StorePage } from '../store/port.js';
import { isStoreError, storeFailure } from './failures.js';
import type { Key } from './key.js';
import type { KeyCaches } from './key-caches.js';
import { aliasNotFound, keyNotFound } from './key-identifier.js';
import type { Markers } from './markers.js';
import type { ListedAlias, Page } from './service.js';

export interface AliasesParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly caches: KeyCaches;
  readonly markers: Markers;
  readonly quotas: Pick<ResourceQuotas, 'aliasesPerKey'>;
  /** Aliases of services, ordered: listed in every scope, whether their keys are made or not. */
  readonly predefined: readonly string[];
}

function tooMany(target: Key, limit: number): KmsError {
  return new KmsError(
    'LimitExceededException',
    `The key ${target.arn} has reached the limit of ${limit} aliases.`,
  );
}

/** The page, with those of the names that fall into it and have no alias in the store. */
function withPredefined(
  page: StorePage<StoredAlias>,
  names: readonly string[],
  scope: Scope,
  limit: number,
  after: string | undefined,
): StorePage<ListedAlias> {
  const stored = new Set(page.items.map(({ name }) => name));
  const missing = names.filter(
    (name) =>
      !stored.has(name) &&
      (after === undefined || name > after) &&
      (page.next === undefined || name <= page.next),
  );
  const all: ListedAlias[] = [...page.items, ...missing.map((name) => ({ ...scope, name }))];
  all.sort((a, b) => (a.name < b.name ? -1 : 1));
  const items = all.slice(0, limit);
  const more = page.next !== undefined || all.length > items.length;
  return { items, next: more ? items.at(-1)?.name : undefined };
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
  ): Promise<Page<ListedAlias>> {
    const { store, markers, predefined } = this.#parts;
    const { account, region } = caller;
    const keyId = target?.record.keyId;
    const names = keyId === undefined ? predefined : [];
    return markers.page(
      ['ListAliases', account, region, keyId ?? ''],
      marker,
      async (after) => {
        const page = await store.listAliases({ account, region }, keyId, limit, after);
        return names.length === 0
          ? page
          : withPredefined(page, names, { account, region }, limit, after);
      },
      (alias): ListedAlias => alias,
    );
  }
}
