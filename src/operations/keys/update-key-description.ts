/** UpdateKeyDescription. AWS KMS API reference, UpdateKeyDescription. Answers nothing. */
import { structure } from '../../protocol/schema.js';
import { auditKeyArn } from '../audit-members.js';
import { ownDraws } from '../draws.js';
import { Description, KeyId } from '../members.js';
import { operation } from '../port.js';

export const updateKeyDescription = operation({
  name: 'UpdateKeyDescription',
  input: structure({ KeyId, Description }, { required: ['KeyId', 'Description'] }),
  access: (input) => [
    { member: 'KeyId', id: input.KeyId, aliases: false, permission: 'kms:UpdateKeyDescription' },
  ],
  quota: ownDraws('UpdateKeyDescription'),
  audit: {
    readOnly: false,
    request: (input) => ({ keyId: input.KeyId, description: input.Description }),
    response: auditKeyArn,
  },
  async run({ service, keys }, input) {
    const key = keys[0]!;
    service.requireState('UpdateKeyDescription', key);
    await service.updateDescription(key, input.Description);
  },
});
