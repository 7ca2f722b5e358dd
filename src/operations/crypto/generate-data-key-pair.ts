/** GenerateDataKeyPair. AWS KMS API reference, GenerateDataKeyPair. */
import { Base64Text } from '../../core/blob.js';
import { structure } from '../../protocol/schema.js';
import { auditMaterial } from '../audit-members.js';
import { requireDocument } from '../checks.js';
import {
  DataKeyPairSpec,
  DryRun,
  EncryptionContext,
  GrantTokens,
  KeyId,
  Recipient,
} from '../members.js';
import { operation } from '../port.js';
import { envelopeOf } from './attested.js';
import { pairDraws, requirePairSpec, requirePairSpecIn, requireWraps } from './data-key.js';

interface GenerateDataKeyPairOutput {
  readonly PrivateKeyCiphertextBlob: Buffer;
  readonly PrivateKeyPlaintext?: Base64Text;
  readonly CiphertextForRecipient?: Buffer;
  readonly PublicKey: Buffer;
  readonly KeyId: string;
  readonly KeyPairSpec: string;
  readonly KeyMaterialId: string | undefined;
}

export const generateDataKeyPair = operation({
  name: 'GenerateDataKeyPair',
  attested: true,
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
    requireDocument(input.Recipient);
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
  async run(
    { service, caller, keys, recipient, endDryRun },
    input,
  ): Promise<GenerateDataKeyPairOutput> {
    const key = keys[0]!;
    requireWraps(service, 'GenerateDataKeyPair', key);
    const spec = requirePairSpec(input.KeyPairSpec);
    requirePairSpecIn(spec, caller.region);
    endDryRun(input.DryRun);
    const pair = await service.generateDataKeyPair(key, spec, input.EncryptionContext, true);
    const privateKey = pair.privateKey!;
    const facts = {
      PublicKey: pair.publicKey,
      KeyId: key.arn,
      KeyPairSpec: spec,
      KeyMaterialId: key.record.currentMaterialId ?? undefined,
    };
    const PrivateKeyCiphertextBlob = pair.blob;
    if (recipient !== undefined) {
      const CiphertextForRecipient = envelopeOf(privateKey, recipient);
      return { PrivateKeyCiphertextBlob, CiphertextForRecipient, ...facts };
    }
    const PrivateKeyPlaintext = new Base64Text(privateKey);
    privateKey.fill(0);
    return { PrivateKeyCiphertextBlob, PrivateKeyPlaintext, ...facts };
  },
});
