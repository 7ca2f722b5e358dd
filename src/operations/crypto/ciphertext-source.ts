/** What Decrypt and ReEncrypt share: naming the key of a ciphertext, and opening it. */
import type { BlobInput } from '../../core/blob.js';
import { KmsError } from '../../core/errors.js';
import type { Key } from '../../keys/key.js';
import type { EncryptionContext, KeyService } from '../../keys/service.js';
import { missingMember, refuseContextOf, requireAlgorithm } from '../checks.js';
import { SYMMETRIC_DEFAULT } from '../members.js';
import type { KeyReference } from '../port.js';

/** The members that name a ciphertext and its key, whatever the operation calls them. */
export interface CiphertextSource {
  readonly member: 'KeyId' | 'SourceKeyId';
  readonly id: string | undefined;
  readonly ciphertext: BlobInput | undefined;
  readonly algorithm: string;
  readonly permission: string;
  readonly dryRun: boolean | undefined;
  readonly modifiers: readonly string[] | undefined;
}

/** True when a DryRun checks authorization only: neither ciphertext nor key state is looked at. */
export function ignoresCiphertext(modifiers: readonly string[] | undefined): boolean {
  return modifiers?.includes('IGNORE_CIPHERTEXT') === true;
}

/**
 * The reference by which the pipeline finds the key: by the blob's header for a symmetric
 * ciphertext, by id for an asymmetric one, whose ciphertext names no key.
 * @throws ValidationException when a member is missing that this form of the request needs
 */
export function sourceReference(source: CiphertextSource): KeyReference {
  const { member, id, permission } = source;
  const idMember = member === 'KeyId' ? 'keyId' : 'sourceKeyId';
  if (ignoresCiphertext(source.modifiers)) {
    if (source.dryRun !== true) {
      throw new KmsError('ValidationException', 'DryRunModifiers can be used with DryRun only.');
    }
    if (id === undefined) throw missingMember(idMember);
    return { member, id, aliases: true, permission };
  }
  if (source.ciphertext === undefined) throw missingMember('ciphertextBlob');
  if (source.algorithm === SYMMETRIC_DEFAULT) {
    return { member, id, ciphertext: source.ciphertext, aliases: true, permission };
  }
  if (id === undefined) throw missingMember(idMember);
  return { member, id, aliases: true, permission };
}

/** Checks of a key that shall open a ciphertext. @throws KmsError of state, usage, algorithm */
export function requireOpens(
  service: KeyService,
  operation: string,
  key: Key,
  algorithm: string,
  context: EncryptionContext | undefined,
): void {
  service.requireState(operation, key);
  service.requireUsage(operation, key, 'ENCRYPT_DECRYPT');
  requireAlgorithm(key, key.spec.encryptionAlgorithms, algorithm);
  if (algorithm !== SYMMETRIC_DEFAULT) refuseContextOf(algorithm, context);
}

export interface Opened {
  /** The caller wipes it. */
  readonly plaintext: Buffer;
  /** Undefined for asymmetric keys, which have one material for life. */
  readonly materialId: string | undefined;
}

/** Decrypts under the checked key. @throws InvalidCiphertextException */
export function openCiphertext(
  service: KeyService,
  key: Key,
  algorithm: string,
  ciphertext: BlobInput,
  context: EncryptionContext | undefined,
): Promise<Opened> {
  if (algorithm === SYMMETRIC_DEFAULT) return service.decrypt(key, ciphertext, context);
  return service
    .decryptAsymmetric(key, algorithm, ciphertext)
    .then((plaintext) => ({ plaintext, materialId: undefined }));
}
