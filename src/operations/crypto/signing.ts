/** What Sign and Verify share: the rules for key, algorithm and message. */
import type { BlobInput } from '../../core/blob.js';
import { KmsError } from '../../core/errors.js';
import type { MessageType } from '../../core/records.js';
import type { Key } from '../../keys/key.js';
import type { KeyService } from '../../keys/service.js';
import { requireAlgorithm } from '../checks.js';

/** Bytes that an algorithm wants of a message of that type; undefined where it does not take it. */
type Lengths = Readonly<Partial<Record<MessageType, number>>>;

/** A message of any length that the schema allows. */
const ANY = 0;
const SHA_256: Lengths = Object.freeze({ RAW: ANY, DIGEST: 32 });
const SHA_384: Lengths = Object.freeze({ RAW: ANY, DIGEST: 48 });
const SHA_512: Lengths = Object.freeze({ RAW: ANY, DIGEST: 64 });

/** By SigningAlgorithm. */
const LENGTHS: Readonly<Record<string, Lengths>> = Object.freeze({
  RSASSA_PKCS1_V1_5_SHA_256: SHA_256,
  RSASSA_PKCS1_V1_5_SHA_384: SHA_384,
  RSASSA_PKCS1_V1_5_SHA_512: SHA_512,
  RSASSA_PSS_SHA_256: SHA_256,
  RSASSA_PSS_SHA_384: SHA_384,
  RSASSA_PSS_SHA_512: SHA_512,
  ECDSA_SHA_256: SHA_256,
  ECDSA_SHA_384: SHA_384,
  ECDSA_SHA_512: SHA_512,
  // SM3 has 32 bytes as well.
  SM2DSA: SHA_256,
  ED25519_SHA_512: Object.freeze({ RAW: ANY }),
  ED25519_PH_SHA_512: Object.freeze({ DIGEST: 64 }),
  ML_DSA_SHAKE_256: Object.freeze({ RAW: ANY, EXTERNAL_MU: 64 }),
});

/** Length of the digest that an algorithm signs, in bytes; 0 where it signs none. */
export function digestBytes(algorithm: string): number {
  return LENGTHS[algorithm]?.DIGEST ?? 0;
}

interface SigningInput {
  readonly Message: BlobInput;
  readonly MessageType?: string | undefined;
  readonly SigningAlgorithm: string;
}

/**
 * Checks state, usage, algorithm and message; gives what the message is.
 * @throws KmsError of state, usage, algorithm; ValidationException for a type of message that the
 *   algorithm does not take, and for a digest or representative of wrong length
 */
export function requireSigns(
  service: KeyService,
  operation: 'Sign' | 'Verify',
  key: Key,
  input: SigningInput,
): MessageType {
  const algorithm = input.SigningAlgorithm;
  service.requireState(operation, key);
  service.requireUsage(operation, key, 'SIGN_VERIFY');
  requireAlgorithm(key, key.spec.signingAlgorithms, algorithm);
  const type = (input.MessageType ?? 'RAW') as MessageType;
  const bytes = LENGTHS[algorithm]?.[type];
  if (bytes === undefined) {
    throw new KmsError(
      'ValidationException',
      `MessageType ${type} is not valid for algorithm ${algorithm}.`,
    );
  }
  if (bytes !== ANY && input.Message.length !== bytes) {
    throw new KmsError(
      'ValidationException',
      `Digest is invalid length for algorithm ${algorithm}.`,
    );
  }
  return type;
}
