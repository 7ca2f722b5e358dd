/** SQLite: damage, a full disk, the death of the writer thread, a lock held by another. */
import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmdirSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Store, StoreError } from '../../src/store/port.js';
import { openForWriting } from '../../src/store/sqlite/connection.js';
import { GroupCommitter } from '../../src/store/sqlite/group-commit.js';
import { migrate } from '../../src/store/sqlite/migrate.js';
import { translateSqliteError } from '../../src/store/sqlite/sqlite-errors.js';
import { mountSmallDisk, type SmallDisk } from '../faults/full-disk.js';
import { insertKey, keyRecord, NOW, refusal, SCOPE } from './records.js';
import { type Rig, sqliteRig, watchedWriter } from './sqlite-rig.js';

const LONG = 'x'.repeat(8_192);

let rig: Rig;
beforeEach(() => {
  rig = sqliteRig();
});
afterEach(() => rig.remove());

/** Inserts until it is refused; gives the ids that were acknowledged, and the refusal. */
async function insertUntilRefused(store: Store): Promise<{ ids: string[]; code: string }> {
  const ids: string[] = [];
  for (;;) {
    const key = keyRecord({ description: LONG });
    try {
      await store.insertKey(key, undefined);
      ids.push(key.keyId);
    } catch (error) {
      expect(error).toBeInstanceOf(StoreError);
      return { ids, code: (error as StoreError).code };
    }
  }
}

test.each([
  ['SQLITE_FULL', 'FULL'],
  ['SQLITE_IOERR_SHMSIZE', 'FULL'],
  ['SQLITE_IOERR_FSYNC', 'UNAVAILABLE'],
  ['SQLITE_IOERR_WRITE', 'UNAVAILABLE'],
  ['SQLITE_BUSY', 'UNAVAILABLE'],
  ['SQLITE_READONLY_DBMOVED', 'UNAVAILABLE'],
  ['SQLITE_CANTOPEN', 'UNAVAILABLE'],
  ['SQLITE_CORRUPT_VTAB', 'CORRUPT'],
  ['SQLITE_NOTADB', 'CORRUPT'],
  ['SQLITE_CONSTRAINT_PRIMARYKEY', 'CONFLICT'],
  ['SQLITE_CONSTRAINT_UNIQUE', 'CONFLICT'],
  ['SQLITE_CONSTRAINT_FOREIGNKEY', 'NOT_FOUND'],
])('%s is told as %s', (code, expected) => {
  const cause = Object.assign(new Error('secret detail'), { code });
  const told = translateSqliteError(cause);
  expect(told).toMatchObject({ code: expected, cause });
  expect(told.message).toContain(code);
  expect(told.message).not.toContain('secret');
});

describe('damage', () => {
  test('a file that is no database is CORRUPT, and is not touched', async () => {
    writeFileSync(rig.path, LONG);
    expect(await refusal(rig.open())).toBe('CORRUPT');
    expect(readFileSync(rig.path, 'utf8')).toBe(LONG);
  });

  test('damaged pages are CORRUPT for reads and for changes', async () => {
    const first = await rig.open();
    for (let i = 0; i < 20; i += 1) await insertKey(first, { description: LONG });
    await first.close();
    // All but what opening reads: the schema and the versions that have run.
    const db = new Database(rig.path);
    const pages = db
      .prepare(
        `select pageno from dbstat
         where name not like 'sqlite_schema%' and name not like '%schema_versions%'`,
      )
      .pluck()
      .all() as number[];
    db.close();
    expect(pages.length).toBeGreaterThan(20);
    const file = openSync(rig.path, 'r+');
    for (const page of pages) {
      writeSync(file, Buffer.alloc(4096, 0xa5), 0, 4096, (page - 1) * 4096);
    }
    closeSync(file);
    const store = await rig.open();
    expect(await refusal(store.listKeyIds(SCOPE, 10, undefined))).toBe('CORRUPT');
    expect(await refusal(insertKey(store))).toBe('CORRUPT');
    expect(store.healthy()).toBe(false);
  });
});

