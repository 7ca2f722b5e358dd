/**
 * AWS JSON 1.1: the target header that names the operation, and outputs as JSON text.
 */
import { KmsError } from '../core/errors.js';

export const CONTENT_TYPE = 'application/x-amz-json-1.1';
const TARGET_PREFIX = 'TrentService.';

/** The value of X-Amz-Target for an operation. */
export function targetOf(operation: string): string {
  return TARGET_PREFIX + operation;
}

/**
 * The operation name in X-Amz-Target.
 * @throws KmsError UnknownOperationException for no target, or that of another service
 */
export function operationOf(target: string): string {
  if (!target.startsWith(TARGET_PREFIX) || target.length === TARGET_PREFIX.length) {
    throw new KmsError('UnknownOperationException');
  }
  return target.slice(TARGET_PREFIX.length);
}

/** Characters that stand for themselves in a JSON string. */
const PLAIN = /^[ !#-[\]-~]*$/;

/** A JSON string literal. */
export function quote(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text);
}

/**
 * Writes an operation's output: bytes as base64, Date as epoch seconds, undefined members left
 * out. `undefined` itself (an operation without output shape) gives '', an empty body.
 */
export function encodeOutput(output: unknown): string {
  return output === undefined ? '' : encode(output);
}

function encode(value: unknown): string {
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'object' && value !== null) {
    if (value instanceof Uint8Array) return `"${base64(value)}"`;
    if (value instanceof Date) return String(value.getTime() / 1000);
    if (Array.isArray(value)) return `[${value.map(encode).join(',')}]`;
    return encodeObject(value as Readonly<Record<string, unknown>>);
  }
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  // NaN and infinities have no JSON form: a programmer error, told as null by JSON.stringify.
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  if (value === null) return 'null';
  throw new TypeError(`an output member has type ${typeof value}`);
}

function encodeObject(value: Readonly<Record<string, unknown>>): string {
  let text = '{';
  for (const name in value) {
    const member = value[name];
    if (member === undefined) continue;
    text += `${text.length === 1 ? '' : ','}${quote(name)}:${encode(member)}`;
  }
  return `${text}}`;
}

function base64(bytes: Uint8Array): string {
  const buffer = Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return buffer.toString('base64');
}
