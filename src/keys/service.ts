/**
 * The domain service that operations call. It owns caches, the state table, material versions and
 * the ciphertext format; it throws KmsError only. Operations never see the store or the engine.
 *
 * Implemented by keys/key-service.ts (createKeyService).
 */
import type { Caller } from '../auth/port.js';
import type { BlobInput, Payload } from '../core/blob.js';
import type { ResourceQuotas } from '../core/limits.js';
import type {
  GrantConstraints,
  GrantOperation,
  KeySpec,
  KeyUsage,
  MessageType,
  StoredAlias,
  StoredGrant,
  StoredMaterial,
  Tag,
} from '../core/records.js';
import type { WrappingAlgorithm, WrappingKeySpec } from '../specs/wrapping.js';
import type { GrantReference } from './grant-tokens.js';
import type { ImportParameters } from './import-tokens.js';
import type { ImportMaterialRequest } from './imported-material.js';
import type { Key } from './key.js';
import type { KeyLastUsage } from './last-usage.js';
import type { DueWork } from './scheduler.js';

export type EncryptionContext = Readonly<Record<string, string>>;

/** How a member names its key; see operations/port KeyReference. */
export interface KeyLookup {
  readonly id?: string | undefined;
  readonly ciphertext?: BlobInput | undefined;
  /** A token of a grant on the key. */
  readonly grantToken?: string | undefined;
  /** True where something else than the key's policy decides: keys of other accounts too. */
  readonly anyAccount?: boolean;
  readonly aliases: boolean;
  readonly permission: string;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly nextMarker: string | undefined;
}

export interface RotationStatus {
  readonly periodDays: number;
  /** Milliseconds since the epoch. */
  readonly nextRotationAt: number;
}

/** A key as a list of keys shows it. */
export interface ListedKey {
  readonly keyId: string;
  readonly arn: string;
}

/** An alias of a service whose key is not made yet has neither target nor dates. */
export type ListedAlias =
  | StoredAlias
  | (Pick<StoredAlias, 'account' | 'region' | 'name'> & {
      readonly targetKeyId?: undefined;
      readonly createdAt?: undefined;
      readonly updatedAt?: undefined;
    });

export interface CreateKeyRequest {
  /** EXTERNAL: without material, until some is imported. */
  readonly origin: 'AWS_KMS' | 'EXTERNAL';
  readonly keySpec: KeySpec;
  readonly keyUsage: KeyUsage;
  readonly description: string;
  readonly multiRegion: boolean;
  readonly policy: string | undefined;
  readonly tags: readonly Tag[];
}

/** What CreateGrant asks for; principals are ARNs or names of services. */
export interface GrantRequest {
  readonly name: string | undefined;
  readonly granteePrincipal: string;
  readonly retiringPrincipal: string | undefined;
  /** Duplicates count once. */
  readonly operations: readonly GrantOperation[];
  readonly constraints: GrantConstraints | undefined;
}

/** What is independent of the primary in a replica that is to be made. */
export interface ReplicaRequest {
  readonly region: string;
  readonly description: string;
  readonly policy: string | undefined;
  readonly tags: readonly Tag[];
}

export interface KeyService {
  /**
   * Finds the key that a request names, in the caller's account and region unless an ARN says
   * otherwise, and checks that the caller may use it (until policies exist: own account only, and
   * keys of services by their services only). The key of a service is made by its first use.
   * Synchronous when cached: callers test for a Promise before awaiting (hot path).
   *
   * With a symmetric ciphertext: the key in its header; when `id` is given too, the two must agree.
   * @throws NotFoundException, InvalidArnException, AccessDeniedException, IncorrectKeyException,
   *   InvalidCiphertextException
   */
  resolve(caller: Caller, lookup: KeyLookup): Key | Promise<Key>;

  /**
   * Checks the key's state for an operation (table of keys/states.ts), by operation name.
   * @throws DisabledException, KMSInvalidStateException, UnsupportedOperationException
   */
  requireState(operation: string, key: Key): void;
  /** `<ARN> key usage is X which is not valid for Y.` @throws InvalidKeyUsageException */
  requireUsage(operation: string, key: Key, usage: KeyUsage): void;

