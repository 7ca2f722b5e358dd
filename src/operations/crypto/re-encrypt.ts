/** ReEncrypt. AWS KMS API reference, ReEncrypt: decrypts and encrypts without showing plaintext. */
import { structure } from '../../protocol/schema.js';
import { refuseContextOf, requireAlgorithm, requireFits } from '../checks.js';
import { crypto2Draws } from '../draws.js';
import {
  CiphertextBlob,
  DryRun,
  DryRunModifiers,
  EncryptionAlgorithm,
  EncryptionContext,
  GrantTokens,
  KeyId,
  SYMMETRIC_DEFAULT,
} from '../members.js';
import { operation } from '../port.js';
import {
  ignoresCiphertext,
  openCiphertext,
  requireOpens,
  sourceReference,
} from './ciphertext-source.js';

interface ReEncryptOutput {
  readonly CiphertextBlob: Uint8Array;
  readonly SourceKeyId: string;
  readonly KeyId: string;
  readonly SourceEncryptionAlgorithm: string;
  readonly DestinationEncryptionAlgorithm: string;
  readonly SourceKeyMaterialId: string | undefined;
  readonly DestinationKeyMaterialId: string | undefined;
}

export const reEncrypt = operation({
  name: 'ReEncrypt',
  input: structure(
    {
      CiphertextBlob,
      SourceEncryptionContext: EncryptionContext,
      SourceKeyId: KeyId,
      DestinationKeyId: KeyId,
      DestinationEncryptionContext: EncryptionContext,
      SourceEncryptionAlgorithm: EncryptionAlgorithm,
      DestinationEncryptionAlgorithm: EncryptionAlgorithm,
      GrantTokens,
      DryRun,
      DryRunModifiers,
    },
    { required: ['DestinationKeyId'] },
  ),
  access(input) {
    return [
      sourceReference({
        member: 'SourceKeyId',
        id: input.SourceKeyId,
        ciphertext: input.CiphertextBlob,
        algorithm: input.SourceEncryptionAlgorithm ?? SYMMETRIC_DEFAULT,
        permission: 'kms:ReEncryptFrom',
        dryRun: input.DryRun,
        modifiers: input.DryRunModifiers,
      }),
      {
        member: 'DestinationKeyId',
        id: input.DestinationKeyId,
        aliases: true,
        permission: 'kms:ReEncryptTo',
      },
    ];
  },
  quota: (_input, keys) => crypto2Draws(keys),
  audit: {
    readOnly: true,
    request: (input) => ({
      sourceKeyId: input.SourceKeyId,
      sourceEncryptionAlgorithm: input.SourceEncryptionAlgorithm ?? SYMMETRIC_DEFAULT,
      sourceEncryptionContext: input.SourceEncryptionContext,
      destinationKeyId: input.DestinationKeyId,
      destinationEncryptionAlgorithm: input.DestinationEncryptionAlgorithm ?? SYMMETRIC_DEFAULT,
      destinationEncryptionContext: input.DestinationEncryptionContext,
    }),
    extra: (_input, output: ReEncryptOutput | undefined) =>
      output === undefined
        ? undefined
        : {
            sourceKeyMaterialId: output.SourceKeyMaterialId,
            destinationKeyMaterialId: output.DestinationKeyMaterialId,
          },
  },
  async run({ service, keys, endDryRun }, input): Promise<ReEncryptOutput> {
    const source = keys[0]!;
    const destination = keys[1]!;
    const from = input.SourceEncryptionAlgorithm ?? SYMMETRIC_DEFAULT;
    const to = input.DestinationEncryptionAlgorithm ?? SYMMETRIC_DEFAULT;
    if (ignoresCiphertext(input.DryRunModifiers)) endDryRun(true);
    requireOpens(service, 'ReEncrypt', source, from, input.SourceEncryptionContext);
    service.requireState('ReEncrypt', destination);
    service.requireUsage('ReEncrypt', destination, 'ENCRYPT_DECRYPT');
    requireAlgorithm(destination, destination.spec.encryptionAlgorithms, to);
    if (to !== SYMMETRIC_DEFAULT) refuseContextOf(to, input.DestinationEncryptionContext);
    const opened = await openCiphertext(
      service,
      source,
      from,
      input.CiphertextBlob!,
      input.SourceEncryptionContext,
    );
    try {
      const { plaintext } = opened;
      const symmetric = to === SYMMETRIC_DEFAULT;
      if (!symmetric) requireFits(destination, to, plaintext.length);
      endDryRun(input.DryRun);
      const blob = symmetric
        ? await service.encrypt(destination, plaintext, input.DestinationEncryptionContext)
        : await service.encryptAsymmetric(destination, to, plaintext);
      return {
        CiphertextBlob: blob,
        SourceKeyId: source.arn,
        KeyId: destination.arn,
        SourceEncryptionAlgorithm: from,
        DestinationEncryptionAlgorithm: to,
        SourceKeyMaterialId: opened.materialId,
        DestinationKeyMaterialId: symmetric
          ? (destination.record.currentMaterialId ?? undefined)
          : undefined,
      };
    } finally {
      opened.plaintext.fill(0);
    }
  },
});
