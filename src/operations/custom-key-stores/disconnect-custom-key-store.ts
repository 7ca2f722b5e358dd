/** DisconnectCustomKeyStore. AWS KMS API reference, DisconnectCustomKeyStore: no store is ever found. */
import { structure } from '../../protocol/schema.js';
import { customKeyStoreNotFound } from '../checks.js';
import { ownDraws } from '../draws.js';
import { CustomKeyStoreId } from '../members.js';
import { operation } from '../port.js';
import { auditStore } from './custom-key-store.js';

export const disconnectCustomKeyStore = operation({
  name: 'DisconnectCustomKeyStore',
  input: structure({ CustomKeyStoreId }, { required: ['CustomKeyStoreId'] }),
  access: () => [],
  quota: ownDraws('DisconnectCustomKeyStore'),
  audit: { readOnly: false, request: auditStore },
  async run(_context, input): Promise<never> {
    throw customKeyStoreNotFound(input.CustomKeyStoreId);
  },
});
