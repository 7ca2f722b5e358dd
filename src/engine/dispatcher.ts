/**
 * Lanes and who runs when. Jobs of one turn of the event loop gather in their lane; then each lane's
 * jobs run in place when that is cheaper than a hop to a worker, or go to the pool as soon as a worker
 * is free: no timers, low latency when quiet, full frames when busy.
 *
 * Slow lanes never hold all workers, so they cannot starve the fast ones.
 */
import { LANE_JOBS_MAX } from '../core/limits.js';
import { KEY_SPECS, type LaneName } from '../specs/key-specs.js';
import type { Backend } from './backends/backend.js';
import { CostBook } from './cost.js';
import { InlineFrames, settleFrame, writeFrame } from './frame.js';
import { ELAPSED_NS_AT, MAX_JOBS_PER_FRAME } from './frame-layout.js';
import type { Job } from './job.js';
import type { FramePool } from './pool.js';
import { EngineError, type EngineReport } from './port.js';

export type DispatchMode = 'auto' | 'pool' | 'inline';

/**
 * A frame whose estimated cost is above this goes to the pool in mode auto, ns. A hop costs about
 * 20 µs of CPU on both sides together and is paid on top of the work: up to three times that, the
 * event loop is better off doing the work itself (bench/pool).
 */
const INLINE_MAX_NS = 60_000;
/** A frame for the pool is filled up to this much work, ns, so that its first job need not wait long. */
const FRAME_TARGET_NS = 8_000_000;
/**
 * Jobs that the native kernels of RSA and curves run side by side: a batch costs the same however
 * full, so frames are whole batches where enough jobs wait.
 */
const BATCH_JOBS = 8;
/** Lanes whose jobs take milliseconds or more. */
const SLOW: ReadonlySet<LaneName> = new Set(['rsa3072', 'rsa4096', 'keygen']);

interface Lane {
  readonly name: LaneName;
  queue: Job[];
  inFlight: number;
  scheduled: boolean;
  frames: number;
  jobs: number;
  inlineFrames: number;
}

export interface DispatcherOptions {
  readonly backend: Backend;
  readonly pool: FramePool | undefined;
  readonly mode: DispatchMode;
  /** Most jobs of a frame. */
  readonly batchMax: number;
  /** Most jobs that wait in a lane. */
  readonly laneJobsMax?: number;
}

