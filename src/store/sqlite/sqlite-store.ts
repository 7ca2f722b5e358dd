/**
 * The embedded store: SQLite in WAL mode. Mutations run in one writer thread, in groups
 * (group-commit.ts); reads run here, on a connection of their own that sees every commit at once.
 * ':memory:' is one connection for both, without a thread: nothing there waits for a disk.
 */
import type { Compilable } from 'kysely';
import { type Clock, systemClock } from '../../core/clock.js';
import type {
  StoredAccessKey,
  StoredAlias,
  StoredGrant,
  StoredKey,
  StoredKeyUse,
  StoredMaterial,
  StoredPrincipal,
  Tag,
} from '../../core/records.js';
import type { MutationArgs, MutationName, MutationResult } from '../mutations.js';
import {
  type Change,
  type KeyPatch,
  type MaterialChange,
  type MaterialList,
  type Page,
  type RegionKey,
  type RelatedKeyChange,
  type Scope,
  type Store,
  StoreError,
} from '../port.js';
import {
  accessKeysOf,
  aliasesPage,
  domainKeys,
  keyCount,
  keyIdsPage,
  keysDue,
  materialsDue,
  materialsOf,
  pageOf,
  principalsPage,
  relatedKeys,
} from '../queries.js';
import {
  grantCount,
  grantsPage,
  grantWithFingerprint,
  retirableGrantsPage,
} from '../queries-grants.js';
import { keysRotationDue, materialCursor, materialsPage } from '../queries-rotation.js';
import { appliedAt, keyUse, tagsPage } from '../queries-tags.js';
import {
  accessKeyOfRow,
  aliasOfRow,
  domainKeyOfRow,
  keyOfRow,
  keyUseOfRow,
  materialOfRow,
  principalOfRow,
  tagOfRow,
} from '../rows.js';
import { grantOfRow } from '../rows-grants.js';
import { rows } from '../steps.js';
import { ChangeFeed } from './change-feed.js';
import {
  openForReading,
  openForWriting,
  type Sqlite,
  StepRunner,
  sqliteQueryBuilder,
} from './connection.js';
import { GroupCommitter, type Writer } from './group-commit.js';
import { migrate } from './migrate.js';
import { MutationQueue } from './mutation-queue.js';
import { type PointReads, preparePointReads } from './point-reads.js';
import { translateSqliteError } from './sqlite-errors.js';
import { ThreadWriter } from './thread-writer.js';
import type { WriterData } from './writer-thread.js';

export interface SqliteStoreOptions {
  /** The database file, in a directory that exists; or ':memory:'. */
  readonly path: string;
  readonly clock?: Clock;
  /** Pages (4096 bytes each) that the file may have; FULL beyond. */
  readonly maxPages?: number;
  /** Changes that the feed keeps. */
  readonly changesKept?: number;
  /** Replaces the writer thread, for tests of its failures. */
  readonly openWriter?: (data: WriterData) => Promise<Writer>;
}

interface Opened {
  readonly db: Sqlite;
  readonly runner: StepRunner;
  readonly reads: PointReads;
  readonly feed: ChangeFeed;
  readonly writer: Writer;
  readonly queue: MutationQueue;
}

async function openThread(data: WriterData): Promise<Writer> {
  const writer = new ThreadWriter(data);
  await writer.start();
  return writer;
}

function inProcessWriter(db: Sqlite, changesKept: number | undefined): Writer {
  const committer = new GroupCommitter(db, changesKept);
  return {
    commit: async (group) => committer.commit(group),
    close: async () => undefined,
  };
}

