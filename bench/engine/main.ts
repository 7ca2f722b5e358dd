/**
 * bench engine: native, node:crypto and @noble per operation, at batch 1, 8, 64 and 512.
 *
 *   scripts/bench engine [--json] [--small] [--ops a,b] [--batches 1,64] [--rounds 5] [--ms 60]
 *                        [--class ifma|avx2|generic] [--estimate]
 *
 * One thread. Native and @noble run through frames: written by JavaScript, one call, results read.
 * Rounds of all contenders are interleaved and the median is given. `ops_per_s` is per second of
 * CPU, because the machine may be shared: time lost to others is not ours. `cycles_per_op` is that
 * time times the core's frequency, measured before and after the round (core-probe.ts says how, and
 * what it cannot see). `multiply_fraction` is the part of the class's multiply limit
 * (multiply-limit.ts). `ratio` is to node:crypto in the same run. A round is repeated when a probe
 * before or after it runs slower than the best by more than PROBE_SLOWER_MAX; the number of repeats
 * is printed. At the end each row at batch 64 is compared with what it is to reach (targets.ts).
 *
 * --class runs the kernels of another class that this CPU has, as KEYSTREL_CPU does. --estimate
 * measures nothing, and prints estimates for the class that is not at hand (estimate.ts).
 */
import { parseArgs } from 'node:util';
import { type BenchRow, machine, median, report } from '../harness.js';
import { contendersOf, type Slot, slot, warmUp } from './contenders.js';
import { CoreProbe } from './core-probe.js';
import { estimate } from './estimate.js';
import { FrameClient } from './frame-client.js';
import {
  isVectorClass,
  type MultiplyCounts,
  multipliesOf,
  multipliesPerCycle,
  multiplyCounts,
} from './multiply-limit.js';
import { OPERATIONS, type Operation } from './operations.js';
import { summary, withTarget } from './targets.js';

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    small: { type: 'boolean', default: false },
    ops: { type: 'string', default: '' },
    batches: { type: 'string', default: '1,8,64,512' },
    rounds: { type: 'string', default: '5' },
    ms: { type: 'string', default: '60' },
    estimate: { type: 'boolean', default: false },
    class: { type: 'string', default: process.env.KEYSTREL_CPU ?? '' },
  },
});

/** Batches that take longer than this are left out, µs. */
const BATCH_US_MAX = options.small ? 6_000 : 700_000;
/** Operations that take longer than this are left out of a small run, µs: making keys is slow. */
const SMALL_US_MAX = 1_000;
const PROBE_SLOWER_MAX = 1.15;
const rounds = options.small ? 1 : Number(options.rounds);
const slotMs = options.small ? 2 : Number(options.ms);
/** Most repeats of rounds per operation. */
const REPEATS_MAX = options.small ? 1 : 2 * rounds;

interface Limit {
  readonly counts: MultiplyCounts;
  readonly perCycle: number;
}

interface Measured extends Slot {
  readonly mhz: number;
}

/** Rounds that were repeated, and rounds that were kept though disturbed, of all operations. */
const disturbed = { repeats: 0, kept: 0 };

function fraction(row: BenchRow, limit: Limit | undefined): number | undefined {
  if (limit === undefined || row.backend !== 'native') return undefined;
  const multiplies = multipliesOf(limit.counts, row.op, row.batch!);
  if (multiplies === undefined) return undefined;
  return Number((multiplies / limit.perCycle / row.cycles_per_op!).toFixed(3));
}

function rowOf(
  op: string,
  contender: { readonly backend: string; readonly batch: number },
  measured: readonly Measured[],
  limit: Limit | undefined,
): BenchRow {
  const cpuUs = median(measured.map((m) => m.cpuUs));
  const row: BenchRow = {
    bench: 'engine',
    op,
    backend: contender.backend,
    batch: contender.batch,
    ops_per_s: Math.round(1e6 / cpuUs),
    cpu_us_per_op: Number(cpuUs.toFixed(3)),
    cycles_per_op: Number(median(measured.map((m) => m.cpuUs * m.mhz)).toPrecision(5)),
    mhz: Math.round(median(measured.map((m) => m.mhz))),
    p50_us: Number(median(measured.map((m) => m.p50)).toFixed(2)),
    p99_us: Number(median(measured.map((m) => m.p99)).toFixed(2)),
  };
  const multiply_fraction = fraction(row, limit);
  return multiply_fraction === undefined ? row : { ...row, multiply_fraction };
}

async function measure(
  operation: Operation,
  clients: readonly FrameClient[],
  probe: CoreProbe,
  limit: Limit | undefined,
): Promise<BenchRow[]> {
  const batches = options.small ? [1, 64] : options.batches.split(',').map(Number);
  const list = contendersOf(operation, batches, clients, BATCH_US_MAX);
  const ms = Math.max(slotMs, operation.slotMsMin ?? 0);
  await warmUp(list, slotMs);
  const measured: Measured[][] = list.map(() => []);
  let repeats = 0;
  for (let done = 0; done < rounds; ) {
    const before = probe.look();
    const slots: Slot[] = [];
    for (const contender of list) slots.push(await slot(contender, ms));
    const after = probe.look();
    if (probe.isDisturbed(before, after, PROBE_SLOWER_MAX)) {
      if (repeats < REPEATS_MAX) {
        repeats += 1;
        continue;
      }
      disturbed.kept += 1;
    }
    const mhz = (before.mhz + after.mhz) / 2;
    slots.forEach((one, i) => {
      measured[i]!.push({ ...one, mhz });
    });
    done += 1;
  }
  disturbed.repeats += repeats;
  const base = median(measured[0]!.map((m) => m.cpuUs));
  return list.map((contender, i) => {
    const row = { ...rowOf(operation.op, contender, measured[i]!, limit), repeats };
    if (i === 0) return row;
    const cpuUs = median(measured[i]!.map((m) => m.cpuUs));
    return { ...row, baseline: 'node:crypto', ratio: Number((base / cpuUs).toFixed(2)) };
  });
}

async function main(): Promise<void> {
  // Before the addon is asked for its class for the first time.
  process.env.KEYSTREL_CPU = options.class;
  const { cpu_class } = machine();
  if (options.class !== '' && options.class !== 'auto' && options.class !== cpu_class) {
    throw new Error(`the class ${options.class} is not possible here: ${cpu_class} would run`);
  }
  if (options.estimate) {
    console.log(estimate(cpu_class));
    return;
  }
  const limit = isVectorClass(cpu_class)
    ? { counts: multiplyCounts(cpu_class), perCycle: multipliesPerCycle(cpu_class) }
    : undefined;
  const wanted = options.ops === '' ? [] : options.ops.split(',');
  const clients = [new FrameClient('native'), new FrameClient('noble')];
  const probe = new CoreProbe();
  const all: BenchRow[] = [];
  for (const operation of OPERATIONS) {
    if (wanted.length > 0 && !wanted.includes(operation.op)) continue;
    if (options.small && operation.roughUs > SMALL_US_MAX) continue;
    const rows = await measure(operation, clients, probe, limit);
    all.push(...rows.map((row) => withTarget(row, cpu_class)));
  }
  const notes = [
    `${disturbed.repeats} rounds repeated because the core was disturbed; ${disturbed.kept} kept though disturbed.`,
    `Core at ${Math.round(median(all.map(({ mhz }) => mhz!)))} MHz (derived, see bench/engine/core-probe.ts).`,
    summary(all, cpu_class),
  ];
  report(all, { json: options.json, record: !options.small, notes });
}

await main();
