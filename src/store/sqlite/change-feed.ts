/**
 * The change feed's reader: own changes right after their commit, those of other processes by
 * looking every 200 ms, all from the same table and so in the order of their commits. SQLite gives
 * sequence numbers inside the (serialised) transactions, hence without gaps: a gap means that
 * changes were pruned before we saw them.
 */
import type { Change } from '../port.js';
import { changesAfter } from '../queries.js';
import { changeOfRow } from '../rows.js';
import { type QueryBuilder, rows } from '../steps.js';
import type { Sqlite, StepRunner } from './connection.js';
import { CHANGES_DELIVERED_MAX, CHANGES_POLL_MS } from './limits.js';

export type ChangeListener = (change: Change | 'reset') => void;

export class ChangeFeed {
  readonly #runner: StepRunner;
  readonly #builder: QueryBuilder;
  readonly #lastSequence: () => number;
  readonly #listeners = new Set<{ readonly call: ChangeListener }>();
  #timer: NodeJS.Timeout | undefined;
  /** Undefined when it is not known, so that the next look resets. */
  #seen: number | undefined;

  constructor(db: Sqlite, runner: StepRunner, builder: QueryBuilder) {
    this.#runner = runner;
    this.#builder = builder;
    // Not max(sequence) of the rows: they may all have been pruned.
    const last = db.prepare(`select seq from sqlite_sequence where name = 'changes'`).pluck();
    this.#lastSequence = () => (last.get() as number | undefined) ?? 0;
  }

  listen(call: ChangeListener): () => void {
    if (this.#listeners.size === 0) this.#begin();
    const listener = { call };
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.stop();
    };
  }

  /** Delivers what was committed since the last look. */
  look(): void {
    if (this.#listeners.size === 0) return;
    for (const change of this.#read()) {
      for (const { call } of [...this.#listeners]) call(change);
    }
  }

  stop(): void {
    this.#listeners.clear();
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #begin(): void {
    this.#seen = this.#last();
    this.#timer = setInterval(() => this.look(), CHANGES_POLL_MS);
    this.#timer.unref();
  }

  /** A database that cannot be read tells nothing: reset until it can, so that no cache outlives it. */
  #read(): readonly (Change | 'reset')[] {
    if (this.#seen === undefined) return this.#reset();
    let found: readonly Change[];
    try {
      const limit = CHANGES_DELIVERED_MAX + 1;
      const query = changesAfter(this.#builder, { sequence: this.#seen, limit });
      found = this.#runner.run(rows(query)).map(changeOfRow);
      // Fewer than we have seen: the file was replaced by an older one.
      if (found.length === 0) return this.#lastSequence() === this.#seen ? [] : this.#reset();
    } catch {
      this.#seen = undefined;
      return ['reset'];
    }
    const gap = found[0]!.sequence !== this.#seen + 1;
    if (gap || found.length > CHANGES_DELIVERED_MAX) return this.#reset();
    this.#seen = found.at(-1)!.sequence;
    return found;
  }

  #reset(): readonly ['reset'] {
    this.#seen = this.#last();
    return ['reset'];
  }

  #last(): number | undefined {
    try {
      return this.#lastSequence();
    } catch {
      return undefined;
    }
  }
}
