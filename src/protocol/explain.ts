/**
 * The slow, exact reader of inputs: taken when the compiled check fails, to say what AWS would say,
 * and to read inputs that are valid but unusual (null members).
 *
 * Order as AWS: first everything is deserialized (SerializationException at the first wrong JSON
 * type), then every constraint is checked and all violations are told in one text.
 */
import type { TSchema } from '@sinclair/typebox';
import { BlobInput } from '../core/blob.js';
import { KmsError } from '../core/errors.js';
import { type Bounds, type KmsShape, type StringShape, shapeOf, wholePattern } from './schema.js';

/** Violations beyond this number are not told: the text has a bound. */
const VIOLATIONS_MAX = 20;

type Json = unknown;

/** JsonObject is what JSON.parse gives for `{}`; its own `__proto__` member is a plain one. */
type JsonObject = Readonly<Record<string, Json>>;

/**
 * Reads `value` (from JSON.parse) by `schema`: null members dropped, blobs decoded to BlobInput,
 * unknown members left out.
 *
 * @throws KmsError SerializationException, ValidationException
 */
export function explain(schema: TSchema, value: Json): unknown {
  const violations: string[] = [];
  const input = read(shapeOf(schema), value, '', violations);
  if (violations.length === 0) return input;
  const plural = violations.length === 1 ? 'error' : 'errors';
  const told = violations.slice(0, VIOLATIONS_MAX).join('; ');
  throw new KmsError(
    'ValidationException',
    `${violations.length} validation ${plural} detected: ${told}`,
  );
}

function read(shape: KmsShape, value: Json, path: string, violations: string[]): unknown {
  switch (shape.type) {
    case 'string':
      return readString(shape, expectString(value), path, violations);
    case 'enum': {
      const text = expectString(value);
      if (!shape.values.includes(text)) {
        const set = `[${shape.values.join(', ')}]`;
        violations.push(violation(quoted(text), path, `satisfy enum value set: ${set}`));
      }
      return text;
    }
    case 'blob':
      return readBlob(shape, value, path, violations);
    case 'boolean':
      if (typeof value !== 'boolean') throw wrongType(value, 'Boolean');
      return value;
    case 'integer':
      if (typeof value !== 'number' || !Number.isInteger(value)) throw wrongType(value, 'Integer');
      checkBounds(shape, value, 'value', quoted(String(value)), path, violations);
      return value;
    case 'timestamp':
      if (typeof value !== 'number' || !Number.isFinite(value)) throw wrongType(value, 'Timestamp');
      return value;
    case 'map':
      return readMap(expectObject(value));
    case 'list':
      return readList(shape, value, path, violations);
    case 'structure':
      return readStructure(shape, expectObject(value), path, violations);
  }
}

function readString(shape: StringShape, text: string, path: string, violations: string[]): string {
  const shown = shape.sensitive === true ? '' : quoted(text);
  checkBounds(shape, text.length, 'length', shown, path, violations);
  if (shape.pattern !== undefined && !new RegExp(wholePattern(shape.pattern)).test(text)) {
    const rule = `satisfy regular expression pattern: ${shape.pattern}`;
    violations.push(violation(shown, path, rule));
  }
  return text;
}

function readBlob(bounds: Bounds, value: Json, path: string, violations: string[]): BlobInput {
  const blob = value instanceof BlobInput ? value : BlobInput.parse(expectString(value));
  // AWS answers bad base64 without any text.
  if (blob === undefined) throw new KmsError('SerializationException');
  checkBounds(bounds, blob.length, 'length', '', path, violations);
  return blob;
}

function readMap(value: JsonObject): Readonly<Record<string, string>> {
  const entries: [string, string][] = [];
  for (const [key, item] of Object.entries(value)) {
    if (item !== null) entries.push([key, expectString(item)]);
  }
  // fromEntries defines own members: a key named __proto__ stays a key.
  return Object.fromEntries(entries);
}

function readList(
  shape: Extract<KmsShape, { type: 'list' }>,
  value: Json,
  path: string,
  violations: string[],
): unknown[] {
  if (!Array.isArray(value)) throw wrongType(value, 'List');
  const member = shapeOf(shape.member);
  const present = (value as Json[]).filter((item) => item !== null);
  const items = present.map((item, index) =>
    read(member, item, `${path}.${index + 1}.member`, violations),
  );
  const shown = items.every((item) => typeof item === 'string')
    ? quoted(`[${items.join(', ')}]`)
    : '';
  checkBounds(shape, items.length, 'length', shown, path, violations);
  return items;
}

function readStructure(
  shape: Extract<KmsShape, { type: 'structure' }>,
  value: JsonObject,
  path: string,
  violations: string[],
): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [name, schema] of Object.entries(shape.members)) {
    const item = Object.hasOwn(value, name) ? value[name] : null;
    const memberPath = path === '' ? lowerFirst(name) : `${path}.${lowerFirst(name)}`;
    if (item === null || item === undefined) {
      if (shape.required.includes(name))
        violations.push(violation('null', memberPath, 'not be null'));
    } else {
      result[name] = read(shapeOf(schema), item, memberPath, violations);
    }
  }
  return result;
}

function checkBounds(
  bounds: Bounds,
  size: number,
  measure: 'length' | 'value',
  shown: string,
  path: string,
  violations: string[],
): void {
  if (bounds.min !== undefined && size < bounds.min) {
    const rule = `have ${measure} greater than or equal to ${bounds.min}`;
    violations.push(violation(shown, path, rule));
  }
  if (bounds.max !== undefined && size > bounds.max) {
    const rule = `have ${measure} less than or equal to ${bounds.max}`;
    violations.push(violation(shown, path, rule));
  }
}

function violation(shown: string, path: string, rule: string): string {
  const value = shown === '' ? 'Value' : `Value ${shown}`;
  return `${value} at '${path}' failed to satisfy constraint: Member must ${rule}`;
}

function quoted(text: string): string {
  return `'${text}'`;
}

function lowerFirst(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}

function expectString(value: Json): string {
  if (typeof value !== 'string') throw wrongType(value, 'String');
  return value;
}

function expectObject(value: Json): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw wrongType(value, 'Structure');
  }
  return value as JsonObject;
}

/** The token is named, never its value: it may be a secret in the wrong place. */
function wrongType(value: Json, target: string): KmsError {
  if (Array.isArray(value)) {
    return new KmsError('SerializationException', 'Start of list found where not expected.');
  }
  if (typeof value === 'object' && value !== null) {
    const text = 'Start of structure or map found where not expected.';
    return new KmsError('SerializationException', text);
  }
  const token = value === null ? 'NULL' : value === true ? 'TRUE' : value === false ? 'FALSE' : '';
  const name = token === '' ? (typeof value === 'number' ? 'NUMBER' : 'STRING') : token;
  return new KmsError('SerializationException', `${name}_VALUE cannot be converted to ${target}`);
}
