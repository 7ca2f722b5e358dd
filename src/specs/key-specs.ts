/**
 * One row per KeySpec: all that differs between key specs lives here, never in an `if` elsewhere.
 * Sources: AWS KMS Developer Guide, key spec reference; request quotas page.
 */
import type { KeySpec, KeyUsage } from '../core/records.js';

export type KeyFamily =
  | 'symmetric'
  | 'hmac'
  | 'rsa'
  | 'ecc'
  | 'eddsa'
  | 'sm2'
  | 'ml-dsa'
  | 'ml-kem';

/** Quota class of cryptographic operations ("Cryptographic operations (RSA) request quota", ...). */
export type QuotaClass = 'symmetric' | 'rsa' | 'ecc' | 'ml-dsa' | 'ml-kem';

/** A lane accumulates jobs of similar cost, so that slow work never delays fast work. */
export type LaneName =
  | 'symmetric'
  | 'rsa2048'
  | 'rsa3072'
  | 'rsa4096'
  | 'p256'
  | 'p384'
  | 'p521'
  | 'secp256k1'
  | 'ed25519'
  | 'sm2'
  | 'mldsa'
  | 'mlkem'
  | 'keygen';

export interface KeySpecRow {
  readonly spec: KeySpec;
  readonly family: KeyFamily;
  /** Usages allowed; the first is the default only for SYMMETRIC_DEFAULT. */
  readonly usages: readonly KeyUsage[];
  readonly encryptionAlgorithms: readonly string[];
  readonly signingAlgorithms: readonly string[];
  readonly macAlgorithms: readonly string[];
  readonly keyAgreementAlgorithms: readonly string[];
  readonly encapsulationAlgorithms: readonly string[];
  readonly quotaClass: QuotaClass;
  readonly lane: LaneName;
  /** Number used in frames (engine/frame-layout SPEC; a test holds both equal). */
  readonly frameSpec: number;
  /**
   * Bytes of a secret key; else of an RSA modulus, a field element of a curve, the seed of Ed25519 or
   * ML-DSA, a ciphertext of ML-KEM.
   */
  readonly sizeBytes: number;
  /** Longest signature, bytes; 0 where there is none. */
  readonly signatureBytesMax: number;
  /** May be a KeyPairSpec of GenerateDataKeyPair. */
  readonly dataKeyPair: boolean;
  /** Requests per second of GenerateDataKeyPair for this spec; 0 where not offered. */
  readonly pairQuotaPerSecond: number;
  /** Where AWS offers the spec: its Regions in China are the ones whose names begin with cn-. */
  readonly offered: 'everywhere' | 'in China' | 'outside China';
  /** Longest plaintext of an encryption algorithm, bytes; absent where the modulus bounds it. */
  readonly plaintextBytesMax?: number;
  /** Most bytes that a ciphertext has beyond its plaintext; absent where all have `sizeBytes`. */
  readonly ciphertextOverheadBytes?: number;
  /** Name that OpenSSL / node:crypto gives the curve. */
  readonly curve?: string;
}

const none: readonly string[] = Object.freeze([]);
const RSASSA = Object.freeze([
  'RSASSA_PKCS1_V1_5_SHA_256',
  'RSASSA_PKCS1_V1_5_SHA_384',
  'RSASSA_PKCS1_V1_5_SHA_512',
  'RSASSA_PSS_SHA_256',
  'RSASSA_PSS_SHA_384',
  'RSASSA_PSS_SHA_512',
]);
const OAEP = Object.freeze(['RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256']);

function hmac(bits: 224 | 256 | 384 | 512, frameSpec: number): KeySpecRow {
  return {
    spec: `HMAC_${bits}`,
    family: 'hmac',
    usages: ['GENERATE_VERIFY_MAC'],
    encryptionAlgorithms: none,
    signingAlgorithms: none,
    macAlgorithms: [`HMAC_SHA_${bits}`],
    keyAgreementAlgorithms: none,
    encapsulationAlgorithms: none,
    quotaClass: 'symmetric',
    lane: 'symmetric',
    frameSpec,
    sizeBytes: bits / 8,
    signatureBytesMax: 0,
    dataKeyPair: false,
    pairQuotaPerSecond: 0,
    offered: 'everywhere',
  };
}

