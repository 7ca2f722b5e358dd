/** Inputs: AWS's texts for what is wrong, and the compiled check against the explainer. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BlobInput } from '../../src/core/blob.js';
import { KmsError } from '../../src/core/errors.js';
import { explain } from '../../src/protocol/explain.js';
import { compileInput, compileValue } from '../../src/protocol/input.js';
import {
  blob,
  kmsBoolean,
  kmsEnum,
  kmsInteger,
  kmsList,
  kmsMap,
  kmsString,
  kmsTimestamp,
  structure,
} from '../../src/protocol/schema.js';

const schema = structure(
  {
    KeyId: kmsString({ min: 1, max: 20 }),
    AliasName: kmsString({ min: 1, max: 10, pattern: '^[a-zA-Z0-9:/_-]+$' }),
    Secret: kmsString({ min: 7, sensitive: true }),
    Plaintext: blob({ min: 1, max: 8 }),
    Message: blob({ max: 4 }),
    Algorithm: kmsEnum(['A_1', 'B_2']),
    NumberOfBytes: kmsInteger({ min: 1, max: 1024 }),
    DryRun: kmsBoolean(),
    ValidTo: kmsTimestamp(),
    EncryptionContext: kmsMap(),
    GrantTokens: kmsList(kmsString({ min: 1, max: 4 }), { max: 2 }),
    Tags: kmsList(
      structure(
        { TagKey: kmsString({ min: 1, max: 3 }), TagValue: kmsString() },
        { required: ['TagKey'] },
      ),
    ),
    Recipient: structure({ AttestationDocument: blob({ min: 1, max: 6 }) }),
  },
  { required: ['KeyId'] },
);
const read = compileInput(schema);
const readText = (text: string) => read(Buffer.from(text, 'latin1'));
const readJson = (value: unknown) => read(Buffer.from(JSON.stringify(value)));

function failure(run: () => unknown): { code: string; text: string } {
  try {
    run();
  } catch (error) {
    if (error instanceof KmsError) return { code: error.code, text: error.message };
    throw error;
  }
  throw new Error('nothing was thrown');
}

const VALIDATION = 'ValidationException';
const one = (text: string) => `1 validation error detected: ${text}`;
const must = (text: string) => `failed to satisfy constraint: Member must ${text}`;

describe('constraints', () => {
  it.each<[unknown, string]>([
    [{}, `Value null at 'keyId' ${must('not be null')}`],
    [{ KeyId: null }, `Value null at 'keyId' ${must('not be null')}`],
    [{ KeyId: '' }, `Value '' at 'keyId' ${must('have length greater than or equal to 1')}`],
    [
      { KeyId: 'x'.repeat(21) },
      `Value '${'x'.repeat(21)}' at 'keyId' ${must('have length less than or equal to 20')}`,
    ],
    [
      { KeyId: 'k', AliasName: 'a b' },
      `Value 'a b' at 'aliasName' ${must('satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$')}`,
    ],
    [
      { KeyId: 'k', Algorithm: 'a_1' },
      `Value 'a_1' at 'algorithm' ${must('satisfy enum value set: [A_1, B_2]')}`,
    ],
    [
      { KeyId: 'k', NumberOfBytes: 0 },
      `Value '0' at 'numberOfBytes' ${must('have value greater than or equal to 1')}`,
    ],
    [
      { KeyId: 'k', NumberOfBytes: 1025 },
      `Value '1025' at 'numberOfBytes' ${must('have value less than or equal to 1024')}`,
    ],
    [
      { KeyId: 'k', Plaintext: '' },
      `Value at 'plaintext' ${must('have length greater than or equal to 1')}`,
    ],
    [
      { KeyId: 'k', Plaintext: Buffer.alloc(9).toString('base64') },
      `Value at 'plaintext' ${must('have length less than or equal to 8')}`,
    ],
    [
      { KeyId: 'k', Secret: 'short' },
      `Value at 'secret' ${must('have length greater than or equal to 7')}`,
    ],
    [
      { KeyId: 'k', GrantTokens: ['a', 'b', 'c'] },
      `Value '[a, b, c]' at 'grantTokens' ${must('have length less than or equal to 2')}`,
    ],
    [
      { KeyId: 'k', Tags: [{ TagKey: 'ok' }, { TagKey: 'long' }] },
      `Value 'long' at 'tags.2.member.tagKey' ${must('have length less than or equal to 3')}`,
    ],
    [
      { KeyId: 'k', Tags: [{ TagValue: 'v' }] },
      `Value null at 'tags.1.member.tagKey' ${must('not be null')}`,
    ],
    [
      { KeyId: 'k', Recipient: { AttestationDocument: '' } },
      `Value at 'recipient.attestationDocument' ${must('have length greater than or equal to 1')}`,
    ],
  ])('%j', (input, text) => {
    expect(failure(() => readJson(input))).toEqual({ code: VALIDATION, text: one(text) });
  });

  it('tells all violations in one text', () => {
    const { text } = failure(() => readJson({ KeyId: '', AliasName: '', Algorithm: 'x' }));
    expect(text).toMatch(
      /^4 validation errors detected: Value '' at 'keyId' .*; Value '' at 'aliasName'/,
    );
  });

  it('bounds the number of violations that it tells', () => {
    const Tags = Array.from({ length: 500 }, () => ({}));
    const { text } = failure(() => readJson({ KeyId: 'k', Tags }));
    expect(text).toMatch(/^500 validation errors detected/);
    expect(text.length).toBeLessThan(3_000);
  });

  it('never echoes a blob or a sensitive value', () => {
    const secret = Buffer.from('top secret, and long').toString('base64');
    const { text } = failure(() => readJson({ KeyId: 'k', Plaintext: secret, Secret: 'hush' }));
    expect(text).not.toContain(secret);
    expect(text).not.toContain('hush');
  });

  it('anchors patterns: a line feed at the end does not pass', () => {
    expect(failure(() => readJson({ KeyId: 'k', AliasName: 'ab\n' })).code).toBe(VALIDATION);
  });
});

describe('serialization', () => {
  it.each<[string, unknown, string]>([
    ['number for string', { KeyId: 5 }, 'NUMBER_VALUE cannot be converted to String'],
    ['true for string', { KeyId: true }, 'TRUE_VALUE cannot be converted to String'],
    ['string for integer', { NumberOfBytes: '5' }, 'STRING_VALUE cannot be converted to Integer'],
    ['fraction for integer', { NumberOfBytes: 1.5 }, 'NUMBER_VALUE cannot be converted to Integer'],
    ['string for boolean', { DryRun: 'true' }, 'STRING_VALUE cannot be converted to Boolean'],
    ['string for time', { ValidTo: 'now' }, 'STRING_VALUE cannot be converted to Timestamp'],
    ['string for map', { EncryptionContext: 'a' }, 'STRING_VALUE cannot be converted to Structure'],
    [
      'number in map',
      { EncryptionContext: { a: 1 } },
      'NUMBER_VALUE cannot be converted to String',
    ],
    ['list for string', { KeyId: ['a'] }, 'Start of list found where not expected.'],
    ['object for string', { KeyId: {} }, 'Start of structure or map found where not expected.'],
    ['object for list', { GrantTokens: {} }, 'Start of structure or map found where not expected.'],
    ['list for map', { EncryptionContext: [] }, 'Start of list found where not expected.'],
    ['list for all', [], 'Start of list found where not expected.'],
    ['null for all', null, 'NULL_VALUE cannot be converted to Structure'],
    ['string for all', 'x', 'STRING_VALUE cannot be converted to Structure'],
    ['bad base64', { Plaintext: 'a' }, ''],
    ['URL base64', { Plaintext: '_-8=' }, ''],
    ['base64 without padding', { Plaintext: 'YQ' }, ''],
    ['base64 with blanks', { Plaintext: 'YWJj\n' }, ''],
  ])('%s', (_name, input, text) => {
    expect(failure(() => readJson(input))).toEqual({ code: 'SerializationException', text });
  });

  it('comes before constraints', () => {
    const input = { KeyId: '', NumberOfBytes: 'x' };
    expect(failure(() => readJson(input)).code).toBe('SerializationException');
  });

  it.each([
    '',
    ' ',
    '{',
    '{"KeyId":"k"',
    "{'KeyId':'k'}",
    '{"KeyId":"k",}',
    '\ufeff{}',
    '{}{}',
    'NaN',
    '{"KeyId":"\u0001"}',
  ])('refuses %j without quoting it', (text) => {
    const body = Buffer.from(text);
    expect(failure(() => read(body))).toEqual({ code: 'SerializationException', text: '' });
  });

  it('refuses bytes that are no UTF-8, and takes a real U+FFFD', () => {
    const broken = () => readText('{"KeyId":"a\xffb"}');
    expect(failure(broken)).toEqual({ code: 'SerializationException', text: '' });
    expect(readJson({ KeyId: 'a\ufffdb' }).KeyId).toBe('a\ufffdb');
  });
});

describe('what is accepted', () => {
  it('takes null for absent, at every depth', () => {
    const input = readJson({
      KeyId: 'k',
      Plaintext: null,
      EncryptionContext: { a: null, b: 'c' },
      GrantTokens: [null, 't'],
      Recipient: { AttestationDocument: null },
    });
    expect(input).toEqual({
      KeyId: 'k',
      EncryptionContext: { b: 'c' },
      GrantTokens: ['t'],
      Recipient: {},
    });
  });

  it('ignores unknown members', () => {
    expect(readJson({ KeyId: 'k', Unknown: { deep: [1, 2] } }).KeyId).toBe('k');
  });

  it('decodes blobs with their length', () => {
    const input = readJson({ KeyId: 'k', Plaintext: 'YWJj', Message: '' });
    expect(input.Plaintext).toBeInstanceOf(BlobInput);
    expect(input.Plaintext!.length).toBe(3);
    expect(input.Plaintext!.toBuffer().toString()).toBe('abc');
    expect(input.Message!.length).toBe(0);
  });

  it('decodes blobs inside structures', () => {
    const input = readJson({ KeyId: 'k', Recipient: { AttestationDocument: 'YWJj' } });
    expect(input.Recipient!.AttestationDocument!.toBuffer().toString()).toBe('abc');
  });

  it('keeps an encryption context key named __proto__ a key, and pollutes nothing', () => {
    const text =
      '{"KeyId":"k","EncryptionContext":{"__proto__":"x","constructor":"y"},"__proto__":{"DryRun":true}}';
    for (const input of [readText(text), explain(schema, JSON.parse(text))]) {
      const { EncryptionContext, DryRun } = input as {
        EncryptionContext: object;
        DryRun?: boolean;
      };
      expect(Object.entries(EncryptionContext)).toEqual([
        ['__proto__', 'x'],
        ['constructor', 'y'],
      ]);
      expect(DryRun).toBeUndefined();
    }
    expect(({} as { DryRun?: boolean }).DryRun).toBeUndefined();
    expect(Object.prototype).not.toHaveProperty('x');
  });

  it('checks the values of context keys with line feeds', () => {
    const input = { KeyId: 'k', EncryptionContext: { 'a\nb': 5 } };
    expect(failure(() => readJson(input)).code).toBe('SerializationException');
  });

  it('reads 60,000 nested lists in an unknown member without falling', () => {
    const deep = `{"KeyId":"k","X":${'['.repeat(30_000)}${']'.repeat(30_000)}}`;
    expect(readText(deep).KeyId).toBe('k');
  });
});

describe('the compiled check and the explainer', () => {
  const anyJson = fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<unknown>;
  const base64 = fc.uint8Array({ maxLength: 10 }).map((b) => Buffer.from(b).toString('base64'));
  const text = fc.oneof(
    fc.string({ maxLength: 25 }),
    fc.constantFrom('a', 'alias/x', 'A_1', 'B_2'),
  );
  const near = fc.record(
    {
      KeyId: fc.oneof(text, anyJson),
      AliasName: fc.oneof(text, anyJson),
      Secret: text,
      Plaintext: fc.oneof(base64, text, anyJson),
      Message: fc.oneof(base64, anyJson),
      Algorithm: fc.oneof(fc.constantFrom('A_1', 'B_2'), text),
      NumberOfBytes: fc.oneof(fc.integer({ min: -2, max: 1_030 }), fc.double(), anyJson),
      DryRun: fc.oneof(fc.boolean(), anyJson),
      ValidTo: fc.oneof(fc.double({ noNaN: true }), anyJson),
      EncryptionContext: fc.oneof(fc.dictionary(fc.string(), fc.string()), anyJson),
      GrantTokens: fc.oneof(fc.array(text, { maxLength: 3 }), anyJson),
      Tags: fc.oneof(
        fc.array(fc.record({ TagKey: text, TagValue: text }), { maxLength: 3 }),
        anyJson,
      ),
      Recipient: fc.oneof(fc.record({ AttestationDocument: base64 }), anyJson),
      Unknown: anyJson,
    },
    { requiredKeys: [] },
  );

  const valid = fc.record(
    {
      KeyId: fc.string({ minLength: 1, maxLength: 20 }),
      AliasName: fc.constantFrom('a', 'alias/x'),
      Plaintext: fc
        .uint8Array({ minLength: 1, maxLength: 8 })
        .map((bytes) => Buffer.from(bytes).toString('base64')),
      Algorithm: fc.constantFrom('A_1', 'B_2'),
      NumberOfBytes: fc.integer({ min: 1, max: 1_024 }),
      DryRun: fc.boolean(),
      EncryptionContext: fc.dictionary(fc.string(), fc.string()),
      GrantTokens: fc.array(fc.string({ minLength: 1, maxLength: 4 }), { maxLength: 2 }),
      Recipient: fc.constant({ AttestationDocument: 'YWJj' }),
      Unknown: anyJson,
    },
    { requiredKeys: ['KeyId'] },
  );
  /** A valid input with at most one member from a wild one. */
  const mutated = fc.tuple(valid, near, fc.nat()).map(([good, wild, pick]) => {
    const members = Object.entries(wild);
    const chosen = members[pick % (members.length + 1)];
    return chosen === undefined ? good : { ...good, [chosen[0]]: chosen[1] };
  });

  type Outcome = { readonly input: unknown } | { readonly code: string; readonly text: string };
  const known = new Set(Object.keys(schema.properties as object));

  function outcome(run: () => unknown): Outcome {
    let input: unknown;
    try {
      input = run();
    } catch (error) {
      return { code: (error as KmsError).code, text: (error as Error).message };
    }
    return {
      input: Object.fromEntries(Object.entries(input as object).filter(([k]) => known.has(k))),
    };
  }

  it('agree on random inputs', () => {
    const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
    console.log(`SEED=${seed}`);
    const fast = compileValue(schema);
    let accepted = 0;
    fc.assert(
      fc.property(fc.oneof({ weight: 6, arbitrary: mutated }, near, anyJson), (value) => {
        const json = JSON.stringify(value);
        const compiled = outcome(() => fast(JSON.parse(json)));
        const explained = outcome(() => explain(schema, JSON.parse(json)));
        expect(compiled).toEqual(explained);
        if ('input' in compiled) accepted++;
        else expect(['SerializationException', 'ValidationException']).toContain(compiled.code);
      }),
      { seed, numRuns: 5_000 },
    );
    // Without accepted inputs the property would say nothing of the fast path.
    expect(accepted).toBeGreaterThan(500);
  });
});
