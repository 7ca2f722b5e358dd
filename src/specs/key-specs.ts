/**
 * One row per KeySpec: all that differs between key specs lives here, never in an `if` elsewhere.
 * Sources: AWS KMS Developer Guide, key spec reference; request quotas page.
 */
import type { KeySpec, KeyUsage } from '../core/records.js';

export type KeyFamily = 'symmetric' | 'hmac' | 'rsa' | 'ecc';

/** Quota class of cryptographic operations ("Cryptographic operations (RSA) request quota", ...). */
export type QuotaClass = 'symmetric' | 'rsa' | 'ecc';

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
  readonly quotaClass: QuotaClass;
  readonly lane: LaneName;
  /** Number used in frames (engine/frame-layout SPEC; a test holds both equal). */
  readonly frameSpec: number;
  /** Secret length in bytes for secret keys; modulus or field length in bytes otherwise. */
  readonly sizeBytes: number;
  /** May be a KeyPairSpec of GenerateDataKeyPair. */
  readonly dataKeyPair: boolean;
  /** Requests per second of GenerateDataKeyPair for this spec; 0 where not offered. */
  readonly pairQuotaPerSecond: number;
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
    quotaClass: 'symmetric',
    lane: 'symmetric',
    frameSpec,
    sizeBytes: bits / 8,
    dataKeyPair: false,
    pairQuotaPerSecond: 0,
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
    quotaClass: 'rsa',
    lane: `rsa${bits}`,
    frameSpec,
    sizeBytes: bits / 8,
    dataKeyPair: true,
    pairQuotaPerSecond,
  };
}

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
    quotaClass: 'ecc',
    lane,
    frameSpec,
    sizeBytes,
    dataKeyPair: true,
    pairQuotaPerSecond: 100,
    curve,
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
    quotaClass: 'symmetric',
    lane: 'symmetric',
    frameSpec: 1,
    sizeBytes: 32,
    dataKeyPair: false,
    pairQuotaPerSecond: 0,
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
