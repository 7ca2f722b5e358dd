/** Mutations of tags. A change of tags is told as a change of the key, whose version it keeps. */
import type { Tag } from '../core/records.js';
import { notFound, recordChange, versionOf } from './key-steps.js';
import { type Scope, StoreError } from './port.js';
import { rowOfTag } from './rows.js';
import { firstRow, type QueryBuilder, rows, type Steps } from './steps.js';

/** Adds tags, or replaces the values of those that are there; the key must be there. */
export function* writeTags(
  db: QueryBuilder,
  scope: Scope,
  keyId: string,
  tags: readonly Tag[],
): Steps<void> {
  for (const tag of tags) {
    yield* rows(
      db
        .insertInto('tags')
        .values(rowOfTag(scope, keyId, tag))
        .onConflict((oc) =>
          oc.columns(['account', 'region', 'key_id', 'tag_key']).doUpdateSet({
            tag_value: tag.value,
          }),
        ),
    );
  }
}

export function* putTags(
  db: QueryBuilder,
  scope: Scope,
  keyId: string,
  tags: readonly Tag[],
  maxPerKey: number,
): Steps<void> {
  if ((yield* versionOf(db, scope, keyId)) === undefined) throw notFound('the key is absent');
  yield* writeTags(db, scope, keyId, tags);
  const row = yield* firstRow(
    db
      .selectFrom('tags')
      .select((eb) => eb.fn.countAll<number>().as('count'))
      .where('account', '=', scope.account)
      .where('region', '=', scope.region)
      .where('key_id', '=', keyId),
  );
  if (row!.count > maxPerKey) throw new StoreError('LIMIT', 'the key has too many tags');
  const { account, region } = scope;
  yield* recordChange(db, { account, region, kind: 'key', id: keyId });
}

export function* deleteTags(
  db: QueryBuilder,
  scope: Scope,
  keyId: string,
  tagKeys: readonly string[],
): Steps<void> {
  const { account, region } = scope;
  if ((yield* versionOf(db, scope, keyId)) === undefined) throw notFound('the key is absent');
  for (const tagKey of tagKeys) {
    yield* rows(
      db
        .deleteFrom('tags')
        .where('account', '=', account)
        .where('region', '=', region)
        .where('key_id', '=', keyId)
        .where('tag_key', '=', tagKey),
    );
  }
  yield* recordChange(db, { account, region, kind: 'key', id: keyId });
}
