/** RotateKeyOnDemand. AWS KMS API reference, RotateKeyOnDemand; at most 25 per key by default. */
import { structure } from '../../protocol/schema.js';
import { auditKeyArn } from '../audit-members.js';
import { ownDraws } from '../draws.js';
import { KeyId } from '../members.js';
import { operation } from '../port.js';

export const rotateKeyOnDemand = operation({
  name: 'RotateKeyOnDemand',
  input: structure({ KeyId }, { required: ['KeyId'] }),
  access: (input) => [
    { member: 'KeyId', id: input.KeyId, aliases: false, permission: 'kms:RotateKeyOnDemand' },
  ],
  quota: ownDraws('RotateKeyOnDemand'),
  audit: {
    readOnly: false,
    request: (input) => ({ keyId: input.KeyId }),
    response: auditKeyArn,
  },
  async run({ service, keys }) {
    const key = keys[0]!;
    service.requireState('RotateKeyOnDemand', key);
    await service.rotateOnDemand(key);
    return { KeyId: key.arn };
  },
});
