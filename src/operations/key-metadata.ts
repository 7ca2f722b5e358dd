/** KeyMetadata, the description of a KMS key that CreateKey and DescribeKey answer. */
import { keyArn } from '../core/ids.js';
import type { KeyUsage } from '../core/records.js';
import type { Key } from '../keys/key.js';
import type { KeySpecRow } from '../specs/key-specs.js';
import { CLASSIC_SPECS } from './members.js';

type AlgorithmLists = Readonly<Record<string, readonly string[]>>;

const ALGORITHMS: Readonly<Record<KeyUsage, (row: KeySpecRow) => AlgorithmLists>> = Object.freeze({
  ENCRYPT_DECRYPT: (row) => ({ EncryptionAlgorithms: row.encryptionAlgorithms }),
  SIGN_VERIFY: (row) => ({ SigningAlgorithms: row.signingAlgorithms }),
  GENERATE_VERIFY_MAC: (row) => ({ MacAlgorithms: row.macAlgorithms }),
  KEY_AGREEMENT: (row) => ({ KeyAgreementAlgorithms: row.keyAgreementAlgorithms }),
  ENCAPSULATE_DECAPSULATE: (row) => ({ EncapsulationAlgorithms: row.encapsulationAlgorithms }),
});

/** The one algorithm list that fits the key's usage, under its AWS name. */
export function algorithmLists(key: Key): AlgorithmLists {
  return ALGORITHMS[key.record.keyUsage](key.spec);
}

const CLASSIC: ReadonlySet<string> = new Set(CLASSIC_SPECS);

/** The deprecated twin of KeySpec, absent where its set of values does not know the spec. */
export function customerMasterKeySpec(key: Key): { readonly CustomerMasterKeySpec?: string } {
  const { keySpec } = key.record;
  return CLASSIC.has(keySpec) ? { CustomerMasterKeySpec: keySpec } : {};
}

export interface KeyMetadata {
  readonly AWSAccountId: string;
  readonly KeyId: string;
  readonly Arn: string;
  /** Seconds since the Unix epoch, with milliseconds as fraction. */
  readonly CreationDate: number;
  readonly Enabled: boolean;
  readonly Description: string;
  readonly KeyUsage: string;
  readonly KeyState: string;
  readonly DeletionDate?: number;
  readonly ValidTo?: number;
  readonly Origin: string;
  readonly ExpirationModel?: string;
  readonly KeyManager: string;
  readonly CustomerMasterKeySpec?: string;
  readonly KeySpec: string;
  readonly MultiRegion: boolean;
  readonly MultiRegionConfiguration?: object;
  readonly PendingDeletionWindowInDays?: number | null;
  readonly CurrentKeyMaterialId?: string;
}

/**
 * Builds KeyMetadata; members that do not apply to the key are absent. `related`: of a multi-Region
 * key, itself and those related to it (KeyService.relatedKeys).
 */
export function keyMetadata(key: Key, related: readonly Key[]): KeyMetadata {
  const { record } = key;
  const hasMaterialId =
    key.spec.family === 'symmetric' &&
    record.currentMaterialId !== null &&
    record.state !== 'Creating';
  const waits = record.state === 'PendingReplicaDeletion' && record.pendingWindowDays !== null;
  return {
    AWSAccountId: record.account,
    KeyId: record.keyId,
    Arn: key.arn,
    CreationDate: record.createdAt / 1000,
    Enabled: record.state === 'Enabled',
    Description: record.description,
    KeyUsage: record.keyUsage,
    KeyState: record.state,
    ...(record.deletionDate === null ? {} : { DeletionDate: record.deletionDate / 1000 }),
    ...(record.validTo === null ? {} : { ValidTo: record.validTo / 1000 }),
    Origin: record.origin,
    ...(record.expirationModel === null ? {} : { ExpirationModel: record.expirationModel }),
    KeyManager: record.keyManager,
    ...customerMasterKeySpec(key),
    KeySpec: record.keySpec,
    ...algorithmLists(key),
    MultiRegion: record.multiRegion,
    ...(record.multiRegion ? { MultiRegionConfiguration: multiRegion(key, related) } : {}),
    ...(waits ? { PendingDeletionWindowInDays: record.pendingWindowDays } : {}),
    ...(hasMaterialId ? { CurrentKeyMaterialId: record.currentMaterialId } : {}),
  };
}

function multiRegion(key: Key, related: readonly Key[]): object {
  const { record } = key;
  const primaryRegion = record.primaryRegion ?? record.region;
  const place = (region: string) => ({
    Arn: keyArn(region, record.account, record.keyId),
    Region: region,
  });
  return {
    MultiRegionKeyType: record.multiRegionRole ?? 'PRIMARY',
    PrimaryKey: place(primaryRegion),
    ReplicaKeys: related
      .map((one) => one.record.region)
      .filter((region) => region !== primaryRegion)
      .map(place),
  };
}
