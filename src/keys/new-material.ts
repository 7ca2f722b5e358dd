/** Makes material of a KMS key: generated in the key store, wrapped by the region's domain key. */
import type { StoredKey, StoredMaterial } from '../core/records.js';
import type { KeyStore } from '../keystores/port.js';
import type { DomainKeys } from './domain-keys.js';
import { materialAad } from './materials.js';

export interface NewMaterialParts {
  readonly keyStore: KeyStore;
  readonly domainKeys: DomainKeys;
}

export type NewMaterialKey = Pick<
  StoredKey,
  'account' | 'region' | 'keyId' | 'keySpec' | 'keyUsage'
>;

export interface NewMaterial {
  /** As it is stored, the first of its key. */
  readonly row: StoredMaterial;
  /** DER SubjectPublicKeyInfo; null for secret keys. */
  readonly publicKey: Buffer | null;
}

/** `createdAt`: milliseconds since the epoch. Nothing is stored. @throws KmsError of the key store */
export async function newMaterial(
  { keyStore, domainKeys }: NewMaterialParts,
  key: NewMaterialKey,
  createdAt: number,
): Promise<NewMaterial> {
  const { account, region, keyId, keySpec } = key;
  const domain = await domainKeys.current(region);
  try {
    const made = await keyStore.generate(domain.handle, keySpec, keyId, materialAad(key));
    const row: StoredMaterial = {
      account,
      region,
      keyId,
      materialId: made.materialId.toString('hex'),
      domainKeyId: domain.id,
      wrapped: made.wrapped,
      createdAt,
      state: 'CURRENT',
      rotationType: null,
      rotatedAt: null,
      importState: null,
      expirationModel: null,
      validTo: null,
      description: null,
    };
    return { row, publicKey: made.publicKey ?? null };
  } catch (error) {
    throw keyStore.failure(error);
  }
}
