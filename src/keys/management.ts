/** Making, changing and deleting keys. */
import type { Caller } from '../auth/port.js';
import type { Clock } from '../core/clock.js';
import { keyArn, newKeyId } from '../core/ids.js';
import type { ResourceQuotas } from '../core/limits.js';
import type { StoredKey, StoredMaterial, Tag } from '../core/records.js';
import type { KeyStore } from '../keystores/port.js';
import type { KeyPatch, Store } from '../store/port.js';
import type { DomainKeys } from './domain-keys.js';
import { isStoreError, storeFailure } from './failures.js';
import type { Key } from './key.js';
import type { KeyCaches } from './key-caches.js';
import type { KeyChanges } from './key-changes.js';
import { requireKeyRoom } from './key-room.js';
import type { Markers } from './markers.js';
import { type NewMaterialKey, newMaterial } from './new-material.js';
import { ResolvedKey } from './resolved-key.js';
import type { Rotation } from './rotation.js';
import type { CreateKeyRequest, ListedKey, Page } from './service.js';
import { requireTags } from './tags.js';

const DAY_MS = 86_400_000;
/** Keys that one look at the store deletes. */
const DUE_PAGE = 100;

export interface ManagementParts {
  readonly store: Store;
  readonly keyStore: KeyStore;
  readonly domainKeys: DomainKeys;
  readonly clock: Clock;
  readonly caches: KeyCaches;
  readonly changes: KeyChanges;
  readonly markers: Markers;
  readonly rotation: Rotation;
  readonly quotas: Pick<ResourceQuotas, 'keys' | 'tagsPerKey'>;
  /** Told of each key that was really deleted, after it was. */
  readonly onDeleted: ((key: Key) => void | Promise<void>) | undefined;
}

export class Management {
  readonly #parts: ManagementParts;

  constructor(parts: ManagementParts) {
    this.#parts = parts;
  }

  async createKey(caller: Caller, request: CreateKeyRequest): Promise<Key> {
    const { account, region } = caller;
    const { keySpec, keyUsage, multiRegion } = request;
    requireTags(request.tags, this.#parts.quotas.tagsPerKey);
    await requireKeyRoom(this.#parts, { account, region });
    const named: NewMaterialKey = {
      account,
      region,
      keyId: newKeyId(multiRegion),
      keySpec,
      keyUsage,
    };
    const createdAt = this.#parts.clock.now();
    const made =
      request.origin === 'EXTERNAL' ? undefined : await newMaterial(this.#parts, named, createdAt);
    const record: StoredKey = {
      ...named,
      version: 1,
      origin: request.origin,
      keyManager: 'CUSTOMER',
      state: made === undefined ? 'PendingImport' : 'Enabled',
      description: request.description,
      multiRegion,
      createdAt,
      deletionDate: null,
      pendingWindowDays: null,
      currentMaterialId: made?.row.materialId ?? null,
      publicKey: made?.publicKey ?? null,
      policy: request.policy ?? null,
      rotationPeriodDays: null,
      nextRotationAt: null,
      expirationModel: null,
      validTo: null,
      multiRegionRole: multiRegion ? 'PRIMARY' : null,
      primaryRegion: multiRegion ? region : null,
      service: null,
    };
    await this.#insert(record, made?.row, request.tags);
    return ResolvedKey.of(record);
  }

  async updateDescription(key: Key, description: string): Promise<void> {
    await this.#parts.changes.change('UpdateKeyDescription', key, (record) =>
      record.description === description ? undefined : { description },
    );
  }

  async enable(key: Key): Promise<void> {
    const { changes, rotation } = this.#parts;
    await changes.write('EnableKey', key, async (record) =>
      record.state === 'Disabled' ? rotation.enabled(record, { state: 'Enabled' }) : undefined,
    );
  }

  async disable(key: Key): Promise<void> {
    const { changes } = this.#parts;
    await changes.write('DisableKey', key, async (record) =>
      record.state === 'Enabled' ? this.#caughtUp(record, { state: 'Disabled' }) : undefined,
    );
  }

  scheduleDeletion(key: Key, windowDays: number): Promise<Key> {
    const { store, changes, clock } = this.#parts;
    return changes.write('ScheduleKeyDeletion', key, async (record) => {
      const { account, keyId, multiRegionRole } = record;
      // A replica that comes or goes from here on is a conflict: it advances the version.
      const hasReplicas =
        multiRegionRole === 'PRIMARY' && (await store.listRelatedKeys(account, keyId)).length > 1;
      return this.#caughtUp(record, {
        state: hasReplicas ? 'PendingReplicaDeletion' : 'PendingDeletion',
        deletionDate: hasReplicas ? null : clock.now() + windowDays * DAY_MS,
        pendingWindowDays: windowDays,
      });
    });
  }