  // Cryptography. Each checks nothing but what cryptography needs: the operation has checked
  // state, usage and algorithm before (so that DryRun can end in between).
  /** SYMMETRIC_DEFAULT only. */
  encrypt(key: Key, plaintext: Payload, context: EncryptionContext | undefined): Promise<Buffer>;
  /** SYMMETRIC_DEFAULT only. @throws InvalidCiphertextException */
  decrypt(
    key: Key,
    blob: BlobInput,
    context: EncryptionContext | undefined,
  ): Promise<{ plaintext: Buffer; materialId: string }>;
  generateDataKey(
    key: Key,
    bytes: number,
    context: EncryptionContext | undefined,
  ): Promise<{ plaintext: Buffer; blob: Buffer }>;
  generateDataKeyPair(
    key: Key,
    pairSpec: KeySpec,
    context: EncryptionContext | undefined,
    withPlaintext: boolean,
  ): Promise<{ privateKey: Buffer | undefined; publicKey: Buffer; blob: Buffer }>;
  /** RSA-OAEP or SM2PKE. */
  encryptAsymmetric(key: Key, algorithm: string, plaintext: Payload): Promise<Buffer>;
  /** RSA-OAEP or SM2PKE. @throws InvalidCiphertextException */
  decryptAsymmetric(key: Key, algorithm: string, ciphertext: BlobInput): Promise<Buffer>;
  sign(key: Key, algorithm: string, message: Payload, messageType: MessageType): Promise<Buffer>;
  /** @throws KMSInvalidSignatureException */
  verify(
    key: Key,
    algorithm: string,
    message: Payload,
    messageType: MessageType,
    signature: Payload,
  ): Promise<void>;
  mac(key: Key, message: Payload): Promise<Buffer>;
  /** @throws KMSInvalidMacException */
  verifyMac(key: Key, message: Payload, mac: Payload): Promise<void>;
  /** @throws ValidationException without text for a malformed or foreign-curve peer key */
  deriveSharedSecret(key: Key, peerSpki: Payload): Promise<Buffer>;
  encapsulate(
    key: Key,
    algorithm: string,
  ): Promise<{ readonly sharedSecret: Buffer; readonly ciphertext: Buffer }>;
  /** @throws InvalidCiphertextException */
  decapsulate(key: Key, algorithm: string, ciphertext: BlobInput): Promise<Buffer>;
  random(bytes: number): Promise<Buffer>;

  // Management. All are durable when they resolve; all drop caches everywhere.
  /** @throws LimitExceededException, TagException */
  createKey(caller: Caller, request: CreateKeyRequest): Promise<Key>;
  updateDescription(key: Key, description: string): Promise<void>;
  enable(key: Key): Promise<void>;
  disable(key: Key): Promise<void>;
  scheduleDeletion(key: Key, windowDays: number): Promise<Key>;
  cancelDeletion(key: Key): Promise<Key>;
  /** A fresh wrapping key for the key's material, and its token. */
  importParameters(
    key: Key,
    algorithm: WrappingAlgorithm,
    wrappingKey: WrappingKeySpec,
  ): Promise<ImportParameters>;
  /**
   * Takes material that was encrypted for a wrapping key of `importParameters`; gives its id.
   * @throws InvalidImportTokenException, ExpiredImportTokenException, InvalidCiphertextException,
   *   IncorrectKeyMaterialException, KMSInvalidStateException, UnsupportedOperationException
   */
  importMaterial(key: Key, request: ImportMaterialRequest): Promise<string>;
  /**
   * Deletes imported material, the current one unless said; gives its id, undefined where the key
   * never had any. @throws NotFoundException for an id that is none of the key's
   */
  deleteImportedMaterial(key: Key, materialId: string | undefined): Promise<string | undefined>;
  /** @throws InvalidMarkerException */
  listKeys(caller: Caller, limit: number, marker: string | undefined): Promise<Page<ListedKey>>;

  // Rotation. The operation has checked the key's state before.
  /**
   * Automatic rotation from now on, every `periodDays` days; counts anew when it is on already.
   * @throws UnsupportedOperationException for a key that does not rotate by itself
   */
  enableKeyRotation(key: Key, periodDays: number): Promise<void>;
  /** Nothing for keys that are not symmetric. @throws UnsupportedOperationException */
  disableKeyRotation(key: Key): Promise<void>;
  /** Undefined while automatic rotation is off. @throws UnsupportedOperationException */
  rotationStatus(key: Key): RotationStatus | undefined;
  /**
   * New material, or the imported material that is pending rotation, becomes current.
   * @throws UnsupportedOperationException, ConflictException, LimitExceededException,
   *   KMSInvalidStateException
   */
  rotateOnDemand(key: Key): Promise<Key>;
  /** Oldest first; `rotated` leaves out the first material and pending ones. */
  listRotations(
    key: Key,
    list: 'all' | 'rotated',
    limit: number,
    marker: string | undefined,
  ): Promise<Page<StoredMaterial>>;

