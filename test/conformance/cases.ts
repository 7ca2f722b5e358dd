/**
 * Inputs that the API model decides: for every member of every operation, what is missing, of
 * another JSON type, just in and just out of its bounds, outside its enumeration or pattern. The
 * facts stand in model.json, apart from the product's own schemas.
 */
import { readFileSync } from 'node:fs';

export interface Fact {
  readonly type:
    | 'string'
    | 'blob'
    | 'integer'
    | 'boolean'
    | 'timestamp'
    | 'map'
    | 'list'
    | 'structure';
  /** In effect: Decrypt and ReEncrypt do without a ciphertext in a DryRun that ignores it alone. */
  readonly required?: boolean;
  readonly min?: number;
  readonly max?: number;
  readonly pattern?: string;
  readonly enum?: readonly string[];
  readonly sensitive?: boolean;
  readonly of?: Fact;
  readonly structure?: string;
}

export type Members = Readonly<Record<string, Fact>>;

interface Model {
  readonly operations: Readonly<Record<string, Members>>;
  readonly structures: Readonly<Record<string, Members>>;
}

export const MODEL = JSON.parse(
  readFileSync(new URL('./model.json', import.meta.url), 'utf8'),
) as Model;

/** What must come of an input. */
export type Expected =
  /** Refused by the constraint `rule` at `path`. */
  | { readonly kind: 'violation'; readonly path: string; readonly rule: string }
  /** Refused as no JSON of the model. */
  | { readonly kind: 'serialization' }
  /** Past the model: it succeeds, or something else is wrong with it. */
  | { readonly kind: 'within' };

export interface Case {
  /** Says which value, for the failure's text. */
  readonly label: string;
  /** The member's value; undefined = left out. */
  readonly value: unknown;
  readonly expected: Expected;
}

export const lowerFirst = (name: string): string => name.charAt(0).toLowerCase() + name.slice(1);

const NULL_RULE = 'Member must not be null';
const within: Expected = { kind: 'within' };
const serialization: Expected = { kind: 'serialization' };

/** JSON values of other types than the member's. */
const WRONG: Readonly<Record<Fact['type'], readonly unknown[]>> = {
  string: [7, true, ['a'], { a: 'b' }, 1.5],
  blob: [7, true, ['YQ=='], { a: 'YQ==' }, '=', 'YQ=', '!!!!'],
  integer: ['7', true, [7], { a: 7 }, 1.5],
  boolean: ['true', 1, 0, [true], {}],
  timestamp: ['2026-01-01T00:00:00Z', true, [1], { a: 1 }],
  map: [7, true, 'text', ['a'], { a: 7 }, { a: ['b'] }, { a: { b: 'c' } }],
  list: [7, true, 'text', { a: 'b' }],
  structure: [7, true, 'text', ['a']],
};

/** Fronts after which a filler completes a string that a pattern allows. */
const FRONTS = [
  '',
  'https://',
  '/kms/xks/v',
  'cluster-',
  'com.amazonaws.vpce.eu-central-1.vpce-svc-',
  'arn:aws:s3:eu-central-1:111122223333:',
  'a.b.',
  'alias/',
];
const FILLERS = ['a', '2', 'A', '0'];

function matches(pattern: string | undefined, text: string): boolean {
  return pattern === undefined || new RegExp(`^(?:${pattern})$`).test(text);
}

/** A string of `length` characters that the pattern allows; undefined where none was found. */
export function sample(pattern: string | undefined, length: number): string | undefined {
  for (const front of FRONTS) {
    for (const filler of FILLERS) {
      if (front.length > length) continue;
      const text = front + filler.repeat(length - front.length);
      if (matches(pattern, text)) return text;
    }
  }
  return undefined;
}

const least = (n: number, what: string) => `Member must have ${what} greater than or equal to ${n}`;
const most = (n: number, what: string) => `Member must have ${what} less than or equal to ${n}`;

function boundCases(fact: Fact, path: string): Case[] {
  const made: Case[] = [];
  const add = (label: string, value: unknown, rule?: string) => {
    if (value === undefined) return;
    const expected: Expected = rule === undefined ? within : { kind: 'violation', path, rule };
    made.push({ label, value, expected });
  };
  const { min, max } = fact;
  if (fact.type === 'integer') {
    if (min !== undefined) {
      add(`${min}`, min);
      add(`${min - 1}`, min - 1, least(min, 'value'));
      add('-2147483648', -2_147_483_648, least(min, 'value'));
    }
    if (max !== undefined) {
      add(`${max}`, max);
      add(`${max + 1}`, max + 1, most(max, 'value'));
      add('2147483647', 2_147_483_647, most(max, 'value'));
    }
    return made;
  }
  const of = (length: number): unknown => {
    if (fact.type === 'string') return sample(fact.pattern, length);
    if (fact.type === 'blob') return Buffer.alloc(length, 7).toString('base64');
    const item = fact.of === undefined ? undefined : exampleOf(fact.of);
    return item === undefined ? undefined : new Array<unknown>(length).fill(item);
  };
  if (min !== undefined) {
    add(`length ${min}`, of(min));
    if (min > 0) {
      // Nothing shorter than its pattern allows may exist: then any text that short is too short.
      const short = of(min - 1) ?? (fact.type === 'string' ? 'a'.repeat(min - 1) : undefined);
      add(`length ${min - 1}`, short, least(min, 'length'));
      add('empty', fact.type === 'list' ? [] : '', least(min, 'length'));
    }
  }
  if (max !== undefined) {
    add(`length ${max}`, of(max));
    const long = of(max + 1) ?? (fact.type === 'string' ? 'a'.repeat(max + 1) : undefined);
    add(`length ${max + 1}`, long, most(max, 'length'));
  }
  return made;
}

