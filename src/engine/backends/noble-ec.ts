/**
 * Elliptic curves over @noble/curves. A key of this table is a secret KeyObject that holds its DER
 * (PKCS#8 or SPKI), because an OpenSSL that lacks the curve can hold it in no other way.
 *
 * JavaScript arithmetic is not constant time: this table runs only what nothing else can.
 */
import { createSecretKey } from 'node:crypto';
import { p256, p384, p521 } from '@noble/curves/nist.js';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { SPEC, STATUS } from '../frame-layout.js';
import { BITS, der, OCTETS, pkcs8Of, SEQUENCE, spkiOf } from './der.js';
import type { GeneratedPair } from './node-crypto.js';
import { JobStatus, type NodeKey } from './node-keys.js';
import { SM2_OID, sm2 } from './sm2-curve.js';

export interface CurveRow {
  readonly curve: typeof p256;
  /** DER of the curve's object identifier. */
  readonly oid: Buffer;
  /** Bytes of a field element and of a scalar. */
  readonly size: number;
}

const row = (curve: typeof p256, oid: string, size: number): CurveRow => ({
  curve,
  oid: Buffer.from(oid, 'hex'),
  size,
});

const CURVES = new Map<number, CurveRow>([
  [SPEC.ECC_NIST_P256, row(p256, '06082a8648ce3d030107', 32)],
  [SPEC.ECC_NIST_P384, row(p384, '06052b81040022', 48)],
  [SPEC.ECC_NIST_P521, row(p521, '06052b81040023', 66)],
  [SPEC.ECC_SECG_P256K1, row(secp256k1, '06052b8104000a', 32)],
  [SPEC.SM2, row(sm2, SM2_OID, 32)],
]);

/** DER of the object identifier id-ecPublicKey (RFC 5480). */
export const EC_PUBLIC_KEY = Buffer.from('06072a8648ce3d0201', 'hex');
const VERSION_1 = Buffer.from('020101', 'hex');
const PUBLIC_KEY = 0xa1;

export function curveRow(spec: number): CurveRow | undefined {
  return CURVES.get(spec);
}

function algorithm(of: CurveRow): Buffer {
  return Buffer.concat([EC_PUBLIC_KEY, of.oid]);
}

function encodeSpki(of: CurveRow, point: Uint8Array): Buffer {
  return spkiOf(algorithm(of), point);
}

function encodePkcs8(of: CurveRow, scalar: Uint8Array, point: Uint8Array): Buffer {
  const publicKey = der(PUBLIC_KEY, der(BITS, Buffer.alloc(1), point));
  return pkcs8Of(algorithm(of), der(SEQUENCE, VERSION_1, der(OCTETS, scalar), publicKey));
}

/** The pair of a private scalar, big-endian, in the form that all backends make. */
export function pairOfScalar(of: CurveRow, scalar: Uint8Array): GeneratedPair {
  const point = of.curve.getPublicKey(scalar, false);
  return { pkcs8: encodePkcs8(of, scalar, point), spki: encodeSpki(of, point) };
}

/** The point of an SPKI in its one DER form. @throws JobStatus BAD_PEER_KEY */
function pointOf(of: CurveRow, spki: Buffer): Buffer {
  const point = spki.subarray(spki.length - 2 * of.size - 1);
  if (point[0] !== 4 || !encodeSpki(of, point).equals(spki)) {
    throw new JobStatus(STATUS.BAD_PEER_KEY);
  }
  try {
    of.curve.Point.fromBytes(point).assertValidity();
  } catch {
    throw new JobStatus(STATUS.BAD_PEER_KEY);
  }
  return point;
}

/** Where the scalar begins in this curve's PKCS#8 with its public key: the form that all make. */
function scalarAt(of: CurveRow): { readonly start: number; readonly length: number } {
  const sample = encodePkcs8(of, Buffer.alloc(of.size), Buffer.alloc(2 * of.size + 1));
  const tail = der(PUBLIC_KEY, der(BITS, Buffer.alloc(1), Buffer.alloc(2 * of.size + 1)));
  return { start: sample.length - tail.length - of.size, length: sample.length };
}

/** @throws JobStatus INVALID_CIPHERTEXT */
function scalarOf(of: CurveRow, pkcs8: Buffer): Buffer {
  const { start, length } = scalarAt(of);
  const scalar = pkcs8.subarray(start, start + of.size);
  if (pkcs8.length !== length || !of.curve.utils.isValidSecretKey(scalar)) {
    throw new JobStatus(STATUS.INVALID_CIPHERTEXT);
  }
  if (!encodePkcs8(of, scalar, of.curve.getPublicKey(scalar, false)).equals(pkcs8)) {
    throw new JobStatus(STATUS.INVALID_CIPHERTEXT);
  }
  return scalar;
}

export function importEcKey(spec: number, of: CurveRow, pkcs8: Buffer): NodeKey {
  scalarOf(of, pkcs8);
  return { spec, key: createSecretKey(pkcs8), form: 'pkcs8' };
}

export function importEcPublicKey(spec: number, of: CurveRow, spki: Buffer): NodeKey {
  pointOf(of, spki);
  return { spec, key: createSecretKey(spki), form: 'spki' };
}

export function generateEcPair(of: CurveRow): GeneratedPair {
  const scalar = of.curve.utils.randomSecretKey();
  const pair = pairOfScalar(of, scalar);
  scalar.fill(0);
  return pair;
}

/** Runs `use` with the private scalar, then wipes it. @throws JobStatus BAD_KEY */
export function withScalar<T>(key: NodeKey, of: CurveRow, use: (scalar: Buffer) => T): T {
  if (key.form === 'spki') throw new JobStatus(STATUS.BAD_KEY);
  const pkcs8 = key.key.export() as Buffer;
  const { start } = scalarAt(of);
  try {
    return use(pkcs8.subarray(start, start + of.size));
  } finally {
    pkcs8.fill(0);
  }
}

/** The point of a private or public key: 04 | x | y. */
export function publicPointOf(key: NodeKey, of: CurveRow): Uint8Array {
  return key.form === 'spki'
    ? pointOf(of, key.key.export())
    : withScalar(key, of, (scalar) => of.curve.getPublicKey(scalar, false));
}

const ECDSA = { prehash: false, lowS: false, format: 'der' } as const;

export function ecSign(key: NodeKey, of: CurveRow, digest: Uint8Array): Buffer {
  return withScalar(key, of, (scalar) =>
    Buffer.from(of.curve.sign(digest, scalar, { ...ECDSA, extraEntropy: true })),
  );
}

export function ecVerify(
  key: NodeKey,
  of: CurveRow,
  digest: Uint8Array,
  signature: Uint8Array,
): boolean {
  try {
    return of.curve.verify(signature, digest, publicPointOf(key, of), ECDSA);
  } catch {
    return false; // Not DER: no valid signature.
  }
}

export function ecAgree(key: NodeKey, of: CurveRow, spki: Buffer): Buffer {
  const point = pointOf(of, spki);
  return withScalar(key, of, (scalar) =>
    Buffer.from(of.curve.getSharedSecret(scalar, point).subarray(1, 1 + of.size)),
  );
}
