/**
 * What an answer may hold, twice over: the SDK's own schema of the operation (a member that it does
 * not know never reaches a program) and the facts of the API model in ../conformance/outputs.json,
 * which add sets of values, bounds and patterns, as answers have them: the entry of a grant without a
 * name shows an empty one.
 */
import { readFileSync } from 'node:fs';
import * as sdk from '@aws-sdk/client-kms';

export interface OutputFact {
  readonly type:
    | 'string'
    | 'blob'
    | 'integer'
    | 'boolean'
    | 'timestamp'
    | 'list'
    | 'map'
    | 'structure';
  readonly required?: boolean;
  readonly min?: number;
  readonly max?: number;
  readonly pattern?: string;
  /** Name of a set of values. */
  readonly enum?: string;
  readonly of?: OutputFact;
  readonly structure?: string;
}

type Members = Readonly<Record<string, OutputFact>>;

interface Outputs {
  readonly operations: Readonly<
    Record<string, { output: Members; errors: readonly string[]; empty?: boolean }>
  >;
  readonly structures: Readonly<Record<string, Members>>;
  readonly enums: Readonly<Record<string, readonly string[]>>;
}

export const OUTPUTS = JSON.parse(
  readFileSync(new URL('../conformance/outputs.json', import.meta.url), 'utf8'),
) as Outputs;

const exported = sdk as unknown as Readonly<Record<string, unknown>>;

/** The operations that the SDK has a command for. */
export const SDK_OPERATIONS: readonly string[] = Object.keys(exported)
  .filter((name) => /^[A-Z]\w*Command$/.test(name))
  .map((name) => name.slice(0, -'Command'.length))
  .sort();

/** Its classes of errors, without the base class. */
export const SDK_ERRORS: ReadonlyMap<string, new (...args: never[]) => Error> = new Map(
  Object.entries(exported)
    .filter(([name]) => name.endsWith('Exception') && name !== 'KMSServiceException')
    .map(([name, value]) => [name, value as new (...args: never[]) => Error]),
);

/** A set of values that the SDK exports, by name. */
export function sdkEnum(name: string): readonly string[] {
  return Object.values((exported[name] ?? {}) as Readonly<Record<string, string>>);
}

/*
 * The SDK's schemas are arrays: [3, namespace, name, traits, member names, member schemas] is a
 * structure, [1, …, value] a list, [2, …, key, value] a map, [0, …, schema] a named scalar; numbers
 * are scalars, with 64 for a list of and 128 for a map of them. A function gives its schema.
 */
const LIST = 64;
const MAP = 128;
const SCALARS: Readonly<Record<number, OutputFact['type']>> = {
  0: 'string',
  1: 'integer',
  2: 'boolean',
  4: 'timestamp',
  21: 'blob',
};

/** The SDK's schema in the words of the facts. */
function factOf(schema: unknown): OutputFact & { readonly members?: Members } {
  if (typeof schema === 'function') return factOf(schema());
  if (schema === 'unit') return { type: 'structure', members: {} };
  if (typeof schema === 'number') {
    if ((schema & MAP) !== 0) return { type: 'map', of: factOf(schema & ~MAP) };
    if ((schema & LIST) !== 0) return { type: 'list', of: factOf(schema & ~LIST) };
    return { type: SCALARS[schema]! };
  }
  const [kind, ...rest] = schema as readonly unknown[];
  if (typeof kind !== 'number') return factOf(kind);
  if (kind === 1) return { type: 'list', of: factOf(rest[3]) };
  if (kind === 2) return { type: 'map', of: factOf(rest[4]) };
  if (kind === 3) return { type: 'structure', members: membersOf(rest[3], rest[4]) };
  return factOf(rest[3]);
}

function membersOf(names: unknown, schemas: unknown): Members {
  const all = schemas as readonly unknown[];
  return Object.fromEntries(
    (names as readonly string[]).map((name, at) => [name, factOf(all[at])]),
  );
}

/** The output of an operation as the SDK knows it; undefined for no operation of the SDK. */
export function sdkOutput(operation: string): Members | undefined {
  const schema = exported[`${operation}$`] as readonly unknown[] | undefined;
  if (schema === undefined) return undefined;
  return (factOf(schema[5]) as { members: Members }).members;
}

/** The members of an operation's input that the SDK knows: it sends no others. */
export function sdkInput(operation: string): readonly string[] {
  const schema = exported[`${operation}$`] as readonly unknown[];
  return Object.keys((factOf(schema[4]) as { members: Members }).members);
}

