/** GetKeyPolicy. AWS KMS API reference, GetKeyPolicy. CloudTrail leaves the policy out. */
import { KmsError } from '../../core/errors.js';
import { structure } from '../../protocol/schema.js';
import { ownDraws } from '../draws.js';
import { KeyId, PolicyName } from '../members.js';
import { operation } from '../port.js';
import { DEFAULT_POLICY_NAME, keyPolicyText } from './key-policy.js';

export const getKeyPolicy = operation({
  name: 'GetKeyPolicy',
  input: structure({ KeyId, PolicyName }, { required: ['KeyId'] }),
  access: (input) => [
    { member: 'KeyId', id: input.KeyId, aliases: false, permission: 'kms:GetKeyPolicy' },
  ],
  quota: ownDraws('GetKeyPolicy'),
  audit: {
    readOnly: true,
    request: (input) => ({
      keyId: input.KeyId,
      policyName: input.PolicyName ?? DEFAULT_POLICY_NAME,
    }),
  },
  async run({ service, keys }, input) {
    const key = keys[0]!;
    service.requireState('GetKeyPolicy', key);
    const name = input.PolicyName ?? DEFAULT_POLICY_NAME;
    if (name !== DEFAULT_POLICY_NAME) {
      throw new KmsError('NotFoundException', 'No such policy exists');
    }
    return { Policy: keyPolicyText(key), PolicyName: name };
  },
});
