/** The scheduler of due work: rounds on the manual clock, failures, rounds that overlap. */
import { afterEach, describe, expect, test } from 'vitest';
import { ManualClock } from '../../src/core/clock.js';
import { createScheduler, type DueWork, type Scheduler } from '../../src/keys/scheduler.js';

const MINUTE_MS = 60_000;
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Waits for `reached` without saying how long it takes. */
async function until(reached: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!reached()) {
    if (performance.now() > deadline) throw new Error('never came');
    await turn();
  }
}

describe('the scheduler', () => {
  const clock = new ManualClock();
  const told: [unknown, string][] = [];
  let scheduler: Scheduler;
  const schedule = (...work: DueWork[]) => {
    told.length = 0;
    scheduler = createScheduler({
      work,
      clock,
      onError: (error, name) => told.push([error, name]),
      tickMs: 1,
    });
    return scheduler;
  };
  afterEach(() => scheduler.stop());

  test('does all work in its order with the time of the clock, and counts', async () => {
    const seen: [string, number][] = [];
    const work = (name: string, count: number): DueWork => ({
      name,
      run: async (now) => {
        seen.push([name, now]);
        return count;
      },
    });
    expect(await schedule(work('first', 2), work('second', 3)).run()).toBe(5);
    expect(seen).toEqual([
      ['first', clock.now()],
      ['second', clock.now()],
    ]);
  });

  test('makes a round when work says that something comes due, and not before', async () => {
    let soonest = clock.now() + 5_000;
    const rounds: number[] = [];
    const work: DueWork = {
      name: 'on time',
      run: async (now) => {
        rounds.push(now);
        soonest = Infinity;
        return 1;
      },
      soonest: () => soonest,
    };
    schedule(work).start();
    await until(() => rounds.length === 1);
    soonest = clock.now() + 5_000;
    clock.advance(4_999);
    for (let i = 0; i < 20; i += 1) await new Promise((resolve) => setTimeout(resolve, 1));
    expect(rounds).toHaveLength(1);
    clock.advance(1);
    await until(() => rounds.length === 2);
    expect(rounds[1]).toBe(clock.now());
  });

  test('tells of work that failed by its name, and does the rest', async () => {
    const failure = new Error('no');
    const failing = {
      name: 'failing',
      run: async (): Promise<number> => {
        throw failure;
      },
    };
    const throwing = {
      name: 'throwing',
      run: (): Promise<number> => {
        throw failure;
      },
    };
    const done = await schedule(failing, throwing, { name: 'other', run: async () => 1 }).run();
    expect(done).toBe(1);
    expect(told).toEqual([
      [failure, 'failing'],
      [failure, 'throwing'],
    ]);
  });

  test('begins with a round and makes one each minute of the clock', async () => {
    let rounds = 0;
    schedule({ name: 'work', run: async () => (rounds += 1) });
    scheduler.start();
    scheduler.start();
    await until(() => rounds === 1);
    clock.advance(MINUTE_MS - 1);
    for (let i = 0; i < 50; i += 1) await turn();
    expect(rounds).toBe(1);
    clock.advance(1);
    await until(() => rounds === 2);
    // Hours that passed at once are one round: work itself knows what it missed.
    clock.advance(600 * MINUTE_MS);
    await until(() => rounds === 3);
    for (let i = 0; i < 50; i += 1) await turn();
    expect(rounds).toBe(3);
    await scheduler.stop();
    clock.advance(MINUTE_MS);
    for (let i = 0; i < 50; i += 1) await turn();
    expect(rounds).toBe(3);
  });

  test('a round asked for while one runs begins after it, once for all who ask', async () => {
    const times: number[] = [];
    let release = (): void => undefined;
    const work = {
      name: 'slow',
      run: async (now: number) => {
        times.push(now);
        await new Promise<void>((resolve) => {
          release = resolve;
        });
        return 1;
      },
    };
    schedule(work);
    const first = scheduler.run();
    const before = clock.now();
    clock.advance(1);
    const asked = [scheduler.run(), scheduler.run()];
    await turn();
    expect(times).toEqual([before]);
    release();
    expect(await first).toBe(1);
    await until(() => times.length === 2);
    expect(times[1]).toBe(before + 1);
    const stopped = scheduler.stop();
    release();
    expect(await Promise.all(asked)).toEqual([1, 1]);
    await stopped;
    expect(times).toHaveLength(2);
  });
});
