/**
 * Opens key material that was made elsewhere and encrypted for one of our RSA or SM2 keys; what the native
 * backend does in native/src/frame/import_jobs.rs. Sources: RFC 8017 (OAEP), RFC 5649 (AES key wrap
 * with padding), PKCS #11 CKM_RSA_AES_KEY_WRAP (their combination), RFC 5208 (PKCS#8).
 *
 * What cannot be opened has one status, whatever is wrong with it; a status of its own for material
 * that is no key of the spec tells only those who could encrypt it what they encrypted.
 */
import {
  checkPrimeSync,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
} from 'node:crypto';
import { ALG, SPEC, STATUS } from '../frame-layout.js';
import { curveRow, pairOfScalar } from './noble-ec.js';
import type { GeneratedPair } from './node-crypto.js';
import { curveOf, JobStatus, type NodeKey, rsaBits, secretBytes } from './node-keys.js';
import type { PrimitiveChoice } from './primitive-choice.js';

/** Bytes of the AES key of RSA_AES_KEY_WRAP_*. */
const KEK_BYTES = 32;
/** RFC 5649, section 3: what an alternative initial value begins with. */
const PADDED_IV = Buffer.from('a65959a6', 'hex');
/** RFC 5649: one block of AES. */
const WRAPPED_BYTES_MIN = 16;
const E = 65537n;

/** By wrapping algorithm: the OAEP that opens it, and whether an AES key stands between. */
const OPENING = new Map<number, { readonly oaep: number; readonly hybrid: boolean }>([
  [ALG.RSAES_OAEP_SHA_1, { oaep: ALG.RSAES_OAEP_SHA_1, hybrid: false }],
  [ALG.RSAES_OAEP_SHA_256, { oaep: ALG.RSAES_OAEP_SHA_256, hybrid: false }],
  [ALG.RSA_AES_KEY_WRAP_SHA_1, { oaep: ALG.RSAES_OAEP_SHA_1, hybrid: true }],
  [ALG.RSA_AES_KEY_WRAP_SHA_256, { oaep: ALG.RSAES_OAEP_SHA_256, hybrid: true }],
]);

interface ImportJob {
  /** Spec of the material. */
  readonly alg: number;
  /** Wrapping algorithm. */
  readonly param: number;
  readonly in0: Buffer;
}

/**
 * The material of an IMPORT_KEY job in the form that is wrapped and named.
 * @throws JobStatus INVALID_CIPHERTEXT, BAD_INPUT, BAD_KEY, UNSUPPORTED
 */
export function openMaterial(job: ImportJob, key: NodeKey, choice: PrimitiveChoice): GeneratedPair {
  const plaintext = open(job, key, choice);
  try {
    const length = secretBytes(job.alg);
    if (length === undefined)
      return primitivesOf(choice, job.alg, 0).foreignPair(job.alg, plaintext);
    if (plaintext.length !== length) throw new JobStatus(STATUS.BAD_INPUT);
    return { pkcs8: Buffer.from(plaintext), spki: Buffer.alloc(0) };
  } finally {
    plaintext.fill(0);
  }
}

function primitivesOf(choice: PrimitiveChoice, spec: number, alg: number) {
  const primitives = choice.of(spec, alg);
  if (primitives === undefined) throw new JobStatus(STATUS.UNSUPPORTED);
  return primitives;
}

function open(job: ImportJob, key: NodeKey, choice: PrimitiveChoice): Buffer {
  if (key.spec === SPEC.SM2) {
    if (job.param !== ALG.SM2PKE) throw new JobStatus(STATUS.UNSUPPORTED);
    return primitivesOf(choice, key.spec, ALG.SM2PKE).rsaDecrypt(key, ALG.SM2PKE, job.in0);
  }
  const opening = OPENING.get(job.param);
  const bits = rsaBits(key.spec);
  if (bits === undefined) throw new JobStatus(STATUS.BAD_KEY);
  if (opening === undefined) throw new JobStatus(STATUS.UNSUPPORTED);
  const primitives = primitivesOf(choice, key.spec, opening.oaep);
  if (!opening.hybrid) return primitives.rsaDecrypt(key, opening.oaep, job.in0);
  const size = bits / 8;
  const kek = primitives.rsaDecrypt(key, opening.oaep, job.in0.subarray(0, size));
  try {
    if (kek.length !== KEK_BYTES) throw new JobStatus(STATUS.INVALID_CIPHERTEXT);
    return primitives.unwrapPadded(kek, job.in0.subarray(size));
  } finally {
    kek.fill(0);
  }
}

