/** UntagResource. AWS KMS API reference, UntagResource. Answers nothing, also for absent tags. */
import { kmsList, structure } from '../../protocol/schema.js';
import { auditKeyArn } from '../audit-members.js';
import { ownDraws } from '../draws.js';
import { KeyId, TagKey } from '../members.js';
import { operation } from '../port.js';

export const untagResource = operation({
  name: 'UntagResource',
  input: structure({ KeyId, TagKeys: kmsList(TagKey) }, { required: ['KeyId', 'TagKeys'] }),
  access: (input) => [
    { member: 'KeyId', id: input.KeyId, aliases: false, permission: 'kms:UntagResource' },
  ],
  quota: ownDraws('UntagResource'),
  audit: {
    readOnly: false,
    request: (input) => ({ keyId: input.KeyId, tagKeys: input.TagKeys }),
    response: auditKeyArn,
  },
  async run({ service, keys }, input) {
    const key = keys[0]!;
    service.requireState('UntagResource', key);
    await service.removeTags(key, input.TagKeys);
  },
});
