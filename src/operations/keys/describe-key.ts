/** DescribeKey. AWS KMS API reference, DescribeKey. Works in every key state. */
import { structure } from '../../protocol/schema.js';
import { ownDraws } from '../draws.js';
import { keyMetadata } from '../key-metadata.js';
import { GrantTokens, KeyId } from '../members.js';
import { operation } from '../port.js';

export const describeKey = operation({
  name: 'DescribeKey',
  input: structure({ KeyId, GrantTokens }, { required: ['KeyId'] }),
  access(input) {
    return [{ member: 'KeyId', id: input.KeyId, aliases: true, permission: 'kms:DescribeKey' }];
  },
  quota: ownDraws('DescribeKey'),
  audit: { readOnly: true, request: (input) => ({ keyId: input.KeyId }) },
  async run({ service, keys }) {
    const key = keys[0]!;
    service.requireState('DescribeKey', key);
    return { KeyMetadata: keyMetadata(key, await service.relatedKeys(key)) };
  },
});
