/**
 * Group commit: many mutations in one transaction, one fsync for all. Each has a savepoint of its
 * own, so that a refused one undoes itself alone; whatever the database itself fails in undoes the
 * whole group, and nothing of it is acknowledged.
 */
import { type Mutation, mutationSteps, pruneChanges } from '../mutations.js';
import { StoreError, type StoreErrorCode } from '../port.js';
import type { QueryBuilder } from '../steps.js';
import { type Sqlite, StepRunner, sqliteQueryBuilder } from './connection.js';
import { CHANGES_KEPT } from './limits.js';
import { isOwnFault, translateSqliteError } from './sqlite-errors.js';

/** How a mutation ended; plain data, for it crosses threads. */
export type Outcome =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly code: StoreErrorCode; readonly message: string };

/** The place where groups are committed: a thread, or this one. One group at a time. */
export interface Writer {
  /** One outcome per mutation, in order. Rejects with StoreError when there can be none. */
  commit(group: readonly Mutation[]): Promise<readonly Outcome[]>;
  close(): Promise<void>;
}

function failure(error: unknown): Outcome {
  const { code, message } = translateSqliteError(error);
  return { ok: false, code, message };
}

export class GroupCommitter {
  readonly #db: Sqlite;
  readonly #runner: StepRunner;
  readonly #builder: QueryBuilder = sqliteQueryBuilder();
  readonly #changesKept: number;

  constructor(db: Sqlite, changesKept = CHANGES_KEPT) {
    this.#db = db;
    this.#runner = new StepRunner(db);
    this.#changesKept = changesKept;
  }

  commit(group: readonly Mutation[]): readonly Outcome[] {
    try {
      this.#db.exec('begin immediate');
      const outcomes = group.map((mutation) => this.#runAlone(mutation));
      this.#runner.run(pruneChanges(this.#builder, this.#changesKept));
      this.#db.exec('commit');
      return outcomes;
    } catch (error) {
      this.#rollBack();
      return group.map(() => failure(error));
    }
  }

  #runAlone(mutation: Mutation): Outcome {
    this.#db.exec('savepoint mutation');
    try {
      const value = this.#runner.run(mutationSteps(this.#builder, mutation));
      this.#db.exec('release mutation');
      return { ok: true, value };
    } catch (error) {
      // On some failures (no space, I/O) SQLite has ended the transaction itself already.
      if (!isOwnFault(error) || !this.#db.inTransaction) throw error;
      this.#db.exec('rollback to mutation');
      this.#db.exec('release mutation');
      return failure(error);
    }
  }

  /** The transaction may be open or not; where even this fails the next `begin` says so. */
  #rollBack(): void {
    if (!this.#db.inTransaction) return;
    try {
      this.#db.exec('rollback');
    } catch (error) {
      throw new StoreError('UNAVAILABLE', 'the transaction cannot be undone', error);
    }
  }
}
