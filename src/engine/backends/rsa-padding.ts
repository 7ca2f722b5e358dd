/**
 * RSA paddings over a hash function of the caller's choice (RFC 8017: 7.1 OAEP, 9.1 PSS, 9.2 PKCS#1
 * v1.5): for digests, which node:crypto does not take, and for hash functions that it lacks.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';

export interface HashFunction {
  readonly name: 'sha1' | 'sha256' | 'sha384' | 'sha512';
  /** Bytes of a digest. */
  readonly bytes: number;
  /** Digest of the parts, one after the other. */
  digest(...parts: readonly Uint8Array[]): Buffer;
}

/** DigestInfo prefixes, RFC 8017 9.2 note 1. */
const DIGEST_INFO = {
  sha1: Buffer.from('3021300906052b0e03021a05000414', 'hex'),
  sha256: Buffer.from('3031300d060960864801650304020105000420', 'hex'),
  sha384: Buffer.from('3041300d060960864801650304020205000430', 'hex'),
  sha512: Buffer.from('3051300d060960864801650304020305000440', 'hex'),
} as const;

function mgf1(hash: HashFunction, seed: Buffer, length: number): Buffer {
  const parts: Buffer[] = [];
  for (let i = 0, have = 0; have < length; i += 1) {
    const counter = Buffer.alloc(4);
    counter.writeUInt32BE(i);
    parts.push(hash.digest(seed, counter));
    have += hash.bytes;
  }
  return Buffer.concat(parts).subarray(0, length);
}

function xor(a: Buffer, b: Buffer): Buffer {
  return Buffer.from(a.map((byte, i) => byte ^ b[i]!));
}

/** EMSA-PSS-ENCODE with emBits = 8 * size - 1, salt as long as the digest. */
export function pssEncode(hash: HashFunction, digest: Buffer, size: number): Buffer {
  const salt = randomBytes(digest.length);
  const h = hash.digest(Buffer.alloc(8), digest, salt);
  const db = Buffer.alloc(size - h.length - 1);
  db[db.length - salt.length - 1] = 1;
  salt.copy(db, db.length - salt.length);
  const masked = xor(db, mgf1(hash, h, db.length));
  masked[0]! &= 0x7f;
  return Buffer.concat([masked, h, Buffer.from([0xbc])]);
}

/** EMSA-PSS-VERIFY. */
export function pssVerify(hash: HashFunction, digest: Buffer, em: Buffer): boolean {
  const h = em.subarray(em.length - digest.length - 1, em.length - 1);
  const masked = em.subarray(0, em.length - digest.length - 1);
  if (em[em.length - 1] !== 0xbc || (masked[0]! & 0x80) !== 0) return false;
  const db = xor(masked, mgf1(hash, h, masked.length));
  db[0]! &= 0x7f;
  const saltAt = db.length - digest.length;
  if (db[saltAt - 1] !== 1 || db.subarray(0, saltAt - 1).some((byte) => byte !== 0)) return false;
  return timingSafeEqual(hash.digest(Buffer.alloc(8), digest, db.subarray(saltAt)), h);
}

/** EMSA-PKCS1-v1_5-ENCODE. */
export function pkcs1Encode(hash: HashFunction, digest: Buffer, size: number): Buffer {
  const info = Buffer.concat([DIGEST_INFO[hash.name], digest]);
  const em = Buffer.alloc(size, 0xff);
  em[0] = 0;
  em[1] = 1;
  em[size - info.length - 1] = 0;
  info.copy(em, size - info.length);
  return em;
}

/** EME-OAEP-ENCODE with an empty label. The caller has checked the plaintext's length. */
export function oaepEncode(hash: HashFunction, plaintext: Uint8Array, size: number): Buffer {
  const db = Buffer.alloc(size - hash.bytes - 1);
  hash.digest().copy(db);
  db[db.length - plaintext.length - 1] = 1;
  db.set(plaintext, db.length - plaintext.length);
  const seed = randomBytes(hash.bytes);
  const masked = xor(db, mgf1(hash, seed, db.length));
  db.fill(0);
  return Buffer.concat([Buffer.alloc(1), xor(seed, mgf1(hash, masked, hash.bytes)), masked]);
}

/**
 * EME-OAEP-DECODE with an empty label; undefined whatever is wrong. Which check fails changes
 * neither the work nor its order: all bytes are looked at, and one decision is made at the end.
 */
export function oaepDecode(hash: HashFunction, em: Buffer): Buffer | undefined {
  const masked = em.subarray(1 + hash.bytes);
  const seed = xor(em.subarray(1, 1 + hash.bytes), mgf1(hash, masked, hash.bytes));
  const db = xor(masked, mgf1(hash, seed, masked.length));
  const label = hash.digest();
  let bad = em[0]!;
  for (let i = 0; i < hash.bytes; i += 1) bad |= db[i]! ^ label[i]!;
  // `looking` stays 1 until the byte 01 that ends the zeros.
  let looking = 1;
  let start = 0;
  for (let i = hash.bytes; i < db.length; i += 1) {
    const one = (((db[i]! ^ 1) - 1) >>> 31) & 1;
    const zero = ((db[i]! - 1) >>> 31) & 1;
    bad |= looking & (1 ^ (one | zero));
    start |= -(looking & one) & (i + 1);
    looking &= zero;
  }
  bad |= looking;
  const plaintext = bad === 0 ? Buffer.from(db.subarray(start)) : undefined;
  db.fill(0);
  return plaintext;
}
