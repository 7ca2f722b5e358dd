/** A job as it waits in a lane: one descriptor's worth of work and where its outcome goes. */
import type { Payload } from '../core/blob.js';
import { type KeyHandle, NO_KEY } from '../core/key-handle.js';
import type { LaneName } from '../specs/key-specs.js';
import { costCell } from './cost.js';
import { STATUS } from './frame-layout.js';
import { EngineError, type EngineStatusName } from './port.js';

export interface Job {
  readonly lane: LaneName;
  /** Where its cost is kept (cost.ts). */
  readonly cell: number;
  readonly op: number;
  readonly alg: number;
  readonly key: KeyHandle;
  readonly in0: Payload;
  readonly in1: Payload;
  readonly in2: Payload;
  readonly param: number;
  /** Bytes of output that the job may write. */
  readonly outCap: number;
  /** Must run on the thread of the event loop (it changes the node backend's key registry). */
  readonly local: boolean;
  /** Times that a worker died under it. */
  attempts: number;
  /** Gets the output, which it then owns. Submits no job itself: the frame is still being read. */
  resolve(output: Buffer): void;
  reject(error: EngineError): void;
}

export const NO_BYTES = Buffer.alloc(0);

const names = Object.entries(STATUS).map(([name, value]) => [value, name] as const);
const nameOf = new Map<number, string>(names);

/** The error of a status other than OK. */
export function statusError(status: number): EngineError {
  const name = nameOf.get(status);
  const known = name !== undefined && name !== 'OK' && name !== 'PENDING';
  return new EngineError(known ? (name as EngineStatusName) : 'INTERNAL');
}

export interface JobInit {
  readonly lane: LaneName;
  readonly op: number;
  readonly outCap: number;
  readonly alg?: number;
  readonly key?: KeyHandle;
  readonly in0?: Payload;
  readonly in1?: Payload;
  readonly in2?: Payload;
  readonly param?: number;
  readonly local?: boolean;
}

/** Makes a job; all members are set, so that every job has one shape (hidden class). */
export function makeJob(
  init: JobInit,
  resolve: (output: Buffer) => void,
  reject: (error: EngineError) => void,
): Job {
  return {
    lane: init.lane,
    cell: costCell(init.lane, init.op),
    op: init.op,
    alg: init.alg ?? 0,
    key: init.key ?? NO_KEY,
    in0: init.in0 ?? NO_BYTES,
    in1: init.in1 ?? NO_BYTES,
    in2: init.in2 ?? NO_BYTES,
    param: init.param ?? 0,
    outCap: init.outCap,
    local: init.local ?? false,
    attempts: 0,
    resolve,
    reject,
  };
}
