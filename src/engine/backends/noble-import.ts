/**
 * Foreign key material over @noble: RFC 5649 by @noble/ciphers, and EC private keys (RFC 5208,
 * RFC 5915) read here, because an OpenSSL that lacks the curve reads none.
 */
import { aeskwp } from '@noble/ciphers/aes.js';
import { STATUS } from '../frame-layout.js';
import { BITS, INTEGER, OCTETS, SEQUENCE } from './der.js';
import { DerReader } from './der-reader.js';
import { type CurveRow, EC_PUBLIC_KEY, pairOfScalar } from './noble-ec.js';
import type { GeneratedPair } from './node-crypto.js';
import { JobStatus } from './node-keys.js';

const PARAMETERS = 0xa0;
const PUBLIC_KEY = 0xa1;

/** @throws JobStatus INVALID_CIPHERTEXT */
export function unwrapPadded(kek: Buffer, wrapped: Buffer): Buffer {
  try {
    return Buffer.from(aeskwp(kek).decrypt(wrapped));
  } catch {
    throw new JobStatus(STATUS.INVALID_CIPHERTEXT);
  }
}

function bad(): JobStatus {
  return new JobStatus(STATUS.BAD_INPUT);
}

/** The pair of an EC private key in DER PKCS#8. @throws JobStatus BAD_INPUT */
export function foreignEcPair(of: CurveRow, pkcs8: Buffer): GeneratedPair {
  const file = new DerReader(pkcs8);
  const info = new DerReader(file.read(SEQUENCE));
  if (!file.ended || !isNumber(info.read(INTEGER), 0, 1)) throw bad();
  if (!info.read(SEQUENCE).equals(Buffer.concat([EC_PUBLIC_KEY, of.oid]))) throw bad();
  const outer = new DerReader(info.read(OCTETS));
  const key = new DerReader(outer.read(SEQUENCE));
  if (!outer.ended || !isNumber(key.read(INTEGER), 1)) throw bad();
  const scalar = key.read(OCTETS);
  const parameters = key.find(PARAMETERS);
  const publicKey = key.find(PUBLIC_KEY);
  if (!key.ended || scalar.length !== of.size || !of.curve.utils.isValidSecretKey(scalar)) {
    throw bad();
  }
  if (parameters !== undefined && !parameters.equals(of.oid)) throw bad();
  const pair = pairOfScalar(of, scalar);
  if (publicKey !== undefined && !isPoint(of, pair, new DerReader(publicKey).read(BITS))) {
    throw bad();
  }
  return pair;
}

function isNumber(content: Buffer, ...allowed: readonly number[]): boolean {
  return content.length === 1 && allowed.includes(content[0]!);
}

/** True when a BIT STRING holds the pair's point, compressed or not. */
function isPoint(of: CurveRow, pair: GeneratedPair, bits: Buffer): boolean {
  if (bits[0] !== 0) return false;
  try {
    const point = of.curve.Point.fromBytes(bits.subarray(1)).toBytes(false);
    return pair.spki.subarray(pair.spki.length - point.length).equals(point);
  } catch {
    return false;
  }
}
