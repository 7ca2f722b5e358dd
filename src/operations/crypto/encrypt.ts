/** Encrypt. AWS KMS API reference, Encrypt; sizes: crypto facts of Encrypt's Plaintext member. */
import { structure } from '../../protocol/schema.js';
import { auditMaterial } from '../audit-members.js';
import { refuseContextOf, requireAlgorithm, requireFits } from '../checks.js';
import { cryptoDraws } from '../draws.js';
import {
  DryRun,
  EncryptionAlgorithm,
  EncryptionContext,
  GrantTokens,
  KeyId,
  Plaintext,
  SYMMETRIC_DEFAULT,
} from '../members.js';
import { operation } from '../port.js';

export const encrypt = operation({
  name: 'Encrypt',
  input: structure(
    {
      KeyId,
      Plaintext,
      EncryptionContext,
      GrantTokens,
      EncryptionAlgorithm,
      DryRun,
    },
    { required: ['KeyId', 'Plaintext'] },
  ),
  access(input) {
    return [{ member: 'KeyId', id: input.KeyId, aliases: true, permission: 'kms:Encrypt' }];
  },
  quota: (_input, keys) => cryptoDraws(keys),
  audit: {
    readOnly: true,
    request: (input) => ({
      keyId: input.KeyId,
      encryptionAlgorithm: input.EncryptionAlgorithm ?? SYMMETRIC_DEFAULT,
      encryptionContext: input.EncryptionContext,
    }),
    extra: auditMaterial,
  },
  run({ service, keys, endDryRun }, input) {
    const key = keys[0]!;
    const algorithm = input.EncryptionAlgorithm ?? SYMMETRIC_DEFAULT;
    service.requireState('Encrypt', key);
    service.requireUsage('Encrypt', key, 'ENCRYPT_DECRYPT');
    requireAlgorithm(key, key.spec.encryptionAlgorithms, algorithm);
    const answer = (blob: Buffer) => ({
      CiphertextBlob: blob,
      KeyId: key.arn,
      EncryptionAlgorithm: algorithm,
    });
    if (algorithm === SYMMETRIC_DEFAULT) {
      endDryRun(input.DryRun);
      return service.encrypt(key, input.Plaintext, input.EncryptionContext).then(answer);
    }
    refuseContextOf(algorithm, input.EncryptionContext);
    requireFits(key, algorithm, input.Plaintext.length);
    endDryRun(input.DryRun);
    return service.encryptAsymmetric(key, algorithm, input.Plaintext).then(answer);
  },
});
