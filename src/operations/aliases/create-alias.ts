/** CreateAlias. AWS KMS API reference, CreateAlias. Answers nothing. */
import { structure } from '../../protocol/schema.js';
import { auditKeyArn } from '../audit-members.js';
import { ownDraws } from '../draws.js';
import { AliasName, KeyId } from '../members.js';
import { operation } from '../port.js';
import {
  aliasResources,
  refuseAliasTarget,
  refuseReservedAlias,
  requireAliasName,
} from './alias-name.js';

export const createAlias = operation({
  name: 'CreateAlias',
  input: structure({ AliasName, TargetKeyId: KeyId }, { required: ['AliasName', 'TargetKeyId'] }),
  access(input) {
    requireAliasName(input.AliasName);
    refuseReservedAlias(input.AliasName);
    refuseAliasTarget(input.TargetKeyId);
    return [
      {
        member: 'TargetKeyId',
        id: input.TargetKeyId,
        aliases: false,
        permission: 'kms:CreateAlias',
      },
    ];
  },
  quota: ownDraws('CreateAlias'),
  audit: {
    readOnly: false,
    request: (input) => ({ aliasName: input.AliasName, targetKeyId: input.TargetKeyId }),
    response: auditKeyArn,
    resources: aliasResources,
  },
  async run({ service, caller, keys }, input) {
    const target = keys[0]!;
    service.requireState('CreateAlias', target);
    await service.createAlias(caller, input.AliasName, target);
  },
});
