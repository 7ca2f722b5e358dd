/** The key store of this process: a thin layer over the engine, which keeps the material. */
import { type ErrorCode, isKmsError, KmsError } from '../../core/errors.js';
import { type Engine, EngineError, type EngineStatusName } from '../../engine/port.js';
import type { KeyStore } from '../port.js';

/** Statuses that a request can bring about; all others are failures of ours. */
const CODES: Partial<Record<EngineStatusName, ErrorCode>> = {
  INVALID_CIPHERTEXT: 'InvalidCiphertextException',
  INVALID_SIGNATURE: 'KMSInvalidSignatureException',
  INVALID_MAC: 'KMSInvalidMacException',
  BAD_PEER_KEY: 'ValidationException',
  OVERLOADED: 'ThrottlingException',
};

function failure(error: unknown): KmsError {
  if (isKmsError(error)) return error;
  const code = error instanceof EngineError ? CODES[error.status] : undefined;
  return new KmsError(code ?? 'KMSInternalException', undefined, error);
}

/** Input that is out of bounds is here the content of a message that could be opened. */
function foreignFailure(error: unknown): never {
  if (error instanceof EngineError && error.status === 'BAD_INPUT') {
    throw new KmsError('IncorrectKeyMaterialException', undefined, error);
  }
  throw error;
}

export function createLocalKeyStore(engine: Engine): KeyStore {
  return Object.freeze<KeyStore>({
    random: (bytes) => engine.random(bytes),
    encrypt: (key, plaintext, context, header) => engine.encrypt(key, plaintext, context, header),
    decrypt: (key, blob, context, header) => engine.decrypt(key, blob, context, header),
    generateDataKey: (key, bytes, context, header) =>
      engine.generateDataKey(key, bytes, context, header),
    generateKeyPair: (key, pairSpec, context, header, withPlaintext) =>
      engine.generateKeyPair(key, pairSpec, context, header, withPlaintext),
    rsaEncrypt: (key, spec, algorithm, plaintext) =>
      engine.rsaEncrypt(key, spec, algorithm, plaintext),
    rsaDecrypt: (key, spec, algorithm, ciphertext) =>
      engine.rsaDecrypt(key, spec, algorithm, ciphertext),
    sign: (key, spec, algorithm, message, messageType) =>
      engine.sign(key, spec, algorithm, message, messageType),
    verify: (key, spec, algorithm, message, messageType, signature) =>
      engine.verify(key, spec, algorithm, message, messageType, signature),
    mac: (key, spec, message) => engine.mac(key, spec, message),
    verifyMac: (key, spec, message, mac) => engine.verifyMac(key, spec, message, mac),
    deriveSharedSecret: (key, spec, peerSpki) => engine.deriveSharedSecret(key, spec, peerSpki),
    encapsulate: (key, spec, algorithm) => engine.encapsulate(key, spec, algorithm),
    decapsulate: (key, spec, algorithm, ciphertext) =>
      engine.decapsulate(key, spec, algorithm, ciphertext),
    generate: (wrappingKey, spec, keyId, aad) => engine.generateKey(wrappingKey, spec, keyId, aad),
    importMaterial: (wrappingKey, importKey, material) =>
      engine.importKey(wrappingKey, importKey, material).catch(foreignFailure),
    wrap: (wrappingKey, plaintext, aad) => engine.wrap(wrappingKey, plaintext, aad),
    rewrap: (wrappingKey, wrapped, aad, newWrappingKey, newAad) =>
      engine.rewrap(wrappingKey, wrapped, aad, newWrappingKey, newAad),
    load: (wrappingKey, spec, wrapped, aad) => engine.loadKey(wrappingKey, spec, wrapped, aad),
    free: (key) => {
      engine.freeKey(key);
    },
    failure,
    isFull: (error) => error instanceof EngineError && error.status === 'EXHAUSTED',
  });
}