  /**
   * A multi-Region key and those related to it, by Region, itself among them; of another key itself
   * alone. As new as the call.
   */
  relatedKeys(key: Key): Promise<readonly Key[]>;
  /**
   * Makes the replica of a multi-Region primary key in another Region.
   * @throws UnsupportedOperationException for another key than a primary, and for a Region that is
   *   not served or is of another partition; AlreadyExistsException, LimitExceededException,
   *   TagException
   */
  replicateKey(key: Key, request: ReplicaRequest): Promise<Key>;
  /**
   * Makes the related key in `region` the primary, and the present one a replica.
   * @throws UnsupportedOperationException for another key than a primary, and for its own Region;
   *   NotFoundException where no replica is in `region`; what the replica's state refuses
   */
  updatePrimaryRegion(key: Key, region: string): Promise<void>;

  /** @throws AlreadyExistsException, LimitExceededException */
  createAlias(caller: Caller, name: string, target: Key): Promise<void>;
  /** The key that an alias of the caller's account points to. @throws NotFoundException */
  aliasTarget(caller: Caller, name: string): Promise<Key>;
  updateAlias(caller: Caller, name: string, target: Key): Promise<void>;
  deleteAlias(caller: Caller, name: string): Promise<void>;
  listAliases(
    caller: Caller,
    target: Key | undefined,
    limit: number,
    marker: string | undefined,
  ): Promise<Page<ListedAlias>>;

  /** Resource quotas, as configured. */
  readonly quotas: ResourceQuotas;
  /** The text of the policy was checked before. @throws NotFoundException */
  putPolicy(key: Key, policy: string): Promise<void>;
  /** Whether a user or role of an account of this deployment exists; its ARN. */
  principalExists(arn: string): Promise<boolean>;

  /** Notes a successful use of a key, in memory. Never throws; does no more than set fields. */
  noteUse(key: Key, operation: string, usedAt: number, requestId: string, eventId: string): void;
  lastUsage(key: Key): Promise<KeyLastUsage>;
  /** Writes the uses that are noted, as a scheduler and the end of the process do. */
  flushUses(): Promise<number>;

  /** Adds tags or replaces their values. @throws TagException, NotFoundException */
  putTags(key: Key, tags: readonly Tag[]): Promise<void>;
  /** Tags that the key does not have are no error. */
  removeTags(key: Key, tagKeys: readonly string[]): Promise<void>;
  /** Ordered by tag key. @throws InvalidMarkerException */
  listTags(key: Key, limit: number, marker: string | undefined): Promise<Page<Tag>>;

  /**
   * Makes a grant and gives its id and a new token. A request with a name that the same account has
   * made before with all else the same makes no second grant: it gives the first one's id.
   * @throws LimitExceededException, NotFoundException
   */
  createGrant(
    caller: Caller,
    key: Key,
    request: GrantRequest,
  ): Promise<{ grantId: string; grantToken: string }>;
  /** What createGrant would find of the quota, for a dry run. @throws LimitExceededException */
  requireGrantRoom(caller: Caller, key: Key, request: GrantRequest): Promise<void>;
  /** @throws ValidationException when a grant on this kind of key may not be so */
  requireGrantFits(
    key: Key,
    operations: readonly GrantOperation[],
    constraints: GrantConstraints | undefined,
  ): void;
  /** @throws NotFoundException */
  getGrant(key: Key, grantId: string): Promise<StoredGrant>;
  /** The grant, which the caller may retire. @throws NotFoundException, AccessDeniedException */
  retirableGrant(caller: Caller, key: Key, grantId: string): Promise<StoredGrant>;
  /** Retires or revokes. @throws NotFoundException */
  deleteGrant(key: Key, grant: StoredGrant): Promise<void>;
  /** Of one grantee when it is given. @throws InvalidMarkerException */
  listGrants(
    key: Key,
    granteePrincipal: string | undefined,
    limit: number,
    marker: string | undefined,
  ): Promise<Page<StoredGrant>>;
  /**
   * In the caller's Region, on keys of any account, or of the caller's alone.
   * @throws InvalidMarkerException
   */
  listRetirableGrants(
    caller: Caller,
    retiringPrincipal: string,
    ownKeysOnly: boolean,
    limit: number,
    marker: string | undefined,
  ): Promise<Page<StoredGrant>>;
  /**
   * The key's grants to a principal (an ARN, or a service's name), for authorization: without the
   * store and synchronous once known, as new as the change feed.
   */
  grantsOf(
    key: Key,
    granteePrincipal: string,
  ): readonly StoredGrant[] | Promise<readonly StoredGrant[]>;
  /** What the tokens of a request name. @throws InvalidGrantTokenException */
  readGrantTokens(caller: Caller, tokens: readonly string[]): Promise<readonly GrantReference[]>;

  /** What time brings, for a scheduler: deletions and all else that comes due by itself. */
  readonly dueWork: readonly DueWork[];
}
