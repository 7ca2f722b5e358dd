/** PutKeyPolicy. AWS KMS API reference, PutKeyPolicy. Answers nothing. */
import { KmsError } from '../../core/errors.js';
import { kmsBoolean, structure } from '../../protocol/schema.js';
import { ownDraws } from '../draws.js';
import { KeyId, Policy, PolicyName } from '../members.js';
import { operation } from '../port.js';
import { DEFAULT_POLICY_NAME, requireKeyPolicy } from './key-policy.js';

/** The policy that AWS Resource Access Manager keeps of a shared key. */
const RAM_POLICY_NAME = 'AWS_RAM';

/** @throws ValidationException, UnsupportedOperationException */
function requireDefaultName(name: string | undefined): void {
  if (name === undefined || name === DEFAULT_POLICY_NAME) return;
  if (name === RAM_POLICY_NAME) {
    throw new KmsError(
      'ValidationException',
      `The policy ${RAM_POLICY_NAME} can be managed by the RAM service only.`,
    );
  }
  throw new KmsError('UnsupportedOperationException', 'Only default policy is supported');
}

export const putKeyPolicy = operation({
  name: 'PutKeyPolicy',
  input: structure(
    { KeyId, PolicyName, Policy, BypassPolicyLockoutSafetyCheck: kmsBoolean() },
    { required: ['KeyId', 'Policy'] },
  ),
  access: (input) => [
    { member: 'KeyId', id: input.KeyId, aliases: false, permission: 'kms:PutKeyPolicy' },
  ],
  quota: ownDraws('PutKeyPolicy'),
  audit: {
    readOnly: false,
    request: (input) => ({
      keyId: input.KeyId,
      policyName: input.PolicyName ?? DEFAULT_POLICY_NAME,
      policy: input.Policy,
      bypassPolicyLockoutSafetyCheck: input.BypassPolicyLockoutSafetyCheck ?? false,
    }),
  },
  async run(context, input) {
    const { service, keys } = context;
    const key = keys[0]!;
    service.requireState('PutKeyPolicy', key);
    requireDefaultName(input.PolicyName);
    const target = { ...key.record, arn: key.arn };
    await requireKeyPolicy(context, input.Policy, target, input.BypassPolicyLockoutSafetyCheck);
    await service.putPolicy(key, input.Policy);
  },
});
