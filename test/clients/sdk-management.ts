/** Round trips of keys, aliases, policies, tags, grants and rotation; run by the SDK's test. */
import {
  CancelKeyDeletionCommand,
  CreateAliasCommand,
  CreateGrantCommand,
  CreateKeyCommand,
  type CustomerMasterKeySpec,
  DecryptCommand,
  DeleteAliasCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  DisableKeyRotationCommand,
  EnableKeyCommand,
  EnableKeyRotationCommand,
  EncryptCommand,
  GetKeyLastUsageCommand,
  GetKeyPolicyCommand,
  GetKeyRotationStatusCommand,
  GrantOperation,
  ListAliasesCommand,
  ListGrantsCommand,
  ListKeyPoliciesCommand,
  ListKeyRotationsCommand,
  ListKeysCommand,
  ListResourceTagsCommand,
  ListRetirableGrantsCommand,
  PutKeyPolicyCommand,
  paginateListKeys,
  RetireGrantCommand,
  RevokeGrantCommand,
  RotateKeyOnDemandCommand,
  ScheduleKeyDeletionCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateAliasCommand,
  UpdateKeyDescriptionCommand,
} from '@aws-sdk/client-kms';
import { expect, test } from 'vitest';
import { failure } from '../failure.js';
import { SPECS_HERE } from '../specs-of-regions.js';
import type { SdkRig } from './sdk-rig.js';
import { sdkEnum } from './sdk-shapes.js';

const DAY_MS = 86_400_000;

export function keyTrips(rig: () => SdkRig): void {
  test.each(
    SPECS_HERE.flatMap(({ spec, usages }) => usages.map((usage) => [spec, usage] as const)),
  )('a key of %s for %s, made and described', async (KeySpec, KeyUsage) => {
    const { kms, createKey } = rig();
    const made = await createKey({
      KeySpec,
      KeyUsage: KeyUsage,
      Origin: 'AWS_KMS',
    });
    const shown = await kms.send(new DescribeKeyCommand({ KeyId: made.Arn }));
    expect(shown.KeyMetadata).toEqual(made);
    expect(made).toMatchObject({
      KeySpec,
      KeyUsage,
      KeyState: 'Enabled',
      KeyManager: 'CUSTOMER',
    });
    if (!sdkEnum('CustomerMasterKeySpec').includes(KeySpec)) return;
    // The member of old programs.
    const CustomerMasterKeySpec = KeySpec as CustomerMasterKeySpec;
    const old = await createKey({ CustomerMasterKeySpec, KeyUsage: KeyUsage });
    expect(old).toMatchObject({ KeySpec, CustomerMasterKeySpec, KeyUsage });
  });

  test('described anew, disabled, enabled, planned for deletion, kept', async () => {
    const { kms, createKey } = rig();
    const { KeyId, Arn } = await createKey({ Description: 'first' });
    await kms.send(new UpdateKeyDescriptionCommand({ KeyId, Description: 'second' }));
    await kms.send(new DisableKeyCommand({ KeyId }));
    const shown = await kms.send(new DescribeKeyCommand({ KeyId }));
    expect(shown.KeyMetadata).toMatchObject({ Description: 'second', Enabled: false });
    await kms.send(new EnableKeyCommand({ KeyId }));
    const planned = await kms.send(
      new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays: 7 }),
    );
    expect(planned).toMatchObject({ KeyId: Arn, KeyState: 'PendingDeletion' });
    expect(Math.abs(planned.DeletionDate!.getTime() - Date.now() - 7 * DAY_MS)).toBeLessThan(
      DAY_MS,
    );
    const dated = await kms.send(new DescribeKeyCommand({ KeyId }));
    expect(dated.KeyMetadata?.DeletionDate).toEqual(planned.DeletionDate);
    expect(await kms.send(new CancelKeyDeletionCommand({ KeyId }))).toMatchObject({ KeyId: Arn });
    const kept = await kms.send(new DescribeKeyCommand({ KeyId }));
    expect(kept.KeyMetadata?.KeyState).toBe('Disabled');
  });

  test('listed, one page after the other', async () => {
    const { kms, createKey } = rig();
    const { KeyId, Arn } = await createKey();
    const first = await kms.send(new ListKeysCommand({ Limit: 1 }));
    expect(first.Truncated).toBe(true);
    const all = [];
    for await (const { Keys } of paginateListKeys({ client: kms, pageSize: 3 }, {})) {
      all.push(...Keys!);
    }
    expect(all).toContainEqual({ KeyId, KeyArn: Arn });
    expect(new Set(all.map((one) => one.KeyId)).size).toBe(all.length);
  });

  test('last use: none, then the request that was one', async () => {
    const { kms, createKey } = rig();
    const { KeyId, Arn, CreationDate } = await createKey();
    const none = await kms.send(new GetKeyLastUsageCommand({ KeyId }));
    expect(none).toMatchObject({ KeyId: Arn, KeyLastUsage: {}, KeyCreationDate: CreationDate });
    const used = await kms.send(new EncryptCommand({ KeyId, Plaintext: Buffer.from('text') }));
    const { KeyLastUsage } = await kms.send(new GetKeyLastUsageCommand({ KeyId }));
    expect(KeyLastUsage).toMatchObject({
      Operation: 'Encrypt',
      KmsRequestId: used.$metadata.requestId,
    });
    expect(KeyLastUsage!.Timestamp).toBeInstanceOf(Date);
  });
}

