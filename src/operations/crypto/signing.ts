/** What Sign and Verify share: the rules for key, algorithm and message. */
import type { BlobInput } from '../../core/blob.js';
import { KmsError } from '../../core/errors.js';
import type { Key } from '../../keys/key.js';
import type { KeyService } from '../../keys/service.js';
import { requireAlgorithm } from '../checks.js';

const DIGEST_BYTES: Readonly<Record<string, number>> = Object.freeze({
  SHA_256: 32,
  SHA_384: 48,
  SHA_512: 64,
});

/** Length of the digest that an algorithm signs, in bytes, from the hash that its name ends with. */
export function digestBytes(algorithm: string): number {
  return DIGEST_BYTES[algorithm.slice(-7)] ?? 0;
}

interface SigningInput {
  readonly Message: BlobInput;
  readonly MessageType?: string | undefined;
  readonly SigningAlgorithm: string;
}

/**
 * Checks state, usage, algorithm and message; gives whether the message is a digest already.
 * @throws KmsError of state, usage, algorithm; ValidationException for a digest of wrong length
 */
export function requireSigns(
  service: KeyService,
  operation: 'Sign' | 'Verify',
  key: Key,
  input: SigningInput,
): boolean {
  const algorithm = input.SigningAlgorithm;
  service.requireState(operation, key);
  service.requireUsage(operation, key, 'SIGN_VERIFY');
  requireAlgorithm(key, key.spec.signingAlgorithms, algorithm);
  if (input.MessageType === undefined || input.MessageType === 'RAW') return false;
  if (input.MessageType !== 'DIGEST') {
    throw new KmsError(
      'ValidationException',
      `MessageType ${input.MessageType} is not valid for algorithm ${algorithm}.`,
    );
  }
  if (input.Message.length !== digestBytes(algorithm)) {
    throw new KmsError(
      'ValidationException',
      `Digest is invalid length for algorithm ${algorithm}.`,
    );
  }
  return true;
}
