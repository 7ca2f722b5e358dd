/**
 * Every mutation, as steps inside a transaction that the adapter opens and commits. A mutation
 * throws StoreError (CONFLICT, NOT_FOUND, LIMIT) after which the adapter undoes it alone, and it
 * records what it changed in the change feed.
 */
import type {
  StoredAccessKey,
  StoredAlias,
  StoredDomainKey,
  StoredKey,
  StoredMaterial,
  StoredPrincipal,
  Tag,
} from '../core/records.js';
import {
  conflict,
  countKey,
  type KeyName,
  notFound,
  recordChange,
  requireDomainKey,
  updateKey,
  updateKeyMaterials,
  versionOf,
} from './key-steps.js';
import { deleteGrant, deleteGrantsOf, insertGrant } from './mutations-grants.js';
import { recordKeyUses } from './mutations-key-uses.js';
import { afterReplica, insertReplica, updateRelatedKeys } from './mutations-related.js';
import { deleteTags, putTags, writeTags } from './mutations-tags.js';
import { type Scope, StoreError } from './port.js';
import {
  domainKeyOfRow,
  rowOfAccessKey,
  rowOfAlias,
  rowOfKey,
  rowOfMaterial,
  rowOfPrincipal,
} from './rows.js';
import type { AliasTable, KeyTable, MaterialTable } from './schema.js';
import { compiledOnce, firstRow, type QueryBuilder, rows, type Steps } from './steps.js';

const aliasCount = compiledOnce((db, { account, region, key_id }: KeyName) =>
  db
    .selectFrom('aliases')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('account', '=', account)
    .where('region', '=', region)
    .where('target_key_id', '=', key_id),
);

/** The target of an alias must be there, and have room for one more. */
function* requireAliasRoom(
  db: QueryBuilder,
  scope: Scope,
  targetKeyId: string,
  maxPerKey: number,
): Steps<void> {
  if ((yield* versionOf(db, scope, targetKeyId)) === undefined) {
    throw notFound('the target key is absent');
  }
  const { account, region } = scope;
  const row = yield* firstRow(aliasCount(db, { account, region, key_id: targetKeyId }));
  if (row!.count >= maxPerKey) throw new StoreError('LIMIT', 'the key has too many aliases');
}

function* insertMeta(db: QueryBuilder, name: string, value: string): Steps<void> {
  const made = yield* rows(
    db
      .insertInto('meta')
      .values({ name, value })
      .onConflict((oc) => oc.doNothing())
      .returning('name'),
  );
  if (made.length === 0) throw conflict('the name is set already');
}

const insertedKey = compiledOnce((db, row: KeyTable) =>
  db
    .insertInto('keys')
    .values(row)
    .onConflict((oc) => oc.doNothing())
    .returning('key_id'),
);
const insertedMaterial = compiledOnce((db, row: MaterialTable) =>
  db.insertInto('materials').values(row),
);

function* insertKey(
  db: QueryBuilder,
  key: StoredKey,
  material: StoredMaterial | undefined,
  tags: readonly Tag[] = [],
  alias?: StoredAlias,
): Steps<void> {
  const made = yield* rows(insertedKey(db, rowOfKey(key)));
  if (made.length === 0) throw conflict('the key id is taken');
  yield* countKey(db, key, 1);
  if (material !== undefined) {
    yield* requireDomainKey(db, material.domainKeyId);
    yield* rows(insertedMaterial(db, rowOfMaterial(material)));
  }
  yield* writeTags(db, key, key.keyId, tags);
  if (alias !== undefined) yield* insertAlias(db, alias, 1);
  yield* recordChange(db, { ...key, kind: 'key', id: key.keyId });
}

