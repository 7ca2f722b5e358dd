/**
 * Signatures over a digest that the caller made. node:crypto hashes what it signs, so the padding is
 * done here for RSA (RFC 8017, 8.1 and 9.2) and ECDSA is taken from @noble/curves.
 */
import {
  constants,
  createHash,
  privateEncrypt,
  publicDecrypt,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';
import { p256, p384, p521 } from '@noble/curves/nist.js';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { SPEC, STATUS } from '../frame-layout.js';
import { publicHalf, requireDigest, signingRow } from './node-crypto.js';
import { JobStatus, type NodeKey, rsaBits } from './node-keys.js';

/** DigestInfo prefixes, RFC 8017 9.2 note 1. */
const DIGEST_INFO = {
  sha256: Buffer.from('3031300d060960864801650304020105000420', 'hex'),
  sha384: Buffer.from('3041300d060960864801650304020205000430', 'hex'),
  sha512: Buffer.from('3051300d060960864801650304020305000440', 'hex'),
} as const;

type HashName = keyof typeof DIGEST_INFO;

function mgf1(hash: HashName, seed: Buffer, length: number): Buffer {
  const parts: Buffer[] = [];
  for (let i = 0, have = 0; have < length; i += 1) {
    const counter = Buffer.alloc(4);
    counter.writeUInt32BE(i);
    const part = createHash(hash).update(seed).update(counter).digest();
    parts.push(part);
    have += part.length;
  }
  return Buffer.concat(parts).subarray(0, length);
}

function xor(a: Buffer, b: Buffer): Buffer {
  return Buffer.from(a.map((byte, i) => byte ^ b[i]!));
}

/** EMSA-PSS-ENCODE with emBits = 8 * size - 1, salt as long as the digest. */
function pssEncode(hash: HashName, digest: Buffer, size: number): Buffer {
  const salt = randomBytes(digest.length);
  const h = createHash(hash).update(Buffer.alloc(8)).update(digest).update(salt).digest();
  const db = Buffer.alloc(size - h.length - 1);
  db[db.length - salt.length - 1] = 1;
  salt.copy(db, db.length - salt.length);
  const masked = xor(db, mgf1(hash, h, db.length));
  masked[0]! &= 0x7f;
  return Buffer.concat([masked, h, Buffer.from([0xbc])]);
}

/** EMSA-PSS-VERIFY. */
function pssVerify(hash: HashName, digest: Buffer, em: Buffer): boolean {
  const h = em.subarray(em.length - digest.length - 1, em.length - 1);
  const masked = em.subarray(0, em.length - digest.length - 1);
  if (em[em.length - 1] !== 0xbc || (masked[0]! & 0x80) !== 0) return false;
  const db = xor(masked, mgf1(hash, h, masked.length));
  db[0]! &= 0x7f;
  const saltAt = db.length - digest.length;
  if (db[saltAt - 1] !== 1 || db.subarray(0, saltAt - 1).some((byte) => byte !== 0)) return false;
  const salt = db.subarray(saltAt);
  const again = createHash(hash).update(Buffer.alloc(8)).update(digest).update(salt).digest();
  return timingSafeEqual(again, h);
}

function pkcs1Encode(hash: HashName, digest: Buffer, size: number): Buffer {
  const info = Buffer.concat([DIGEST_INFO[hash], digest]);
  const em = Buffer.alloc(size, 0xff);
  em[0] = 0;
  em[1] = 1;
  em[size - info.length - 1] = 0;
  info.copy(em, size - info.length);
  return em;
}

const CURVES = new Map([
  [SPEC.ECC_NIST_P256 as number, p256],
  [SPEC.ECC_NIST_P384 as number, p384],
  [SPEC.ECC_NIST_P521 as number, p521],
  [SPEC.ECC_SECG_P256K1 as number, secp256k1],
]);

function point(key: NodeKey): Buffer {
  const { x, y } = publicHalf(key).export({ format: 'jwk' });
  return Buffer.concat([
    Buffer.from([4]),
    Buffer.from(x as string, 'base64url'),
    Buffer.from(y as string, 'base64url'),
  ]);
}

export function signDigest(key: NodeKey, alg: number, digest: Buffer): Buffer {
  const row = signingRow(key, alg);
  requireDigest(row, digest);
  if (key.key.type !== 'private') throw new JobStatus(STATUS.BAD_KEY);
  const bits = rsaBits(key.spec);
  if (bits === undefined) {
    const scalar = Buffer.from(key.key.export({ format: 'jwk' }).d as string, 'base64url');
    const options = { prehash: false, lowS: false, format: 'der', extraEntropy: true } as const;
    const signature = CURVES.get(key.spec)!.sign(digest, scalar, options);
    scalar.fill(0);
    return Buffer.from(signature);
  }
  const em =
    row.padding === 'pss'
      ? pssEncode(row.hash, digest, bits / 8)
      : pkcs1Encode(row.hash, digest, bits / 8);
  return privateEncrypt({ key: key.key, padding: constants.RSA_NO_PADDING }, em);
}

/** @throws JobStatus INVALID_SIGNATURE */
export function verifyDigest(key: NodeKey, alg: number, digest: Buffer, signature: Buffer): void {
  const row = signingRow(key, alg);
  requireDigest(row, digest);
  if (!digestMatches(key, row, digest, signature)) throw new JobStatus(STATUS.INVALID_SIGNATURE);
}

function digestMatches(
  key: NodeKey,
  row: ReturnType<typeof signingRow>,
  digest: Buffer,
  signature: Buffer,
): boolean {
  const bits = rsaBits(key.spec);
  if (bits === undefined) {
    try {
      const options = { prehash: false, lowS: false, format: 'der' } as const;
      return CURVES.get(key.spec)!.verify(signature, digest, point(key), options);
    } catch {
      return false; // Not DER: no valid signature.
    }
  }
  if (signature.length !== bits / 8) return false;
  let em: Buffer;
  try {
    const padding = constants.RSA_NO_PADDING;
    em = publicDecrypt({ key: publicHalf(key), padding }, signature);
  } catch {
    return false; // Not below the modulus: no valid signature.
  }
  return row.padding === 'pss'
    ? pssVerify(row.hash, digest, em)
    : em.equals(pkcs1Encode(row.hash, digest, bits / 8));
}
