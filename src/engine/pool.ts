/** The worker pool: Piscina, one frame per worker at a time. Who gets a worker is the dispatcher's. */
import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import type { Backend } from './backends/backend.js';

export class WorkerDied extends Error {
  constructor() {
    super('a worker died');
    this.name = 'WorkerDied';
  }
}

export interface FramePool {
  readonly threads: number;
  /** Takes the frame away and gives it back, run. Rejects with WorkerDied when the worker died. */
  run(frame: Buffer, die: boolean): Promise<Buffer>;
  close(): Promise<void>;
}

/** The worker's script is JavaScript even when this file runs as TypeScript under a test runner. */
function workerScript(): string {
  const here = new URL(import.meta.url);
  const compiled = here.pathname.endsWith('.ts')
    ? new URL('../../dist/engine/worker.js', here)
    : new URL('worker.js', here);
  return fileURLToPath(compiled);
}

export function createPool(backend: Backend, threads: number): FramePool {
  const piscina = new Piscina({
    filename: workerScript(),
    minThreads: threads,
    maxThreads: threads,
    concurrentTasksPerWorker: 1,
    idleTimeout: Number.POSITIVE_INFINITY,
    workerData: { backend: backend.name, faults: process.env.KEYSTREL_FAULTS === '1' },
    recordTiming: false,
  });
  // A worker's death is reported through its task; one that dies idle is replaced by Piscina.
  piscina.on('error', () => undefined);
  return {
    threads,
    async run(frame, die) {
      const bytes = new Uint8Array(frame.buffer as ArrayBuffer, frame.byteOffset, frame.length);
      const task = { frame: bytes, keys: backend.attachments(frame), die };
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
    close: () => piscina.destroy(),
  };
}
