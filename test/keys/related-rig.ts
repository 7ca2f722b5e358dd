/** Multi-Region keys of the rig, for tests. */
import type { KeySpec, KeyUsage } from '../../src/core/records.js';
import type { Key } from '../../src/keys/key.js';
import { ACCOUNT, CALLER, caller, type Rig } from './rig.js';

export const SECOND = 'us-east-1';
export const THIRD = 'ap-southeast-2';

export const asked = (region: string) => ({ region, description: '', policy: undefined, tags: [] });

export async function primary(rig: Rig, spec: KeySpec = 'SYMMETRIC_DEFAULT', usage?: KeyUsage) {
  return rig.service.createKey(CALLER, {
    keySpec: spec,
    keyUsage: usage ?? 'ENCRYPT_DECRYPT',
    origin: 'AWS_KMS',
    description: 'the first',
    multiRegion: true,
    policy: '{"Statement":[]}',
    tags: [{ key: 'a', value: 'b' }],
  });
}

/** The key of that id in a Region, as new as the call. */
export const seen = (rig: Rig, key: Key, region: string) =>
  rig.resolve({ id: key.record.keyId, permission: 'kms:DescribeKey' }, caller(ACCOUNT, region));

export const stored = async (rig: Rig, key: Key, region: string) =>
  (await rig.store.getKey({ account: ACCOUNT, region }, key.record.keyId))!;
