/** DeleteAlias. AWS KMS API reference, DeleteAlias. Works in every key state; answers nothing. */
import { structure } from '../../protocol/schema.js';
import { auditKeyArn } from '../audit-members.js';
import { ownDraws } from '../draws.js';
import { AliasName } from '../members.js';
import { operation } from '../port.js';
import { aliasResources, refuseReservedAlias, requireAliasName } from './alias-name.js';

export const deleteAlias = operation({
  name: 'DeleteAlias',
  input: structure({ AliasName }, { required: ['AliasName'] }),
  access(input) {
    requireAliasName(input.AliasName);
    refuseReservedAlias(input.AliasName);
    return [
      { member: 'AliasName', id: input.AliasName, aliases: true, permission: 'kms:DeleteAlias' },
    ];
  },
  quota: ownDraws('DeleteAlias'),
  audit: {
    readOnly: false,
    request: (input) => ({ aliasName: input.AliasName }),
    response: auditKeyArn,
    resources: aliasResources,
  },
  async run({ service, caller, keys }, input) {
    service.requireState('DeleteAlias', keys[0]!);
    await service.deleteAlias(caller, input.AliasName);
  },
});
