/** DescribeCustomKeyStores. AWS KMS API reference, DescribeCustomKeyStores: there are none. */
import { KmsError } from '../../core/errors.js';
import { structure } from '../../protocol/schema.js';
import { customKeyStoreNotFound } from '../checks.js';
import { ownDraws } from '../draws.js';
import { CustomKeyStoreId, Limit, Marker } from '../members.js';
import { operation } from '../port.js';
import { CustomKeyStoreName } from './custom-key-store.js';

export const describeCustomKeyStores = operation({
  name: 'DescribeCustomKeyStores',
  input: structure({ CustomKeyStoreId, CustomKeyStoreName, Limit, Marker }),
  access: () => [],
  quota: ownDraws('DescribeCustomKeyStores'),
  audit: {
    readOnly: true,
    request: (input) => ({
      customKeyStoreId: input.CustomKeyStoreId,
      customKeyStoreName: input.CustomKeyStoreName,
      limit: input.Limit,
      marker: input.Marker,
    }),
  },
  async run(_context, input) {
    const { CustomKeyStoreId: id, CustomKeyStoreName: name, Marker: marker } = input;
    if (id !== undefined && name !== undefined) {
      throw new KmsError(
        'ValidationException',
        'CustomKeyStoreId and CustomKeyStoreName cannot be specified in the same request.',
      );
    }
    const wanted = id ?? name;
    if (wanted !== undefined) throw customKeyStoreNotFound(wanted);
    if (marker !== undefined) {
      throw new KmsError('InvalidMarkerException', 'The marker is not valid.');
    }
    return { CustomKeyStores: [], Truncated: false };
  },
});
