/** Queries of lists and counts, for every SQL database. Adapters write point reads by hand. */
import type { Compilable, Selectable } from 'kysely';
import type { Page, Scope } from './port.js';
import type {
  AccessKeyTable,
  AliasTable,
  DomainKeyTable,
  KeyTable,
  MaterialTable,
  PrincipalTable,
} from './schema.js';
import { compiledOnce, type QueryBuilder } from './steps.js';

/** Queries ask for one row more than the page holds, to know whether more follow. */
export function pageOf<Row, T>(
  rows: readonly Row[],
  limit: number,
  record: (row: Row) => T,
  key: (item: T) => string,
): Page<T> {
  const items = rows.slice(0, limit).map(record);
  const last = items[items.length - 1];
  return { items, next: rows.length > limit && last !== undefined ? key(last) : undefined };
}

export function keyIdsPage(
  db: QueryBuilder,
  scope: Scope,
  limit: number,
  after: string | undefined,
): Compilable<Pick<KeyTable, 'key_id'>> {
  const query = db
    .selectFrom('keys')
    .select('key_id')
    .where('account', '=', scope.account)
    .where('region', '=', scope.region)
    .orderBy('key_id')
    .limit(limit + 1);
  return after === undefined ? query : query.where('key_id', '>', after);
}

export function relatedKeys(
  db: QueryBuilder,
  account: string,
  keyId: string,
): Compilable<KeyTable> {
  return db
    .selectFrom('keys')
    .selectAll()
    .where('account', '=', account)
    .where('key_id', '=', keyId)
    .orderBy('region');
}

export function keysDue(db: QueryBuilder, now: number, limit: number): Compilable<KeyTable> {
  return db
    .selectFrom('keys')
    .selectAll()
    .where('state', '=', 'PendingDeletion')
    .where('deletion_date', '<=', now)
    .orderBy('deletion_date')
    .orderBy('region')
    .orderBy('key_id')
    .limit(limit);
}

/** No row before the first key. */
export function keyCount(db: QueryBuilder, scope: Scope): Compilable<{ keys: number }> {
  return db
    .selectFrom('key_counts')
    .select('keys')
    .where('account', '=', scope.account)
    .where('region', '=', scope.region);
}

/** Oldest first. */
export function materialsOf(
  db: QueryBuilder,
  scope: Scope,
  keyId: string,
): Compilable<MaterialTable> {
  return db
    .selectFrom('materials')
    .selectAll()
    .where('account', '=', scope.account)
    .where('region', '=', scope.region)
    .where('key_id', '=', keyId)
    .orderBy('created_at')
    .orderBy('material_id');
}

export function materialsDue(
  db: QueryBuilder,
  now: number,
  limit: number,
): Compilable<MaterialTable> {
  return db
    .selectFrom('materials')
    .selectAll()
    .where('valid_to', '<=', now)
    .orderBy('valid_to')
    .orderBy('region')
    .orderBy('key_id')
    .orderBy('material_id')
    .limit(limit);
}

interface AliasesAsked {
  readonly account: string;
  readonly region: string;
  readonly rows: number;
  readonly keyId?: string;
  readonly after?: string;
}

const aliasesBehind = compiledOnce((db, asked: AliasesAsked) => {
  const { account, region, rows, keyId, after } = asked;
  let query = db
    .selectFrom('aliases')
    .selectAll()
    .where('account', '=', account)
    .where('region', '=', region)
    .orderBy('name')
    .limit(rows);
  if (keyId !== undefined) query = query.where('target_key_id', '=', keyId);
  return after === undefined ? query : query.where('name', '>', after);
});

export function aliasesPage(
  db: QueryBuilder,
  scope: Scope,
  keyId: string | undefined,
  limit: number,
  after: string | undefined,
): Compilable<AliasTable> {
  const { account, region } = scope;
  return aliasesBehind(db, {
    account,
    region,
    rows: limit + 1,
    ...(keyId === undefined ? {} : { keyId }),
    ...(after === undefined ? {} : { after }),
  });
}

export function principalsPage(
  db: QueryBuilder,
  limit: number,
  after: string | undefined,
): Compilable<PrincipalTable> {
  const query = db
    .selectFrom('principals')
    .selectAll()
    .orderBy('arn')
    .limit(limit + 1);
  return after === undefined ? query : query.where('arn', '>', after);
}

export function accessKeysOf(db: QueryBuilder, principalArn: string): Compilable<AccessKeyTable> {
  return db
    .selectFrom('access_keys')
    .selectAll()
    .where('principal_arn', '=', principalArn)
    .orderBy('access_key_id');
}

export function domainKeys(db: QueryBuilder): Compilable<Selectable<DomainKeyTable>> {
  return db.selectFrom('domain_keys').selectAll().orderBy('id');
}

/** Changes behind a sequence number, oldest first. */
export const changesAfter = compiledOnce(
  (db, { sequence, limit }: { readonly sequence: number; readonly limit: number }) =>
    db
      .selectFrom('changes')
      .selectAll()
      .where('sequence', '>', sequence)
      .orderBy('sequence')
      .limit(limit),
);
