/**
 * GetParametersForImport. AWS KMS API reference: a wrapping public key and the import token that
 * belongs to it, for 24 hours. RSAES_PKCS1_V1_5 is not taken any more since 10 October 2023; SM2
 * and SM2PKE are for China Regions only.
 */
import { KmsError } from '../../core/errors.js';
import type { Key } from '../../keys/key.js';
import { structure } from '../../protocol/schema.js';
import { keySpecRow, offeredIn } from '../../specs/key-specs.js';
import {
  mayWrap,
  type WrappingAlgorithm as OfferedAlgorithm,
  type WrappingKeySpec as OfferedKeySpec,
  WRAPPING_ALGORITHMS,
  WRAPPING_KEY_SPECS,
} from '../../specs/wrapping.js';
import { ownDraws } from '../draws.js';
import { KeyId, WrappingAlgorithm, WrappingKeySpec } from '../members.js';
import { operation } from '../port.js';

interface Wrapping {
  readonly algorithm: OfferedAlgorithm;
  readonly keySpec: OfferedKeySpec;
}

interface WrappingMembers {
  readonly WrappingAlgorithm: string;
  readonly WrappingKeySpec: string;
}

/** @throws UnsupportedOperationException for what cannot carry material of the key's spec */
function wrappingFor(key: Key, input: WrappingMembers): Wrapping {
  const algorithm = WRAPPING_ALGORITHMS.find((name) => name === input.WrappingAlgorithm);
  const keySpec = WRAPPING_KEY_SPECS.find((name) => name === input.WrappingKeySpec);
  if (
    algorithm !== undefined &&
    keySpec !== undefined &&
    offeredIn(keySpecRow(keySpec), key.record.region) &&
    mayWrap(key.spec, algorithm, keySpec)
  ) {
    return { algorithm, keySpec };
  }
  throw new KmsError(
    'UnsupportedOperationException',
    `WrappingAlgorithm ${input.WrappingAlgorithm} with WrappingKeySpec ${input.WrappingKeySpec} ` +
      `is not supported for KeySpec ${key.record.keySpec}.`,
  );
}

export const getParametersForImport = operation({
  name: 'GetParametersForImport',
  input: structure(
    { KeyId, WrappingAlgorithm, WrappingKeySpec },
    { required: ['KeyId', 'WrappingAlgorithm', 'WrappingKeySpec'] },
  ),
  access: (input) => [
    { member: 'KeyId', id: input.KeyId, aliases: false, permission: 'kms:GetParametersForImport' },
  ],
  quota: ownDraws('GetParametersForImport'),
  audit: {
    readOnly: true,
    request: (input) => ({
      keyId: input.KeyId,
      wrappingAlgorithm: input.WrappingAlgorithm,
      wrappingKeySpec: input.WrappingKeySpec,
    }),
  },
  async run({ service, keys }, input) {
    const key = keys[0]!;
    service.requireState('GetParametersForImport', key);
    const { algorithm, keySpec } = wrappingFor(key, input);
    const { publicKey, token, validTo } = await service.importParameters(key, algorithm, keySpec);
    return {
      KeyId: key.arn,
      ImportToken: token,
      PublicKey: publicKey,
      ParametersValidTo: validTo / 1000,
    };
  },
});
