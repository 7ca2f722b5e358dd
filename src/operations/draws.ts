/** Which token buckets an operation draws on: prebuilt, because most requests need one of four. */
import type { Key } from '../keys/key.js';
import type { QuotaClass } from '../specs/key-specs.js';
import type { Draw } from './port.js';

const CLASS_QUOTA: Readonly<Record<QuotaClass, string>> = Object.freeze({
  symmetric: 'crypto-symmetric',
  rsa: 'crypto-rsa',
  ecc: 'crypto-ecc',
  'ml-dsa': 'crypto-ml-dsa',
  'ml-kem': 'crypto-ml-kem',
});

const ONE: Readonly<Record<QuotaClass, readonly Draw[]>> = Object.freeze({
  symmetric: Object.freeze([Object.freeze({ quota: CLASS_QUOTA.symmetric })]),
  rsa: Object.freeze([Object.freeze({ quota: CLASS_QUOTA.rsa })]),
  ecc: Object.freeze([Object.freeze({ quota: CLASS_QUOTA.ecc })]),
  'ml-dsa': Object.freeze([Object.freeze({ quota: CLASS_QUOTA['ml-dsa'] })]),
  'ml-kem': Object.freeze([Object.freeze({ quota: CLASS_QUOTA['ml-kem'] })]),
});

/** One request on the quota shared by the cryptographic operations of the key's class. */
export function cryptoDraws(keys: readonly Key[]): readonly Draw[] {
  return ONE[keys[0]!.spec.quotaClass];
}

/** One request on the symmetric quota, whatever the key (GenerateRandom, data keys). */
export function symmetricDraws(): readonly Draw[] {
  return ONE.symmetric;
}

/** One request on the class of each of two keys; of one class, two requests on that. */
export function crypto2Draws(keys: readonly Key[]): readonly Draw[] {
  const first = keys[0]!.spec.quotaClass;
  const second = keys[1]!.spec.quotaClass;
  if (first === second) return [{ quota: CLASS_QUOTA[first], cost: 2 }];
  return [{ quota: CLASS_QUOTA[first] }, { quota: CLASS_QUOTA[second] }];
}

/** The quota of an operation that has one of its own. */
export function ownDraws(operation: string): () => readonly Draw[] {
  const draws = Object.freeze([Object.freeze({ quota: operation })]);
  return () => draws;
}
