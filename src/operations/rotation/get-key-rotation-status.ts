/**
 * GetKeyRotationStatus. AWS KMS API reference, GetKeyRotationStatus. A rotation on demand is
 * finished when its request is answered, so that there is never one in progress to show.
 */
import { structure } from '../../protocol/schema.js';
import { ownDraws } from '../draws.js';
import { KeyId } from '../members.js';
import { operation } from '../port.js';

export const getKeyRotationStatus = operation({
  name: 'GetKeyRotationStatus',
  input: structure({ KeyId }, { required: ['KeyId'] }),
  access: (input) => [
    { member: 'KeyId', id: input.KeyId, aliases: false, permission: 'kms:GetKeyRotationStatus' },
  ],
  quota: ownDraws('GetKeyRotationStatus'),
  audit: { readOnly: true, request: (input) => ({ keyId: input.KeyId }) },
  async run({ service, keys }) {
    const key = keys[0]!;
    service.requireState('GetKeyRotationStatus', key);
    const status = service.rotationStatus(key);
    if (status === undefined) return { KeyRotationEnabled: false, KeyId: key.arn };
    return {
      KeyRotationEnabled: true,
      KeyId: key.arn,
      RotationPeriodInDays: status.periodDays,
      NextRotationDate: status.nextRotationAt / 1000,
    };
  },
});
