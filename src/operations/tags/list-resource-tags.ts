/** ListResourceTags. AWS KMS API reference, ListResourceTags: at most 50 tags a page. */
import { structure } from '../../protocol/schema.js';
import { ownDraws } from '../draws.js';
import { KeyId, Limit, Marker } from '../members.js';
import { pageLimit, pageMembers } from '../paging.js';
import { operation } from '../port.js';

const PAGE = { fallback: 50, max: 50 };

export const listResourceTags = operation({
  name: 'ListResourceTags',
  input: structure({ KeyId, Limit, Marker }, { required: ['KeyId'] }),
  access: (input) => [
    { member: 'KeyId', id: input.KeyId, aliases: false, permission: 'kms:ListResourceTags' },
  ],
  quota: ownDraws('ListResourceTags'),
  audit: {
    readOnly: true,
    request: (input) => ({ keyId: input.KeyId, limit: input.Limit, marker: input.Marker }),
  },
  async run({ service, keys }, input) {
    const key = keys[0]!;
    service.requireState('ListResourceTags', key);
    const page = await service.listTags(key, pageLimit(input.Limit, PAGE), input.Marker);
    return {
      Tags: page.items.map((tag) => ({ TagKey: tag.key, TagValue: tag.value })),
      ...pageMembers(page),
    };
  },
});
