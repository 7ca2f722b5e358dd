/**
 * bench engine --estimate: what llvm-mca says of the compiled kernels on CPUs of the class that is not
 * at hand. Estimates, never measurements.
 *
 * The kernels' basic blocks come from the addon's machine code (objdump). For each block that is full
 * of multiply instructions llvm-mca tells the cycles that it takes when repeated, as its model of the
 * CPU has it; from them, the cycles per multiply instruction: of an RSA kernel, in its busiest loop;
 * of the curves, over all their large blocks. An operation's cycles are these times its multiply
 * instructions (multiply-counts.txt), times what a kernel with a known figure of real hardware takes
 * beyond the model's word. Left out is what stands outside such blocks: quotient chains of RSA, table
 * reads, hashing; so the estimate is on the low side.
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { repository, textTable } from '../harness.js';
import { type MultiplyCounts, multiplyCounts, type VectorClass } from './multiply-limit.js';
import { TARGET_BATCH, TARGETS } from './targets.js';

interface Block {
  readonly symbol: string;
  readonly instructions: readonly string[];
  readonly multiplies: number;
  readonly isLoop: boolean;
}

interface ClassRow {
  /** In the names of the kernels' functions. */
  readonly register: RegExp;
  readonly multiply: RegExp;
  /** Models of llvm-mca; those that this version lacks are left out, and named. */
  readonly models: readonly string[];
  /** Limbs of half a modulus and of a modulus, for RSA-2048, 3072 and 4096. */
  readonly limbs: Readonly<Record<string, readonly [number, number]>>;
  /** A kernel with a figure of hardware, in cycles, and where that comes from. */
  readonly calibration: {
    readonly cycles: number;
    readonly source: string;
    find(blocks: readonly Block[]): readonly string[] | undefined;
  };
}

/** Four independent products of the class avx2, as vec/quad.rs has them. */
const FMA_PRODUCTS = Array.from({ length: 4 }, (_, i) => {
  const [high, low, column, next] = [i, 4 + i, 8 + i, 8 + ((i + 1) % 4)];
  return [
    `vmovapd %ymm15,%ymm${high}`,
    `vfmadd231pd %ymm12,%ymm13,%ymm${high}`,
    `vsubpd %ymm${high},%ymm14,%ymm${low}`,
    `vpaddq %ymm${high},%ymm${next},%ymm${next}`,
    `vfmadd231pd %ymm12,%ymm13,%ymm${low}`,
    `vpaddq %ymm${low},%ymm${column},%ymm${column}`,
  ];
}).flat();

const CLASSES: Readonly<Record<VectorClass, ClassRow>> = {
  ifma: {
    register: /::Ifma\b/,
    multiply: /^vpmadd52/,
    models: ['icelake-server', 'sapphirerapids', 'znver4'],
    limbs: { rsa2048: [20, 40], rsa3072: [30, 60], rsa4096: [40, 80] },
    calibration: {
      cycles: 86,
      source: 'chain of squarings modulo the prime of P-256, 60 vpmadd52 each, on a Xeon with IFMA',
      find: (blocks) => blocks.find((b) => b.isLoop && b.multiplies === 60)?.instructions,
    },
  },
  avx2: {
    register: /::(Avx2|Quad)\b/,
    multiply: /^vfmadd/,
    models: ['znver3', 'skylake-avx512'],
    limbs: { rsa2048: [21, 42], rsa3072: [32, 63], rsa4096: [42, 81] },
    calibration: {
      cycles: 6,
      source: 'four independent FMA products, 1.5 cycles each, measured on Zen 3',
      find: () => FMA_PRODUCTS,
    },
  },
};

/** Blocks with fewer multiply instructions than this tell more of what is around them. */
const CURVE_BLOCK_MIN = 100;
const ITERATIONS = 50;
const GHZ = 3;

