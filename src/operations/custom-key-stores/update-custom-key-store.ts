/** UpdateCustomKeyStore. AWS KMS API reference, UpdateCustomKeyStore: no store is ever found. */
import { structure } from '../../protocol/schema.js';
import { customKeyStoreNotFound } from '../checks.js';
import { ownDraws } from '../draws.js';
import { CustomKeyStoreId } from '../members.js';
import { operation } from '../port.js';
import {
  auditStore,
  CustomKeyStoreName,
  requireOneType,
  STORE_MEMBERS,
} from './custom-key-store.js';

export const updateCustomKeyStore = operation({
  name: 'UpdateCustomKeyStore',
  input: structure(
    { CustomKeyStoreId, NewCustomKeyStoreName: CustomKeyStoreName, ...STORE_MEMBERS },
    { required: ['CustomKeyStoreId'] },
  ),
  access: () => [],
  quota: ownDraws('UpdateCustomKeyStore'),
  audit: { readOnly: false, request: auditStore },
  async run(_context, input): Promise<never> {
    requireOneType(input);
    throw customKeyStoreNotFound(input.CustomKeyStoreId);
  },
});
