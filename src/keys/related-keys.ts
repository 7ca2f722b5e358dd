/**
 * Multi-Region keys: a primary and its replicas, one in each Region at most, that share account, key
 * id, material and rotation. AWS KMS Developer Guide, "Multi-Region keys in AWS KMS".
 *
 * One deployment has all Regions, so that related keys change in one transaction: a replica is there
 * and complete, or it is not; roles change in all Regions at once. The states Creating and Updating,
 * in which AWS shows keys while Regions wait for each other, last no time here.
 */
import type { Clock } from '../core/clock.js';
import { KmsError } from '../core/errors.js';
import { keyArn, partitionOf } from '../core/ids.js';
import type { ResourceQuotas } from '../core/limits.js';
import type { StoredKey, StoredMaterial } from '../core/records.js';
import type { KeyStore } from '../keystores/port.js';
import type { KeyPatch } from '../store/port.js';
import type { DomainKeys } from './domain-keys.js';
import { storeFailure, unwrapFailure } from './failures.js';
import type { Key } from './key.js';
import type { KeyCaches } from './key-caches.js';
import type { KeyChanges } from './key-changes.js';
import { keyNotFound } from './key-identifier.js';
import { type KeyRoom, requireKeyRoom } from './key-room.js';
import { materialAad } from './materials.js';
import { ResolvedKey } from './resolved-key.js';
import type { ReplicaRequest } from './service.js';
import { requireState } from './states.js';
import { requireTags } from './tags.js';

export interface RelatedKeysParts extends KeyRoom {
  readonly keyStore: KeyStore;
  readonly domainKeys: DomainKeys;
  readonly clock: Clock;
  readonly caches: KeyCaches;
  readonly changes: KeyChanges;
  readonly quotas: Pick<ResourceQuotas, 'keys' | 'tagsPerKey'>;
  /** Regions that are served; every one when absent. */
  readonly regions: ReadonlySet<string> | undefined;
}

/** @throws UnsupportedOperationException */
function requirePrimary(record: StoredKey): void {
  if (record.multiRegionRole === 'PRIMARY') return;
  const arn = keyArn(record.region, record.account, record.keyId);
  throw new KmsError('UnsupportedOperationException', `${arn} is not a multi-region primary key.`);
}

export class RelatedKeys {
  readonly #parts: RelatedKeysParts;

  constructor(parts: RelatedKeysParts) {
    this.#parts = parts;
  }

  /** See KeyService.relatedKeys. */
  async list(key: Key): Promise<readonly Key[]> {
    if (!key.record.multiRegion) return [key];
    const records = await this.#related(key.record);
    return records.map((record) => ResolvedKey.of(record));
  }

