/** Time as a port, so that deletion, rotation and token buckets can be tested on a virtual clock. */
export interface Clock {
  /** Wall-clock time, milliseconds since the Unix epoch. */
  now(): number;
  /** Monotonic time in milliseconds (fractional); for buckets and timeouts only. */
  monotonic(): number;
}

export const systemClock: Clock = Object.freeze({
  now: () => Date.now(),
  monotonic: () => performance.now(),
});

/**
 * A clock that is read at most once per callback of the event loop: a turn's requests pass each step
 * together, and reading the time for each of them again was a thirtieth of their cost. What it tells
 * is as old as the callback that asks, which is what a busy loop makes of any time.
 */
export function turnClock(clock: Clock): Clock {
  let now = Number.NaN;
  let monotonic = Number.NaN;
  let scheduled = false;
  const forget = (): void => {
    scheduled = false;
    now = monotonic = Number.NaN;
  };
  const schedule = (): void => {
    if (scheduled) return;
    scheduled = true;
    process.nextTick(forget);
  };
  return Object.freeze({
    now: () => {
      if (Number.isNaN(now)) {
        now = clock.now();
        schedule();
      }
      return now;
    },
    monotonic: () => {
      if (Number.isNaN(monotonic)) {
        monotonic = clock.monotonic();
        schedule();
      }
      return monotonic;
    },
  });
}

/** ManualClock stands still until `advance` is called. For tests and `keystrel` simulations. */
export class ManualClock implements Clock {
  #now: number;
  #monotonic = 0;

  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.#now = startMs;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  /** Moves both clocks forward by `ms` milliseconds. */
  advance(ms: number): void {
    this.#now += ms;
    this.#monotonic += ms;
  }
}
