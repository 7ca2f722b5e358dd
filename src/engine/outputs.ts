/** Reads what jobs of several parts wrote; the parts are drawn in frame-layout.ts. Nothing is copied. */
import { type KeyHandle, makeHandle } from '../core/key-handle.js';
import type { Encapsulated, GeneratedKey, GeneratedKeyPair } from './port.js';

/** Shared secret of ML-KEM, bytes. */
export const SHARED_SECRET_BYTES = 32;

export function handleOf(output: Buffer): KeyHandle {
  return makeHandle(output.readUInt32LE(0), output.readUInt32LE(4));
}

export function generatedKey(output: Buffer): GeneratedKey {
  const wrappedEnd = 40 + output.readUInt32LE(32);
  const spkiEnd = wrappedEnd + output.readUInt32LE(36);
  return {
    materialId: output.subarray(0, 32),
    wrapped: output.subarray(40, wrappedEnd),
    publicKey: spkiEnd > wrappedEnd ? output.subarray(wrappedEnd, spkiEnd) : undefined,
  };
}

export function generatedKeyPair(output: Buffer, withPlaintext: boolean): GeneratedKeyPair {
  const spkiAt = 12 + output.readUInt32LE(0);
  const blobAt = spkiAt + output.readUInt32LE(4);
  return {
    privateKey: withPlaintext ? output.subarray(12, spkiAt) : undefined,
    publicKey: output.subarray(spkiAt, blobAt),
    blob: output.subarray(blobAt, blobAt + output.readUInt32LE(8)),
  };
}

export function encapsulated(output: Buffer): Encapsulated {
  return {
    sharedSecret: output.subarray(0, SHARED_SECRET_BYTES),
    ciphertext: output.subarray(SHARED_SECRET_BYTES),
  };
}
