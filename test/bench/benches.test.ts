/** Every bench of the engine runs with tiny inputs, so that it does not rot. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import type { BenchRow } from '../../bench/harness.js';
import { hasWrk } from '../../bench/http/wrk.js';
import { nativeMissing } from '../engine/support.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** What a bench prints. */
function output(name: string, ...options: string[]): string {
  return execFileSync('node', [`dist-bench/bench/${name}/main.js`, ...options], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 24,
  });
}

function run(name: string, ...options: string[]): BenchRow[] {
  return output(name, '--small', '--json', ...options)
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as BenchRow);
}

beforeAll(() => {
  // The other benches' types are not this test's matter; what it runs must have been written.
  try {
    execFileSync('npx', ['tsc', '-p', 'bench/tsconfig.json'], { cwd: root, encoding: 'utf8' });
  } catch (error) {
    const { stdout } = error as { stdout: string };
    const ours = stdout.split('\n').filter((l) => /^bench\/(harness|engine|pool|http)/.test(l));
    expect(ours).toEqual([]);
  }
});

describe('benches, small', { timeout: 240_000 }, () => {
  test('engine', (context) => {
    if (nativeMissing !== undefined) return context.skip(nativeMissing);
    const rows = run('engine');
    const encrypt = rows.filter((row) => row.op === 'aes256gcm-kdf-32');
    expect(new Set(encrypt.map((row) => row.backend))).toEqual(
      new Set(['node:crypto', 'native', 'noble']),
    );
    for (const row of rows) {
      expect(row).toMatchObject({ bench: 'engine', cpu: expect.any(String) });
      expect(row.ops_per_s).toBeGreaterThan(0);
      expect(row.cpu_class).toMatch(/^(ifma|avx2|generic)$/);
      expect(row.mhz).toBeGreaterThan(100);
      expect(row.cycles_per_op).toBeGreaterThan(0);
      expect(row.repeats).toBeGreaterThanOrEqual(0);
    }
    const compared = rows.filter((row) => row.met !== undefined);
    for (const { backend, batch, ratio, at_least, met } of compared) {
      expect({ backend, batch }).toEqual({ backend: 'native', batch: 64 });
      expect(met).toBe(ratio! >= at_least!);
    }
    if (rows[0]!.cpu_class !== 'generic') {
      expect(compared.map((row) => row.op)).toContain('hmac256-64');
      const verify = rows.find((row) => row.op === 'rsa2048-verify' && row.batch === 64);
      expect(verify?.multiply_fraction).toBeGreaterThan(0);
      expect(verify?.multiply_fraction).toBeLessThan(1);
    }
  });

  test('engine, the class avx2, with the summary', (context) => {
    if (nativeMissing !== undefined) return context.skip(nativeMissing);
    const rows = run('engine', '--ops', 'hmac256-64');
    if (rows[0]!.cpu_class === 'generic') return context.skip('no vector class on this CPU');
    const text = output('engine', '--small', '--ops', 'hmac256-64', '--class', 'avx2');
    expect(text).toContain('class avx2, node');
    expect(text).toMatch(/^hmac256-64 .* 25x .*(met|MISSED)/m);
    expect(text).toMatch(/^ed25519-sign .* 6.5x .*not measured$/m);
    expect(text).toMatch(/rounds repeated because the core was disturbed/);
  });

  test('engine, estimates for the other class', (context) => {
    if (nativeMissing !== undefined) return context.skip(nativeMissing);
    const text = output('engine', '--estimate');
    expect(text).toMatch(/^ESTIMATE, llvm-mca|^No estimates: /m);
    if (!text.includes('ESTIMATE')) return;
    expect(text).toMatch(/^rsa2048-sign +[\d,]+ +[\d,]+ +[\d,]+$/m);
    expect(text).toMatch(/^p384-ecdh +[\d,]+ +[\d,]+ +[\d,]+$/m);
  });

  test('http, against the server with generic kernels', (context) => {
    if (nativeMissing !== undefined) return context.skip(nativeMissing);
    if (!hasWrk()) return context.skip('wrk is not installed');
    const rows = run('http', '--compare', 'generic', '--specs', 'ECC_NIST_P384');
    const shape = rows.map(({ backend, baseline }) => `${backend} ${baseline ?? ''}`.trim());
    expect(shape).toEqual([
      'engine',
      'keystrel',
      'keystrel',
      'engine generic',
      'keystrel generic',
      'keystrel generic',
    ]);
    for (const row of rows) expect(row.ops_per_s).toBeGreaterThan(0);
    const served = rows[4]!;
    expect(served.met).toBe(served.ratio! >= served.at_least!);
  });

  test('http, every operation against another checkout', (context) => {
    if (!hasWrk()) return context.skip('wrk is not installed');
    const rows = run('http', '--against', root);
    expect(rows.length % 3).toBe(0);
    const ours = rows.filter((row) => row.change !== undefined);
    expect(ours).toHaveLength(rows.length / 3);
    const operations = new Set(ours.map((row) => row.op.split(' ')[0]));
    expect(operations.size).toBe(26);
    for (const { change, met, ratio, cpu_us_per_op } of ours) {
      expect(cpu_us_per_op).toBeGreaterThan(0);
      expect(ratio).toBeGreaterThan(0);
      expect(met).toBe(change! <= 5);
    }
  });

  test('pool', () => {
    const rows = run('pool');
    expect(new Set(rows.map((row) => row.op))).toEqual(new Set(['encrypt', 'mixed']));
    for (const row of rows) expect(row.ops_per_s).toBeGreaterThan(0);
  });
});