function* deleteKey(
  db: QueryBuilder,
  scope: Scope,
  keyId: string,
  expectVersion: number,
  now: number,
): Steps<void> {
  const { account, region } = scope;
  const key = yield* firstRow(
    db
      .selectFrom('keys')
      .select(['version', 'key_manager', 'multi_region_role'])
      .where('account', '=', account)
      .where('region', '=', region)
      .where('key_id', '=', keyId),
  );
  if (key === undefined) throw notFound('the key is absent');
  if (key.version !== expectVersion) throw conflict('the key has another version');
  const aliases = yield* rows(
    db
      .deleteFrom('aliases')
      .where('account', '=', account)
      .where('region', '=', region)
      .where('target_key_id', '=', keyId)
      .returning('name'),
  );
  yield* deleteGrantsOf(db, scope, keyId);
  for (const table of ['tags', 'key_uses', 'materials', 'keys'] as const) {
    yield* rows(
      db
        .deleteFrom(table)
        .where('account', '=', account)
        .where('region', '=', region)
        .where('key_id', '=', keyId),
    );
  }
  yield* countKey(db, { ...scope, keyManager: key.key_manager as StoredKey['keyManager'] }, -1);
  for (const { name } of aliases) yield* recordChange(db, { ...scope, kind: 'alias', id: name });
  yield* recordChange(db, { ...scope, kind: 'key', id: keyId });
  if (key.multi_region_role === 'REPLICA') yield* afterReplica(db, account, keyId, now);
}

interface AliasName {
  readonly account: string;
  readonly region: string;
  readonly name: string;
}

const aliasTarget = compiledOnce((db, { account, region, name }: AliasName) =>
  db
    .selectFrom('aliases')
    .select('target_key_id')
    .where('account', '=', account)
    .where('region', '=', region)
    .where('name', '=', name),
);
const insertedAlias = compiledOnce((db, row: AliasTable) => db.insertInto('aliases').values(row));
const movedAlias = compiledOnce(
  (db, values: AliasName & Pick<AliasTable, 'target_key_id' | 'updated_at'>) => {
    const { account, region, name, ...set } = values;
    return db
      .updateTable('aliases')
      .set(set)
      .where('account', '=', account)
      .where('region', '=', region)
      .where('name', '=', name);
  },
);
const removedAlias = compiledOnce((db, { account, region, name }: AliasName) =>
  db
    .deleteFrom('aliases')
    .where('account', '=', account)
    .where('region', '=', region)
    .where('name', '=', name)
    .returning('name'),
);

function* insertAlias(db: QueryBuilder, alias: StoredAlias, maxPerKey: number): Steps<void> {
  const { account, region, name } = alias;
  const present = yield* firstRow(aliasTarget(db, { account, region, name }));
  if (present !== undefined) throw conflict('the alias exists');
  yield* requireAliasRoom(db, alias, alias.targetKeyId, maxPerKey);
  yield* rows(insertedAlias(db, rowOfAlias(alias)));
  yield* recordChange(db, { ...alias, kind: 'alias', id: name });
}

function* updateAlias(
  db: QueryBuilder,
  scope: Scope,
  name: string,
  targetKeyId: string,
  now: number,
  maxPerKey: number,
): Steps<void> {
  const { account, region } = scope;
  const current = yield* firstRow(aliasTarget(db, { account, region, name }));
  if (current === undefined) throw notFound('the alias is absent');
  if (current.target_key_id !== targetKeyId) {
    yield* requireAliasRoom(db, scope, targetKeyId, maxPerKey);
  }
  const moved = { account, region, name, target_key_id: targetKeyId, updated_at: now };
  yield* rows(movedAlias(db, moved));
  yield* recordChange(db, { account, region, kind: 'alias', id: name });
}

function* deleteAlias(db: QueryBuilder, scope: Scope, name: string): Steps<void> {
  const { account, region } = scope;
  const gone = yield* rows(removedAlias(db, { account, region, name }));
  if (gone.length === 0) throw notFound('the alias is absent');
  yield* recordChange(db, { ...scope, kind: 'alias', id: name });
}

function* insertDomainKey(
  db: QueryBuilder,
  region: string,
  wrapped: Uint8Array,
  now: number,
): Steps<StoredDomainKey> {
  const row = yield* firstRow(
    db.insertInto('domain_keys').values({ region, wrapped, created_at: now }).returningAll(),
  );
  return domainKeyOfRow(row!);
}

