/** ListKeys. AWS KMS API reference, ListKeys: 100 keys unless Limit says otherwise, at most 1000. */
import { KmsError } from '../../core/errors.js';
import { structure } from '../../protocol/schema.js';
import { ownDraws } from '../draws.js';
import { Limit, Marker, ResourceOwners } from '../members.js';
import { pageLimit, pageMembers } from '../paging.js';
import { operation } from '../port.js';

const PAGE = { fallback: 100, max: 1000 };

export const listKeys = operation({
  name: 'ListKeys',
  input: structure({ Limit, Marker, ResourceOwners }),
  access: () => [],
  quota: ownDraws('ListKeys'),
  audit: {
    readOnly: true,
    request: (input) => ({ limit: input.Limit, marker: input.Marker }),
  },
  async run({ service, caller }, input) {
    if (input.ResourceOwners !== undefined && !input.ResourceOwners.includes('SELF')) {
      // Only keys shared by other accounts are asked for, and nothing is shared here. A marker of
      // the caller's own keys does not belong to this list.
      if (input.Marker !== undefined)
        throw new KmsError('InvalidMarkerException', 'The marker is not valid for these owners.');
      return { Keys: [], Truncated: false };
    }
    const page = await service.listKeys(caller, pageLimit(input.Limit, PAGE), input.Marker);
    return {
      Keys: page.items.map((key) => ({ KeyId: key.keyId, KeyArn: key.arn })),
      ...pageMembers(page),
    };
  },
});
