/** Steps on keys that several mutations take. */
import type { StoredKey } from '../core/records.js';
import { type Change, type KeyPatch, type MaterialChange, type Scope, StoreError } from './port.js';
import { keyOfRow, rowOfMaterial, rowOfPatch } from './rows.js';
import type { KeyTable } from './schema.js';
import { compiledOnce, firstRow, type QueryBuilder, rows, type Steps } from './steps.js';

export const conflict = (what: string) => new StoreError('CONFLICT', what);
export const notFound = (what: string) => new StoreError('NOT_FOUND', what);

/** Columns that name a key. */
export interface KeyName {
  readonly account: string;
  readonly region: string;
  readonly key_id: string;
}

const insertedChange = compiledOnce((db, change: Omit<Change, 'sequence'>) =>
  db.insertInto('changes').values(change),
);

export function* recordChange(db: QueryBuilder, change: Omit<Change, 'sequence'>): Steps<void> {
  // Not all of `change`: a whole record is one, too.
  const { kind, account, region, id } = change;
  yield* rows(insertedChange(db, { kind, account, region, id }));
}

const keyVersion = compiledOnce((db, { account, region, key_id }: KeyName) =>
  db
    .selectFrom('keys')
    .select('version')
    .where('account', '=', account)
    .where('region', '=', region)
    .where('key_id', '=', key_id),
);

export function* versionOf(
  db: QueryBuilder,
  scope: Scope,
  keyId: string,
): Steps<number | undefined> {
  const { account, region } = scope;
  const row = yield* firstRow(keyVersion(db, { account, region, key_id: keyId }));
  return row?.version;
}

interface CountedKey {
  readonly account: string;
  readonly region: string;
  readonly keys: number;
}

const changedCount = compiledOnce((db, values: CountedKey) =>
  db
    .insertInto('key_counts')
    .values(values)
    .onConflict((oc) =>
      oc
        .columns(['account', 'region'])
        .doUpdateSet((eb) => ({ keys: eb('key_counts.keys', '+', values.keys) })),
    ),
);

/** Keeps the count of an account's customer managed keys in a Region; `by` is 1 or -1. */
export function* countKey(
  db: QueryBuilder,
  key: Pick<StoredKey, 'account' | 'region' | 'keyManager'>,
  by: 1 | -1,
): Steps<void> {
  const { account, region, keyManager } = key;
  if (keyManager !== 'CUSTOMER') return;
  yield* rows(changedCount(db, { account, region, keys: by }));
}

const foundDomainKey = compiledOnce((db, { id }: { readonly id: number }) =>
  db.selectFrom('domain_keys').select('id').where('id', '=', id),
);

export function* requireDomainKey(db: QueryBuilder, id: number): Steps<void> {
  const row = yield* firstRow(foundDomainKey(db, { id }));
  if (row === undefined) throw notFound('the domain key is absent');
}

const advancedKey = compiledOnce(
  (db, values: Partial<KeyTable> & KeyName & { readonly expected: number }) => {
    const { account, region, key_id, expected, ...set } = values;
    return db
      .updateTable('keys')
      .set(set)
      .where('account', '=', account)
      .where('region', '=', region)
      .where('key_id', '=', key_id)
      .where('version', '=', expected)
      .returning('version');
  },
);

export function* updateKey(
  db: QueryBuilder,
  scope: Scope,
  keyId: string,
  expectVersion: number,
  patch: KeyPatch,
): Steps<void> {
  const { account, region } = scope;
  const updated = yield* firstRow(
    advancedKey(db, {
      ...rowOfPatch(patch),
      version: expectVersion + 1,
      account,
      region,
      key_id: keyId,
      expected: expectVersion,
    }),
  );
  if (updated === undefined) {
    const version = yield* versionOf(db, scope, keyId);
    throw version === undefined
      ? notFound('the key is absent')
      : conflict('the key has another version');
  }
  yield* recordChange(db, { ...scope, kind: 'key', id: keyId });
}

export function* updateKeyMaterials(
  db: QueryBuilder,
  scope: Scope,
  keyId: string,
  expectVersion: number,
  patch: KeyPatch,
  change: MaterialChange,
): Steps<StoredKey> {
  yield* updateKey(db, scope, keyId, expectVersion, patch);
  for (const material of change.put ?? []) {
    yield* requireDomainKey(db, material.domainKeyId);
    // Not all of `scope`: a whole key's record is one, too.
    const { account, region } = scope;
    const row = rowOfMaterial({ ...material, account, region, keyId });
    yield* rows(
      db
        .insertInto('materials')
        .values(row)
        .onConflict((oc) =>
          oc.columns(['account', 'region', 'key_id', 'material_id']).doUpdateSet(row),
        ),
    );
  }
  for (const materialId of change.remove ?? []) {
    yield* rows(
      db
        .deleteFrom('materials')
        .where('account', '=', scope.account)
        .where('region', '=', scope.region)
        .where('key_id', '=', keyId)
        .where('material_id', '=', materialId),
    );
  }
  const key = yield* firstRow(
    db
      .selectFrom('keys')
      .selectAll()
      .where('account', '=', scope.account)
      .where('region', '=', scope.region)
      .where('key_id', '=', keyId),
  );
  return keyOfRow(key!);
}
