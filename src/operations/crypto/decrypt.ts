/** Decrypt. AWS KMS API reference, Decrypt. */
import { structure } from '../../protocol/schema.js';
import { refuseGrantTokens, refuseRecipient } from '../checks.js';
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
import {
  ignoresCiphertext,
  openCiphertext,
  requireOpens,
  sourceReference,
} from './ciphertext-source.js';

interface DecryptOutput {
  readonly KeyId: string;
  /** Base64. */
  readonly Plaintext: string;
  readonly EncryptionAlgorithm: string;
  readonly KeyMaterialId: string | undefined;
}

export const decrypt = operation({
  name: 'Decrypt',
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
    refuseGrantTokens(input.GrantTokens);
    refuseRecipient(input.Recipient);
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
    extra: (_input, output: DecryptOutput | undefined) =>
      output?.KeyMaterialId === undefined ? undefined : { keyMaterialId: output.KeyMaterialId },
  },
  run({ service, keys, endDryRun }, input): Promise<DecryptOutput> {
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
      const text = plaintext.toString('base64');
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