  /** See KeyService.replicateKey. */
  async replicate(key: Key, request: ReplicaRequest): Promise<Key> {
    const { store, caches, changes, clock } = this.#parts;
    requirePrimary(key.record);
    this.#requireOffered(key.record, request.region);
    requireTags(request.tags, this.#parts.quotas.tagsPerKey);
    let replica: StoredKey | undefined;
    const scope = { account: key.record.account, region: request.region };
    try {
      await changes.write('ReplicateKey', key, async (primary) => {
        requirePrimary(primary);
        await this.#requireFree(primary, request.region);
        await requireKeyRoom(this.#parts, scope);
        replica = replicaOf(primary, request, clock.now());
        const materials = await this.copyMaterials(primary, replica);
        await store.insertReplica(
          replica,
          materials,
          primary.region,
          primary.version,
          request.tags,
        );
        return { ...primary, version: primary.version + 1 };
      });
    } finally {
      caches.dropKey(scope, key.record.keyId);
    }
    return ResolvedKey.of(replica!);
  }

  /** See KeyService.updatePrimaryRegion. */
  async updatePrimaryRegion(key: Key, region: string): Promise<void> {
    const { store, caches, changes } = this.#parts;
    const { account, keyId } = key.record;
    requirePrimary(key.record);
    const touched = new Set<string>();
    try {
      await changes.write('UpdatePrimaryRegion', key, async (primary) => {
        requirePrimary(primary);
        if (region === primary.region) {
          const text = `${key.arn} is already the primary key.`;
          throw new KmsError('UnsupportedOperationException', text);
        }
        const related = await this.#related(primary);
        const next = related.find((one) => one.region === region);
        if (next === undefined) throw keyNotFound({ account, region }, keyId);
        requireState('UpdatePrimaryRegion', ResolvedKey.of(next));
        for (const one of related) touched.add(one.region);
        const updated = await store.updateRelatedKeys(
          account,
          keyId,
          related.map((one) => ({
            region: one.region,
            expectVersion: one.region === primary.region ? primary.version : one.version,
            patch: {
              multiRegionRole: one.region === region ? 'PRIMARY' : 'REPLICA',
              primaryRegion: region,
            },
          })),
        );
        return updated.find((one) => one.region === primary.region);
      });
    } finally {
      for (const one of touched) caches.dropKey({ account, region: one }, keyId);
    }
  }

  /**
   * Writes changes of a key against its version. Of a primary, what is shared goes to all of its
   * replicas in the same transaction: the members of `shared`, and the materials in `put`. For use
   * inside a KeyChanges write.
   * @throws StoreError, KMSInternalException
   */
  async write(
    record: StoredKey,
    own: KeyPatch,
    shared: KeyPatch,
    put: readonly StoredMaterial[] = [],
  ): Promise<StoredKey> {
    const { store, caches } = this.#parts;
    const { account, region, keyId, version } = record;
    const patch = { ...own, ...shared };
    const related =
      record.multiRegionRole === 'PRIMARY' ? await store.listRelatedKeys(account, keyId) : [];
    const replicas = related.filter((one) => one.region !== region);
    if (replicas.length === 0) {
      return store.updateKeyMaterials({ account, region }, keyId, version, patch, { put });
    }
    try {
      const copies = await Promise.all(
        replicas.map(async (replica) => ({
          region: replica.region,
          expectVersion: replica.version,
          patch: shared,
          materials: { put: await this.copyMaterials(record, replica, put) },
        })),
      );
      const mine = { region, expectVersion: version, patch, materials: { put } };
      const updated = await store.updateRelatedKeys(account, keyId, [mine, ...copies]);
      return updated[0]!;
    } finally {
      for (const replica of replicas) caches.dropKey({ account, region: replica.region }, keyId);
    }
  }

  /**
   * The materials of `from`, or those of them that are given, as rows of the related key `to`:
   * wrapped anew, inside the key store, by the domain key of its Region. Imported material is not
   * copied: `to` knows its id and description, and keeps or waits for the same bytes.
   * @throws KMSInternalException
   */
  async copyMaterials(
    from: StoredKey,
    to: StoredKey,
    given?: readonly StoredMaterial[],
  ): Promise<readonly StoredMaterial[]> {
    const { domainKeys } = this.#parts;
    const rows = given ?? (await this.#materials(from));
    const domain = await domainKeys.current(to.region);
    return Promise.all(
      rows.map(async (row): Promise<StoredMaterial> => {
        const copy = { ...row, region: to.region, domainKeyId: domain.id };
        if (row.importState === null) {
          return { ...copy, wrapped: await this.#rewrap(row, from, domain.handle, to) };
        }
        const known = await this.#material(to, row.materialId);
        const { state, rotationType, rotatedAt, createdAt } = row;
        if (known !== undefined) return { ...known, state, rotationType, rotatedAt, createdAt };
        const absent = { importState: 'PENDING_IMPORT', expirationModel: null } as const;
        return { ...copy, ...absent, validTo: null, wrapped: new Uint8Array(0) };
      }),
    );
  }

  async #rewrap(
    row: StoredMaterial,
    from: StoredKey,
    target: Parameters<KeyStore['rewrap']>[3],
    to: StoredKey,
  ): Promise<Buffer> {
    const { domainKeys, keyStore } = this.#parts;
    const source = await domainKeys.byId(from.region, row.domainKeyId);
    const [aad, newAad] = [materialAad(from), materialAad(to)];
    try {
      return await keyStore.rewrap(source.handle, row.wrapped, aad, target, newAad);
    } catch (error) {
      throw unwrapFailure(keyStore.failure(error));
    }
  }

  /** @throws UnsupportedOperationException for a Region that is not served, or not of the partition */
  #requireOffered(primary: StoredKey, region: string): void {
    const { regions } = this.#parts;
    const isServed = regions === undefined || regions.has(region);
    if (isServed && partitionOf(region) === partitionOf(primary.region)) return;
    const text = `Keys of ${primary.region} cannot be replicated to the Region ${region}.`;
    throw new KmsError('UnsupportedOperationException', text);
  }

  /** A key that is pending deletion still holds its Region. @throws AlreadyExistsException */
  async #requireFree(primary: StoredKey, region: string): Promise<void> {
    const { account, keyId } = primary;
    const related = await this.#related(primary);
    if (!related.some((one) => one.region === region)) return;
    const text = `Key '${keyArn(region, account, keyId)}' already exists.`;
    throw new KmsError('AlreadyExistsException', text);
  }

  async #related({ account, keyId }: StoredKey): Promise<readonly StoredKey[]> {
    try {
      return await this.#parts.store.listRelatedKeys(account, keyId);
    } catch (error) {
      throw storeFailure(error);
    }
  }

  async #material(
    { account, region, keyId }: StoredKey,
    materialId: string,
  ): Promise<StoredMaterial | undefined> {
    try {
      return await this.#parts.store.getMaterial({ account, region }, keyId, materialId);
    } catch (error) {
      throw storeFailure(error);
    }
  }

  async #materials({ account, region, keyId }: StoredKey): Promise<readonly StoredMaterial[]> {
    try {
      return await this.#parts.store.listMaterials({ account, region }, keyId);
    } catch (error) {
      throw storeFailure(error);
    }
  }
}

/** What is shared comes from the primary; all else is as of a new key. */
function replicaOf(primary: StoredKey, request: ReplicaRequest, createdAt: number): StoredKey {
  return {
    ...primary,
    region: request.region,
    version: 1,
    state: primary.origin === 'EXTERNAL' ? 'PendingImport' : 'Enabled',
    description: request.description,
    createdAt,
    deletionDate: null,
    pendingWindowDays: null,
    policy: request.policy ?? null,
    expirationModel: null,
    validTo: null,
    multiRegionRole: 'REPLICA',
    primaryRegion: primary.region,
  };
}
