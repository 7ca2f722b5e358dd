/**
 * `scripts/bench http`: requests per second, latency and CPU per request of our server, against a
 * bare uWebSockets.js echo and a naive node:http + node:crypto KMS in the same run. Requests are
 * signed beforehand; SigV4, schema check, caps and audit (`write`) are on.
 *
 * The load generator shares the machine: rates are those of the server with what wrk leaves it;
 * CPU per request is the server process's own, all threads. With Sign, a row `engine` tells what
 * the engine signs by itself, without server and load generator, with as many workers; of it our
 * served rate is given as a ratio.
 *
 * `--compare generic [--specs RSA_2048,ECC_NIST_P384] [--rounds 3]` runs something else: Sign against
 * the same server with other kernels, and whether the server rises as the engine does (compare.ts).
 *
 * `--against DIR [--operations A,B] [--rounds 5]` runs something else again: every operation against
 * the server of another checkout, built in DIR (against.ts).
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { type BenchRow, report } from '../harness.js';
import { compareCheckouts, linePerOperation, SLOWER_PERCENT } from './against.js';
import { compareClasses, verdicts } from './compare.js';
import { engineRate } from './engine-rate.js';
import { signedRequest } from './signed-request.js';
import { startTarget, type Target, type TargetName } from './targets.js';
import { type SigningSpec, WORKLOADS, type Workload } from './workloads.js';
import { applyLoad, hasWrk, type LoadResult } from './wrk.js';

/** Different requests per run, sent in turn. */
const REQUESTS = 64;

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    small: { type: 'boolean', default: false },
    seconds: { type: 'string', default: '5' },
    connections: { type: 'string', default: '32' },
    ops: { type: 'string', default: '' },
    targets: { type: 'string', default: 'echo,naive,keystrel' },
    'engine-threads': { type: 'string', default: '0' },
    compare: { type: 'string', default: '' },
    rounds: { type: 'string' },
    specs: { type: 'string', default: 'RSA_2048,ECC_NIST_P384' },
    against: { type: 'string', default: '' },
    operations: { type: 'string', default: '' },
  },
});

const NOTES = [
  `echo, naive, keystrel: wrk's one thread ran on the same ${availableParallelism()} cores; engine: nothing else ran.`,
  'ratio: CPU per request against echo and naive; rate of answers against engine.',
];

async function measure(
  target: Target,
  workload: Workload,
  connections = Number(options.connections),
): Promise<LoadResult> {
  const makeInput = await workload.prepare(target);
  const { host } = new URL(target.endpoint);
  const requests = Array.from({ length: REQUESTS }, () =>
    signedRequest(host, workload.operation, makeInput(), target.credentials),
  );
  const load = {
    endpoint: target.endpoint,
    pid: target.pid,
    requests,
    connections,
  };
  const seconds = options.small ? 1 : Number(options.seconds);
  if (!options.small) await applyLoad({ ...load, seconds: 2 });
  const result = await applyLoad({ ...load, seconds });
  if (result.errors > 0) {
    throw new Error(`${target.name} ${workload.operation}: ${result.errors} failed requests`);
  }
  return result;
}

function row(operation: string, backend: string, result: LoadResult): BenchRow {
  return {
    bench: 'http',
    op: operation,
    backend,
    ops_per_s: Math.round(result.perSecond),
    cpu_us_per_op: Number(result.cpuUsPerRequest.toFixed(2)),
    p50_us: result.p50Us,
    p99_us: result.p99Us,
  };
}

/** Ours against each of the others: the ratio is of CPU per request; of the rate for `engine`. */
function compare(rows: readonly BenchRow[], ours: BenchRow): BenchRow[] {
  return rows
    .filter((other) => other.op === ours.op && other.backend !== ours.backend)
    .map((other) => {
      const ratio =
        other.backend === 'engine'
          ? ours.ops_per_s! / other.ops_per_s!
          : ours.cpu_us_per_op! / other.cpu_us_per_op!;
      return { ...ours, baseline: other.backend, ratio: Number(ratio.toFixed(3)) };
    });
}

async function compareKernels(): Promise<void> {
  const rows = await compareClasses({
    specs: options.specs.split(',') as SigningSpec[],
    baseline: options.compare,
    rounds: options.small ? 1 : Number(options.rounds ?? 3),
    seconds: options.small ? 1 : Number(options.seconds),
    warmUpSeconds: options.small ? 0.2 : 2,
    connections: Number(options.connections),
    engineThreads: Number(options['engine-threads']),
    load: measure,
  });
  report(rows, { json: options.json, record: !options.small, notes: verdicts(rows) });
}

async function againstCheckout(): Promise<void> {
  const rows = await compareCheckouts({
    checkout: options.against,
    operations: options.operations === '' ? [] : options.operations.split(','),
    rounds: options.small ? 1 : Number(options.rounds ?? 5),
    connections: Number(options.connections),
    engineThreads: Number(options['engine-threads']),
    small: options.small,
  });
  report(rows, {
    json: options.json,
    record: !options.small,
    show: linePerOperation,
    notes: [`SLOWER: by more than ${SLOWER_PERCENT} %, median of the rounds' own differences.`],
  });
}

async function main(): Promise<void> {
  if (!hasWrk()) throw new Error('wrk is not installed (Debian: apt-get install wrk)');
  if (options.against !== '') return againstCheckout();
  if (options.compare !== '') return compareKernels();
  const names = options.targets.split(',') as TargetName[];
  const wanted = options.ops === '' ? [] : options.ops.split(',');
  const workloads = WORKLOADS.filter(
    ({ operation }) => wanted.length === 0 || wanted.includes(operation),
  );
  const rows: BenchRow[] = [];
  for (const name of names) {
    const target = await startTarget(name, {}, Number(options['engine-threads']));
    try {
      for (const workload of workloads) {
        rows.push(row(workload.operation, name, await measure(target, workload)));
      }
    } finally {
      await target.stop();
    }
  }
  if (names.includes('keystrel') && workloads.some(({ operation }) => operation === 'Sign')) {
    rows.push(
      await engineRate({
        spec: 'RSA_2048',
        threads: Number(options['engine-threads']),
        inFlight: Number(options.connections),
        seconds: options.small ? 1 : Number(options.seconds),
        warmUpSeconds: options.small ? 0.2 : 2,
      }),
    );
  }
  const ours = rows.filter(({ backend }) => backend === 'keystrel');
  const others = rows.filter(({ backend }) => backend !== 'keystrel');
  const compared = ours.flatMap((mine) => {
    const pairs = compare(others, mine);
    return pairs.length === 0 ? [mine] : pairs;
  });
  report([...others, ...compared], { json: options.json, record: !options.small, notes: NOTES });
}

await main();