export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #costs = new CostBook();
  readonly #inline: InlineFrames;
  readonly #lanes = new Map<LaneName, Lane>();
  /** The lane of nearly all jobs. */
  readonly #symmetric: Lane;
  readonly #order: readonly Lane[];
  readonly #laneJobsMax: number;
  #next = 0;
  #busy = 0;
  #slowBusy = 0;
  #closed = false;
  #idle: (() => void) | undefined;
  /** Fault switch of tests: so many coming pool frames kill their worker. */
  killNext = 0;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#inline = new InlineFrames(options.backend.run);
    this.#laneJobsMax = options.laneJobsMax ?? LANE_JOBS_MAX;
    const names = new Set<LaneName>([...KEY_SPECS.map((row) => row.lane), 'keygen']);
    for (const name of names) {
      this.#lanes.set(name, {
        name,
        queue: [],
        inFlight: 0,
        scheduled: false,
        frames: 0,
        jobs: 0,
        inlineFrames: 0,
      });
    }
    this.#order = [...this.#lanes.values()];
    this.#symmetric = this.#lanes.get('symmetric')!;
  }

  submit(job: Job): void {
    const lane = job.lane === 'symmetric' ? this.#symmetric : this.#lanes.get(job.lane)!;
    if (this.#closed) {
      job.reject(new EngineError('CLOSED'));
      return;
    }
    if (lane.queue.length >= this.#laneJobsMax) {
      job.reject(new EngineError('OVERLOADED'));
      return;
    }
    if (job.local) {
      this.#runInline(lane, [job]);
      return;
    }
    lane.queue.push(job);
    if (lane.scheduled) return;
    lane.scheduled = true;
    process.nextTick(() => {
      lane.scheduled = false;
      this.#flush(lane);
    });
  }

  /** Runs now what waits in a lane and must not leave this turn (SigV4 checks). */
  #flush(lane: Lane): void {
    while (lane.queue.length > 0 && this.#runsInline(lane)) {
      this.#runInline(lane, this.#front(lane, this.#options.batchMax));
    }
    if (lane.queue.length > 0) this.#pump();
  }

  /** Takes up to `count` jobs from the front of a queue. */
  #front(lane: Lane, count: number): Job[] {
    if (lane.queue.length > count) return lane.queue.splice(0, count);
    const all = lane.queue;
    lane.queue = [];
    return all;
  }

  #runsInline(lane: Lane): boolean {
    const { mode, pool } = this.#options;
    if (pool === undefined || mode === 'inline') return true;
    if (mode === 'pool' || lane.inFlight > 0) return false;
    const count = Math.min(lane.queue.length, this.#options.batchMax);
    return this.#costs.sum(lane.queue, count) <= INLINE_MAX_NS;
  }

  #runInline(lane: Lane, jobs: readonly Job[]): void {
    lane.frames += 1;
    lane.inlineFrames += 1;
    lane.jobs += jobs.length;
    this.#costs.note(jobs, this.#inline.run(jobs));
  }

  /** Hands waiting jobs to free workers, lane by lane in turn. */
  #pump(): void {
    const { pool } = this.#options;
    if (pool === undefined) return;
    for (let tried = 0; tried < this.#order.length && this.#busy < pool.threads; ) {
      const lane = this.#order[this.#next]!;
      this.#next = (this.#next + 1) % this.#order.length;
      if (lane.queue.length > 0 && this.#mayTake(lane, pool.threads)) {
        tried = 0;
        void this.#runInPool(lane, this.#take(lane, pool.threads - this.#busy), pool);
      } else {
        tried += 1;
      }
    }
  }

  #mayTake(lane: Lane, threads: number): boolean {
    return !SLOW.has(lane.name) || this.#slowBusy < Math.max(1, threads - 1);
  }

  /**
   * The front of a queue, shared out over the free workers in whole batches and bounded by
   * estimated work.
   */
  #take(lane: Lane, free: number): Job[] {
    const share = Math.ceil(lane.queue.length / Math.max(1, free) / BATCH_JOBS) * BATCH_JOBS;
    const most = Math.min(share, lane.queue.length, this.#options.batchMax, MAX_JOBS_PER_FRAME);
    let ns = 0;
    let count = 0;
    while (count < most && (count === 0 || ns < FRAME_TARGET_NS)) {
      ns += this.#costs.of(lane.queue[count]!);
      count += 1;
    }
    if (count > BATCH_JOBS) count -= count % BATCH_JOBS;
    return this.#front(lane, count);
  }

  async #runInPool(lane: Lane, jobs: readonly Job[], pool: FramePool): Promise<void> {
    const slow = SLOW.has(lane.name) ? 1 : 0;
    this.#busy += 1;
    this.#slowBusy += slow;
    lane.inFlight += 1;
    lane.frames += 1;
    lane.jobs += jobs.length;
    try {
      const die = this.killNext > 0;
      if (die) this.killNext -= 1;
      const frame = await pool.run(writeFrame(jobs, true), die);
      this.#costs.note(jobs, frame.readDoubleLE(ELAPSED_NS_AT));
      settleFrame(jobs, frame);
    } catch {
      this.#retry(lane, jobs);
    } finally {
      this.#busy -= 1;
      this.#slowBusy -= slow;
      lane.inFlight -= 1;
      this.#pump();
      if (this.#busy === 0) this.#idle?.();
    }
  }

  /** Jobs of a dead worker run once more, before those that wait; then they fail. */
  #retry(lane: Lane, jobs: readonly Job[]): void {
    const again: Job[] = [];
    for (const job of jobs) {
      job.attempts += 1;
      if (job.attempts > 1) job.reject(new EngineError('WORKER_DIED'));
      else again.push(job);
    }
    lane.queue = again.concat(lane.queue);
  }

  /** True while a worker runs a frame. */
  get isBusy(): boolean {
    return this.#busy > 0;
  }

  report(): EngineReport['lanes'] {
    return this.#order.map((lane) => ({
      lane: lane.name,
      queued: lane.queue.length,
      inFlight: lane.inFlight,
      nsPerJob: Math.round(this.#costs.ofLane(lane.name)),
      frames: lane.frames,
      jobs: lane.jobs,
      inlineFrames: lane.inlineFrames,
    }));
  }

  /** Refuses new jobs; resolves when those in flight and waiting are done. */
  async close(): Promise<void> {
    this.#closed = true;
    while (this.#busy > 0 || this.#order.some((lane) => lane.queue.length > 0)) {
      if (this.#busy > 0) {
        await new Promise<void>((resolve) => {
          this.#idle = resolve;
        });
      } else {
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  }
}