function run(program: string, args: readonly string[], input = ''): string {
  return execFileSync(program, args, {
    encoding: 'utf8',
    input,
    maxBuffer: 1 << 28,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

/** Splits a function where jumps end and arrive. */
function blocksOf(symbol: string, lines: readonly string[], multiply: RegExp): Block[] {
  const code = lines.flatMap((line) => {
    const match = /^\s+([0-9a-f]+):\t([^#<]+)/.exec(line);
    return match === null ? [] : [{ at: match[1]!, text: match[2]!.trim() }];
  });
  const target = (text: string) => /^j\w+\s+([0-9a-f]+)/.exec(text)?.[1];
  const targets = new Set(code.map(({ text }) => target(text)));
  const blocks: Block[] = [];
  let current: typeof code = [];
  const end = () => {
    const first = current[0];
    if (first === undefined) return;
    const last = current.at(-1)!;
    const instructions = current
      .map(({ text }) => text)
      .filter((text) => !/^(j|call|ret|nop|data16|cs |xchg|endbr)/.test(text));
    const multiplies = instructions.filter((text) => multiply.test(text)).length;
    blocks.push({ symbol, instructions, multiplies, isLoop: target(last.text) === first.at });
    current = [];
  };
  for (const one of code) {
    if (targets.has(one.at)) end();
    current.push(one);
    if (/^(j|ret)/.test(one.text)) end();
  }
  end();
  return blocks.filter(({ multiplies }) => multiplies > 0);
}

function kernelBlocks(row: ClassRow): Block[] {
  const addon = join(repository(), 'native', 'keystrel.node');
  const text = run('objdump', ['-d', '--no-show-raw-insn', '-C', addon]);
  return text.split(/\n\n+/).flatMap((part) => {
    const [head, ...lines] = part.trimStart().split('\n');
    const symbol = /^[0-9a-f]+ <(.*)>:$/.exec(head!)?.[1];
    if (symbol === undefined || !row.register.test(symbol)) return [];
    return blocksOf(symbol, lines, row.multiply);
  });
}

/** Cycles of a block when repeated, or undefined where the model does not know an instruction. */
function cyclesOf(model: string, instructions: readonly string[]): number | undefined {
  try {
    const args = ['-mtriple=x86_64', `-mcpu=${model}`, `-iterations=${ITERATIONS}`];
    const text = run('llvm-mca', args, `${instructions.join('\n')}\n`);
    return Number(/^Total Cycles:\s+(\d+)/m.exec(text)?.[1]) / ITERATIONS;
  } catch {
    return undefined;
  }
}

/** Cycles per multiply instruction over blocks, all of equal weight per instruction. */
function cyclesPerMultiply(model: string, blocks: readonly Block[]): number | undefined {
  let cycles = 0;
  let multiplies = 0;
  for (const block of blocks) {
    const found = cyclesOf(model, block.instructions);
    if (found === undefined) continue;
    cycles += found;
    multiplies += block.multiplies;
  }
  return multiplies === 0 ? undefined : cycles / multiplies;
}

/** The blocks that stand for an operation. */
function blocksFor(row: ClassRow, op: string, blocks: readonly Block[]): Block[] {
  const limbs = row.limbs[op.split('-')[0]!];
  if (limbs === undefined) {
    return blocks.filter(
      (b) => b.symbol.includes('enter::compiled') && b.multiplies >= CURVE_BLOCK_MIN,
    );
  }
  const number = limbs[op.endsWith('-verify') ? 1 : 0];
  const own = blocks.filter(
    (b) => b.symbol.includes(`Montgomery<${number}_usize>`) && b.symbol.endsWith('::square'),
  );
  const busiest = Math.max(...own.filter((b) => b.isLoop).map((b) => b.multiplies));
  return own.filter((b) => b.isLoop && b.multiplies === busiest);
}

function estimatesOf(
  row: ClassRow,
  model: string,
  blocks: readonly Block[],
  counts: MultiplyCounts,
): string {
  const kernel = row.calibration.find(blocks);
  const modelled = kernel === undefined ? undefined : cyclesOf(model, kernel);
  if (modelled === undefined) return `${model}: no estimate, the calibration kernel was not found.`;
  const factor = row.calibration.cycles / modelled;
  const known = new Map<string, number | undefined>();
  const lines = [...counts].map(([op, byJobs]) => {
    const chosen = blocksFor(row, op, blocks);
    const name = chosen.map((b) => b.symbol + b.instructions.length).join();
    if (!known.has(name)) known.set(name, cyclesPerMultiply(model, chosen));
    const each = known.get(name);
    const multiplies = byJobs.get(TARGET_BATCH) ?? [...byJobs.values()][0]!;
    if (each === undefined) return [op, String(Math.round(multiplies)), '', ''];
    const cycles = multiplies * each * factor;
    const perSecond = Math.round((GHZ * 1e9) / cycles).toLocaleString('en-US');
    return [
      op,
      ...[multiplies, cycles].map((x) => Math.round(x).toLocaleString('en-US')),
      perSecond,
    ];
  });
  const head = ['op', 'multiplies/op', 'cycles/op', `ops/s at ${GHZ} GHz`];
  const title =
    `ESTIMATE, llvm-mca -mcpu=${model}, times ${factor.toFixed(2)} ` +
    `(${row.calibration.source}: ${row.calibration.cycles} cycles, the model says ${modelled.toFixed(1)})`;
  return `${title}\n\n${textTable(head, lines, new Set(['op']))}`;
}

/** The text that `--estimate` prints. */
export function estimate(atHand: string): string {
  const other: VectorClass = atHand === 'ifma' ? 'avx2' : 'ifma';
  const row = CLASSES[other];
  let known: string;
  try {
    known = run('llvm-mca', ['-mtriple=x86_64', '-mcpu=help'], '\n');
    run('objdump', ['--version']);
  } catch (error) {
    const { code, path, stderr } = error as NodeJS.ErrnoException & { stderr?: string };
    if (code === 'ENOENT') {
      return `No estimates: ${path} is not installed (Debian: apt-get install llvm binutils).`;
    }
    known = stderr ?? '';
  }
  const blocks = kernelBlocks(row);
  const counts = multiplyCounts(other);
  const parts = row.models.map((model) =>
    new RegExp(`^\\s*${model}\\s`, 'm').test(known)
      ? estimatesOf(row, model, blocks, counts)
      : `${model}: no estimate, this llvm-mca does not know the model.`,
  );
  const without = Object.keys(TARGETS).filter((op) => !counts.has(op));
  parts.push(`No estimates for what does not multiply: ${without.join(', ')}.`);
  const native = atHand === 'ifma' ? ' It runs here too: scripts/bench engine --class avx2.' : '';
  return [`The class at hand is ${atHand}, the other one ${other}.${native}`, ...parts].join(
    '\n\n',
  );
}
