/**
 * CreateCustomKeyStore. AWS KMS API reference, CreateCustomKeyStore. The one operation that is
 * refused for good input: Keystrel has no custom key stores.
 */
import { KmsError } from '../../core/errors.js';
import { kmsString, structure } from '../../protocol/schema.js';
import { ownDraws } from '../draws.js';
import { operation } from '../port.js';
import {
  auditStore,
  CustomKeyStoreName,
  CustomKeyStoreType,
  requireStoreMembers,
  STORE_MEMBERS,
} from './custom-key-store.js';

export const createCustomKeyStore = operation({
  name: 'CreateCustomKeyStore',
  input: structure(
    {
      CustomKeyStoreName,
      TrustAnchorCertificate: kmsString({ min: 1, max: 5000 }),
      CustomKeyStoreType,
      ...STORE_MEMBERS,
    },
    { required: ['CustomKeyStoreName'] },
  ),
  access: () => [],
  quota: ownDraws('CreateCustomKeyStore'),
  audit: { readOnly: false, request: auditStore },
  async run(_context, input): Promise<never> {
    requireStoreMembers(input);
    throw new KmsError('UnsupportedOperationException', 'Custom key stores are not supported.');
  },
});
