/** VerifyMac. AWS KMS API reference, VerifyMac: a wrong MAC is an error, never `false`. */
import { structure } from '../../protocol/schema.js';
import { cryptoDraws } from '../draws.js';
import { CiphertextBlob, DryRun, GrantTokens, KeyId, MacAlgorithm, Plaintext } from '../members.js';
import { operation } from '../port.js';
import { requireMacs } from './mac.js';

export const verifyMac = operation({
  name: 'VerifyMac',
  input: structure(
    { Message: Plaintext, KeyId, MacAlgorithm, Mac: CiphertextBlob, GrantTokens, DryRun },
    { required: ['Message', 'KeyId', 'MacAlgorithm', 'Mac'] },
  ),
  access(input) {
    return [{ member: 'KeyId', id: input.KeyId, aliases: true, permission: 'kms:VerifyMac' }];
  },
  quota: (_input, keys) => cryptoDraws(keys),
  audit: {
    readOnly: true,
    request: (input) => ({ keyId: input.KeyId, macAlgorithm: input.MacAlgorithm }),
  },
  run({ service, keys, endDryRun }, input) {
    const key = keys[0]!;
    requireMacs(service, 'VerifyMac', key, input.MacAlgorithm);
    return service.verifyMac(key, input.Message, input.Mac).then(() => {
      // A dry run says whether the MAC would have passed, so it ends after the check.
      endDryRun(input.DryRun);
      return { KeyId: key.arn, MacValid: true, MacAlgorithm: input.MacAlgorithm };
    });
  },
});
