/** Keys of the node backend: node's KeyObjects, named by handles. Their bytes are in this process. */
import { createPrivateKey, createPublicKey, createSecretKey, type KeyObject } from 'node:crypto';
import { handleGeneration, handleSlot, type KeyHandle, makeHandle } from '../../core/key-handle.js';
import { KEY_SPECS } from '../../specs/key-specs.js';
import { SPEC, STATUS } from '../frame-layout.js';

export interface NodeKey {
  readonly spec: number;
  readonly key: KeyObject;
  /** Set where `key` is a secret KeyObject that holds the key's DER, as @noble's tables do. */
  readonly form?: 'pkcs8' | 'spki';
}

/** Thrown inside the node backend: ends the job with a status. */
export class JobStatus extends Error {
  readonly status: number;
  constructor(status: number) {
    super('job status');
    this.status = status;
  }
}

const rowOf = new Map(KEY_SPECS.map((row) => [row.frameSpec, row]));

/** Bytes of a secret key of a spec; undefined where it is none, or has no fixed length. */
export function secretBytes(spec: number): number | undefined {
  if (spec === SPEC.DOMAIN || spec === SPEC.ROOT) return 32;
  const row = rowOf.get(spec);
  return row?.family === 'symmetric' || row?.family === 'hmac' ? row.sizeBytes : undefined;
}

/** Bits of an RSA spec's modulus, or undefined. */
export function rsaBits(spec: number): number | undefined {
  const row = rowOf.get(spec);
  return row?.family === 'rsa' ? row.sizeBytes * 8 : undefined;
}

/** OpenSSL's name of an EC spec's curve, or undefined. */
export function curveOf(spec: number): string | undefined {
  return rowOf.get(spec)?.curve;
}

function matches(spec: number, key: KeyObject): boolean {
  const details = key.asymmetricKeyDetails;
  const bits = rsaBits(spec);
  if (bits !== undefined) return key.asymmetricKeyType === 'rsa' && details?.modulusLength === bits;
  if (spec === SPEC.ECC_NIST_EDWARDS25519) return key.asymmetricKeyType === 'ed25519';
  return key.asymmetricKeyType === 'ec' && details?.namedCurve === curveOf(spec);
}

/** PKCS#8 of RFC 8410 without the public key. OpenSSL ignores bytes that follow it. */
const ED25519_PKCS8_BYTES = 48;

/** @throws JobStatus INVALID_CIPHERTEXT when the bytes are no key of that spec */
export function importKey(spec: number, bytes: Buffer): NodeKey {
  const length = secretBytes(spec);
  if (length !== undefined || spec === SPEC.SIGV4_SECRET) {
    const fits =
      length === undefined ? bytes.length >= 16 && bytes.length <= 128 : bytes.length === length;
    if (!fits) throw new JobStatus(STATUS.INVALID_CIPHERTEXT);
    return { spec, key: createSecretKey(bytes) };
  }
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: bytes, format: 'der', type: 'pkcs8' });
  } catch {
    throw new JobStatus(STATUS.INVALID_CIPHERTEXT);
  }
  const whole = spec !== SPEC.ECC_NIST_EDWARDS25519 || bytes.length === ED25519_PKCS8_BYTES;
  if (!whole || !matches(spec, key)) throw new JobStatus(STATUS.INVALID_CIPHERTEXT);
  return { spec, key };
}

/** @throws JobStatus BAD_PEER_KEY */
export function importPublicKey(spec: number, spki: Buffer): NodeKey {
  let key: KeyObject;
  try {
    key = createPublicKey({ key: spki, format: 'der', type: 'spki' });
    // OpenSSL ignores bytes after the key; one encoding only is accepted.
    if (!key.export({ format: 'der', type: 'spki' }).equals(spki)) throw new Error('not DER');
  } catch {
    throw new JobStatus(STATUS.BAD_PEER_KEY);
  }
  if (!matches(spec, key)) throw new JobStatus(STATUS.BAD_PEER_KEY);
  return { spec, key };
}

/** Most keys that can be loaded at one time; as the native arena. */
const SLOTS_MAX = 65_536;

export class NodeKeyRegistry {
  readonly #slots: { generation: number; key: NodeKey | undefined }[] = [];
  readonly #free: number[] = [];

  /** @throws JobStatus EXHAUSTED */
  insert(key: NodeKey): KeyHandle {
    const slot = this.#free.pop() ?? this.#slots.length;
    if (slot >= SLOTS_MAX) throw new JobStatus(STATUS.EXHAUSTED);
    const entry = this.#slots[slot] ?? { generation: 1, key: undefined };
    this.#slots[slot] = entry;
    entry.key = key;
    return makeHandle(slot, entry.generation);
  }

  get(slot: number, generation: number): NodeKey | undefined {
    const entry = this.#slots[slot];
    return entry?.generation === generation ? entry.key : undefined;
  }

  free(handle: KeyHandle): void {
    const slot = handleSlot(handle);
    const entry = this.#slots[slot];
    if (entry?.key === undefined || entry.generation !== handleGeneration(handle)) return;
    entry.key = undefined;
    entry.generation += 1;
    if (entry.generation < 2 ** 20) this.#free.push(slot);
  }
}
