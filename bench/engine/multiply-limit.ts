/**
 * The multiply limit: how many cycles an operation would take if its multiply instructions filled
 * every cycle and all else were free.
 *
 * The numbers of instructions are in multiply-counts.txt, counted in the kernels themselves
 * (native/src/multiply_counts.rs): vpmadd52 on 512 bits for the class ifma, FMA on 256 bits for
 * avx2. How many a core starts per cycle is the table below: two for both classes (Intel's server
 * cores on ports 0 and 5, or 0 and 1; Zen 3 and Zen 5 likewise), but one where a 512-bit instruction
 * takes both halves of the unit (Zen 4). Intel's client cores with AVX-512 lack the second 512-bit
 * multiplier: there the printed fraction is half the true one.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../harness.js';

export type VectorClass = 'ifma' | 'avx2';

const PER_CYCLE: Readonly<Record<VectorClass, number>> = { ifma: 2, avx2: 2 };
/** AMD family 25 is Zen 3 and Zen 4; of the two only Zen 4 has 512-bit vectors. */
const ZEN_4 = { vendor: 'AuthenticAMD', family: '25', ifmaPerCycle: 1 };

export const isVectorClass = (name: string): name is VectorClass =>
  name === 'ifma' || name === 'avx2';

function cpuField(cpuinfo: string, name: string): string | undefined {
  return new RegExp(`^${name}\\s*: (.*)$`, 'm').exec(cpuinfo)?.[1];
}

/** Multiply instructions that this CPU starts per cycle. */
export function multipliesPerCycle(cpuClass: VectorClass): number {
  let cpuinfo = '';
  try {
    cpuinfo = readFileSync('/proc/cpuinfo', 'utf8');
  } catch {
    // Not Linux: the class's number.
  }
  const isZen4 =
    cpuField(cpuinfo, 'vendor_id') === ZEN_4.vendor &&
    cpuField(cpuinfo, 'cpu family') === ZEN_4.family;
  return cpuClass === 'ifma' && isZen4 ? ZEN_4.ifmaPerCycle : PER_CYCLE[cpuClass];
}

/** The counts of one class: by operation, jobs of the batch and multiply instructions per job. */
export type MultiplyCounts = ReadonlyMap<string, ReadonlyMap<number, number>>;

export function multiplyCounts(cpuClass: VectorClass): MultiplyCounts {
  const file = join(repository(), 'bench', 'engine', 'multiply-counts.txt');
  const counts = new Map<string, Map<number, number>>();
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const [name, operation, jobs, number] = line.split(' ');
    if (name !== cpuClass) continue;
    const byJobs = counts.get(operation!) ?? new Map<number, number>();
    counts.set(operation!, byJobs.set(Number(jobs), Number(number)));
  }
  return counts;
}

/**
 * Multiply instructions of one operation in a batch of `batch` jobs: those of the largest counted
 * batch of which `batch` is a multiple. Undefined where the kernels do not run (single jobs go to
 * AWS-LC), or do not multiply.
 */
export function multipliesOf(
  counts: MultiplyCounts,
  operation: string,
  batch: number,
): number | undefined {
  const byJobs = [...(counts.get(operation) ?? [])].sort(([a], [b]) => b - a);
  return byJobs.find(([jobs]) => batch % jobs === 0)?.[1];
}
