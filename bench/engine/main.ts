/**
 * bench engine: native, node:crypto and @noble per operation, at batch 1, 8, 64 and 512.
 *
 *   scripts/bench engine [--json] [--small] [--ops a,b] [--batches 1,64] [--rounds 5] [--ms 60]
 *
 * One thread. Native and @noble run through frames: written by JavaScript, one call, results read.
 * Rounds of all contenders are interleaved and the median is given. `ops_per_s` is per second of
 * CPU, because the machine may be shared: time lost to others is not ours. `ratio` is to node:crypto
 * in the same run. A round in which a fixed probe runs a quarter slower than at best is repeated.
 */
import { parseArgs } from 'node:util';
import { Bench } from 'tinybench';
import { type BenchRow, median, report } from '../harness.js';
import { FrameClient } from './frame-client.js';
import { OPERATIONS, type Operation } from './operations.js';

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    small: { type: 'boolean', default: false },
    ops: { type: 'string', default: '' },
    batches: { type: 'string', default: '1,8,64,512' },
    rounds: { type: 'string', default: '5' },
    ms: { type: 'string', default: '60' },
  },
});

/** Batches that take longer than this are left out, µs. */
const BATCH_US_MAX = options.small ? 3_000 : 400_000;
const PROBE_SLOWER_MAX = 1.25;
const REPEATS_MAX = 3;

/** A sample is at least this long, µs, so that taking it costs next to nothing. */
const SAMPLE_US_MIN = 100;

interface Contender {
  readonly backend: string;
  readonly batch: number;
  readonly run: () => void;
  /** Times that a sample runs the batch. */
  repeat: number;
  readonly cpuUs: number[];
  readonly p50: number[];
  readonly p99: number[];
}

/** Fixed work, in µs of CPU: how fast this core is at the moment. */
function probe(): number {
  const start = process.cpuUsage();
  let x = 1;
  for (let i = 0; i < 2_000_000; i += 1) x = (Math.imul(x, 1_664_525) + 1_013_904_223) | 0;
  const used = process.cpuUsage(start);
  return used.user + used.system + (x === 0 ? 1 : 0);
}

async function round(contender: Contender, ms: number): Promise<void> {
  const bench = new Bench({ time: ms, iterations: 2, warmup: false });
  const { run, repeat } = contender;
  bench.add('batch', () => {
    for (let i = 0; i < repeat; i += 1) run();
  });
  const start = process.cpuUsage();
  await bench.run();
  const used = process.cpuUsage(start);
  const { result } = bench.tasks[0]!;
  if (result.state !== 'completed') throw new Error(`${contender.backend}: ${result.state}`);
  const runs = result.latency.samplesCount * repeat;
  contender.cpuUs.push((used.user + used.system) / (runs * contender.batch));
  contender.p50.push((result.latency.p50 * 1_000) / repeat);
  contender.p99.push((result.latency.p99 * 1_000) / repeat);
}

function contenders(
  operation: Operation,
  batches: readonly number[],
  clients: readonly FrameClient[],
): Contender[] {
  const make = (backend: string, batch: number, run: () => void): Contender => {
    return { backend, batch, run, repeat: 1, cpuUs: [], p50: [], p99: [] };
  };
  const one = operation.baseline();
  const list = [make('node:crypto', 1, one)];
  for (const client of clients) {
    const { name } = client.backend;
    if (name === 'noble' && !operation.noble) continue;
    const init = operation.job(client);
    const usable = name === 'noble' ? [1] : batches;
    for (const batch of usable) {
      if (batch > 1 && batch * operation.roughUs > BATCH_US_MAX) continue;
      const jobs = Array.from({ length: batch }, () => client.job(init));
      list.push(make(name, batch, () => client.run(jobs)));
    }
  }
  return list;
}

function rows(operation: Operation, list: readonly Contender[]): BenchRow[] {
  const base = median(list[0]!.cpuUs);
  return list.map((contender) => {
    const cpuUs = median(contender.cpuUs);
    const row: BenchRow = {
      bench: 'engine',
      op: operation.op,
      backend: contender.backend,
      batch: contender.batch,
      ops_per_s: Math.round(1e6 / cpuUs),
      cpu_us_per_op: Number(cpuUs.toFixed(3)),
      p50_us: Number(median(contender.p50).toFixed(2)),
      p99_us: Number(median(contender.p99).toFixed(2)),
    };
    if (contender === list[0]) return row;
    return { ...row, baseline: 'node:crypto', ratio: Number((base / cpuUs).toFixed(2)) };
  });
}

async function measure(operation: Operation, list: readonly Contender[]): Promise<BenchRow[]> {
  const rounds = options.small ? 1 : Number(options.rounds);
  const ms = options.small ? 2 : Number(options.ms);
  // Compiles, warms up, and finds how often a sample repeats.
  for (const contender of list) {
    await round(contender, ms);
    contender.repeat = Math.max(1, Math.ceil(SAMPLE_US_MIN / contender.p50[0]!));
  }
  for (const { cpuUs, p50, p99 } of list) cpuUs.length = p50.length = p99.length = 0;
  let best = probe();
  for (let i = 0, repeats = 0; i < rounds; i += 1) {
    for (const contender of list) await round(contender, ms);
    const now = probe();
    best = Math.min(best, now);
    if (now > best * PROBE_SLOWER_MAX && repeats < REPEATS_MAX && !options.small) {
      for (const { cpuUs, p50, p99 } of list) {
        cpuUs.pop();
        p50.pop();
        p99.pop();
      }
      repeats += 1;
      i -= 1;
    }
  }
  return rows(operation, list);
}

async function main(): Promise<void> {
  const wanted = options.ops === '' ? [] : options.ops.split(',');
  const batches = options.small ? [1, 8] : options.batches.split(',').map(Number);
  const clients = [new FrameClient('native'), new FrameClient('noble')];
  const all: BenchRow[] = [];
  for (const operation of OPERATIONS) {
    if (wanted.length > 0 && !wanted.includes(operation.op)) continue;
    // Making RSA keys would be most of a small run.
    if (options.small && operation.roughUs > 1_000) continue;
    all.push(...(await measure(operation, contenders(operation, batches, clients))));
  }
  report(all, { json: options.json, record: !options.small });
}

await main();
