/** Puts the parts of the key domain together behind the interface that operations call. */
import type { Clock } from '../core/clock.js';
import {
  GRANT_CACHE_MAX,
  KEY_CACHE_MAX,
  RESOURCE_QUOTAS,
  type ResourceQuotas,
} from '../core/limits.js';
import type { KeyStore } from '../keystores/port.js';
import type { Store } from '../store/port.js';
import { Aliases } from './aliases.js';
import { Cryptography } from './cryptography.js';
import { DeploymentMac } from './deployment-mac.js';
import type { DomainKeys } from './domain-keys.js';
import { GrantCache } from './grant-cache.js';
import { requireGrantFits } from './grant-operations.js';
import { GrantTokens } from './grant-tokens.js';
import { Grants } from './grants.js';
import { ImportedMaterial } from './imported-material.js';
import type { Key } from './key.js';
import { KeyCaches } from './key-caches.js';
import { KeyChanges } from './key-changes.js';
import { KeyDirectory } from './key-directory.js';
import { KeyReader } from './key-reader.js';
import { LastUsage } from './last-usage.js';
import { Management } from './management.js';
import { Markers } from './markers.js';
import { Materials } from './materials.js';
import { Policies } from './policies.js';
import { RelatedKeys } from './related-keys.js';
import { Resolution } from './resolution.js';
import { type MadeRotation, Rotation } from './rotation.js';
import { rotationStatus } from './rotation-rules.js';
import type { KeyService } from './service.js';
import { ServiceKeys } from './service-keys.js';
import { requireState, requireUsage } from './states.js';
import { Tags } from './tags.js';

export interface KeyServiceParts {
  /** Open already. */
  readonly store: Store;
  readonly keyStore: KeyStore;
  readonly domainKeys: DomainKeys;
  readonly clock: Clock;
  /** Keys that stay cached, and materials that stay loaded; KEY_CACHE_MAX unless said. */
  readonly cacheMax?: number;
  /** Grants that stay cached; GRANT_CACHE_MAX unless said. */
  readonly grantCacheMax?: number;
  /** RESOURCE_QUOTAS unless said. */
  readonly quotas?: Partial<ResourceQuotas>;
  /** False where key policies may name anyone; see PoliciesParts. */
  readonly principalsKnown?: boolean;
  /** Services that have keys of their own, e.g. 's3'; none unless said. */
  readonly services?: readonly string[];
  /** Told of each key that was made for a service. */
  readonly onServiceKeyMade?: (key: Key) => void | Promise<void>;
  /** Regions that are served; every one when absent. */
  readonly regions?: readonly string[] | undefined;
  /** Told of each key that was really deleted. */
  readonly onDeleted?: (key: Key) => void | Promise<void>;
  /** Told of each rotation that was made, automatic or on demand. */
  readonly onRotated?: (rotation: MadeRotation) => void | Promise<void>;
  /** Told of each imported material that has expired. */
  readonly onMaterialExpired?: (key: Key, materialId: string) => void | Promise<void>;
}

export interface RunningKeyService extends KeyService {
  /** Keys and aliases cached, materials loaded, weight of grants cached; for metrics and tests. */
  cached(): { readonly keys: number; readonly materials: number; readonly grants: number };
  /** Stops following the store and frees all handles; no request may be in flight. */
  close(): void;
}

/** What all parts stand on: caches, markers, tokens. */
function makeGround(parts: KeyServiceParts) {
  const { store, keyStore, domainKeys, clock } = parts;
  const quotas: ResourceQuotas = { ...RESOURCE_QUOTAS, ...parts.quotas };
  const max = parts.cacheMax ?? KEY_CACHE_MAX;
  const directory = new KeyDirectory(max);
  const reader = new KeyReader(store, directory);
  const materials = new Materials({ store, keyStore, domainKeys, max });
  const grantCache = new GrantCache(store, parts.grantCacheMax ?? GRANT_CACHE_MAX);
  const caches = new KeyCaches(directory, reader, materials, grantCache);
  const changes = new KeyChanges(store, caches);
  const markerMac = new DeploymentMac({ store, keyStore, domainKeys }, 'marker-key');
  const markers = new Markers(markerMac);
  const grantMac = new DeploymentMac({ store, keyStore, domainKeys }, 'grant-token-key');
  const tokens = new GrantTokens(grantMac);
  const serviceKeys = new ServiceKeys({
    store,
    keyStore,
    domainKeys,
    clock,
    caches,
    services: parts.services ?? [],
    onMade: parts.onServiceKeyMade,
  });
  return {
    caches,
    changes,
    directory,
    grantCache,
    grantMac,
    markerMac,
    markers,
    materials,
    quotas,
    reader,
    serviceKeys,
    tokens,
  };
}

