/** DisableKey. AWS KMS API reference, DisableKey. Idempotent; answers nothing. */
import { structure } from '../../protocol/schema.js';
import { auditKeyArn } from '../audit-members.js';
import { ownDraws } from '../draws.js';
import { KeyId } from '../members.js';
import { operation } from '../port.js';

export const disableKey = operation({
  name: 'DisableKey',
  input: structure({ KeyId }, { required: ['KeyId'] }),
  access: (input) => [
    { member: 'KeyId', id: input.KeyId, aliases: false, permission: 'kms:DisableKey' },
  ],
  quota: ownDraws('DisableKey'),
  changesKeyState: true,
  audit: {
    readOnly: false,
    request: (input) => ({ keyId: input.KeyId }),
    response: auditKeyArn,
  },
  async run({ service, keys }) {
    const key = keys[0]!;
    service.requireState('DisableKey', key);
    await service.disable(key);
  },
});
