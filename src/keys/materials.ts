/**
 * Loaded key material: a bounded cache of handles. A handle is freed only when it has been retired
 * (evicted, or its key changed) and no job uses it any more, so that no request meets a freed key.
 */
import { KmsError } from '../core/errors.js';
import { keyArn } from '../core/ids.js';
import type { StoredKey, StoredMaterial } from '../core/records.js';
import type { KeyHandle, KeyStore } from '../keystores/port.js';
import type { Store } from '../store/port.js';
import { encodeHeader, parseHeader } from './ciphertext.js';
import type { DomainKeys } from './domain-keys.js';
import { storeFailure, unwrapFailure } from './failures.js';
import type { Material } from './material.js';
import type { ResolvedKey } from './resolved-key.js';
import { SecondChanceCache } from './second-chance-cache.js';

/**
 * What the wrapping of material is bound to: a row moved to another key, account, region, spec or
 * usage does not unwrap. No part holds a slash.
 */
export function materialAad(
  key: Pick<StoredKey, 'account' | 'region' | 'keyId' | 'keySpec' | 'keyUsage'>,
): Buffer {
  const { account, region, keyId, keySpec, keyUsage } = key;
  return Buffer.from(`keystrel/material/v1/${account}/${region}/${keyId}/${keySpec}/${keyUsage}`);
}

function pendingImport(key: ResolvedKey): KmsError {
  return new KmsError('KMSInvalidStateException', `${key.arn} is pending import.`);
}

/** Ours: places of materials found of late, a power of two. */
const RECENT = 64;
/** Characters of a header's text that key id and material decide. */
const OF_KEY_ID = 8;
const OF_MATERIAL = 30;

function placeOf(headerText: string): number {
  const ofKey = headerText.charCodeAt(OF_KEY_ID) + 7 * headerText.charCodeAt(OF_KEY_ID + 1);
  return (ofKey + 31 * headerText.charCodeAt(OF_MATERIAL)) & (RECENT - 1);
}

export interface MaterialsParts {
  readonly store: Store;
  readonly keyStore: KeyStore;
  readonly domainKeys: DomainKeys;
  /** Most materials that stay loaded. */
  readonly max: number;
}

export class Materials {
  readonly #parts: MaterialsParts;
  /** By header text and region: `<header>/<region>`. */
  readonly #cache: SecondChanceCache<Material>;
  readonly #byRegion = new Map<string, Map<string, Material>>();
  readonly #byKey = new Map<string, Set<Material>>();
  /** Found by their header of late, at placeOf it; those that are retired are passed over. */
  readonly #recent = new Array<Material | undefined>(RECENT).fill(undefined);
  readonly #loads = new Map<string, Promise<Material>>();
  /** Retired and idle: freed at the end of the turn unless a job has taken them up. */
  readonly #leaving: Material[] = [];

  constructor(parts: MaterialsParts) {
    this.#parts = parts;
    this.#cache = new SecondChanceCache(parts.max, (material) => this.#forget(material));
  }

  /** Materials that are loaded and may be used. */
  get size(): number {
    return this.#cache.size;
  }

  /** The key's current material. @throws KMSInvalidStateException, NotFoundException */
  current(key: ResolvedKey): Material | Promise<Material> {
    const linked = key.link.current;
    if (linked !== undefined && !linked.retired) {
      linked.used = true;
      return linked;
    }
    return this.#loadCurrent(key);
  }

  /** The loaded material with this header, of whatever account; undefined when not loaded. */
  byHeader(region: string, headerText: string): Material | undefined {
    // Comparing with the one that stood at the same place costs less than hashing a new text.
    const place = placeOf(headerText);
    const recent = this.#recent[place];
    if (
      recent !== undefined &&
      !recent.retired &&
      recent.headerText === headerText &&
      recent.region === region
    ) {
      recent.used = true;
      return recent;
    }
    const material = this.#byRegion.get(region)?.get(headerText);
    if (material === undefined) return undefined;
    material.used = true;
    this.#recent[place] = material;
    return material;
  }

  /**
   * The material that a ciphertext's header names, which must be one of the key's.
   * @throws InvalidCiphertextException
   */
  ofCiphertext(key: ResolvedKey, headerText: string): Material | Promise<Material> {
    const linked = key.link.current;
    if (linked !== undefined && !linked.retired && linked.headerText === headerText) {
      linked.used = true;
      return linked;
    }
    const { account, region, keyId } = key.record;
    const known = this.byHeader(region, headerText);
    if (known === undefined) return this.#loadNamed(key, headerText);
    if (known.keyId !== keyId || known.account !== account) {
      throw new KmsError('InvalidCiphertextException');
    }
    if (known.materialId === key.record.currentMaterialId) key.link.current = known;
    return known;
  }

  /** Ends a use that began with `uses += 1`. */
  release(material: Material): void {
    material.uses -= 1;
    if (material.retired) this.#freeIfIdle(material);
  }

