/** Queries of what a key carries along: its tags and its last use. */
import type { Compilable } from 'kysely';
import type { Scope } from './port.js';
import type { KeyUseTable, TagTable } from './schema.js';
import type { QueryBuilder } from './steps.js';

export function tagsPage(
  db: QueryBuilder,
  scope: Scope,
  keyId: string,
  limit: number,
  after: string | undefined,
): Compilable<TagTable> {
  const query = db
    .selectFrom('tags')
    .selectAll()
    .where('account', '=', scope.account)
    .where('region', '=', scope.region)
    .where('key_id', '=', keyId)
    .orderBy('tag_key')
    .limit(limit + 1);
  return after === undefined ? query : query.where('tag_key', '>', after);
}

export function keyUse(db: QueryBuilder, scope: Scope, keyId: string): Compilable<KeyUseTable> {
  return db
    .selectFrom('key_uses')
    .selectAll()
    .where('account', '=', scope.account)
    .where('region', '=', scope.region)
    .where('key_id', '=', keyId);
}

/** When the database came to a version of the schema. */
export function appliedAt(db: QueryBuilder, version: number): Compilable<{ applied_at: number }> {
  return db.selectFrom('schema_versions').select('applied_at').where('version', '=', version);
}
