/** SQLite: schema versions, forward only; files that are not ours are left alone. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MIGRATIONS, type Migration } from '../../src/store/migrations.js';
import { openForWriting } from '../../src/store/sqlite/connection.js';
import { migrate } from '../../src/store/sqlite/migrate.js';
import { insertKey, NOW, OTHER_REGION, refusal, SCOPE } from './records.js';
import { type Rig, sqliteRig } from './sqlite-rig.js';

const latest = MIGRATIONS.at(-1)!.version;
const next: Migration = {
  version: latest + 1,
  statements: (db, { text }) => [db.schema.alterTable('keys').addColumn('note', text)],
};
const broken: Migration = {
  version: latest + 1,
  statements: (db, { text }) => [
    db.schema.alterTable('keys').addColumn('note', text),
    db.schema.alterTable('absent').addColumn('note', text),
  ],
};

let rig: Rig;
beforeEach(() => {
  rig = sqliteRig();
});
afterEach(() => rig.remove());

function versions(): readonly unknown[] {
  const db = new Database(rig.path);
  const found = db.prepare('select version from schema_versions order by version').pluck().all();
  db.close();
  return found;
}

test('versions ascend from 1 without gaps', () => {
  expect(MIGRATIONS.map(({ version }) => version)).toEqual(MIGRATIONS.map((_, i) => i + 1));
});

test('a new file, and an empty one, get every migration, once', async () => {
  writeFileSync(rig.path, '');
  for (let run = 0; run < 2; run += 1) {
    await (await rig.open()).close();
    expect(versions()).toEqual(MIGRATIONS.map(({ version }) => version));
  }
});

test('several instances that open a new file at once all succeed', async () => {
  const stores = await Promise.all([1, 2, 3, 4].map(() => rig.open()));
  const key = await insertKey(stores[0]!);
  for (const store of stores) expect(await store.getKey(SCOPE, key.keyId)).toEqual(key);
});

test('several processes that open a new file at once all succeed', async () => {
  const script = fileURLToPath(new URL('line-writer.mjs', import.meta.url));
  const answers = await Promise.all(
    [1, 2, 3, 4].map(async (i) => {
      const child = spawn(process.execPath, [script, rig.path]);
      let text = '';
      for (const stream of [child.stdout, child.stderr]) {
        stream.on('data', (data: Buffer) => {
          text += data.toString();
        });
      }
      child.stdin.end(`name ${i}\n`);
      await once(child, 'close');
      return text;
    }),
  );
  expect(answers).toEqual(answers.map(() => 'open\ndone; stored: true\n'));
  expect(versions()).toEqual(MIGRATIONS.map(({ version }) => version));
});

test('an older file gets what is missing and keeps its rows', async () => {
  const store = await rig.open();
  const key = await insertKey(store, { description: 'kept' });
  await store.close();
  const db = openForWriting(rig.path);
  migrate(db, NOW, [...MIGRATIONS, next]);
  const row = db.prepare('select key_id, description, note from keys').get();
  expect(row).toEqual({ key_id: key.keyId, description: 'kept', note: null });
  db.close();
  expect(versions().at(-1)).toBe(latest + 1);
});

test('keys of a file of version 1 are counted', async () => {
  const db = openForWriting(rig.path);
  migrate(db, NOW, MIGRATIONS.slice(0, 1));
  const columns = db.prepare(`select name, type, "notnull" needed from pragma_table_info('keys')`);
  const needed = (columns.all() as { name: string; type: string; needed: number }[]).filter(
    (column) => column.needed === 1,
  );
  const insert = db.prepare(
    `insert into keys (${needed.map(({ name }) => name)}) values (${needed.map(() => '?')})`,
  );
  const scopes = [SCOPE, SCOPE, OTHER_REGION];
  for (const [i, { account, region }] of scopes.entries()) {
    const known: Record<string, unknown> = { account, region, key_id: `key-${i}` };
    insert.run(...needed.map(({ name, type }) => known[name] ?? (type === 'INTEGER' ? 0 : 'x')));
  }
  db.close();
  const store = await rig.open();
  expect(await store.countKeys(SCOPE)).toBe(2);
  expect(await store.countKeys(OTHER_REGION)).toBe(1);
  await insertKey(store, OTHER_REGION);
  expect(await store.countKeys(OTHER_REGION)).toBe(2);
});

test('a migration that fails leaves the file as it was', async () => {
  await insertKey(await rig.open());
  const db = openForWriting(rig.path);
  expect(() => migrate(db, NOW, [...MIGRATIONS, broken])).toThrow(/absent/);
  const columns = db.prepare(`select name from pragma_table_info('keys')`).pluck().all();
  expect(columns).not.toContain('note');
  db.close();
  expect(versions().at(-1)).toBe(latest);
});

test('a file that a newer program migrated is refused, unchanged', async () => {
  await (await rig.open()).close();
  const db = openForWriting(rig.path);
  migrate(db, NOW, [...MIGRATIONS, next]);
  db.close();
  const before = readFileSync(rig.path);
  await expect(rig.open()).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    message: expect.stringMatching(`schema version ${latest + 1}.*knows ${latest}`),
  });
  expect(readFileSync(rig.path).equals(before)).toBe(true);
});

test('the database of another program is refused', async () => {
  const db = new Database(rig.path);
  db.exec('create table theirs (a)');
  db.close();
  expect(await refusal(rig.open())).toBe('CORRUPT');
  const after = new Database(rig.path);
  expect(after.prepare('select name from sqlite_schema').pluck().all()).toEqual(['theirs']);
  after.close();
});

test('a directory that is absent is told as UNAVAILABLE', async () => {
  expect(await refusal(rig.open({ path: `${rig.directory}/absent/keystrel.db` }))).toBe(
    'UNAVAILABLE',
  );
});

test('docs/store.md names every table and column of a fresh database', async () => {
  await (await rig.open()).close();
  const db = new Database(rig.path);
  const names = db.prepare(
    `select name from sqlite_schema where type = 'table' and name not like 'sqlite_%'`,
  );
  const columns = db.prepare('select name from pragma_table_info(?)').pluck();
  const expected = (names.pluck().all() as string[]).map(
    (table) =>
      `| \`${table}\` | ${columns
        .all(table)
        .map((name) => `\`${name}\``)
        .join(', ')} |`,
  );
  db.close();
  const page = readFileSync(new URL('../../docs/store.md', import.meta.url), 'utf8');
  const documented = page.split('\n').filter((line) => /^\| `[a-z_]+` \| `/.test(line));
  expect([...documented].sort()).toEqual(expected.sort());
  expect(page).toContain(`Schema version ${latest}.`);
});
