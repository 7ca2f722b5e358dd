/**
 * The port of attestation: who the recipient of an attested request is, as its signed document
 * says, and the envelope in which only that recipient can read an answer.
 *
 * Source: AWS KMS Developer Guide, "Cryptographic attestation support in AWS KMS".
 */

/** What made the document, and so whose registers its values are. */
export type AttestationPlatform = 'NitroEnclave' | 'NitroTPM';

/** The recipient of a verified attestation document. Holds no secret. */
export interface AttestedRecipient {
  readonly platform: AttestationPlatform;
  /** Id of the enclave, or of the instance with its TPM; 1 to 256 characters. */
  readonly moduleId: string;
  /** When the document was made: milliseconds since the Unix epoch. */
  readonly timestamp: number;
  /**
   * Platform configuration registers by number (0 to 31): SHA-384 values, 96 lower-case hex digits.
   * What policies see as kms:RecipientAttestation:PCRn or :NitroTPMPCRn; register 0 of an enclave
   * is its ImageSha384 too.
   */
  readonly pcrs: ReadonlyMap<number, string>;
  /**
   * `plaintext` as CMS EnvelopedData under the document's public key, at most 5 KiB for what KMS
   * answers. The caller wipes `plaintext`.
   */
  envelop(plaintext: Uint8Array): Buffer;
}

export interface RecipientVerifier {
  /**
   * Verifies an attestation document: form, certificate chain, signature, times, public key.
   * Rejects with KmsError: ValidationException for a document that is not good,
   * UnsupportedOperationException where no root is trusted, ThrottlingException when too many are
   * being verified. Never throws synchronously.
   */
  verify(document: Uint8Array): Promise<AttestedRecipient>;
}
