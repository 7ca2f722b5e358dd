/** Decrypt. AWS KMS API reference, Decrypt. */
import { Base64Text } from '../../core/blob.js';
import { structure } from '../../protocol/schema.js';
import { requireDocument } from '../checks.js';
import { cryptoDraws } from '../draws.js';
import {
  CiphertextBlob,
  DryRun,
  DryRunModifiers,
  EncryptionAlgorithm,
  EncryptionContext,
  GrantTokens,
  KeyId,
  Recipient,
  SYMMETRIC_DEFAULT,
} from '../members.js';
import { operation } from '../port.js';
import { envelopeOf } from './attested.js';
import {
  ignoresCiphertext,
  openCiphertext,
  requireOpens,
  sourceReference,
} from './ciphertext-source.js';

/** Of an attested answer, which does not show it, for the audit; no symbol gets on the wire. */
const MATERIAL = Symbol('KeyMaterialId');

interface DecryptOutput {
  readonly KeyId: string;
  readonly Plaintext?: Base64Text;
  readonly CiphertextForRecipient?: Buffer;
  readonly EncryptionAlgorithm: string;
  readonly KeyMaterialId?: string | undefined;
  readonly [MATERIAL]?: string | undefined;
}

function auditMaterial(_input: unknown, output: DecryptOutput | undefined) {
  const keyMaterialId = output?.KeyMaterialId ?? output?.[MATERIAL];
  return keyMaterialId === undefined ? undefined : { keyMaterialId };
}

export const decrypt = operation({
  name: 'Decrypt',
  attested: true,
  input: structure({
    CiphertextBlob,
    EncryptionContext,
    GrantTokens,
    KeyId,
    EncryptionAlgorithm,
    Recipient,
    DryRun,
    DryRunModifiers,
  }),
  access(input) {
    requireDocument(input.Recipient);
    return [
      sourceReference({
        member: 'KeyId',
        id: input.KeyId,
        ciphertext: input.CiphertextBlob,
        algorithm: input.EncryptionAlgorithm ?? SYMMETRIC_DEFAULT,
        permission: 'kms:Decrypt',
        dryRun: input.DryRun,
        modifiers: input.DryRunModifiers,
      }),
    ];
  },
  quota: (_input, keys) => cryptoDraws(keys),
  audit: {
    readOnly: true,
    request: (input) => ({
      keyId: input.KeyId,
      encryptionAlgorithm: input.EncryptionAlgorithm ?? SYMMETRIC_DEFAULT,
      encryptionContext: input.EncryptionContext,
    }),
    extra: auditMaterial,
  },
  run({ service, keys, recipient, endDryRun }, input): Promise<DecryptOutput> {
    const key = keys[0]!;
    const algorithm = input.EncryptionAlgorithm ?? SYMMETRIC_DEFAULT;
    if (ignoresCiphertext(input.DryRunModifiers)) endDryRun(true);
    requireOpens(service, 'Decrypt', key, algorithm, input.EncryptionContext);
    return openCiphertext(
      service,
      key,
      algorithm,
      input.CiphertextBlob!,
      input.EncryptionContext,
    ).then(({ plaintext, materialId }) => {
      if (recipient !== undefined) {
        const envelope = envelopeOf(plaintext, recipient);
        endDryRun(input.DryRun);
        return {
          KeyId: key.arn,
          CiphertextForRecipient: envelope,
          EncryptionAlgorithm: algorithm,
          [MATERIAL]: materialId,
        };
      }
      const text = new Base64Text(plaintext);
      plaintext.fill(0);
      // A dry run says whether the ciphertext would have opened, so it ends after that.
      endDryRun(input.DryRun);
      return {
        KeyId: key.arn,
        Plaintext: text,
        EncryptionAlgorithm: algorithm,
        KeyMaterialId: materialId,
      };
    });
  },
});
