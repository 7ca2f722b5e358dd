/** Encapsulate. AWS KMS API reference, Encapsulate; ML-KEM.Encaps of FIPS 203. */
import { Base64Text } from '../../core/blob.js';
import { structure } from '../../protocol/schema.js';
import { cryptoDraws } from '../draws.js';
import { DryRun, EncapsulationAlgorithm, GrantTokens, KeyId } from '../members.js';
import { operation } from '../port.js';
import { encapsulationAudit, requireEncapsulates } from './encapsulation.js';

export const encapsulate = operation({
  name: 'Encapsulate',
  input: structure(
    { KeyId, EncapsulationAlgorithm, GrantTokens, DryRun },
    { required: ['KeyId', 'EncapsulationAlgorithm'] },
  ),
  access(input) {
    return [{ member: 'KeyId', id: input.KeyId, aliases: true, permission: 'kms:Encapsulate' }];
  },
  quota: (_input, keys) => cryptoDraws(keys),
  audit: encapsulationAudit,
  run({ service, keys, endDryRun }, input) {
    const key = keys[0]!;
    const algorithm = input.EncapsulationAlgorithm;
    requireEncapsulates(service, 'Encapsulate', key, algorithm);
    endDryRun(input.DryRun);
    return service.encapsulate(key, algorithm).then(({ sharedSecret, ciphertext }) => {
      const text = new Base64Text(sharedSecret);
      sharedSecret.fill(0);
      return {
        KeyId: key.arn,
        SharedSecret: text,
        SharedSecretCiphertextBlob: ciphertext,
        EncapsulationAlgorithm: algorithm,
      };
    });
  },
});