async function openConnections(options: SqliteStoreOptions): Promise<[Sqlite, Writer]> {
  const { path, maxPages, changesKept } = options;
  const db = openForWriting(path, maxPages);
  try {
    migrate(db, (options.clock ?? systemClock).now());
    if (path === ':memory:') return [db, inProcessWriter(db, changesKept)];
    // This connection stays open until the writer's is, so that the log is not folded in between.
    const writer = await (options.openWriter ?? openThread)({ path, maxPages, changesKept });
    const reader = openForReading(path);
    db.close();
    return [reader, writer];
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Makes the store; nothing is opened before `open`. All errors are StoreError, as the port says. */
export function createSqliteStore(options: SqliteStoreOptions): Store {
  return new SqliteStore(options);
}

class SqliteStore implements Store {
  readonly #options: SqliteStoreOptions;
  readonly #builder = sqliteQueryBuilder();
  #opened: Opened | undefined;

  constructor(options: SqliteStoreOptions) {
    this.#options = options;
  }

  #current(): Opened {
    if (this.#opened === undefined) throw new StoreError('UNAVAILABLE', 'the store is not open');
    return this.#opened;
  }

  /** Async, so that errors reject and never throw. */
  async #read<T>(work: (open: Opened) => T): Promise<T> {
    try {
      return work(this.#current());
    } catch (error) {
      throw translateSqliteError(error);
    }
  }

  #list<Row, T>(query: Compilable<Row>, record: (row: Row) => T): Promise<readonly T[]> {
    return this.#read(({ runner }) => runner.run(rows(query)).map(record));
  }

  async #page<Row, T>(
    query: Compilable<Row>,
    limit: number,
    record: (row: Row) => T,
    key: (item: T) => string,
  ): Promise<Page<T>> {
    return this.#read(({ runner }) => pageOf(runner.run(rows(query)), limit, record, key));
  }

  async #run<N extends MutationName>(
    name: N,
    ...args: MutationArgs<N>
  ): Promise<MutationResult<N>> {
    return this.#current().queue.run(name, ...args);
  }

  async open(): Promise<void> {
    if (this.#opened !== undefined) return;
    try {
      const [db, writer] = await openConnections(this.#options);
      const runner = new StepRunner(db);
      const feed = new ChangeFeed(db, runner, this.#builder);
      const queue = new MutationQueue(writer, () => feed.look());
      this.#opened = { db, runner, reads: preparePointReads(db), feed, writer, queue };
    } catch (error) {
      throw translateSqliteError(error);
    }
  }

  async close(): Promise<void> {
    if (this.#opened === undefined) return;
    const { db, feed, writer, queue } = this.#opened;
    await queue.close();
    feed.stop();
    this.#opened = undefined;
    db.close();
    // Last, because the last connection to close folds the write-ahead log into the database.
    await writer.close();
  }

  healthy(): boolean {
    try {
      this.#current().reads.meta('format');
      return true;
    } catch {
      return false;
    }
  }

  onChange(listener: (change: Change | 'reset') => void): () => void {
    return this.#current().feed.listen(listener);
  }

  getMeta(name: string) {
    return this.#read(({ reads }) => reads.meta(name));
  }
  insertMeta(name: string, value: string) {
    return this.#run('insertMeta', name, value);
  }

  insertKey(
    key: StoredKey,
    material: StoredMaterial | undefined,
    tags?: readonly Tag[],
    alias?: StoredAlias,
  ) {
    return this.#run('insertKey', key, material, tags, alias);
  }
  getKey(scope: Scope, keyId: string) {
    return this.#read(({ reads }) => optional(reads.key(scope, keyId), keyOfRow));
  }
  findKey(region: string, keyId: string) {
    return this.#read(({ reads }) => optional(reads.keyInRegion(region, keyId), keyOfRow));
  }
  async updateKey(record: StoredKey, patch: KeyPatch) {
    const { account, region, keyId, version } = record;
    await this.#run('updateKey', { account, region }, keyId, version, patch);
    return { ...record, ...patch, version: version + 1 };
  }
  updateKeyMaterials(
    scope: Scope,
    keyId: string,
    expectVersion: number,
    patch: KeyPatch,
    change: MaterialChange,
  ) {
    return this.#run('updateKeyMaterials', scope, keyId, expectVersion, patch, change);
  }
  listRelatedKeys(account: string, keyId: string) {
    return this.#list(relatedKeys(this.#builder, account, keyId), keyOfRow);
  }
  insertReplica(
    replica: StoredKey,
    materials: readonly StoredMaterial[],
    primaryRegion: string,
    expectVersion: number,
    tags?: readonly Tag[],
  ) {
    return this.#run('insertReplica', replica, materials, primaryRegion, expectVersion, tags);
  }
  updateRelatedKeys(account: string, keyId: string, changes: readonly RelatedKeyChange[]) {
    return this.#run('updateRelatedKeys', account, keyId, changes);
  }
  deleteKey(scope: Scope, keyId: string, expectVersion: number, now: number) {
    return this.#run('deleteKey', scope, keyId, expectVersion, now);
  }
  listKeyIds(scope: Scope, limit: number, after: string | undefined) {
    const query = keyIdsPage(this.#builder, scope, limit, after);
    return this.#page(
      query,
      limit,
      (row) => row.key_id,
      (keyId) => keyId,
    );
  }
  keysDueForDeletion(now: number, limit: number) {
    return this.#list(keysDue(this.#builder, now, limit), keyOfRow);
  }
  keysDueForRotation(now: number, limit: number, after: RegionKey | undefined) {
    return this.#list(keysRotationDue(this.#builder, now, limit, after), keyOfRow);
  }
  async countKeys(scope: Scope) {
    const [count] = await this.#list(keyCount(this.#builder, scope), (row) => row.keys);
    return count ?? 0;
  }

  getMaterial(scope: Scope, keyId: string, materialId: string) {
    return this.#read(({ reads }) =>
      optional(reads.material(scope, keyId, materialId), materialOfRow),
    );
  }
  listMaterials(scope: Scope, keyId: string) {
    return this.#list(materialsOf(this.#builder, scope, keyId), materialOfRow);
  }
  findMaterial(scope: Scope, keyId: string, prefix: string) {
    return this.#read(({ reads }) =>
      optional(reads.materialByPrefix(scope, keyId, prefix), materialOfRow),
    );
  }
  pageMaterials(
    scope: Scope,
    keyId: string,
    list: MaterialList,
    limit: number,
    after: string | undefined,
  ) {
    const query = materialsPage(this.#builder, scope, keyId, list, limit, after);
    return this.#page(query, limit, materialOfRow, materialCursor);
  }
  materialsDueForExpiry(now: number, limit: number) {
    return this.#list(materialsDue(this.#builder, now, limit), materialOfRow);
  }

  insertAlias(alias: StoredAlias, maxPerKey: number) {
    return this.#run('insertAlias', alias, maxPerKey);
  }
  getAlias(scope: Scope, name: string) {
    return this.#read(({ reads }) => optional(reads.alias(scope, name), aliasOfRow));
  }
  updateAlias(scope: Scope, name: string, targetKeyId: string, now: number, maxPerKey: number) {
    return this.#run('updateAlias', scope, name, targetKeyId, now, maxPerKey);
  }
  deleteAlias(scope: Scope, name: string) {
    return this.#run('deleteAlias', scope, name);
  }
  listAliases(scope: Scope, keyId: string | undefined, limit: number, after: string | undefined) {
    const query = aliasesPage(this.#builder, scope, keyId, limit, after);
    return this.#page(query, limit, aliasOfRow, (alias) => alias.name);
  }

  putTags(scope: Scope, keyId: string, tags: readonly Tag[], maxPerKey: number) {
    return this.#run('putTags', scope, keyId, tags, maxPerKey);
  }
  deleteTags(scope: Scope, keyId: string, tagKeys: readonly string[]) {
    return this.#run('deleteTags', scope, keyId, tagKeys);
  }
  listTags(scope: Scope, keyId: string, limit: number, after: string | undefined) {
    const query = tagsPage(this.#builder, scope, keyId, limit, after);
    return this.#page(query, limit, tagOfRow, (tag) => tag.key);
  }

  recordKeyUses(uses: readonly StoredKeyUse[]) {
    return this.#run('recordKeyUses', uses);
  }
  async getKeyUse(scope: Scope, keyId: string) {
    const [use] = await this.#list(keyUse(this.#builder, scope, keyId), keyUseOfRow);
    return use;
  }
  async migratedAt(version: number) {
    const [at] = await this.#list(appliedAt(this.#builder, version), (row) => row.applied_at);
    return at;
  }

  insertGrant(grant: StoredGrant, maxPerKey: number) {
    return this.#run('insertGrant', grant, maxPerKey);
  }
  getGrant(scope: Scope, keyId: string, grantId: string) {
    return this.#read(({ reads }) => optional(reads.grant(scope, keyId, grantId), grantOfRow));
  }
  async findGrant(scope: Scope, keyId: string, fingerprint: string) {
    const query = grantWithFingerprint(this.#builder, scope, keyId, fingerprint);
    return (await this.#list(query, grantOfRow))[0];
  }
  async countGrants(scope: Scope, keyId: string) {
    const [count] = await this.#list(grantCount(this.#builder, scope, keyId), (row) => row.grants);
    return count ?? 0;
  }
  deleteGrant(scope: Scope, keyId: string, grantId: string) {
    return this.#run('deleteGrant', scope, keyId, grantId);
  }
  listGrants(
    scope: Scope,
    keyId: string,
    grantee: string | undefined,
    limit: number,
    after: string | undefined,
  ) {
    const query = grantsPage(this.#builder, scope, keyId, grantee, limit, after);
    return this.#page(query, limit, grantOfRow, (grant) => grant.grantId);
  }
  listRetirableGrants(
    region: string,
    retiring: string,
    account: string | undefined,
    limit: number,
    after: string | undefined,
  ) {
    const query = retirableGrantsPage(this.#builder, region, retiring, account, limit, after);
    return this.#page(query, limit, grantOfRow, (grant) => grant.grantId);
  }

  insertDomainKey(region: string, wrapped: Uint8Array, now: number) {
    return this.#run('insertDomainKey', region, wrapped, now);
  }
  listDomainKeys() {
    return this.#list(domainKeys(this.#builder), domainKeyOfRow);
  }

  insertPrincipal(principal: StoredPrincipal) {
    return this.#run('insertPrincipal', principal);
  }
  getPrincipal(arn: string) {
    return this.#read(({ reads }) => optional(reads.principal(arn), principalOfRow));
  }
  listPrincipals(limit: number, after: string | undefined) {
    const query = principalsPage(this.#builder, limit, after);
    return this.#page(query, limit, principalOfRow, (principal) => principal.arn);
  }
  insertAccessKey(key: StoredAccessKey) {
    return this.#run('insertAccessKey', key);
  }
  getAccessKey(accessKeyId: string) {
    return this.#read(({ reads }) => optional(reads.accessKey(accessKeyId), accessKeyOfRow));
  }
  listAccessKeys(principalArn: string) {
    return this.#list(accessKeysOf(this.#builder, principalArn), accessKeyOfRow);
  }
  setAccessKeyActive(accessKeyId: string, active: boolean) {
    return this.#run('setAccessKeyActive', accessKeyId, active);
  }
}

function optional<Row, T>(row: Row | undefined, record: (row: Row) => T): T | undefined {
  return row === undefined ? undefined : record(row);
}
