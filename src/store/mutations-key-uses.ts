/** The mutation of last uses. No cache holds them, so that no change is told. */
import type { StoredKeyUse } from '../core/records.js';
import { versionOf } from './key-steps.js';
import { rowOfKeyUse } from './rows.js';
import { type QueryBuilder, rows, type Steps } from './steps.js';

/** Keeps the newest use of each key; keys that are gone are passed over. */
export function* recordKeyUses(db: QueryBuilder, uses: readonly StoredKeyUse[]): Steps<void> {
  for (const use of uses) {
    if ((yield* versionOf(db, use, use.keyId)) === undefined) continue;
    const row = rowOfKeyUse(use);
    yield* rows(
      db
        .insertInto('key_uses')
        .values(row)
        .onConflict((oc) =>
          oc
            .columns(['account', 'region', 'key_id'])
            .doUpdateSet(row)
            .where('key_uses.used_at', '<=', use.usedAt),
        ),
    );
  }
}
