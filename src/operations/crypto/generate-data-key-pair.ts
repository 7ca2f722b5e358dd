/** GenerateDataKeyPair. AWS KMS API reference, GenerateDataKeyPair. */
import { structure } from '../../protocol/schema.js';
import { auditMaterial } from '../audit-members.js';
import { refuseGrantTokens, refuseRecipient } from '../checks.js';
import {
  DataKeyPairSpec,
  DryRun,
  EncryptionContext,
  GrantTokens,
  KeyId,
  Recipient,
} from '../members.js';
import { operation } from '../port.js';
import { pairDraws, requirePairSpec, requireWraps } from './data-key.js';

export const generateDataKeyPair = operation({
  name: 'GenerateDataKeyPair',
  input: structure(
    {
      EncryptionContext,
      KeyId,
      KeyPairSpec: DataKeyPairSpec,
      GrantTokens,
      Recipient,
      DryRun,
    },
    { required: ['KeyId', 'KeyPairSpec'] },
  ),
  access(input) {
    requirePairSpec(input.KeyPairSpec);
    refuseGrantTokens(input.GrantTokens);
    refuseRecipient(input.Recipient);
    return [
      { member: 'KeyId', id: input.KeyId, aliases: true, permission: 'kms:GenerateDataKeyPair' },
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
  async run({ service, keys, endDryRun }, input) {
    const key = keys[0]!;
    requireWraps(service, 'GenerateDataKeyPair', key);
    const spec = requirePairSpec(input.KeyPairSpec);
    endDryRun(input.DryRun);
    const pair = await service.generateDataKeyPair(key, spec, input.EncryptionContext, true);
    const privateKey = pair.privateKey!;
    const text = privateKey.toString('base64');
    privateKey.fill(0);
    return {
      PrivateKeyCiphertextBlob: pair.blob,
      PrivateKeyPlaintext: text,
      PublicKey: pair.publicKey,
      KeyId: key.arn,
      KeyPairSpec: spec,
      KeyMaterialId: key.record.currentMaterialId ?? undefined,
    };
  },
});
