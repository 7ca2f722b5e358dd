/** TagResource. AWS KMS API reference, TagResource. Answers nothing. */
import { structure } from '../../protocol/schema.js';
import { auditKeyArn, auditMembers } from '../audit-members.js';
import { ownDraws } from '../draws.js';
import { KeyId, Tags, tagsOf } from '../members.js';
import { operation } from '../port.js';

export const tagResource = operation({
  name: 'TagResource',
  input: structure({ KeyId, Tags }, { required: ['KeyId', 'Tags'] }),
  access: (input) => [
    { member: 'KeyId', id: input.KeyId, aliases: false, permission: 'kms:TagResource' },
  ],
  quota: ownDraws('TagResource'),
  audit: {
    readOnly: false,
    request: (input) => ({ keyId: input.KeyId, tags: input.Tags.map(auditMembers) }),
    response: auditKeyArn,
  },
  async run({ service, keys }, input) {
    const key = keys[0]!;
    service.requireState('TagResource', key);
    await service.putTags(key, tagsOf(input.Tags));
  },
});
