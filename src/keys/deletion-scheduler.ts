/**
 * Deletes keys for good once their date has come. Every process of a deployment may run one: a key
 * is deleted once, by whichever comes first.
 */
import { type Clock, systemClock } from '../core/clock.js';
import type { KeyService } from './service.js';

/** How often due keys are looked for, milliseconds of the clock; AWS allows a day. */
const INTERVAL_MS = 60_000;
/** How often the clock is looked at, milliseconds. */
const TICK_MS = 1_000;

export interface DeletionScheduler {
  /** Looks for due keys now, and then every interval; does not keep the process alive. */
  start(): void;
  /** One round, or the one that runs. Never rejects: failures go to `onError`. */
  run(): Promise<number>;
  /** Starts no more rounds, and waits for one that runs. */
  stop(): Promise<void>;
}

export interface DeletionSchedulerParts {
  readonly service: Pick<KeyService, 'deleteDueKeys'>;
  /** The system's clock unless said. */
  readonly clock?: Clock;
  /** Told why a round failed; the next one tries again. */
  readonly onError: (error: unknown) => void;
  /** Milliseconds of real time between looks at the clock; 1,000 unless said. */
  readonly tickMs?: number;
}

export function createDeletionScheduler(parts: DeletionSchedulerParts): DeletionScheduler {
  const { service, clock = systemClock, onError } = parts;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<number> | undefined;
  let lastRound = 0;

  const round = async (): Promise<number> => {
    lastRound = clock.monotonic();
    try {
      return await service.deleteDueKeys();
    } catch (error) {
      onError(error);
      return 0;
    } finally {
      running = undefined;
    }
  };
  const run = (): Promise<number> => {
    running ??= round();
    return running;
  };
  return Object.freeze<DeletionScheduler>({
    start() {
      if (timer !== undefined) return;
      timer = setInterval(() => {
        if (clock.monotonic() - lastRound >= INTERVAL_MS) void run();
      }, parts.tickMs ?? TICK_MS);
      timer.unref();
      void run();
    },
    run,
    async stop() {
      clearInterval(timer);
      timer = undefined;
      await running;
    },
  });
}
