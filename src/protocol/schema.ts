/**
 * Schema constructors for the shapes of the AWS KMS model: strings, enums, blobs, numbers, maps,
 * lists and structures, each with the bounds that AWS states.
 *
 * They are TypeBox schemas, so that one source gives the static type and the compiled check. Each
 * also carries its `KmsShape`, from which the slow explainer (explain.ts) writes AWS's texts.
 */
import {
  Kind,
  type Static,
  type TProperties,
  type TSchema,
  type TUnsafe,
  Type,
  TypeRegistry,
} from '@sinclair/typebox';
import type { BlobInput } from '../core/blob.js';

/** Bounds: characters for strings, bytes for blobs, items for lists, the value for integers. */
export interface Bounds {
  readonly min?: number;
  readonly max?: number;
}

export interface StringShape extends Bounds {
  readonly type: 'string';
  /** The pattern as AWS prints it; it has to match the whole value. */
  readonly pattern?: string;
  /** Its value is left out of error texts. */
  readonly sensitive?: boolean;
}

export type KmsShape =
  | StringShape
  | { readonly type: 'enum'; readonly values: readonly string[] }
  | ({ readonly type: 'blob' } & Bounds)
  | { readonly type: 'boolean' }
  | ({ readonly type: 'integer' } & Bounds)
  | { readonly type: 'timestamp' }
  | { readonly type: 'map' }
  | ({ readonly type: 'list'; readonly member: TSchema } & Bounds)
  | {
      readonly type: 'structure';
      readonly members: Readonly<Record<string, TSchema>>;
      readonly required: readonly string[];
    };

const MAP_KIND = 'KmsStringMap';
// A kind of our own: TypeBox's Record tests keys against /^(.*)$/, and leaves the values of keys
// with a line feed unchecked.
TypeRegistry.Set(MAP_KIND, (_schema, value) => isStringMap(value));

/** True for a JSON object all of whose values are strings. */
export function isStringMap(value: unknown): value is Readonly<Record<string, string>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  for (const key in value) {
    if (typeof (value as Record<string, unknown>)[key] !== 'string') return false;
  }
  return true;
}

/** The shape that a schema made here carries. @throws TypeError for a foreign schema */
export function shapeOf(schema: TSchema): KmsShape {
  const shape = schema.kms as KmsShape | undefined;
  if (shape === undefined) throw new TypeError('schema was not made by protocol/schema.ts');
  return shape;
}

function unsafe<T>(schema: TSchema): TUnsafe<T> {
  return Type.Unsafe<T>(schema);
}

/** The whole-value form of an AWS pattern: Java's `matches`, not `find`. */
export function wholePattern(pattern: string): string {
  return `^(?:${pattern})$`;
}

/** A string; lengths in UTF-16 units, as the service counts them. */
export function kmsString(options: Omit<StringShape, 'type'> = {}): TUnsafe<string> {
  return unsafe<string>(
    Type.String({
      kms: { type: 'string', ...options },
      ...(options.min === undefined ? {} : { minLength: options.min }),
      ...(options.max === undefined ? {} : { maxLength: options.max }),
      ...(options.pattern === undefined ? {} : { pattern: wholePattern(options.pattern) }),
    }),
  );
}

/** One of `values`, case-sensitive. */
export function kmsEnum<const V extends readonly string[]>(values: V): TUnsafe<V[number]> {
  return unsafe<V[number]>(
    Type.Union(
      values.map((value) => Type.Literal(value)),
      { kms: { type: 'enum', values } },
    ),
  );
}

/**
 * A base64 member, decoded to BlobInput; bounds in decoded bytes. Its value is never echoed.
 * The compiled check sees only the number of characters: the decoder checks the rest.
 */
export function blob(bounds: Bounds = {}): TUnsafe<BlobInput> {
  return unsafe<BlobInput>(
    Type.String({
      kms: { type: 'blob', ...bounds },
      ...(bounds.min === undefined ? {} : { minLength: Math.ceil(bounds.min / 3) * 4 }),
      ...(bounds.max === undefined ? {} : { maxLength: Math.ceil(bounds.max / 3) * 4 }),
    }),
  );
}

export function kmsBoolean(): TUnsafe<boolean> {
  return unsafe<boolean>(Type.Boolean({ kms: { type: 'boolean' } }));
}

/** A whole number; bounds inclusive. */
export function kmsInteger(bounds: Bounds = {}): TUnsafe<number> {
  return unsafe<number>(
    Type.Integer({
      kms: { type: 'integer', ...bounds },
      ...(bounds.min === undefined ? {} : { minimum: bounds.min }),
      ...(bounds.max === undefined ? {} : { maximum: bounds.max }),
    }),
  );
}

/** Epoch seconds, fractions allowed. */
export function kmsTimestamp(): TUnsafe<number> {
  return unsafe<number>(Type.Number({ kms: { type: 'timestamp' } }));
}

/** A map of strings to strings (EncryptionContext). */
export function kmsMap(): TUnsafe<Readonly<Record<string, string>>> {
  return unsafe<Readonly<Record<string, string>>>({
    [Kind]: MAP_KIND,
    type: 'object',
    kms: { type: 'map' },
  } as unknown as TSchema);
}

/** A list; bounds in items. */
export function kmsList<M extends TSchema>(
  member: M,
  bounds: Bounds = {},
): TUnsafe<readonly Static<M>[]> {
  return unsafe<readonly Static<M>[]>(
    Type.Array(member, {
      kms: { type: 'list', member, ...bounds },
      ...(bounds.min === undefined ? {} : { minItems: bounds.min }),
      ...(bounds.max === undefined ? {} : { maxItems: bounds.max }),
    }),
  );
}

/** The static type of a structure: required members, and the others optional. */
export type Structure<P extends TProperties, R extends keyof P> = {
  readonly [K in R]: Static<P[K]>;
} & { readonly [K in Exclude<keyof P, R>]?: Static<P[K]> | undefined };

/**
 * A structure by its AWS member names. Unknown members are ignored and null means absent.
 *
 * @example
 * const input = structure(
 *   { KeyId: kmsString({ min: 1, max: 2048 }), Plaintext: blob({ min: 1, max: 4096 }) },
 *   { required: ['KeyId', 'Plaintext'] },
 * );
 */
export function structure<
  P extends TProperties,
  const R extends readonly (keyof P & string)[] = readonly [],
>(members: P, options: { readonly required?: R } = {}): TUnsafe<Structure<P, R[number]>> {
  const required: readonly string[] = options.required ?? [];
  const properties: TProperties = {};
  for (const [name, schema] of Object.entries(members)) {
    properties[name] = required.includes(name) ? schema : Type.Optional(schema);
  }
  return unsafe<Structure<P, R[number]>>(
    Type.Object(properties, { kms: { type: 'structure', members, required } }),
  );
}
