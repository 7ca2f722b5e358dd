/**
 * DeleteImportedKeyMaterial. AWS KMS API reference: the current material unless one is named; no
 * error where it is gone already. Only symmetric encryption keys can have several.
 */
import { KmsError } from '../../core/errors.js';
import { structure } from '../../protocol/schema.js';
import { ownDraws } from '../draws.js';
import { KeyId, KeyMaterialId } from '../members.js';
import { operation } from '../port.js';

interface DeleteImportedKeyMaterialOutput {
  readonly KeyId: string;
  readonly KeyMaterialId?: string;
}

export const deleteImportedKeyMaterial = operation({
  name: 'DeleteImportedKeyMaterial',
  input: structure({ KeyId, KeyMaterialId }, { required: ['KeyId'] }),
  access: (input) => [
    {
      member: 'KeyId',
      id: input.KeyId,
      aliases: false,
      permission: 'kms:DeleteImportedKeyMaterial',
    },
  ],
  quota: ownDraws('DeleteImportedKeyMaterial'),
  audit: {
    readOnly: false,
    request: (input) => ({ keyId: input.KeyId, keyMaterialId: input.KeyMaterialId }),
    response: (_input, output: DeleteImportedKeyMaterialOutput) => ({
      keyId: output.KeyId,
      keyMaterialId: output.KeyMaterialId,
    }),
  },
  async run({ service, keys }, input): Promise<DeleteImportedKeyMaterialOutput> {
    const key = keys[0]!;
    service.requireState('DeleteImportedKeyMaterial', key);
    const named = key.spec.family === 'symmetric';
    if (!named && input.KeyMaterialId !== undefined) {
      throw new KmsError(
        'UnsupportedOperationException',
        'The KeyMaterialId parameter is supported for symmetric encryption keys only.',
      );
    }
    const deleted = await service.deleteImportedMaterial(key, input.KeyMaterialId);
    const shown = named && deleted !== undefined;
    return { KeyId: key.arn, ...(shown ? { KeyMaterialId: deleted } : {}) };
  },
});
