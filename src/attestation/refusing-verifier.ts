/** The verifier of deployments that trust no root. */
import { KmsError } from '../core/errors.js';
import type { RecipientVerifier } from './port.js';

/** Refuses every attested request: UnsupportedOperationException. */
export function createRefusingVerifier(): RecipientVerifier {
  return {
    verify() {
      const text = 'The Recipient parameter is not supported: no attestation root is configured.';
      return Promise.reject(new KmsError('UnsupportedOperationException', text));
    },
  };
}
