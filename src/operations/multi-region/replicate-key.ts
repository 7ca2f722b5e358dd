/**
 * ReplicateKey. AWS KMS API reference, ReplicateKey.
 *
 * The reply shows the replica as it begins, in state Creating and without material, as AWS's does;
 * the key is complete by then, so that the first look at it shows its lasting state.
 */
import { keyArn } from '../../core/ids.js';
import type { Key } from '../../keys/key.js';
import { kmsBoolean, structure } from '../../protocol/schema.js';
import { auditMembers } from '../audit-members.js';
import { type KeyMetadata, keyMetadata } from '../key-metadata.js';
import { Description, KeyId, Policy, Region, Tags, tagsOf } from '../members.js';
import { keyPolicyText, requireKeyPolicy } from '../policies/key-policy.js';
import { operation } from '../port.js';

interface ReplicateKeyOutput {
  readonly ReplicaKeyMetadata: KeyMetadata;
  readonly ReplicaPolicy: string;
  readonly ReplicaTags: readonly object[];
}

const creating = (key: Key): Key => ({ ...key, record: { ...key.record, state: 'Creating' } });

export const replicateKey = operation({
  name: 'ReplicateKey',
  input: structure(
    {
      KeyId,
      ReplicaRegion: Region,
      Policy,
      BypassPolicyLockoutSafetyCheck: kmsBoolean(),
      Description,
      Tags,
    },
    { required: ['KeyId', 'ReplicaRegion'] },
  ),
  access: (input) => [
    { member: 'KeyId', id: input.KeyId, aliases: false, permission: 'kms:ReplicateKey' },
  ],
  // AWS makes the replica twice: the first time as a dry run.
  quota: (input) => [
    { quota: 'ReplicateKey' },
    { quota: 'CreateKey', cost: 2, region: input.ReplicaRegion },
  ],
  audit: {
    readOnly: false,
    request: (input) => ({
      keyId: input.KeyId,
      replicaRegion: input.ReplicaRegion,
      policy: input.Policy,
      bypassPolicyLockoutSafetyCheck: input.BypassPolicyLockoutSafetyCheck ?? false,
      description: input.Description ?? '',
      tags: input.Tags?.map(auditMembers),
    }),
    response: (_input, output: ReplicateKeyOutput) =>
      auditMembers({
        ReplicaKeyMetadata: output.ReplicaKeyMetadata,
        ReplicaPolicy: output.ReplicaPolicy,
      }),
    elsewhere: (input, output: ReplicateKeyOutput) => {
      const made = output.ReplicaKeyMetadata;
      return [
        {
          event: 'CreateKey',
          region: input.ReplicaRegion,
          request: {
            policy: input.Policy,
            description: made.Description,
            keyUsage: made.KeyUsage,
            customerMasterKeySpec: made.CustomerMasterKeySpec,
            keySpec: made.KeySpec,
            origin: made.Origin,
            bypassPolicyLockoutSafetyCheck: input.BypassPolicyLockoutSafetyCheck ?? false,
            tags: input.Tags?.map(auditMembers),
            multiRegion: true,
          },
          response: auditMembers({ KeyMetadata: made }),
          resources: [made.Arn],
        },
      ];
    },
  },
  async run(context, input): Promise<ReplicateKeyOutput> {
    const { service, keys } = context;
    const key = keys[0]!;
    service.requireState('ReplicateKey', key);
    if (input.Policy !== undefined) {
      const { account, keyId } = key.record;
      const arn = keyArn(input.ReplicaRegion, account, keyId);
      const target = { ...key.record, multiRegionRole: 'REPLICA', arn } as const;
      await requireKeyPolicy(context, input.Policy, target, input.BypassPolicyLockoutSafetyCheck);
    }
    const replica = await service.replicateKey(key, {
      region: input.ReplicaRegion,
      description: input.Description ?? '',
      policy: input.Policy,
      tags: tagsOf(input.Tags),
    });
    return {
      ReplicaKeyMetadata: keyMetadata(creating(replica), await service.relatedKeys(replica)),
      ReplicaPolicy: keyPolicyText(replica),
      ReplicaTags: input.Tags ?? [],
    };
  },
});
