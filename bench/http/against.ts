/**
 * `scripts/bench http --against DIR`: every operation through our server and through that of another
 * checkout, built in DIR, with the bare echo between them.
 *
 * Both servers and the echo run all the time. Of each operation, each round loads one after the
 * other, whoever comes first changing from round to round; the echo gets our requests. What can be
 * repeated is sent by wrk for a second; what cannot, once for each of CYCLE_ITEMS (counted.ts).
 */
import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import { type BenchRow, median, repository, textTable } from '../harness.js';
import { applyCounted } from './counted.js';
import { CYCLES, type Cycle, REPEATED, type RepeatedWorkload } from './every-operation.js';
import { signedRequest } from './signed-request.js';
import { startCheckout, startTarget, type Target } from './targets.js';
import { applyLoad, type LoadResult } from './wrk.js';

/** From here on a difference counts, percent. */
export const SLOWER_PERCENT = 5;
const SECONDS = 1;
/** Different requests of a repeated workload, sent in turn. */
const REQUESTS = 128;
const CYCLE_ITEMS = 800;
/** How often a round with failed requests is tried. */
const ATTEMPTS = 3;
const SMALL_ITEMS = 40;

export interface AgainstOptions {
  /** Folder of the other checkout. */
  readonly checkout: string;
  /** All when empty. */
  readonly operations: readonly string[];
  readonly rounds: number;
  readonly connections: number;
  readonly engineThreads: number;
  /** Few requests, each sent once. */
  readonly small: boolean;
}

interface Servers {
  readonly before: Target;
  readonly now: Target;
  readonly echo: Target;
}
type Side = keyof Servers;
const SIDES: readonly Side[] = ['before', 'now', 'echo'];

type Results = Readonly<Record<Side, LoadResult[]>>;
const noResults = (): Results => ({ before: [], now: [], echo: [] });

function version(folder: string): string {
  const args = ['describe', '--always', '--dirty=+', '--exclude=*'];
  return execFileSync('git', args, { cwd: folder, encoding: 'utf8' }).trim();
}

function sign(target: Target, operation: string, inputs: readonly object[]): string[] {
  const { host } = new URL(target.endpoint);
  return inputs.map((input) => signedRequest(host, operation, input, target.credentials));
}

/** One round: `send` to each, from the left or from the right. */
async function round(
  number: number,
  results: Results,
  send: (side: Side) => Promise<LoadResult>,
): Promise<void> {
  for (const side of number % 2 === 0 ? SIDES : SIDES.toReversed()) {
    results[side].push(await send(side));
  }
}

async function repeat(
  workload: RepeatedWorkload,
  servers: Servers,
  options: AgainstOptions,
): Promise<Results> {
  const { operation, name } = workload;
  const { connections, small } = options;
  const before = await workload.prepare(servers.before);
  const now = await workload.prepare(servers.now);
  const makeInput = { before, now, echo: now };
  const send = async (side: Side): Promise<LoadResult> => {
    const { endpoint, pid } = servers[side];
    const signer = side === 'echo' ? servers.now : servers[side];
    const inputs = Array.from({ length: REQUESTS }, makeInput[side]);
    const load = { endpoint, pid, requests: sign(signer, operation, inputs), connections };
    if (small) return applyCounted(load);
    for (let attempt = 1; ; attempt += 1) {
      const result = await applyLoad({ ...load, seconds: SECONDS });
      if (result.errors === 0) return result;
      // A machine that stood still for two seconds looks like this; a refusal stays.
      if (attempt === ATTEMPTS) throw new Error(`${side}, ${name}: ${result.errors} failed`);
    }
  };
  // The code gets warm.
  if (!small) await round(0, noResults(), send);
  const results = noResults();
  for (let i = 0; i < options.rounds; i += 1) await round(i, results, send);
  return results;
}

/** The results by operation. */
async function cycle(
  { operations, prepare }: Cycle,
  servers: Servers,
  options: AgainstOptions,
): Promise<ReadonlyMap<string, Results>> {
  const items = options.small ? SMALL_ITEMS : CYCLE_ITEMS;
  const { connections } = options;
  const before = await prepare(servers.before, items);
  const now = await prepare(servers.now, items);
  const inputsOf = { before, now, echo: now };
  const results = new Map(operations.map((operation) => [operation, noResults()] as const));
  for (let i = options.small ? 0 : -1; i < options.rounds; i += 1) {
    for (const [operation, measured] of results) {
      await round(i, i < 0 ? noResults() : measured, async (side) => {
        const signer = side === 'echo' ? servers.now : servers[side];
        const requests = sign(signer, operation, inputsOf[side](operation));
        const { endpoint, pid } = servers[side];
        return applyCounted({ endpoint, pid, requests, connections });
      });
    }
  }
  return results;
}