describe('a full disk', () => {
  test('FULL for every mutation of the group, nothing of it is there, and it recovers', async () => {
    const store = await rig.open({ maxPages: 60 });
    const small = await insertKey(store);
    const { ids, code } = await insertUntilRefused(store);
    expect(code).toBe('FULL');
    expect(ids.length).toBeGreaterThan(5);
    const count = await store.countKeys(SCOPE);
    expect(count).toBe(ids.length + 1);

    const group = [LONG.repeat(2), 'tiny', LONG].map((description) => keyRecord({ description }));
    const codes = await Promise.all(group.map((key) => refusal(store.insertKey(key, undefined))));
    expect(codes).toEqual(['FULL', 'FULL', 'FULL']);
    expect(await store.countKeys(SCOPE)).toBe(count);
    expect(await store.getKey(SCOPE, small.keyId)).toEqual(small);
    expect(store.healthy()).toBe(true);

    for (const keyId of ids.slice(0, 4)) await store.deleteKey(SCOPE, keyId, 1, NOW);
    const late = await insertKey(store, { description: LONG });
    expect((await store.getKey(SCOPE, late.keyId))!.description).toBe(LONG);
  });

  const disk: SmallDisk | undefined = mountSmallDisk(2);
  afterAll(() => disk?.unmount());
  test.skipIf(disk === undefined)('really full: the same, with a disk', async () => {
    const path = join(disk!.path, 'keystrel.db');
    const store = await rig.open({ path });
    const before = await insertKey(store, { description: LONG });
    disk!.fill();
    const { ids, code } = await insertUntilRefused(store);
    expect(code).toBe('FULL');
    for (let i = 0; i < 3; i += 1) expect((await insertUntilRefused(store)).ids).toEqual([]);
    expect(await store.getKey(SCOPE, before.keyId)).toEqual(before);
    expect(store.healthy()).toBe(true);

    disk!.empty();
    const after = await insertKey(store, { description: LONG });
    await store.close();
    const again = await rig.open({ path });
    for (const keyId of [before.keyId, ...ids, after.keyId]) {
      expect(await again.getKey(SCOPE, keyId)).toBeDefined();
    }
    expect(await again.countKeys(SCOPE)).toBe(ids.length + 2);
  });
});

describe('the writer', () => {
  test('its death refuses what it had, and another takes over', async () => {
    const watched = watchedWriter();
    const store = await rig.open({ openWriter: watched.openWriter });
    // A foreign lock keeps the thread from committing while it is killed.
    const lock = new Database(rig.path);
    lock.exec('begin immediate');
    const pending = [1, 2, 3].map((i) => refusal(store.insertMeta(`name ${i}`, '')));
    await new Promise((resolve) => setTimeout(resolve, 50));
    const killed = watched.thread().kill();
    lock.exec('rollback');
    lock.close();
    expect(await Promise.all(pending)).toEqual(['UNAVAILABLE', 'UNAVAILABLE', 'UNAVAILABLE']);
    await killed;
    const key = await insertKey(store);
    expect(await store.getKey(SCOPE, key.keyId)).toEqual(key);
    await store.insertMeta('name 1', 'free, for nothing of the group was committed');
  });

  test('an idle death goes unnoticed', async () => {
    const watched = watchedWriter();
    const store = await rig.open({ openWriter: watched.openWriter });
    for (let i = 0; i < 3; i += 1) {
      await watched.thread().kill();
      await store.insertMeta(`name ${i}`, 'value');
      expect(await store.getMeta(`name ${i}`)).toBe('value');
    }
  });

  test('one that cannot start again refuses, and starts when it can', async () => {
    const watched = watchedWriter();
    const store = await rig.open({ openWriter: watched.openWriter });
    await insertKey(store);
    await watched.thread().kill();
    const data = join(rig.directory, 'elsewhere');
    renameSync(rig.path, data);
    mkdirSync(rig.path);
    expect(await refusal(store.insertMeta('a', 'b'))).toBe('UNAVAILABLE');
    expect(await refusal(store.insertMeta('a', 'b'))).toBe('UNAVAILABLE');
    rmdirSync(rig.path);
    renameSync(data, rig.path);
    await store.insertMeta('a', 'b');
    expect(await store.getMeta('a')).toBe('b');
  });

  test('a transaction left open by a failure is undone before the next', () => {
    const db = openForWriting(':memory:');
    migrate(db, NOW);
    const committer = new GroupCommitter(db);
    const insert = (name: string) => ({ name: 'insertMeta' as const, args: [name, ''] });
    // A deferred constraint makes COMMIT itself fail, and leaves the transaction open.
    db.exec('create table parent (id integer primary key)');
    db.exec('create table child (id references parent deferrable initially deferred)');
    db.exec('create trigger orphan after insert on meta begin insert into child values (1); end');
    const failed = committer.commit([insert('a'), insert('b')]);
    expect(failed.map(({ ok }) => ok)).toEqual([false, false]);
    expect(db.inTransaction).toBe(false);
    db.exec('drop trigger orphan');
    expect(committer.commit([insert('a')])).toEqual([{ ok: true, value: undefined }]);
    db.close();
  });
});
