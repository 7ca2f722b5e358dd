/** ListAliases. AWS KMS API reference, ListAliases: 50 unless Limit says otherwise, at most 100. */
import { aliasArn } from '../../core/ids.js';
import { structure } from '../../protocol/schema.js';
import { ownDraws } from '../draws.js';
import { KeyId, Limit, Marker } from '../members.js';
import { pageLimit, pageMembers } from '../paging.js';
import { operation } from '../port.js';

const PAGE = { fallback: 50, max: 100 };

const seconds = (ms: number | undefined) => (ms === undefined ? undefined : ms / 1000);

export const listAliases = operation({
  name: 'ListAliases',
  input: structure({ KeyId, Limit, Marker }),
  access: (input) =>
    input.KeyId === undefined
      ? []
      : [{ member: 'KeyId', id: input.KeyId, aliases: false, permission: 'kms:ListAliases' }],
  quota: ownDraws('ListAliases'),
  audit: {
    readOnly: true,
    request: (input) => ({ keyId: input.KeyId, limit: input.Limit, marker: input.Marker }),
  },
  async run({ service, caller, keys }, input) {
    const limit = pageLimit(input.Limit, PAGE);
    const page = await service.listAliases(caller, keys[0], limit, input.Marker);
    return {
      Aliases: page.items.map((alias) => ({
        AliasName: alias.name,
        AliasArn: aliasArn(alias.region, alias.account, alias.name),
        TargetKeyId: alias.targetKeyId,
        CreationDate: seconds(alias.createdAt),
        LastUpdatedDate: seconds(alias.updatedAt),
      })),
      ...pageMembers(page),
    };
  },
});
