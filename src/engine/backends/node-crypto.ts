/**
 * The primitives of the node backend over node:crypto; formats as in frame-layout.ts.
 * Sources: SP 800-108 (KDF), SP 800-38D (GCM), FIPS 198-1, RFC 8017, FIPS 186-5, SP 800-56A.
 */
import {
  constants,
  createCipheriv,
  createDecipheriv,
  createHmac,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
  privateDecrypt,
  publicEncrypt,
  randomBytes,
  sign,
  verify,
} from 'node:crypto';
import { ALG, KDF_LABEL, SEAL_OVERHEAD_BYTES, SPEC, STATUS } from '../frame-layout.js';
import { curveOf, JobStatus, type NodeKey, rsaBits } from './node-keys.js';

const NONCE = 16;
const IV = 12;
const TAG = 16;
const KDF_PREFIX = Buffer.concat([Buffer.from([0, 0, 0, 1]), Buffer.from(`${KDF_LABEL}\0`)]);
const KDF_SUFFIX = Buffer.from([0, 0, 1, 0]);

function derive(key: KeyObject, nonce: Uint8Array): Buffer {
  return createHmac('sha256', key).update(KDF_PREFIX).update(nonce).update(KDF_SUFFIX).digest();
}

/** header | nonce | IV | ciphertext | tag */
export function seal(
  key: NodeKey,
  header: Uint8Array,
  context: Uint8Array,
  plaintext: Uint8Array,
): Buffer {
  const fresh = randomBytes(NONCE + IV);
  const derived = derive(key.key, fresh.subarray(0, NONCE));
  const cipher = createCipheriv('aes-256-gcm', derived, fresh.subarray(NONCE));
  derived.fill(0);
  cipher.setAAD(header);
  cipher.setAAD(context);
  const body = cipher.update(plaintext);
  cipher.final();
  return Buffer.concat([header, fresh, body, cipher.getAuthTag()]);
}

/** @throws JobStatus INVALID_CIPHERTEXT */
export function open(key: NodeKey, header: Uint8Array, context: Uint8Array, blob: Buffer): Buffer {
  const sealed = blob.subarray(header.length);
  if (sealed.length < SEAL_OVERHEAD_BYTES || !blob.subarray(0, header.length).equals(header)) {
    throw new JobStatus(STATUS.INVALID_CIPHERTEXT);
  }
  const derived = derive(key.key, sealed.subarray(0, NONCE));
  const decipher = createDecipheriv('aes-256-gcm', derived, sealed.subarray(NONCE, NONCE + IV));
  derived.fill(0);
  decipher.setAAD(header);
  decipher.setAAD(context);
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG));
  const plaintext = decipher.update(sealed.subarray(NONCE + IV, sealed.length - TAG));
  try {
    decipher.final();
  } catch {
    plaintext.fill(0);
    throw new JobStatus(STATUS.INVALID_CIPHERTEXT);
  }
  return plaintext;
}

const MAC_HASH = new Map<number, string>([
  [SPEC.HMAC_224, 'sha224'],
  [SPEC.HMAC_256, 'sha256'],
  [SPEC.HMAC_384, 'sha384'],
  [SPEC.HMAC_512, 'sha512'],
]);

/** @throws JobStatus BAD_KEY when the key is no HMAC key */
export function mac(key: NodeKey, message: Uint8Array): Buffer {
  const hash = MAC_HASH.get(key.spec);
  if (hash === undefined) throw new JobStatus(STATUS.BAD_KEY);
  return createHmac(hash, key.key).update(message).digest();
}

interface SigningRow {
  readonly hash: 'sha256' | 'sha384' | 'sha512';
  readonly padding: 'pkcs1' | 'pss' | 'ecdsa';
}

const SIGNING = new Map<number, SigningRow>([
  [ALG.RSASSA_PKCS1_V1_5_SHA_256, { hash: 'sha256', padding: 'pkcs1' }],
  [ALG.RSASSA_PKCS1_V1_5_SHA_384, { hash: 'sha384', padding: 'pkcs1' }],
  [ALG.RSASSA_PKCS1_V1_5_SHA_512, { hash: 'sha512', padding: 'pkcs1' }],
  [ALG.RSASSA_PSS_SHA_256, { hash: 'sha256', padding: 'pss' }],
  [ALG.RSASSA_PSS_SHA_384, { hash: 'sha384', padding: 'pss' }],
  [ALG.RSASSA_PSS_SHA_512, { hash: 'sha512', padding: 'pss' }],
  [ALG.ECDSA_SHA_256, { hash: 'sha256', padding: 'ecdsa' }],
  [ALG.ECDSA_SHA_384, { hash: 'sha384', padding: 'ecdsa' }],
  [ALG.ECDSA_SHA_512, { hash: 'sha512', padding: 'ecdsa' }],
]);

const DIGEST_BYTES = { sha256: 32, sha384: 48, sha512: 64 } as const;
const ECDSA_HASH = new Map<number, string>([
  [SPEC.ECC_NIST_P256, 'sha256'],
  [SPEC.ECC_NIST_P384, 'sha384'],
  [SPEC.ECC_NIST_P521, 'sha512'],
  [SPEC.ECC_SECG_P256K1, 'sha256'],
]);