  /** Retires all materials of a key, and what is being loaded of it. */
  dropKey(account: string, region: string, keyId: string): void {
    const arn = keyArn(region, account, keyId);
    for (const name of this.#loads.keys()) {
      if (name.startsWith(`${arn}/`)) this.#loads.delete(name);
    }
    for (const material of [...(this.#byKey.get(arn) ?? [])]) this.#remove(material);
  }

  clear(): void {
    this.#loads.clear();
    for (const material of [...this.#cache.values()]) this.#remove(material);
  }

  async #loadCurrent(key: ResolvedKey): Promise<Material> {
    const { currentMaterialId } = key.record;
    if (currentMaterialId === null) throw pendingImport(key);
    const text = encodeHeader(key.record.keyId, currentMaterialId).toString('base64');
    const known = this.byHeader(key.record.region, text);
    const material = known ?? (await this.#load(key, currentMaterialId));
    key.link.current = material;
    return material;
  }

  async #loadNamed(key: ResolvedKey, headerText: string): Promise<Material> {
    const header = parseHeader(headerText);
    const { account, region, keyId, currentMaterialId } = key.record;
    if (header === undefined || header.keyId !== keyId) {
      throw new KmsError('InvalidCiphertextException');
    }
    if (currentMaterialId?.startsWith(header.materialPrefix)) return this.#loadCurrent(key);
    let row: StoredMaterial | undefined;
    try {
      row = await this.#parts.store.findMaterial({ account, region }, keyId, header.materialPrefix);
    } catch (error) {
      throw storeFailure(error);
    }
    if (row === undefined) throw new KmsError('InvalidCiphertextException');
    // Read again by a load that a change of the key can overtake.
    return this.#load(key, row.materialId);
  }

  /** Loads one material once at a time. A load that was overtaken by a drop is not cached. */
  #load(key: ResolvedKey, materialId: string): Promise<Material> {
    const name = `${key.arn}/${materialId}`;
    const running = this.#loads.get(name);
    if (running !== undefined) return running;
    const load = this.#unwrap(key, materialId).then(
      (material) => {
        if (this.#loads.get(name) === load) {
          this.#loads.delete(name);
          this.#add(material);
        } else {
          material.retired = true;
          this.#freeIfIdle(material);
        }
        return material;
      },
      (error: unknown) => {
        if (this.#loads.get(name) === load) this.#loads.delete(name);
        throw error;
      },
    );
    this.#loads.set(name, load);
    return load;
  }

  async #unwrap(key: ResolvedKey, materialId: string): Promise<Material> {
    const { record } = key;
    const { account, region, keyId } = record;
    const row = await this.#row(key, materialId);
    // Imported material that was deleted or has expired since the key was found.
    if (row.wrapped.length === 0) throw pendingImport(key);
    const domain = await this.#parts.domainKeys.byId(region, row.domainKeyId);
    const handle = await this.#loadHandle(domain.handle, record, row.wrapped);
    const header = encodeHeader(keyId, materialId);
    return {
      account,
      region,
      keyId,
      materialId,
      handle,
      header,
      headerText: header.toString('base64'),
      uses: 0,
      retired: false,
      freed: false,
      used: true,
    };
  }

  async #row(key: ResolvedKey, materialId: string): Promise<StoredMaterial> {
    const { account, region, keyId } = key.record;
    let row: StoredMaterial | undefined;
    try {
      row = await this.#parts.store.getMaterial({ account, region }, keyId, materialId);
    } catch (error) {
      throw storeFailure(error);
    }
    if (row !== undefined) return row;
    // The key was deleted since it was found.
    throw new KmsError('NotFoundException', `Key '${key.arn}' does not exist`);
  }

  /** Where the key store is full, the materials used least make room once. */
  async #loadHandle(
    wrapping: KeyHandle,
    record: StoredKey,
    wrapped: Uint8Array,
  ): Promise<KeyHandle> {
    const { keyStore } = this.#parts;
    const aad = materialAad(record);
    try {
      try {
        return await keyStore.load(wrapping, record.keySpec, wrapped, aad);
      } catch (error) {
        if (!keyStore.isFull(error) || this.#cache.size === 0) throw error;
        this.#cache.shrink(Math.floor(this.#cache.size * 0.75));
        return await keyStore.load(wrapping, record.keySpec, wrapped, aad);
      }
    } catch (error) {
      throw unwrapFailure(keyStore.failure(error));
    }
  }

  #add(material: Material): void {
    const { region, headerText } = material;
    let headers = this.#byRegion.get(region);
    if (headers === undefined) {
      headers = new Map();
      this.#byRegion.set(region, headers);
    }
    headers.set(headerText, material);
    const arn = keyArn(region, material.account, material.keyId);
    const ofKey = this.#byKey.get(arn);
    if (ofKey === undefined) this.#byKey.set(arn, new Set([material]));
    else ofKey.add(material);
    this.#cache.set(`${headerText}/${region}`, material);
  }

  #remove(material: Material): void {
    this.#cache.delete(`${material.headerText}/${material.region}`);
    this.#forget(material);
  }

  #forget(material: Material): void {
    const { region, headerText } = material;
    const headers = this.#byRegion.get(region);
    if (headers?.get(headerText) === material) headers.delete(headerText);
    if (headers?.size === 0) this.#byRegion.delete(region);
    const arn = keyArn(region, material.account, material.keyId);
    const ofKey = this.#byKey.get(arn);
    ofKey?.delete(material);
    if (ofKey?.size === 0) this.#byKey.delete(arn);
    material.retired = true;
    this.#freeIfIdle(material);
  }

  /**
   * Frees after this turn: who was just given the material has then begun to use it, if at all.
   */
  #freeIfIdle(material: Material): void {
    if (material.uses > 0) return;
    if (this.#leaving.push(material) === 1) setImmediate(() => this.#sweep());
  }

  #sweep(): void {
    for (const material of this.#leaving.splice(0)) {
      if (material.uses > 0 || material.freed) continue;
      material.freed = true;
      this.#parts.keyStore.free(material.handle);
    }
  }
}
