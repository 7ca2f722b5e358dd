/** Queries that are compiled once say the same as those that are built anew. */
import { describe, expect, test } from 'vitest';
import type { KeyTable } from '../../src/store/schema.js';
import { sqliteQueryBuilder } from '../../src/store/sqlite/connection.js';
import { compiledOnce, type QueryBuilder } from '../../src/store/steps.js';

type Changed = Partial<KeyTable> & { readonly key_id: string };

let built = 0;
function change(db: QueryBuilder, { key_id, ...set }: Changed) {
  built += 1;
  return db
    .updateTable('keys')
    .set(set)
    .where('key_id', '=', key_id)
    .where('state', '=', 'Enabled')
    .returning('version');
}

const text = ({ sql, parameters }: { readonly sql: string; readonly parameters: unknown }) => ({
  sql,
  parameters,
});

describe('a query compiled once', () => {
  const VALUES: readonly Changed[] = [
    { key_id: 'a', state: 'Disabled' },
    { key_id: 'b', state: 'Enabled' },
    { key_id: 'c', description: "it's", deletion_date: null },
    { state: 'Creating', key_id: 'd' },
    { key_id: 'e', public_key: Uint8Array.of(1, 2), version: 7 },
    { key_id: 'a', state: 'Disabled' },
  ];

  test('has the text and the parameters of one built for these values', () => {
    const db = sqliteQueryBuilder();
    const once = compiledOnce(change);
    for (const values of VALUES) {
      expect(text(once(db, values).compile())).toEqual(text(change(db, values).compile()));
    }
  });

  test('is built once for each builder and each list of members', () => {
    const once = compiledOnce(change);
    built = 0;
    for (const db of [sqliteQueryBuilder(), sqliteQueryBuilder()]) {
      for (let round = 0; round < 3; round += 1) {
        for (const values of VALUES) once(db, values).compile();
      }
    }
    expect(built).toBe(2 * new Set(VALUES.map((values) => Object.keys(values).join())).size);
  });
});
