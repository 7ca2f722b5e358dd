/** Rows of the tables to records and back. Values of a closed set are trusted: only we write them. */
import type { Selectable } from 'kysely';
import type {
  KeyOrigin,
  KeySpec,
  KeyState,
  KeyUsage,
  StoredAccessKey,
  StoredAlias,
  StoredDomainKey,
  StoredKey,
  StoredKeyUse,
  StoredMaterial,
  StoredPrincipal,
  Tag,
} from '../core/records.js';
import type { Change, KeyPatch, Scope } from './port.js';
import type {
  AccessKeyTable,
  AliasTable,
  ChangeTable,
  DomainKeyTable,
  KeyTable,
  KeyUseTable,
  MaterialTable,
  PrincipalTable,
  TagTable,
} from './schema.js';

export function keyOfRow(row: KeyTable): StoredKey {
  return {
    account: row.account,
    region: row.region,
    keyId: row.key_id,
    version: row.version,
    keySpec: row.key_spec as KeySpec,
    keyUsage: row.key_usage as KeyUsage,
    origin: row.origin as KeyOrigin,
    keyManager: row.key_manager as StoredKey['keyManager'],
    state: row.state as KeyState,
    description: row.description,
    multiRegion: row.multi_region === 1,
    createdAt: row.created_at,
    deletionDate: row.deletion_date,
    pendingWindowDays: row.pending_window_days,
    currentMaterialId: row.current_material_id,
    publicKey: row.public_key,
    policy: row.policy,
    rotationPeriodDays: row.rotation_period_days,
    nextRotationAt: row.next_rotation_at,
    expirationModel: row.expiration_model as StoredKey['expirationModel'],
    validTo: row.valid_to,
    multiRegionRole: row.multi_region_role as StoredKey['multiRegionRole'],
    primaryRegion: row.primary_region,
    service: row.service,
  };
}

