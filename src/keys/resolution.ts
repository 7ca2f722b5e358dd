/** Finds the key that a request names: from the caches on the hot path, else from the store. */
import type { Caller } from '../auth/port.js';
import type { BlobInput } from '../core/blob.js';
import { KmsError } from '../core/errors.js';
import { headerText, parseHeader } from './ciphertext.js';
import type { KeyDirectory } from './key-directory.js';
import { ciphertextDenied, parseKeyIdentifier } from './key-identifier.js';
import type { KeyReader } from './key-reader.js';
import type { Materials } from './materials.js';
import type { ResolvedKey } from './resolved-key.js';
import type { KeyLookup } from './service.js';

/**
 * Permissions of the operations that may work from the caches. All others read the store, so that
 * what they show and change is as new as the request, whichever process made the last change.
 */
const CACHED_PERMISSIONS: ReadonlySet<string> = new Set([
  'kms:Encrypt',
  'kms:Decrypt',
  'kms:ReEncryptFrom',
  'kms:ReEncryptTo',
  'kms:GenerateDataKey',
  'kms:GenerateDataKeyWithoutPlaintext',
  'kms:GenerateDataKeyPair',
  'kms:GenerateDataKeyPairWithoutPlaintext',
  'kms:Sign',
  'kms:Verify',
  'kms:GenerateMac',
  'kms:VerifyMac',
  'kms:DeriveSharedSecret',
]);

export class Resolution {
  readonly #directory: KeyDirectory;
  readonly #reader: KeyReader;
  readonly #materials: Materials;

  constructor(directory: KeyDirectory, reader: KeyReader, materials: Materials) {
    this.#directory = directory;
    this.#reader = reader;
    this.#materials = materials;
  }

  /** See KeyService.resolve. */
  resolve(caller: Caller, lookup: KeyLookup): ResolvedKey | Promise<ResolvedKey> {
    const { id, ciphertext } = lookup;
    if (id === undefined) {
      if (ciphertext === undefined) throw new TypeError('a key lookup names no key');
      return this.#byCiphertext(caller, ciphertext, lookup.permission);
    }
    const key = this.#byId(caller, id, lookup);
    if (ciphertext === undefined) return key;
    if (key instanceof Promise) return key.then((found) => this.#requireSame(found, ciphertext));
    return this.#requireSame(key, ciphertext);
  }

  #byId(caller: Caller, id: string, lookup: KeyLookup): ResolvedKey | Promise<ResolvedKey> {
    const { aliases, permission } = lookup;
    const fresh = !CACHED_PERMISSIONS.has(permission);
    if (!fresh) {
      const hit = this.#directory.find(caller, id);
      if (hit !== undefined && (aliases || hit.requestAlias === undefined)) return hit;
    }
    const identifier = parseKeyIdentifier(caller, id, aliases, permission);
    return this.#reader.read(caller, identifier, fresh);
  }

  /**
   * By the header of the ciphertext. A key of another account answers as one that is absent.
   * @throws InvalidCiphertextException, AccessDeniedException
   */
  #byCiphertext(
    caller: Caller,
    blob: BlobInput,
    permission: string,
  ): ResolvedKey | Promise<ResolvedKey> {
    const text = headerText(blob);
    if (text === undefined) throw new KmsError('InvalidCiphertextException');
    const loaded = this.#materials.byHeader(caller.region, text);
    const keyId = loaded?.keyId ?? parseHeader(text)?.keyId;
    if (keyId === undefined) throw new KmsError('InvalidCiphertextException');
    return (
      this.#directory.find(caller, keyId) ??
      this.#reader.find(caller, keyId, false).then((key) => {
        if (key === undefined) throw ciphertextDenied(caller, permission);
        return key;
      })
    );
  }

  /** @throws InvalidCiphertextException, IncorrectKeyException */
  #requireSame(key: ResolvedKey, blob: BlobInput): ResolvedKey {
    const text = headerText(blob);
    if (text === undefined) throw new KmsError('InvalidCiphertextException');
    if (key.link.current?.headerText === text) return key;
    const header = parseHeader(text);
    if (header === undefined) throw new KmsError('InvalidCiphertextException');
    if (header.keyId !== key.record.keyId) throw new KmsError('IncorrectKeyException');
    return key;
  }
}
