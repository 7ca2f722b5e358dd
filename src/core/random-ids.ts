/**
 * Random UUIDs (RFC 9562, version 4) for request and event ids, made by the dozen.
 *
 * A request needs two. crypto.randomUUID puts each together from twenty pieces; here a pool of them
 * is written as bytes and cut from one text. The bytes are those of the system's generator, and
 * none is used twice. These ids name things; nothing secret rests on them.
 */
import { randomFillSync } from 'node:crypto';

const POOL = 512;
const RANDOM_BYTES = 16;
const CHARS = 36;
const HYPHEN = 0x2d;
/** By byte: its two hexadecimal digits. */
const HIGH = Uint8Array.from({ length: 256 }, (_, byte) => digit(byte >> 4));
const LOW = Uint8Array.from({ length: 256 }, (_, byte) => digit(byte & 15));

const random = new Uint8Array(POOL * RANDOM_BYTES);
const chars = Buffer.alloc(POOL * CHARS, HYPHEN);
let text = '';
let next = POOL;

function digit(value: number): number {
  return value.toString(16).charCodeAt(0);
}

/** Writes the digits of all ids; the hyphens between them stand already. */
function writeIds(bytes: Uint8Array, target: Uint8Array, high: Uint8Array, low: Uint8Array): void {
  for (let i = 0, at = 0; i < bytes.length; i++) {
    const place = i & (RANDOM_BYTES - 1);
    let byte = bytes[i]!;
    if (place === 6) byte = (byte & 0x0f) | 0x40;
    else if (place === 8) byte = (byte & 0x3f) | 0x80;
    target[at] = high[byte]!;
    target[at + 1] = low[byte]!;
    at += place === 3 || place === 5 || place === 7 || place === 9 ? 3 : 2;
  }
}

function refill(): void {
  randomFillSync(random);
  writeIds(random, chars, HIGH, LOW);
  text = chars.toString('latin1');
  next = 0;
}

declare const made: unique symbol;
/** An id of ours: its characters stand for themselves wherever it is written. */
export type RandomId = string & { readonly [made]: true };

/** A random UUID, 36 characters in lower case. */
export function randomId(): RandomId {
  if (next === POOL) refill();
  const at = next++ * CHARS;
  return text.slice(at, at + CHARS) as RandomId;
}
