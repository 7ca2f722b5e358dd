/** Encrypt, Decrypt, ReEncrypt, data keys and random bytes, as @aws-sdk/client-kms sees them. */
import { randomBytes } from 'node:crypto';
import {
  CreateAliasCommand,
  CreateKeyCommand,
  DecryptCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  GenerateDataKeyWithoutPlaintextCommand,
  GenerateRandomCommand,
  type KeyMetadata,
  type KMSClient,
  ReEncryptCommand,
} from '@aws-sdk/client-kms';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { failure } from '../failure.js';
import { startServer, type TestServer } from '../harness.js';

let server: TestServer;
let kms: KMSClient;
let key: KeyMetadata;
let other: KeyMetadata;

beforeAll(async () => {
  server = await startServer({ quota: 'off' });
  kms = server.kms();
  key = (await kms.send(new CreateKeyCommand({}))).KeyMetadata!;
  other = (await kms.send(new CreateKeyCommand({}))).KeyMetadata!;
  await kms.send(new CreateAliasCommand({ AliasName: 'alias/sym', TargetKeyId: key.KeyId! }));
});
afterAll(() => server.stop());

const bytes = (text: string) => new TextEncoder().encode(text);

describe('Encrypt and Decrypt', () => {
  test.each([1, 2, 15, 16, 17, 32, 1000, 4095, 4096])('round trip of %i bytes', async (length) => {
    const plaintext = randomBytes(length);
    const sealed = await kms.send(new EncryptCommand({ KeyId: key.KeyId, Plaintext: plaintext }));
    expect(sealed.KeyId).toBe(key.Arn);
    expect(sealed.EncryptionAlgorithm).toBe('SYMMETRIC_DEFAULT');
    const opened = await kms.send(new DecryptCommand({ CiphertextBlob: sealed.CiphertextBlob }));
    expect(Buffer.from(opened.Plaintext!).equals(plaintext)).toBe(true);
    expect(opened.KeyId).toBe(key.Arn);
    expect(opened.EncryptionAlgorithm).toBe('SYMMETRIC_DEFAULT');
    expect(opened.KeyMaterialId).toBe(key.CurrentKeyMaterialId);
  });

  test('all four forms of a key id name the same key', async () => {
    const aliasArn = key.Arn!.replace(/key\/.*/, 'alias/sym');
    for (const id of [key.KeyId!, key.Arn!, 'alias/sym', aliasArn]) {
      const sealed = await kms.send(new EncryptCommand({ KeyId: id, Plaintext: bytes('four') }));
      expect(sealed.KeyId).toBe(key.Arn);
      const opened = await kms.send(
        new DecryptCommand({ KeyId: id, CiphertextBlob: sealed.CiphertextBlob }),
      );
      expect(Buffer.from(opened.Plaintext!).toString()).toBe('four');
    }
  });

  test('the same plaintext never gives the same blob', async () => {
    const send = () => kms.send(new EncryptCommand({ KeyId: key.KeyId, Plaintext: bytes('x') }));
    const blobs = await Promise.all(Array.from({ length: 20 }, send));
    const texts = blobs.map((b) => Buffer.from(b.CiphertextBlob!).toString('hex'));
    expect(new Set(texts).size).toBe(20);
  });

  test('the encryption context has to match; its order does not matter', async () => {
    const context = { tenant: 'blue', Purpose: 'test', Ключ: 'значение' };
    const sealed = await kms.send(
      new EncryptCommand({
        KeyId: key.KeyId,
        Plaintext: bytes('bound'),
        EncryptionContext: context,
      }),
    );
    const open = (EncryptionContext: Record<string, string> | undefined) =>
      kms.send(new DecryptCommand({ CiphertextBlob: sealed.CiphertextBlob, EncryptionContext }));
    const reversed = Object.fromEntries(Object.entries(context).reverse());
    expect(Buffer.from((await open(reversed)).Plaintext!).toString()).toBe('bound');
    const wrong = [
      undefined,
      {},
      { ...context, extra: '1' },
      { ...context, tenant: 'Blue' },
      { tenant: 'blue', purpose: 'test', Ключ: 'значение' },
      { tenant: 'blue', Purpose: 'test' },
    ];
    for (const bad of wrong) {
      expect(await failure(open(bad))).toMatchObject({
        name: 'InvalidCiphertextException',
        status: 400,
      });
    }
  });

  test('an empty context is no context', async () => {
    const sealed = await kms.send(
      new EncryptCommand({ KeyId: key.KeyId, Plaintext: bytes('e'), EncryptionContext: {} }),
    );
    const opened = await kms.send(new DecryptCommand({ CiphertextBlob: sealed.CiphertextBlob }));
    expect(Buffer.from(opened.Plaintext!).toString()).toBe('e');
  });

  test('every flipped byte and every truncation is refused in one way', async () => {
    const sealed = await kms.send(
      new EncryptCommand({ KeyId: key.KeyId, Plaintext: bytes('tamper') }),
    );
    const blob = Buffer.from(sealed.CiphertextBlob!);
    const damaged: Buffer[] = [];
    for (let i = 0; i < blob.length; i += 1) {
      const copy = Buffer.from(blob);
      copy[i]! ^= 1 << (i % 8);
      damaged.push(copy);
    }
    for (const cut of [1, 2, 16, 17, 40, blob.length - 1]) damaged.push(blob.subarray(0, -cut));
    damaged.push(Buffer.concat([blob, Buffer.from([0])]), randomBytes(blob.length));
    for (const CiphertextBlob of damaged) {
      const named = await server.call('Decrypt', {
        CiphertextBlob: CiphertextBlob.toString('base64'),
      });
      // A flipped bit in the key id names another key; AWS refuses that as one that may not be used.
      expect(['InvalidCiphertextException', 'AccessDeniedException']).toContain(named.json.__type);
      expect(named.status).toBe(400);
      if (named.json.__type === 'InvalidCiphertextException') {
        expect(Object.keys(named.json)).toEqual(['__type']);
      }
    }
  });

  test('a key id that is not that of the ciphertext', async () => {
    const sealed = await kms.send(
      new EncryptCommand({ KeyId: key.KeyId, Plaintext: bytes('mine') }),
    );
    const call = kms.send(
      new DecryptCommand({ KeyId: other.KeyId, CiphertextBlob: sealed.CiphertextBlob }),
    );
    expect(await failure(call)).toMatchObject({
      name: 'IncorrectKeyException',
      message: 'The key ID in the request does not identify a CMK that can perform this operation.',
    });
  });

  test('keys that are not there', async () => {
    const encrypt = (KeyId: string) =>
      failure(kms.send(new EncryptCommand({ KeyId, Plaintext: bytes('x') })));
    const absent = '00000000-1111-4222-8333-444444444444';
    const root = key.Arn!.replace(/key\/.*/, '');
    expect(await encrypt(absent)).toMatchObject({
      name: 'NotFoundException',
      message: `Key '${root}key/${absent}' does not exist`,
    });
    expect(await encrypt('not-a-key')).toMatchObject({
      name: 'NotFoundException',
      message: "Invalid keyId 'not-a-key'",
    });
    expect(await encrypt('alias/nowhere')).toMatchObject({
      name: 'NotFoundException',
      message: `Alias ${root}alias/nowhere is not found.`,
    });
    expect(await encrypt(key.Arn!.replace(server.region, 'eu-north-9'))).toMatchObject({
      name: 'NotFoundException',
      message: 'Invalid arn eu-north-9',
    });
  });
});

