/**
 * The engine's port: submit cryptographic jobs, get results; keys are handles, never bytes.
 *
 * Jobs submitted in one turn of the event loop run together in one frame. Every method that takes
 * a key may reject with an EngineError; nothing else is thrown. A result Buffer belongs to the
 * caller. Queues are bounded: past the bound a job rejects with status 'OVERLOADED' at once.
 */
import type { Payload } from '../core/blob.js';
import type { KeyHandle } from '../core/key-handle.js';
import type { KeySpec, MessageType } from '../core/records.js';
import type { RootVault } from '../seal/port.js';

export type { KeyHandle } from '../core/key-handle.js';

export type EngineStatusName =
  | 'BAD_FRAME'
  | 'BAD_KEY'
  | 'INVALID_CIPHERTEXT'
  | 'INVALID_SIGNATURE'
  | 'INVALID_MAC'
  | 'BAD_PEER_KEY'
  | 'UNSUPPORTED'
  | 'OUT_TOO_SMALL'
  | 'EXHAUSTED'
  | 'FAULT'
  | 'INTERNAL'
  | 'BAD_INPUT'
  | 'OVERLOADED'
  | 'WORKER_DIED'
  | 'CLOSED';

/** EngineError says which status a job ended with; it carries no input and no secret. */
export class EngineError extends Error {
  readonly status: EngineStatusName;
  constructor(status: EngineStatusName) {
    super(`engine: ${status}`);
    this.name = 'EngineError';
    this.status = status;
  }
}

export interface GeneratedKey {
  /** 32 bytes. */
  readonly materialId: Buffer;
  readonly wrapped: Buffer;
  /** DER SPKI, undefined for secret keys. */
  readonly publicKey: Buffer | undefined;
}

/** Key material made elsewhere, as it comes in. */
export interface ImportRequest {
  /** What the material is for. */
  readonly spec: KeySpec;
  /** RSAES_OAEP_*, RSA_AES_KEY_WRAP_* or SM2PKE. */
  readonly algorithm: string;
  readonly encryptedMaterial: Payload;
  /** Goes into the material id. */
  readonly keyId: string;
  /** Bound to the wrapping. */
  readonly aad: Uint8Array;
}

export interface GeneratedKeyPair {
  /** DER PKCS#8; undefined when not asked for. */
  readonly privateKey: Buffer | undefined;
  /** DER SPKI. */
  readonly publicKey: Buffer;
  /** hdr | sealed(PKCS#8). */
  readonly blob: Buffer;
}

export interface Encapsulated {
  /** 32 bytes; the caller wipes it. */
  readonly sharedSecret: Buffer;
  readonly ciphertext: Buffer;
}

export interface SigV4Check {
  /** False when the signature does not match. */
  readonly ok: boolean;
  /** Lower-case hex SHA-256 of the body. */
  readonly payloadHash: string;
}

/** Wrapping specs that only the product itself uses. */
export type InternalSpec = 'DOMAIN' | 'SIGV4_SECRET';

export interface Engine {
  readonly vault: RootVault;

