/** Round trips of multi-Region keys; run by the SDK's test. */
import {
  DecryptCommand,
  DescribeKeyCommand,
  EncryptCommand,
  ReplicateKeyCommand,
  UpdatePrimaryRegionCommand,
} from '@aws-sdk/client-kms';
import { expect, test } from 'vitest';
import { failure } from '../failure.js';
import type { SdkRig } from './sdk-rig.js';

const ELSEWHERE = 'us-east-1';

export function multiRegionTrips(rig: () => SdkRig): void {
  test('ReplicateKey, UpdatePrimaryRegion, and a ciphertext across', async () => {
    const { kms, createKey, client, server } = rig();
    const { KeyId, Arn, MultiRegionConfiguration } = await createKey({ MultiRegion: true });
    expect(MultiRegionConfiguration).toEqual({
      ...{ MultiRegionKeyType: 'PRIMARY', ReplicaKeys: [] },
      PrimaryKey: { Arn, Region: server.region },
    });
    const replicated = await kms.send(
      new ReplicateKeyCommand({
        ...{ KeyId, ReplicaRegion: ELSEWHERE, Description: 'over there' },
        Tags: [{ TagKey: 'team', TagValue: 'blue' }],
      }),
    );
    expect(replicated.ReplicaTags).toEqual([{ TagKey: 'team', TagValue: 'blue' }]);
    expect(JSON.parse(replicated.ReplicaPolicy!)).toHaveProperty('Statement');
    const there = client({ region: ELSEWHERE });
    const Plaintext = Buffer.from('across');
    const { CiphertextBlob } = await kms.send(new EncryptCommand({ KeyId, Plaintext }));
    const opened = await there.send(new DecryptCommand({ CiphertextBlob }));
    expect(opened.KeyId).toBe(Arn.replace(server.region, ELSEWHERE));
    expect(Buffer.from(opened.Plaintext!)).toEqual(Plaintext);
    const twice = new ReplicateKeyCommand({ KeyId, ReplicaRegion: ELSEWHERE });
    expect((await failure(kms.send(twice))).name).toBe('AlreadyExistsException');
    await kms.send(new UpdatePrimaryRegionCommand({ KeyId, PrimaryRegion: ELSEWHERE }));
    const shown = await there.send(new DescribeKeyCommand({ KeyId }));
    expect(shown.KeyMetadata?.MultiRegionConfiguration).toMatchObject({
      MultiRegionKeyType: 'PRIMARY',
      PrimaryKey: { Region: ELSEWHERE },
      ReplicaKeys: [{ Arn, Region: server.region }],
    });
  });
}