describe('ReEncrypt', () => {
  test('to another key and another context', async () => {
    const sealed = await kms.send(
      new EncryptCommand({
        KeyId: key.KeyId,
        Plaintext: bytes('moving'),
        EncryptionContext: { from: 'a' },
      }),
    );
    const moved = await kms.send(
      new ReEncryptCommand({
        CiphertextBlob: sealed.CiphertextBlob,
        SourceEncryptionContext: { from: 'a' },
        DestinationKeyId: other.KeyId,
        DestinationEncryptionContext: { to: 'b' },
      }),
    );
    expect(moved).toMatchObject({
      SourceKeyId: key.Arn,
      KeyId: other.Arn,
      SourceEncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
      DestinationEncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
      SourceKeyMaterialId: key.CurrentKeyMaterialId,
      DestinationKeyMaterialId: other.CurrentKeyMaterialId,
    });
    const opened = await kms.send(
      new DecryptCommand({ CiphertextBlob: moved.CiphertextBlob, EncryptionContext: { to: 'b' } }),
    );
    expect(Buffer.from(opened.Plaintext!).toString()).toBe('moving');
    expect(opened.KeyId).toBe(other.Arn);
  });

  test('between symmetric and RSA keys, both ways', async () => {
    const rsa = (
      await kms.send(new CreateKeyCommand({ KeySpec: 'RSA_2048', KeyUsage: 'ENCRYPT_DECRYPT' }))
    ).KeyMetadata!;
    const sealed = await kms.send(
      new EncryptCommand({ KeyId: key.KeyId, Plaintext: bytes('round') }),
    );
    const toRsa = await kms.send(
      new ReEncryptCommand({
        CiphertextBlob: sealed.CiphertextBlob,
        DestinationKeyId: rsa.KeyId,
        DestinationEncryptionAlgorithm: 'RSAES_OAEP_SHA_256',
      }),
    );
    expect(toRsa.DestinationKeyMaterialId).toBeUndefined();
    const back = await kms.send(
      new ReEncryptCommand({
        CiphertextBlob: toRsa.CiphertextBlob,
        SourceKeyId: rsa.KeyId,
        SourceEncryptionAlgorithm: 'RSAES_OAEP_SHA_256',
        DestinationKeyId: other.KeyId,
      }),
    );
    expect(back.SourceKeyMaterialId).toBeUndefined();
    const opened = await kms.send(new DecryptCommand({ CiphertextBlob: back.CiphertextBlob }));
    expect(Buffer.from(opened.Plaintext!).toString()).toBe('round');
    const big = await kms.send(
      new EncryptCommand({ KeyId: key.KeyId, Plaintext: randomBytes(191) }),
    );
    const tooBig = kms.send(
      new ReEncryptCommand({
        CiphertextBlob: big.CiphertextBlob,
        DestinationKeyId: rsa.KeyId,
        DestinationEncryptionAlgorithm: 'RSAES_OAEP_SHA_256',
      }),
    );
    expect(await failure(tooBig)).toMatchObject({ name: 'ValidationException' });
  });

  test('a wrong source key is told before anything about the destination', async () => {
    const hmac = (
      await kms.send(new CreateKeyCommand({ KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' }))
    ).KeyMetadata!;
    const sealed = await kms.send(
      new EncryptCommand({ KeyId: key.KeyId, Plaintext: bytes('order') }),
    );
    const wrongSource = kms.send(
      new ReEncryptCommand({
        CiphertextBlob: sealed.CiphertextBlob,
        SourceKeyId: hmac.KeyId,
        DestinationKeyId: hmac.KeyId,
      }),
    );
    expect((await failure(wrongSource)).name).toBe('IncorrectKeyException');
    const wrongDestination = kms.send(
      new ReEncryptCommand({
        CiphertextBlob: sealed.CiphertextBlob,
        DestinationKeyId: hmac.KeyId,
      }),
    );
    expect(await failure(wrongDestination)).toMatchObject({
      name: 'InvalidKeyUsageException',
      message: `${hmac.Arn} key usage is GENERATE_VERIFY_MAC which is not valid for ReEncrypt.`,
    });
  });
});

describe('data keys and random bytes', () => {
  test.each([
    [{ KeySpec: 'AES_128' }, 16],
    [{ KeySpec: 'AES_256' }, 32],
    [{ NumberOfBytes: 1 }, 1],
    [{ NumberOfBytes: 64 }, 64],
    [{ NumberOfBytes: 1024 }, 1024],
  ] as const)('GenerateDataKey %j', async (size, length) => {
    const context = { data: 'key' };
    const made = await kms.send(
      new GenerateDataKeyCommand({ KeyId: key.KeyId, ...size, EncryptionContext: context }),
    );
    expect(made.Plaintext).toHaveLength(length);
    expect(made.KeyId).toBe(key.Arn);
    expect(made.KeyMaterialId).toBe(key.CurrentKeyMaterialId);
    const opened = await kms.send(
      new DecryptCommand({ CiphertextBlob: made.CiphertextBlob, EncryptionContext: context }),
    );
    expect(Buffer.from(opened.Plaintext!).equals(Buffer.from(made.Plaintext!))).toBe(true);
    const blind = await kms.send(
      new GenerateDataKeyWithoutPlaintextCommand({ KeyId: key.KeyId, ...size }),
    );
    expect(blind).not.toHaveProperty('Plaintext');
    const shown = await kms.send(new DecryptCommand({ CiphertextBlob: blind.CiphertextBlob }));
    expect(shown.Plaintext).toHaveLength(length);
  });

  test('GenerateDataKey wants exactly one size', async () => {
    for (const size of [{}, { KeySpec: 'AES_256', NumberOfBytes: 32 }] as const) {
      const call = kms.send(new GenerateDataKeyCommand({ KeyId: key.KeyId, ...size }));
      expect(await failure(call)).toMatchObject({
        name: 'ValidationException',
        message: 'Please specify either number of bytes or key spec.',
      });
    }
  });

  test('data keys are made under symmetric keys only', async () => {
    const rsa = (
      await kms.send(new CreateKeyCommand({ KeySpec: 'RSA_2048', KeyUsage: 'ENCRYPT_DECRYPT' }))
    ).KeyMetadata!;
    const call = kms.send(new GenerateDataKeyCommand({ KeyId: rsa.KeyId, KeySpec: 'AES_256' }));
    expect((await failure(call)).name).toBe('InvalidKeyUsageException');
  });

  test('GenerateRandom gives as many fresh bytes as asked', async () => {
    const seen = new Set<string>();
    for (const NumberOfBytes of [1, 31, 32, 1024]) {
      const { Plaintext } = await kms.send(new GenerateRandomCommand({ NumberOfBytes }));
      expect(Plaintext).toHaveLength(NumberOfBytes);
      seen.add(Buffer.from(Plaintext!).toString('hex'));
    }
    expect(seen.size).toBe(4);
    expect(await failure(kms.send(new GenerateRandomCommand({})))).toMatchObject({
      name: 'ValidationException',
      message: 'NumberOfBytes is required.',
    });
    const store = kms.send(
      new GenerateRandomCommand({ NumberOfBytes: 8, CustomKeyStoreId: 'cks-1234567890abcdef0' }),
    );
    expect((await failure(store)).name).toBe('CustomKeyStoreNotFoundException');
  });
});
