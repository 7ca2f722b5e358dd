/**
 * How key material may be encrypted on its way in: wrapping algorithms and wrapping keys, by key spec.
 * Source: AWS KMS Developer Guide, "Importing key material", step 2: the algorithms' table.
 */
import type { KeySpec } from '../core/records.js';
import type { KeyFamily, KeySpecRow } from './key-specs.js';

/** SM2 in China Regions alone, as the key spec. */
export type WrappingKeySpec = 'RSA_2048' | 'RSA_3072' | 'RSA_4096' | 'SM2';

export type WrappingAlgorithm =
  | 'RSAES_OAEP_SHA_1'
  | 'RSAES_OAEP_SHA_256'
  | 'RSA_AES_KEY_WRAP_SHA_1'
  | 'RSA_AES_KEY_WRAP_SHA_256'
  | 'SM2PKE';

export const WRAPPING_KEY_SPECS: readonly WrappingKeySpec[] = Object.freeze([
  'RSA_2048',
  'RSA_3072',
  'RSA_4096',
  'SM2',
]);

export const WRAPPING_ALGORITHMS: readonly WrappingAlgorithm[] = Object.freeze([
  'RSAES_OAEP_SHA_1',
  'RSAES_OAEP_SHA_256',
  'RSA_AES_KEY_WRAP_SHA_1',
  'RSA_AES_KEY_WRAP_SHA_256',
  'SM2PKE',
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
  rsa: [...KEY_WRAP, 'SM2PKE'],
  ecc: [...OAEP, ...KEY_WRAP],
  eddsa: [...OAEP, ...KEY_WRAP],
  sm2: [...OAEP, 'SM2PKE'],
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
  if ((algorithm === 'SM2PKE') !== (wrappingKey === 'SM2')) return false;
  const tooLong = TOO_LONG.some(([spec, key]) => spec === row.spec && key === wrappingKey);
  return !(tooLong && OAEP.includes(algorithm));
}
