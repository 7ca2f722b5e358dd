/** GenerateDataKeyWithoutPlaintext. AWS KMS API reference, GenerateDataKeyWithoutPlaintext. */
import { structure } from '../../protocol/schema.js';
import { auditMaterial } from '../audit-members.js';
import { cryptoDraws } from '../draws.js';
import {
  DataKeySpec,
  DryRun,
  EncryptionContext,
  GrantTokens,
  KeyId,
  NumberOfBytes,
} from '../members.js';
import { operation } from '../port.js';
import { dataKeyBytes, requireWraps } from './data-key.js';

export const generateDataKeyWithoutPlaintext = operation({
  name: 'GenerateDataKeyWithoutPlaintext',
  input: structure(
    {
      KeyId,
      EncryptionContext,
      KeySpec: DataKeySpec,
      NumberOfBytes,
      GrantTokens,
      DryRun,
    },
    { required: ['KeyId'] },
  ),
  access(input) {
    dataKeyBytes(input);
    return [
      {
        member: 'KeyId',
        id: input.KeyId,
        aliases: true,
        permission: 'kms:GenerateDataKeyWithoutPlaintext',
      },
    ];
  },
  quota: (_input, keys) => cryptoDraws(keys),
  audit: {
    readOnly: true,
    request: (input) => ({
      keyId: input.KeyId,
      keySpec: input.KeySpec,
      numberOfBytes: input.NumberOfBytes,
      encryptionContext: input.EncryptionContext,
    }),
    extra: auditMaterial,
  },
  run({ service, keys, endDryRun }, input) {
    const key = keys[0]!;
    requireWraps(service, 'GenerateDataKeyWithoutPlaintext', key);
    endDryRun(input.DryRun);
    return service
      .generateDataKey(key, dataKeyBytes(input), input.EncryptionContext)
      .then(({ plaintext, blob }) => {
        plaintext.fill(0);
        return {
          CiphertextBlob: blob,
          KeyId: key.arn,
          KeyMaterialId: key.record.currentMaterialId ?? undefined,
        };
      });
  },
});
