/** Queries of grants; see queries.ts. */
import type { Compilable } from 'kysely';
import type { Scope } from './port.js';
import type { GrantTable } from './schema.js';
import type { QueryBuilder } from './steps.js';

/** Of one key, ordered by grant id; those to one grantee when it is given. */
export function grantsPage(
  db: QueryBuilder,
  scope: Scope,
  keyId: string,
  granteePrincipal: string | undefined,
  limit: number,
  after: string | undefined,
): Compilable<GrantTable> {
  let query = db
    .selectFrom('grants')
    .selectAll()
    .where('account', '=', scope.account)
    .where('region', '=', scope.region)
    .where('key_id', '=', keyId)
    .orderBy('grant_id')
    .limit(limit + 1);
  if (granteePrincipal !== undefined) {
    query = query.where('grantee_principal', '=', granteePrincipal);
  }
  return after === undefined ? query : query.where('grant_id', '>', after);
}

/** Of all keys of a Region, ordered by grant id; of one account's keys when it is given. */
export function retirableGrantsPage(
  db: QueryBuilder,
  region: string,
  retiringPrincipal: string,
  account: string | undefined,
  limit: number,
  after: string | undefined,
): Compilable<GrantTable> {
  let query = db
    .selectFrom('grants')
    .selectAll()
    .where('region', '=', region)
    .where('retiring_principal', '=', retiringPrincipal)
    .orderBy('grant_id')
    .limit(limit + 1);
  if (account !== undefined) query = query.where('account', '=', account);
  return after === undefined ? query : query.where('grant_id', '>', after);
}

export function grantWithFingerprint(
  db: QueryBuilder,
  scope: Scope,
  keyId: string,
  fingerprint: string,
): Compilable<GrantTable> {
  return db
    .selectFrom('grants')
    .selectAll()
    .where('account', '=', scope.account)
    .where('region', '=', scope.region)
    .where('key_id', '=', keyId)
    .where('fingerprint', '=', fingerprint);
}

/** No row for a key that never had a grant. */
export function grantCount(
  db: QueryBuilder,
  scope: Scope,
  keyId: string,
): Compilable<{ grants: number }> {
  return db
    .selectFrom('grant_counts')
    .select('grants')
    .where('account', '=', scope.account)
    .where('region', '=', scope.region)
    .where('key_id', '=', keyId);
}
