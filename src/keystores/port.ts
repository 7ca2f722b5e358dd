/**
 * A key store holds key material in usable form behind handles: our own engine, or hardware.
 *
 * Methods that return a promise reject with the key store's own errors, as they come: a promise
 * less per request. Callers hand what they catch to `failure`, which gives the KmsError of it.
 * A result Buffer belongs to the caller.
 */
import type { Payload } from '../core/blob.js';
import type { KmsError } from '../core/errors.js';
import type { KeyHandle } from '../core/key-handle.js';
import type { KeySpec, MessageType } from '../core/records.js';

export type { KeyHandle } from '../core/key-handle.js';

/** What a key store holds: KMS keys, the domain keys that wrap them, secrets of access keys. */
export type HeldSpec = KeySpec | 'DOMAIN' | 'SIGV4_SECRET';

export interface GeneratedMaterial {
  /** 32 bytes: HMAC-SHA-256 of the key id under the material. */
  readonly materialId: Buffer;
  readonly wrapped: Buffer;
  /** DER SubjectPublicKeyInfo; undefined for secret keys. */
  readonly publicKey: Buffer | undefined;
}

/** Material made elsewhere, encrypted for an RSA key of the store. */
export interface ForeignMaterial {
  readonly spec: KeySpec;
  /** RSAES_OAEP_* or RSA_AES_KEY_WRAP_*. */
  readonly algorithm: string;
  readonly encryptedMaterial: Payload;
  /** Goes into the material id. */
  readonly keyId: string;
  /** Bound to the wrapping. */
  readonly aad: Uint8Array;
}

export interface EncapsulatedSecret {
  /** 32 bytes; the caller wipes it. */
  readonly sharedSecret: Buffer;
  readonly ciphertext: Buffer;
}

export interface KeyStore {
  random(bytes: number): Promise<Buffer>;

  /** Gives `header | nonce | IV | ciphertext | tag`, 44 bytes more than header and plaintext. */
  encrypt(
    key: KeyHandle,
    plaintext: Payload,
    context: Uint8Array,
    header: Uint8Array,
  ): Promise<Buffer>;
  /** `blob` starts with `header`. Fails as InvalidCiphertextException. */
  decrypt(key: KeyHandle, blob: Payload, context: Uint8Array, header: Uint8Array): Promise<Buffer>;
  generateDataKey(
    key: KeyHandle,
    bytes: number,
    context: Uint8Array,
    header: Uint8Array,
  ): Promise<{ plaintext: Buffer; blob: Buffer }>;
  /** Keys in DER: PKCS#8 (when asked for) and SPKI; `blob` seals the PKCS#8. */
  generateKeyPair(
    key: KeyHandle,
    pairSpec: KeySpec,
    context: Uint8Array,
    header: Uint8Array,
    withPlaintext: boolean,
  ): Promise<{ privateKey: Buffer | undefined; publicKey: Buffer; blob: Buffer }>;

  /** RSA-OAEP or SM2PKE, and so is the next. */
  rsaEncrypt(key: KeyHandle, spec: KeySpec, algorithm: string, plaintext: Payload): Promise<Buffer>;
  /** Fails as InvalidCiphertextException. */
  rsaDecrypt(
    key: KeyHandle,
    spec: KeySpec,
    algorithm: string,
    ciphertext: Payload,
  ): Promise<Buffer>;
  sign(
    key: KeyHandle,
    spec: KeySpec,
    algorithm: string,
    message: Payload,
    messageType: MessageType,
  ): Promise<Buffer>;
  /** Fails as KMSInvalidSignatureException. */
  verify(
    key: KeyHandle,
    spec: KeySpec,
    algorithm: string,
    message: Payload,
    messageType: MessageType,
    signature: Payload,
  ): Promise<void>;
  mac(key: KeyHandle, spec: KeySpec, message: Payload): Promise<Buffer>;
  /** Fails as KMSInvalidMacException. */
  verifyMac(key: KeyHandle, spec: KeySpec, message: Payload, mac: Payload): Promise<void>;
  /** Fails as ValidationException without text for a malformed or foreign-curve peer key. */
  deriveSharedSecret(key: KeyHandle, spec: KeySpec, peerSpki: Payload): Promise<Buffer>;

  encapsulate(key: KeyHandle, spec: KeySpec, algorithm: string): Promise<EncapsulatedSecret>;
  /** Fails as InvalidCiphertextException for a ciphertext of wrong length. */
  decapsulate(
    key: KeyHandle,
    spec: KeySpec,
    algorithm: string,
    ciphertext: Payload,
  ): Promise<Buffer>;

  /** Makes material and gives it wrapped; it is not loaded. `aad` is bound to the wrapping. */
  generate(
    wrappingKey: KeyHandle,
    spec: HeldSpec,
    keyId: string,
    aad: Uint8Array,
  ): Promise<GeneratedMaterial>;
  /**
   * Opens material that was encrypted for `importKey`, an RSA private key of this store, and gives
   * it as `generate` does. Fails as InvalidCiphertextException when it cannot be opened, as
   * IncorrectKeyMaterialException when it is no key of the spec.
   */
  importMaterial(
    wrappingKey: KeyHandle,
    importKey: KeyHandle,
    material: ForeignMaterial,
  ): Promise<GeneratedMaterial>;
  /** Wraps bytes that are known outside already. */
  wrap(wrappingKey: KeyHandle, plaintext: Uint8Array, aad: Uint8Array): Promise<Buffer>;
  /**
   * Wraps again, under another key and bound to other `aad`, what `generate` or `wrap` gave; the
   * material does not leave the key store. Fails as InvalidCiphertextException.
   */
  rewrap(
    wrappingKey: KeyHandle,
    wrapped: Uint8Array,
    aad: Uint8Array,
    newWrappingKey: KeyHandle,
    newAad: Uint8Array,
  ): Promise<Buffer>;
  /** Unwraps into the key store. Fails as InvalidCiphertextException when aad or bytes differ. */
  load(
    wrappingKey: KeyHandle,
    spec: HeldSpec,
    wrapped: Uint8Array,
    aad: Uint8Array,
  ): Promise<KeyHandle>;
  /** Wipes and frees; a stale handle is ignored. No job that uses it may be in flight. */
  free(key: KeyHandle): void;

  /** The KmsError for what a method rejected with; the original is its cause. */
  failure(error: unknown): KmsError;
  /** True when a load was refused because too many keys are loaded. */
  isFull(error: unknown): boolean;
}
