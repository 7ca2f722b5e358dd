/** The public key of an attestation document, which answers are enciphered for. */
import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { refusal } from './refusal.js';

const MODULUS_BITS_MIN = 2_048;
/** Ours: larger keys cost more than they protect, and are nobody's. */
const MODULUS_BITS_MAX = 4_096;
/** FIPS 186-5, appendix A.1.1, has more; what is in use is 65537. */
const EXPONENT_MAX = 2n ** 32n;

export interface RecipientKey {
  readonly key: KeyObject;
  /** SHA-256 of the SubjectPublicKeyInfo: the id by which the envelope names the key, 32 bytes. */
  readonly id: Buffer;
}

/** Reads a DER SubjectPublicKeyInfo of RSA. @throws KmsError ValidationException */
export function readRecipientKey(spki: Uint8Array): RecipientKey {
  const der = Buffer.from(spki);
  let key: KeyObject;
  try {
    key = createPublicKey({ key: der, format: 'der', type: 'spki' });
    if (!key.export({ format: 'der', type: 'spki' }).equals(der)) throw new Error('not DER');
  } catch (error) {
    throw refusal('its public_key is no SubjectPublicKeyInfo', error);
  }
  const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {};
  if (
    key.asymmetricKeyType !== 'rsa' ||
    modulusLength < MODULUS_BITS_MIN ||
    modulusLength > MODULUS_BITS_MAX ||
    publicExponent < 3n ||
    publicExponent > EXPONENT_MAX ||
    publicExponent % 2n === 0n
  ) {
    throw refusal(
      `its public_key is no RSA key of ${MODULUS_BITS_MIN} to ${MODULUS_BITS_MAX} bits`,
    );
  }
  return { key, id: createHash('sha256').update(der).digest() };
}
