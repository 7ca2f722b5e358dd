/**
 * What runs the jobs of a frame outside the addon: one table of functions per library, with one
 * contract, so that any algorithm can take either. All throw JobStatus.
 */
import type { KeyObject } from 'node:crypto';
import type { GeneratedPair } from './node-crypto.js';
import type { NodeKey } from './node-keys.js';

export interface Primitives {
  readonly name: 'node' | 'noble';
  /** Algorithms that the library does not have, by the name of their self-test. */
  readonly lacks: ReadonlySet<string>;
  /** @throws JobStatus INVALID_CIPHERTEXT when the bytes are no key of that spec */
  importKey(spec: number, bytes: Buffer): NodeKey;
  /** @throws JobStatus BAD_PEER_KEY */
  importPublicKey(spec: number, spki: Buffer): NodeKey;
  generatePair(spec: number): GeneratedPair;
  /**
   * A private key that comes from outside (DER PKCS#8), checked and in the form that generatePair
   * makes. @throws JobStatus BAD_INPUT when the bytes are no sound key of that spec
   */
  foreignPair(spec: number, pkcs8: Buffer): GeneratedPair;
  /** RFC 5649 under AES-256. @throws JobStatus INVALID_CIPHERTEXT */
  unwrapPadded(kek: Buffer, wrapped: Buffer): Buffer;
  seal(key: NodeKey, header: Uint8Array, context: Uint8Array, plaintext: Uint8Array): Buffer;
  /** @throws JobStatus INVALID_CIPHERTEXT */
  open(key: NodeKey, header: Uint8Array, context: Uint8Array, blob: Buffer): Buffer;
  /** @throws JobStatus BAD_KEY when the key is no HMAC key */
  mac(key: NodeKey, message: Uint8Array): Buffer;
  signMessage(key: NodeKey, alg: number, message: Uint8Array): Buffer;
  /** @throws JobStatus BAD_INPUT for a digest of wrong length, or where an algorithm takes none */
  signDigest(key: NodeKey, alg: number, digest: Buffer): Buffer;
  /** @throws JobStatus INVALID_SIGNATURE */
  verifyMessage(key: NodeKey, alg: number, message: Uint8Array, signature: Buffer): void;
  /** @throws JobStatus INVALID_SIGNATURE */
  verifyDigest(key: NodeKey, alg: number, digest: Buffer, signature: Buffer): void;
  /** ML-DSA over a message representative. @throws JobStatus BAD_INPUT unless it has 64 bytes */
  signMu(key: NodeKey, alg: number, mu: Buffer): Buffer;
  /** @throws JobStatus INVALID_SIGNATURE, BAD_INPUT */
  verifyMu(key: NodeKey, alg: number, mu: Buffer, signature: Buffer): void;
  /** Shared secret (32 bytes) | ciphertext. */
  encapsulate(key: NodeKey): Buffer;
  /** @throws JobStatus INVALID_CIPHERTEXT for a ciphertext of wrong length */
  decapsulate(key: NodeKey, ciphertext: Buffer): Buffer;
  /** Of RSA and SM2. */
  rsaEncrypt(key: NodeKey, alg: number, plaintext: Uint8Array): Buffer;
  /** @throws JobStatus INVALID_CIPHERTEXT, whatever is wrong */
  rsaDecrypt(key: NodeKey, alg: number, ciphertext: Uint8Array): Buffer;
  /** `peer` is DER SPKI. @throws JobStatus BAD_PEER_KEY */
  ecdh(key: NodeKey, peer: Buffer): Buffer;
  /** Gives the hex SHA-256 of the body. @throws JobStatus INVALID_SIGNATURE, BAD_INPUT */
  checkSigV4(secret: KeyObject, canonical: Buffer, body: Buffer, tail: Buffer): Buffer;
}
