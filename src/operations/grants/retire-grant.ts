/**
 * RetireGrant. AWS KMS API reference, RetireGrant: by a token of the grant, or by key and grant id;
 * the grant says who may, wherever its key is. Answers nothing; works in every key state.
 */
import { KmsError } from '../../core/errors.js';
import { structure } from '../../protocol/schema.js';
import { auditKeyArn } from '../audit-members.js';
import { ownDraws } from '../draws.js';
import { DryRun, GrantId, GrantToken, KeyId } from '../members.js';
import { operation } from '../port.js';
import { requireGrantId } from './grant-members.js';

export const retireGrant = operation({
  name: 'RetireGrant',
  input: structure({ GrantToken, KeyId, GrantId, DryRun }),
  access(input) {
    const permission = 'kms:RetireGrant';
    if (input.GrantToken !== undefined) {
      return [{ member: 'GrantToken', grantToken: input.GrantToken, aliases: false, permission }];
    }
    if (input.KeyId === undefined || input.GrantId === undefined) {
      const text = 'Grant token OR (grant ID, key ID) must be specified';
      throw new KmsError('ValidationException', text);
    }
    requireGrantId(input.GrantId);
    return [{ member: 'KeyId', id: input.KeyId, aliases: false, anyAccount: true, permission }];
  },
  quota: ownDraws('RetireGrant'),
  audit: {
    readOnly: false,
    request: () => null,
    response: auditKeyArn,
    extra: (input, _output, keys) => {
      const grantId = keys[0]?.requestGrantId ?? input.GrantId;
      return grantId === undefined ? undefined : { grantId };
    },
  },
  async run({ service, caller, keys, endDryRun }, input) {
    const key = keys[0]!;
    service.requireState('RetireGrant', key);
    const grantId = key.requestGrantId ?? input.GrantId!;
    const grant = await service.retirableGrant(caller, key, grantId);
    endDryRun(input.DryRun);
    await service.deleteGrant(key, grant);
  },
});
