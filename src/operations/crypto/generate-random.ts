/** GenerateRandom. AWS KMS API reference, GenerateRandom. */
import { KmsError } from '../../core/errors.js';
import { structure } from '../../protocol/schema.js';
import { refuseCustomKeyStore, refuseRecipient } from '../checks.js';
import { symmetricDraws } from '../draws.js';
import { CustomKeyStoreId, NumberOfBytes, Recipient } from '../members.js';
import { operation } from '../port.js';

export const generateRandom = operation({
  name: 'GenerateRandom',
  input: structure({ NumberOfBytes, CustomKeyStoreId, Recipient }),
  access(input) {
    // The model has the member as optional, so the text is not that of a null member.
    if (input.NumberOfBytes === undefined) {
      throw new KmsError('ValidationException', 'NumberOfBytes is required.');
    }
    refuseRecipient(input.Recipient);
    refuseCustomKeyStore(input.CustomKeyStoreId);
    return [];
  },
  quota: symmetricDraws,
  audit: { readOnly: true, request: () => null },
  run({ service }, input) {
    return service.random(input.NumberOfBytes!).then((bytes) => {
      const text = bytes.toString('base64');
      bytes.fill(0);
      return { Plaintext: text };
    });
  },
});
