/**
 * SM2DSA and SM2PKE (GM/T 0003.2 and 0003.4; draft-shen-sm2-ecdsa-02) over @noble/curves, with the SM3
 * of node's OpenSSL. Signatures and ciphertexts are DER, the latter as in GM/T 0009:
 * SEQUENCE { INTEGER x1, INTEGER y1, OCTET STRING C3, OCTET STRING C2 }.
 *
 * JavaScript arithmetic is not constant time: this runs where the addon does not.
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { ALG, STATUS } from '../frame-layout.js';
import { der, INTEGER, OCTETS, SEQUENCE } from './der.js';
import { DerReader } from './der-reader.js';
import { curveRow, publicPointOf, withScalar } from './noble-ec.js';
import { foreignEcPair } from './noble-import.js';
import type { GeneratedPair } from './node-crypto.js';
import { JobStatus, type NodeKey } from './node-keys.js';
import { sm2 } from './sm2-curve.js';

const { Point } = sm2;
const { Fn } = Point;
const { p: P, a: A, b: B, Gx, Gy } = Point.CURVE();
type Point = InstanceType<typeof Point>;

const BYTES = 32;
/** The distinguishing id of the signer where none is agreed on: its bits, then its characters. */
const SIGNER = Buffer.from('\0\x801234567812345678', 'latin1');
/** What a ciphertext of 6,144 bytes may hold. */
const PLAINTEXT_BYTES_MAX = 6144;

const sm3 = (...parts: readonly Uint8Array[]): Buffer => {
  const hash = createHash('sm3');
  for (const part of parts) hash.update(part);
  return hash.digest();
};

function toBytes(value: bigint): Buffer {
  return Buffer.from(value.toString(16).padStart(2 * BYTES, '0'), 'hex');
}

function toNumber(bytes: Uint8Array): bigint {
  return BigInt(`0x0${Buffer.from(bytes).toString('hex')}`);
}

const CURVE_BYTES = Buffer.concat([A, B, Gx, Gy].map(toBytes));

function rowOf({ spec }: NodeKey) {
  return curveRow(spec)!;
}

/** See Primitives.foreignPair: the scalar n-1, which other curves take, is none of SM2. */
export function foreignSm2Pair(spec: number, pkcs8: Buffer): GeneratedPair {
  const pair = foreignEcPair(curveRow(spec)!, pkcs8);
  const point = Point.fromBytes(pair.spki.subarray(pair.spki.length - 2 * BYTES - 1));
  if (point.equals(Point.BASE.negate())) throw new JobStatus(STATUS.BAD_INPUT);
  return pair;
}

/** The digest, as a number: of ZA and the message, or given. @throws JobStatus BAD_INPUT, UNSUPPORTED */
function digestOf(key: NodeKey, alg: number, input: Uint8Array, isDigest: boolean): bigint {
  if (alg !== ALG.SM2DSA) throw new JobStatus(STATUS.UNSUPPORTED);
  if (isDigest) {
    if (input.length !== BYTES) throw new JobStatus(STATUS.BAD_INPUT);
    return toNumber(input);
  }
  const point = publicPointOf(key, rowOf(key)).subarray(1);
  return toNumber(sm3(sm3(SIGNER, CURVE_BYTES, point), input));
}

/** A nonce of key, digest and fresh randomness, as uniform as 512 bits make it. */
function nonceOf(scalar: Uint8Array, digest: bigint): bigint {
  const mac = createHmac('sha512', scalar).update(toBytes(digest)).update(randomBytes(64)).digest();
  const nonce = Fn.create(toNumber(mac));
  mac.fill(0);
  return nonce === 0n ? nonceOf(scalar, digest) : nonce;
}

function derInteger(value: bigint): Buffer {
  const hex = value.toString(16);
  const bytes = Buffer.from(hex.padStart(hex.length + (hex.length & 1), '0'), 'hex');
  return bytes[0]! < 0x80 ? der(INTEGER, bytes) : der(INTEGER, Buffer.alloc(1), bytes);
}

/** An INTEGER that is not negative, in its one encoding. @throws JobStatus BAD_INPUT */
function readInteger(reader: DerReader): bigint {
  const content = reader.read(INTEGER);
  const value = toNumber(content);
  if (!derInteger(value).subarray(2).equals(content)) throw new JobStatus(STATUS.BAD_INPUT);
  return value;
}

export function sm2Sign(key: NodeKey, alg: number, input: Uint8Array, isDigest: boolean): Buffer {
  const e = digestOf(key, alg, input, isDigest);
  return withScalar(key, rowOf(key), (bytes) => {
    const d = toNumber(bytes);
    for (;;) {
      const k = nonceOf(bytes, e);
      const r = Fn.create(e + Point.BASE.multiply(k).toAffine().x);
      const s = Fn.mul(Fn.inv(Fn.create(1n + d)), Fn.create(k - r * d));
      if (r === 0n || s === 0n || Fn.create(r + k) === 0n) continue;
      return der(SEQUENCE, derInteger(r), derInteger(s));
    }
  });
}

