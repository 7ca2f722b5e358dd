/**
 * Steps: a piece of database work written once for every SQL database. A generator yields compiled
 * queries and is given their rows; the adapter decides how they run (SQLite at once, a networked
 * database by awaiting each). Nothing here does I/O.
 */
import type { Compilable, CompiledQuery, Kysely } from 'kysely';
import type { Schema } from './schema.js';

/** Builds and compiles queries for the adapter's dialect; it is never executed. */
export type QueryBuilder = Kysely<Schema>;

export type Steps<T> = Generator<CompiledQuery, T, readonly unknown[]>;

/** Runs one query; gives all its rows (none where it returns none). */
export function* rows<Row>(query: Compilable<Row>): Steps<readonly Row[]> {
  return (yield query.compile()) as readonly Row[];
}

/** Runs one query; gives its first row. */
export function* firstRow<Row>(query: Compilable<Row>): Steps<Row | undefined> {
  return (yield* rows(query))[0];
}