export function aliasTrips(rig: () => SdkRig): void {
  test('made, moved, used as a name, deleted', async () => {
    const { kms, createKey } = rig();
    const [one, two] = [await createKey(), await createKey()];
    const AliasName = 'alias/round-trip';
    await kms.send(new CreateAliasCommand({ AliasName, TargetKeyId: one.KeyId }));
    await kms.send(new UpdateAliasCommand({ AliasName, TargetKeyId: two.Arn }));
    const { Aliases } = await kms.send(new ListAliasesCommand({ KeyId: two.KeyId }));
    expect(Aliases).toMatchObject([{ AliasName, TargetKeyId: two.KeyId }]);
    expect(Aliases![0]!.LastUpdatedDate! >= Aliases![0]!.CreationDate!).toBe(true);
    const shown = await kms.send(new DescribeKeyCommand({ KeyId: Aliases![0]!.AliasArn }));
    expect(shown.KeyMetadata).toEqual(two);
    await kms.send(new DeleteAliasCommand({ AliasName }));
    const gone = kms.send(new DescribeKeyCommand({ KeyId: AliasName }));
    expect((await failure(gone)).name).toBe('NotFoundException');
  });
}

export function policyTrips(rig: () => SdkRig): void {
  test('policies: listed, read, put, read again', async () => {
    const { kms, createKey } = rig();
    const { KeyId } = await createKey();
    const names = await kms.send(new ListKeyPoliciesCommand({ KeyId }));
    expect(names).toMatchObject({ PolicyNames: ['default'], Truncated: false });
    const first = await kms.send(new GetKeyPolicyCommand({ KeyId, PolicyName: 'default' }));
    const document = { ...JSON.parse(first.Policy!), Id: 'round-trip' };
    const Policy = JSON.stringify(document);
    await kms.send(new PutKeyPolicyCommand({ KeyId, PolicyName: 'default', Policy }));
    const second = await kms.send(new GetKeyPolicyCommand({ KeyId }));
    expect(JSON.parse(second.Policy!)).toEqual(document);
    expect(second.PolicyName).toBe('default');
    const made = await kms.send(new CreateKeyCommand({ Policy }));
    expect(made.KeyMetadata?.KeyState).toBe('Enabled');
  });

  test('tags: of CreateKey, added, removed, listed', async () => {
    const { kms, createKey } = rig();
    const { KeyId } = await createKey({ Tags: [{ TagKey: 'team', TagValue: 'blue' }] });
    await kms.send(new TagResourceCommand({ KeyId, Tags: [{ TagKey: 'cost', TagValue: '' }] }));
    await kms.send(new UntagResourceCommand({ KeyId, TagKeys: ['team'] }));
    const { Tags, Truncated } = await kms.send(new ListResourceTagsCommand({ KeyId }));
    expect([Tags, Truncated]).toEqual([[{ TagKey: 'cost', TagValue: '' }], false]);
  });
}

