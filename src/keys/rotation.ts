/**
 * Rotation of key material: automatic, on the dates of a key's rotation period, and on demand.
 * Source: AWS KMS Developer Guide, "Rotate AWS KMS keys"; decisions: docs/rotation.md.
 *
 * A rotation is one transaction against the key's version: the new material becomes current, the
 * one before it stays for decryption, and the next date is set. Whoever comes second, in whatever
 * process, finds that nothing is due any more.
 */
import type { Clock } from '../core/clock.js';
import { KmsError } from '../core/errors.js';
import type { ResourceQuotas } from '../core/limits.js';
import type { StoredKey, StoredMaterial } from '../core/records.js';
import type { KeyStore } from '../keystores/port.js';
import {
  type KeyPatch,
  type RegionKey,
  type Scope,
  type Store,
  StoreError,
} from '../store/port.js';
import type { DomainKeys } from './domain-keys.js';
import { storeFailure } from './failures.js';
import { importedFields } from './import-plan.js';
import type { Key } from './key.js';
import type { KeyChanges } from './key-changes.js';
import type { Markers } from './markers.js';
import { newMaterial } from './new-material.js';
import { isImportedEverywhere } from './related-imports.js';
import type { RelatedKeys } from './related-keys.js';
import { ResolvedKey } from './resolved-key.js';
import { requireAutomatic, requireNotImported, requireOnDemand } from './rotation-rules.js';
import type { Page } from './service.js';

const DAY_MS = 86_400_000;
/** AWS: no rotation on demand while an automatic one is due within this time. */
const ON_DEMAND_DISTANCE_MS = 20 * 60_000;
/** Keys that one look at the store finds. */
const DUE_PAGE = 100;
/** Missed dates of one key that are made up for at one time; the rest follows in the next round. */
const CATCH_UP_MAX = 200;

type RotationType = NonNullable<StoredMaterial['rotationType']>;

/** A rotation that was made. */
export interface MadeRotation {
  /** As it is after the rotation. */
  readonly key: Key;
  readonly type: RotationType;
  /** 64 hex digits each. */
  readonly previousMaterialId: string;
  readonly currentMaterialId: string;
}

export interface RotationParts {
  readonly store: Store;
  readonly keyStore: KeyStore;
  readonly domainKeys: DomainKeys;
  readonly clock: Clock;
  readonly changes: KeyChanges;
  readonly related: RelatedKeys;
  readonly markers: Markers;
  readonly quotas: Pick<ResourceQuotas, 'onDemandRotationsPerKey'>;
  /** Told of each rotation, after it was made. */
  readonly onRotated: ((rotation: MadeRotation) => void | Promise<void>) | undefined;
}

function scopeOf({ account, region }: StoredKey): Scope {
  return { account, region };
}

/** Replicas rotate with their primary; keys that are not Enabled wait. */
function isDue(key: StoredKey, now: number): boolean {
  return key.state === 'Enabled' && key.multiRegionRole !== 'REPLICA' && isOverdue(key, now);
}

function isOverdue(key: StoredKey, now: number): boolean {
  return key.nextRotationAt !== null && key.nextRotationAt <= now;
}

export class Rotation {
  readonly #parts: RotationParts;

  constructor(parts: RotationParts) {
    this.#parts = parts;
  }

  /** See KeyService.enableKeyRotation. */
  async enableAutomatic(key: Key, periodDays: number): Promise<void> {
    const { clock, changes, related } = this.#parts;
    requireAutomatic(key);
    await changes.write('EnableKeyRotation', key, async (found) => {
      const record = await this.caughtUp(found);
      requireAutomatic(ResolvedKey.of(record));
      const nextRotationAt = clock.now() + periodDays * DAY_MS;
      return related.write(record, {}, { rotationPeriodDays: periodDays, nextRotationAt });
    });
  }

