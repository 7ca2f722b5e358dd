/**
 * `scripts/bench http --compare CLASS`: Sign through the server against the same server with
 * KEYSTREL_CPU=CLASS (`generic`: AWS-LC alone), and the engine by itself with either, in one run.
 *
 * Both servers run all the time; each round loads one after the other, then the engine alone, each in
 * a process of its own. Medians of the rounds. The server's factor is to be SERVER_PART_MIN of the
 * engine's, and p50 at one connection no worse than with CLASS, up to P50_NOISE.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type BenchRow, median } from '../harness.js';
import type { EngineLoad } from './engine-rate.js';
import { startTarget, type Target } from './targets.js';
import { type SigningSpec, sign, type Workload } from './workloads.js';
import type { LoadResult } from './wrk.js';

const SERVER_PART_MIN = 0.8;
const P50_NOISE = 1.05;
const run = promisify(execFile);

export interface CompareOptions {
  readonly specs: readonly SigningSpec[];
  /** The class to compare with. */
  readonly baseline: string;
  readonly rounds: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly connections: number;
  readonly engineThreads: number;
  /** Applies load to a target. */
  readonly load: (target: Target, workload: Workload, connections: number) => Promise<LoadResult>;
}

/** One class: '' is the one that the engine finds itself. */
interface Side {
  readonly cpuClass: string;
  readonly target: Target;
  readonly busy: LoadResult[];
  readonly single: LoadResult[];
  readonly engine: BenchRow[];
}

async function engineAlone(load: EngineLoad, cpuClass: string): Promise<BenchRow> {
  const program = fileURLToPath(new URL('engine-child.js', import.meta.url));
  const env = cpuClass === '' ? process.env : { ...process.env, KEYSTREL_CPU: cpuClass };
  const { stdout } = await run(process.execPath, [program, JSON.stringify(load)], { env });
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as BenchRow;
}

function middle<T>(values: readonly T[], of: (value: T) => number): number {
  return median(values.map(of));
}

function served(op: string, variant: string, results: readonly LoadResult[]): BenchRow {
  return {
    bench: 'http',
    op,
    backend: 'keystrel',
    variant,
    ops_per_s: Math.round(middle(results, (r) => r.perSecond)),
    cpu_us_per_op: Number(middle(results, (r) => r.cpuUsPerRequest).toFixed(2)),
    p50_us: middle(results, (r) => r.p50Us),
    p99_us: middle(results, (r) => r.p99Us),
  };
}

function alone(op: string, variant: string, results: readonly BenchRow[]): BenchRow {
  return {
    bench: 'http',
    op,
    backend: 'engine',
    variant,
    ops_per_s: Math.round(middle(results, (r) => r.ops_per_s!)),
    cpu_us_per_op: Number(middle(results, (r) => r.cpu_us_per_op!).toFixed(2)),
    p50_us: middle(results, (r) => r.p50_us!),
    p99_us: middle(results, (r) => r.p99_us!),
  };
}

function rowsOf(op: string, ours: Side, theirs: Side, options: CompareOptions): BenchRow[] {
  const name = ours.engine[0]?.cpu_class ?? '';
  const { connections, baseline } = options;
  const label = (cpuClass: string, number: number) => `${cpuClass}, ${number} in flight`;
  const rows = (cpuClass: string, side: Side) =>
    [
      served(op, label(cpuClass, connections), side.busy),
      served(op, label(cpuClass, 1), side.single),
      alone(op, label(cpuClass, connections), side.engine),
    ] as const;
  const [theirBusy, theirSingle, theirEngine] = rows(baseline, theirs);
  const [ourBusy, ourSingle, ourEngine] = rows(name, ours);
  const engineFactor = ourEngine.ops_per_s! / theirEngine.ops_per_s!;
  const factor = ourBusy.ops_per_s! / theirBusy.ops_per_s!;
  const least = engineFactor * SERVER_PART_MIN;
  const slower = ourSingle.p50_us! / theirSingle.p50_us!;
  const against = (row: BenchRow, ratio: number) => ({
    ...row,
    baseline,
    ratio: Number(ratio.toFixed(3)),
  });
  return [
    theirEngine,
    theirBusy,
    theirSingle,
    against(ourEngine, engineFactor),
    { ...against(ourBusy, factor), at_least: Number(least.toFixed(3)), met: factor >= least },
    // Here the ratio is of latencies: at most, not at least.
    { ...against(ourSingle, slower), met: slower <= P50_NOISE },
  ];
}

/** The verdicts, in words. */
export function verdicts(rows: readonly BenchRow[]): string[] {
  return rows
    .filter(({ met }) => met !== undefined)
    .map(({ op, ratio, at_least, met, baseline, variant }) => {
      const verdict = met ? 'met' : 'MISSED';
      return at_least === undefined
        ? `${op}: p50 at one connection ${ratio} of that with ${baseline}, at most ${P50_NOISE}: ${verdict}`
        : `${op}, ${variant}: ${ratio}x the rate with ${baseline}, at least ${at_least}x (${SERVER_PART_MIN} of the engine's factor): ${verdict}`;
    });
}

async function compareOne(spec: SigningSpec, options: CompareOptions): Promise<BenchRow[]> {
  const sides: Side[] = [];
  try {
    for (const cpuClass of [options.baseline, '']) {
      const target = await startTarget('keystrel', {}, options.engineThreads, cpuClass);
      sides.push({ cpuClass, target, busy: [], single: [], engine: [] });
    }
    const workload = sign(spec);
    const engineLoad: EngineLoad = {
      spec,
      threads: options.engineThreads,
      inFlight: options.connections,
      seconds: options.seconds,
      warmUpSeconds: options.warmUpSeconds,
    };
    for (let round = 0; round < options.rounds; round += 1) {
      // Who comes first changes from round to round.
      const order = round % 2 === 0 ? sides : sides.toReversed();
      for (const side of order) {
        side.busy.push(await options.load(side.target, workload, options.connections));
      }
      for (const side of order) side.single.push(await options.load(side.target, workload, 1));
      for (const side of order) side.engine.push(await engineAlone(engineLoad, side.cpuClass));
    }
  } finally {
    for (const { target } of sides) await target.stop();
  }
  const [theirs, ours] = sides;
  return rowsOf(`Sign ${spec}`, ours!, theirs!, options);
}

/** The rows of each key spec. */
export async function compareClasses(options: CompareOptions): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const spec of options.specs) rows.push(...(await compareOne(spec, options)));
  return rows;
}
