/**
 * Operations that a grant on a key may allow, by the kind of key, and the kinds whose grants may be
 * bound to an encryption context. AWS KMS Developer Guide, "Grant operations" and "Using grant
 * constraints".
 */
import { KmsError } from '../core/errors.js';
import type { GrantConstraints, GrantOperation } from '../core/records.js';
import type { Key } from './key.js';

const EVERY_KEY = ['CreateGrant', 'RetireGrant', 'DescribeKey'] as const;
const ENCRYPTION = ['Encrypt', 'Decrypt', 'ReEncryptFrom', 'ReEncryptTo'] as const;

interface GrantRules {
  readonly operations: readonly GrantOperation[];
  readonly encryptionContext: boolean;
}

const symmetric: GrantRules = {
  operations: [
    ...ENCRYPTION,
    'GenerateDataKey',
    'GenerateDataKeyWithoutPlaintext',
    'GenerateDataKeyPair',
    'GenerateDataKeyPairWithoutPlaintext',
    ...EVERY_KEY,
  ],
  encryptionContext: true,
};

function withoutContext(...operations: readonly GrantOperation[]): GrantRules {
  return { operations: [...operations, ...EVERY_KEY], encryptionContext: false };
}

/** By key usage, for keys that are not symmetric encryption keys. */
const BY_USAGE: Readonly<Record<string, GrantRules>> = Object.freeze({
  ENCRYPT_DECRYPT: withoutContext(...ENCRYPTION, 'GetPublicKey'),
  SIGN_VERIFY: withoutContext('Sign', 'Verify', 'GetPublicKey'),
  GENERATE_VERIFY_MAC: withoutContext('GenerateMac', 'VerifyMac'),
  KEY_AGREEMENT: withoutContext('DeriveSharedSecret', 'GetPublicKey'),
  ENCAPSULATE_DECAPSULATE: withoutContext('Encapsulate', 'Decapsulate', 'GetPublicKey'),
});

function rulesOf(key: Key): GrantRules {
  return key.spec.family === 'symmetric' ? symmetric : BY_USAGE[key.record.keyUsage]!;
}

/** @throws ValidationException when a grant on the key may not be so */
export function requireGrantFits(
  key: Key,
  operations: readonly GrantOperation[],
  constraints: GrantConstraints | undefined,
): void {
  const rules = rulesOf(key);
  const { keySpec, keyUsage } = key.record;
  const wrong = operations.filter((operation) => !rules.operations.includes(operation));
  if (wrong.length > 0) {
    throw new KmsError(
      'ValidationException',
      `Grant operations [${wrong.join(', ')}] are not valid for a key with KeySpec ${keySpec} and ` +
        `KeyUsage ${keyUsage}.`,
    );
  }
  if (rules.encryptionContext || constraints === undefined) return;
  const { encryptionContextEquals: equals, encryptionContextSubset: subset } = constraints;
  if (equals === undefined && subset === undefined) return;
  throw new KmsError(
    'ValidationException',
    `Encryption context constraints are not valid for a key with KeySpec ${keySpec}.`,
  );
}
