/**
 * Signatures over a digest that the caller made. node:crypto hashes what it signs, so the padding is
 * done by rsa-padding.ts and ECDSA is taken from @noble/curves.
 */
import { constants, createHash, privateEncrypt, publicDecrypt } from 'node:crypto';
import { p256, p384, p521 } from '@noble/curves/nist.js';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { SPEC, STATUS } from '../frame-layout.js';
import { publicHalf, requireDigest, signingRow } from './node-crypto.js';
import { JobStatus, type NodeKey, rsaBits } from './node-keys.js';
import { type HashFunction, pkcs1Encode, pssEncode, pssVerify } from './rsa-padding.js';

const HASHES: Readonly<Record<'sha256' | 'sha384' | 'sha512', HashFunction>> = {
  sha256: nodeHash('sha256', 32),
  sha384: nodeHash('sha384', 48),
  sha512: nodeHash('sha512', 64),
};

function nodeHash(name: HashFunction['name'], bytes: number): HashFunction {
  return {
    name,
    bytes,
    digest: (...parts) => {
      const hash = createHash(name);
      for (const part of parts) hash.update(part);
      return hash.digest();
    },
  };
}

const CURVES = new Map<number, typeof p256>([
  [SPEC.ECC_NIST_P256, p256],
  [SPEC.ECC_NIST_P384, p384],
  [SPEC.ECC_NIST_P521, p521],
  [SPEC.ECC_SECG_P256K1, secp256k1],
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
      ? pssEncode(HASHES[row.hash], digest, bits / 8)
      : pkcs1Encode(HASHES[row.hash], digest, bits / 8);
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
    ? pssVerify(HASHES[row.hash], digest, em)
    : em.equals(pkcs1Encode(HASHES[row.hash], digest, bits / 8));
}
