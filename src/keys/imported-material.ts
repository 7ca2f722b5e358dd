/**
 * Key material that is made elsewhere (Origin EXTERNAL): parameters for its import, the import, its
 * deletion and its expiry. The material is unwrapped and wrapped again inside the key store; here
 * are only its id and its wrapped form.
 */
import type { BlobInput } from '../core/blob.js';
import type { Clock } from '../core/clock.js';
import { isKmsError, KmsError } from '../core/errors.js';
import type { ExpirationModel, StoredKey, StoredMaterial } from '../core/records.js';
import type { GeneratedMaterial, KeyStore } from '../keystores/port.js';
import type { WrappingAlgorithm, WrappingKeySpec } from '../specs/wrapping.js';
import type { Store } from '../store/port.js';
import type { DomainKeys } from './domain-keys.js';
import { storeFailure } from './failures.js';
import { type ImportType, planImport, planRemoval } from './import-plan.js';
import { type ImportParameters, ImportTokens } from './import-tokens.js';
import type { Key } from './key.js';
import type { KeyChanges } from './key-changes.js';
import { materialAad } from './materials.js';
import { writePlan } from './related-imports.js';
import { ResolvedKey } from './resolved-key.js';
import { type DueWork, INTERVAL_MS } from './scheduler.js';

/** Materials that one look at the store lets expire. */
const DUE_PAGE = 100;

export interface ImportMaterialRequest {
  readonly token: BlobInput;
  readonly encryptedMaterial: BlobInput;
  readonly importType: ImportType | undefined;
  readonly expirationModel: ExpirationModel;
  /** Milliseconds since the epoch; null where the material does not expire. */
  readonly validTo: number | null;
  readonly description: string | undefined;
  /** The id that the material must have. */
  readonly materialId: string | undefined;
}

export interface ImportedMaterialParts {
  readonly store: Store;
  readonly keyStore: KeyStore;
  readonly domainKeys: DomainKeys;
  readonly clock: Clock;
  readonly changes: KeyChanges;
  /** Told of each material that has expired, after it is gone. */
  readonly onExpired: ((key: Key, materialId: string) => void | Promise<void>) | undefined;
}

export class ImportedMaterial {
  readonly #parts: ImportedMaterialParts;
  readonly #tokens: ImportTokens;
  /** The earliest end that is known of, milliseconds since the epoch. */
  #soonest = Infinity;

  constructor(parts: ImportedMaterialParts) {
    this.#parts = parts;
    this.#tokens = new ImportTokens(parts);
  }

  /** Ends what has expired; see DueWork. Material ends on time, not when a round happens to be. */
  get expiry(): DueWork {
    return {
      name: 'expiry of imported key material',
      run: (now) => this.#expireDue(now),
      soonest: () => this.#soonest,
    };
  }

  parameters(
    key: Key,
    algorithm: WrappingAlgorithm,
    wrappingKey: WrappingKeySpec,
  ): Promise<ImportParameters> {
    return this.#tokens.make(key, algorithm, wrappingKey);
  }