/** What changes keys and their material. */
function makeChanging(parts: KeyServiceParts, ground: ReturnType<typeof makeGround>) {
  const { store, keyStore, domainKeys, clock } = parts;
  const { caches, changes, markers, quotas } = ground;
  const related = new RelatedKeys({
    store,
    keyStore,
    domainKeys,
    clock,
    caches,
    changes,
    quotas,
    regions: parts.regions === undefined ? undefined : new Set(parts.regions),
  });
  const rotation = new Rotation({
    related,
    store,
    keyStore,
    domainKeys,
    clock,
    changes,
    markers,
    quotas,
    onRotated: parts.onRotated,
  });
  const management = new Management({
    store,
    keyStore,
    domainKeys,
    clock,
    caches,
    changes,
    markers,
    rotation,
    quotas,
    onDeleted: parts.onDeleted,
  });
  const imported = new ImportedMaterial({
    store,
    keyStore,
    domainKeys,
    clock,
    changes,
    onExpired: parts.onMaterialExpired,
  });
  return { imported, management, related, rotation };
}

function makeParts(parts: KeyServiceParts) {
  const { store, keyStore, clock } = parts;
  const ground = makeGround(parts);
  const { caches, changes, markers, materials, quotas, serviceKeys, tokens } = ground;
  const resolution = new Resolution(
    ground.directory,
    ground.reader,
    materials,
    tokens,
    serviceKeys,
  );
  const cryptography = new Cryptography(keyStore, materials);
  const predefined = serviceKeys.aliases;
  const aliases = new Aliases({ store, clock, caches, markers, quotas, predefined });
  const policies = new Policies({
    store,
    changes,
    principalsKnown: parts.principalsKnown ?? true,
  });
  const lastUsage = new LastUsage(store);
  const tags = new Tags({ store, caches, markers, quotas });
  const grants = new Grants({ store, clock, caches, markers, tokens, quotas });
  return {
    ...ground,
    ...makeChanging(parts, ground),
    aliases,
    cryptography,
    grants,
    lastUsage,
    policies,
    resolution,
    tags,
  };
}

type Parts = ReturnType<typeof makeParts>;

function cryptographyOf({ resolution, cryptography }: Parts) {
  return {
    resolve: (caller, lookup) => resolution.resolve(caller, lookup),
    requireState,
    requireUsage,

    encrypt: (key, plaintext, context) => cryptography.encrypt(key, plaintext, context),
    decrypt: (key, blob, context) => cryptography.decrypt(key, blob, context),
    generateDataKey: (key, bytes, context) => cryptography.generateDataKey(key, bytes, context),
    generateDataKeyPair: (key, pairSpec, context, withPlaintext) =>
      cryptography.generateDataKeyPair(key, pairSpec, context, withPlaintext),
    encryptAsymmetric: (key, algorithm, plaintext) =>
      cryptography.encryptAsymmetric(key, algorithm, plaintext),
    decryptAsymmetric: (key, algorithm, ciphertext) =>
      cryptography.decryptAsymmetric(key, algorithm, ciphertext),
    sign: (key, algorithm, message, messageType) =>
      cryptography.sign(key, algorithm, message, messageType),
    verify: (key, algorithm, message, messageType, signature) =>
      cryptography.verify(key, algorithm, message, messageType, signature),
    mac: (key, message) => cryptography.mac(key, message),
    verifyMac: (key, message, mac) => cryptography.verifyMac(key, message, mac),
    deriveSharedSecret: (key, peerSpki) => cryptography.deriveSharedSecret(key, peerSpki),
    encapsulate: (key, algorithm) => cryptography.encapsulate(key, algorithm),
    decapsulate: (key, algorithm, ciphertext) =>
      cryptography.decapsulate(key, algorithm, ciphertext),
    random: (bytes) => cryptography.random(bytes),
  } satisfies Partial<KeyService>;
}

