/**
 * Connections: the file, its mode, the pragmas that durability rests on, and steps run at once on
 * a synchronous database.
 */
import { closeSync, existsSync, openSync } from 'node:fs';
import Database from 'better-sqlite3';
import {
  type CompiledQuery,
  DummyDriver,
  Kysely,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import type { Schema } from '../schema.js';
import type { QueryBuilder, Steps } from '../steps.js';
import { BUSY_TIMEOUT_MS, STATEMENTS_MAX, WAL_KEPT_BYTES } from './limits.js';

export type Sqlite = Database.Database;

/** Compiles for SQLite and executes nothing: queries run as steps, on a connection. */
export function sqliteQueryBuilder(): QueryBuilder {
  return new Kysely<Schema>({
    dialect: {
      createAdapter: () => new SqliteAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (db) => new SqliteIntrospector(db),
      createQueryCompiler: () => new SqliteQueryCompiler(),
    },
  });
}

/** Opens for writing; makes the file, for its owner alone, when it is absent. */
export function openForWriting(path: string, maxPages?: number): Sqlite {
  // SQLite gives the -wal and -shm files the mode of the database file.
  if (path !== ':memory:' && !existsSync(path)) closeSync(openSync(path, 'a', 0o600));
  const db = new Database(path, { timeout: BUSY_TIMEOUT_MS });
  try {
    db.pragma('journal_mode = WAL');
    // Every commit reaches the disk before it is acknowledged, not only every checkpoint.
    db.pragma('synchronous = FULL');
    // On macOS fsync alone leaves the data in the drive's cache; elsewhere these two do nothing.
    db.pragma('fullfsync = ON');
    db.pragma('checkpoint_fullfsync = ON');
    db.pragma('foreign_keys = ON');
    // A deleted key's wrapped material is overwritten, not only unlinked from its page.
    db.pragma('secure_delete = ON');
    db.pragma('trusted_schema = OFF');
    db.pragma('cell_size_check = ON');
    db.pragma(`journal_size_limit = ${WAL_KEPT_BYTES}`);
    if (maxPages !== undefined) db.pragma(`max_page_count = ${maxPages}`);
  } catch (error) {
    db.close();
    throw error;
  }
  return db;
}

/** Opens for reading alone; each statement sees the latest commit of any process. */
export function openForReading(path: string): Sqlite {
  return new Database(path, { readonly: true, fileMustExist: true, timeout: BUSY_TIMEOUT_MS });
}

/**
 * A statement that gives rows. Their values come as lists and get their names here: better-sqlite3
 * looks each name up anew for each row, which takes as long as all the rest of a read.
 */
export class RowStatement<Row> {
  readonly #statement: Database.Statement;
  readonly #names: readonly string[];

  constructor(statement: Database.Statement) {
    this.#statement = statement.raw();
    this.#names = statement.columns().map(({ name }) => name);
  }

  get(...parameters: readonly unknown[]): Row | undefined {
    const values = this.#statement.get(...parameters);
    return values === undefined ? undefined : this.#row(values as readonly unknown[]);
  }

  all(parameters: readonly unknown[]): readonly Row[] {
    return this.#statement
      .all(...parameters)
      .map((values) => this.#row(values as readonly unknown[]));
  }

  #row(values: readonly unknown[]): Row {
    const row: Record<string, unknown> = {};
    for (let i = 0; i < this.#names.length; i += 1) row[this.#names[i]!] = values[i];
    return row as Row;
  }
}

/** Runs steps on a connection. Statements are kept by their text, of which there are few. */
export class StepRunner {
  readonly #db: Sqlite;
  readonly #statements = new Map<string, Database.Statement | RowStatement<unknown>>();

  constructor(db: Sqlite) {
    this.#db = db;
  }

  run<T>(steps: Steps<T>): T {
    let step = steps.next([]);
    while (step.done !== true) step = steps.next(this.query(step.value));
    return step.value;
  }

  query(query: CompiledQuery): readonly unknown[] {
    const statement = this.#prepare(query.sql);
    if (statement instanceof RowStatement) return statement.all(query.parameters);
    statement.run(...query.parameters);
    return [];
  }

  #prepare(text: string): Database.Statement | RowStatement<unknown> {
    const known = this.#statements.get(text);
    if (known !== undefined) return known;
    if (this.#statements.size >= STATEMENTS_MAX) this.#statements.clear();
    const prepared = this.#db.prepare(text);
    const made = prepared.reader ? new RowStatement(prepared) : prepared;
    this.#statements.set(text, made);
    return made;
  }
}
