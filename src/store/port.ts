/**
 * The store: keys, materials, aliases, grants, principals, access keys, domain keys. Asynchronous;
 * every mutation is one transaction, acknowledged after commit. No caller may assume to be the only
 * process on the store.
 *
 * Errors: every method may reject with StoreError. CONFLICT: the optimistic version differed, or
 * a unique row exists. NOT_FOUND: the row to change, or one that a new row refers to, is absent.
 * FULL: no space left; nothing was changed. UNAVAILABLE: the database cannot be reached or written,
 * or too many mutations wait; nothing was acknowledged. CORRUPT: the database is damaged. LIMIT: a
 * bound given with the call is reached.
 */
import type {
  StoredAccessKey,
  StoredAlias,
  StoredDomainKey,
  StoredGrant,
  StoredKey,
  StoredKeyUse,
  StoredMaterial,
  StoredPrincipal,
  Tag,
} from '../core/records.js';

export type StoreErrorCode =
  | 'CONFLICT'
  | 'NOT_FOUND'
  | 'FULL'
  | 'UNAVAILABLE'
  | 'CORRUPT'
  | 'LIMIT';

export class StoreError extends Error {
  readonly code: StoreErrorCode;
  constructor(code: StoreErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'StoreError';
    this.code = code;
  }
}

export interface Scope {
  readonly account: string;
  readonly region: string;
}

/** `limit` of the list methods is a positive integer. */
export interface Page<T> {
  readonly items: readonly T[];
  /** Key of the last item given when more follow; the caller makes the Marker from it. */
  readonly next: string | undefined;
}

export type KeyPatch = Partial<
  Pick<
    StoredKey,
    | 'state'
    | 'description'
    | 'deletionDate'
    | 'pendingWindowDays'
    | 'currentMaterialId'
    | 'policy'
    | 'publicKey'
    | 'rotationPeriodDays'
    | 'nextRotationAt'
    | 'expirationModel'
    | 'validTo'
    | 'multiRegionRole'
    | 'primaryRegion'
  >
>;

/** What becomes of the materials of a key, together with a change of the key itself. */
export interface MaterialChange {
  /** New rows, and rows that take the place of the ones with their ids. */
  readonly put?: readonly StoredMaterial[];
  /** Ids of rows to remove; an absent one is no error. */
  readonly remove?: readonly string[];
}

/** A change of one of the keys that are related to each other, all of which change together. */
export interface RelatedKeyChange {
  readonly region: string;
  readonly expectVersion: number;
  readonly patch: KeyPatch;
  readonly materials?: MaterialChange;
}

/** Names a key wherever it is: in a region no two accounts share a key id. */
export interface RegionKey {
  readonly region: string;
  readonly keyId: string;
}

/** All materials of a key, or those that became current by a rotation. */
export type MaterialList = 'all' | 'rotated';

/** What changed, so that caches can drop it. */
export interface Change {
  readonly sequence: number;
  readonly kind: 'key' | 'alias' | 'grant' | 'access-key' | 'principal';
  readonly account: string;
  readonly region: string;
  /** Key id (of a grant: its key's), alias name, access key id or ARN; no region for the last two. */
  readonly id: string;
}

export interface Store {
  /** Opens and migrates. UNAVAILABLE for a database that a newer program has migrated. */
  open(): Promise<void>;
  /** Finishes what was accepted; later calls are UNAVAILABLE. */
  close(): Promise<void>;
  /** False when the database cannot be read now. A full disk alone is healthy: reads go on. */
  healthy(): boolean;

  /** Deployment facts (account, region, format), set once by init. */
  getMeta(name: string): Promise<string | undefined>;
  /** CONFLICT when the name is set already. */
  insertMeta(name: string, value: string): Promise<void>;

