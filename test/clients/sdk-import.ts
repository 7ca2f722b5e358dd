/** Round trips of imported key material: every spec, wrapping algorithm and wrapping key. */
import { randomBytes } from 'node:crypto';
import {
  DecryptCommand,
  DeleteImportedKeyMaterialCommand,
  DescribeKeyCommand,
  EncryptCommand,
  GetParametersForImportCommand,
  ImportKeyMaterialCommand,
  type KeyUsageType,
  ListKeyRotationsCommand,
} from '@aws-sdk/client-kms';
import { expect, test } from 'vitest';
import { isImportable, mayWrap, WRAPPING_ALGORITHMS } from '../../src/specs/wrapping.js';
import { encryptMaterial, foreignMaterial } from '../engine/import-material.js';
import { SPECS_HERE, WRAPPING_KEY_SPECS_HERE } from '../specs-of-regions.js';
import type { SdkRig } from './sdk-rig.js';

const MINUTE_MS = 60_000;
const Origin = 'EXTERNAL';

export function importTrips(rig: () => SdkRig): void {
  const rows = SPECS_HERE.filter(isImportable).map((row) => [row.spec, row] as const);

  test.each(rows)('%s under every wrapping that carries it', async (spec, row) => {
    const { kms, createKey } = rig();
    const KeyUsage = row.usages[0] as KeyUsageType;
    const { KeyId, Arn, KeyState } = await createKey({ KeySpec: spec, KeyUsage, Origin });
    expect(KeyState).toBe('PendingImport');
    const material = foreignMaterial(spec);
    let times = 0;
    for (const WrappingAlgorithm of WRAPPING_ALGORITHMS) {
      for (const WrappingKeySpec of WRAPPING_KEY_SPECS_HERE) {
        if (!mayWrap(row, WrappingAlgorithm, WrappingKeySpec)) continue;
        const parameters = await kms.send(
          new GetParametersForImportCommand({ KeyId, WrappingAlgorithm, WrappingKeySpec }),
        );
        expect(parameters.KeyId).toBe(Arn);
        expect(parameters.ParametersValidTo!.getTime()).toBeGreaterThan(Date.now());
        const imported = await kms.send(
          new ImportKeyMaterialCommand({
            ...{ KeyId, ImportToken: parameters.ImportToken },
            EncryptedKeyMaterial: encryptMaterial(
              ...([parameters.PublicKey!, WrappingAlgorithm, material] as const),
            ),
            ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE',
          }),
        );
        expect(imported.KeyId).toBe(Arn);
        times += 1;
      }
    }
    expect(times).toBeGreaterThan(0);
    const shown = await kms.send(new DescribeKeyCommand({ KeyId }));
    expect(shown.KeyMetadata).toMatchObject({
      ...{ KeyState: 'Enabled', Origin, ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE' },
    });
  });

  test('expires, is imported again, gets a second material, is deleted', async () => {
    const { kms, createKey } = rig();
    const { KeyId, Arn } = await createKey({ Origin });
    const [first, second] = [randomBytes(32), randomBytes(32)];
    const wrap = async (material: Uint8Array) => {
      const wrapping = {
        WrappingAlgorithm: 'RSAES_OAEP_SHA_256',
        WrappingKeySpec: 'RSA_2048',
      } as const;
      const { ImportToken, PublicKey } = await kms.send(
        new GetParametersForImportCommand({ KeyId, ...wrapping }),
      );
      const EncryptedKeyMaterial = encryptMaterial(
        ...([PublicKey!, wrapping.WrappingAlgorithm, material] as const),
      );
      return { KeyId, ImportToken, EncryptedKeyMaterial };
    };
    const ValidTo = new Date(Math.floor(Date.now() / 1000) * 1000 + 10 * MINUTE_MS);
    const made = await kms.send(
      new ImportKeyMaterialCommand({
        ...(await wrap(first)),
        ...{ ExpirationModel: 'KEY_MATERIAL_EXPIRES', ValidTo, ImportType: 'NEW_KEY_MATERIAL' },
        KeyMaterialDescription: 'from the safe',
      }),
    );
    const dated = await kms.send(new DescribeKeyCommand({ KeyId }));
    expect(dated.KeyMetadata).toMatchObject({
      ...{ ExpirationModel: 'KEY_MATERIAL_EXPIRES', ValidTo },
      CurrentKeyMaterialId: made.KeyMaterialId,
    });
    const sealed = await kms.send(new EncryptCommand({ KeyId, Plaintext: Buffer.from('text') }));
    await kms.send(
      new ImportKeyMaterialCommand({
        ...{ ...(await wrap(first)), ImportType: 'EXISTING_KEY_MATERIAL' },
        ...{ ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE', KeyMaterialId: made.KeyMaterialId },
      }),
    );
    const added = await kms.send(
      new ImportKeyMaterialCommand({
        ...{ ...(await wrap(second)), ImportType: 'NEW_KEY_MATERIAL' },
        ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE',
      }),
    );
    const listed = await kms.send(
      new ListKeyRotationsCommand({ KeyId, IncludeKeyMaterial: 'ALL_KEY_MATERIAL' }),
    );
    expect(listed.Rotations).toMatchObject([
      { KeyMaterialId: made.KeyMaterialId, KeyMaterialState: 'CURRENT', ImportState: 'IMPORTED' },
      { KeyMaterialId: added.KeyMaterialId, KeyMaterialState: 'PENDING_ROTATION' },
    ]);
    const { CiphertextBlob } = sealed;
    const opened = await kms.send(new DecryptCommand({ CiphertextBlob }));
    expect(Buffer.from(opened.Plaintext!).toString()).toBe('text');
    const { KeyMaterialId } = made;
    const gone = await kms.send(new DeleteImportedKeyMaterialCommand({ KeyId, KeyMaterialId }));
    expect(gone).toMatchObject({ KeyId: Arn, KeyMaterialId });
    const empty = await kms.send(new DescribeKeyCommand({ KeyId }));
    expect(empty.KeyMetadata?.KeyState).toBe('PendingImport');
  });
}