export function rowOfKey(key: StoredKey): KeyTable {
  return {
    account: key.account,
    region: key.region,
    key_id: key.keyId,
    version: key.version,
    key_spec: key.keySpec,
    key_usage: key.keyUsage,
    origin: key.origin,
    key_manager: key.keyManager,
    state: key.state,
    description: key.description,
    multi_region: key.multiRegion ? 1 : 0,
    created_at: key.createdAt,
    deletion_date: key.deletionDate,
    pending_window_days: key.pendingWindowDays,
    current_material_id: key.currentMaterialId,
    public_key: key.publicKey,
    policy: key.policy,
    rotation_period_days: key.rotationPeriodDays,
    next_rotation_at: key.nextRotationAt,
    expiration_model: key.expirationModel,
    valid_to: key.validTo,
    multi_region_role: key.multiRegionRole,
    primary_region: key.primaryRegion,
    service: key.service,
  };
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Only what the patch names: an absent member leaves its column alone. */
export function rowOfPatch(patch: KeyPatch): Partial<KeyTable> {
  const row: Mutable<Partial<KeyTable>> = {};
  if (patch.state !== undefined) row.state = patch.state;
  if (patch.description !== undefined) row.description = patch.description;
  if (patch.deletionDate !== undefined) row.deletion_date = patch.deletionDate;
  if (patch.pendingWindowDays !== undefined) row.pending_window_days = patch.pendingWindowDays;
  if (patch.currentMaterialId !== undefined) row.current_material_id = patch.currentMaterialId;
  if (patch.policy !== undefined) row.policy = patch.policy;
  if (patch.publicKey !== undefined) row.public_key = patch.publicKey;
  if (patch.rotationPeriodDays !== undefined) row.rotation_period_days = patch.rotationPeriodDays;
  if (patch.nextRotationAt !== undefined) row.next_rotation_at = patch.nextRotationAt;
  if (patch.expirationModel !== undefined) row.expiration_model = patch.expirationModel;
  if (patch.validTo !== undefined) row.valid_to = patch.validTo;
  if (patch.multiRegionRole !== undefined) row.multi_region_role = patch.multiRegionRole;
  if (patch.primaryRegion !== undefined) row.primary_region = patch.primaryRegion;
  return row;
}

export function materialOfRow(row: MaterialTable): StoredMaterial {
  return {
    account: row.account,
    region: row.region,
    keyId: row.key_id,
    materialId: row.material_id,
    domainKeyId: row.domain_key_id,
    wrapped: row.wrapped,
    createdAt: row.created_at,
    state: row.state as StoredMaterial['state'],
    rotationType: row.rotation_type as StoredMaterial['rotationType'],
    rotatedAt: row.rotated_at,
    importState: row.import_state as StoredMaterial['importState'],
    expirationModel: row.expiration_model as StoredMaterial['expirationModel'],
    validTo: row.valid_to,
    description: row.description,
  };
}

export function rowOfMaterial(material: StoredMaterial): MaterialTable {
  return {
    account: material.account,
    region: material.region,
    key_id: material.keyId,
    material_id: material.materialId,
    domain_key_id: material.domainKeyId,
    wrapped: material.wrapped,
    created_at: material.createdAt,
    state: material.state,
    rotation_type: material.rotationType,
    rotated_at: material.rotatedAt,
    import_state: material.importState,
    expiration_model: material.expirationModel,
    valid_to: material.validTo,
    description: material.description,
  };
}

export function aliasOfRow(row: AliasTable): StoredAlias {
  return {
    account: row.account,
    region: row.region,
    name: row.name,
    targetKeyId: row.target_key_id,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

export function rowOfAlias(alias: StoredAlias): AliasTable {
  return {
    account: alias.account,
    region: alias.region,
    name: alias.name,
    target_key_id: alias.targetKeyId,
    created_at: alias.createdAt,
    updated_at: alias.updatedAt,
  };
}

export function tagOfRow(row: TagTable): Tag {
  return { key: row.tag_key, value: row.tag_value };
}

export function rowOfTag(scope: Scope, keyId: string, tag: Tag): TagTable {
  const { account, region } = scope;
  return { account, region, key_id: keyId, tag_key: tag.key, tag_value: tag.value };
}

export function keyUseOfRow(row: KeyUseTable): StoredKeyUse {
  return {
    account: row.account,
    region: row.region,
    keyId: row.key_id,
    operation: row.operation,
    usedAt: row.used_at,
    requestId: row.request_id,
    eventId: row.event_id,
  };
}

export function rowOfKeyUse(use: StoredKeyUse): KeyUseTable {
  return {
    account: use.account,
    region: use.region,
    key_id: use.keyId,
    operation: use.operation,
    used_at: use.usedAt,
    request_id: use.requestId,
    event_id: use.eventId,
  };
}

export function domainKeyOfRow(row: Selectable<DomainKeyTable>): StoredDomainKey {
  return { id: row.id, region: row.region, wrapped: row.wrapped, createdAt: row.created_at };
}

export function principalOfRow(row: PrincipalTable): StoredPrincipal {
  return {
    arn: row.arn,
    account: row.account,
    kind: row.kind as StoredPrincipal['kind'],
    name: row.name,
    createdAt: row.created_at,
  };
}

export function rowOfPrincipal(principal: StoredPrincipal): PrincipalTable {
  return {
    arn: principal.arn,
    account: principal.account,
    kind: principal.kind,
    name: principal.name,
    created_at: principal.createdAt,
  };
}

export function accessKeyOfRow(row: AccessKeyTable): StoredAccessKey {
  return {
    accessKeyId: row.access_key_id,
    principalArn: row.principal_arn,
    domainKeyId: row.domain_key_id,
    wrappedSecret: row.wrapped_secret,
    active: row.active === 1,
    createdAt: row.created_at,
    sessionTokenSha256: row.session_token_sha256,
    expiresAt: row.expires_at,
  };
}

export function rowOfAccessKey(key: StoredAccessKey): AccessKeyTable {
  return {
    access_key_id: key.accessKeyId,
    principal_arn: key.principalArn,
    domain_key_id: key.domainKeyId,
    wrapped_secret: key.wrappedSecret,
    active: key.active ? 1 : 0,
    created_at: key.createdAt,
    session_token_sha256: key.sessionTokenSha256,
    expires_at: key.expiresAt,
  };
}

export function changeOfRow(row: Selectable<ChangeTable>): Change {
  return {
    sequence: row.sequence,
    kind: row.kind as Change['kind'],
    account: row.account,
    region: row.region,
    id: row.id,
  };
}
