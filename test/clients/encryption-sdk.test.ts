/** The AWS Encryption SDK for JavaScript over our data keys. */
import { randomBytes } from 'node:crypto';
import { buildClient, CommitmentPolicy, KMS, KmsKeyringNode } from '@aws-crypto/client-node';
import { CreateAliasCommand, CreateKeyCommand, DisableKeyCommand } from '@aws-sdk/client-kms';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServer, type TestServer } from '../harness.js';

type Supplier = NonNullable<
  NonNullable<ConstructorParameters<typeof KmsKeyringNode>[0]>['clientProvider']
>;

let server: TestServer;
const arns: string[] = [];
const { encrypt, decrypt } = buildClient(CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT);

beforeAll(async () => {
  server = await startServer({ quota: 'off' });
  const kms = server.kms();
  for (let i = 0; i < 3; i += 1) {
    arns.push((await kms.send(new CreateKeyCommand({}))).KeyMetadata!.Arn!);
  }
  await kms.send(
    new CreateAliasCommand({ AliasName: 'alias/esdk', TargetKeyId: arns[0]!.split('/')[1]! }),
  );
});
afterAll(() => server.stop());

function keyring(generatorKeyId: string, keyIds: string[] = []) {
  return new KmsKeyringNode({
    generatorKeyId,
    keyIds,
    // The SDK's types and those of the keyring differ in optional members only.
    clientProvider: ((region: string) =>
      new KMS({
        region,
        endpoint: server.endpoint,
        credentials: server.credentials,
      })) as unknown as Supplier,
  });
}

describe('messages', () => {
  test.each([0, 1, 4096, 1_000_000])('of %i bytes, with context', async (length) => {
    const plaintext = randomBytes(length);
    const context = { stage: 'demo', purpose: 'round trip' };
    const ring = keyring(arns[0]!);
    const sealed = await encrypt(ring, plaintext, { encryptionContext: context });
    const opened = await decrypt(ring, sealed.result);
    expect(opened.plaintext.equals(plaintext)).toBe(true);
    expect(opened.messageHeader.encryptionContext).toMatchObject(context);
  });

  test('under three keys, opened with any one of them', async () => {
    const plaintext = randomBytes(333);
    const sealed = await encrypt(keyring(arns[0]!, arns.slice(1)), plaintext);
    expect(sealed.messageHeader.encryptedDataKeys).toHaveLength(3);
    for (const arn of arns) {
      const opened = await decrypt(keyring(arn), sealed.result);
      expect(opened.plaintext.equals(plaintext)).toBe(true);
    }
  });

  test('a changed byte, a foreign key and a disabled key open nothing', async () => {
    const sealed = await encrypt(keyring(arns[1]!), randomBytes(50));
    const changed = Buffer.from(sealed.result);
    changed[changed.length - 70]! ^= 1;
    await expect(decrypt(keyring(arns[1]!), changed)).rejects.toThrow();
    await expect(decrypt(keyring(arns[2]!), sealed.result)).rejects.toThrow();
    await server.kms().send(new DisableKeyCommand({ KeyId: arns[1] }));
    await expect(decrypt(keyring(arns[1]!), sealed.result)).rejects.toThrow();
  });
});
