/** Brings a SQLite database to the program's schema, in one transaction, or refuses it unchanged. */
import type { Kysely } from 'kysely';
import { MIGRATIONS, type Migration, SQLITE_TYPES, schemaVersionsTable } from '../migrations.js';
import { StoreError } from '../port.js';
import { type Sqlite, StepRunner, sqliteQueryBuilder } from './connection.js';

function tables(db: Sqlite): readonly string[] {
  return db
    .prepare(`select name from sqlite_schema where type = 'table' and name not like 'sqlite_%'`)
    .pluck()
    .all() as string[];
}

function storedVersion(db: Sqlite): number {
  const names = tables(db);
  if (names.length === 0) return 0;
  if (!names.includes('schema_versions')) {
    throw new StoreError('CORRUPT', 'the file is a database of another program');
  }
  return db
    .prepare('select coalesce(max(version), 0) from schema_versions')
    .pluck()
    .get() as number;
}

/**
 * Runs what is missing. Several processes may start at once: the second finds all done.
 * @throws StoreError UNAVAILABLE when the database is newer, CORRUPT when it is no database of ours
 */
export function migrate(
  db: Sqlite,
  now: number,
  migrations: readonly Migration[] = MIGRATIONS,
): void {
  const latest = migrations.at(-1)?.version ?? 0;
  const builder = sqliteQueryBuilder();
  const untyped = builder as unknown as Kysely<unknown>;
  const runner = new StepRunner(db);
  const run = db.transaction(() => {
    const stored = storedVersion(db);
    if (stored > latest) {
      throw new StoreError(
        'UNAVAILABLE',
        `the database has schema version ${stored}, this program knows ${latest}: run a newer one`,
      );
    }
    if (stored === 0) runner.query(schemaVersionsTable(untyped, SQLITE_TYPES).compile());
    for (const migration of migrations.filter(({ version }) => version > stored)) {
      for (const statement of migration.statements(untyped, SQLITE_TYPES)) {
        runner.query(statement.compile());
      }
      const row = { version: migration.version, applied_at: now };
      runner.query(builder.insertInto('schema_versions').values(row).compile());
    }
  });
  run.immediate();
}
