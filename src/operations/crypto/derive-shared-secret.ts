/** DeriveSharedSecret. AWS KMS API reference; raw x coordinate of SP 800-56A section 5.7.1.2. */
import { Base64Text } from '../../core/blob.js';
import { structure } from '../../protocol/schema.js';
import { requireAlgorithm, requireDocument } from '../checks.js';
import { cryptoDraws } from '../draws.js';
import {
  DryRun,
  GrantTokens,
  KeyAgreementAlgorithm,
  KeyId,
  PublicKey,
  Recipient,
} from '../members.js';
import { operation } from '../port.js';
import { envelopeOf } from './attested.js';

interface DeriveSharedSecretOutput {
  readonly KeyId: string;
  readonly SharedSecret?: Base64Text;
  readonly CiphertextForRecipient?: Buffer;
  readonly KeyAgreementAlgorithm: string;
  readonly KeyOrigin: string;
}

export const deriveSharedSecret = operation({
  name: 'DeriveSharedSecret',
  attested: true,
  input: structure(
    { KeyId, KeyAgreementAlgorithm, PublicKey, GrantTokens, DryRun, Recipient },
    { required: ['KeyId', 'KeyAgreementAlgorithm', 'PublicKey'] },
  ),
  access(input) {
    requireDocument(input.Recipient);
    return [
      { member: 'KeyId', id: input.KeyId, aliases: true, permission: 'kms:DeriveSharedSecret' },
    ];
  },
  quota: (_input, keys) => cryptoDraws(keys),
  audit: {
    readOnly: true,
    request: (input) => ({
      keyId: input.KeyId,
      keyAgreementAlgorithm: input.KeyAgreementAlgorithm,
    }),
  },
  run({ service, keys, recipient, endDryRun }, input): Promise<DeriveSharedSecretOutput> {
    const key = keys[0]!;
    service.requireState('DeriveSharedSecret', key);
    service.requireUsage('DeriveSharedSecret', key, 'KEY_AGREEMENT');
    requireAlgorithm(key, key.spec.keyAgreementAlgorithms, input.KeyAgreementAlgorithm);
    return service.deriveSharedSecret(key, input.PublicKey).then((secret) => {
      if (recipient !== undefined) {
        const envelope = envelopeOf(secret, recipient);
        endDryRun(input.DryRun);
        return {
          KeyId: key.arn,
          CiphertextForRecipient: envelope,
          KeyAgreementAlgorithm: input.KeyAgreementAlgorithm,
          KeyOrigin: key.record.origin,
        };
      }
      const text = new Base64Text(secret);
      secret.fill(0);
      // Only the derivation tells whether the peer's key is good, so a dry run ends after it.
      endDryRun(input.DryRun);
      return {
        KeyId: key.arn,
        SharedSecret: text,
        KeyAgreementAlgorithm: input.KeyAgreementAlgorithm,
        KeyOrigin: key.record.origin,
      };
    });
  },
});
