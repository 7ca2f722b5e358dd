/**
 * AWS JSON 1.1: the target header that names the operation, and outputs as JSON text.
 */
import { Base64Text } from '../core/blob.js';
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

/** Text that stands before what an object has next: `{` first, then commas. */
interface MemberText {
  /** `{"name":` */
  readonly first: string;
  /** `,"name":` */
  readonly next: string;
}

/** Names of members; outputs are made by our code, so that these are few. */
const NAMES_MAX = 1_024;
const names = new Map<string, MemberText>();
/** The same with the opening quote of a value. */
const quotedNames = new Map<string, MemberText>();

function nameText(name: string): MemberText {
  return names.get(name) ?? keepName(names, name, '');
}

function quotedNameText(name: string): MemberText {
  return quotedNames.get(name) ?? keepName(quotedNames, name, '"');
}

function keepName(kept: Map<string, MemberText>, name: string, after: string): MemberText {
  const text = { first: `{${quote(name)}:${after}`, next: `,${quote(name)}:${after}` };
  if (kept.size < NAMES_MAX) kept.set(name, text);
  return text;
}

/** Ours: members kept with their values, a power of two, and the longest value in characters. */
const MEMBERS_KEPT = 128;
const VALUE_CHARS_MAX = 256;

interface KeptMember {
  readonly name: string;
  readonly value: string;
  /** Made when the member is met again: in a long list each of them would be made for nothing. */
  text: MemberText | undefined;
}

const keptMembers = new Array<KeptMember | undefined>(MEMBERS_KEPT).fill(undefined);

/** A material's id. 48 secret bytes whose base64 has these digits alone are not to be expected. */
const MATERIAL_ID = /^[0-9a-f]*$/;
const MATERIAL_ID_CHARS = 64;

/**
 * What names keys, materials and algorithms in reply after reply. Nothing secret is kept: outputs
 * hold secrets as base64 alone, which has neither the colon of an ARN nor an algorithm's low line.
 */
function mayBeKept(value: string): boolean {
  if (value.length > VALUE_CHARS_MAX) return false;
  if (value.includes(':') || value.includes('_')) return true;
  return value.length === MATERIAL_ID_CHARS && MATERIAL_ID.test(value);
}

/** A member whose value is a string. */
function stringMember(name: string, value: string, isFirst: boolean): string {
  const { length } = value;
  const ends = length < 2 ? 0 : value.charCodeAt(length - 1) + 7 * value.charCodeAt(length - 2);
  const place = (ends + length + 13 * name.length) & (MEMBERS_KEPT - 1);
  const kept = keptMembers[place];
  const known = kept !== undefined && kept.name === name && kept.value === value;
  if (known && kept.text !== undefined) return isFirst ? kept.text.first : kept.text.next;
  const before = nameText(name);
  const literal = quote(value);
  const text = (isFirst ? before.first : before.next) + literal;
  if (known) {
    kept.text = {
      first: onePiece(before.first + literal),
      next: onePiece(before.next + literal),
    };
  } else if (mayBeKept(value)) {
    keptMembers[place] = { name, value, text: undefined };
  }
  return text;
}

/** Pieces put together once and not again at every use. */
function onePiece(ascii: string): string {
  return Buffer.from(ascii, 'latin1').toString('latin1');
}

/**
 * Writes an operation's output, in ASCII: bytes and Base64Text as base64, Date as epoch seconds,
 * undefined members left out. `undefined` itself (an operation without output shape) gives '', an empty body.
 */
export function encodeOutput(output: unknown): string {
  return output === undefined ? '' : encode(output);
}

function encode(value: unknown): string {
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'object' && value !== null) {
    if (value instanceof Base64Text) return `"${value.text}"`;
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
    const isFirst = text === '';
    if (typeof member === 'string') {
      text += stringMember(name, member, isFirst);
      continue;
    }
    if (member instanceof Base64Text || member instanceof Uint8Array) {
      const before = quotedNameText(name);
      const inside = member instanceof Base64Text ? member.text : base64(member);
      text += `${(isFirst ? before.first : before.next) + inside}"`;
      continue;
    }
    const before = nameText(name);
    text += (isFirst ? before.first : before.next) + encode(member);
  }
  return text === '' ? '{}' : `${text}}`;
}

function base64(bytes: Uint8Array): string {
  const buffer = Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return buffer.toString('base64');
}
