/** Round trips of key encapsulation; run by the SDK's test. */
import {
  DecapsulateCommand,
  EncapsulateCommand,
  type EncapsulationAlgorithmSpec,
  GetPublicKeyCommand,
  type KeyUsageType,
} from '@aws-sdk/client-kms';
import { expect, test } from 'vitest';
import { SPECS_HERE } from '../specs-of-regions.js';
import type { SdkRig } from './sdk-rig.js';

const KeyUsage: KeyUsageType = 'ENCAPSULATE_DECAPSULATE';
const EncapsulationAlgorithm: EncapsulationAlgorithmSpec = 'ML_KEM';

export function encapsulationTrips(rig: () => SdkRig): void {
  test('Encapsulate, Decapsulate: one secret on both sides', async () => {
    const { kms, createKey } = rig();
    const specs = SPECS_HERE.filter((row) => (row.usages as readonly string[]).includes(KeyUsage));
    expect(specs.map((row) => row.spec)).toEqual(['ML_KEM_512', 'ML_KEM_768', 'ML_KEM_1024']);
    for (const { spec } of specs) {
      const { KeyId, Arn } = await createKey({ KeySpec: spec, KeyUsage });
      const shown = await kms.send(new GetPublicKeyCommand({ KeyId }));
      expect(shown.EncapsulationAlgorithms).toEqual([EncapsulationAlgorithm]);
      const made = await kms.send(new EncapsulateCommand({ KeyId, EncapsulationAlgorithm }));
      const { SharedSecret, SharedSecretCiphertextBlob } = made;
      const opened = await kms.send(
        new DecapsulateCommand({ KeyId, EncapsulationAlgorithm, SharedSecretCiphertextBlob }),
      );
      expect(opened).toMatchObject({ KeyId: Arn, EncapsulationAlgorithm });
      expect(SharedSecret).toHaveLength(32);
      expect(Buffer.from(opened.SharedSecret!)).toEqual(Buffer.from(SharedSecret!));
    }
  });
}
