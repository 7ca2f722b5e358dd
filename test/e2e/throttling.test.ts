/** Request quotas as an SDK sees them: AWS's numbers, AWS's answer, and a client that retries. */
import {
  CreateKeyCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  EnableKeyCommand,
} from '@aws-sdk/client-kms';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { failure } from '../failure.js';
import { startServer, type TestServer } from '../harness.js';
import { makeKey, mustCall } from '../operations/named-keys.js';

const TEXT =
  'You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.';

describe('the AWS profile', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({ quota: 'aws' });
  });
  afterAll(() => server.stop());

  test('a burst of CreateKey, 5 a second, is throttled in AWS’s words', async () => {
    const replies = await Promise.all(
      Array.from({ length: 30 }, () => server.call('CreateKey', {})),
    );
    const accepted = replies.filter((reply) => reply.status === 200).length;
    // The bucket holds a second's worth, and a little comes in while the burst is served.
    expect(accepted).toBeGreaterThanOrEqual(5);
    expect(accepted).toBeLessThanOrEqual(12);
    for (const reply of replies.filter(({ status }) => status !== 200)) {
      expect(reply.status).toBe(400);
      expect(reply.json).toEqual({ __type: 'ThrottlingException', message: TEXT });
    }
  });

  test('an SDK that retries gets through; another quota is untouched', async () => {
    const patient = server.kms({ maxAttempts: 12 });
    const made = await Promise.all(
      Array.from({ length: 8 }, () => patient.send(new CreateKeyCommand({}))),
    );
    expect(made).toHaveLength(8);
    const hasty = server.kms();
    const KeyId = made[0]!.KeyMetadata!.KeyId;
    const described = Array.from({ length: 50 }, () =>
      hasty.send(new DescribeKeyCommand({ KeyId })),
    );
    expect(await Promise.all(described)).toHaveLength(50);
  });
});

describe('a hot key', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({ quota: 'aws' });
  });
  afterAll(() => server.stop());

  test('a burst of state changes on one key is throttled, another key is not', async () => {
    const hot = await makeKey(server);
    const cold = await makeKey(server);
    const kms = server.kms();
    const outcomes: string[] = [];
    for (let round = 0; round < 40; round += 1) {
      const Command = round % 2 === 0 ? DisableKeyCommand : EnableKeyCommand;
      const send = kms.send(new Command({ KeyId: hot }));
      outcomes.push(
        await send.then(
          () => 'OK',
          (error: unknown) => (error as Error).name,
        ),
      );
    }
    expect(outcomes).toContain('OK');
    expect(outcomes).toContain('ThrottlingException');
    expect(new Set(outcomes)).toEqual(new Set(['OK', 'ThrottlingException']));
    await new Promise((resolve) => setTimeout(resolve, 1100));
    await kms.send(new DisableKeyCommand({ KeyId: cold }));
  });
});

describe('quotas of our own', () => {
  let server: TestServer;
  let symmetric: string;
  let rsa: string;
  beforeAll(async () => {
    server = await startServer({
      quota: { 'crypto-symmetric': 10, 'crypto-rsa': 2, CreateKey: 50 },
    });
    symmetric = await makeKey(server);
    rsa = await makeKey(server, 'RSA_2048', 'ENCRYPT_DECRYPT');
  });
  afterAll(() => server.stop());

  const refill = () => new Promise((resolve) => setTimeout(resolve, 1100));
  const burst = async (count: number, send: () => Promise<{ status: number }>) => {
    const replies = await Promise.all(Array.from({ length: count }, send));
    return replies.filter((reply) => reply.status === 200).length;
  };

  test('classes are counted apart', async () => {
    await refill();
    const rsaOnes = await burst(10, () =>
      server.call('Encrypt', {
        KeyId: rsa,
        Plaintext: 'AAAA',
        EncryptionAlgorithm: 'RSAES_OAEP_SHA_256',
      }),
    );
    expect(rsaOnes).toBeGreaterThanOrEqual(2);
    expect(rsaOnes).toBeLessThanOrEqual(3);
    const symmetricOnes = await burst(8, () =>
      server.call('Encrypt', { KeyId: symmetric, Plaintext: 'AAAA' }),
    );
    expect(symmetricOnes).toBe(8);
  });

  test('ReEncrypt draws on the class of each of its keys', async () => {
    await refill();
    const sealed = await mustCall(server, 'Encrypt', { KeyId: symmetric, Plaintext: 'AAAA' });
    const toRsa = {
      CiphertextBlob: sealed.CiphertextBlob,
      DestinationKeyId: rsa,
      DestinationEncryptionAlgorithm: 'RSAES_OAEP_SHA_256',
    };
    const mixed = await burst(6, () => server.call('ReEncrypt', toRsa));
    expect(mixed).toBeGreaterThanOrEqual(2);
    expect(mixed).toBeLessThanOrEqual(3);
    await refill();
    const within = { CiphertextBlob: sealed.CiphertextBlob, DestinationKeyId: symmetric };
    const twice = await burst(12, () => server.call('ReEncrypt', within));
    expect(twice).toBeGreaterThanOrEqual(5);
    expect(twice).toBeLessThanOrEqual(6);
  });

  test('a dry run counts as well', async () => {
    await refill();
    const body = { KeyId: rsa, Plaintext: 'AAAA', EncryptionAlgorithm: 'RSAES_OAEP_SHA_1' };
    const replies = await Promise.all(
      Array.from({ length: 8 }, () => server.call('Encrypt', { ...body, DryRun: true })),
    );
    const types = new Set(replies.map((reply) => reply.json.__type));
    expect(types).toEqual(new Set(['DryRunOperationException', 'ThrottlingException']));
  });

  test('what an SDK throws', async () => {
    const sends = Array.from({ length: 8 }, () =>
      server.kms().send(new CreateKeyCommand({ Description: 'x' })),
    );
    await Promise.allSettled(sends);
    const flood = Array.from({ length: 80 }, () => server.kms().send(new CreateKeyCommand({})));
    const settled = await Promise.allSettled(flood);
    const refused = settled.find((outcome) => outcome.status === 'rejected');
    expect(await failure(Promise.reject(refused!.reason as Error))).toMatchObject({
      name: 'ThrottlingException',
      message: TEXT,
      status: 400,
    });
  });
});
