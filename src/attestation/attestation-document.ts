/**
 * The payload of an attestation document: its fields and their bounds.
 *
 * Source: aws-nitro-enclaves-nsm-api, docs/attestation_process.md, section 3.2.2; the NitroTPM form
 * (AWS EC2 User Guide, "NitroTPM attestation document") has `nitrotpm_pcrs` for `pcrs`. Optional
 * fields that are not there are written as null by the hypervisor, which that text does not say.
 */

import { decodeCbor } from './cbor.js';
import type { AttestationPlatform } from './port.js';
import { refusal } from './refusal.js';

export interface AttestationDocument {
  readonly platform: AttestationPlatform;
  readonly moduleId: string;
  /** Milliseconds since the Unix epoch. */
  readonly timestamp: number;
  /** SHA-384 values as lower-case hex, by register. */
  readonly pcrs: ReadonlyMap<number, string>;
  /** DER, of the key that signed the document. */
  readonly certificate: Uint8Array;
  /** DER; the root comes first, the issuer of `certificate` last. */
  readonly caBundle: readonly Uint8Array[];
  /** DER SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array;
}

/** The document, and the registers or certificates in it. */
const DEPTH_MAX = 2;
/** Ours: nothing bounds it but the size of the document. */
const MODULE_ID_CHARS_MAX = 256;
const CERTIFICATE_BYTES_MAX = 1_024;
/** Ours: Nitro's chains have four above the signer. */
const CA_BUNDLE_MAX = 6;
const PUBLIC_KEY_BYTES_MAX = 1_024;
/** What else the enclave may have signed with it; KMS does not look into it. */
const USER_DATA_BYTES_MAX = 1_024;
const DIGEST = 'SHA384';
const PCR_BYTES = 48;

const REGISTERS: Readonly<Record<AttestationPlatform, { field: string; count: number }>> =
  Object.freeze({
    NitroEnclave: { field: 'pcrs', count: 32 },
    NitroTPM: { field: 'nitrotpm_pcrs', count: 24 },
  });

type Fields = ReadonlyMap<unknown, unknown>;

/** Reads the payload of the COSE object. @throws KmsError ValidationException */
export function parseAttestationDocument(payload: Uint8Array): AttestationDocument {
  const fields = decodeCbor(payload, DEPTH_MAX);
  if (!(fields instanceof Map)) throw refusal('its payload is no map');
  const platform = platformOf(fields);
  if (fields.get('digest') !== DIGEST) throw refusal(`its digest is not ${DIGEST}`);
  for (const name of ['user_data', 'nonce']) requireOptionalBytes(fields, name);
  return {
    platform,
    moduleId: moduleIdOf(fields),
    timestamp: timestampOf(fields),
    pcrs: registersOf(fields, REGISTERS[platform]),
    certificate: requireBytes(fields.get('certificate'), CERTIFICATE_BYTES_MAX, 'certificate'),
    caBundle: caBundleOf(fields),
    publicKey: publicKeyOf(fields),
  };
}

/** Exactly one of the two forms, and no field that neither has. */
function platformOf(fields: Fields): AttestationPlatform {
  const isEnclave = fields.has(REGISTERS.NitroEnclave.field);
  if (isEnclave === fields.has(REGISTERS.NitroTPM.field)) {
    throw refusal('it has not one set of registers');
  }
  return isEnclave ? 'NitroEnclave' : 'NitroTPM';
}

function moduleIdOf(fields: Fields): string {
  const id = fields.get('module_id');
  if (typeof id === 'string' && id.length > 0 && id.length <= MODULE_ID_CHARS_MAX) return id;
  throw refusal(`its module_id is no text of 1 to ${MODULE_ID_CHARS_MAX} characters`);
}

function timestampOf(fields: Fields): number {
  const timestamp = fields.get('timestamp');
  if (typeof timestamp === 'number' && Number.isSafeInteger(timestamp) && timestamp > 0) {
    return timestamp;
  }
  throw refusal('its timestamp is no positive integer');
}

function registersOf(
  fields: Fields,
  { field, count }: { readonly field: string; readonly count: number },
): ReadonlyMap<number, string> {
  const registers = fields.get(field);
  if (!(registers instanceof Map) || registers.size === 0 || registers.size > count) {
    throw refusal(`its ${field} is no map of 1 to ${count} registers`);
  }
  const pcrs = new Map<number, string>();
  for (const [index, value] of registers as Fields) {
    if (typeof index !== 'number' || !Number.isInteger(index) || index < 0 || index >= count) {
      throw refusal(`its ${field} has a register that is none of 0 to ${count - 1}`);
    }
    if (!(value instanceof Uint8Array) || value.length !== PCR_BYTES) {
      throw refusal(`its ${field} has a value that is not ${PCR_BYTES} bytes long`);
    }
    pcrs.set(index, Buffer.from(value).toString('hex'));
  }
  return pcrs;
}

function caBundleOf(fields: Fields): readonly Uint8Array[] {
  const bundle = fields.get('cabundle');
  if (!Array.isArray(bundle) || bundle.length === 0 || bundle.length > CA_BUNDLE_MAX) {
    throw refusal(`its cabundle has not 1 to ${CA_BUNDLE_MAX} certificates`);
  }
  return bundle.map((entry: unknown) => requireBytes(entry, CERTIFICATE_BYTES_MAX, 'cabundle'));
}

function publicKeyOf(fields: Fields): Uint8Array {
  const key = fields.get('public_key');
  if (key === undefined || key === null) throw refusal('it has no public_key');
  return requireBytes(key, PUBLIC_KEY_BYTES_MAX, 'public_key');
}

function requireBytes(value: unknown, max: number, name: string): Uint8Array {
  if (value instanceof Uint8Array && value.length > 0 && value.length <= max) return value;
  throw refusal(`its ${name} is no byte string of 1 to ${max} bytes`);
}

function requireOptionalBytes(fields: Fields, name: string): void {
  const value = fields.get(name);
  if (value === undefined || value === null) return;
  if (value instanceof Uint8Array && value.length <= USER_DATA_BYTES_MAX) return;
  throw refusal(`its ${name} is no byte string of at most ${USER_DATA_BYTES_MAX} bytes`);
}
