/**
 * A worker of the pool: runs frames with the backend that the main thread chose. It tests itself
 * before its first frame. Frames come and go by transfer, never by copy.
 */

import { workerData } from 'node:worker_threads';
import { move } from 'piscina';
import { selectBackend } from './backends/select.js';
import type { Measured } from './break-even.js';
import { ELAPSED_NS_AT } from './frame-layout.js';

const NS_PER_MS = 1e6;

export interface FrameTask {
  /** Its ArrayBuffer is transferred. */
  readonly frame: Uint8Array;
  /** What the backend's `attachments` gave: keys of the node backend, nothing for native. */
  readonly keys: unknown;
  /** Fault switch of tests: the worker dies with this task. Honoured under KEYSTREL_FAULTS=1 only. */
  readonly die: boolean;
}

/** Asks for one row of the backend's break-evens. */
export interface MeasureTask {
  readonly measure: string;
}

interface PoolData {
  readonly backend: 'native' | 'node' | 'noble';
  readonly faults: boolean;
}

const data = workerData as PoolData;
const { backend } = selectBackend(data.backend);

function measureRow(name: string): Measured {
  const startMs = performance.now();
  const row = backend.breakEven?.measure(name);
  return { row, ms: performance.now() - startMs };
}

/** One array for both: Piscina's `move` marks what is transferred back. */
export default function runTask(task: FrameTask | MeasureTask): unknown {
  if ('measure' in task) return measureRow(task.measure);
  if (task.die && data.faults) process.exit(1);
  const { buffer, byteOffset, byteLength } = task.frame;
  const frame = Buffer.from(buffer, byteOffset, byteLength);
  const startMs = performance.now();
  backend.runWith(frame, task.keys);
  // Costs are those of the work, not of the hop: else work sent away would never seem cheap again.
  frame.writeDoubleLE(NS_PER_MS * (performance.now() - startMs), ELAPSED_NS_AT);
  return move(task.frame);
}