function* insertPrincipal(db: QueryBuilder, principal: StoredPrincipal): Steps<void> {
  const made = yield* rows(
    db
      .insertInto('principals')
      .values(rowOfPrincipal(principal))
      .onConflict((oc) => oc.doNothing())
      .returning('arn'),
  );
  if (made.length === 0) throw conflict('the principal exists');
  const { account, arn: id } = principal;
  yield* recordChange(db, { account, region: '', kind: 'principal', id });
}

function* accountOf(db: QueryBuilder, principalArn: string): Steps<string> {
  const row = yield* firstRow(
    db.selectFrom('principals').select('account').where('arn', '=', principalArn),
  );
  if (row === undefined) throw notFound('the principal is absent');
  return row.account;
}

function* insertAccessKey(db: QueryBuilder, key: StoredAccessKey): Steps<void> {
  const account = yield* accountOf(db, key.principalArn);
  yield* requireDomainKey(db, key.domainKeyId);
  const made = yield* rows(
    db
      .insertInto('access_keys')
      .values(rowOfAccessKey(key))
      .onConflict((oc) => oc.doNothing())
      .returning('access_key_id'),
  );
  if (made.length === 0) throw conflict('the access key id is taken');
  yield* recordChange(db, { account, region: '', kind: 'access-key', id: key.accessKeyId });
}

function* setAccessKeyActive(db: QueryBuilder, accessKeyId: string, active: boolean): Steps<void> {
  const row = yield* firstRow(
    db
      .updateTable('access_keys')
      .set({ active: active ? 1 : 0 })
      .where('access_key_id', '=', accessKeyId)
      .returning('principal_arn'),
  );
  if (row === undefined) throw notFound('the access key is absent');
  const account = yield* accountOf(db, row.principal_arn);
  yield* recordChange(db, { account, region: '', kind: 'access-key', id: accessKeyId });
}

/** By the name of the port's method. */
export const MUTATIONS = Object.freeze({
  insertMeta,
  insertKey,
  updateKey,
  updateKeyMaterials,
  updateRelatedKeys,
  insertReplica,
  deleteKey,
  insertAlias,
  updateAlias,
  deleteAlias,
  putTags,
  deleteTags,
  recordKeyUses,
  insertGrant,
  deleteGrant,
  insertDomainKey,
  insertPrincipal,
  insertAccessKey,
  setAccessKeyActive,
});

type Mutations = typeof MUTATIONS;
export type MutationName = keyof Mutations;
export type MutationArgs<N extends MutationName> =
  Parameters<Mutations[N]> extends [QueryBuilder, ...infer Rest] ? Rest : never;
export type MutationResult<N extends MutationName> =
  ReturnType<Mutations[N]> extends Steps<infer T> ? T : never;

/** A mutation as data, so that it can be sent to another thread: bytes, text and numbers only. */
export interface Mutation {
  readonly name: MutationName;
  readonly args: readonly unknown[];
}

export function mutationSteps(db: QueryBuilder, mutation: Mutation): Steps<unknown> {
  const run = MUTATIONS[mutation.name] as (...args: readonly unknown[]) => Steps<unknown>;
  return run(db, ...mutation.args);
}

const lastChange = compiledOnce((db) =>
  db.selectFrom('changes').select((eb) => eb.fn.max('sequence').as('last')),
);
const prunedChanges = compiledOnce((db, { sequence }: { readonly sequence: number }) =>
  db.deleteFrom('changes').where('sequence', '<=', sequence),
);

/** Forgets all but the last `kept` changes; a reader that missed some is told to reset. */
export function* pruneChanges(db: QueryBuilder, kept: number): Steps<void> {
  const row = yield* firstRow(lastChange(db, {}));
  const last = row!.last ?? 0;
  yield* rows(prunedChanges(db, { sequence: last - kept }));
}
