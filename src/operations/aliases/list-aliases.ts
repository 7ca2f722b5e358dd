/** ListAliases. AWS KMS API reference, ListAliases: 50 unless Limit says otherwise, at most 100. */
import { aliasArn } from '../../core/ids.js';
import { structure } from '../../protocol/schema.js';
import { ownDraws } from '../draws.js';
import { KeyId, Limit, Marker } from '../members.js';
import { operation } from '../port.js';

const DEFAULT_LIMIT = 50;
/** A larger Limit within the shape is taken as this: a page may always be shorter than asked. */
const MAX_LIMIT = 100;

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
    const limit = Math.min(input.Limit ?? DEFAULT_LIMIT, MAX_LIMIT);
    const page = await service.listAliases(caller, keys[0], limit, input.Marker);
    return {
      Aliases: page.items.map((alias) => ({
        AliasName: alias.name,
        AliasArn: aliasArn(alias.region, alias.account, alias.name),
        TargetKeyId: alias.targetKeyId,
        CreationDate: alias.createdAt / 1000,
        LastUpdatedDate: alias.updatedAt / 1000,
      })),
      NextMarker: page.nextMarker,
      Truncated: page.nextMarker !== undefined,
    };
  },
});