  random(bytes: number): Promise<Buffer>;
  encrypt(
    key: KeyHandle,
    plaintext: Payload,
    context: Uint8Array,
    header: Uint8Array,
  ): Promise<Buffer>;
  /** `blob` = header | sealed; the caller has checked that it starts with `header`. */
  decrypt(key: KeyHandle, blob: Payload, context: Uint8Array, header: Uint8Array): Promise<Buffer>;
  /** Resolves to plaintext and blob. */
  generateDataKey(
    key: KeyHandle,
    bytes: number,
    context: Uint8Array,
    header: Uint8Array,
  ): Promise<{ plaintext: Buffer; blob: Buffer }>;
  mac(key: KeyHandle, spec: KeySpec, message: Payload): Promise<Buffer>;
  /** Rejects INVALID_MAC. */
  verifyMac(key: KeyHandle, spec: KeySpec, message: Payload, mac: Payload): Promise<void>;
  sign(
    key: KeyHandle,
    spec: KeySpec,
    algorithm: string,
    message: Payload,
    messageType: MessageType,
  ): Promise<Buffer>;
  /** Rejects INVALID_SIGNATURE. */
  verify(
    key: KeyHandle,
    spec: KeySpec,
    algorithm: string,
    message: Payload,
    messageType: MessageType,
    signature: Payload,
  ): Promise<void>;
  /** RSA-OAEP or SM2PKE. */
  rsaEncrypt(key: KeyHandle, spec: KeySpec, algorithm: string, plaintext: Payload): Promise<Buffer>;
  rsaDecrypt(
    key: KeyHandle,
    spec: KeySpec,
    algorithm: string,
    ciphertext: Payload,
  ): Promise<Buffer>;
  deriveSharedSecret(key: KeyHandle, spec: KeySpec, peerSpki: Payload): Promise<Buffer>;
  /** ML-KEM under the key's public half. */
  encapsulate(key: KeyHandle, spec: KeySpec, algorithm: string): Promise<Encapsulated>;
  /**
   * The shared secret, 32 bytes; a ciphertext made for no key of ours gives one that nobody knows.
   * Rejects INVALID_CIPHERTEXT for a ciphertext of another length than the spec's.
   */
  decapsulate(
    key: KeyHandle,
    spec: KeySpec,
    algorithm: string,
    ciphertext: Payload,
  ): Promise<Buffer>;
  generateKey(
    wrappingKey: KeyHandle,
    spec: KeySpec | InternalSpec,
    keyId: string,
    aad: Uint8Array,
  ): Promise<GeneratedKey>;
  /**
   * Opens material that was encrypted for `importKey`, an RSA private key, and wraps it. Rejects
   * INVALID_CIPHERTEXT when it cannot be opened, BAD_INPUT when it is no key of that spec.
   */
  importKey(
    wrappingKey: KeyHandle,
    importKey: KeyHandle,
    request: ImportRequest,
  ): Promise<GeneratedKey>;
  generateKeyPair(
    key: KeyHandle,
    pairSpec: KeySpec,
    context: Uint8Array,
    header: Uint8Array,
    withPlaintext: boolean,
  ): Promise<GeneratedKeyPair>;
  loadKey(
    wrappingKey: KeyHandle,
    spec: KeySpec | InternalSpec,
    wrapped: Uint8Array,
    aad: Uint8Array,
  ): Promise<KeyHandle>;
  loadPublicKey(spec: KeySpec, spki: Uint8Array): Promise<KeyHandle>;
  /** Wraps bytes that JavaScript knows already (a secret access key shown once). */
  wrap(wrappingKey: KeyHandle, plaintext: Uint8Array, aad: Uint8Array): Promise<Buffer>;
  /**
   * Wraps again, under another key and with other additional data, what `wrap` or `generateKey`
   * gave; the plaintext stays in the engine. Rejects INVALID_CIPHERTEXT.
   */
  rewrap(
    wrappingKey: KeyHandle,
    wrapped: Uint8Array,
    aad: Uint8Array,
    newWrappingKey: KeyHandle,
    newAad: Uint8Array,
  ): Promise<Buffer>;
  /** Wipes and frees; a stale handle is ignored. */
  freeKey(key: KeyHandle): void;
  /**
   * One request's SigV4 check; see OP.SIGV4 for the three inputs. Never leaves the event loop's
   * turn: the checks of a turn are one native call.
   */
  verifySigV4(
    secret: KeyHandle,
    canonical: string | Uint8Array,
    body: Uint8Array,
    tail: string,
    hash?: boolean,
  ): Promise<SigV4Check>;

  status(): EngineReport;
  /** Waits for jobs in flight, stops workers, wipes the arena. */
  close(): Promise<void>;
}

export interface EngineReport {
  readonly cpu: string;
  readonly cpuClass: string;
  readonly dispatch: 'auto' | 'pool' | 'inline';
  readonly threads: number;
  /** Why the native backend is absent, if it is. */
  readonly nativeReason: string | undefined;
  readonly algorithms: readonly {
    readonly operation: string;
    readonly algorithm: string;
    readonly backend: 'native' | 'node' | 'noble' | 'none';
    readonly why: string;
  }[];
  readonly lanes: readonly {
    readonly lane: string;
    readonly queued: number;
    readonly inFlight: number;
    readonly nsPerJob: number;
    readonly frames: number;
    readonly jobs: number;
    readonly inlineFrames: number;
  }[];
  /** Jobs from which the native backend batches (break-even.ts); none where nothing is batched. */
  readonly breakEvens: readonly {
    readonly name: string;
    readonly first: number;
    readonly further: number;
    readonly source: 'constant' | 'file' | 'measured' | 'KEYSTREL_BREAK_EVEN';
  }[];
}
