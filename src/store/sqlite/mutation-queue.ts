/**
 * The queue before the writer: bounded, one group under way at a time. All that comes while a
 * group is being committed forms the next one, so groups grow with the load and no timer waits.
 */
import type { Mutation, MutationArgs, MutationName, MutationResult } from '../mutations.js';
import { StoreError } from '../port.js';
import type { Outcome, Writer } from './group-commit.js';
import { GROUP_MUTATIONS_MAX, MUTATIONS_WAITING_MAX } from './limits.js';
import { translateSqliteError } from './sqlite-errors.js';

interface Entry {
  readonly mutation: Mutation;
  resolve(value: unknown): void;
  reject(error: StoreError): void;
}

/**
 * Copies the bytes of records. A Buffer is often a view of a pool that other data shares; cloned
 * for another thread, the whole pool would go along. It also fixes the value at call time.
 */
function ownBytes(value: unknown): unknown {
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (Array.isArray(value)) return value.map(ownBytes);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, ownBytes(item)]));
}

export class MutationQueue {
  readonly #writer: Writer;
  readonly #afterCommit: () => void;
  readonly #waiting: Entry[] = [];
  #running: Promise<void> | undefined;
  #closed = false;

  /** `afterCommit` runs before the mutations of a group resolve. */
  constructor(writer: Writer, afterCommit: () => void) {
    this.#writer = writer;
    this.#afterCommit = afterCommit;
  }

  /** Resolves after the commit. @throws StoreError as the port says */
  async run<N extends MutationName>(name: N, ...args: MutationArgs<N>): Promise<MutationResult<N>> {
    if (this.#closed) throw new StoreError('UNAVAILABLE', 'the store is closed');
    if (this.#waiting.length >= MUTATIONS_WAITING_MAX) {
      throw new StoreError('UNAVAILABLE', 'too many mutations wait');
    }
    const mutation = { name, args: args.map(ownBytes) };
    const result = new Promise<unknown>((resolve, reject) => {
      this.#waiting.push({ mutation, resolve, reject });
    });
    this.#running ??= this.#drain();
    return (await result) as MutationResult<N>;
  }

  /** Takes no more, and resolves when all that was taken is done. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
  }

  async #drain(): Promise<void> {
    // Let the calls of this turn of the event loop come together first.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0, GROUP_MUTATIONS_MAX);
      await this.#commit(group);
    }
    this.#running = undefined;
  }

  async #commit(group: readonly Entry[]): Promise<void> {
    let outcomes: readonly Outcome[];
    try {
      outcomes = await this.#writer.commit(group.map(({ mutation }) => mutation));
    } catch (error) {
      const failed = translateSqliteError(error);
      for (const entry of group) entry.reject(failed);
      return;
    }
    this.#afterCommit();
    group.forEach((entry, i) => {
      const outcome = outcomes[i]!;
      if (outcome.ok) entry.resolve(outcome.value);
      else entry.reject(new StoreError(outcome.code, outcome.message));
    });
  }
}
