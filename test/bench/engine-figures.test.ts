/** What bench engine makes of its measurements: targets, the multiply limit, disturbed rounds. */
import { describe, expect, test } from 'vitest';
import { CoreProbe } from '../../bench/engine/core-probe.js';
import { multipliesOf, multiplyCounts } from '../../bench/engine/multiply-limit.js';
import { summary, TARGETS, withTarget } from '../../bench/engine/targets.js';
import { type BenchRow, textTable } from '../../bench/harness.js';

const row = (op: string, ratio: number, batch = 64): BenchRow => {
  return { bench: 'engine', op, backend: 'native', batch, ratio };
};

describe('targets', () => {
  test('a row at batch 64 is met or missed by its class, others are left alone', () => {
    expect(withTarget(row('p384-sign', 40), 'ifma')).toMatchObject({ at_least: 45, met: false });
    expect(withTarget(row('p384-sign', 40), 'avx2')).toMatchObject({ at_least: 35, met: true });
    expect(withTarget(row('p384-sign', 35), 'avx2').met).toBe(true);
    for (const other of [
      withTarget(row('p384-sign', 40, 8), 'ifma'),
      withTarget(row('p384-sign', 40), 'generic'),
      withTarget(row('random-32', 40), 'ifma'),
      withTarget({ ...row('p384-sign', 40), backend: 'noble' }, 'ifma'),
    ]) {
      expect(other.met).toBeUndefined();
    }
  });

  test('the summary lists every target of the class', () => {
    const rows = [row('rsa2048-sign', 3.7), row('p521-ecdh', 1), row('hmac256-64', 20)];
    const text = summary(
      rows.map((one) => withTarget(one, 'ifma')),
      'ifma',
    );
    expect(text).toContain('2 of 3 measured rows met');
    expect(text).toMatch(/^rsa2048-sign +3.7x +3.6x +4x {2}met$/m);
    expect(text).toMatch(/^p521-ecdh +1x +45x +60x {2}MISSED$/m);
    expect(text).toMatch(/^hmac256-64 +20x +10x +20x {2}met, and the aim$/m);
    expect(text.match(/not measured/g)).toHaveLength(Object.keys(TARGETS).length - 3);
    expect(summary(rows, 'generic')).toContain('no targets');
  });

  test('what is hoped for is no less than what is asked for', () => {
    for (const byClass of Object.values(TARGETS)) {
      for (const [atLeast, aim] of Object.values(byClass)) expect(aim).toBeGreaterThan(atLeast);
    }
  });
});

describe('multiply limit', () => {
  test('a batch has the count of the largest counted one that divides it', () => {
    const counts = new Map([
      [
        'p256-sign',
        new Map([
          [8, 100],
          [64, 60],
        ]),
      ],
    ]);
    expect(multipliesOf(counts, 'p256-sign', 64)).toBe(60);
    expect(multipliesOf(counts, 'p256-sign', 512)).toBe(60);
    expect(multipliesOf(counts, 'p256-sign', 24)).toBe(100);
    expect(multipliesOf(counts, 'p256-sign', 1)).toBeUndefined();
    expect(multipliesOf(counts, 'hmac256-64', 64)).toBeUndefined();
  });

  test('both classes have counts of every target that multiplies', () => {
    const ops = Object.keys(TARGETS).filter((op) => !/^(aes|hmac)/.test(op));
    for (const name of ['ifma', 'avx2'] as const) {
      expect([...multiplyCounts(name).keys()].toSorted()).toEqual(ops.toSorted());
    }
  });

  test('the counts of RSA are those of its shapes', () => {
    // Almost Montgomery over n digits, vpmadd52: 4n^2 a product, n(n + 1) + 2n^2 a squaring.
    const [product, squaring] = [(n: number) => 4 * n * n, (n: number) => n * (n + 1) + 2 * n * n];
    const counts = multiplyCounts('ifma');
    for (const [op, n] of [
      ['rsa2048-verify', 40],
      ['rsa3072-verify', 60],
      ['rsa4096-verify', 80],
    ] as const) {
      // Into Montgomery form, 16 squarings, one product: e = 65537.
      const all = 2 * product(n) + 16 * squaring(n);
      expect(counts.get(op)?.get(8)).toBe(all / 8);
    }
  });
});

describe('core probe', () => {
  test('a core has a frequency, and a round beside a slow probe is disturbed', () => {
    const probe = new CoreProbe();
    const now = probe.look();
    expect(now.mhz).toBeGreaterThan(100);
    expect(now.mhz).toBeLessThan(10_000);
    const slow = { ...now, throughputUs: now.throughputUs * 10 };
    expect(probe.isDisturbed(now, now, 1e6)).toBe(false);
    expect(probe.isDisturbed(now, slow, 2)).toBe(true);
    expect(probe.isDisturbed(slow, now, 2)).toBe(true);
  });
});

test('tables put numbers to the right', () => {
  const text = textTable(
    ['op', 'n'],
    [
      ['a', '10'],
      ['long', '5'],
    ],
    new Set(['op']),
  );
  expect(text).toBe('op     n\n----  --\na     10\nlong   5');
});
