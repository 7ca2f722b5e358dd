/**
 * Ed25519 and Ed25519ph (RFC 8032; FIPS 186-5, 7.6 and 7.8). node's OpenSSL has the first only;
 * @noble/curves has both, for keys of either table. Contexts are empty.
 */
import { createSecretKey, sign, verify } from 'node:crypto';
import { ed25519, ed25519ph } from '@noble/curves/ed25519.js';
import { ALG, STATUS } from '../frame-layout.js';
import { der, OCTETS, pkcs8Of, spkiOf } from './der.js';
import { type GeneratedPair, publicHalf } from './node-crypto.js';
import { JobStatus, type NodeKey } from './node-keys.js';

/** DER of the object identifier (RFC 8410). */
const OID = Buffer.from('06032b6570', 'hex');
const SEED_BYTES = 32;
const PUBLIC_BYTES = 32;
/** Bytes of the digest that AWS KMS takes for Ed25519ph, which hashes it once more. */
const DIGEST_BYTES = 64;

/** Which of @noble's two signs an input of that form. @throws JobStatus BAD_INPUT, UNSUPPORTED */
function variant(alg: number, input: Uint8Array, isDigest: boolean): typeof ed25519 {
  const isPh = alg === ALG.ED25519_PH_SHA_512;
  if (!isPh && alg !== ALG.ED25519_SHA_512) throw new JobStatus(STATUS.UNSUPPORTED);
  if (isPh !== isDigest || (isPh && input.length !== DIGEST_BYTES)) {
    throw new JobStatus(STATUS.BAD_INPUT);
  }
  return isPh ? ed25519ph : ed25519;
}

/** node:crypto, Ed25519 alone. @throws JobStatus BAD_INPUT, UNSUPPORTED */
function requirePure(alg: number, message: Uint8Array): void {
  if (variant(alg, message, false) !== ed25519) throw new JobStatus(STATUS.UNSUPPORTED);
}

export function nodeEd25519Sign(key: NodeKey, alg: number, message: Uint8Array): Buffer {
  requirePure(alg, message);
  if (key.key.type !== 'private') throw new JobStatus(STATUS.BAD_KEY);
  return sign(null, message, key.key);
}

export function nodeEd25519Verify(
  key: NodeKey,
  alg: number,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  requirePure(alg, message);
  return verify(null, message, key.key, signature);
}

/** @throws JobStatus INVALID_CIPHERTEXT */
export function importEd25519Key(spec: number, pkcs8: Buffer): NodeKey {
  const again = encodePkcs8(pkcs8.subarray(pkcs8.length - SEED_BYTES));
  const same = again.equals(pkcs8);
  again.fill(0);
  if (!same) throw new JobStatus(STATUS.INVALID_CIPHERTEXT);
  return { spec, key: createSecretKey(pkcs8), form: 'pkcs8' };
}

/** @throws JobStatus BAD_PEER_KEY */
export function importEd25519PublicKey(spec: number, spki: Buffer): NodeKey {
  const point = spki.subarray(spki.length - PUBLIC_BYTES);
  if (point.length !== PUBLIC_BYTES || !spkiOf(OID, point).equals(spki)) {
    throw new JobStatus(STATUS.BAD_PEER_KEY);
  }
  return { spec, key: createSecretKey(spki), form: 'spki' };
}

export function generateEd25519Pair(): GeneratedPair {
  const { secretKey, publicKey } = ed25519.keygen();
  const pair = { pkcs8: encodePkcs8(secretKey), spki: spkiOf(OID, publicKey) };
  secretKey.fill(0);
  return pair;
}

/** See Primitives.foreignPair. @throws JobStatus BAD_INPUT */
export function foreignEd25519Pair(pkcs8: Buffer): GeneratedPair {
  const seed = pkcs8.subarray(pkcs8.length - SEED_BYTES);
  const own = encodePkcs8(seed);
  if (!own.equals(pkcs8)) {
    own.fill(0);
    throw new JobStatus(STATUS.BAD_INPUT);
  }
  return { pkcs8: own, spki: spkiOf(OID, ed25519.getPublicKey(seed)) };
}

function encodePkcs8(seed: Uint8Array): Buffer {
  return pkcs8Of(OID, der(OCTETS, seed));
}

/** Runs `use` with the seed, then wipes it. @throws JobStatus BAD_KEY */
function withSeed<T>(key: NodeKey, use: (seed: Buffer) => T): T {
  if (key.form === 'spki' || key.key.type === 'public') throw new JobStatus(STATUS.BAD_KEY);
  const pkcs8 =
    key.form === 'pkcs8'
      ? (key.key.export() as Buffer)
      : (key.key.export({ format: 'der', type: 'pkcs8' }) as Buffer);
  try {
    return use(pkcs8.subarray(pkcs8.length - SEED_BYTES));
  } finally {
    pkcs8.fill(0);
  }
}

function publicOf(key: NodeKey): Uint8Array {
  if (key.form === 'pkcs8') return withSeed(key, (seed) => ed25519.getPublicKey(seed));
  const spki =
    key.form === 'spki'
      ? (key.key.export() as Buffer)
      : (publicHalf(key).export({ format: 'der', type: 'spki' }) as Buffer);
  return spki.subarray(spki.length - PUBLIC_BYTES);
}

/** @noble. @throws JobStatus BAD_INPUT when the algorithm takes another form */
export function nobleEd25519Sign(
  key: NodeKey,
  alg: number,
  input: Uint8Array,
  isDigest: boolean,
): Buffer {
  const curve = variant(alg, input, isDigest);
  return withSeed(key, (seed) => Buffer.from(curve.sign(input, seed)));
}

/** @noble. @throws JobStatus BAD_INPUT when the algorithm takes another form */
export function nobleEd25519Verify(
  key: NodeKey,
  alg: number,
  input: Uint8Array,
  isDigest: boolean,
  signature: Uint8Array,
): boolean {
  const curve = variant(alg, input, isDigest);
  try {
    // Not ZIP 215, which takes encodings of points that RFC 8032 refuses.
    return curve.verify(signature, input, publicOf(key), { zip215: false });
  } catch {
    return false; // Not 64 bytes, or a point that is none.
  }
}
