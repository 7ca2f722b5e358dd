/** UpdatePrimaryRegion. AWS KMS API reference, UpdatePrimaryRegion. Answers nothing. */
import { keyArn } from '../../core/ids.js';
import { structure } from '../../protocol/schema.js';
import { auditKeyArn } from '../audit-members.js';
import { KeyId, Region } from '../members.js';
import { operation } from '../port.js';

export const updatePrimaryRegion = operation({
  name: 'UpdatePrimaryRegion',
  input: structure({ KeyId, PrimaryRegion: Region }, { required: ['KeyId', 'PrimaryRegion'] }),
  access: (input) => [
    { member: 'KeyId', id: input.KeyId, aliases: false, permission: 'kms:UpdatePrimaryRegion' },
  ],
  quota: (input) => [
    { quota: 'UpdatePrimaryRegion' },
    { quota: 'UpdatePrimaryRegion', region: input.PrimaryRegion },
  ],
  changesKeyState: true,
  audit: {
    readOnly: false,
    request: (input) => ({ keyId: input.KeyId, primaryRegion: input.PrimaryRegion }),
    response: auditKeyArn,
    elsewhere: (input, _output: unknown, keys) => {
      const { account, keyId } = keys[0]!.record;
      const arn = keyArn(input.PrimaryRegion, account, keyId);
      return [
        {
          event: 'UpdatePrimaryRegion',
          region: input.PrimaryRegion,
          request: { keyId: input.KeyId, primaryRegion: input.PrimaryRegion },
          response: { keyId: arn },
          resources: [arn],
        },
      ];
    },
  },
  async run({ service, keys }, input) {
    const key = keys[0]!;
    service.requireState('UpdatePrimaryRegion', key);
    await service.updatePrimaryRegion(key, input.PrimaryRegion);
  },
});