  cancelDeletion(key: Key): Promise<Key> {
    return this.#parts.changes.change('CancelKeyDeletion', key, (record) => ({
      // A key with an origin of its own shows an expiration model while its material is there.
      state:
        record.origin === 'EXTERNAL' && record.expirationModel === null
          ? 'PendingImport'
          : 'Disabled',
      deletionDate: null,
      pendingWindowDays: null,
    }));
  }

  async listKeys(
    caller: Caller,
    limit: number,
    marker: string | undefined,
  ): Promise<Page<ListedKey>> {
    const { store, markers } = this.#parts;
    const { account, region } = caller;
    return markers.page(
      ['ListKeys', account, region],
      marker,
      (after) => store.listKeyIds({ account, region }, limit, after),
      (keyId) => ({ keyId, arn: keyArn(region, account, keyId) }),
    );
  }

  /** DueWork: deletes keys whose date has come. A failure of `onDeleted` is thrown after all are. */
  async deleteDueKeys(now: number): Promise<number> {
    const { store, onDeleted } = this.#parts;
    const failures: unknown[] = [];
    let deleted = 0;
    for (;;) {
      let due: readonly StoredKey[];
      let progress = 0;
      try {
        due = await store.keysDueForDeletion(now, DUE_PAGE);
        for (const record of due) {
          if (!(await this.#delete(record))) continue;
          progress += 1;
          try {
            await onDeleted?.(ResolvedKey.of(record));
          } catch (error) {
            failures.push(error);
          }
        }
      } catch (error) {
        throw storeFailure(error);
      }
      deleted += progress;
      if (due.length < DUE_PAGE || progress === 0) break;
    }
    if (failures.length > 0) throw storeFailure(failures[0]);
    return deleted;
  }

  /** False when the key is gone already or its deletion was cancelled meanwhile. */
  async #delete(record: StoredKey): Promise<boolean> {
    const { store, caches, clock } = this.#parts;
    const scope = { account: record.account, region: record.region };
    try {
      await store.deleteKey(scope, record.keyId, record.version, clock.now());
    } catch (error) {
      if (isStoreError(error, 'CONFLICT') || isStoreError(error, 'NOT_FOUND')) return false;
      throw error;
    } finally {
      caches.dropKey(scope, record.keyId);
    }
    return true;
  }

  /** Ends rotations, so that those that are due are made before. */
  async #caughtUp(record: StoredKey, patch: KeyPatch): Promise<StoredKey> {
    const { store, rotation } = this.#parts;
    return store.updateKey(await rotation.caughtUp(record), patch);
  }

  async #insert(
    record: StoredKey,
    material: StoredMaterial | undefined,
    tags: readonly Tag[],
  ): Promise<void> {
    const { store, caches } = this.#parts;
    try {
      await store.insertKey(record, material, tags);
    } catch (error) {
      throw storeFailure(error);
    } finally {
      caches.dropKey({ account: record.account, region: record.region }, record.keyId);
    }
  }
}
