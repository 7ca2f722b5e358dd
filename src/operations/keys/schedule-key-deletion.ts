/** ScheduleKeyDeletion. AWS KMS API reference: a waiting period of 7 to 30 days, 30 by default. */
import { KmsError } from '../../core/errors.js';
import { kmsInteger, structure } from '../../protocol/schema.js';
import { auditMembers } from '../audit-members.js';
import { ownDraws } from '../draws.js';
import { KeyId } from '../members.js';
import { operation } from '../port.js';

const WINDOW_DAYS_MIN = 7;
const WINDOW_DAYS_MAX = 30;

interface ScheduleKeyDeletionOutput {
  readonly KeyId: string;
  /** Seconds since the Unix epoch. */
  readonly DeletionDate: number | undefined;
  readonly KeyState: string;
  readonly PendingWindowInDays: number;
}

export const scheduleKeyDeletion = operation({
  name: 'ScheduleKeyDeletion',
  // The shape is wider than what the service takes, so that there are two texts.
  input: structure(
    { KeyId, PendingWindowInDays: kmsInteger({ min: 1, max: 365 }) },
    { required: ['KeyId'] },
  ),
  access(input) {
    const days = input.PendingWindowInDays ?? WINDOW_DAYS_MAX;
    if (days < WINDOW_DAYS_MIN || days > WINDOW_DAYS_MAX) {
      throw new KmsError(
        'ValidationException',
        `PendingWindowInDays must be between ${WINDOW_DAYS_MIN} and ${WINDOW_DAYS_MAX} days.`,
      );
    }
    return [
      { member: 'KeyId', id: input.KeyId, aliases: false, permission: 'kms:ScheduleKeyDeletion' },
    ];
  },
  quota: ownDraws('ScheduleKeyDeletion'),
  changesKeyState: true,
  audit: {
    readOnly: false,
    request: (input) => ({
      keyId: input.KeyId,
      pendingWindowInDays: input.PendingWindowInDays ?? WINDOW_DAYS_MAX,
    }),
    response: (_input, output: ScheduleKeyDeletionOutput) => auditMembers(output),
  },
  async run({ service, keys }, input): Promise<ScheduleKeyDeletionOutput> {
    const key = keys[0]!;
    const days = input.PendingWindowInDays ?? WINDOW_DAYS_MAX;
    service.requireState('ScheduleKeyDeletion', key);
    const { record } = await service.scheduleDeletion(key, days);
    return {
      KeyId: key.arn,
      DeletionDate: record.deletionDate === null ? undefined : record.deletionDate / 1000,
      KeyState: record.state,
      PendingWindowInDays: days,
    };
  },
});