  /** See KeyService.disableKeyRotation. */
  async disableAutomatic(key: Key): Promise<void> {
    const { changes, related } = this.#parts;
    requireNotImported(key);
    if (key.spec.family !== 'symmetric') return;
    requireAutomatic(key);
    await changes.write('DisableKeyRotation', key, async (found) => {
      if (found.rotationPeriodDays === null) return undefined;
      const record = await this.caughtUp(found);
      requireAutomatic(ResolvedKey.of(record));
      return related.write(record, {}, { rotationPeriodDays: null, nextRotationAt: null });
    });
  }

  /** See KeyService.rotateOnDemand. */
  rotateOnDemand(key: Key): Promise<Key> {
    const { store, clock, changes } = this.#parts;
    requireOnDemand(key);
    return changes.write('RotateKeyOnDemand', key, async (record) => {
      const found = ResolvedKey.of(record);
      requireOnDemand(found);
      const now = clock.now();
      if (isOverdue(record, now + ON_DEMAND_DISTANCE_MS)) throw automaticIsNear(found);
      const materials = await store.listMaterials(scopeOf(record), record.keyId);
      this.#requireRoom(found, materials);
      if (record.origin !== 'EXTERNAL') return this.#rotate(record, 'ON_DEMAND', now);
      // Pending material may have been deleted or have expired before it ever became current.
      const pending = materials.find(
        (one) => one.state === 'PENDING_ROTATION' && one.importState === 'IMPORTED',
      );
      if (pending === undefined) throw nothingPending(found);
      // A replica that was made since may have to be given the bytes yet.
      const { materialId } = pending;
      if (!(await isImportedEverywhere(store, record, materialId))) throw nothingPending(found);
      const after = materials.map(
        (one): StoredMaterial => (one === pending ? { ...one, state: 'CURRENT' } : one),
      );
      return this.#makeCurrent(record, pending, 'ON_DEMAND', now, importedFields(after));
    });
  }

  /** See KeyService.listRotations. */
  listRotations(
    key: Key,
    list: 'all' | 'rotated',
    limit: number,
    marker: string | undefined,
  ): Promise<Page<StoredMaterial>> {
    const { store, markers } = this.#parts;
    const { keyId } = key.record;
    const scope = scopeOf(key.record);
    // Keys of other kinds have one material, whose id AWS never shows.
    const hasIds = key.spec.family === 'symmetric';
    return markers.page(
      ['ListKeyRotations', scope.account, scope.region, keyId, list],
      marker,
      (after) =>
        hasIds
          ? store.pageMaterials(scope, keyId, list, limit, after)
          : { items: [], next: undefined },
      (material) => material,
    );
  }

  /**
   * DueWork: all automatic rotations that are due, each on its date. A failure is thrown after
   * all keys were tried. Gives how many rotations were made.
   */
  async rotateDueKeys(now: number): Promise<number> {
    const failures: unknown[] = [];
    let made = 0;
    for (let after: RegionKey | undefined; ; ) {
      const due = await this.#due(now, after);
      for (const record of due) {
        try {
          made += await this.#rotateDue(record, now);
        } catch (error) {
          failures.push(error);
        }
      }
      after = due[due.length - 1];
      if (due.length < DUE_PAGE) break;
    }
    if (failures.length > 0) throw storeFailure(failures[0]);
    return made;
  }

  /**
   * The key after all automatic rotations that are due at this moment: changes that end them must
   * not undo what AWS would have done by then. For use inside a KeyChanges write.
   */
  caughtUp(record: StoredKey): Promise<StoredKey> {
    return this.#catchUp(record, this.#parts.clock.now(), () => undefined);
  }

  /**
   * Applies a patch that makes a key Enabled again. One that is past its date is rotated with it,
   * once, and from now on every period. For use inside a KeyChanges write.
   */
  enabled(record: StoredKey, patch: KeyPatch): Promise<StoredKey> {
    const { store, clock } = this.#parts;
    const now = clock.now();
    if (record.multiRegionRole === 'REPLICA' || !isOverdue(record, now)) {
      return store.updateKey(record, patch);
    }
    return this.#rotate(record, 'AUTOMATIC', now, patch);
  }