function rsa(bits: 2048 | 3072 | 4096, frameSpec: number, pairQuotaPerSecond: number): KeySpecRow {
  return {
    spec: `RSA_${bits}`,
    family: 'rsa',
    usages: ['ENCRYPT_DECRYPT', 'SIGN_VERIFY'],
    encryptionAlgorithms: OAEP,
    signingAlgorithms: RSASSA,
    macAlgorithms: none,
    keyAgreementAlgorithms: none,
    encapsulationAlgorithms: none,
    quotaClass: 'rsa',
    lane: `rsa${bits}`,
    frameSpec,
    sizeBytes: bits / 8,
    signatureBytesMax: bits / 8,
    dataKeyPair: true,
    pairQuotaPerSecond,
    offered: 'everywhere',
  };
}

/** What DER adds to the two numbers of an ECDSA signature, bytes. */
const ECDSA_DER_BYTES = 9;

function ecc(
  spec: KeySpec,
  lane: LaneName,
  frameSpec: number,
  sizeBytes: number,
  signing: string,
  agreement: boolean,
  curve: string,
): KeySpecRow {
  return {
    spec,
    family: 'ecc',
    usages: agreement ? ['SIGN_VERIFY', 'KEY_AGREEMENT'] : ['SIGN_VERIFY'],
    encryptionAlgorithms: none,
    signingAlgorithms: [signing],
    macAlgorithms: none,
    keyAgreementAlgorithms: agreement ? ['ECDH'] : none,
    encapsulationAlgorithms: none,
    quotaClass: 'ecc',
    lane,
    frameSpec,
    sizeBytes,
    signatureBytesMax: 2 * sizeBytes + ECDSA_DER_BYTES,
    dataKeyPair: true,
    pairQuotaPerSecond: 100,
    offered: 'everywhere',
    curve,
  };
}

function mlDsa(set: 44 | 65 | 87, frameSpec: number, signatureBytesMax: number): KeySpecRow {
  return {
    spec: `ML_DSA_${set}`,
    family: 'ml-dsa',
    usages: ['SIGN_VERIFY'],
    encryptionAlgorithms: none,
    signingAlgorithms: ['ML_DSA_SHAKE_256'],
    macAlgorithms: none,
    keyAgreementAlgorithms: none,
    encapsulationAlgorithms: none,
    quotaClass: 'ml-dsa',
    lane: 'mldsa',
    frameSpec,
    sizeBytes: 32,
    signatureBytesMax,
    dataKeyPair: false,
    pairQuotaPerSecond: 0,
    offered: 'everywhere',
  };
}

/** AWS's page of request quotas does not list ML-KEM: rates are those of elliptic curves. */
function mlKem(set: 512 | 768 | 1024, frameSpec: number, sizeBytes: number): KeySpecRow {
  return {
    spec: `ML_KEM_${set}`,
    family: 'ml-kem',
    usages: ['ENCAPSULATE_DECAPSULATE'],
    encryptionAlgorithms: none,
    signingAlgorithms: none,
    macAlgorithms: none,
    keyAgreementAlgorithms: none,
    encapsulationAlgorithms: ['ML_KEM'],
    quotaClass: 'ml-kem',
    lane: 'mlkem',
    frameSpec,
    sizeBytes,
    signatureBytesMax: 0,
    dataKeyPair: true,
    pairQuotaPerSecond: 100,
    offered: 'outside China',
  };
}

