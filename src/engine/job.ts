/** A job as it waits in a lane: one descriptor's worth of work and where its outcome goes. */
import type { Payload } from '../core/blob.js';
import { type KeyHandle, NO_KEY } from '../core/key-handle.js';
import { Later } from '../core/later.js';
import type { LaneName } from '../specs/key-specs.js';
import { costCell } from './cost.js';
import { STATUS } from './frame-layout.js';
import { EngineError, type EngineStatusName } from './port.js';

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
  readonly key2?: KeyHandle;
  readonly in0?: Payload;
  readonly in1?: Payload;
  readonly in2?: Payload;
  readonly param?: number;
  readonly local?: boolean;
  readonly discards?: boolean;
}

/** A job is the promise of its output, which its owner then owns. */
export class Job extends Later<Buffer> {
  declare readonly lane: LaneName;
  /** Where its cost is kept (cost.ts). */
  declare readonly cell: number;
  declare readonly op: number;
  declare readonly alg: number;
  declare readonly key: KeyHandle;
  declare readonly key2: KeyHandle;
  declare readonly in0: Payload;
  declare readonly in1: Payload;
  declare readonly in2: Payload;
  declare readonly param: number;
  /** Bytes of output that the job may write. */
  declare readonly outCap: number;
  /** Must run on the thread of the event loop (it changes the node backend's key registry). */
  declare readonly local: boolean;
  /** Times that a worker died under it. */
  declare attempts: number;
  /** Its output is not wanted: it resolves to no bytes. */
  declare readonly discards: boolean;

  constructor(init: JobInit) {
    super();
    this.lane = init.lane;
    this.cell = costCell(init.lane, init.op);
    this.op = init.op;
    this.alg = init.alg ?? 0;
    this.key = init.key ?? NO_KEY;
    this.key2 = init.key2 ?? NO_KEY;
    this.in0 = init.in0 ?? NO_BYTES;
    this.in1 = init.in1 ?? NO_BYTES;
    this.in2 = init.in2 ?? NO_BYTES;
    this.param = init.param ?? 0;
    this.outCap = init.outCap;
    this.local = init.local ?? false;
    this.attempts = 0;
    this.discards = init.discards ?? false;
  }
}
