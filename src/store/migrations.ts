/**
 * Migrations: numbered lists of statements, forward only, in portable SQL. The adapter runs all
 * that are missing, with the row of `schema_versions` of each, in one transaction. A published
 * migration is never edited: a change of the schema is a new one.
 */
import {
  type ColumnDefinitionBuilder,
  type Compilable,
  type Kysely,
  type RawBuilder,
  sql,
} from 'kysely';
import type { Schema } from './schema.js';

/** What databases name differently. */
export interface ColumnTypes {
  /** Text that is ordered by the bytes of its UTF-8 form. */
  readonly text: RawBuilder<unknown>;
  /** A whole number of 64 bits. */
  readonly int: RawBuilder<unknown>;
  readonly bytes: RawBuilder<unknown>;
  /** A number given by the database, ascending, never used twice. */
  readonly identity: RawBuilder<unknown>;
  readonly asIdentity: (column: ColumnDefinitionBuilder) => ColumnDefinitionBuilder;
}

export interface Migration {
  readonly version: number;
  statements(db: Kysely<unknown>, types: ColumnTypes): readonly Compilable[];
}

const required = (column: ColumnDefinitionBuilder) => column.notNull();
const primary = (column: ColumnDefinitionBuilder) => column.primaryKey().notNull();

function keyTables(db: Kysely<unknown>, { text, int, bytes }: ColumnTypes): Compilable[] {
  const owner = ['account', 'region', 'key_id'] as const;
  return [
    db.schema
      .createTable('keys')
      .addColumn('account', text, required)
      .addColumn('region', text, required)
      .addColumn('key_id', text, required)
      .addColumn('version', int, required)
      .addColumn('key_spec', text, required)
      .addColumn('key_usage', text, required)
      .addColumn('origin', text, required)
      .addColumn('key_manager', text, required)
      .addColumn('state', text, required)
      .addColumn('description', text, required)
      .addColumn('multi_region', int, required)
      .addColumn('created_at', int, required)
      .addColumn('deletion_date', int)
      .addColumn('pending_window_days', int)
      .addColumn('current_material_id', text)
      .addColumn('public_key', bytes)
      .addColumn('policy', text)
      .addPrimaryKeyConstraint('keys_pk', [...owner])
      // A ciphertext names its key by id alone: in a region no two accounts may share one.
      .addUniqueConstraint('keys_region_key_id', ['region', 'key_id']),
    db.schema.createIndex('keys_due').on('keys').columns(['state', 'deletion_date']),
    db.schema
      .createTable('materials')
      .addColumn('account', text, required)
      .addColumn('region', text, required)
      .addColumn('key_id', text, required)
      .addColumn('material_id', text, required)
      .addColumn('domain_key_id', int, (column) => column.notNull().references('domain_keys.id'))
      .addColumn('wrapped', bytes, required)
      .addColumn('created_at', int, required)
      .addPrimaryKeyConstraint('materials_pk', [...owner, 'material_id'])
      .addForeignKeyConstraint('materials_key', [...owner], 'keys', [...owner]),
    db.schema
      .createTable('aliases')
      .addColumn('account', text, required)
      .addColumn('region', text, required)
      .addColumn('name', text, required)
      .addColumn('target_key_id', text, required)
      .addColumn('created_at', int, required)
      .addColumn('updated_at', int, required)
      .addPrimaryKeyConstraint('aliases_pk', ['account', 'region', 'name'])
      .addForeignKeyConstraint('aliases_key', ['account', 'region', 'target_key_id'], 'keys', [
        ...owner,
      ]),
    db.schema
      .createIndex('aliases_target')
      .on('aliases')
      .columns(['account', 'region', 'target_key_id', 'name']),
  ];
}

const first: Migration = {
  version: 1,
  statements(db, types) {
    const { text, int, bytes, identity, asIdentity } = types;
    return [
      db.schema
        .createTable('meta')
        .addColumn('name', text, primary)
        .addColumn('value', text, required),
      db.schema
        .createTable('domain_keys')
        .addColumn('id', identity, asIdentity)
        .addColumn('region', text, required)
        .addColumn('wrapped', bytes, required)
        .addColumn('created_at', int, required),
      ...keyTables(db, types),
      db.schema
        .createTable('principals')
        .addColumn('arn', text, primary)
        .addColumn('account', text, required)
        .addColumn('kind', text, required)
        .addColumn('name', text, required)
        .addColumn('created_at', int, required),
      db.schema
        .createTable('access_keys')
        .addColumn('access_key_id', text, primary)
        .addColumn('principal_arn', text, (column) => column.notNull().references('principals.arn'))
        .addColumn('domain_key_id', int, (column) => column.notNull().references('domain_keys.id'))
        .addColumn('wrapped_secret', bytes, required)
        .addColumn('active', int, required)
        .addColumn('created_at', int, required)
        .addColumn('session_token_sha256', text)
        .addColumn('expires_at', int),
      db.schema.createIndex('access_keys_principal').on('access_keys').column('principal_arn'),
      db.schema
        .createTable('changes')
        .addColumn('sequence', identity, asIdentity)
        .addColumn('kind', text, required)
        .addColumn('account', text, required)
        .addColumn('region', text, required)
        .addColumn('id', text, required),
    ];
  },
};

