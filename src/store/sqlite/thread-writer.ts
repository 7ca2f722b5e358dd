/** The writer thread's owner: starts it, hands it groups, starts another when it dies. */
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { Mutation } from '../mutations.js';
import { StoreError } from '../port.js';
import type { Outcome, Writer } from './group-commit.js';
import type { FromWriter, ToWriter, WriterData } from './writer-thread.js';

/** The thread's script is JavaScript even when this file runs as TypeScript under a test runner. */
function threadScript(): string {
  const here = new URL(import.meta.url);
  const compiled = here.pathname.endsWith('.ts')
    ? new URL('../../../dist/store/sqlite/writer-thread.js', here)
    : new URL('writer-thread.js', here);
  return fileURLToPath(compiled);
}

interface Waiting {
  resolve(message: FromWriter): void;
  reject(error: StoreError): void;
}

export class ThreadWriter implements Writer {
  readonly #data: WriterData;
  #worker: Worker | undefined;
  #started: Promise<void> | undefined;
  #waiting: Waiting | undefined;

  constructor(data: WriterData) {
    this.#data = data;
  }

  /** Starts the thread unless it runs. Rejects when it cannot open the database. */
  start(): Promise<void> {
    this.#started ??= this.#start();
    return this.#started;
  }

  async commit(group: readonly Mutation[]): Promise<readonly Outcome[]> {
    await this.start();
    const reply = await this.#ask({ kind: 'commit', group });
    if (reply.kind !== 'done') throw new StoreError('UNAVAILABLE', 'the writer thread is confused');
    return reply.outcomes;
  }

  async close(): Promise<void> {
    const worker = this.#worker;
    if (worker === undefined) return;
    const gone = new Promise<void>((resolve) => {
      worker.once('exit', () => resolve());
    });
    worker.ref();
    worker.postMessage({ kind: 'close' } satisfies ToWriter);
    await gone;
  }

  /** Ends the thread at once, as a crash would: for tests of its death. */
  async kill(): Promise<void> {
    await this.#worker?.terminate();
  }

  async #start(): Promise<void> {
    const worker = new Worker(threadScript(), { workerData: this.#data });
    this.#worker = worker;
    worker.on('message', (message: FromWriter) => this.#take()?.resolve(message));
    // Each 'error' is followed by 'exit'.
    let cause: unknown;
    worker.on('error', (error) => {
      cause = error;
    });
    worker.on('exit', () => {
      this.#worker = undefined;
      this.#started = undefined;
      // What it was asked may have been committed or not: it is not acknowledged.
      this.#take()?.reject(new StoreError('UNAVAILABLE', 'the writer thread died', cause));
    });
    const reply = await this.#ask(undefined);
    if (reply.kind !== 'failed') return;
    // Its end, seen above, clears the way for another start.
    await worker.terminate();
    throw new StoreError(reply.code, reply.message);
  }

  /** One question at a time; the thread keeps the process alive only while one is open. */
  #ask(message: ToWriter | undefined): Promise<FromWriter> {
    const worker = this.#worker;
    if (worker === undefined) throw new StoreError('UNAVAILABLE', 'the writer thread died');
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      worker.ref();
      if (message !== undefined) worker.postMessage(message);
    });
  }

  #take(): Waiting | undefined {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    this.#worker?.unref();
    return waiting;
  }
}
