/**
 * From how many jobs a batch on eight lanes is faster than AWS-LC's single operations, on this CPU.
 *
 * The addon has constants for each class of CPU. A started engine with a pool measures its own, once:
 * row after row in a worker, after it is ready and while it is idle, for 300 ms at most; and keeps
 * what it found in a file, which counts for one CPU and one version of the addon. A file that is
 * damaged, or from elsewhere, is as none.
 *
 * KEYSTREL_BREAK_EVEN overrides: `constants` measures and reads nothing, `measure` measures afresh,
 * and rows as `p256-sign=4,rsa2048-private=3/2` stand as given (jobs from which any are batched, and
 * after `/` those left over from whole groups of eight; `never` in place of a number).
 */
import {
  closeSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import type { EngineReport } from './port.js';

export interface BreakEven {
  readonly name: string;
  /** Jobs from which any are batched, 1 to 64; 0 where none ever are. */
  readonly first: number;
  /** Jobs left over after whole groups of eight from which these are too, 1 to 9. */
  readonly further: number;
}

/** What a backend with batches offers. */
export interface BreakEvenControl {
  /** CPU, class and version that the numbers count for. */
  readonly identity: string;
  /** What counts now; no rows where nothing is batched. */
  rows(): readonly BreakEven[];
  /** False, and nothing changes, where name or numbers are out of their bounds. */
  set(row: BreakEven): boolean;
  /** Measures a row and sets it; undefined where that failed. Takes up to tens of milliseconds. */
  measure(name: string): BreakEven | undefined;
}

/** A row measured elsewhere, and how long that took, ms. */
export interface Measured {
  readonly row: BreakEven | undefined;
  readonly ms: number;
}

export interface BreakEvenOptions {
  /** Where the file is; undefined = no file is read or written, and nothing is measured. */
  readonly directory: string | undefined;
  /** Measure what no file tells. */
  readonly measures: boolean;
  /** KEYSTREL_BREAK_EVEN. */
  readonly variable?: string | undefined;
}

type Source = EngineReport['breakEvens'][number]['source'];

/** Longest file that is read, bytes; what is written takes less than 2 KiB. */
const FILE_BYTES_MAX = 16_384;
/** Most time that a start spends on measuring, ms. */
const BUDGET_MS = 300;
/** Measuring begins so long after the engine is ready, and waits so long for an idle moment, ms. */
const SETTLE_MS = 250;
const LOOK_AGAIN_MS = 20;
const BUSY_MAX_MS = 30_000;

/** The cache directory of this user, for engines without a data directory (XDG Base Directory). */
export function userCacheDirectory(env: Readonly<NodeJS.ProcessEnv> = process.env): string {
  const base = env.XDG_CACHE_HOME;
  // The specification wants relative paths ignored.
  const absolute = base?.startsWith('/') === true ? base : join(homedir(), '.cache');
  return join(absolute, 'keystrel');
}

function fileIn(directory: string): string {
  return join(directory, 'break-even.json');
}

function isRow(value: unknown): value is readonly [number, number] {
  return (
    Array.isArray(value) &&
    value.length === 2 &&
    Number.isInteger(value[0]) &&
    Number.isInteger(value[1]) &&
    value[0] >= 0 &&
    value[0] <= 64 &&
    value[1] >= 1 &&
    value[1] <= 9
  );
}

/** The text of a file, undefined where there is none or it is longer than any of ours. */
function boundedText(path: string): string | undefined {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    return undefined;
  }
  try {
    const buffer = Buffer.alloc(FILE_BYTES_MAX + 1);
    const length = readSync(file, buffer, 0, buffer.length, 0);
    return length > FILE_BYTES_MAX ? undefined : buffer.toString('utf8', 0, length);
  } catch {
    return undefined;
  } finally {
    closeSync(file);
  }
}

/**
 * Reads the rows of a file; undefined where there is none, or anything is wrong with it, or it is of
 * another CPU or version. Rows that are not among `names` make it a foreign one.
 */
export function readBreakEvens(
  directory: string,
  identity: string,
  names: ReadonlySet<string>,
): readonly BreakEven[] | undefined {
  const text = boundedText(fileIn(directory));
  if (text === undefined) return undefined;
  let content: { identity?: unknown; rows?: unknown } | null;
  try {
    content = JSON.parse(text) as typeof content;
  } catch {
    return undefined;
  }
  if (content === null || typeof content !== 'object' || content.identity !== identity) {
    return undefined;
  }
  if (content.rows === null || typeof content.rows !== 'object') return undefined;
  const rows: BreakEven[] = [];
  for (const [name, numbers] of Object.entries(content.rows)) {
    if (!names.has(name) || !isRow(numbers)) return undefined;
    rows.push({ name, first: numbers[0], further: numbers[1] });
  }
  return rows;
}

