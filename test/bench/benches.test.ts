/** Every bench of the engine runs with tiny inputs, so that it does not rot. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import type { BenchRow } from '../../bench/harness.js';
import { nativeMissing } from '../engine/support.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

function run(name: string): BenchRow[] {
  const script = `dist-bench/bench/${name}/main.js`;
  const output = execFileSync('node', [script, '--small', '--json'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 24,
  });
  return output
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
    const ours = stdout.split('\n').filter((l) => /^bench\/(harness|engine|pool)/.test(l));
    expect(ours).toEqual([]);
  }
});

describe('benches, small', () => {
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
    }
  });

  test('pool', () => {
    const rows = run('pool');
    expect(new Set(rows.map((row) => row.op))).toEqual(new Set(['encrypt', 'mixed']));
    for (const row of rows) expect(row.ops_per_s).toBeGreaterThan(0);
  });
});
