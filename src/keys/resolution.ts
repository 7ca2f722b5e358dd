/** Finds the key that a request names: from the caches on the hot path, else from the store. */
import type { Caller } from '../auth/port.js';
import type { BlobInput } from '../core/blob.js';
import { isKmsError, KmsError } from '../core/errors.js';
import { headerText, parseHeader } from './ciphertext.js';
import type { GrantTokens } from './grant-tokens.js';
import type { KeyDirectory } from './key-directory.js';
import {
  accessDenied,
  ciphertextDenied,
  keyNotFound,
  parseAnyKey,
  parseKeyIdentifier,
} from './key-identifier.js';
import type { KeyReader } from './key-reader.js';
import type { Materials } from './materials.js';
import type { ResolvedKey } from './resolved-key.js';
import type { KeyLookup } from './service.js';
import type { ServiceKeys } from './service-keys.js';
import { mayUseServiceKey } from './service-policy.js';

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
  readonly #grantTokens: GrantTokens;
  readonly #serviceKeys: ServiceKeys;

  constructor(
    directory: KeyDirectory,
    reader: KeyReader,
    materials: Materials,
    grantTokens: GrantTokens,
    serviceKeys: ServiceKeys,
  ) {
    this.#directory = directory;
    this.#reader = reader;
    this.#materials = materials;
    this.#grantTokens = grantTokens;
    this.#serviceKeys = serviceKeys;
  }

  /** See KeyService.resolve. */
  resolve(caller: Caller, lookup: KeyLookup): ResolvedKey | Promise<ResolvedKey> {
    const key = this.#find(caller, lookup);
    if (key instanceof Promise) return key.then((found) => permitted(caller, found, lookup));
    return key.record.service === null ? key : permitted(caller, key, lookup);
  }

  #find(caller: Caller, lookup: KeyLookup): ResolvedKey | Promise<ResolvedKey> {
    const { id, ciphertext } = lookup;
    if (id === undefined) {
      if (ciphertext !== undefined) {
        return this.#byCiphertext(caller, ciphertext, lookup.permission);
      }
      if (lookup.grantToken === undefined) throw new TypeError('a key lookup names no key');
      return this.#byGrantToken(caller, lookup.grantToken);
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
    if (lookup.anyAccount === true) return this.#ofAnyAccount(caller, id, permission);
    const identifier = parseKeyIdentifier(caller, id, aliases, permission);
    const found = this.#reader.read(caller, identifier, fresh);
    if (identifier.kind === 'key') return found;
    const { name } = identifier;
    if (!this.#serviceKeys.isFirstUse(caller, name, permission)) return found;
    return found.catch(async (error: unknown) => {
      if (!isKmsError(error, 'NotFoundException')) throw error;
      await this.#serviceKeys.make(caller, name);
      return this.#reader.read(caller, identifier, true);
    });
  }

  /** A key of another account answers as one that is absent. @throws AccessDeniedException */
  async #ofAnyAccount(caller: Caller, id: string, permission: string): Promise<ResolvedKey> {
    const identifier = parseAnyKey(caller, id, permission);
    if (identifier.kind !== 'key' || identifier.foreignAccount === undefined) {
      return this.#reader.read(caller, identifier, true);
    }
    const scope = { account: identifier.foreignAccount, region: caller.region };
    const key = await this.#reader.find(scope, identifier.keyId, true);
    if (key === undefined) throw accessDenied(caller, permission, id);
    return key;
  }

  /** The key may be anyone's: the grant says who may do what. @throws InvalidGrantTokenException */
  async #byGrantToken(caller: Caller, token: string): Promise<ResolvedKey> {
    const { account, region, keyId, grantId } = await this.#grantTokens.read(token, caller.region);
    const scope = { account, region };
    const key = await this.#reader.find(scope, keyId, true);
    if (key === undefined) throw keyNotFound(scope, keyId);
    return key.byGrant(grantId);
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
    if (loaded !== undefined) blob.knownFront = loaded.headerText;
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

/** @throws AccessDeniedException for a service's key that is not the caller's to use so */
function permitted(caller: Caller, key: ResolvedKey, { id, permission }: KeyLookup): ResolvedKey {
  if (mayUseServiceKey(caller, key, permission)) return key;
  if (id === undefined) throw ciphertextDenied(caller, permission);
  throw accessDenied(caller, permission, key.arn);
}
