/**
 * From the bytes of a body to an operation's input: JSON, a check compiled once per operation, and
 * the explainer where that check fails.
 */
import { isUtf8 } from 'node:buffer';
import type { Static, TSchema } from '@sinclair/typebox';
import { TypeCompiler } from '@sinclair/typebox/compiler';
import { BlobInput } from '../core/blob.js';
import { KmsError } from '../core/errors.js';
import { explain } from './explain.js';
import { type KmsShape, shapeOf } from './schema.js';

type MutableObject = Record<string, unknown>;

interface BlobMember {
  readonly name: string;
  readonly min: number;
  readonly max: number;
}

/**
 * Compiles `schema` (a structure) to a reader of bodies. The reader returns the input with its
 * blobs as BlobInput; members that the schema does not know may still be there, unread.
 *
 * @throws (the reader) KmsError SerializationException, ValidationException
 */
export function compileInput<S extends TSchema>(schema: S): (body: Uint8Array) => Static<S> {
  const readValue = compileValue(schema);
  return (body) => readValue(parseJson(body));
}

/** As compileInput, for a value that JSON.parse gave and that nobody else uses: it is changed. */
export function compileValue<S extends TSchema>(schema: S): (value: unknown) => Static<S> {
  const check = TypeCompiler.Compile(schema);
  const { blobs, deep } = blobMembers(shapeOf(schema));
  return (value) => {
    if (check.Check(value) && decodeBlobs(value as MutableObject, blobs, deep)) {
      return value;
    }
    return explain(schema, value);
  };
}

/**
 * Parses a body. Bytes that are no UTF-8 are refused, not replaced.
 * @throws KmsError SerializationException
 */
export function parseJson(body: Uint8Array): unknown {
  const bytes = Buffer.isBuffer(body)
    ? body
    : Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const text = bytes.toString('utf8');
  // The decoder writes U+FFFD for broken bytes: only then is a second look needed.
  if (text.includes('\uFFFD') && !isUtf8(body)) throw new KmsError('SerializationException');
  try {
    return JSON.parse(text);
  } catch {
    // The parser's text quotes the body: neither the wire nor the log may have it.
    throw new KmsError('SerializationException');
  }
}

/** Blobs among the members, and the members that hold blobs further down. */
function blobMembers(shape: KmsShape): { blobs: BlobMember[]; deep: string[] } {
  if (shape.type !== 'structure') throw new TypeError('an input is a structure');
  const blobs: BlobMember[] = [];
  const deep: string[] = [];
  for (const [name, schema] of Object.entries(shape.members)) {
    const member = shapeOf(schema);
    if (member.type === 'blob') {
      blobs.push({ name, min: member.min ?? 0, max: member.max ?? Number.MAX_SAFE_INTEGER });
    } else if (holdsBlob(member)) {
      deep.push(name);
    }
  }
  return { blobs, deep };
}

function holdsBlob(shape: KmsShape): boolean {
  if (shape.type === 'blob') return true;
  if (shape.type === 'list') return holdsBlob(shapeOf(shape.member));
  if (shape.type !== 'structure') return false;
  return Object.values(shape.members).some((schema) => holdsBlob(shapeOf(schema)));
}

/** Decodes in place; false where the explainer has to look (it accepts what is decoded already). */
function decodeBlobs(
  value: MutableObject,
  blobs: readonly BlobMember[],
  deep: readonly string[],
): boolean {
  for (const name of deep) {
    if (value[name] !== undefined) return false;
  }
  for (const { name, min, max } of blobs) {
    const text = value[name];
    if (text === undefined) continue;
    const blob = BlobInput.parse(text as string);
    if (blob === undefined || blob.length < min || blob.length > max) return false;
    value[name] = blob;
  }
  return true;
}
