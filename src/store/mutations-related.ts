/**
 * Mutations of related keys: the primary and the replicas of a multi-Region key, which share account
 * and key id. Whatever changes which keys are related also advances the primary's version, so that
 * a change made after a look at the replicas is refused when they are others by then.
 */
import type { StoredKey, StoredMaterial, Tag } from '../core/records.js';
import {
  conflict,
  countKey,
  recordChange,
  requireDomainKey,
  updateKeyMaterials,
} from './key-steps.js';
import { writeTags } from './mutations-tags.js';
import type { RelatedKeyChange } from './port.js';
import { rowOfKey, rowOfMaterial } from './rows.js';
import { type QueryBuilder, rows, type Steps } from './steps.js';

const DAY_MS = 86_400_000;

export function* updateRelatedKeys(
  db: QueryBuilder,
  account: string,
  keyId: string,
  changes: readonly RelatedKeyChange[],
): Steps<readonly StoredKey[]> {
  const updated: StoredKey[] = [];
  for (const { region, expectVersion, patch, materials } of changes) {
    const scope = { account, region };
    updated.push(
      yield* updateKeyMaterials(db, scope, keyId, expectVersion, patch, materials ?? {}),
    );
  }
  return updated;
}

export function* insertReplica(
  db: QueryBuilder,
  replica: StoredKey,
  materials: readonly StoredMaterial[],
  primaryRegion: string,
  expectVersion: number,
  tags: readonly Tag[] = [],
): Steps<void> {
  const { account, keyId } = replica;
  const primary = { account, region: primaryRegion };
  yield* updateKeyMaterials(db, primary, keyId, expectVersion, {}, {});
  const made = yield* rows(
    db
      .insertInto('keys')
      .values(rowOfKey(replica))
      .onConflict((oc) => oc.doNothing())
      .returning('key_id'),
  );
  if (made.length === 0) throw conflict('the region has such a key');
  yield* countKey(db, replica, 1);
  for (const material of materials) {
    yield* requireDomainKey(db, material.domainKeyId);
    yield* rows(db.insertInto('materials').values(rowOfMaterial(material)));
  }
  yield* writeTags(db, replica, keyId, tags);
  yield* recordChange(db, { ...replica, kind: 'key', id: keyId });
}

/**
 * For when a replica is gone: a primary that waited for the last of them is pending deletion from
 * now on. `now`: milliseconds since the epoch.
 */
export function* afterReplica(
  db: QueryBuilder,
  account: string,
  keyId: string,
  now: number,
): Steps<void> {
  const related = yield* rows(
    db.selectFrom('keys').selectAll().where('account', '=', account).where('key_id', '=', keyId),
  );
  const primary = related.find((key) => key.multi_region_role === 'PRIMARY');
  if (primary === undefined) return;
  const { region, version, state, pending_window_days: days } = primary;
  const begins = state === 'PendingReplicaDeletion' && related.length === 1;
  const patch = begins
    ? { state: 'PendingDeletion' as const, deletionDate: now + (days ?? 0) * DAY_MS }
    : {};
  yield* updateKeyMaterials(db, { account, region }, keyId, version, patch, {});
}
