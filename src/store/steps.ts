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

/** Takes the place of a value while a query is compiled; `member` names the value. */
class StandIn {
  constructor(readonly member: string) {}
}

/**
 * A query of a frequent mutation, compiled once for each builder and each set of members that its
 * values have: to build and compile one costs more than SQLite takes to run it. `build` is given
 * stand-ins for the values, and may only hand them on as parameters of the query.
 */
export function compiledOnce<Values extends object, Row>(
  build: (db: QueryBuilder, values: Values) => Compilable<Row>,
): (db: QueryBuilder, values: Values) => Compilable<Row> {
  const known = new WeakMap<QueryBuilder, Map<string, CompiledQuery<Row>>>();
  const compiled = (db: QueryBuilder, members: readonly string[]): CompiledQuery<Row> => {
    const shapes = known.get(db) ?? new Map<string, CompiledQuery<Row>>();
    known.set(db, shapes);
    const shape = members.join();
    let query = shapes.get(shape);
    if (query === undefined) {
      const standIns = members.map((member) => [member, new StandIn(member)] as const);
      query = build(db, Object.fromEntries(standIns) as Values).compile();
      shapes.set(shape, query);
    }
    return query;
  };
  return (db, values) => {
    const query = compiled(db, Object.keys(values));
    const parameters = query.parameters.map((parameter) =>
      parameter instanceof StandIn ? values[parameter.member as keyof Values] : parameter,
    );
    return { compile: () => ({ ...query, parameters }) };
  };
}

/** Runs one query; gives all its rows (none where it returns none). */
export function* rows<Row>(query: Compilable<Row>): Steps<readonly Row[]> {
  return (yield query.compile()) as readonly Row[];
}

/** Runs one query; gives its first row. */
export function* firstRow<Row>(query: Compilable<Row>): Steps<Row | undefined> {
  return (yield* rows(query))[0];
}
