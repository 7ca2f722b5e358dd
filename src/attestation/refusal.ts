/** Why an attestation document is refused; everything in it is public, so the reason is told. */
import { KmsError } from '../core/errors.js';

/** `reason` completes "the attestation document is not valid: ..."; never text of the document. */
export function refusal(reason: string, cause?: unknown): KmsError {
  const text = `The attestation document is not valid: ${reason}.`;
  return new KmsError('ValidationException', text, cause);
}
