/** GetKeyLastUsage. AWS KMS API reference, GetKeyLastUsage. */
import { structure } from '../../protocol/schema.js';
import { ownDraws } from '../draws.js';
import { KeyId } from '../members.js';
import { operation } from '../port.js';

export const getKeyLastUsage = operation({
  name: 'GetKeyLastUsage',
  input: structure({ KeyId }, { required: ['KeyId'] }),
  access: (input) => [
    { member: 'KeyId', id: input.KeyId, aliases: false, permission: 'kms:GetKeyLastUsage' },
  ],
  quota: ownDraws('GetKeyLastUsage'),
  audit: { readOnly: true, request: (input) => ({ keyId: input.KeyId }) },
  async run({ service, keys }) {
    const key = keys[0]!;
    service.requireState('GetKeyLastUsage', key);
    const { use, trackedSince } = await service.lastUsage(key);
    return {
      KeyId: key.arn,
      // Without a use an empty object, and not an absent member.
      KeyLastUsage:
        use === undefined
          ? {}
          : {
              Operation: use.operation,
              Timestamp: use.usedAt / 1000,
              CloudTrailEventId: use.eventId,
              KmsRequestId: use.requestId,
            },
      TrackingStartDate: trackedSince / 1000,
      KeyCreationDate: key.record.createdAt / 1000,
    };
  },
});
