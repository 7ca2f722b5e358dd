/** GetPublicKey. AWS KMS API reference, GetPublicKey: DER SubjectPublicKeyInfo (RFC 5280). */
import { KmsError } from '../../core/errors.js';
import { structure } from '../../protocol/schema.js';
import { ownDraws } from '../draws.js';
import { algorithmLists, customerMasterKeySpec } from '../key-metadata.js';
import { GrantTokens, KeyId } from '../members.js';
import { operation } from '../port.js';

export const getPublicKey = operation({
  name: 'GetPublicKey',
  input: structure({ KeyId, GrantTokens }, { required: ['KeyId'] }),
  access(input) {
    return [{ member: 'KeyId', id: input.KeyId, aliases: true, permission: 'kms:GetPublicKey' }];
  },
  quota: ownDraws('GetPublicKey'),
  audit: { readOnly: true, request: (input) => ({ keyId: input.KeyId }) },
  async run({ service, keys }) {
    const key = keys[0]!;
    service.requireState('GetPublicKey', key);
    const { publicKey, keySpec, keyUsage, currentMaterialId } = key.record;
    if (currentMaterialId === null) {
      throw new KmsError('KMSInvalidStateException', `${key.arn} is pending import.`);
    }
    // Symmetric and HMAC keys have none.
    if (publicKey === null) throw new KmsError('UnsupportedOperationException');
    return {
      KeyId: key.arn,
      PublicKey: publicKey,
      ...customerMasterKeySpec(key),
      KeySpec: keySpec,
      KeyUsage: keyUsage,
      ...algorithmLists(key),
    };
  },
});
