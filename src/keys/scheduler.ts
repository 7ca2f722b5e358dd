/**
 * Does what comes due by itself: deletions, rotations and whatever else a part of the domain
 * registers as DueWork (KeyService.dueWork). Every process of a deployment may run a scheduler:
 * work is written against versions in the store, so that it happens once, by whichever comes first.
 */
import { type Clock, systemClock } from '../core/clock.js';

/** How often due work is looked for, milliseconds of the clock. */
export const INTERVAL_MS = 60_000;
/** How often the clock is looked at, milliseconds. */
const TICK_MS = 1_000;

/** One kind of work that time brings. */
export interface DueWork {
  /** For logs, e.g. 'deletion of keys'. */
  readonly name: string;
  /**
   * Does all that is due at `now`, milliseconds since the epoch, and gives how many things it did.
   * May reject: other work goes on, and the next round tries again.
   */
  run(now: number): Promise<number>;
  /**
   * When something is known to come due before the next round, milliseconds since the epoch, so
   * that there is a round then; Infinity when nothing is.
   */
  soonest?(): number;
}

export interface Scheduler {
  /** A round now, and then every interval; does not keep the process alive. */
  start(): void;
  /**
   * One round that begins after this call, of all work in the order given; gives how many things
   * were done. Never rejects: failures go to `onError`.
   */
  run(): Promise<number>;
  /** Starts no more rounds, and waits for one that runs. */
  stop(): Promise<void>;
}

export interface SchedulerParts {
  readonly work: readonly DueWork[];
  /** The system's clock unless said. */
  readonly clock?: Clock;
  /** Told why work failed, and its name; the next round tries again. */
  readonly onError: (error: unknown, name: string) => void;
  /** Milliseconds of real time between looks at the clock; 1,000 unless said. */
  readonly tickMs?: number;
}

export function createScheduler(parts: SchedulerParts): Scheduler {
  const { work, clock = systemClock, onError } = parts;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<number> | undefined;
  let next: Promise<number> | undefined;
  let lastRound = 0;

  const round = async (): Promise<number> => {
    lastRound = clock.monotonic();
    let done = 0;
    for (const one of work) {
      try {
        done += await one.run(clock.now());
      } catch (error) {
        onError(error, one.name);
      }
    }
    return done;
  };
  const begin = (): Promise<number> => {
    next = undefined;
    const begun = round().finally(() => {
      if (running === begun) running = undefined;
    });
    running = begun;
    return begun;
  };
  const run = (): Promise<number> => {
    if (running === undefined) return begin();
    next ??= running.then(begin);
    return next;
  };
  return Object.freeze<Scheduler>({
    start() {
      if (timer !== undefined) return;
      timer = setInterval(() => {
        if (running !== undefined) return;
        const now = clock.now();
        const isDue = work.some((one) => (one.soonest?.() ?? Infinity) <= now);
        if (isDue || clock.monotonic() - lastRound >= INTERVAL_MS) void run();
      }, parts.tickMs ?? TICK_MS);
      timer.unref();
      void run();
    },
    run,
    async stop() {
      clearInterval(timer);
      timer = undefined;
      await (next ?? running);
    },
  });
}