/** What a key carries along: tags, and its last use. */
function keyCompanions(db: Kysely<unknown>, { text, int }: ColumnTypes): Compilable[] {
  const owner = ['account', 'region', 'key_id'] as const;
  return [
    db.schema
      .createTable('tags')
      .addColumn('account', text, required)
      .addColumn('region', text, required)
      .addColumn('key_id', text, required)
      .addColumn('tag_key', text, required)
      .addColumn('tag_value', text, required)
      .addPrimaryKeyConstraint('tags_pk', [...owner, 'tag_key'])
      .addForeignKeyConstraint('tags_key', [...owner], 'keys', [...owner]),
    db.schema
      .createTable('key_uses')
      .addColumn('account', text, required)
      .addColumn('region', text, required)
      .addColumn('key_id', text, required)
      .addColumn('operation', text, required)
      .addColumn('used_at', int, required)
      .addColumn('request_id', text, required)
      .addColumn('event_id', text, required)
      .addPrimaryKeyConstraint('key_uses_pk', [...owner])
      .addForeignKeyConstraint('key_uses_key', [...owner], 'keys', [...owner]),
  ];
}

function grantTables(db: Kysely<unknown>, { text, int }: ColumnTypes): Compilable[] {
  const owner = ['account', 'region', 'key_id'] as const;
  return [
    db.schema
      .createTable('grants')
      .addColumn('account', text, required)
      .addColumn('region', text, required)
      .addColumn('key_id', text, required)
      .addColumn('grant_id', text, required)
      .addColumn('name', text)
      .addColumn('grantee_principal', text, required)
      .addColumn('retiring_principal', text)
      .addColumn('operations', text, required)
      .addColumn('constraints', text)
      .addColumn('issuing_account', text, required)
      .addColumn('created_at', int, required)
      .addColumn('fingerprint', text)
      .addPrimaryKeyConstraint('grants_pk', [...owner, 'grant_id'])
      // Grants without a name have none, and any number of those may be alike.
      .addUniqueConstraint('grants_fingerprint', [...owner, 'fingerprint'])
      .addForeignKeyConstraint('grants_key', [...owner], 'keys', [...owner]),
    db.schema
      .createIndex('grants_grantee')
      .on('grants')
      .columns([...owner, 'grantee_principal', 'grant_id']),
    db.schema
      .createIndex('grants_retiring')
      .on('grants')
      .columns(['region', 'retiring_principal', 'grant_id']),
    db.schema
      .createTable('grant_counts')
      .addColumn('account', text, required)
      .addColumn('region', text, required)
      .addColumn('key_id', text, required)
      .addColumn('grants', int, required)
      .addPrimaryKeyConstraint('grant_counts_pk', [...owner])
      .addForeignKeyConstraint('grant_counts_key', [...owner], 'keys', [...owner]),
  ];
}

/** So far all keys were customer managed ones. */
function keyCounts(db: Kysely<unknown>, { text, int }: ColumnTypes): Compilable[] {
  const counted = (db as Kysely<Schema>)
    .selectFrom('keys')
    .select((eb) => ['account', 'region', eb.fn.countAll<number>().as('keys')])
    .groupBy(['account', 'region']);
  return [
    db.schema
      .createTable('key_counts')
      .addColumn('account', text, required)
      .addColumn('region', text, required)
      .addColumn('keys', int, required)
      .addPrimaryKeyConstraint('key_counts_pk', ['account', 'region']),
    (db as Kysely<Schema>)
      .insertInto('key_counts')
      .columns(['account', 'region', 'keys'])
      .expression(counted),
  ];
}

/** Rotation, import, multi-Region keys, keys that services manage, tags, last uses and grants. */
const second: Migration = {
  version: 2,
  statements(db, types) {
    const { text, int } = types;
    const column = (table: string, name: string, type: RawBuilder<unknown>) =>
      db.schema.alterTable(table).addColumn(name, type);
    return [
      column('keys', 'rotation_period_days', int),
      column('keys', 'next_rotation_at', int),
      column('keys', 'expiration_model', text),
      column('keys', 'valid_to', int),
      column('keys', 'multi_region_role', text),
      column('keys', 'primary_region', text),
      column('keys', 'service', text),
      // So far no key had more than one material.
      db.schema
        .alterTable('materials')
        .addColumn('state', text, (added) => added.notNull().defaultTo('CURRENT')),
      column('materials', 'rotation_type', text),
      column('materials', 'rotated_at', int),
      column('materials', 'import_state', text),
      column('materials', 'expiration_model', text),
      column('materials', 'valid_to', int),
      column('materials', 'description', text),
      (db as Kysely<Schema>)
        .updateTable('keys')
        .set((eb) => ({ multi_region_role: 'PRIMARY', primary_region: eb.ref('region') }))
        .where('multi_region', '=', 1),
      db.schema.createIndex('keys_related').on('keys').columns(['account', 'key_id']),
      db.schema.createIndex('keys_rotation').on('keys').column('next_rotation_at'),
      ...keyCounts(db, types),
      ...keyCompanions(db, types),
      db.schema.createIndex('materials_expiry').on('materials').column('valid_to'),
      ...grantTables(db, types),
    ];
  },
};

/** Ascending and without gaps, from 1. */
export const MIGRATIONS: readonly Migration[] = Object.freeze([first, second]);

/** The table that says which have run; made before the first of them. */
export function schemaVersionsTable(db: Kysely<unknown>, { int }: ColumnTypes): Compilable {
  return db.schema
    .createTable('schema_versions')
    .addColumn('version', int, primary)
    .addColumn('applied_at', int, required);
}

export const SQLITE_TYPES: ColumnTypes = Object.freeze({
  text: sql`text`,
  int: sql`integer`,
  bytes: sql`blob`,
  // Only this exact form gives SQLite's row ids, and only with AUTOINCREMENT are they never reused.
  identity: sql`integer`,
  asIdentity: (column: ColumnDefinitionBuilder) => column.primaryKey().autoIncrement(),
});