  /**
   * Inserts the key, its first material (absent for PendingImport), its tags and an alias of it in
   * one transaction. CONFLICT when the key id or the alias is taken.
   */
  insertKey(
    key: StoredKey,
    material: StoredMaterial | undefined,
    tags?: readonly Tag[],
    alias?: StoredAlias,
  ): Promise<void>;
  getKey(scope: Scope, keyId: string): Promise<StoredKey | undefined>;
  /** The key with this id in the region, whatever its account (for Decrypt by ciphertext). */
  findKey(region: string, keyId: string): Promise<StoredKey | undefined>;
  /** Applies `patch` while the stored version is that of `record`; gives the new record. CONFLICT, NOT_FOUND. */
  updateKey(record: StoredKey, patch: KeyPatch): Promise<StoredKey>;
  /**
   * Applies `patch` while the stored version is `expectVersion`, and changes materials of the key in
   * the same transaction; gives the new record. CONFLICT; NOT_FOUND also when a material's domain key
   * is absent.
   */
  updateKeyMaterials(
    scope: Scope,
    keyId: string,
    expectVersion: number,
    patch: KeyPatch,
    change: MaterialChange,
  ): Promise<StoredKey>;
  /**
   * The keys of the account with this id, in all regions and ordered by them: the primary of a
   * multi-Region key and its replicas. Adding or deleting a replica advances the primary's version.
   */
  listRelatedKeys(account: string, keyId: string): Promise<readonly StoredKey[]>;
  /**
   * Inserts a replica with its materials and tags while the primary, in its region, has `expectVersion`.
   * CONFLICT when it has another or the replica's region has such a key; NOT_FOUND when the primary
   * or a material's domain key is absent.
   */
  insertReplica(
    replica: StoredKey,
    materials: readonly StoredMaterial[],
    primaryRegion: string,
    expectVersion: number,
    tags?: readonly Tag[],
  ): Promise<void>;
  /** updateKeyMaterials of several keys with this id, all or none of them; the new records. */
  updateRelatedKeys(
    account: string,
    keyId: string,
    changes: readonly RelatedKeyChange[],
  ): Promise<readonly StoredKey[]>;
  /**
   * Really deletes: key, materials, aliases, tags, grants, last use. With the last replica of a
   * primary that is PendingReplicaDeletion, the primary becomes PendingDeletion, its window beginning
   * at `now`, milliseconds since the epoch. CONFLICT when the version differs; NOT_FOUND.
   */
  deleteKey(scope: Scope, keyId: string, expectVersion: number, now: number): Promise<void>;
  /** In ascending order. */
  listKeyIds(scope: Scope, limit: number, after: string | undefined): Promise<Page<string>>;
  /** Keys of any account and region in PendingDeletion whose date is at or before `now`. */
  keysDueForDeletion(now: number, limit: number): Promise<readonly StoredKey[]>;
  /**
   * Keys of any account and region whose automatic rotation was due at or before `now`: Enabled
   * ones, no replicas. Ordered by region and key id; only those behind `after` where given.
   */
  keysDueForRotation(
    now: number,
    limit: number,
    after: RegionKey | undefined,
  ): Promise<readonly StoredKey[]>;
  /** Customer managed keys, in any state. */
  countKeys(scope: Scope): Promise<number>;

  getMaterial(scope: Scope, keyId: string, materialId: string): Promise<StoredMaterial | undefined>;
  /** The key's material whose id begins with these hex digits. */
  findMaterial(scope: Scope, keyId: string, prefix: string): Promise<StoredMaterial | undefined>;
  listMaterials(scope: Scope, keyId: string): Promise<readonly StoredMaterial[]>;
  /** Oldest first. */
  pageMaterials(
    scope: Scope,
    keyId: string,
    list: MaterialList,
    limit: number,
    after: string | undefined,
  ): Promise<Page<StoredMaterial>>;
  /** Materials of any account and region whose `validTo` is at or before `now`, oldest first. */
  materialsDueForExpiry(now: number, limit: number): Promise<readonly StoredMaterial[]>;

  /** CONFLICT when the name exists; LIMIT when the key has `maxPerKey` aliases; NOT_FOUND when the key is gone. */
  insertAlias(alias: StoredAlias, maxPerKey: number): Promise<void>;
  getAlias(scope: Scope, name: string): Promise<StoredAlias | undefined>;
  /** NOT_FOUND when the alias or the target is absent; LIMIT as insertAlias. */
  updateAlias(
    scope: Scope,
    name: string,
    targetKeyId: string,
    now: number,
    maxPerKey: number,
  ): Promise<void>;
  /** NOT_FOUND. */
  deleteAlias(scope: Scope, name: string): Promise<void>;
  /** Ordered by name; filtered by target when `keyId` is given. */
  listAliases(
    scope: Scope,
    keyId: string | undefined,
    limit: number,
    after: string | undefined,
  ): Promise<Page<StoredAlias>>;

