/** Mutations of grants; see mutations.ts. */
import type { StoredGrant } from '../core/records.js';
import { conflict, notFound, recordChange, versionOf } from './key-steps.js';
import { type Scope, StoreError } from './port.js';
import { grantCount, grantWithFingerprint } from './queries-grants.js';
import { rowOfGrant } from './rows-grants.js';
import { firstRow, type QueryBuilder, rows, type Steps } from './steps.js';

/** Gives the id of the grant that is there afterwards. */
export function* insertGrant(
  db: QueryBuilder,
  grant: StoredGrant,
  maxPerKey: number,
): Steps<string> {
  const { account, region, keyId, fingerprint } = grant;
  const scope = { account, region };
  if ((yield* versionOf(db, scope, keyId)) === undefined) throw notFound('the key is absent');
  if (fingerprint !== null) {
    const same = yield* firstRow(grantWithFingerprint(db, scope, keyId, fingerprint));
    if (same !== undefined) return same.grant_id;
  }
  const count = yield* firstRow(grantCount(db, scope, keyId));
  if ((count?.grants ?? 0) >= maxPerKey) throw new StoreError('LIMIT', 'too many grants');
  const made = yield* rows(
    db
      .insertInto('grants')
      .values(rowOfGrant(grant))
      .onConflict((oc) => oc.doNothing())
      .returning('grant_id'),
  );
  if (made.length === 0) throw conflict('the grant id is taken');
  yield* rows(
    db
      .insertInto('grant_counts')
      .values({ account, region, key_id: keyId, grants: 1 })
      .onConflict((oc) =>
        oc
          .columns(['account', 'region', 'key_id'])
          .doUpdateSet((eb) => ({ grants: eb('grant_counts.grants', '+', 1) })),
      ),
  );
  yield* recordChange(db, { account, region, kind: 'grant', id: keyId });
  return grant.grantId;
}

export function* deleteGrant(
  db: QueryBuilder,
  scope: Scope,
  keyId: string,
  grantId: string,
): Steps<void> {
  const { account, region } = scope;
  const gone = yield* rows(
    db
      .deleteFrom('grants')
      .where('account', '=', account)
      .where('region', '=', region)
      .where('key_id', '=', keyId)
      .where('grant_id', '=', grantId)
      .returning('grant_id'),
  );
  if (gone.length === 0) throw notFound('the grant is absent');
  yield* rows(
    db
      .updateTable('grant_counts')
      .set((eb) => ({ grants: eb('grants', '-', 1) }))
      .where('account', '=', account)
      .where('region', '=', region)
      .where('key_id', '=', keyId),
  );
  yield* recordChange(db, { account, region, kind: 'grant', id: keyId });
}

/** With its key, whose change tells of them too. */
export function* deleteGrantsOf(db: QueryBuilder, scope: Scope, keyId: string): Steps<void> {
  for (const table of ['grants', 'grant_counts'] as const) {
    yield* rows(
      db
        .deleteFrom(table)
        .where('account', '=', scope.account)
        .where('region', '=', scope.region)
        .where('key_id', '=', keyId),
    );
  }
}
