/** The canonical form of encryption contexts: one per context, in whatever order it is given. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalContext } from '../../src/keys/encryption-context.js';

const seed = Number(process.env.SEED ?? 1 + (Date.now() % 1_000_000_000));
console.log(`seed ${seed} (repeat with SEED=${seed})`);
const settings = { seed, numRuns: 500 };

const word = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 6 }),
  fc.string({ unit: fc.constantFrom('a', 'b', '\0', 'é', '\u{10000}', '\uffff'), maxLength: 3 }),
);
const contexts = fc.dictionary(word, word, { maxKeys: 5, noNullPrototype: true });
const fromPairs = (pairs: [string, string][]) => Object.fromEntries(pairs);

/** The form, told in another way: by UTF-8 encoding of the parts. */
function expected(context: Record<string, string>): Buffer {
  const parts = Object.keys(context)
    .sort()
    .flatMap((name) => [name, context[name]!])
    .flatMap((text) => {
      const bytes = Buffer.from(text);
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return [length, bytes];
    });
  return Buffer.concat(parts);
}

describe('canonicalContext', () => {
  test('is fixed', () => {
    expect(canonicalContext({ b: '2', a: 'é' }).toString('hex')).toBe(
      '0000000161' + '00000002c3a9' + '0000000162' + '0000000132',
    );
    expect(canonicalContext({ a: '' }).toString('hex')).toBe('0000000161' + '00000000');
  });

  test('of an empty context is that of none', () => {
    expect(canonicalContext({})).toHaveLength(0);
    expect(canonicalContext(undefined)).toHaveLength(0);
  });

  test('does not depend on the order of pairs', () => {
    fc.assert(
      fc.property(contexts, (context) => {
        const bytes = canonicalContext(context);
        const reversed = fromPairs(Object.entries(context).reverse());
        expect(canonicalContext(reversed)).toEqual(bytes);
        expect(bytes).toEqual(expected(context));
      }),
      settings,
    );
  });

  test('differs whenever contexts differ', () => {
    fc.assert(
      fc.property(contexts, contexts, (a, b) => {
        const sort = (c: Record<string, string>) => JSON.stringify(Object.entries(c).sort());
        expect(canonicalContext(a).equals(canonicalContext(b))).toBe(sort(a) === sort(b));
      }),
      settings,
    );
  });

  test('tells apart how the same characters are split', () => {
    const splits = [
      { ab: 'cd' },
      { a: 'bcd' },
      { abc: 'd' },
      { abcd: '' },
      { '': 'abcd' },
      { a: 'b', c: 'd' },
      { 'a\0\0\0\u0001b': 'cd' },
    ];
    const forms = splits.map((context) => canonicalContext(context).toString('hex'));
    expect(new Set(forms).size).toBe(splits.length);
  });

  test('takes 8192 characters and not one more', () => {
    expect(canonicalContext({ a: 'x'.repeat(8191) })).toHaveLength(8 + 8192);
    for (const context of [{ a: 'x'.repeat(8192) }, { a: 'x'.repeat(4096), b: 'y'.repeat(4095) }]) {
      expect(() => canonicalContext(context)).toThrow(
        expect.objectContaining({
          code: 'ValidationException',
          message:
            "1 validation error detected: Value at 'encryptionContext' failed to satisfy " +
            'constraint: Member must have length less than or equal to 8192',
        }),
      );
    }
  });

  test('refuses lone surrogates, which have no UTF-8 form', () => {
    for (const text of ['\ud800', '\udc00', 'a\ud800b', '\udc00\ud800']) {
      for (const context of [{ [text]: 'v' }, { n: text }]) {
        expect(() => canonicalContext(context)).toThrow(
          expect.objectContaining({ code: 'ValidationException' }),
        );
      }
    }
    expect(canonicalContext({ n: '\u{1f600}' })).toHaveLength(4 + 1 + 4 + 4);
  });

  test('takes the name __proto__ like any other', () => {
    const context = JSON.parse('{"__proto__":"x"}');
    expect(canonicalContext(context).toString('latin1')).toContain('__proto__');
  });
});
