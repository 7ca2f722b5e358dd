/** The AWS command line interface against our server, as a user would type it. */
import { execFile, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServer, type TestServer } from '../harness.js';

const run = promisify(execFile);
const isInstalled = spawnSync('aws', ['--version']).status === 0;
if (!isInstalled) console.log('no test of the AWS CLI: aws is not installed, see scripts/setup');
let server: TestServer;
const directory = mkdtempSync(join(tmpdir(), 'keystrel-cli-'));

beforeAll(async () => {
  server = await startServer({ quota: 'off' });
});
afterAll(async () => {
  await server.stop();
  rmSync(directory, { recursive: true });
});

// biome-ignore lint/suspicious/noExplicitAny: replies are read by name in tests
async function aws(...args: string[]): Promise<any> {
  const { stdout } = await run(
    'aws',
    ['kms', '--endpoint-url', server.endpoint, '--output', 'json', ...args],
    {
      env: {
        PATH: process.env.PATH,
        HOME: directory,
        AWS_ACCESS_KEY_ID: server.credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: server.credentials.secretAccessKey,
        AWS_DEFAULT_REGION: server.region,
        AWS_PAGER: '',
        // Version 1 prints epoch seconds unless told otherwise.
        AWS_CONFIG_FILE: file('config', Buffer.from('[default]\ncli_timestamp_format = iso8601\n')),
        AWS_EC2_METADATA_DISABLED: 'true',
        AWS_MAX_ATTEMPTS: '1',
      },
    },
  ).catch((error: unknown) => {
    const failure = error as Error & { stderr?: string };
    throw new Error(failure.stderr ?? failure.message);
  });
  return stdout === '' ? undefined : JSON.parse(stdout);
}

function file(name: string, data: Uint8Array): string {
  const path = join(directory, name);
  writeFileSync(path, data);
  return path;
}

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
    await expect(aws('list-grants', '--key-id', keyId)).rejects.toThrow(
      /UnsupportedOperationException/,
    );
  });
});
