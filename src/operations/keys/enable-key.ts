/** EnableKey. AWS KMS API reference, EnableKey. Idempotent; answers nothing. */
import { structure } from '../../protocol/schema.js';
import { auditKeyArn } from '../audit-members.js';
import { ownDraws } from '../draws.js';
import { KeyId } from '../members.js';
import { operation } from '../port.js';

export const enableKey = operation({
  name: 'EnableKey',
  input: structure({ KeyId }, { required: ['KeyId'] }),
  access: (input) => [
    { member: 'KeyId', id: input.KeyId, aliases: false, permission: 'kms:EnableKey' },
  ],
  quota: ownDraws('EnableKey'),
  changesKeyState: true,
  audit: {
    readOnly: false,
    request: (input) => ({ keyId: input.KeyId }),
    response: auditKeyArn,
  },
  async run({ service, keys }) {
    const key = keys[0]!;
    service.requireState('EnableKey', key);
    await service.enable(key);
  },
});