const middle = (results: readonly LoadResult[], of: (result: LoadResult) => number) =>
  median(results.map(of));
const cpu = (results: readonly LoadResult[]) => middle(results, (r) => r.cpuUsPerRequest);
const rounded = (value: number, digits: number) => Number(value.toFixed(digits));

function rowsOf(op: string, results: Results, names: Readonly<Record<Side, string>>): BenchRow[] {
  const base = (side: Side): BenchRow => ({
    bench: 'http',
    op,
    backend: side === 'echo' ? 'echo' : 'keystrel',
    variant: names[side],
    ops_per_s: Math.round(middle(results[side], (r) => r.perSecond)),
    cpu_us_per_op: rounded(cpu(results[side]), 2),
    p50_us: middle(results[side], (r) => r.p50Us),
    p99_us: middle(results[side], (r) => r.p99Us),
  });
  const toEcho = (side: Side): BenchRow => ({
    ...base(side),
    baseline: 'echo',
    ratio: rounded(cpu(results[side]) / cpu(results.echo), 3),
  });
  const changes = results.now.map(
    (now, i) => 100 * (now.cpuUsPerRequest / results.before[i]!.cpuUsPerRequest - 1),
  );
  const change = rounded(median(changes), 1);
  const range = [Math.min(...changes), Math.max(...changes)].map((one) => rounded(one, 1));
  return [
    base('echo'),
    toEcho('before'),
    {
      ...toEcho('now'),
      change,
      change_range: range as [number, number],
      met: change <= SLOWER_PERCENT,
    },
  ];
}

const HEAD = [
  'operation',
  'echo',
  'before',
  'now',
  'before/echo',
  'now/echo',
  'change',
  'range',
  '',
];

/** A line per operation: µs of CPU per request, ratios and the change in percent. */
export function linePerOperation(rows: readonly BenchRow[]): string {
  const lines = rows.flatMap((now, i) => {
    if (now.change === undefined) return [];
    const [echo, before] = [rows[i - 2]!, rows[i - 1]!];
    const micros = [echo, before, now].map((row) => row.cpu_us_per_op!.toFixed(1));
    const ratios = [before, now].map((row) => row.ratio!.toFixed(2));
    const percent = (value: number) => `${value > 0 ? '+' : ''}${value.toFixed(1)} %`;
    const range = now.change_range!.map(percent).join(' to ');
    return [[now.op, ...micros, ...ratios, percent(now.change), range, now.met ? '' : 'SLOWER']];
  });
  const [, before, now] = rows;
  const title = `µs of CPU per request; before: ${before?.variant}, now: ${now?.variant}`;
  return `${title}\n\n${textTable(HEAD, lines, new Set(['operation', '']))}`;
}

function requireKnown(operations: readonly string[]): void {
  const known = new Set([
    ...REPEATED.map(({ operation }) => operation),
    ...CYCLES.flatMap((one) => one.operations),
  ]);
  const unknown = operations.filter((operation) => !known.has(operation));
  if (unknown.length > 0) throw new Error(`no workload of ${unknown.join(', ')}`);
}

/** Three rows per operation: the echo, the other checkout, ours with its change. */
export async function compareCheckouts(options: AgainstOptions): Promise<BenchRow[]> {
  const { operations, engineThreads } = options;
  requireKnown(operations);
  const wanted = (operation: string) => operations.length === 0 || operations.includes(operation);
  const checkout = resolve(options.checkout);
  const names = { before: version(checkout), now: version(repository()), echo: '' };
  const started: Target[] = [];
  const start = async (starting: Promise<Target>): Promise<Target> => {
    const target = await starting;
    started.push(target);
    return target;
  };
  try {
    const servers: Servers = {
      before: await start(startCheckout(checkout, engineThreads)),
      now: await start(startCheckout(repository(), engineThreads)),
      echo: await start(startTarget('echo')),
    };
    const rows: BenchRow[] = [];
    for (const workload of REPEATED.filter(({ operation }) => wanted(operation))) {
      rows.push(...rowsOf(workload.name, await repeat(workload, servers, options), names));
    }
    for (const one of CYCLES.filter((each) => each.operations.some(wanted))) {
      for (const [operation, results] of await cycle(one, servers, options)) {
        if (wanted(operation)) rows.push(...rowsOf(operation, results, names));
      }
    }
    return rows;
  } finally {
    for (const target of started) await target.stop();
  }
}