export function signingRow(key: NodeKey, alg: number): SigningRow {
  const row = SIGNING.get(alg);
  const rsa = rsaBits(key.spec) !== undefined;
  const fits =
    row !== undefined && (row.padding === 'ecdsa' ? ECDSA_HASH.get(key.spec) === row.hash : rsa);
  if (!fits) throw new JobStatus(STATUS.UNSUPPORTED);
  return row;
}

export function requireDigest(row: SigningRow, digest: Uint8Array): void {
  if (digest.length !== DIGEST_BYTES[row.hash]) throw new JobStatus(STATUS.BAD_INPUT);
}

function rsaOptions(key: KeyObject, row: SigningRow) {
  return row.padding === 'pss'
    ? { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: DIGEST_BYTES[row.hash] }
    : { key, padding: constants.RSA_PKCS1_PADDING };
}

export function signMessage(key: NodeKey, alg: number, message: Uint8Array): Buffer {
  const row = signingRow(key, alg);
  if (key.key.type !== 'private') throw new JobStatus(STATUS.BAD_KEY);
  return row.padding === 'ecdsa'
    ? sign(row.hash, message, { key: key.key, dsaEncoding: 'der' })
    : sign(row.hash, message, rsaOptions(key.key, row));
}

/** @throws JobStatus INVALID_SIGNATURE */
export function verifyMessage(
  key: NodeKey,
  alg: number,
  message: Uint8Array,
  signature: Uint8Array,
): void {
  const row = signingRow(key, alg);
  const options = row.padding === 'ecdsa' ? key.key : rsaOptions(key.key, row);
  if (!verify(row.hash, message, options, signature)) {
    throw new JobStatus(STATUS.INVALID_SIGNATURE);
  }
}

const OAEP = new Map<number, 'sha1' | 'sha256'>([
  [ALG.RSAES_OAEP_SHA_1, 'sha1'],
  [ALG.RSAES_OAEP_SHA_256, 'sha256'],
]);

function oaep(key: NodeKey, alg: number): { hash: 'sha1' | 'sha256'; size: number } {
  const hash = OAEP.get(alg);
  const bits = rsaBits(key.spec);
  if (bits === undefined) throw new JobStatus(STATUS.BAD_KEY);
  if (hash === undefined) throw new JobStatus(STATUS.UNSUPPORTED);
  return { hash, size: bits / 8 };
}

export function rsaEncrypt(key: NodeKey, alg: number, plaintext: Uint8Array): Buffer {
  const { hash, size } = oaep(key, alg);
  if (plaintext.length > size - 2 * (hash === 'sha1' ? 20 : 32) - 2) {
    throw new JobStatus(STATUS.BAD_INPUT);
  }
  return publicEncrypt(
    { key: key.key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: hash },
    plaintext,
  );
}

/** @throws JobStatus INVALID_CIPHERTEXT, whatever is wrong */
export function rsaDecrypt(key: NodeKey, alg: number, ciphertext: Uint8Array): Buffer {
  const { hash, size } = oaep(key, alg);
  if (key.key.type !== 'private') throw new JobStatus(STATUS.BAD_KEY);
  if (ciphertext.length !== size) throw new JobStatus(STATUS.INVALID_CIPHERTEXT);
  try {
    return privateDecrypt(
      { key: key.key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: hash },
      ciphertext,
    );
  } catch {
    throw new JobStatus(STATUS.INVALID_CIPHERTEXT);
  }
}

export function ecdh(key: NodeKey, peer: KeyObject): Buffer {
  if (key.key.type !== 'private' || curveOf(key.spec) === undefined) {
    throw new JobStatus(STATUS.BAD_KEY);
  }
  return diffieHellman({ privateKey: key.key, publicKey: peer });
}

export interface GeneratedPair {
  readonly pkcs8: Buffer;
  readonly spki: Buffer;
}

export function generatePair(spec: number): GeneratedPair {
  const bits = rsaBits(spec);
  const namedCurve = curveOf(spec);
  const publicKeyEncoding = { type: 'spki', format: 'der' } as const;
  const privateKeyEncoding = { type: 'pkcs8', format: 'der' } as const;
  if (bits !== undefined) {
    const pair = generateKeyPairSync('rsa', {
      modulusLength: bits,
      publicKeyEncoding,
      privateKeyEncoding,
    });
    return { pkcs8: pair.privateKey, spki: pair.publicKey };
  }
  if (spec === SPEC.ECC_NIST_EDWARDS25519) {
    const pair = generateKeyPairSync('ed25519', { publicKeyEncoding, privateKeyEncoding });
    return { pkcs8: pair.privateKey, spki: pair.publicKey };
  }
  if (namedCurve === undefined) throw new JobStatus(STATUS.UNSUPPORTED);
  const pair = generateKeyPairSync('ec', { namedCurve, publicKeyEncoding, privateKeyEncoding });
  return { pkcs8: pair.privateKey, spki: pair.publicKey };
}

/** The public half of a key. */
export function publicHalf(key: NodeKey): KeyObject {
  return key.key.type === 'private' ? createPublicKey(key.key) : key.key;
}
