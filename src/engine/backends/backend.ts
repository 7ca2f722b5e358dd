/** What the engine wants of a backend. Chosen once at start by select.ts. */
import type { KeyHandle } from '../../core/key-handle.js';
import type { RootVault } from '../../seal/port.js';
import type { BreakEvenControl } from '../break-even.js';
import type { EngineReport } from '../port.js';

export type AlgorithmReport = EngineReport['algorithms'][number];

export interface Backend {
  readonly name: 'native' | 'node' | 'noble';
  readonly cpu: string;
  readonly cpuClass: string;
  readonly vault: RootVault;
  /** Runs a frame in place, on this thread. Never throws for what is in the frame. */
  run(frame: Buffer): void;
  /** Runs, in a worker, a frame that came with its `attachments`. */
  runWith(frame: Buffer, attachments: unknown): void;
  /** What goes along with a frame to a worker: keys of the node backend, nothing for native. */
  attachments(frame: Buffer): unknown;
  freeKey(key: KeyHandle): void;
  /** Loading keys must happen on the thread that owns the registry. */
  readonly localKeys: boolean;
  selfTest(): readonly AlgorithmReport[];
  /** Undefined for backends without batches. */
  readonly breakEven: BreakEvenControl | undefined;
}
