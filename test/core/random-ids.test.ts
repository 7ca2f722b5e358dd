import { expect, it } from 'vitest';
import { randomId } from '../../src/core/random-ids.js';

it('random ids are UUIDs of version 4, none twice, every random bit set in some and clear in some', () => {
  const count = 4_000;
  const seen = new Set<string>();
  let [ones, zeros] = [0n, 0n];
  for (let i = 0; i < count; i++) {
    const id = randomId();
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    seen.add(id);
    const bits = BigInt(`0x${id.replaceAll('-', '')}`);
    ones |= bits;
    zeros |= ~bits;
  }
  expect(seen.size).toBe(count);
  const all = (1n << 128n) - 1n;
  // Version 0100 and variant 10: the only bits that never change.
  const fixedOnes = (1n << 78n) | (1n << 63n);
  const fixedZeros = (0b1011n << 76n) | (1n << 62n);
  expect(ones & all).toBe(all & ~fixedZeros);
  expect(zeros & all).toBe(all & ~fixedOnes);
});