/** @throws JobStatus INVALID_CIPHERTEXT */
export function unwrapPadded(kek: Buffer, wrapped: Buffer): Buffer {
  // OpenSSL makes nothing out of nothing.
  if (wrapped.length < WRAPPED_BYTES_MIN) throw new JobStatus(STATUS.INVALID_CIPHERTEXT);
  try {
    const cipher = createDecipheriv('id-aes256-wrap-pad', kek, PADDED_IV);
    const first = cipher.update(wrapped);
    const plaintext = Buffer.concat([first, cipher.final()]);
    first.fill(0);
    return plaintext;
  } catch {
    throw new JobStatus(STATUS.INVALID_CIPHERTEXT);
  }
}

/** See Primitives.foreignPair. */
export function foreignPair(spec: number, pkcs8: Buffer): GeneratedPair {
  // OpenSSL ignores bytes after the key.
  if (derLength(pkcs8) !== pkcs8.length) throw new JobStatus(STATUS.BAD_INPUT);
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
  } catch {
    throw new JobStatus(STATUS.BAD_INPUT);
  }
  if (rsaBits(spec) !== undefined) return rsaPair(spec, key);
  if (key.asymmetricKeyType !== 'ec' || key.asymmetricKeyDetails?.namedCurve !== curveOf(spec)) {
    throw new JobStatus(STATUS.BAD_INPUT);
  }
  return ecPair(spec, key);
}

/** Bytes of the DER value that `bytes` begin with; lengths below 65,536. */
function derLength(bytes: Buffer): number {
  const first = bytes[1] ?? 0;
  const extra = first < 0x80 ? 0 : first - 0x80;
  if (extra === 0) return 2 + first;
  return extra > 2 || bytes.length < 2 + extra ? -1 : 2 + extra + bytes.readUIntBE(2, extra);
}

/** The public key that comes along must be that of the scalar: OpenSSL does not look at that. */
function ecPair(spec: number, key: KeyObject): GeneratedPair {
  const { d, x, y } = key.export({ format: 'jwk' });
  const scalar = Buffer.from(d as string, 'base64url');
  try {
    const pair = pairOfScalar(curveRow(spec)!, scalar);
    const point = Buffer.concat([bytesOf(x), bytesOf(y)]);
    if (pair.spki.subarray(pair.spki.length - point.length).equals(point)) return pair;
  } catch {
    // A scalar of zero, or not below the order.
  } finally {
    scalar.fill(0);
  }
  throw new JobStatus(STATUS.BAD_INPUT);
}

function bytesOf(part: string | undefined): Buffer {
  return Buffer.from(part ?? '', 'base64url');
}

function numberOf(part: string | undefined): bigint {
  return BigInt(`0x0${bytesOf(part).toString('hex')}`);
}

/** Modulus, exponent and every private number must belong together, as FIPS 186-5 wants them. */
function rsaPair(spec: number, key: KeyObject): GeneratedPair {
  const bits = rsaBits(spec)!;
  if (key.asymmetricKeyType !== 'rsa' || key.asymmetricKeyDetails?.modulusLength !== bits) {
    throw new JobStatus(STATUS.BAD_INPUT);
  }
  const jwk = key.export({ format: 'jwk' });
  const [n, e, d, p, q, dp, dq, qi] = [
    jwk.n,
    jwk.e,
    jwk.d,
    jwk.p,
    jwk.q,
    jwk.dp,
    jwk.dq,
    jwk.qi,
  ].map(numberOf) as [bigint, bigint, bigint, bigint, bigint, bigint, bigint, bigint];
  const half = BigInt(bits / 2 - 1);
  const sound =
    e === E &&
    p >> half === 1n &&
    q >> half === 1n &&
    p * q === n &&
    d < n &&
    (d * e) % (p - 1n) === 1n &&
    (d * e) % (q - 1n) === 1n &&
    dp === d % (p - 1n) &&
    dq === d % (q - 1n) &&
    qi < p &&
    (qi * q) % p === 1n &&
    p !== q &&
    checkPrimeSync(p) &&
    checkPrimeSync(q);
  if (!sound) throw new JobStatus(STATUS.BAD_INPUT);
  return {
    pkcs8: key.export({ format: 'der', type: 'pkcs8' }),
    spki: createPublicKey(key).export({ format: 'der', type: 'spki' }),
  };
}
