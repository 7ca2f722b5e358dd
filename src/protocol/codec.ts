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

const BEYOND_ASCII = /[\x7f-\uffff]/g;

function escaped(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/**
 * A JSON string literal in ASCII (RFC 8259, section 7, lets any character be escaped): bodies are
 * copied as they are, while counting the bytes of UTF-8 costs more than most replies do.
 */
export function quote(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text).replace(BEYOND_ASCII, escaped);
}

/** Ours: literals of ARNs kept, a power of two. */
const ARNS_KEPT = 64;
const ARN_CHARS_MIN = 20;
const arns: string[] = new Array<string>(ARNS_KEPT).fill('');
const arnLiterals: string[] = new Array<string>(ARNS_KEPT).fill('""');

/** A material's id. 48 secret bytes whose base64 has these digits alone are not to be expected. */
const MATERIAL_ID = /^[0-9a-f]{64}$/;

/**
 * As `quote`; the literal of an ARN or a material's id is kept, because keys are named in reply
 * after reply. Nothing secret is: outputs hold secrets as base64 alone, which has no colon.
 */
function valueLiteral(text: string): string {
  const { length } = text;
  if (length < ARN_CHARS_MIN) return quote(text);
  const ends = text.charCodeAt(length - 1) + 7 * text.charCodeAt(length - 2);
  const place = (ends + length) & (ARNS_KEPT - 1);
  if (arns[place] === text) return arnLiterals[place]!;
  const literal = quote(text);
  if (text.startsWith('arn:') || MATERIAL_ID.test(text)) {
    arns[place] = text;
    arnLiterals[place] = literal;
  }
  return literal;
}

/**
 * Literals of member names with the colon and the comma before; outputs are made by our code, so
 * that these are few.
 */
const MEMBERS_MAX = 1_024;
const members = new Map<string, string>();

function memberText(name: string): string {
  let text = members.get(name);
  if (text === undefined) {
    text = `,${quote(name)}:`;
    if (members.size < MEMBERS_MAX) members.set(name, text);
  }
  return text;
}

/** The same for the first member of an object. */
const firstMembers = new Map<string, string>();

function firstMemberText(name: string): string {
  let text = firstMembers.get(name);
  if (text === undefined) {
    text = `{${quote(name)}:`;
    if (firstMembers.size < MEMBERS_MAX) firstMembers.set(name, text);
  }
  return text;
}

/**
 * Writes an operation's output, in ASCII: bytes as base64, Date as epoch seconds, undefined members left
 * out. `undefined` itself (an operation without output shape) gives '', an empty body.
 */
export function encodeOutput(output: unknown): string {
  return output === undefined ? '' : encode(output);
}

function encode(value: unknown): string {
  if (typeof value === 'string') return valueLiteral(value);
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
  let text = '';
  for (const name in value) {
    const member = value[name];
    if (member === undefined) continue;
    text += (text === '' ? firstMemberText(name) : memberText(name)) + encode(member);
  }
  return text === '' ? '{}' : `${text}}`;
}

function base64(bytes: Uint8Array): string {
  const buffer = Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return buffer.toString('base64');
}
