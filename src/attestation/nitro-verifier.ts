/**
 * Verifies attestation documents of AWS Nitro Enclaves and NitroTPM against roots of one's own
 * choice: a COSE_Sign1 by ES384 over the document, whose certificate chain begins with such a root.
 *
 * Source: aws-nitro-enclaves-nsm-api, docs/attestation_process.md, section 3. What KMS adds: an
 * RSA public key has to be there. A document may be used again while its certificate is valid, as
 * with AWS: answers are of use to none but the holder of the private key.
 */
import type { Clock } from '../core/clock.js';
import { KmsError } from '../core/errors.js';
import { parseAttestationDocument } from './attestation-document.js';
import { readCertificate } from './certificate.js';
import { CertificateChains, type Signer } from './certificate-chain.js';
import { parseCoseSign1, verifyCoseSign1 } from './cose-sign1.js';
import { envelopedData } from './enveloped-data.js';
import type { AttestedRecipient, RecipientVerifier } from './port.js';
import { readRecipientKey } from './recipient-key.js';
import { refusal } from './refusal.js';

/** A payload of 16 KiB and its signature fit; the API model has 262,144. */
const DOCUMENT_BYTES_MAX = 32_768;
/** Ours: documents being verified, a signature check of some 0.5 ms each. */
const PENDING_MAX = 256;
/** How far clocks may differ, milliseconds; that of request signatures. */
const SKEW_MS = 300_000;
const ROOTS_MAX = 16;
const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/g;

/**
 * A verifier that trusts the certificates of `pem`, one to 16 of P-384.
 * @throws Error saying in one line what is wrong with them
 */
export function createNitroVerifier(pem: string, clock: Clock): RecipientVerifier {
  const ders = [...pem.matchAll(PEM_CERTIFICATE)].map((match) => Buffer.from(match[1]!, 'base64'));
  if (ders.length === 0 || ders.length > ROOTS_MAX) {
    throw new Error(`not 1 to ${ROOTS_MAX} certificates in PEM`);
  }
  const roots = ders.map((der) => {
    try {
      return readCertificate(der);
    } catch {
      throw new Error(
        'a certificate is no X.509 certificate of P-384 signed with ECDSA and SHA-384',
      );
    }
  });
  return new NitroVerifier(new CertificateChains(roots), clock);
}

class NitroVerifier implements RecipientVerifier {
  readonly #chains: CertificateChains;
  readonly #clock: Clock;
  #pending = 0;

  constructor(chains: CertificateChains, clock: Clock) {
    this.#chains = chains;
    this.#clock = clock;
  }

  async verify(bytes: Uint8Array): Promise<AttestedRecipient> {
    if (this.#pending >= PENDING_MAX) throw new KmsError('ThrottlingException');
    this.#pending += 1;
    try {
      return await this.#verify(bytes);
    } finally {
      this.#pending -= 1;
    }
  }

  async #verify(bytes: Uint8Array): Promise<AttestedRecipient> {
    if (bytes.length > DOCUMENT_BYTES_MAX) {
      throw refusal(`it has more than ${DOCUMENT_BYTES_MAX} bytes`);
    }
    const object = parseCoseSign1(bytes);
    const document = parseAttestationDocument(object.payload);
    const now = this.#clock.now();
    const signer = await this.#chains.verify(document.certificate, document.caBundle, now);
    if (!(await verifyCoseSign1(object, signer.publicKey))) {
      throw refusal('its signature does not match');
    }
    requireTimely(document.timestamp, signer, now);
    // Last: only a key that was signed for is given to the RSA code.
    const key = readRecipientKey(document.publicKey);
    const { platform, moduleId, timestamp, pcrs } = document;
    const envelop = (plaintext: Uint8Array) => envelopedData(key, plaintext);
    return Object.freeze({ platform, moduleId, timestamp, pcrs, envelop });
  }
}

/** A document is made while its certificate is valid, and not in the future. */
function requireTimely(timestamp: number, { notBefore, notAfter }: Signer, now: number): void {
  if (timestamp > now + SKEW_MS) throw refusal('its timestamp is in the future');
  if (timestamp < notBefore - SKEW_MS || timestamp > notAfter + SKEW_MS) {
    throw refusal('its timestamp is not in the time of its certificate');
  }
}
