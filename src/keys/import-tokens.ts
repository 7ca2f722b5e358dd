/**
 * Import tokens: what GetParametersForImport hands out besides a wrapping public key. The wrapping
 * private key is in the token itself, sealed by a domain key, so that nothing has to be stored, any
 * process of the deployment can take the token, and no number of tokens fills anything.
 *
 *    0 version (1), 1
 *    1 id of the domain key (u32)
 *    5 wrapping algorithm (1): place in WRAPPING_ALGORITHMS
 *    6 spec of the wrapping key (1): place in WRAPPING_KEY_SPECS
 *    7 end, milliseconds since the epoch (u48)
 *   13 sealed by the domain key: RSA private key, DER PKCS#8
 *      AAD = "keystrel/import-token/v1/<account>/<region>/<key id>/" | bytes 0..13 in hex
 *
 * Numbers are big-endian. A token is as long as its private key and 57 bytes, at most 2.5 KB. It may
 * be used again until it ends, as in AWS KMS; it is of no use to those who may not import.
 */
import type { BlobInput } from '../core/blob.js';
import type { Clock } from '../core/clock.js';
import { KmsError } from '../core/errors.js';
import type { KeyHandle, KeyStore } from '../keystores/port.js';
import {
  WRAPPING_ALGORITHMS,
  WRAPPING_KEY_SPECS,
  type WrappingAlgorithm,
  type WrappingKeySpec,
} from '../specs/wrapping.js';
import type { DomainKeys } from './domain-keys.js';
import type { Key } from './key.js';

const VERSION = 1;
const HEADER_BYTES = 13;
/** AWS KMS: a public key and its token live for 24 hours. */
const LIFETIME_MS = 86_400_000;

export interface ImportParameters {
  /** DER SubjectPublicKeyInfo of the wrapping key. */
  readonly publicKey: Buffer;
  readonly token: Buffer;
  /** Milliseconds since the Unix epoch. */
  readonly validTo: number;
}

export interface OpenedToken {
  readonly algorithm: WrappingAlgorithm;
  /** The wrapping private key; whoever opened the token frees it. */
  readonly handle: KeyHandle;
}

export interface ImportTokensParts {
  readonly keyStore: KeyStore;
  readonly domainKeys: DomainKeys;
  readonly clock: Clock;
}

function tokenAad(key: Key, header: Buffer): Buffer {
  const { account, region, keyId } = key.record;
  const scope = `${account}/${region}/${keyId}`;
  return Buffer.from(`keystrel/import-token/v1/${scope}/${header.toString('hex')}`);
}

function invalid(cause?: unknown): KmsError {
  return new KmsError('InvalidImportTokenException', 'The import token is not valid.', cause);
}

export class ImportTokens {
  readonly #parts: ImportTokensParts;

  constructor(parts: ImportTokensParts) {
    this.#parts = parts;
  }

  /** Makes a wrapping key and its token. */
  async make(
    key: Key,
    algorithm: WrappingAlgorithm,
    wrappingKey: WrappingKeySpec,
  ): Promise<ImportParameters> {
    const { keyStore, domainKeys, clock } = this.#parts;
    const { region, keyId } = key.record;
    const domain = await domainKeys.current(region);
    const validTo = clock.now() + LIFETIME_MS;
    const header = Buffer.alloc(HEADER_BYTES);
    header[0] = VERSION;
    header.writeUInt32BE(domain.id, 1);
    header[5] = WRAPPING_ALGORITHMS.indexOf(algorithm);
    header[6] = WRAPPING_KEY_SPECS.indexOf(wrappingKey);
    header.writeUIntBE(validTo, 7, 6);
    try {
      const aad = tokenAad(key, header);
      const made = await keyStore.generate(domain.handle, wrappingKey, keyId, aad);
      const token = Buffer.concat([header, made.wrapped]);
      return { publicKey: made.publicKey!, token, validTo };
    } catch (error) {
      throw keyStore.failure(error);
    }
  }

  /**
   * Loads the wrapping private key of a token that was made for this key.
   * @throws InvalidImportTokenException, ExpiredImportTokenException
   */
  async open(key: Key, input: BlobInput): Promise<OpenedToken> {
    const { keyStore, domainKeys, clock } = this.#parts;
    const token = input.toBuffer();
    const header = token.subarray(0, HEADER_BYTES);
    const algorithm = WRAPPING_ALGORITHMS[header[5] ?? -1];
    const wrappingKey = WRAPPING_KEY_SPECS[header[6] ?? -1];
    if (header[0] !== VERSION || algorithm === undefined || wrappingKey === undefined) {
      throw invalid();
    }
    if (header.length < HEADER_BYTES) throw invalid();
    const domain = await domainKeys.find(key.record.region, header.readUInt32BE(1));
    if (domain === undefined) throw invalid();
    let handle: KeyHandle;
    try {
      const aad = tokenAad(key, header);
      handle = await keyStore.load(domain.handle, wrappingKey, token.subarray(HEADER_BYTES), aad);
    } catch (error) {
      const failure = keyStore.failure(error);
      throw failure.code === 'InvalidCiphertextException' ? invalid(failure) : failure;
    }
    // Only what is authentic tells that it has ended.
    if (clock.now() < header.readUIntBE(7, 6)) return { algorithm, handle };
    keyStore.free(handle);
    throw new KmsError('ExpiredImportTokenException', 'The import token has expired.');
  }
}
