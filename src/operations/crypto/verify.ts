/** Verify. AWS KMS API reference, Verify: a wrong signature is an error, never `false`. */
import { structure } from '../../protocol/schema.js';
import { cryptoDraws } from '../draws.js';
import {
  CiphertextBlob,
  DryRun,
  GrantTokens,
  KeyId,
  MessageType,
  Plaintext,
  SigningAlgorithm,
} from '../members.js';
import { operation } from '../port.js';
import { requireSigns } from './signing.js';

export const verify = operation({
  name: 'Verify',
  input: structure(
    {
      KeyId,
      Message: Plaintext,
      MessageType,
      Signature: CiphertextBlob,
      SigningAlgorithm,
      GrantTokens,
      DryRun,
    },
    { required: ['KeyId', 'Message', 'Signature', 'SigningAlgorithm'] },
  ),
  access(input) {
    return [{ member: 'KeyId', id: input.KeyId, aliases: true, permission: 'kms:Verify' }];
  },
  quota: (_input, keys) => cryptoDraws(keys),
  audit: {
    readOnly: true,
    request: (input) => ({
      keyId: input.KeyId,
      messageType: input.MessageType ?? 'RAW',
      signingAlgorithm: input.SigningAlgorithm,
    }),
  },
  run({ service, keys, endDryRun }, input) {
    const key = keys[0]!;
    const messageType = requireSigns(service, 'Verify', key, input);
    return service
      .verify(key, input.SigningAlgorithm, input.Message, messageType, input.Signature)
      .then(() => {
        // A dry run says whether the signature would have passed, so it ends after the check.
        endDryRun(input.DryRun);
        return {
          KeyId: key.arn,
          SignatureValid: true,
          SigningAlgorithm: input.SigningAlgorithm,
        };
      });
  },
});