  async #catchUp(record: StoredKey, now: number, onMade: () => void): Promise<StoredKey> {
    let current = record;
    for (let i = 0; i < CATCH_UP_MAX && isDue(current, now); i += 1) {
      current = await this.#rotate(current, 'AUTOMATIC', current.nextRotationAt!);
      onMade();
    }
    return current;
  }

  async #due(now: number, after: RegionKey | undefined): Promise<readonly StoredKey[]> {
    try {
      return await this.#parts.store.keysDueForRotation(now, DUE_PAGE, after);
    } catch (error) {
      throw storeFailure(error);
    }
  }

  async #rotateDue(record: StoredKey, now: number): Promise<number> {
    let made = 0;
    try {
      await this.#parts.changes.write(undefined, ResolvedKey.of(record), async (found) => {
        const after = await this.#catchUp(found, now, () => {
          made += 1;
        });
        return after === found ? undefined : after;
      });
    } catch (error) {
      // Deleted meanwhile: no rotation is missing.
      if (!(error instanceof KmsError && error.code === 'NotFoundException')) throw error;
    }
    return made;
  }

  /** One rotation to material of our own making. `at`: its date, milliseconds since the epoch. */
  async #rotate(
    record: StoredKey,
    type: RotationType,
    at: number,
    patch: KeyPatch = {},
  ): Promise<StoredKey> {
    const { row } = await newMaterial(this.#parts, record, at);
    const { rotationPeriodDays } = record;
    const schedule =
      type === 'AUTOMATIC' && rotationPeriodDays !== null
        ? { nextRotationAt: at + rotationPeriodDays * DAY_MS }
        : {};
    return this.#makeCurrent(record, row, type, at, patch, schedule);
  }

  async #makeCurrent(
    record: StoredKey,
    material: StoredMaterial,
    type: RotationType,
    at: number,
    own: KeyPatch,
    schedule: KeyPatch = {},
  ): Promise<StoredKey> {
    const { store, related, onRotated } = this.#parts;
    const { keyId, currentMaterialId } = record;
    const scope = scopeOf(record);
    const previous =
      currentMaterialId === null
        ? undefined
        : await store.getMaterial(scope, keyId, currentMaterialId);
    if (previous === undefined) throw new StoreError('CORRUPT', 'the current material is absent');
    const { materialId } = material;
    const shared = { ...schedule, currentMaterialId: materialId };
    const updated = await related.write(record, own, shared, [
      { ...previous, state: 'NON_CURRENT' },
      {
        ...material,
        state: 'CURRENT',
        rotationType: type,
        rotatedAt: at,
        // Lists are in this order, also when a clock stood still between two rotations.
        createdAt: Math.max(material.createdAt, previous.createdAt + 1),
      },
    ]);
    await onRotated?.({
      key: ResolvedKey.of(updated),
      type,
      previousMaterialId: previous.materialId,
      currentMaterialId: materialId,
    });
    return updated;
  }

  /** @throws LimitExceededException */
  #requireRoom(key: Key, materials: readonly StoredMaterial[]): void {
    const made = materials.filter((one) => one.rotationType === 'ON_DEMAND').length;
    if (made < this.#parts.quotas.onDemandRotationsPerKey) return;
    throw new KmsError(
      'LimitExceededException',
      'The on-demand rotations limit has been reached for the given keyId. ' +
        `No more on-demand rotations can be performed for this key: ${key.arn}`,
    );
  }
}

function automaticIsNear(key: Key): KmsError {
  return new KmsError(
    'ConflictException',
    `An automatic rotation of ${key.arn} is in progress or begins within the next 20 minutes.`,
  );
}

function nothingPending(key: Key): KmsError {
  return new KmsError(
    'KMSInvalidStateException',
    `No available key material pending rotation for the key: ${key.arn}.`,
  );
}
