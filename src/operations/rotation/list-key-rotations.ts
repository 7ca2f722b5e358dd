/**
 * ListKeyRotations. AWS KMS API reference, ListKeyRotations: 100 unless Limit says otherwise, at
 * most 1000, oldest first as in the samples there. Keys that are not symmetric have no rotations.
 */
import type { StoredMaterial } from '../../core/records.js';
import { kmsEnum, structure } from '../../protocol/schema.js';
import { ownDraws } from '../draws.js';
import { KeyId, Limit, Marker } from '../members.js';
import { pageLimit, pageMembers } from '../paging.js';
import { operation } from '../port.js';

const PAGE = { fallback: 100, max: 1000 };

/** What only imported material has. */
function importedMembers(material: StoredMaterial) {
  if (material.importState === null) return {};
  return {
    KeyMaterialDescription: material.description ?? undefined,
    ImportState: material.importState,
    ExpirationModel: material.expirationModel ?? undefined,
    ValidTo: seconds(material.validTo),
  };
}

function seconds(milliseconds: number | null): number | undefined {
  return milliseconds === null ? undefined : milliseconds / 1000;
}

export const listKeyRotations = operation({
  name: 'ListKeyRotations',
  input: structure(
    {
      KeyId,
      IncludeKeyMaterial: kmsEnum(['ALL_KEY_MATERIAL', 'ROTATIONS_ONLY']),
      Limit,
      Marker,
    },
    { required: ['KeyId'] },
  ),
  access: (input) => [
    { member: 'KeyId', id: input.KeyId, aliases: false, permission: 'kms:ListKeyRotations' },
  ],
  quota: ownDraws('ListKeyRotations'),
  audit: {
    readOnly: true,
    request: (input) => ({
      keyId: input.KeyId,
      includeKeyMaterial: input.IncludeKeyMaterial,
      limit: input.Limit,
      marker: input.Marker,
    }),
  },
  async run({ service, keys }, input) {
    const key = keys[0]!;
    service.requireState('ListKeyRotations', key);
    const list = input.IncludeKeyMaterial === 'ALL_KEY_MATERIAL' ? 'all' : 'rotated';
    const limit = pageLimit(input.Limit, PAGE);
    const page = await service.listRotations(key, list, limit, input.Marker);
    return {
      Rotations: page.items.map((material) => ({
        KeyId: material.keyId,
        KeyMaterialId: material.materialId,
        ...importedMembers(material),
        KeyMaterialState: material.state,
        RotationDate: seconds(material.rotatedAt),
        RotationType: material.rotationType ?? undefined,
      })),
      ...pageMembers(page),
    };
  },
});