function managementOf({ management, rotation, imported, lastUsage, related }: Parts) {
  return {
    createKey: (caller, request) => management.createKey(caller, request),
    updateDescription: (key, description) => management.updateDescription(key, description),
    enable: (key) => management.enable(key),
    disable: (key) => management.disable(key),
    scheduleDeletion: (key, windowDays) => management.scheduleDeletion(key, windowDays),
    cancelDeletion: (key) => management.cancelDeletion(key),
    listKeys: (caller, limit, marker) => management.listKeys(caller, limit, marker),
    dueWork: Object.freeze([
      { name: 'deletion of keys', run: (now) => management.deleteDueKeys(now) },
      { name: 'rotation of keys', run: (now) => rotation.rotateDueKeys(now) },
      imported.expiry,
      // Writing what happened is no thing that came due.
      { name: 'last uses of keys', run: () => lastUsage.flush().then(() => 0) },
    ]),

    enableKeyRotation: (key, periodDays) => rotation.enableAutomatic(key, periodDays),
    disableKeyRotation: (key) => rotation.disableAutomatic(key),
    rotationStatus,
    rotateOnDemand: (key) => rotation.rotateOnDemand(key),
    listRotations: (key, list, limit, marker) => rotation.listRotations(key, list, limit, marker),
    importParameters: (key, algorithm, wrappingKey) =>
      imported.parameters(key, algorithm, wrappingKey),
    importMaterial: (key, request) => imported.import(key, request),
    deleteImportedMaterial: (key, materialId) => imported.delete(key, materialId),
    relatedKeys: (key) => related.list(key),
    replicateKey: (key, request) => related.replicate(key, request),
    updatePrimaryRegion: (key, region) => related.updatePrimaryRegion(key, region),
  } satisfies Partial<KeyService>;
}

function belongingsOf(parts: Parts) {
  const { aliases, quotas, policies, lastUsage, tags, grants, grantCache, tokens } = parts;
  return {
    createAlias: (caller, name, target) => aliases.create(caller, name, target),
    aliasTarget: (caller, name) => aliases.target(caller, name),
    updateAlias: (caller, name, target) => aliases.update(caller, name, target),
    deleteAlias: (caller, name) => aliases.delete(caller, name),
    listAliases: (caller, target, limit, marker) => aliases.list(caller, target, limit, marker),

    quotas,
    putPolicy: (key, policy) => policies.put(key, policy),
    principalExists: (arn) => policies.principalExists(arn),

    noteUse: (key, operation, usedAt, requestId, eventId) =>
      lastUsage.note(key, operation, usedAt, requestId, eventId),
    lastUsage: (key) => lastUsage.of(key),
    flushUses: () => lastUsage.flush(),

    putTags: (key, list) => tags.put(key, list),
    removeTags: (key, tagKeys) => tags.remove(key, tagKeys),
    listTags: (key, limit, marker) => tags.list(key, limit, marker),

    createGrant: (caller, key, request) => grants.create(caller, key, request),
    requireGrantRoom: (caller, key, request) => grants.requireRoom(caller, key, request),
    requireGrantFits,
    getGrant: (key, grantId) => grants.get(key, grantId),
    retirableGrant: (caller, key, grantId) => grants.getRetirable(caller, key, grantId),
    deleteGrant: (key, grant) => grants.delete(key, grant),
    listGrants: (key, grantee, limit, marker) => grants.list(key, grantee, limit, marker),
    listRetirableGrants: (caller, retiring, ownKeysOnly, limit, marker) =>
      grants.listRetirable(caller, retiring, ownKeysOnly, limit, marker),
    grantsOf: (key, grantee) => grantCache.find(key, grantee),
    readGrantTokens: (caller, list) =>
      Promise.all(list.map((token) => tokens.read(token, caller.region))),
  } satisfies Partial<KeyService>;
}

export function createKeyService(parts: KeyServiceParts): RunningKeyService {
  const made = makeParts(parts);
  const { caches, directory, grantCache, grantMac, markerMac, materials } = made;
  const unsubscribe = parts.store.onChange(caches.onChange);
  return Object.freeze<RunningKeyService>({
    ...cryptographyOf(made),
    ...managementOf(made),
    ...belongingsOf(made),
    cached: () => ({ keys: directory.size, materials: materials.size, grants: grantCache.size }),
    close: () => {
      unsubscribe();
      caches.clear();
      markerMac.close();
      grantMac.close();
    },
  });
}
