/** SQLite with as many grants on one key as AWS allows: every question is answered from an index. */
import Database from 'better-sqlite3';
import type { Compilable } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { StoredKey } from '../../src/core/records.js';
import type { Store } from '../../src/store/port.js';
import {
  grantCount,
  grantsPage,
  grantWithFingerprint,
  retirableGrantsPage,
} from '../../src/store/queries-grants.js';
import { openForReading, sqliteQueryBuilder } from '../../src/store/sqlite/connection.js';
import { grantRecord, insertKey, refusal, SCOPE } from './records.js';
import { type Rig, sqliteRig } from './sqlite-rig.js';

const MAX = 50_000;
const RARE = 'arn:aws:iam::111122223333:role/rare';

let rig: Rig;
let store: Store;
let key: StoredKey;
beforeAll(async () => {
  rig = sqliteRig();
  store = await rig.open();
  key = await insertKey(store);
  await insertKey(store);
  await store.insertGrant(grantRecord(key), MAX);
  // The others at once, because one by one they would take half a minute.
  const db = new Database(rig.path);
  db.prepare(`insert into grants
    with recursive n(i) as (select 1 union all select i + 1 from n where i < ${MAX - 1})
    select account, region, key_id, printf('%064x', i * 2654435761 % 4294967296), null,
      iif(i % 1000 = 0, '${RARE}', grantee_principal), iif(i % 5000 = 0, '${RARE}', null),
      operations, constraints, issuing_account, created_at, null
    from n, grants`).run();
  db.prepare('update grant_counts set grants = ?').run(MAX);
  db.close();
});
afterAll(() => rig.remove());

test('one more is refused, and there is room after a deletion', async () => {
  expect(await refusal(store.insertGrant(grantRecord(key), MAX))).toBe('LIMIT');
  const { items } = await store.listGrants(SCOPE, key.keyId, undefined, 1, undefined);
  await store.deleteGrant(SCOPE, key.keyId, items[0]!.grantId);
  expect(await store.countGrants(SCOPE, key.keyId)).toBe(MAX - 1);
  await store.insertGrant(grantRecord(key), MAX);
  expect(await refusal(store.insertGrant(grantRecord(key), MAX))).toBe('LIMIT');
});

test('all of them by pages, and the few of one grantee', async () => {
  const all = async (limit: number, grantee: string | undefined) => {
    const seen: string[] = [];
    let after: string | undefined;
    do {
      const page = await store.listGrants(SCOPE, key.keyId, grantee, limit, after);
      seen.push(...page.items.map((grant) => grant.grantId));
      after = page.next;
    } while (after !== undefined);
    return seen;
  };
  const seen = await all(100, undefined);
  expect(seen).toHaveLength(MAX);
  expect(seen).toEqual([...new Set(seen)].sort());
  expect((await all(7, RARE)).length).toBe(Math.floor((MAX - 1) / 1000));
  const retirable = await store.listRetirableGrants(SCOPE.region, RARE, undefined, 100, undefined);
  expect(retirable.items).toHaveLength(Math.floor((MAX - 1) / 5000));
});

describe('plans of the queries', () => {
  const builder = sqliteQueryBuilder();
  const id = 'ab'.repeat(32);
  const cases: readonly (readonly [string, () => Compilable, RegExp])[] = [
    [
      'a page',
      () => grantsPage(builder, SCOPE, key.keyId, undefined, 100, id),
      /autoindex_grants_1/,
    ],
    ['a grantee', () => grantsPage(builder, SCOPE, key.keyId, RARE, 100, id), /grants_grantee/],
    [
      'retirable',
      () => retirableGrantsPage(builder, SCOPE.region, RARE, undefined, 100, id),
      /grants_retiring/,
    ],
    ['a name', () => grantWithFingerprint(builder, SCOPE, key.keyId, id), /autoindex_grants_2/],
    ['the count', () => grantCount(builder, SCOPE, key.keyId), /autoindex_grant_counts_1/],
  ];
  test.each(cases)('%s: by its index, without sorting', (_name, query, index) => {
    const db = openForReading(rig.path);
    const { sql, parameters } = query().compile();
    const plan = db.prepare(`explain query plan ${sql}`).all(...parameters) as {
      readonly detail: string;
    }[];
    db.close();
    expect(plan).toHaveLength(1);
    expect(plan[0]!.detail).toMatch(/^SEARCH/);
    expect(plan[0]!.detail).toMatch(index);
  });
});
