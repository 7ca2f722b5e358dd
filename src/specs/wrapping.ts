/**
 * How key material may be encrypted on its way in: wrapping algorithms and wrapping keys, by key spec.
 * Source: AWS KMS Developer Guide, "Importing key material", step 2: the algorithms' table.
 */
import type { KeySpec } from '../core/records.js';
import type { KeyFamily, KeySpecRow } from './key-specs.js';

export type WrappingKeySpec = 'RSA_2048' | 'RSA_3072' | 'RSA_4096';

export type WrappingAlgorithm =
  | 'RSAES_OAEP_SHA_1'
  | 'RSAES_OAEP_SHA_256'
  | 'RSA_AES_KEY_WRAP_SHA_1'
  | 'RSA_AES_KEY_WRAP_SHA_256';

export const WRAPPING_KEY_SPECS: readonly WrappingKeySpec[] = Object.freeze([
  'RSA_2048',
  'RSA_3072',
  'RSA_4096',
]);

export const WRAPPING_ALGORITHMS: readonly WrappingAlgorithm[] = Object.freeze([
  'RSAES_OAEP_SHA_1',
  'RSAES_OAEP_SHA_256',
  'RSA_AES_KEY_WRAP_SHA_1',
  'RSA_AES_KEY_WRAP_SHA_256',
]);

const OAEP: readonly WrappingAlgorithm[] = ['RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256'];
const KEY_WRAP: readonly WrappingAlgorithm[] = [
  'RSA_AES_KEY_WRAP_SHA_1',
  'RSA_AES_KEY_WRAP_SHA_256',
];

/** Families that are not named cannot be imported. */
const BY_FAMILY: Partial<Record<KeyFamily, readonly WrappingAlgorithm[]>> = {
  symmetric: OAEP,
  hmac: OAEP,
  rsa: KEY_WRAP,
  ecc: [...OAEP, ...KEY_WRAP],
  eddsa: [...OAEP, ...KEY_WRAP],
};

/** Material that is too long for OAEP under a small modulus. */
const TOO_LONG: readonly (readonly [KeySpec, WrappingKeySpec])[] = [['ECC_NIST_P521', 'RSA_2048']];

/** True where key material of this spec can come from outside. */
export function isImportable(row: KeySpecRow): boolean {
  return BY_FAMILY[row.family] !== undefined;
}

/** True where `algorithm` under a key of `wrappingKey` can carry material of this spec. */
export function mayWrap(
  row: KeySpecRow,
  algorithm: WrappingAlgorithm,
  wrappingKey: WrappingKeySpec,
): boolean {
  if (BY_FAMILY[row.family]?.includes(algorithm) !== true) return false;
  const tooLong = TOO_LONG.some(([spec, key]) => spec === row.spec && key === wrappingKey);
  return !(tooLong && OAEP.includes(algorithm));
}
