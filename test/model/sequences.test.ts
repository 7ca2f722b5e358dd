/**
 * Random sequences of operations and of days that pass, against a small model. SEED=n repeats a
 * run; a failure prints the sequence, shrunk.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ManualClock } from '../../src/core/clock.js';
import { startServer, type TestServer } from '../harness.js';
import { COMMANDS, checkAll, FIRST, type Real } from './commands.js';
import { Model } from './model.js';
import { MORE } from './more-commands.js';
import { MULTI_REGION, REGIONS } from './multi-region-commands.js';

const SEQUENCES = 1_000;
const STEPS = 50;
/** Some steps find nothing to do: about one in thirty. */
const LENGTH = 54;
const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));

let server: TestServer;
const clock = new ManualClock();
beforeAll(async () => {
  // In dev mode signatures carry no date that a clock far ahead would refuse.
  server = await startServer({ dev: true, quota: 'off', clock, config: { regions: [...REGIONS] } });
});
afterAll(() => server.stop());

test('the server does what the model does', { timeout: 600_000 }, async () => {
  console.log(`model: seed ${seed}`);
  const real: Real = {
    server,
    steps: 0,
    advance: async (ms) => {
      clock.advance(ms);
      await server.runDueWork();
    },
  };
  let sequence = 0;
  const rest = fc.array(fc.oneof(...COMMANDS, ...MORE, ...MULTI_REGION), {
    minLength: LENGTH - 1,
    maxLength: LENGTH - 1,
  });
  const steps = fc.tuple(FIRST, rest).map(([first, others]) => [first, ...others]);
  await fc.assert(
    fc.asyncProperty(steps, async (commands) => {
      sequence += 1;
      const model = new Model(`s${sequence}`, clock.now(), sequence % 10 === 0);
      await fc.asyncModelRun(() => ({ model, real }), commands);
      await checkAll(model, real);
    }),
    { seed, numRuns: SEQUENCES, endOnFailure: false },
  );
  console.log(`model: ${sequence} sequences, ${real.steps} steps`);
  expect(sequence).toBeGreaterThanOrEqual(SEQUENCES);
  expect(real.steps).toBeGreaterThanOrEqual(SEQUENCES * STEPS);
});
