/**
 * The AWS command line interface against our server, as a user would type it: every command of
 * `aws kms` that the installed version has.
 */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { OPERATIONS } from '../../src/operations/registry.js';
import { cliFamilies, encapsulationByCli } from './aws-cli-families.js';
import { type CliRig, isInstalled, startCliRig } from './aws-cli-rig.js';

let rig: CliRig;

beforeAll(async () => {
  rig = await startCliRig();
});
afterAll(() => rig.stop());

const aws: CliRig['aws'] = (...args) => rig.aws(...args);
const file: CliRig['file'] = (name, data) => rig.file(name, data);
const fromBase64 = (text: string) => Buffer.from(text, 'base64');

describe.skipIf(!isInstalled)('aws kms', () => {
  let keyId = '';
  let arn = '';

  test('create-key, describe-key, update-key-description, list-keys', async () => {
    const made = await aws('create-key', '--description', 'from the shell');
    ({ KeyId: keyId, Arn: arn } = made.KeyMetadata);
    await aws('update-key-description', '--key-id', keyId, '--description', 'changed');
    const seen = await aws('describe-key', '--key-id', arn);
    expect(seen.KeyMetadata).toMatchObject({
      Description: 'changed',
      KeyState: 'Enabled',
      EncryptionAlgorithms: ['SYMMETRIC_DEFAULT'],
    });
    // Tools that use the CLI read dates: 'now' within a minute.
    expect(Math.abs(Date.parse(seen.KeyMetadata.CreationDate) - Date.now())).toBeLessThan(60_000);
    const listed = await aws('list-keys', '--page-size', '1');
    expect(listed.Keys).toContainEqual({ KeyId: keyId, KeyArn: arn });
  });

  test('aliases', async () => {
    await aws('create-alias', '--alias-name', 'alias/shell', '--target-key-id', keyId);
    const listed = await aws('list-aliases', '--key-id', keyId);
    expect(listed.Aliases).toMatchObject([{ AliasName: 'alias/shell', TargetKeyId: keyId }]);
    const other = await aws('create-key');
    const target = other.KeyMetadata.KeyId;
    await aws('update-alias', '--alias-name', 'alias/shell', '--target-key-id', target);
    await aws('update-alias', '--alias-name', 'alias/shell', '--target-key-id', keyId);
  });

  test('policies and tags', async () => {
    const made = await aws('create-key', '--tags', 'TagKey=team,TagValue=blue');
    const id: string = made.KeyMetadata.KeyId;
    expect((await aws('list-key-policies', '--key-id', id)).PolicyNames).toEqual(['default']);
    const first = await aws('get-key-policy', '--key-id', id, '--policy-name', 'default');
    const document = JSON.parse(first.Policy);
    document.Statement[0].Sid = 'changed in a shell';
    const policy = `file://${file('policy.json', Buffer.from(JSON.stringify(document)))}`;
    const put = ['put-key-policy', '--key-id', id, '--policy-name', 'default', '--policy'];
    expect(await aws(...put, policy)).toBeUndefined();
    const second = await aws('get-key-policy', '--key-id', id, '--policy-name', 'default');
    expect(JSON.parse(second.Policy)).toEqual(document);
    await expect(aws(...put, '{"Statement":[]}')).rejects.toThrow(
      'The new key policy will not allow you to update the key policy in the future.',
    );
    await aws('tag-resource', '--key-id', id, '--tags', 'TagKey=cost,TagValue=7');
    await aws('untag-resource', '--key-id', id, '--tag-keys', 'team');
    const { Tags } = await aws('list-resource-tags', '--key-id', id);
    expect(Tags).toEqual([{ TagKey: 'cost', TagValue: '7' }]);
  });

  test('encrypt, decrypt, re-encrypt', async () => {
    const plaintext = randomBytes(100);
    const sealed = await aws(
      ...['encrypt', '--key-id', 'alias/shell', '--encryption-context', 'a=b,c=d'],
      ...['--plaintext', `fileb://${file('plain', plaintext)}`],
    );
    const blob = `fileb://${file('blob', fromBase64(sealed.CiphertextBlob))}`;
    const opened = await aws(
      ...['decrypt', '--ciphertext-blob', blob, '--encryption-context', 'c=d,a=b'],
    );
    expect(fromBase64(opened.Plaintext).equals(plaintext)).toBe(true);
    const moved = await aws(
      ...['re-encrypt', '--ciphertext-blob', blob, '--source-encryption-context', 'a=b,c=d'],
      ...['--destination-key-id', keyId],
    );
    expect(moved).toMatchObject({ SourceKeyId: arn, KeyId: arn });
    await expect(aws('decrypt', '--ciphertext-blob', blob)).rejects.toThrow(
      /InvalidCiphertextException/,
    );
  });

  test('generate-data-key, generate-data-key-pair, generate-random', async () => {
    const made = await aws('generate-data-key', '--key-id', keyId, '--key-spec', 'AES_256');
    expect(fromBase64(made.Plaintext)).toHaveLength(32);
    const pair = await aws(
      ...['generate-data-key-pair', '--key-id', keyId, '--key-pair-spec', 'ECC_NIST_P384'],
    );
    expect(pair.KeyPairSpec).toBe('ECC_NIST_P384');
    const random = await aws('generate-random', '--number-of-bytes', '24');
    expect(fromBase64(random.Plaintext)).toHaveLength(24);
  });

  test('sign and verify, generate-mac and verify-mac', async () => {
    const signer = await aws(
      ...['create-key', '--key-spec', 'ECC_NIST_P256', '--key-usage', 'SIGN_VERIFY'],
    );
    const message = `fileb://${file('message', randomBytes(64))}`;
    const sign = [
      ...['--key-id', signer.KeyMetadata.KeyId, '--message', message],
      ...['--signing-algorithm', 'ECDSA_SHA_256'],
    ];
    const signed = await aws('sign', ...sign);
    const signature = `fileb://${file('signature', fromBase64(signed.Signature))}`;
    const checked = await aws('verify', ...sign, '--signature', signature);
    expect(checked.SignatureValid).toBe(true);
    const shown = await aws('get-public-key', '--key-id', signer.KeyMetadata.KeyId);
    expect(fromBase64(shown.PublicKey)[0]).toBe(0x30);

    const macKey = await aws(
      ...['create-key', '--key-spec', 'HMAC_384', '--key-usage', 'GENERATE_VERIFY_MAC'],
    );
    const macArgs = [
      ...['--key-id', macKey.KeyMetadata.KeyId, '--message', message],
      ...['--mac-algorithm', 'HMAC_SHA_384'],
    ];
    const mac = await aws('generate-mac', ...macArgs);
    const macFile = `fileb://${file('mac', fromBase64(mac.Mac))}`;
    expect((await aws('verify-mac', ...macArgs, '--mac', macFile)).MacValid).toBe(true);
  });

  test('disable, enable, schedule and cancel deletion, errors with exit status', async () => {
    await aws('disable-key', '--key-id', keyId);
    const sealing = aws(
      'encrypt',
      '--key-id',
      keyId,
      '--plaintext',
      `fileb://${file('p', randomBytes(4))}`,
    );
    await expect(sealing).rejects.toThrow(/DisabledException.*is disabled/);
    await aws('enable-key', '--key-id', keyId);
    const planned = await aws(
      ...['schedule-key-deletion', '--key-id', keyId, '--pending-window-in-days', '7'],
    );
    expect(planned.KeyState).toBe('PendingDeletion');
    await aws('cancel-key-deletion', '--key-id', keyId);
    await aws('delete-alias', '--alias-name', 'alias/shell');
    await expect(aws('describe-key', '--key-id', 'alias/shell')).rejects.toThrow(
      /NotFoundException/,
    );
  });

  cliFamilies(() => rig);
  encapsulationByCli(() => rig);

  test('no command of this version was forgotten', () => {
    const { commands } = rig;
    expect(commands.length).toBeGreaterThan(40);
    const names = OPERATIONS.map(({ name }) => commandOf(name));
    const known = names.filter((name) => commands.includes(name));
    // There are no custom key stores: what needs one, or makes one, is refused.
    const stores = known.filter((name) => /^(?!describe).*-custom-key-store$/.test(name));
    expect(known.filter((name) => !rig.answered.has(name))).toEqual(stores);
    expect(stores.filter((name) => !rig.refused.has(name))).toEqual([]);
    const unknown = names.filter((name) => !commands.includes(name));
    const others = commands.filter((name) => name !== 'help' && !names.includes(name));
    console.log(
      `AWS CLI: ${known.length - stores.length} commands answered, ${stores.length} refused; ` +
        `operations of ours that it does not have: ${unknown.join(' ') || 'none'}; ` +
        `commands that we do not offer: ${others.join(' ') || 'none'}`,
    );
  });
});

/** GenerateDataKey is generate-data-key. */
function commandOf(operation: string): string {
  return operation.replaceAll(/(?<!^)([A-Z])/g, '-$1').toLowerCase();
}