export function grantTrips(rig: () => SdkRig): void {
  const RETIRE = 'arn:aws:iam::111122223333:role/retire';
  const GranteePrincipal = 'arn:aws:iam::111122223333:role/grantee';

  test('with constraints, listed, retired by token and by id, revoked', async () => {
    const { kms, createKey, server } = rig();
    const { KeyId, Arn } = await createKey();
    const self = `arn:aws:iam::${server.account}:user/tester`;
    const grant = (Name: string) =>
      kms.send(
        new CreateGrantCommand({
          ...{ KeyId, Name, GranteePrincipal, RetiringPrincipal: self },
          Operations: ['Decrypt', 'Encrypt', 'RetireGrant'],
          Constraints: { EncryptionContextSubset: { stage: 'demo' } },
        }),
      );
    const [one, two, three] = [await grant('one'), await grant('two'), await grant('three')];
    const { Grants } = await kms.send(new ListGrantsCommand({ KeyId, GrantId: one.GrantId }));
    expect(Grants).toMatchObject([
      {
        ...{ Name: 'one', KeyId: Arn, GrantId: one.GrantId, GranteePrincipal },
        RetiringPrincipal: self,
        Operations: ['Decrypt', 'Encrypt', 'RetireGrant'],
        Constraints: { EncryptionContextSubset: { stage: 'demo' } },
      },
    ]);
    expect(Grants![0]!.CreationDate).toBeInstanceOf(Date);
    const mine = new ListRetirableGrantsCommand({ RetiringPrincipal: self, Limit: 50 });
    expect((await kms.send(mine)).Grants).toHaveLength(3);
    await kms.send(new RetireGrantCommand({ GrantToken: one.GrantToken }));
    await kms.send(new RetireGrantCommand({ KeyId: Arn, GrantId: two.GrantId }));
    await kms.send(new RevokeGrantCommand({ KeyId, GrantId: three.GrantId }));
    expect((await kms.send(new ListGrantsCommand({ KeyId }))).Grants).toEqual([]);
  });

  test('of every operation, on a key that has it', async () => {
    const { kms, createKey } = rig();
    const offered = SPECS_HERE.flatMap((row) =>
      row.usages.map((usage) => [row.spec, usage] as const),
    );
    // The first spec of each usage: the symmetric one has more operations than RSA.
    const usages = [...new Map(offered.reverse().map(([spec, usage]) => [usage, spec]))];
    const granted = new Set<string>();
    for (const [KeyUsage, KeySpec] of usages) {
      const { KeyId } = await createKey({ KeySpec, KeyUsage: KeyUsage });
      for (const one of Object.values(GrantOperation)) {
        // Creating further grants has to go with something to grant.
        const Operations: GrantOperation[] = one === 'CreateGrant' ? [one, 'DescribeKey'] : [one];
        const call = new CreateGrantCommand({
          ...{ KeyId, Operations, GranteePrincipal, RetiringPrincipal: RETIRE },
        });
        try {
          await kms.send(call);
          granted.add(one);
        } catch (error) {
          expect((error as Error).name).toBe('ValidationException');
        }
      }
      await kms.send(new ListGrantsCommand({ KeyId }));
    }
    const isThere = (one: string) =>
      !one.endsWith('capsulate') || usages.some(([usage]) => usage.endsWith('_DECAPSULATE'));
    expect([...granted].sort()).toEqual(Object.values(GrantOperation).filter(isThere).sort());
  });
}

export function rotationTrips(rig: () => SdkRig): void {
  test('enabled, read, on demand, listed, disabled; every version opens', async () => {
    const { kms, createKey } = rig();
    const { KeyId, Arn, CurrentKeyMaterialId } = await createKey();
    await kms.send(new EnableKeyRotationCommand({ KeyId, RotationPeriodInDays: 90 }));
    const status = await kms.send(new GetKeyRotationStatusCommand({ KeyId }));
    expect(status).toMatchObject({
      KeyId: Arn,
      KeyRotationEnabled: true,
      RotationPeriodInDays: 90,
    });
    expect(status.NextRotationDate).toBeInstanceOf(Date);
    const Plaintext = Buffer.from('before');
    const before = await kms.send(new EncryptCommand({ KeyId, Plaintext }));
    expect(await kms.send(new RotateKeyOnDemandCommand({ KeyId }))).toMatchObject({ KeyId: Arn });
    const only = await kms.send(
      new ListKeyRotationsCommand({ KeyId, IncludeKeyMaterial: 'ROTATIONS_ONLY' }),
    );
    expect(only.Rotations).toMatchObject([{ KeyId, RotationType: 'ON_DEMAND' }]);
    const all = await kms.send(
      new ListKeyRotationsCommand({ KeyId, IncludeKeyMaterial: 'ALL_KEY_MATERIAL' }),
    );
    expect(all.Rotations).toHaveLength(2);
    const opened = await kms.send(new DecryptCommand({ CiphertextBlob: before.CiphertextBlob }));
    expect(opened).toMatchObject({ KeyId: Arn, KeyMaterialId: CurrentKeyMaterialId });
    expect(Buffer.from(opened.Plaintext!)).toEqual(Plaintext);
    await kms.send(new DisableKeyRotationCommand({ KeyId }));
    const { KeyRotationEnabled } = await kms.send(new GetKeyRotationStatusCommand({ KeyId }));
    expect(KeyRotationEnabled).toBe(false);
  });
}