export function sm2Verify(
  key: NodeKey,
  alg: number,
  input: Uint8Array,
  isDigest: boolean,
  signature: Buffer,
): boolean {
  const e = digestOf(key, alg, input, isDigest);
  let r: bigint;
  let s: bigint;
  try {
    const file = new DerReader(signature);
    const body = new DerReader(file.read(SEQUENCE));
    [r, s] = [readInteger(body), readInteger(body)];
    if (!file.ended || !body.ended) return false;
  } catch {
    return false; // Not DER: no valid signature.
  }
  if (!Fn.isValidNot0(r) || !Fn.isValidNot0(s)) return false;
  const t = Fn.create(r + s);
  if (t === 0n) return false;
  const own = Point.fromBytes(publicPointOf(key, rowOf(key)));
  const point = Point.BASE.multiplyUnsafe(s).add(own.multiplyUnsafe(t));
  return !point.is0() && Fn.create(e + point.toAffine().x) === r;
}

/** x2 | y2, which both sides know. */
function shared(point: Point, scalar: bigint): Buffer {
  return Buffer.from(point.multiply(scalar).toBytes(false).subarray(1));
}

/** `text` under the key stream of the shared point. */
function masked(secret: Buffer, text: Uint8Array): Buffer {
  const out = Buffer.alloc(text.length);
  const counter = Buffer.alloc(4);
  for (let at = 0; at < text.length; at += BYTES) {
    counter.writeUInt32BE(at / BYTES + 1);
    const mask = sm3(secret, counter);
    for (let i = at; i < Math.min(at + BYTES, text.length); i += 1) {
      out[i] = text[i]! ^ mask[i - at]!;
    }
    mask.fill(0);
  }
  return out;
}

/** C3. */
function check(secret: Buffer, plaintext: Uint8Array): Buffer {
  return sm3(secret.subarray(0, BYTES), plaintext, secret.subarray(BYTES));
}

function requirePke(alg: number): void {
  if (alg !== ALG.SM2PKE) throw new JobStatus(STATUS.UNSUPPORTED);
}

/** @throws JobStatus BAD_INPUT for an empty plaintext, or one that is too long */
export function sm2Encrypt(key: NodeKey, alg: number, plaintext: Uint8Array): Buffer {
  requirePke(alg);
  if (plaintext.length === 0 || plaintext.length > PLAINTEXT_BYTES_MAX) {
    throw new JobStatus(STATUS.BAD_INPUT);
  }
  const own = Point.fromBytes(publicPointOf(key, rowOf(key)));
  for (;;) {
    const k = toNumber(sm2.utils.randomSecretKey());
    const secret = shared(own, k);
    const text = masked(secret, plaintext);
    // A key stream of zeros: one in 256 where the plaintext is a single byte.
    if (text.equals(plaintext)) continue;
    const { x, y } = Point.BASE.multiply(k).toAffine();
    const hash = check(secret, plaintext);
    secret.fill(0);
    return der(SEQUENCE, derInteger(x), derInteger(y), der(OCTETS, hash), der(OCTETS, text));
  }
}

/** @throws JobStatus BAD_INPUT */
function readCiphertext(ciphertext: Buffer): { point: Point; hash: Buffer; text: Buffer } {
  const file = new DerReader(ciphertext);
  const body = new DerReader(file.read(SEQUENCE));
  const [x, y] = [readInteger(body), readInteger(body)];
  const [hash, text] = [body.read(OCTETS), body.read(OCTETS)];
  const whole = file.ended && body.ended && hash.length === BYTES;
  if (!whole || text.length === 0 || text.length > PLAINTEXT_BYTES_MAX || x >= P || y >= P) {
    throw new JobStatus(STATUS.BAD_INPUT);
  }
  const point = Point.fromAffine({ x, y });
  point.assertValidity();
  return { point, hash, text };
}

/** @throws JobStatus INVALID_CIPHERTEXT, whatever is wrong */
export function sm2Decrypt(key: NodeKey, alg: number, ciphertext: Uint8Array): Buffer {
  requirePke(alg);
  return withScalar(key, rowOf(key), (scalar) => {
    let plaintext: Buffer | undefined;
    try {
      const { point, hash, text } = readCiphertext(Buffer.from(ciphertext));
      const secret = shared(point, toNumber(scalar));
      plaintext = masked(secret, text);
      const good = timingSafeEqual(check(secret, plaintext), hash);
      secret.fill(0);
      if (good) return plaintext;
    } catch {
      // Not DER, or no point of the curve.
    }
    plaintext?.fill(0);
    throw new JobStatus(STATUS.INVALID_CIPHERTEXT);
  });
}
