/** What an engine is made with. */
import type { BackendChoice } from './backends/select.js';
import type { DispatchMode } from './dispatcher.js';

export interface EngineOptions {
  readonly backend: BackendChoice;
  readonly dispatch: DispatchMode;
  /** Worker threads; 0 = as many as cores, at least 2, so that slow lanes leave one free. */
  readonly threads: number;
  /** Most jobs of a frame. */
  readonly batchMax: number;
  /** Most jobs that may wait in a lane. */
  readonly laneJobsMax?: number;
  /**
   * Where the break-evens of this CPU are kept (break-even.ts). Without it constants count, and
   * nothing is measured.
   */
  readonly cacheDirectory?: string;
  /** Measure what that directory does not tell, after the start; true unless said. */
  readonly measures?: boolean;
}

export const DEFAULT_ENGINE_OPTIONS: EngineOptions = Object.freeze({
  backend: 'auto',
  dispatch: 'auto',
  threads: 0,
  batchMax: 64,
});
