/**
 * The embedded store: SQLite in WAL mode. Mutations run in one writer thread, in groups
 * (group-commit.ts); reads run here, on a connection of their own that sees every commit at once.
 * ':memory:' is one connection for both, without a thread: nothing there waits for a disk.
 */
import type { Clock } from '../../core/clock.js';
import { systemClock } from '../../core/clock.js';
import { type Store, StoreError } from '../port.js';
import {
  aliasesPage,
  keyCount,
  keysDue,
  keysPage,
  materialsOf,
  pageOf,
  principalsPage,
} from '../queries.js';
import {
  accessKeyOfRow,
  aliasOfRow,
  domainKeyOfRow,
  keyOfRow,
  materialOfRow,
  principalOfRow,
} from '../rows.js';
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
  const builder = sqliteQueryBuilder();
  let opened: Opened | undefined;

  function current(): Opened {
    if (opened === undefined) throw new StoreError('UNAVAILABLE', 'the store is not open');
    return opened;
  }
  /** Async, so that errors reject and never throw. */
  async function read<T>(work: (open: Opened) => T): Promise<T> {
    try {
      return work(current());
    } catch (error) {
      throw translateSqliteError(error);
    }
  }
  const run: MutationQueue['run'] = async (name, ...args) => current().queue.run(name, ...args);

  async function open(): Promise<void> {
    if (opened !== undefined) return;
    try {
      const [db, writer] = await openConnections(options);
      const runner = new StepRunner(db);
      const feed = new ChangeFeed(db, runner, builder);
      const queue = new MutationQueue(writer, () => feed.look());
      opened = { db, runner, reads: preparePointReads(db), feed, writer, queue };
    } catch (error) {
      throw translateSqliteError(error);
    }
  }

  async function close(): Promise<void> {
    if (opened === undefined) return;
    const { db, feed, writer, queue } = opened;
    await queue.close();
    feed.stop();
    opened = undefined;
    db.close();
    // Last, because the last connection to close folds the write-ahead log into the database.
    await writer.close();
  }

  function healthy(): boolean {
    try {
      current().reads.meta('format');
      return true;
    } catch {
      return false;
    }
  }

  return Object.freeze<Store>({
    open,
    close,
    healthy,
    getMeta: (name) => read(({ reads }) => reads.meta(name)),
    insertMeta: (name, value) => run('insertMeta', name, value),

    insertKey: (key, material) => run('insertKey', key, material),
    getKey: (scope, keyId) => read(({ reads }) => optional(reads.key(scope, keyId), keyOfRow)),
    findKey: (region, keyId) =>
      read(({ reads }) => optional(reads.keyInRegion(region, keyId), keyOfRow)),
    updateKey: (scope, keyId, version, patch) => run('updateKey', scope, keyId, version, patch),
    deleteKey: (scope, keyId, version) => run('deleteKey', scope, keyId, version),
    listKeys: (scope, limit, after) =>
      read(({ runner }) => {
        const found = runner.run(rows(keysPage(builder, scope, limit, after)));
        return pageOf(found, limit, keyOfRow, (key) => key.keyId);
      }),
    keysDueForDeletion: (now, limit) =>
      read(({ runner }) => runner.run(rows(keysDue(builder, now, limit))).map(keyOfRow)),
    countKeys: (scope) =>
      read(({ runner }) => runner.run(rows(keyCount(builder, scope)))[0]?.count ?? 0),

    getMaterial: (scope, keyId, materialId) =>
      read(({ reads }) => optional(reads.material(scope, keyId, materialId), materialOfRow)),
    listMaterials: (scope, keyId) =>
      read(({ runner }) => runner.run(rows(materialsOf(builder, scope, keyId))).map(materialOfRow)),

    insertAlias: (alias, maxPerKey) => run('insertAlias', alias, maxPerKey),
    getAlias: (scope, name) => read(({ reads }) => optional(reads.alias(scope, name), aliasOfRow)),
    updateAlias: (scope, name, target, now, maxPerKey) =>
      run('updateAlias', scope, name, target, now, maxPerKey),
    deleteAlias: (scope, name) => run('deleteAlias', scope, name),
    listAliases: (scope, keyId, limit, after) =>
      read(({ runner }) => {
        const found = runner.run(rows(aliasesPage(builder, scope, keyId, limit, after)));
        return pageOf(found, limit, aliasOfRow, (alias) => alias.name);
      }),

    insertDomainKey: (region, wrapped, now) => run('insertDomainKey', region, wrapped, now),
    listDomainKeys: () =>
      read(({ runner }) =>
        runner
          .run(rows(builder.selectFrom('domain_keys').selectAll().orderBy('id')))
          .map(domainKeyOfRow),
      ),

    insertPrincipal: (principal) => run('insertPrincipal', principal),
    getPrincipal: (arn) => read(({ reads }) => optional(reads.principal(arn), principalOfRow)),
    listPrincipals: (limit, after) =>
      read(({ runner }) => {
        const found = runner.run(rows(principalsPage(builder, limit, after)));
        return pageOf(found, limit, principalOfRow, (principal) => principal.arn);
      }),
    insertAccessKey: (key) => run('insertAccessKey', key),
    getAccessKey: (id) => read(({ reads }) => optional(reads.accessKey(id), accessKeyOfRow)),
    listAccessKeys: (principalArn) =>
      read(({ runner }) => {
        const query = builder.selectFrom('access_keys').selectAll();
        const own = query.where('principal_arn', '=', principalArn).orderBy('access_key_id');
        return runner.run(rows(own)).map(accessKeyOfRow);
      }),
    setAccessKeyActive: (id, active) => run('setAccessKeyActive', id, active),

    onChange: (listener) => current().feed.listen(listener),
  });
}

function optional<Row, T>(row: Row | undefined, record: (row: Row) => T): T | undefined {
  return row === undefined ? undefined : record(row);
}
