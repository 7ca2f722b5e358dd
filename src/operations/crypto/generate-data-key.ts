/** GenerateDataKey. AWS KMS API reference, GenerateDataKey. */
import { Base64Text } from '../../core/blob.js';
import { structure } from '../../protocol/schema.js';
import { auditMaterial } from '../audit-members.js';
import { requireDocument } from '../checks.js';
import { cryptoDraws } from '../draws.js';
import {
  DataKeySpec,
  DryRun,
  EncryptionContext,
  GrantTokens,
  KeyId,
  NumberOfBytes,
  Recipient,
} from '../members.js';
import { operation } from '../port.js';
import { envelopeOf } from './attested.js';
import { dataKeyBytes, requireWraps } from './data-key.js';

interface GenerateDataKeyOutput {
  readonly CiphertextBlob: Buffer;
  readonly Plaintext?: Base64Text;
  readonly CiphertextForRecipient?: Buffer;
  readonly KeyId: string;
  /** An attested answer does not show it. */
  readonly KeyMaterialId?: string | undefined;
}

export const generateDataKey = operation({
  name: 'GenerateDataKey',
  attested: true,
  input: structure(
    {
      KeyId,
      EncryptionContext,
      NumberOfBytes,
      KeySpec: DataKeySpec,
      GrantTokens,
      Recipient,
      DryRun,
    },
    { required: ['KeyId'] },
  ),
  access(input) {
    dataKeyBytes(input);
    requireDocument(input.Recipient);
    return [{ member: 'KeyId', id: input.KeyId, aliases: true, permission: 'kms:GenerateDataKey' }];
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
  run({ service, keys, recipient, endDryRun }, input): Promise<GenerateDataKeyOutput> {
    const key = keys[0]!;
    requireWraps(service, 'GenerateDataKey', key);
    endDryRun(input.DryRun);
    return service
      .generateDataKey(key, dataKeyBytes(input), input.EncryptionContext)
      .then(({ plaintext, blob }) => {
        if (recipient !== undefined) {
          return {
            CiphertextBlob: blob,
            CiphertextForRecipient: envelopeOf(plaintext, recipient),
            KeyId: key.arn,
          };
        }
        const text = new Base64Text(plaintext);
        plaintext.fill(0);
        return {
          CiphertextBlob: blob,
          Plaintext: text,
          KeyId: key.arn,
          KeyMaterialId: key.record.currentMaterialId ?? undefined,
        };
      });
  },
});
