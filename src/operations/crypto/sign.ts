/** Sign. AWS KMS API reference, Sign; ECDSA signatures in DER, PSS salt as long as the hash. */
import { structure } from '../../protocol/schema.js';
import { cryptoDraws } from '../draws.js';
import {
  DryRun,
  GrantTokens,
  KeyId,
  MessageType,
  Plaintext,
  SigningAlgorithm,
} from '../members.js';
import { operation } from '../port.js';
import { requireSigns } from './signing.js';

export const sign = operation({
  name: 'Sign',
  input: structure(
    { KeyId, Message: Plaintext, MessageType, GrantTokens, SigningAlgorithm, DryRun },
    { required: ['KeyId', 'Message', 'SigningAlgorithm'] },
  ),
  access(input) {
    return [{ member: 'KeyId', id: input.KeyId, aliases: true, permission: 'kms:Sign' }];
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
    const messageType = requireSigns(service, 'Sign', key, input);
    endDryRun(input.DryRun);
    return service
      .sign(key, input.SigningAlgorithm, input.Message, messageType)
      .then((signature) => ({
        KeyId: key.arn,
        Signature: signature,
        SigningAlgorithm: input.SigningAlgorithm,
      }));
  },
});
