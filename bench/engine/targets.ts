/**
 * What the engine is to reach: ratios to node:crypto on one core, at batch 64, by class of CPU, and
 * the comparison of a run with them.
 */
import { type BenchRow, textTable } from '../harness.js';
import { isVectorClass, type VectorClass } from './multiply-limit.js';

/** The batch that the figures are for. */
export const TARGET_BATCH = 64;

type Figures = readonly [atLeast: number, aim: number];
type Row = Readonly<Record<VectorClass, Figures>>;

const row = (ifma: Figures, avx2: Figures): Row => ({ ifma, avx2 });

export const TARGETS: Readonly<Record<string, Row>> = {
  'rsa2048-sign': row([3.6, 4.0], [1.7, 2.3]),
  'rsa3072-sign': row([5, 6.5], [1.7, 2.4]),
  'rsa4096-sign': row([5.5, 6.8], [1.8, 2.4]),
  'rsa2048-verify': row([4.5, 5.5], [2.6, 3.3]),
  'rsa3072-verify': row([4, 5], [2.0, 2.7]),
  'rsa4096-verify': row([3.8, 4.6], [1.8, 2.5]),
  'rsa2048-keygen': row([8, 20], [8, 14]),
  'p256-sign': row([8, 13], [5, 7]),
  'p256-verify': row([4.5, 7], [2.3, 3]),
  'p256-ecdh': row([9, 12], [3.3, 4.2]),
  'p384-sign': row([45, 80], [35, 60]),
  'p384-verify': row([9, 15], [7, 11]),
  'p384-ecdh': row([20, 30], [13, 19]),
  'p521-sign': row([70, 120], [45, 85]),
  'p521-verify': row([16, 22], [9, 14]),
  'p521-ecdh': row([45, 60], [18, 28]),
  'secp256k1-sign': row([60, 120], [45, 75]),
  'secp256k1-verify': row([25, 45], [14, 22]),
  'ed25519-sign': row([11, 14], [6.5, 9]),
  'ed25519-verify': row([10, 13], [4, 5.8]),
  'aes256gcm-kdf-32': row([20, 40], [50, 100]),
  'hmac256-64': row([10, 20], [25, 45]),
};

/** The row with what it is to reach, where there is such a figure for it. */
export function withTarget(measured: BenchRow, cpuClass: string): BenchRow {
  const { op, backend, batch, ratio } = measured;
  const target = TARGETS[op];
  const counts = backend === 'native' && batch === TARGET_BATCH && ratio !== undefined;
  if (!counts || target === undefined || !isVectorClass(cpuClass)) return measured;
  const [at_least, aim] = target[cpuClass];
  return { ...measured, at_least, aim, met: ratio >= at_least };
}

/** Every target of the class beside what was measured, and how many were met. */
export function summary(rows: readonly BenchRow[], cpuClass: string): string {
  if (!isVectorClass(cpuClass)) return `The class ${cpuClass} has no targets.`;
  const measured = new Map(
    rows.filter(({ met }) => met !== undefined).map((measuredRow) => [measuredRow.op, measuredRow]),
  );
  const lines = Object.entries(TARGETS).map(([op, target]) => {
    const [atLeast, aim] = target[cpuClass];
    const found = measured.get(op);
    if (found === undefined) return [op, '', `${atLeast}x`, `${aim}x`, 'not measured'];
    const verdict = !found.met ? 'MISSED' : found.ratio! >= aim ? 'met, and the aim' : 'met';
    return [op, `${found.ratio}x`, `${atLeast}x`, `${aim}x`, verdict];
  });
  const met = [...measured.values()].filter((found) => found.met).length;
  const head = ['op', 'ratio', 'at least', 'aim', 'verdict'];
  const title = `Batch ${TARGET_BATCH} against node:crypto, class ${cpuClass}: ${met} of ${measured.size} measured rows met.`;
  return `${title}\n\n${textTable(head, lines, new Set(['op', 'verdict']))}`;
}