/** Texts of which each pattern of the model refuses some. */
const ODD = ['!', ' ', 'a b', 'ä', 'a\u0001', '🔑', 'a\n', '<a>', "a'b", 'a"b', 'é'.repeat(3)];

function patternCases(fact: Fact, path: string): Case[] {
  const { pattern } = fact;
  if (pattern === undefined) return [];
  const rule = `Member must satisfy regular expression pattern: ${pattern}`;
  const refused = ODD.filter((text) => !matches(pattern, text));
  return refused.map((text) => ({
    label: JSON.stringify(text),
    value: text,
    expected: { kind: 'violation', path, rule },
  }));
}

function enumCases(fact: Fact, path: string): Case[] {
  if (fact.enum === undefined) return [];
  const rule = 'Member must satisfy enum value set: [';
  const first = fact.enum[0]!;
  const bad = ['', 'NOT_ONE', first.toLowerCase(), `${first} `, ` ${first}`, `${first}\u0000`];
  return [
    ...fact.enum.map((value): Case => ({ label: value, value, expected: within })),
    ...bad.map(
      (value): Case => ({
        label: JSON.stringify(value),
        value,
        expected: { kind: 'violation', path, rule },
      }),
    ),
  ];
}

/** A value that the fact allows. */
export function exampleOf(fact: Fact): unknown {
  switch (fact.type) {
    case 'string':
      if (fact.enum !== undefined) return fact.enum[0];
      return sample(fact.pattern, Math.min(Math.max(fact.min ?? 0, 12), fact.max ?? 12));
    case 'blob':
      return Buffer.alloc(Math.max(1, fact.min ?? 1), 7).toString('base64');
    case 'integer':
      return fact.min ?? 1;
    case 'boolean':
      return true;
    case 'timestamp':
      return 1_800_000_000;
    case 'map':
      return { a: 'b' };
    case 'list':
      return fact.of === undefined ? [] : [exampleOf(fact.of)];
    case 'structure':
      return Object.fromEntries(
        Object.entries(MODEL.structures[fact.structure ?? ''] ?? {}).map(([name, member]) => [
          name,
          exampleOf(member),
        ]),
      );
  }
}

/** The cases of one member: `path` is how a violation names it. */
export function memberCases(fact: Fact, path: string): Case[] {
  const cases: Case[] = WRONG[fact.type].map((value) => ({
    label: `the JSON value ${JSON.stringify(value)}`,
    value,
    expected: serialization,
  }));
  if (fact.required === true) {
    const expected: Expected = { kind: 'violation', path, rule: NULL_RULE };
    for (const value of [undefined, null]) cases.push({ label: String(value), value, expected });
  } else {
    cases.push({ label: 'null', value: null, expected: within });
  }
  if (fact.type === 'boolean') {
    // True is tried by the tests of what the member does.
    cases.push({ label: 'false', value: false, expected: within });
  }
  if (fact.type === 'map') {
    cases.push({ label: '{}', value: {}, expected: within });
    cases.push({ label: 'a null value', value: { a: null }, expected: within });
  }
  cases.push(...boundCases(fact, path), ...patternCases(fact, path), ...enumCases(fact, path));
  if (fact.type === 'list' && fact.of !== undefined) {
    for (const inner of memberCases({ ...fact.of, required: false }, `${path}.1.member`)) {
      if (inner.value === null) continue;
      cases.push({ ...inner, label: `an item: ${inner.label}`, value: [inner.value] });
    }
  }
  if (fact.type === 'structure') {
    const whole = exampleOf(fact) as Record<string, unknown>;
    for (const [name, member] of Object.entries(MODEL.structures[fact.structure ?? ''] ?? {})) {
      for (const inner of memberCases(member, `${path}.${lowerFirst(name)}`)) {
        const value = { ...whole, [name]: inner.value };
        cases.push({ ...inner, label: `${name}: ${inner.label}`, value });
      }
    }
  }
  return cases;
}
