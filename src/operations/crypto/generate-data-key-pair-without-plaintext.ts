/** GenerateDataKeyPairWithoutPlaintext. AWS KMS API reference, GenerateDataKeyPairWithoutPlaintext. */
import { structure } from '../../protocol/schema.js';
import { auditMaterial } from '../audit-members.js';
import { DataKeyPairSpec, DryRun, EncryptionContext, GrantTokens, KeyId } from '../members.js';
import { operation } from '../port.js';
import { pairDraws, requirePairSpec, requirePairSpecIn, requireWraps } from './data-key.js';

export const generateDataKeyPairWithoutPlaintext = operation({
  name: 'GenerateDataKeyPairWithoutPlaintext',
  input: structure(
    {
      EncryptionContext,
      KeyId,
      KeyPairSpec: DataKeyPairSpec,
      GrantTokens,
      DryRun,
    },
    { required: ['KeyId', 'KeyPairSpec'] },
  ),
  access(input) {
    requirePairSpec(input.KeyPairSpec);
    return [
      {
        member: 'KeyId',
        id: input.KeyId,
        aliases: true,
        permission: 'kms:GenerateDataKeyPairWithoutPlaintext',
      },
    ];
  },
  quota: pairDraws,
  audit: {
    readOnly: true,
    request: (input) => ({
      keyId: input.KeyId,
      keyPairSpec: input.KeyPairSpec,
      encryptionContext: input.EncryptionContext,
    }),
    extra: auditMaterial,
  },
  async run({ service, caller, keys, endDryRun }, input) {
    const key = keys[0]!;
    requireWraps(service, 'GenerateDataKeyPairWithoutPlaintext', key);
    const spec = requirePairSpec(input.KeyPairSpec);
    requirePairSpecIn(spec, caller.region);
    endDryRun(input.DryRun);
    const pair = await service.generateDataKeyPair(key, spec, input.EncryptionContext, false);
    return {
      PrivateKeyCiphertextBlob: pair.blob,
      PublicKey: pair.publicKey,
      KeyId: key.arn,
      KeyPairSpec: spec,
      KeyMaterialId: key.record.currentMaterialId ?? undefined,
    };
  },
});
