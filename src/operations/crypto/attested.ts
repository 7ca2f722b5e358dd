/** What operations answer to attested requests in place of a secret: its envelope. */
import type { AttestedRecipient } from '../../attestation/port.js';

/** CiphertextForRecipient of `secret`, which is wiped. */
export function envelopeOf(secret: Buffer, recipient: AttestedRecipient): Buffer {
  try {
    return recipient.envelop(secret);
  } finally {
    secret.fill(0);
  }
}
