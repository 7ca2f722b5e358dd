/** Keys that rotate, and what became of them, for the tests of rotation. */
import type { StoredKey, StoredMaterial } from '../../src/core/records.js';
import type { Key } from '../../src/keys/key.js';
import type { Rig } from './rig.js';

export const DAY_MS = 86_400_000;
export const scopeOf = ({ account, region }: StoredKey) => ({ account, region });

/** The key as the store has it now. */
export async function fresh(rig: Rig, key: Key): Promise<Key> {
  return rig.resolve({ id: key.arn, permission: 'kms:DescribeKey' });
}

export async function rotations(rig: Rig, key: Key): Promise<readonly StoredMaterial[]> {
  return (await rig.service.listRotations(key, 'rotated', 1000, undefined)).items;
}

/** Dates of the automatic rotations of a key, in days after `start`. */
export async function days(rig: Rig, key: Key, start: number): Promise<number[]> {
  const made = await rotations(rig, key);
  return made.map((one) => (one.rotatedAt! - start) / DAY_MS);
}

export async function rotating(rig: Rig, periodDays = 90): Promise<Key> {
  const key = await rig.create();
  await rig.service.enableKeyRotation(key, periodDays);
  return fresh(rig, key);
}