const rows: readonly KeySpecRow[] = [
  {
    spec: 'SYMMETRIC_DEFAULT',
    family: 'symmetric',
    usages: ['ENCRYPT_DECRYPT'],
    encryptionAlgorithms: ['SYMMETRIC_DEFAULT'],
    signingAlgorithms: none,
    macAlgorithms: none,
    keyAgreementAlgorithms: none,
    encapsulationAlgorithms: none,
    quotaClass: 'symmetric',
    lane: 'symmetric',
    frameSpec: 1,
    sizeBytes: 32,
    signatureBytesMax: 0,
    dataKeyPair: false,
    pairQuotaPerSecond: 0,
    offered: 'everywhere',
  },
  hmac(224, 2),
  hmac(256, 3),
  hmac(384, 4),
  hmac(512, 5),
  rsa(2048, 10, 20),
  rsa(3072, 11, 4),
  rsa(4096, 12, 1),
  ecc('ECC_NIST_P256', 'p256', 20, 32, 'ECDSA_SHA_256', true, 'prime256v1'),
  ecc('ECC_NIST_P384', 'p384', 21, 48, 'ECDSA_SHA_384', true, 'secp384r1'),
  ecc('ECC_NIST_P521', 'p521', 22, 66, 'ECDSA_SHA_512', true, 'secp521r1'),
  ecc('ECC_SECG_P256K1', 'secp256k1', 23, 32, 'ECDSA_SHA_256', false, 'secp256k1'),
  {
    spec: 'ECC_NIST_EDWARDS25519',
    family: 'eddsa',
    usages: ['SIGN_VERIFY'],
    encryptionAlgorithms: none,
    signingAlgorithms: ['ED25519_SHA_512', 'ED25519_PH_SHA_512'],
    macAlgorithms: none,
    keyAgreementAlgorithms: none,
    encapsulationAlgorithms: none,
    quotaClass: 'ecc',
    lane: 'ed25519',
    frameSpec: 24,
    sizeBytes: 32,
    signatureBytesMax: 64,
    dataKeyPair: true,
    pairQuotaPerSecond: 100,
    offered: 'everywhere',
  },
  {
    spec: 'SM2',
    family: 'sm2',
    usages: ['ENCRYPT_DECRYPT', 'SIGN_VERIFY', 'KEY_AGREEMENT'],
    encryptionAlgorithms: ['SM2PKE'],
    signingAlgorithms: ['SM2DSA'],
    macAlgorithms: none,
    keyAgreementAlgorithms: ['ECDH'],
    encapsulationAlgorithms: none,
    quotaClass: 'ecc',
    lane: 'sm2',
    frameSpec: 25,
    sizeBytes: 32,
    signatureBytesMax: 72,
    dataKeyPair: true,
    pairQuotaPerSecond: 25,
    offered: 'in China',
    plaintextBytesMax: 1024,
    // DER of two numbers and a hash, and the heads of all (GM/T 0009).
    ciphertextOverheadBytes: 112,
    curve: 'SM2',
  },
  mlDsa(44, 30, 2420),
  mlDsa(65, 31, 3309),
  mlDsa(87, 32, 4627),
  mlKem(512, 40, 768),
  mlKem(768, 41, 1088),
  mlKem(1024, 42, 1568),
];

export const KEY_SPECS: readonly KeySpecRow[] = Object.freeze(
  rows.map((row) => Object.freeze(row)),
);

const bySpec = new Map<string, KeySpecRow>(KEY_SPECS.map((row) => [row.spec, row]));

/** The row of a key spec. Throws RangeError for a spec that is not offered. */
export function keySpecRow(spec: string): KeySpecRow {
  const row = bySpec.get(spec);
  if (row === undefined) throw new RangeError(`no such key spec: ${spec}`);
  return row;
}

/** True where AWS offers the spec in that Region, and so do we. */
export function offeredIn(row: KeySpecRow, region: string): boolean {
  if (row.offered === 'everywhere') return true;
  return (row.offered === 'in China') === region.startsWith('cn-');
}

/** Room for the ciphertext of so many bytes under an asymmetric key, bytes. */
export function ciphertextRoom(row: KeySpecRow, plaintextBytes: number): number {
  const { ciphertextOverheadBytes: overhead } = row;
  return overhead === undefined ? row.sizeBytes : plaintextBytes + overhead;
}

/** Room for the plaintext of so many bytes under an asymmetric key, bytes. */
export function plaintextRoom(row: KeySpecRow, ciphertextBytes: number): number {
  return row.ciphertextOverheadBytes === undefined ? row.sizeBytes : ciphertextBytes;
}
