/** CancelKeyDeletion. AWS KMS API reference, CancelKeyDeletion: the key becomes Disabled. */
import { structure } from '../../protocol/schema.js';
import { auditKeyArn } from '../audit-members.js';
import { ownDraws } from '../draws.js';
import { KeyId } from '../members.js';
import { operation } from '../port.js';

export const cancelKeyDeletion = operation({
  name: 'CancelKeyDeletion',
  input: structure({ KeyId }, { required: ['KeyId'] }),
  access: (input) => [
    { member: 'KeyId', id: input.KeyId, aliases: false, permission: 'kms:CancelKeyDeletion' },
  ],
  quota: ownDraws('CancelKeyDeletion'),
  changesKeyState: true,
  audit: {
    readOnly: false,
    request: (input) => ({ keyId: input.KeyId }),
    response: auditKeyArn,
  },
  async run({ service, keys }) {
    const key = keys[0]!;
    service.requireState('CancelKeyDeletion', key);
    await service.cancelDeletion(key);
    return { KeyId: key.arn };
  },
});
