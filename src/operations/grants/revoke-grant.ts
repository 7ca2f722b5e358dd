/** RevokeGrant. AWS KMS API reference, RevokeGrant. Answers nothing; works in every key state. */
import { structure } from '../../protocol/schema.js';
import { auditKeyArn } from '../audit-members.js';
import { ownDraws } from '../draws.js';
import { DryRun, GrantId, KeyId } from '../members.js';
import { operation } from '../port.js';
import { requireGrantId } from './grant-members.js';

export const revokeGrant = operation({
  name: 'RevokeGrant',
  input: structure({ KeyId, GrantId, DryRun }, { required: ['KeyId', 'GrantId'] }),
  access(input) {
    requireGrantId(input.GrantId);
    return [{ member: 'KeyId', id: input.KeyId, aliases: false, permission: 'kms:RevokeGrant' }];
  },
  quota: ownDraws('RevokeGrant'),
  audit: {
    readOnly: false,
    request: (input) => ({ keyId: input.KeyId, grantId: input.GrantId }),
    response: auditKeyArn,
  },
  async run({ service, keys, endDryRun }, input) {
    const key = keys[0]!;
    service.requireState('RevokeGrant', key);
    const grant = await service.getGrant(key, input.GrantId);
    endDryRun(input.DryRun);
    await service.deleteGrant(key, grant);
  },
});
