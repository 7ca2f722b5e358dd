/** DeleteCustomKeyStore. AWS KMS API reference, DeleteCustomKeyStore: no store is ever found. */
import { structure } from '../../protocol/schema.js';
import { customKeyStoreNotFound } from '../checks.js';
import { ownDraws } from '../draws.js';
import { CustomKeyStoreId } from '../members.js';
import { operation } from '../port.js';
import { auditStore } from './custom-key-store.js';

export const deleteCustomKeyStore = operation({
  name: 'DeleteCustomKeyStore',
  input: structure({ CustomKeyStoreId }, { required: ['CustomKeyStoreId'] }),
  access: () => [],
  quota: ownDraws('DeleteCustomKeyStore'),
  audit: { readOnly: false, request: auditStore },
  async run(_context, input): Promise<never> {
    throw customKeyStoreNotFound(input.CustomKeyStoreId);
  },
});