/** Names and types alone, as far as both sides can say them. */
export function skeleton(members: Members): unknown {
  const bones = (fact: OutputFact & { readonly members?: Members }): unknown => {
    if (fact.type === 'list') return [bones(fact.of!)];
    if (fact.type !== 'structure') return fact.type;
    return skeleton(fact.members ?? OUTPUTS.structures[fact.structure!]!);
  };
  return Object.fromEntries(
    Object.entries(members)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, fact]) => [name, bones(fact)]),
  );
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

function isWithin(fact: OutputFact, size: number): boolean {
  return size >= (fact.min ?? 0) && size <= (fact.max ?? Number.MAX_SAFE_INTEGER);
}

function isOfType(fact: OutputFact, value: unknown): boolean {
  switch (fact.type) {
    case 'string':
      if (typeof value !== 'string') return false;
      if (fact.enum !== undefined) return OUTPUTS.enums[fact.enum]!.includes(value);
      if (fact.pattern !== undefined && !new RegExp(`^(?:${fact.pattern})$`).test(value)) {
        return false;
      }
      return isWithin(fact, value.length);
    case 'blob':
      if (typeof value !== 'string' || !BASE64.test(value)) return false;
      return isWithin(fact, Buffer.from(value, 'base64').length);
    case 'integer':
      return Number.isSafeInteger(value) && isWithin(fact, value as number);
    case 'timestamp':
      return typeof value === 'number' && Number.isFinite(value) && value > 0;
    case 'boolean':
      return typeof value === 'boolean';
    case 'list':
      return Array.isArray(value);
    default:
      return typeof value === 'object' && value !== null && !Array.isArray(value);
  }
}

/** What is wrong with members on the wire, each with its path; empty when nothing is. */
export function faults(members: Members, wire: object, path: string): string[] {
  const found: string[] = [];
  for (const [name, fact] of Object.entries(members)) {
    if (fact.required === true && !(name in wire)) found.push(`${path}.${name} is missing`);
  }
  for (const [name, value] of Object.entries(wire)) {
    const fact = members[name];
    if (fact === undefined) found.push(`${path}.${name} is no member`);
    else found.push(...faultsOf(fact, value, `${path}.${name}`));
  }
  return found;
}

function faultsOf(fact: OutputFact, value: unknown, path: string): string[] {
  if (!isOfType(fact, value)) {
    return [`${path} is no ${fact.enum ?? fact.type} within bounds: ${JSON.stringify(value)}`];
  }
  if (fact.type === 'list') {
    return (value as unknown[]).flatMap((item, at) => faultsOf(fact.of!, item, `${path}[${at}]`));
  }
  if (fact.type === 'structure') {
    return faults(OUTPUTS.structures[fact.structure!]!, value as object, path);
  }
  if (fact.type === 'map') {
    return Object.entries(value as object).flatMap(([key, item]) =>
      faultsOf({ type: 'string' }, item, `${path}.${key}`),
    );
  }
  return [];
}

/** Where what the SDK hands out differs from the wire: a member that was lost or changed its kind. */
export function losses(members: Members, wire: object, output: object, path: string): string[] {
  const shown = output as Readonly<Record<string, unknown>>;
  return Object.entries(wire).flatMap(([name, sent]) => {
    const fact = members[name];
    if (fact === undefined) return [`${path}.${name} is unknown to the SDK`];
    return lossesOf(fact, sent, shown[name], `${path}.${name}`);
  });
}

function lossesOf(
  fact: OutputFact & { readonly members?: Members },
  sent: unknown,
  shown: unknown,
  path: string,
): string[] {
  const differs = [`${path} was sent as ${JSON.stringify(sent)}, shown as ${String(shown)}`];
  switch (fact.type) {
    case 'blob': {
      const isSame = shown instanceof Uint8Array && Buffer.from(shown).toString('base64') === sent;
      return isSame ? [] : differs;
    }
    case 'timestamp': {
      const ms = Math.round((sent as number) * 1000);
      const isSame = shown instanceof Date && Math.abs(shown.getTime() - ms) <= 1;
      return isSame ? [] : differs;
    }
    case 'structure':
      return losses(fact.members!, sent as object, shown as object, path);
    case 'list': {
      const items = shown as readonly unknown[];
      return (sent as readonly unknown[]).flatMap((item, at) =>
        lossesOf(fact.of!, item, items[at], `${path}[${at}]`),
      );
    }
    case 'map':
      return JSON.stringify(shown) === JSON.stringify(sent) ? [] : differs;
    default:
      return shown === sent ? [] : differs;
  }
}
