import { expect, it } from 'vitest';
import { ManualClock, turnClock } from '../../src/core/clock.js';

it('a turn clock stands still within a callback of the event loop, and is right in the next', async () => {
  const clock = new ManualClock(1_000);
  const turn = turnClock(clock);
  expect([turn.now(), turn.monotonic()]).toEqual([1_000, 0]);
  clock.advance(5);
  expect([turn.now(), turn.monotonic()]).toEqual([1_000, 0]);
  await new Promise((resolve) => setImmediate(resolve));
  expect([turn.now(), turn.monotonic()]).toEqual([1_005, 5]);
  clock.advance(5);
  await new Promise<void>((resolve) => process.nextTick(resolve));
  expect([turn.now(), turn.monotonic()]).toEqual([1_010, 10]);
});
