/** Wildcards against a matcher by definition, and in time that is bounded. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { matchesArn, matchesWildcards } from '../../src/policy/wildcards.js';

const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);

/** What the wildcards mean, said as plainly as possible. */
function means(pattern: string, text: string): boolean {
  if (pattern === '') return text === '';
  const [first = '', rest] = [pattern[0], pattern.slice(1)];
  if (first === '*') return means(rest, text) || (text !== '' && means(pattern, text.slice(1)));
  return text !== '' && (first === '?' || first === text[0]) && means(rest, text.slice(1));
}

test(`patterns match what they mean (SEED=${seed})`, () => {
  const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 8 });
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 8 });
  fc.assert(
    fc.property(pattern, text, (p, t) => matchesWildcards(p, t) === means(p, t)),
    { numRuns: 20_000, seed },
  );
});

test('a pattern of many stars does not take for ever', () => {
  expect(matchesWildcards('a*'.repeat(2_000), 'a'.repeat(16_000))).toBe(true);
  expect(matchesWildcards(`${'a*'.repeat(2_000)}b`, 'a'.repeat(16_000))).toBe(false);
});

test('in an ARN a wildcard stays within its part', () => {
  const arn = 'arn:aws:iam::111122223333:user/team/ann';
  expect(matchesArn('arn:aws:iam::111122223333:user/*', arn)).toBe(true);
  expect(matchesArn('arn:*:*:*:*:*', arn)).toBe(true);
  expect(matchesArn('arn:*', arn)).toBe(false);
  expect(matchesArn('*', arn)).toBe(true);
  expect(matchesArn('arn:aws:iam::*', arn)).toBe(false);
  expect(matchesArn('arn:aws:iam::111122223333:user/???', arn)).toBe(false);
  expect(matchesArn('*', 'no arn')).toBe(false);
});
