/** GenerateRandom. AWS KMS API reference, GenerateRandom. */
import { Base64Text } from '../../core/blob.js';
import { KmsError } from '../../core/errors.js';
import { structure } from '../../protocol/schema.js';
import { refuseCustomKeyStore, requireDocument } from '../checks.js';
import { symmetricDraws } from '../draws.js';
import { CustomKeyStoreId, NumberOfBytes, Recipient } from '../members.js';
import { operation } from '../port.js';
import { envelopeOf } from './attested.js';

interface GenerateRandomOutput {
  readonly Plaintext?: Base64Text;
  readonly CiphertextForRecipient?: Buffer;
}

export const generateRandom = operation({
  name: 'GenerateRandom',
  attested: true,
  input: structure({ NumberOfBytes, CustomKeyStoreId, Recipient }),
  access(input) {
    // The model has the member as optional, so the text is not that of a null member.
    if (input.NumberOfBytes === undefined) {
      throw new KmsError('ValidationException', 'NumberOfBytes is required.');
    }
    requireDocument(input.Recipient);
    refuseCustomKeyStore(input.CustomKeyStoreId);
    return [];
  },
  quota: symmetricDraws,
  audit: { readOnly: true, request: () => null },
  run({ service, recipient }, input): Promise<GenerateRandomOutput> {
    return service.random(input.NumberOfBytes!).then((bytes) => {
      if (recipient !== undefined) return { CiphertextForRecipient: envelopeOf(bytes, recipient) };
      const text = new Base64Text(bytes);
      bytes.fill(0);
      return { Plaintext: text };
    });
  },
});
