/** Heads: what is found once per layout must not differ from what each line says. */
import { describe, expect, it } from 'vitest';
import { BaseRequest, checkHead, HeaderLines, layoutOf } from '../../src/server/transports/head.js';
import { LIMITS } from './rig.js';

class Head extends BaseRequest {}

type Lines = readonly (readonly [name: string, value: string])[];

const linesOf = (lines: Lines) => {
  const names = lines.map(([name]) => name);
  const values = lines.map(([, value]) => value);
  return new HeaderLines(layoutOf(names, names.length), values);
};
const check = (lines: Lines, method = 'POST') => {
  const outcome = checkHead(new Head(method, '/', '', linesOf(lines), false), LIMITS);
  return typeof outcome === 'number' ? outcome : outcome.status;
};

const HOST = ['host', 'kms'] as const;
const length = (value: string) => ['content-length', value] as const;

describe('checkHead', () => {
  it.each<[string, Lines, number]>([
    ['one length', [HOST, length('12')], 12],
    ['two lengths', [HOST, length('12'), length('12')], 400],
    ['a bad length', [HOST, length('1e1')], 400],
    ['an empty length', [HOST, length('')], 400],
    ['too long', [HOST, length('65537')], 413],
    ['no length', [HOST], 411],
    ['no host', [length('12')], 400],
    ['two hosts', [HOST, HOST, length('12')], 400],
    ['chunked', [HOST, ['transfer-encoding', 'chunked']], 411],
    ['length, then chunked', [HOST, length('1'), ['transfer-encoding', 'chunked']], 411],
    ['bad length, then chunked', [HOST, length('x'), ['transfer-encoding', 'chunked']], 400],
    ['chunked, then bad length', [HOST, ['transfer-encoding', 'chunked'], length('x')], 411],
    ['too many lines', [HOST, length('1'), ...(Array(63).fill(['a', '']) as Lines)], 431],
    ['too large', [HOST, length('1'), ['a', 'x'.repeat(16_384)]], 431],
    ['too large, no host', [length('1'), ['a', 'x'.repeat(16_384)]], 431],
  ])('%s', (_name, lines, outcome) => {
    // Twice: the second time, the layout is known.
    expect([check(lines), check(lines)]).toEqual([outcome, outcome]);
  });

  it('looks at the values of each head, however well its layout is known', () => {
    expect(check([HOST, length('3')])).toBe(3);
    expect(check([HOST, length('4')])).toBe(4);
    expect(check([HOST, length('-')])).toBe(400);
    expect(check([HOST, length('5')])).toBe(5);
  });

  it('a request without a body needs no length, a method has to be one', () => {
    expect(check([HOST], 'GET')).toBe(0);
    expect(check([HOST], 'get')).toBe(400);
  });
});

describe('header lines', () => {
  it('join what comes several times, and tell layouts of the same size apart', () => {
    const one = linesOf([HOST, ['ab', '1'], ['cd', '2'], ['ab', '3']]);
    expect([one.get('ab'), one.get('cd'), one.get('host'), one.get('ef')]).toEqual([
      '1,3',
      '2',
      'kms',
      '',
    ]);
    const other = linesOf([HOST, ['cd', '1'], ['ab', '2'], ['ef', '3']]);
    expect([other.get('ab'), other.get('cd'), other.get('ef')]).toEqual(['2', '1', '3']);
    expect(linesOf([HOST, ['ab', '4'], ['cd', '5'], ['ab', '6']]).get('ab')).toBe('4,6');
  });

  it('share the names of a layout', () => {
    const lines = () => linesOf([HOST, length('1'), ['x-shared', '']]);
    expect(lines().names).toBe(lines().names);
  });
});
