/** Grants, rotation, import, Regions and the rest by the AWS CLI; run by its test. */
import { createPublicKey, diffieHellman, generateKeyPairSync, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { encryptMaterial } from '../engine/import-material.js';
import type { CliRig } from './aws-cli-rig.js';

const ELSEWHERE = 'us-east-1';
const fromBase64 = (text: string) => Buffer.from(text, 'base64');

async function makeKey(rig: CliRig, ...args: string[]): Promise<{ KeyId: string; Arn: string }> {
  return (await rig.aws('create-key', ...args)).KeyMetadata;
}

export function cliFamilies(rig: () => CliRig): void {
  test('grants: created, listed, retired, revoked', async () => {
    const { aws, server } = rig();
    const { KeyId, Arn } = await makeKey(rig());
    const self = `arn:aws:iam::${server.account}:user/tester`;
    const create = [
      ...['create-grant', '--key-id', KeyId, '--grantee-principal', self],
      ...['--retiring-principal', self, '--operations', 'Decrypt', 'Encrypt', '--name'],
    ];
    const one = await aws(...create, 'one', '--constraints', 'EncryptionContextSubset={a=b}');
    const two = await aws(...create, 'two');
    const { Grants } = await aws('list-grants', '--key-id', KeyId);
    expect(Grants).toHaveLength(2);
    expect(Grants).toContainEqual(
      expect.objectContaining({
        ...{ KeyId: Arn, GrantId: one.GrantId, Name: 'one' },
        Constraints: { EncryptionContextSubset: { a: 'b' } },
      }),
    );
    const mine = await aws('list-retirable-grants', '--retiring-principal', self);
    expect(mine.Grants).toHaveLength(2);
    await aws('retire-grant', '--grant-token', one.GrantToken);
    await aws('revoke-grant', '--key-id', KeyId, '--grant-id', two.GrantId);
    expect((await aws('list-grants', '--key-id', KeyId)).Grants).toEqual([]);
  });

  test('rotation: enabled, on demand, listed, disabled', async () => {
    const { aws, commands } = rig();
    const { KeyId, Arn } = await makeKey(rig());
    const named = ['--key-id', KeyId];
    await aws('enable-key-rotation', ...named);
    expect((await aws('get-key-rotation-status', ...named)).KeyRotationEnabled).toBe(true);
    if (commands.includes('rotate-key-on-demand')) {
      await aws('enable-key-rotation', ...named, '--rotation-period-in-days', '100');
      const status = await aws('get-key-rotation-status', ...named);
      expect(status.RotationPeriodInDays).toBe(100);
      expect(Date.parse(status.NextRotationDate)).toBeGreaterThan(Date.now());
      expect(await aws('rotate-key-on-demand', ...named)).toEqual({ KeyId: Arn });
      const { Rotations } = await aws('list-key-rotations', ...named);
      expect(Rotations).toMatchObject([{ RotationType: 'ON_DEMAND' }]);
    }
    await aws('disable-key-rotation', ...named);
    expect((await aws('get-key-rotation-status', ...named)).KeyRotationEnabled).toBe(false);
  });

  test('key material: parameters, import, deletion', async () => {
    const { aws, blob } = rig();
    const { KeyId, Arn } = await makeKey(rig(), '--origin', 'EXTERNAL');
    const WrappingAlgorithm = 'RSAES_OAEP_SHA_256';
    const parameters = await aws(
      ...['get-parameters-for-import', '--key-id', KeyId, '--wrapping-key-spec', 'RSA_3072'],
      ...['--wrapping-algorithm', WrappingAlgorithm],
    );
    const publicKey = fromBase64(parameters.PublicKey);
    const material = encryptMaterial(publicKey, WrappingAlgorithm, randomBytes(32));
    await aws(
      ...['import-key-material', '--key-id', KeyId, '--expiration-model', 'KEY_MATERIAL_EXPIRES'],
      ...['--valid-to', new Date(Date.now() + 3_600_000).toISOString()],
      ...['--import-token', blob('token', fromBase64(parameters.ImportToken))],
      ...['--encrypted-key-material', blob('material', material)],
    );
    const whole = await aws('describe-key', '--key-id', KeyId);
    expect(whole.KeyMetadata).toMatchObject({ Arn, KeyState: 'Enabled' });
    await aws('delete-imported-key-material', '--key-id', KeyId);
    const empty = await aws('describe-key', '--key-id', KeyId);
    expect(empty.KeyMetadata.KeyState).toBe('PendingImport');
  });

  test('data keys without plaintext, the last use', async () => {
    const { aws, blob, commands } = rig();
    const { KeyId, Arn } = await makeKey(rig());
    const named = ['--key-id', KeyId];
    const blind = await aws(
      ...['generate-data-key-without-plaintext', ...named, '--number-of-bytes', '20'],
    );
    expect(blind).toMatchObject({ KeyId: Arn });
    expect(blind).not.toHaveProperty('Plaintext');
    const sealed = blob('sealed', fromBase64(blind.CiphertextBlob));
    const opened = await aws('decrypt', '--ciphertext-blob', sealed);
    expect(fromBase64(opened.Plaintext)).toHaveLength(20);
    const pair = await aws(
      ...['generate-data-key-pair-without-plaintext', ...named, '--key-pair-spec', 'ECC_NIST_P521'],
    );
    expect(pair).toMatchObject({ KeyId: Arn, KeyPairSpec: 'ECC_NIST_P521' });
    if (!commands.includes('get-key-last-usage')) return;
    const { KeyLastUsage } = await aws('get-key-last-usage', ...named);
    expect(KeyLastUsage.Operation).toBe('GenerateDataKeyPairWithoutPlaintext');
  });

  test('a key for agreement, and a secret where the command is known', async () => {
    const { aws, blob, commands } = rig();
    const { KeyId } = await makeKey(
      ...([rig(), '--key-spec', 'ECC_NIST_P256', '--key-usage', 'KEY_AGREEMENT'] as const),
    );
    const shown = await aws('get-public-key', '--key-id', KeyId);
    const key = fromBase64(shown.PublicKey);
    const publicKey = createPublicKey({ key, format: 'der', type: 'spki' });
    expect(publicKey.asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
    if (!commands.includes('derive-shared-secret')) return;
    const peer = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    const spki = peer.publicKey.export({ format: 'der', type: 'spki' });
    const shared = await aws(
      ...['derive-shared-secret', '--key-id', KeyId, '--key-agreement-algorithm', 'ECDH'],
      ...['--public-key', blob('peer', spki)],
    );
    const secret = diffieHellman({ privateKey: peer.privateKey, publicKey });
    expect(fromBase64(shared.SharedSecret)).toEqual(secret);
  });

  test('a key in two Regions, and its primary in the other', async () => {
    const { aws, server } = rig();
    const { KeyId, Arn } = await makeKey(rig(), '--multi-region');
    const there = ['--replica-region', ELSEWHERE, '--description', 'over there'];
    const made = await aws('replicate-key', '--key-id', KeyId, ...there);
    expect(made.ReplicaKeyMetadata.Arn).toBe(Arn.replace(server.region, ELSEWHERE));
    await aws('update-primary-region', '--key-id', KeyId, '--primary-region', ELSEWHERE);
    const seen = await aws('describe-key', '--key-id', KeyId, '--region', ELSEWHERE);
    expect(seen.KeyMetadata.MultiRegionConfiguration.MultiRegionKeyType).toBe('PRIMARY');
  });

  test('custom key stores: none, and none to be had', async () => {
    const { aws } = rig();
    const { CustomKeyStores } = await aws('describe-custom-key-stores');
    expect(CustomKeyStores).toEqual([]);
    const named = ['--custom-key-store-id', 'cks-1234567890abcdef0'];
    for (const command of ['connect', 'disconnect', 'delete', 'update']) {
      const args = command === 'update' ? ['--new-custom-key-store-name', 'other'] : [];
      await expect(aws(`${command}-custom-key-store`, ...named, ...args)).rejects.toThrow(
        /CustomKeyStoreNotFoundException/,
      );
    }
    const making = aws(
      ...['create-custom-key-store', '--custom-key-store-name', 'hsm'],
      ...['--cloud-hsm-cluster-id', 'cluster-2a23b4cdefg', '--key-store-password', 'kmsPswd1'],
      ...['--trust-anchor-certificate', '-----BEGIN CERTIFICATE-----x'],
    );
    await expect(making).rejects.toThrow(/UnsupportedOperationException/);
  });
}

/** Operations of the product that a version of the CLI may not know yet. */
export function encapsulationByCli(rig: () => CliRig): void {
  test('a secret encapsulated and decapsulated, where the commands are known', async () => {
    const { aws, blob, commands } = rig();
    const isKnown = commands.includes('encapsulate');
    if (!isKnown) {
      await expect(aws('encapsulate', '--key-id', 'alias/none')).rejects.toThrow(
        /[Ii]nvalid choice/,
      );
      return;
    }
    const algorithm = ['--encapsulation-algorithm', 'ML_KEM'];
    const { KeyId } = await makeKey(
      ...([rig(), '--key-spec', 'ML_KEM_768', '--key-usage', 'ENCAPSULATE_DECAPSULATE'] as const),
    );
    const made = await aws('encapsulate', '--key-id', KeyId, ...algorithm);
    const ciphertext = blob('encapsulated', fromBase64(made.SharedSecretCiphertextBlob));
    const opened = await aws(
      ...['decapsulate', '--key-id', KeyId, ...algorithm],
      ...['--shared-secret-ciphertext-blob', ciphertext],
    );
    expect(opened.SharedSecret).toBe(made.SharedSecret);
  });
}
