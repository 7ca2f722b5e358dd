/**
 * Keys that services manage (KeyManager AWS): one per service, account and region, made when it is
 * first used by its service, or looked at by DescribeKey, as AWS makes its managed keys. Until then
 * its alias is listed without a target.
 *
 * Nobody else may use it, and nobody may change it: its policy is fixed (service-policy.ts), it
 * rotates every year, and it counts towards no quota.
 */
import type { Caller } from '../auth/port.js';
import type { Clock } from '../core/clock.js';
import { newKeyId } from '../core/ids.js';
import type { StoredKey } from '../core/records.js';
import { SERVICE_ALIAS_PREFIX } from '../core/service-principals.js';
import type { KeyStore } from '../keystores/port.js';
import type { Scope, Store } from '../store/port.js';
import type { DomainKeys } from './domain-keys.js';
import { isStoreError, storeFailure } from './failures.js';
import type { Key } from './key.js';
import type { KeyCaches } from './key-caches.js';
import { type NewMaterialKey, newMaterial } from './new-material.js';
import { ResolvedKey } from './resolved-key.js';
import { isServiceItself, serviceKeyDescription, serviceKeyPolicy } from './service-policy.js';

const DAY_MS = 86_400_000;
/** AWS managed keys rotate once a year. */
const ROTATION_DAYS = 365;

export interface ServiceKeysParts {
  readonly store: Store;
  readonly keyStore: KeyStore;
  readonly domainKeys: DomainKeys;
  readonly clock: Clock;
  readonly caches: KeyCaches;
  /** Names of services, e.g. 's3'. */
  readonly services: readonly string[];
  /** Told of each key that was made, before it is used. */
  readonly onMade: ((key: Key) => void | Promise<void>) | undefined;
}

export class ServiceKeys {
  /** The services' aliases, ordered. */
  readonly aliases: readonly string[];
  readonly #parts: ServiceKeysParts;
  readonly #names: ReadonlySet<string>;
  /** By scope and alias: keys that are being made. */
  readonly #making = new Map<string, Promise<void>>();

  constructor(parts: ServiceKeysParts) {
    this.#parts = parts;
    this.#names = new Set(parts.services.map((service) => SERVICE_ALIAS_PREFIX + service));
    this.aliases = Object.freeze([...this.#names].sort());
  }

  /** True when the request makes the key, should it not be there. */
  isFirstUse(caller: Caller, alias: string, permission: string): boolean {
    if (!this.#names.has(alias)) return false;
    return (
      permission === 'kms:DescribeKey' || isServiceItself(caller, alias.slice('alias/'.length))
    );
  }

  /** Makes the key of an alias, unless it is there. @throws KMSInternalException */
  async make({ account, region }: Scope, alias: string): Promise<void> {
    const name = `${account}/${region}/${alias}`;
    let making = this.#making.get(name);
    if (making === undefined) {
      making = this.#make({ account, region }, alias).finally(() => this.#making.delete(name));
      this.#making.set(name, making);
    }
    await making;
  }

  async #make(scope: Scope, alias: string): Promise<void> {
    const { store, clock, caches, onMade } = this.#parts;
    const named: NewMaterialKey = {
      ...scope,
      keyId: newKeyId(false),
      keySpec: 'SYMMETRIC_DEFAULT',
      keyUsage: 'ENCRYPT_DECRYPT',
    };
    const now = clock.now();
    const { row: first } = await newMaterial(this.#parts, named, now);
    const record = serviceKeyRecord(named, alias, first.materialId, now);
    const { keyId: targetKeyId } = named;
    const own = { ...scope, name: alias, targetKeyId, createdAt: now, updatedAt: now };
    try {
      await store.insertKey(record, first, [], own);
    } catch (error) {
      // Another process was faster: its key is the one.
      if (isStoreError(error, 'CONFLICT')) return;
      throw storeFailure(error);
    } finally {
      caches.dropKey(scope, record.keyId);
      caches.dropAlias(scope, alias);
    }
    await onMade?.(ResolvedKey.of(record));
  }
}

function serviceKeyRecord(
  named: NewMaterialKey,
  alias: string,
  currentMaterialId: string,
  createdAt: number,
): StoredKey {
  const { account, region } = named;
  const service = alias.slice(SERVICE_ALIAS_PREFIX.length);
  return {
    ...named,
    version: 1,
    origin: 'AWS_KMS',
    keyManager: 'AWS',
    state: 'Enabled',
    description: serviceKeyDescription(service),
    multiRegion: false,
    createdAt,
    deletionDate: null,
    pendingWindowDays: null,
    currentMaterialId,
    publicKey: null,
    policy: serviceKeyPolicy(service, account, region),
    rotationPeriodDays: ROTATION_DAYS,
    nextRotationAt: createdAt + ROTATION_DAYS * DAY_MS,
    expirationModel: null,
    validTo: null,
    multiRegionRole: null,
    primaryRegion: null,
    service: `aws/${service}`,
  };
}
