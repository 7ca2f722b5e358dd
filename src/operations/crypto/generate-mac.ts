/** GenerateMac. AWS KMS API reference, GenerateMac; HMAC as in RFC 2104, never truncated. */
import { structure } from '../../protocol/schema.js';
import { cryptoDraws } from '../draws.js';
import { DryRun, GrantTokens, KeyId, MacAlgorithm, Plaintext } from '../members.js';
import { operation } from '../port.js';
import { requireMacs } from './mac.js';

export const generateMac = operation({
  name: 'GenerateMac',
  input: structure(
    { Message: Plaintext, KeyId, MacAlgorithm, GrantTokens, DryRun },
    { required: ['Message', 'KeyId', 'MacAlgorithm'] },
  ),
  access(input) {
    return [{ member: 'KeyId', id: input.KeyId, aliases: true, permission: 'kms:GenerateMac' }];
  },
  quota: (_input, keys) => cryptoDraws(keys),
  audit: {
    readOnly: true,
    request: (input) => ({ keyId: input.KeyId, macAlgorithm: input.MacAlgorithm }),
  },
  run({ service, keys, endDryRun }, input) {
    const key = keys[0]!;
    requireMacs(service, 'GenerateMac', key, input.MacAlgorithm);
    endDryRun(input.DryRun);
    return service.mac(key, input.Message).then((mac) => ({
      Mac: mac,
      MacAlgorithm: input.MacAlgorithm,
      KeyId: key.arn,
    }));
  },
});
