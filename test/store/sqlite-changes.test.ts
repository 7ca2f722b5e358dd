/** SQLite: where the change feed cannot tell what changed it says so. */
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ChangeFeed } from '../../src/store/sqlite/change-feed.js';
import {
  openForWriting,
  type Sqlite,
  StepRunner,
  sqliteQueryBuilder,
} from '../../src/store/sqlite/connection.js';
import { CHANGES_DELIVERED_MAX } from '../../src/store/sqlite/limits.js';
import { migrate } from '../../src/store/sqlite/migrate.js';
import { insertKey, listen, NOW, until } from './records.js';
import { type Rig, sqliteRig } from './sqlite-rig.js';

let rig: Rig;
beforeEach(() => {
  rig = sqliteRig();
});
afterEach(() => rig.remove());

function feedOn(db: Sqlite): { feed: ChangeFeed; heard: string[] } {
  const feed = new ChangeFeed(db, new StepRunner(db), sqliteQueryBuilder());
  const heard: string[] = [];
  feed.listen((change) => heard.push(change === 'reset' ? 'reset' : change.id));
  return { feed, heard };
}

function insertChange(db: Sqlite, id: string): void {
  db.prepare(`insert into changes (kind, account, region, id) values ('key', 'a', 'r', ?)`).run(id);
}

test('the table is bounded; an instance that pruning has passed is told to reset', async () => {
  const [store, other] = [await rig.open({ changesKept: 5 }), await rig.open()];
  const [near, far] = [listen(store), listen(other)];
  // One turn of the event loop, hence one transaction of 50 changes.
  const keys = await Promise.all(Array.from({ length: 50 }, () => insertKey(store)));
  expect(near.lines).toEqual(['reset']);
  await until('the other resets', () => far.lines.length > 0);
  expect(far.lines).toEqual(['reset']);
  const db = new Database(rig.path);
  expect(db.prepare('select count(*) from changes').pluck().get()).toBe(5);
  db.close();
  const next = await insertKey(store);
  await until('the next is heard', () => far.lines.length > 1);
  expect(far.lines).toEqual(['reset', `key ${next.keyId}`]);
  expect(keys).toHaveLength(50);
});

test('too many at once are a reset; what follows is told again', () => {
  const db = openForWriting(rig.path);
  migrate(db, NOW);
  const { feed, heard } = feedOn(db);
  db.transaction(() => {
    for (let i = 0; i < CHANGES_DELIVERED_MAX; i += 1) insertChange(db, `${i}`);
  })();
  feed.look();
  expect(heard).toHaveLength(CHANGES_DELIVERED_MAX);
  heard.length = 0;
  db.transaction(() => {
    for (let i = 0; i <= CHANGES_DELIVERED_MAX; i += 1) insertChange(db, `${i}`);
  })();
  feed.look();
  insertChange(db, 'after');
  feed.look();
  expect(heard).toEqual(['reset', 'after']);
  feed.stop();
  db.close();
});

test('changes that were undone leave no gap', () => {
  const db = openForWriting(rig.path);
  migrate(db, NOW);
  const { feed, heard } = feedOn(db);
  insertChange(db, 'first');
  db.exec('begin; savepoint s');
  insertChange(db, 'undone');
  db.exec('rollback to s; release s; commit');
  insertChange(db, 'second');
  feed.look();
  expect(heard).toEqual(['first', 'second']);
  feed.stop();
  db.close();
});

test('a database that cannot be read, or an older one in its place, is a reset', () => {
  const db = openForWriting(rig.path);
  migrate(db, NOW);
  const { feed, heard } = feedOn(db);
  insertChange(db, 'first');
  feed.look();
  db.exec('alter table changes rename column sequence to hidden');
  feed.look();
  feed.look();
  db.exec('alter table changes rename column hidden to sequence');
  feed.look();
  insertChange(db, 'second');
  feed.look();
  expect(heard).toEqual(['first', 'reset', 'reset', 'second']);
  db.exec(`delete from changes; update sqlite_sequence set seq = 1 where name = 'changes'`);
  feed.look();
  expect(heard.at(-1)).toBe('reset');
  feed.stop();
  db.close();
});
