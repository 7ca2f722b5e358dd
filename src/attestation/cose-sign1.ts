/**
 * COSE_Sign1 (RFC 9052, section 4.2) as the Nitro hypervisor writes it: ES384 alone, nothing in the
 * unprotected header, payload inside; with the tag 18 or without.
 */
import { type KeyObject, verify } from 'node:crypto';
import { promisify } from 'node:util';
import { encode, type TagDecoder } from 'cborg';
import { decodeCbor } from './cbor.js';
import { refusal } from './refusal.js';

/** COSE header label of the algorithm, and ES384 (RFC 9053, section 2.1). */
const ALGORITHM = 1;
const ES384 = -35;
/** r and s of P-384. */
const SIGNATURE_BYTES = 96;
/** The tag, the array, the unprotected header. */
const DEPTH_MAX = 3;
/** Nitro Enclaves: bytes of an attestation document inside its signature. */
const PAYLOAD_BYTES_MAX = 16_384;
/** The tag of COSE_Sign1 adds nothing: what it stands before is looked at. */
const TAGS: Readonly<Record<number, TagDecoder>> = Object.freeze({ 18: (inner) => inner() });
const NOTHING = new Uint8Array(0);

const verifyAsync = promisify(verify);

export interface CoseSign1 {
  /** Serialized, as it was signed. */
  readonly protectedHeader: Uint8Array;
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
}

/** Reads a COSE_Sign1. @throws KmsError ValidationException */
export function parseCoseSign1(bytes: Uint8Array): CoseSign1 {
  const value = decodeCbor(bytes, DEPTH_MAX, TAGS);
  const items: readonly unknown[] = Array.isArray(value) ? value : [];
  const [protectedHeader, unprotected, payload, signature] = items;
  if (
    items.length !== 4 ||
    !(protectedHeader instanceof Uint8Array) ||
    !(unprotected instanceof Map) ||
    unprotected.size !== 0 ||
    !(payload instanceof Uint8Array) ||
    !(signature instanceof Uint8Array)
  ) {
    throw refusal('it is no COSE_Sign1');
  }
  if (payload.length === 0 || payload.length > PAYLOAD_BYTES_MAX) {
    throw refusal(`its payload has not 1 to ${PAYLOAD_BYTES_MAX} bytes`);
  }
  if (signature.length !== SIGNATURE_BYTES) throw refusal('its signature is none of ES384');
  requireEs384(protectedHeader);
  return { protectedHeader, payload, signature };
}

function requireEs384(protectedHeader: Uint8Array): void {
  const header = decodeCbor(protectedHeader, 1);
  if (header instanceof Map && header.size === 1 && header.get(ALGORITHM) === ES384) return;
  throw refusal('its signature algorithm is not ES384');
}

/** True when `key` (P-384) has signed the object. */
export function verifyCoseSign1(object: CoseSign1, key: KeyObject): Promise<boolean> {
  const { protectedHeader, payload, signature } = object;
  const signed = encode(['Signature1', protectedHeader, NOTHING, payload]);
  return verifyAsync('sha384', signed, { key, dsaEncoding: 'ieee-p1363' }, signature);
}
