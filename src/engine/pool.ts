/** The worker pool: Piscina, one frame per worker at a time. Who gets a worker is the dispatcher's. */
import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import type { Backend } from './backends/backend.js';
import type { Measured } from './break-even.js';
import { FRAME_MAGIC, HEADER_BYTES } from './frame-layout.js';

export class WorkerDied extends Error {
  constructor() {
    super('a worker died');
    this.name = 'WorkerDied';
  }
}

export interface FramePool {
  readonly threads: number;
  /** Resolves when every worker has tested itself. @throws Error with what a worker failed of */
  ready(): Promise<void>;
  /** Takes the frame away and gives it back, run. Rejects with WorkerDied when the worker died. */
  run(frame: Buffer, die: boolean): Promise<Buffer>;
  /** Measures and sets a row of the backend's break-evens in a worker. */
  measure(name: string): Promise<Measured>;
  close(): Promise<void>;
}

/** Workers that fail as soon as they start are not started again sooner than this, ms. */
const RESTART_MS = 1_000;

/** The worker's script is JavaScript even when this file runs as TypeScript under a test runner. */
function workerScript(): string {
  const here = new URL(import.meta.url);
  const compiled = here.pathname.endsWith('.ts')
    ? new URL('../../dist/engine/worker.js', here)
    : new URL('worker.js', here);
  return fileURLToPath(compiled);
}

function emptyFrame(): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(HEADER_BYTES / 4);
  words[0] = FRAME_MAGIC;
  words[2] = HEADER_BYTES;
  return new Uint8Array(words.buffer);
}

export function createPool(backend: Backend, threads: number): FramePool {
  const workerData = { backend: backend.name, faults: process.env.KEYSTREL_FAULTS === '1' };
  let closing = false;
  let startedMs = 0;

  function start(): Piscina {
    startedMs = performance.now();
    const started = new Piscina({
      filename: workerScript(),
      minThreads: threads,
      maxThreads: threads,
      concurrentTasksPerWorker: 1,
      idleTimeout: Number.POSITIVE_INFINITY,
      workerData,
      recordTiming: false,
    });
    // Piscina replaces a worker that dies, unless one has died before it was ready: then it starts
    // none ever again, and tasks would wait for ever. So such a pool is replaced as a whole.
    started.on('workerDestroy', () => setImmediate(() => replace(started)));
    // A worker's death is reported through its task; an idle one's matters to `replace` alone.
    started.on('error', () => undefined);
    return started;
  }

  function replace(broken: Piscina): void {
    if (closing || broken !== piscina || broken.threads.length === threads) return;
    const waitMs = startedMs + RESTART_MS - performance.now();
    if (waitMs > 0) {
      setTimeout(() => replace(broken), waitMs).unref();
      return;
    }
    piscina = start();
    // What was queued there is rejected, and so retried by the dispatcher.
    void broken.destroy();
  }

  let piscina = start();
  return {
    threads,
    async ready() {
      // As many at once as there are workers, so that each gets one.
      const task = () => ({ frame: emptyFrame(), keys: [], die: false });
      await Promise.all(Array.from({ length: threads }, () => piscina.run(task())));
    },
    async run(frame, die) {
      const bytes = new Uint8Array(frame.buffer as ArrayBuffer, frame.byteOffset, frame.length);
      const task = { frame: bytes, keys: backend.attachments(frame), die };
      if (piscina.threads.length === 0) throw new WorkerDied();
      try {
        const done = (await piscina.run(task, {
          transferList: [bytes.buffer],
        })) as Uint8Array<ArrayBuffer>;
        return Buffer.from(done.buffer, done.byteOffset, done.byteLength);
      } catch {
        // The worker's code answers every frame; whatever else comes here is a dead worker.
        throw new WorkerDied();
      }
    },
    async measure(name) {
      return (await piscina.run({ measure: name })) as Measured;
    },
    async close() {
      closing = true;
      await piscina.destroy();
    },
  };
}
