/**
 * EnableKeyRotation. AWS KMS API reference: a period of 90 to 2560 days, 365 by default, that begins
 * now, also when rotation is on already. Answers nothing.
 */
import { kmsInteger, structure } from '../../protocol/schema.js';
import { auditKeyArn } from '../audit-members.js';
import { ownDraws } from '../draws.js';
import { KeyId } from '../members.js';
import { operation } from '../port.js';

const PERIOD_DAYS = 365;

export const enableKeyRotation = operation({
  name: 'EnableKeyRotation',
  input: structure(
    { KeyId, RotationPeriodInDays: kmsInteger({ min: 90, max: 2560 }) },
    { required: ['KeyId'] },
  ),
  access: (input) => [
    { member: 'KeyId', id: input.KeyId, aliases: false, permission: 'kms:EnableKeyRotation' },
  ],
  quota: ownDraws('EnableKeyRotation'),
  audit: {
    readOnly: false,
    request: (input) => ({
      keyId: input.KeyId,
      rotationPeriodInDays: input.RotationPeriodInDays ?? PERIOD_DAYS,
    }),
    response: auditKeyArn,
  },
  async run({ service, keys }, input) {
    const key = keys[0]!;
    service.requireState('EnableKeyRotation', key);
    await service.enableKeyRotation(key, input.RotationPeriodInDays ?? PERIOD_DAYS);
  },
});
