/** ListKeyPolicies. AWS KMS API reference, ListKeyPolicies: the one name is `default`. */
import { KmsError } from '../../core/errors.js';
import { structure } from '../../protocol/schema.js';
import { ownDraws } from '../draws.js';
import { KeyId, Limit, Marker } from '../members.js';
import { operation } from '../port.js';
import { DEFAULT_POLICY_NAME } from './key-policy.js';

export const listKeyPolicies = operation({
  name: 'ListKeyPolicies',
  input: structure({ KeyId, Limit, Marker }, { required: ['KeyId'] }),
  access: (input) => [
    { member: 'KeyId', id: input.KeyId, aliases: false, permission: 'kms:ListKeyPolicies' },
  ],
  quota: ownDraws('ListKeyPolicies'),
  audit: {
    readOnly: true,
    request: (input) => ({ keyId: input.KeyId, limit: input.Limit, marker: input.Marker }),
  },
  async run({ service, keys }, input) {
    service.requireState('ListKeyPolicies', keys[0]!);
    // One name fits every page, so that no marker was ever given.
    if (input.Marker !== undefined) {
      throw new KmsError('InvalidMarkerException', 'The marker is not valid.');
    }
    return { PolicyNames: [DEFAULT_POLICY_NAME], Truncated: false };
  },
});
