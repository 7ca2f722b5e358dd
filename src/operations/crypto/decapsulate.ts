/**
 * Decapsulate. AWS KMS API reference, Decapsulate; ML-KEM.Decaps of FIPS 203: a ciphertext of the
 * right length that was not made for the key gives a secret that nobody else has, and no error.
 */
import { Base64Text } from '../../core/blob.js';
import { structure } from '../../protocol/schema.js';
import { cryptoDraws } from '../draws.js';
import { CiphertextBlob, DryRun, EncapsulationAlgorithm, GrantTokens, KeyId } from '../members.js';
import { operation } from '../port.js';
import { encapsulationAudit, requireEncapsulates } from './encapsulation.js';

export const decapsulate = operation({
  name: 'Decapsulate',
  input: structure(
    {
      KeyId,
      SharedSecretCiphertextBlob: CiphertextBlob,
      EncapsulationAlgorithm,
      GrantTokens,
      DryRun,
    },
    { required: ['KeyId', 'SharedSecretCiphertextBlob', 'EncapsulationAlgorithm'] },
  ),
  access(input) {
    return [{ member: 'KeyId', id: input.KeyId, aliases: true, permission: 'kms:Decapsulate' }];
  },
  quota: (_input, keys) => cryptoDraws(keys),
  audit: encapsulationAudit,
  run({ service, keys, endDryRun }, input) {
    const key = keys[0]!;
    const algorithm = input.EncapsulationAlgorithm;
    requireEncapsulates(service, 'Decapsulate', key, algorithm);
    return service
      .decapsulate(key, algorithm, input.SharedSecretCiphertextBlob)
      .then((sharedSecret) => {
        const text = new Base64Text(sharedSecret);
        sharedSecret.fill(0);
        // A dry run says whether the ciphertext would have been taken, so it ends after that.
        endDryRun(input.DryRun);
        return { KeyId: key.arn, SharedSecret: text, EncapsulationAlgorithm: algorithm };
      });
  },
});
