/**
 * What all benches share: the row, its table on screen or as JSON, and the history in
 * bench/results/<bench>.jsonl (one line per row of a real run, with commit, CPU and flags).
 */
import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadNativeAddon } from '../src/engine/backends/native-addon.js';

export interface BenchRow {
  readonly bench: string;
  readonly op: string;
  readonly backend: string;
  readonly batch?: number;
  readonly ops_per_s?: number;
  readonly cpu_us_per_op?: number;
  /** `cpu_us_per_op` times the core's frequency, measured beside it. */
  readonly cycles_per_op?: number;
  readonly mhz?: number;
  /** Part of the time that the multiply instructions alone would take (bench engine). */
  readonly multiply_fraction?: number;
  readonly p50_us?: number;
  readonly p99_us?: number;
  /** What `ratio` compares with. */
  readonly baseline?: string;
  readonly ratio?: number;
  /** By how much dearer than another checkout, percent: median of the rounds, least and most. */
  readonly change?: number;
  readonly change_range?: readonly [number, number];
  readonly cpu?: string;
  readonly cpu_class?: string;
  /** What else tells this row from others: threads, dispatch mode. */
  readonly variant?: string;
  /** What `ratio` is to reach, and what is hoped for. */
  readonly at_least?: number;
  readonly aim?: number;
  readonly met?: boolean;
  /** Rounds that were measured anew because the core was disturbed. */
  readonly repeats?: number;
}

export interface ReportOptions {
  /** One JSON object per row in place of the table. */
  readonly json: boolean;
  /** Lines below the table. */
  readonly notes?: readonly string[];
  /** Shows the rows instead of `table`. */
  readonly show?: (rows: readonly BenchRow[]) => string;
  /** Append to the history. */
  readonly record: boolean;
}

/** The repository, wherever this file was compiled to. */
export function repository(): string {
  let directory = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(directory, 'package.json'))) directory = dirname(directory);
  return directory;
}

/** Name and class of the CPU at hand; the class is the addon's, `node` without it. */
export function machine(): { readonly cpu: string; readonly cpu_class: string } {
  const loaded = loadNativeAddon('native');
  const info = loaded.addon?.info();
  const cpu = info?.cpu || (cpus()[0]?.model ?? 'unknown');
  return { cpu, cpu_class: info?.cpuClass ?? 'none' };
}

const COLUMNS = [
  'op',
  'backend',
  'variant',
  'batch',
  'ops_per_s',
  'cpu_us_per_op',
  'cycles_per_op',
  'multiply_fraction',
  'p50_us',
  'p99_us',
  'baseline',
  'ratio',
] as const;
const TEXT: ReadonlySet<string> = new Set(['op', 'backend', 'variant', 'baseline']);

function cell(value: string | number | undefined): string {
  if (value === undefined) return '';
  if (typeof value === 'string') return value;
  if (value >= 1000) return Math.round(value).toLocaleString('en-US');
  return String(Number(value.toPrecision(4)));
}

/** Lines of cells below a head; numbers, all that is not in `left`, to the right. */
export function textTable(
  head: readonly string[],
  lines: readonly (readonly string[])[],
  left: ReadonlySet<string>,
): string {
  const widths = head.map((name, i) =>
    Math.max(name.length, ...lines.map((line) => line[i]!.length)),
  );
  const pad = (line: readonly string[]) =>
    line
      .map((text, i) => (left.has(head[i]!) ? text.padEnd(widths[i]!) : text.padStart(widths[i]!)))
      .join('  ')
      .trimEnd();
  const rule = widths.map((width) => '-'.repeat(width)).join('  ');
  return [pad(head), rule, ...lines.map(pad)].join('\n');
}

/** A table of the columns that any row fills. */
export function table(rows: readonly BenchRow[]): string {
  const columns = COLUMNS.filter((name) => rows.some((row) => row[name] !== undefined));
  const lines = rows.map((row) => columns.map((column) => cell(row[column])));
  return textTable(columns, lines, TEXT);
}

function commit(): string {
  try {
    const git = (...args: string[]) =>
      execFileSync('git', args, { cwd: repository(), encoding: 'utf8' }).trim();
    const dirty = git('status', '--porcelain', '--untracked-files=no') === '' ? '' : '+';
    return git('rev-parse', '--short', 'HEAD') + dirty;
  } catch {
    return 'unknown'; // Not a checkout, or no git.
  }
}

/** Prints rows, and appends them to the history where asked to. */
export function report(rows: readonly BenchRow[], options: ReportOptions): void {
  const here = machine();
  const complete = rows.map((row) => ({ ...here, ...row }));
  if (options.json) {
    for (const row of complete) console.log(JSON.stringify(row));
  } else {
    console.log(`${here.cpu}, class ${here.cpu_class}, node ${process.version}\n`);
    console.log((options.show ?? table)(complete));
    for (const note of options.notes ?? []) console.log(`\n${note}`);
  }
  if (!options.record) return;
  const directory = join(repository(), 'bench', 'results');
  mkdirSync(directory, { recursive: true });
  const run = {
    at: new Date().toISOString(),
    commit: commit(),
    node: process.version,
    flags: process.argv.slice(2).join(' '),
    keystrel_cpu: process.env.KEYSTREL_CPU ?? '',
  };
  for (const row of complete) {
    const line = `${JSON.stringify({ ...run, ...row })}\n`;
    appendFileSync(join(directory, `${row.bench}.jsonl`), line);
  }
}

/** The value below which the part `q` of ascending values lies. */
export function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0;
}

/** The middle of an odd number of values; of an even one, the mean of both. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}