/** Replaces the file. A directory that cannot be written costs a measurement at the next start. */
export function writeBreakEvens(
  directory: string,
  identity: string,
  rows: readonly BreakEven[],
): boolean {
  const file = fileIn(directory);
  const fresh = `${file}.${process.pid}`;
  const content = {
    identity,
    rows: Object.fromEntries(rows.map(({ name, first, further }) => [name, [first, further]])),
  };
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(fresh, `${JSON.stringify(content, undefined, 1)}\n`, { mode: 0o600 });
    renameSync(fresh, file);
    return true;
  } catch {
    rmSync(fresh, { force: true });
    return false;
  }
}

interface Override {
  readonly mode: 'auto' | 'constants' | 'measure';
  readonly rows: readonly BreakEven[];
}

/** @throws Error naming what is wrong with KEYSTREL_BREAK_EVEN */
function overrideOf(text: string): Override {
  if (text === '' || text === 'auto') return { mode: 'auto', rows: [] };
  if (text === 'constants' || text === 'measure') return { mode: text, rows: [] };
  const rows = text.split(',').map((part) => {
    const match = /^([a-z0-9-]{1,32})=(never|\d{1,2})(?:\/(never|\d))?$/.exec(part);
    if (match === null) throw new Error(`KEYSTREL_BREAK_EVEN: ${part} is not ROW=JOBS/JOBS`);
    const [, name, first, further] = match as unknown as [string, string, string, string?];
    return {
      name,
      first: first === 'never' ? 0 : Number(first),
      further: further === undefined ? 1 : further === 'never' ? 9 : Number(further),
    };
  });
  return { mode: 'auto', rows };
}

/** The numbers of one engine: where each came from, and what is still to be measured. */
export class BreakEvenBook {
  readonly #control: BreakEvenControl | undefined;
  readonly #directory: string | undefined;
  readonly #sources = new Map<string, Source>();
  #pending: string[] = [];
  #closed = false;

  /**
   * Applies the variable and the file.
   * @throws Error naming what is wrong with KEYSTREL_BREAK_EVEN
   */
  constructor(control: BreakEvenControl | undefined, options: BreakEvenOptions) {
    const override = overrideOf(options.variable ?? '');
    this.#control = control;
    this.#directory = options.directory;
    const names = new Set(control?.rows().map(({ name }) => name));
    if (control === undefined || names.size === 0) return;
    for (const row of override.rows) this.#force(control, row);
    if (override.mode === 'constants' || options.directory === undefined) return;
    const known =
      override.mode === 'measure' || readBreakEvens(options.directory, control.identity, names);
    for (const row of known === true ? [] : (known ?? [])) {
      if (!this.#sources.has(row.name) && control.set(row)) this.#sources.set(row.name, 'file');
    }
    if (!options.measures) return;
    this.#pending = [...names].filter((name) => !this.#sources.has(name));
  }

  #force(control: BreakEvenControl, row: BreakEven): void {
    if (!control.set(row)) {
      throw new Error(`KEYSTREL_BREAK_EVEN: no row ${row.name}, or its numbers are out of bounds`);
    }
    this.#sources.set(row.name, 'KEYSTREL_BREAK_EVEN');
  }

  /** Rows that are to be measured. */
  get pending(): readonly string[] {
    return this.#pending;
  }

  /**
   * Measures what is pending, in idle moments, and writes the file. What does not fit into the time
   * is left to the next start.
   * @param measure Measures and sets a row in a worker; what it rejects with ends the measuring.
   */
  async measure(
    measure: (name: string) => Promise<Measured>,
    isBusy: () => boolean,
    waits = { settleMs: SETTLE_MS, lookAgainMs: LOOK_AGAIN_MS },
  ): Promise<void> {
    const control = this.#control;
    if (control === undefined || this.#pending.length === 0) return;
    await this.#wait(waits.settleMs);
    let spentMs = 0;
    let busyMs = 0;
    const failed: string[] = [];
    try {
      while (this.#pending.length > 0 && spentMs < BUDGET_MS && !this.#closed) {
        if (isBusy() && busyMs < BUSY_MAX_MS) {
          busyMs += waits.lookAgainMs;
          await this.#wait(waits.lookAgainMs);
          continue;
        }
        const name = this.#pending.shift()!;
        const { row, ms } = await measure(name);
        spentMs += ms;
        if (row === undefined) failed.push(name);
        else this.#sources.set(name, 'measured');
      }
    } catch {
      // The worker died, or the pool closes: constants stand for what is left.
    }
    this.#pending.push(...failed);
    const known = control.rows().filter(({ name }) => {
      const source = this.#sources.get(name);
      return source === 'measured' || source === 'file';
    });
    if (this.#directory !== undefined && known.length > 0) {
      writeBreakEvens(this.#directory, control.identity, known);
    }
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      setTimeout(resolve, ms).unref();
    });
  }

  /** Measures no further row. */
  close(): void {
    this.#closed = true;
  }

  report(): EngineReport['breakEvens'] {
    return (this.#control?.rows() ?? []).map((row) => ({
      ...row,
      source: this.#sources.get(row.name) ?? 'constant',
    }));
  }
}
