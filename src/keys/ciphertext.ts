/**
 * The header of a ciphertext blob of SYMMETRIC_DEFAULT. See docs/ciphertext-format.md for the
 * whole blob and for what each version means; every version that was ever written stays readable.
 *
 *   offset bytes  version 1
 *        0     2  magic "KS" (4b 53)
 *        2     1  format version, 1
 *        3     1  flags: bit 0 = the key id is that of a multi-Region key; all others 0
 *        4    16  key id: the UUID, or the 32 hex digits after "mrk-"
 *       20    16  first half of the material id
 *       36        end of header; then nonce (16) | IV (12) | ciphertext | tag (16), by the engine
 *
 * The header is authenticated with the ciphertext. Its length is a multiple of 3, so that its
 * base64 form is a prefix of the blob's: a known header is recognised as text, undecoded.
 */
import type { BlobInput } from '../core/blob.js';
import { keyIdBytes, keyIdFromBytes } from '../core/ids.js';

export const HEADER_BYTES = 36;
export const HEADER_BASE64_CHARS = 48;
/** Nonce, IV and tag, bytes. */
export const SEAL_BYTES = 44;

const MAGIC = 0x4b53;
const VERSION = 1;
const FLAG_MULTI_REGION = 1;
const KEY_ID_AT = 4;
const MATERIAL_AT = 20;
const MATERIAL_BYTES = 16;

export interface CiphertextHeader {
  readonly keyId: string;
  /** First 32 hex digits of the material id. */
  readonly materialPrefix: string;
}

/** `materialId`: 64 hex digits. */
export function encodeHeader(keyId: string, materialId: string): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt16BE(MAGIC, 0);
  header[2] = VERSION;
  header[3] = keyId.startsWith('mrk-') ? FLAG_MULTI_REGION : 0;
  keyIdBytes(keyId).copy(header, KEY_ID_AT);
  header.write(materialId.slice(0, 2 * MATERIAL_BYTES), MATERIAL_AT, 'hex');
  return header;
}

/** The base64 text of a blob's header; undefined when the blob is too short to be one of ours. */
export function headerText(blob: BlobInput): string | undefined {
  if (blob.length < HEADER_BYTES + SEAL_BYTES) return undefined;
  // A slice of its own would be compared character by character each time.
  return blob.knownFront ?? blob.base64.slice(0, HEADER_BASE64_CHARS);
}

/** Reads what `headerText` gave; undefined for anything that no version ever wrote. */
export function parseHeader(text: string): CiphertextHeader | undefined {
  const header = Buffer.from(text, 'base64');
  if (header.length !== HEADER_BYTES || header.readUInt16BE(0) !== MAGIC) return undefined;
  const flags = header[3]!;
  if (header[2] !== VERSION || (flags & ~FLAG_MULTI_REGION) !== 0) return undefined;
  return {
    keyId: keyIdFromBytes(header.subarray(KEY_ID_AT), (flags & FLAG_MULTI_REGION) !== 0),
    materialPrefix: header.toString('hex', MATERIAL_AT, MATERIAL_AT + MATERIAL_BYTES),
  };
}
