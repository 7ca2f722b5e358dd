/** DisableKeyRotation. AWS KMS API reference, DisableKeyRotation. Idempotent; answers nothing. */
import { structure } from '../../protocol/schema.js';
import { auditKeyArn } from '../audit-members.js';
import { ownDraws } from '../draws.js';
import { KeyId } from '../members.js';
import { operation } from '../port.js';

export const disableKeyRotation = operation({
  name: 'DisableKeyRotation',
  input: structure({ KeyId }, { required: ['KeyId'] }),
  access: (input) => [
    { member: 'KeyId', id: input.KeyId, aliases: false, permission: 'kms:DisableKeyRotation' },
  ],
  quota: ownDraws('DisableKeyRotation'),
  audit: {
    readOnly: false,
    request: (input) => ({ keyId: input.KeyId }),
    response: auditKeyArn,
  },
  async run({ service, keys }) {
    const key = keys[0]!;
    service.requireState('DisableKeyRotation', key);
    await service.disableKeyRotation(key);
  },
});