  /**
   * Adds tags to a key, or gives those that are there new values: all or none. LIMIT when the key
   * would have more than `maxPerKey`; NOT_FOUND when it is gone.
   */
  putTags(scope: Scope, keyId: string, tags: readonly Tag[], maxPerKey: number): Promise<void>;
  /** Tags that are absent are passed over. NOT_FOUND when the key is gone. */
  deleteTags(scope: Scope, keyId: string, tagKeys: readonly string[]): Promise<void>;
  /** Ordered by tag key; `next` is the key of the last tag given. */
  listTags(
    scope: Scope,
    keyId: string,
    limit: number,
    after: string | undefined,
  ): Promise<Page<Tag>>;

  /** Keeps of each key the newest use; keys that are gone are passed over. */
  recordKeyUses(uses: readonly StoredKeyUse[]): Promise<void>;
  getKeyUse(scope: Scope, keyId: string): Promise<StoredKeyUse | undefined>;
  /** When the database came to a version of the schema (migrations.ts). */
  migratedAt(version: number): Promise<number | undefined>;

  /**
   * Inserts the grant, unless the key has one with the same fingerprint; gives the id of the one
   * that is there now. NOT_FOUND when the key is gone; LIMIT when the key has `maxPerKey` grants and
   * this would be one more; CONFLICT when the grant id is taken.
   */
  insertGrant(grant: StoredGrant, maxPerKey: number): Promise<string>;
  getGrant(scope: Scope, keyId: string, grantId: string): Promise<StoredGrant | undefined>;
  /** The key's grant with this fingerprint. */
  findGrant(scope: Scope, keyId: string, fingerprint: string): Promise<StoredGrant | undefined>;
  countGrants(scope: Scope, keyId: string): Promise<number>;
  /** NOT_FOUND. */
  deleteGrant(scope: Scope, keyId: string, grantId: string): Promise<void>;
  /** Ordered by grant id; filtered by grantee when it is given. */
  listGrants(
    scope: Scope,
    keyId: string,
    granteePrincipal: string | undefined,
    limit: number,
    after: string | undefined,
  ): Promise<Page<StoredGrant>>;
  /** On keys of any account, or of `account`, in the region; ordered by grant id. */
  listRetirableGrants(
    region: string,
    retiringPrincipal: string,
    account: string | undefined,
    limit: number,
    after: string | undefined,
  ): Promise<Page<StoredGrant>>;

  /** The id of the new row is given by the store: unique, ascending, never used twice. */
  insertDomainKey(region: string, wrapped: Uint8Array, now: number): Promise<StoredDomainKey>;
  listDomainKeys(): Promise<readonly StoredDomainKey[]>;

  /** CONFLICT. */
  insertPrincipal(principal: StoredPrincipal): Promise<void>;
  getPrincipal(arn: string): Promise<StoredPrincipal | undefined>;
  /** Ordered by ARN. */
  listPrincipals(limit: number, after: string | undefined): Promise<Page<StoredPrincipal>>;
  /** CONFLICT; NOT_FOUND when the principal or the domain key is absent. */
  insertAccessKey(key: StoredAccessKey): Promise<void>;
  getAccessKey(accessKeyId: string): Promise<StoredAccessKey | undefined>;
  /** All access keys of a principal, by id. */
  listAccessKeys(principalArn: string): Promise<readonly StoredAccessKey[]>;
  /** NOT_FOUND. */
  setAccessKeyActive(accessKeyId: string, active: boolean): Promise<void>;

  /**
   * Calls `listener` for every change committed by any process, in order, within 1 s; with
   * 'reset' when it cannot tell what changed (drop all caches). A change of this process is
   * delivered before its mutation resolves. The listener must not throw. Returns the unsubscribe
   * function.
   */
  onChange(listener: (change: Change | 'reset') => void): () => void;
}
