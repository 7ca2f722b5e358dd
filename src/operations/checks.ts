/**
 * Rules that several operations share: what a schema cannot say about an input, and what must
 * hold between a key and an algorithm. Each throws the KmsError of the AWS failure.
 */
import { KmsError } from '../core/errors.js';
import type { Key } from '../keys/key.js';

/** @throws InvalidKeyUsageException when the key's spec does not offer `algorithm`. */
export function requireAlgorithm(key: Key, offered: readonly string[], algorithm: string): void {
  if (offered.includes(algorithm)) return;
  throw new KmsError(
    'InvalidKeyUsageException',
    `Algorithm ${algorithm} is incompatible with key spec ${key.record.keySpec}.`,
  );
}

/** `Value null at '<member>' ...`, for members that only some inputs must have. */
export function missingMember(lowerCamelMember: string): KmsError {
  return new KmsError(
    'ValidationException',
    `1 validation error detected: Value null at '${lowerCamelMember}' failed to satisfy ` +
      'constraint: Member must not be null',
  );
}

/** The one algorithm there is need not be named; the document must. @throws ValidationException */
export function requireDocument(
  recipient: { readonly AttestationDocument?: unknown } | undefined,
): void {
  if (recipient === undefined || recipient.AttestationDocument !== undefined) return;
  throw missingMember('recipient.attestationDocument');
}

/** An encryption context is authenticated data of symmetric keys only. @throws ValidationException */
export function refuseContextOf(
  algorithm: string,
  context: Readonly<Record<string, string>> | undefined,
): void {
  if (context === undefined) return;
  for (const _ in context) {
    throw new KmsError(
      'ValidationException',
      `EncryptionContext is not supported with the encryption algorithm ${algorithm}.`,
    );
  }
}

const OAEP_HASH_BYTES: Readonly<Record<string, number>> = Object.freeze({
  RSAES_OAEP_SHA_1: 20,
  RSAES_OAEP_SHA_256: 32,
});

/** Longest plaintext of RSAES-OAEP in bytes: k - 2 hLen - 2 (RFC 8017, section 7.1.1). */
export function oaepPlaintextMax(modulusBytes: number, algorithm: string): number {
  return modulusBytes - 2 * (OAEP_HASH_BYTES[algorithm] ?? 0) - 2;
}

/** @throws ValidationException when `bytes` do not fit under the asymmetric algorithm */
export function requireFits(key: Key, algorithm: string, bytes: number): void {
  const { plaintextBytesMax, sizeBytes } = key.spec;
  const max = plaintextBytesMax ?? oaepPlaintextMax(sizeBytes, algorithm);
  if (bytes <= max) return;
  throw new KmsError(
    'ValidationException',
    `Algorithm ${algorithm} and key spec ${key.record.keySpec} cannot encrypt data larger than ` +
      `${max} bytes.`,
  );
}

/** No custom key store can be there before they are offered. @throws CustomKeyStoreNotFoundException */
export function refuseCustomKeyStore(id: string | undefined): void {
  if (id !== undefined) throw customKeyStoreNotFound(id);
}

/** `id`: the id or the name that the request gives. */
export function customKeyStoreNotFound(id: string): KmsError {
  return new KmsError('CustomKeyStoreNotFoundException', `Custom key store ${id} is not found.`);
}

const STORE_ORIGINS: readonly string[] = ['AWS_CLOUDHSM', 'EXTERNAL_KEY_STORE'];

/**
 * Origins of custom key stores and CustomKeyStoreId go together.
 * @throws ValidationException, CustomKeyStoreNotFoundException
 */
export function requireStoreOfOrigin(origin: string | undefined, id: string | undefined): void {
  const ofStore = origin !== undefined && STORE_ORIGINS.includes(origin);
  if (ofStore && id === undefined) {
    throw new KmsError(
      'ValidationException',
      `CustomKeyStoreId must be specified for the origin ${origin}.`,
    );
  }
  if (!ofStore && id !== undefined) {
    throw new KmsError(
      'ValidationException',
      'CustomKeyStoreId can be used with the AWS_CLOUDHSM and EXTERNAL_KEY_STORE origins only.',
    );
  }
  refuseCustomKeyStore(id);
}