  /** See KeyService.importMaterial. */
  async import(key: Key, request: ImportMaterialRequest): Promise<string> {
    const { store, domainKeys, changes, clock } = this.#parts;
    const domain = await domainKeys.current(key.record.region);
    const made = await this.#unwrap(key, request, domain.handle);
    const materialId = made.materialId.toString('hex');
    if (request.materialId !== undefined && request.materialId !== materialId) {
      throw new KmsError(
        'IncorrectKeyMaterialException',
        'The key material is not the one that KeyMaterialId names.',
      );
    }
    const { importType, expirationModel, validTo, description } = request;
    await changes.write('ImportKeyMaterial', key, async (record) => {
      const plan = planImport(ResolvedKey.of(record), await this.#rows(record), {
        materialId,
        domainKeyId: domain.id,
        wrapped: made.wrapped,
        publicKey: made.publicKey,
        importType,
        expirationModel,
        validTo,
        description,
        now: clock.now(),
      });
      return writePlan(store, record, plan);
    });
    if (validTo !== null) this.#soonest = Math.min(this.#soonest, validTo);
    return materialId;
  }

  /** See KeyService.deleteImportedMaterial. */
  async delete(key: Key, materialId: string | undefined): Promise<string | undefined> {
    const { store, changes } = this.#parts;
    let deleted: string | undefined;
    await changes.write('DeleteImportedKeyMaterial', key, async (record) => {
      const rows = await this.#rows(record);
      deleted = materialId ?? record.currentMaterialId ?? undefined;
      if (deleted === undefined) return undefined;
      if (!rows.some((row) => row.materialId === deleted)) {
        throw new KmsError(
          'NotFoundException',
          `Key material ${deleted} is not associated with ${key.arn}.`,
        );
      }
      const plan = planRemoval(record, rows, deleted);
      return plan === undefined ? undefined : writePlan(store, record, plan);
    });
    return deleted;
  }

  /** The wrapping private key is loaded for this one job. */
  async #unwrap(
    key: Key,
    { token, encryptedMaterial }: ImportMaterialRequest,
    wrappingKey: Parameters<KeyStore['importMaterial']>[0],
  ): Promise<GeneratedMaterial> {
    const { keyStore } = this.#parts;
    const { algorithm, handle } = await this.#tokens.open(key, token);
    const { keySpec: spec, keyId } = key.record;
    const aad = materialAad(key.record);
    try {
      const material = { spec, algorithm, encryptedMaterial, keyId, aad };
      return await keyStore.importMaterial(wrappingKey, handle, material);
    } catch (error) {
      throw keyStore.failure(error);
    } finally {
      keyStore.free(handle);
    }
  }

  async #rows({ account, region, keyId }: StoredKey): Promise<readonly StoredMaterial[]> {
    return this.#parts.store.listMaterials({ account, region }, keyId);
  }

  /** A failure of `onExpired` is thrown after all have expired. */
  async #expireDue(now: number): Promise<number> {
    const { store } = this.#parts;
    const failures: unknown[] = [];
    let expired = 0;
    // Should this fail, the next regular round tries again.
    this.#soonest = Infinity;
    try {
      for (;;) {
        const due = await store.materialsDueForExpiry(now, DUE_PAGE);
        let progress = 0;
        for (const row of due) {
          if (await this.#expire(row, now, failures)) progress += 1;
        }
        expired += progress;
        if (due.length < DUE_PAGE || progress === 0) break;
      }
      const [next] = await store.materialsDueForExpiry(now + 2 * INTERVAL_MS, 1);
      const end = next?.validTo ?? Infinity;
      // What could not be taken now waits for the next regular round.
      if (end > now) this.#soonest = Math.min(this.#soonest, end);
    } catch (error) {
      throw storeFailure(error);
    }
    if (failures.length > 0) throw storeFailure(failures[0]);
    return expired;
  }

  /** False where the material, or its key, is gone or was imported anew since it was found. */
  async #expire(row: StoredMaterial, now: number, failures: unknown[]): Promise<boolean> {
    const { onExpired } = this.#parts;
    const { account, region, keyId, materialId } = row;
    const found = await this.#parts.store.getKey({ account, region }, keyId);
    if (found === undefined) return false;
    let key: Key | undefined;
    try {
      key = await this.#removeExpired(ResolvedKey.of(found), materialId, now);
    } catch (error) {
      if (!isKmsError(error, 'NotFoundException')) throw error;
    }
    if (key === undefined) return false;
    try {
      await onExpired?.(key, materialId);
    } catch (error) {
      failures.push(error);
    }
    return true;
  }

  async #removeExpired(key: Key, materialId: string, now: number): Promise<Key | undefined> {
    const { store, changes } = this.#parts;
    let ended = false;
    const changed = await changes.write(undefined, key, async (record) => {
      const rows = await this.#rows(record);
      const end = rows.find((row) => row.materialId === materialId)?.validTo ?? Infinity;
      const plan = end <= now ? planRemoval(record, rows, materialId) : undefined;
      ended = plan !== undefined;
      return plan === undefined ? undefined : writePlan(store, record, plan);
    });
    return ended ? changed : undefined;
  }
}
