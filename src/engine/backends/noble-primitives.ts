/**
 * @noble/hashes, @noble/ciphers, @noble/curves and @noble/post-quantum as a table of primitives: for
 * what node's OpenSSL lacks (Ed25519ph, ML-DSA, ML-KEM, SM2) or its policy refuses (secp256k1 or SHA-1 in
 * OAEP under FIPS), and as a third opinion in tests. RSA's raw exponentiation, which needs constant time and big numbers, stays with node.
 */
import {
  constants,
  type KeyObject,
  privateDecrypt,
  privateEncrypt,
  publicDecrypt,
  publicEncrypt,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';
import { gcm } from '@noble/ciphers/aes.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha1 } from '@noble/hashes/legacy.js';
import { sha224, sha256, sha384, sha512 } from '@noble/hashes/sha2.js';
import type { CHash } from '@noble/hashes/utils.js';
import { ALG, FORM, KDF_LABEL, SEAL_OVERHEAD_BYTES, SPEC, STATUS } from '../frame-layout.js';
import { foreignEd25519Pair } from './ed25519.js';
import * as ec from './noble-ec.js';
import { foreignEcPair, unwrapPadded } from './noble-import.js';
import { latticeDecapsulate, latticeEncapsulate } from './noble-lattice.js';
import { type SeededTable, seededTable } from './noble-seeded.js';
import { foreignSm2Pair, sm2Decrypt, sm2Encrypt } from './noble-sm2.js';
import { generatePair, publicHalf, requireDigest, signingRow } from './node-crypto.js';
import { foreignPair } from './node-import.js';
import { importKey, importPublicKey, JobStatus, type NodeKey, rsaBits } from './node-keys.js';
import type { Primitives } from './primitives.js';
import {
  type HashFunction,
  oaepDecode,
  oaepEncode,
  pkcs1Encode,
  pssEncode,
  pssVerify,
} from './rsa-padding.js';

const NONCE = 16;
const IV = 12;
const KDF_PREFIX = Buffer.concat([Buffer.from([0, 0, 0, 1]), Buffer.from(`${KDF_LABEL}\0`)]);
const KDF_SUFFIX = Buffer.from([0, 0, 1, 0]);

/** Runs `use` with a secret key's bytes, then wipes them. */
function withSecret<T>(key: KeyObject, use: (secret: Buffer) => T): T {
  const secret = key.export() as Buffer;
  try {
    return use(secret);
  } finally {
    secret.fill(0);
  }
}

function derive(key: NodeKey, nonce: Uint8Array): Uint8Array {
  const fixed = Buffer.concat([KDF_PREFIX, nonce, KDF_SUFFIX]);
  return withSecret(key.key, (secret) => hmac(sha256, secret, fixed));
}

const seal: Primitives['seal'] = (key, header, context, plaintext) => {
  const fresh = randomBytes(NONCE + IV);
  const derived = derive(key, fresh.subarray(0, NONCE));
  const aad = Buffer.concat([header, context]);
  const body = gcm(derived, fresh.subarray(NONCE), aad).encrypt(plaintext);
  derived.fill(0);
  return Buffer.concat([header, fresh, body]);
};

const open: Primitives['open'] = (key, header, context, blob) => {
  const sealed = blob.subarray(header.length);
  if (sealed.length < SEAL_OVERHEAD_BYTES || !blob.subarray(0, header.length).equals(header)) {
    throw new JobStatus(STATUS.INVALID_CIPHERTEXT);
  }
  const derived = derive(key, sealed.subarray(0, NONCE));
  const aad = Buffer.concat([header, context]);
  try {
    const cipher = gcm(derived, sealed.subarray(NONCE, NONCE + IV), aad);
    return Buffer.from(cipher.decrypt(sealed.subarray(NONCE + IV)));
  } catch {
    throw new JobStatus(STATUS.INVALID_CIPHERTEXT);
  } finally {
    derived.fill(0);
  }
};

const MAC_HASH = new Map<number, CHash>([
  [SPEC.HMAC_224, sha224],
  [SPEC.HMAC_256, sha256],
  [SPEC.HMAC_384, sha384],
  [SPEC.HMAC_512, sha512],
]);

const mac: Primitives['mac'] = (key, message) => {
  const hash = MAC_HASH.get(key.spec);
  if (hash === undefined) throw new JobStatus(STATUS.BAD_KEY);
  return withSecret(key.key, (secret) => Buffer.from(hmac(hash, secret, message)));
};

function nobleHash(name: HashFunction['name'], hash: CHash): HashFunction {
  const digest = (...parts: readonly Uint8Array[]) => Buffer.from(hash(Buffer.concat(parts)));
  return { name, bytes: hash.outputLen, digest };
}

const HASHES = {
  sha1: nobleHash('sha1', sha1),
  sha256: nobleHash('sha256', sha256),
  sha384: nobleHash('sha384', sha384),
  sha512: nobleHash('sha512', sha512),
} as const;

const signDigest: Primitives['signDigest'] = (key, alg, digest) => {
  const row = signingRow(key, alg);
  requireDigest(row, digest);
  const curve = ec.curveRow(key.spec);
  if (curve !== undefined) return ec.ecSign(key, curve, digest);
  if (key.key.type !== 'private') throw new JobStatus(STATUS.BAD_KEY);
  const encode = row.padding === 'pss' ? pssEncode : pkcs1Encode;
  const em = encode(HASHES[row.hash], digest, rsaBits(key.spec)! / 8);
  return privateEncrypt({ key: key.key, padding: constants.RSA_NO_PADDING }, em);
};

/** The encoded message under an RSA signature; undefined where it is not below the modulus. */
function rsaRecover(key: NodeKey, signature: Buffer): Buffer | undefined {
  if (signature.length !== rsaBits(key.spec)! / 8) return undefined;
  try {
    return publicDecrypt({ key: publicHalf(key), padding: constants.RSA_NO_PADDING }, signature);
  } catch {
    return undefined; // No valid signature.
  }
}

const verifyDigest: Primitives['verifyDigest'] = (key, alg, digest, signature) => {
  const row = signingRow(key, alg);
  requireDigest(row, digest);
  const curve = ec.curveRow(key.spec);
  let good: boolean;
  if (curve !== undefined) {
    good = ec.ecVerify(key, curve, digest, signature);
  } else {
    const em = rsaRecover(key, signature);
    const hash = HASHES[row.hash];
    good =
      em !== undefined &&
      (row.padding === 'pss'
        ? pssVerify(hash, digest, em)
        : em.equals(pkcs1Encode(hash, digest, em.length)));
  }
  if (!good) throw new JobStatus(STATUS.INVALID_SIGNATURE);
};

const digestOf = (key: NodeKey, alg: number, message: Uint8Array): Buffer =>
  HASHES[signingRow(key, alg).hash].digest(message);

const OAEP = new Map<number, HashFunction>([
  [ALG.RSAES_OAEP_SHA_1, HASHES.sha1],
  [ALG.RSAES_OAEP_SHA_256, HASHES.sha256],
]);

function oaep(key: NodeKey, alg: number): { hash: HashFunction; size: number } {
  const hash = OAEP.get(alg);
  const bits = rsaBits(key.spec);
  if (bits === undefined) throw new JobStatus(STATUS.BAD_KEY);
  if (hash === undefined) throw new JobStatus(STATUS.UNSUPPORTED);
  return { hash, size: bits / 8 };
}

const rsaEncrypt: Primitives['rsaEncrypt'] = (key, alg, plaintext) => {
  if (key.spec === SPEC.SM2) return sm2Encrypt(key, alg, plaintext);
  const { hash, size } = oaep(key, alg);
  if (plaintext.length > size - 2 * hash.bytes - 2) throw new JobStatus(STATUS.BAD_INPUT);
  const em = oaepEncode(hash, plaintext, size);
  return publicEncrypt({ key: publicHalf(key), padding: constants.RSA_NO_PADDING }, em);
};

const rsaDecrypt: Primitives['rsaDecrypt'] = (key, alg, ciphertext) => {
  if (key.spec === SPEC.SM2) return sm2Decrypt(key, alg, ciphertext);
  const { hash, size } = oaep(key, alg);
  if (key.key.type !== 'private') throw new JobStatus(STATUS.BAD_KEY);
  if (ciphertext.length !== size) throw new JobStatus(STATUS.INVALID_CIPHERTEXT);
  let plaintext: Buffer | undefined;
  try {
    const em = privateDecrypt({ key: key.key, padding: constants.RSA_NO_PADDING }, ciphertext);
    plaintext = oaepDecode(hash, em);
    em.fill(0);
  } catch {
    plaintext = undefined; // Not below the modulus.
  }
  if (plaintext === undefined) throw new JobStatus(STATUS.INVALID_CIPHERTEXT);
  return plaintext;
};

/** As node-sigv4.ts. */
const checkSigV4: Primitives['checkSigV4'] = (secret, canonical, body, tail) => {
  const dates = tail.subarray(64).toString('latin1');
  const scope = dates.split('\n')[1]?.split('/');
  if (tail.length < 64 || scope?.length !== 4 || !dates.endsWith('\n')) {
    throw new JobStatus(STATUS.BAD_INPUT);
  }
  const sha = HASHES.sha256;
  const payloadHash = sha.digest(body).toString('hex');
  const request = sha.digest(canonical, Buffer.from(payloadHash)).toString('hex');
  let key: Uint8Array = withSecret(secret, (bytes) => Buffer.concat([Buffer.from('AWS4'), bytes]));
  for (const part of scope) key = hmac(sha256, key, Buffer.from(part));
  const text = `AWS4-HMAC-SHA256\n${dates}${request}`;
  const expect = Buffer.from(hmac(sha256, key, Buffer.from(text))).toString('hex');
  if (!timingSafeEqual(Buffer.from(expect), tail.subarray(0, 64))) {
    throw new JobStatus(STATUS.INVALID_SIGNATURE);
  }
  return Buffer.from(payloadHash);
};

/** @throws JobStatus INVALID_SIGNATURE */
function requireGood(good: boolean): void {
  if (!good) throw new JobStatus(STATUS.INVALID_SIGNATURE);
}

/** @throws JobStatus BAD_INPUT for keys that have no such form of a message */
function seededOf(key: NodeKey): SeededTable {
  const table = seededTable(key.spec);
  if (table === undefined) throw new JobStatus(STATUS.BAD_INPUT);
  return table;
}

export const noblePrimitives: Primitives = Object.freeze({
  name: 'noble' as const,
  lacks: new Set<string>(),
  importKey: (spec, bytes) => {
    const [seeded, curve] = [seededTable(spec), ec.curveRow(spec)];
    if (seeded !== undefined) return seeded.importKey(spec, bytes);
    return curve === undefined ? importKey(spec, bytes) : ec.importEcKey(spec, curve, bytes);
  },
  importPublicKey: (spec, spki) => {
    const [seeded, curve] = [seededTable(spec), ec.curveRow(spec)];
    if (seeded !== undefined) return seeded.importPublicKey(spec, spki);
    return curve === undefined
      ? importPublicKey(spec, spki)
      : ec.importEcPublicKey(spec, curve, spki);
  },
  generatePair: (spec) => {
    const [seeded, curve] = [seededTable(spec), ec.curveRow(spec)];
    if (seeded !== undefined) return seeded.generatePair(spec);
    return curve === undefined ? generatePair(spec) : ec.generateEcPair(curve);
  },
  foreignPair: (spec, pkcs8) => {
    if (spec === SPEC.ECC_NIST_EDWARDS25519) return foreignEd25519Pair(pkcs8);
    if (spec === SPEC.SM2) return foreignSm2Pair(spec, pkcs8);
    const curve = ec.curveRow(spec);
    return curve === undefined ? foreignPair(spec, pkcs8) : foreignEcPair(curve, pkcs8);
  },
  unwrapPadded,
  seal,
  open,
  mac,
  signMessage: (key, alg, message) => {
    const seeded = seededTable(key.spec);
    if (seeded !== undefined) return seeded.sign(key, alg, FORM.MESSAGE, message);
    return signDigest(key, alg, digestOf(key, alg, message));
  },
  signDigest: (key, alg, digest) => {
    const seeded = seededTable(key.spec);
    if (seeded !== undefined) return seeded.sign(key, alg, FORM.DIGEST, digest);
    return signDigest(key, alg, digest);
  },
  signMu: (key, alg, mu) => seededOf(key).sign(key, alg, FORM.EXTERNAL_MU, mu),
  verifyMessage: (key, alg, message, signature) => {
    const seeded = seededTable(key.spec);
    if (seeded === undefined) verifyDigest(key, alg, digestOf(key, alg, message), signature);
    else requireGood(seeded.verify(key, alg, FORM.MESSAGE, message, signature));
  },
  verifyDigest: (key, alg, digest, signature) => {
    const seeded = seededTable(key.spec);
    if (seeded === undefined) verifyDigest(key, alg, digest, signature);
    else requireGood(seeded.verify(key, alg, FORM.DIGEST, digest, signature));
  },
  verifyMu: (key, alg, mu, signature) => {
    requireGood(seededOf(key).verify(key, alg, FORM.EXTERNAL_MU, mu, signature));
  },
  encapsulate: latticeEncapsulate,
  decapsulate: latticeDecapsulate,
  rsaEncrypt,
  rsaDecrypt,
  ecdh: (key, peer) => {
    const curve = ec.curveRow(key.spec);
    if (curve === undefined) throw new JobStatus(STATUS.BAD_KEY);
    return ec.ecAgree(key, curve, peer);
  },
  checkSigV4,
} satisfies Primitives);
