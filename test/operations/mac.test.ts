/** GenerateMac and VerifyMac: RFC 2104 by an independent HMAC of the imported bytes is not possible,
 * so that two keys, all four algorithms and every way to be wrong are crossed instead. */
import { randomBytes } from 'node:crypto';
import {
  CreateKeyCommand,
  GenerateMacCommand,
  type KeyMetadata,
  type KeySpec,
  type KMSClient,
  type MacAlgorithmSpec,
  VerifyMacCommand,
} from '@aws-sdk/client-kms';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { failure } from '../failure.js';
import { startServer, type TestServer } from '../harness.js';

let server: TestServer;
let kms: KMSClient;
const keys = new Map<number, KeyMetadata>();
const SIZES = [224, 256, 384, 512] as const;

beforeAll(async () => {
  server = await startServer({ quota: 'off' });
  kms = server.kms();
  for (const bits of SIZES) {
    const made = await kms.send(
      new CreateKeyCommand({
        KeySpec: `HMAC_${bits}` as KeySpec,
        KeyUsage: 'GENERATE_VERIFY_MAC',
      }),
    );
    keys.set(bits, made.KeyMetadata!);
  }
});
afterAll(() => server.stop());

describe.each(SIZES)('HMAC_%i', (bits) => {
  const MacAlgorithm = `HMAC_SHA_${bits}` as MacAlgorithmSpec;

  test('makes and checks MACs', async () => {
    const KeyId = keys.get(bits)!.KeyId;
    for (const length of [1, 63, 64, 65, 4096]) {
      const Message = randomBytes(length);
      const made = await kms.send(new GenerateMacCommand({ KeyId, Message, MacAlgorithm }));
      expect(made.Mac).toHaveLength(bits / 8);
      expect(made).toMatchObject({ MacAlgorithm, KeyId: keys.get(bits)!.Arn });
      const again = await kms.send(new GenerateMacCommand({ KeyId, Message, MacAlgorithm }));
      expect(Buffer.from(again.Mac!).equals(Buffer.from(made.Mac!))).toBe(true);
      const checked = await kms.send(
        new VerifyMacCommand({ KeyId, Message, MacAlgorithm, Mac: made.Mac }),
      );
      expect(checked).toMatchObject({ MacValid: true, MacAlgorithm, KeyId: keys.get(bits)!.Arn });
    }
  });

  test('refuses every other MAC without a text', async () => {
    const KeyId = keys.get(bits)!.KeyId!;
    const Message = randomBytes(20);
    const made = await kms.send(new GenerateMacCommand({ KeyId, Message, MacAlgorithm }));
    const mac = Buffer.from(made.Mac!);
    const flipped = Buffer.from(mac);
    flipped[0]! ^= 1;
    const wrong = [flipped, mac.subarray(1), Buffer.concat([mac, mac]), randomBytes(bits / 8)];
    for (const Mac of wrong) {
      const reply = await server.call('VerifyMac', {
        KeyId,
        Message: Message.toString('base64'),
        MacAlgorithm,
        Mac: Mac.toString('base64'),
      });
      expect(reply.status).toBe(400);
      expect(reply.json).toEqual({ __type: 'KMSInvalidMacException' });
    }
  });

  test('refuses the algorithms of other specs', async () => {
    const KeyId = keys.get(bits)!.KeyId;
    for (const otherBits of SIZES.filter((size) => size !== bits)) {
      const call = kms.send(
        new GenerateMacCommand({
          KeyId,
          Message: randomBytes(5),
          MacAlgorithm: `HMAC_SHA_${otherBits}` as MacAlgorithmSpec,
        }),
      );
      expect(await failure(call)).toMatchObject({
        name: 'InvalidKeyUsageException',
        message: `Algorithm HMAC_SHA_${otherBits} is incompatible with key spec HMAC_${bits}.`,
      });
    }
  });
});

test('a key of another usage', async () => {
  const key = (await kms.send(new CreateKeyCommand({}))).KeyMetadata!;
  const call = kms.send(
    new GenerateMacCommand({
      KeyId: key.KeyId,
      Message: randomBytes(5),
      MacAlgorithm: 'HMAC_SHA_256',
    }),
  );
  expect(await failure(call)).toMatchObject({
    name: 'InvalidKeyUsageException',
    message: `${key.Arn} key usage is ENCRYPT_DECRYPT which is not valid for GenerateMac.`,
  });
});
