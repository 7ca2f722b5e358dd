/** GetKeyLastUsage through the SDK: which requests are uses, and that they outlive the process. */
import { GetKeyLastUsageCommand, type GetKeyLastUsageCommandOutput } from '@aws-sdk/client-kms';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ManualClock } from '../../src/core/clock.js';
import { initialiseData, spawnServer, startServer, type TestServer } from '../harness.js';
import { makeKey, mustCall, namedKeys } from './named-keys.js';
import { MESSAGE, type NamedKeys, requests, type Sealed } from './requests.js';

const clock = new ManualClock(Date.now());
let server: TestServer;
let keys: NamedKeys;
let sealed: Sealed;

beforeAll(async () => {
  server = await startServer({ quota: 'off', clock });
  ({ keys, sealed } = await namedKeys(server, 'alias/used'));
});
afterAll(() => server.stop());

async function lastUsage(KeyId: string): Promise<GetKeyLastUsageCommandOutput> {
  const kms = server.kms();
  try {
    return await kms.send(new GetKeyLastUsageCommand({ KeyId }));
  } finally {
    kms.destroy();
  }
}

const arnOf = (keyId: string) => `arn:aws:kms:${server.region}:${server.account}:key/${keyId}`;

test('a key that was never used has an empty object', async () => {
  clock.advance(1_500);
  const KeyId = await makeKey(server);
  const made = new Date(clock.now());
  const { $metadata: _, ...answer } = await lastUsage(KeyId);
  expect(answer).toEqual({
    KeyId: arnOf(KeyId),
    KeyLastUsage: {},
    TrackingStartDate: made,
    KeyCreationDate: made,
  });
});

const USES: readonly [string, keyof NamedKeys][] = [
  ['Encrypt', 'symmetric'],
  ['Decrypt', 'symmetric'],
  ['ReEncrypt', 'symmetric'],
  ['GenerateDataKey', 'symmetric'],
  ['GenerateDataKeyWithoutPlaintext', 'symmetric'],
  ['GenerateDataKeyPair', 'symmetric'],
  ['GenerateDataKeyPairWithoutPlaintext', 'symmetric'],
  ['Sign', 'sign'],
  ['Verify', 'sign'],
  ['GenerateMac', 'mac'],
  ['VerifyMac', 'mac'],
  ['DeriveSharedSecret', 'agree'],
];

test.each(USES)('%s is a use: its time, its request and its audit record', async (name, key) => {
  clock.advance(1_250);
  const at = new Date(clock.now());
  const reply = await server.call(name, requests(keys, sealed)[name]!);
  expect(reply.status).toBe(200);
  const record = JSON.parse(server.auditLines().at(-1)!);
  const requestId = reply.headers['x-amzn-requestid'];
  expect([record.eventName, record.requestID]).toEqual([name, requestId]);
  clock.advance(100);
  expect((await lastUsage(keys[key])).KeyLastUsage).toEqual({
    Operation: name,
    Timestamp: at,
    CloudTrailEventId: record.eventID,
    KmsRequestId: requestId,
  });
});

test('ReEncrypt is a use of both keys; a use by alias is one of its key', async () => {
  const other = await makeKey(server);
  await mustCall(server, 'ReEncrypt', {
    CiphertextBlob: sealed.ciphertext,
    DestinationKeyId: other,
  });
  const [from, to] = [await lastUsage(keys.symmetric), await lastUsage(other)];
  expect(from.KeyLastUsage).toMatchObject({ Operation: 'ReEncrypt' });
  expect(to.KeyLastUsage).toEqual(from.KeyLastUsage);
  await mustCall(server, 'Encrypt', { KeyId: keys.alias, Plaintext: MESSAGE });
  expect((await lastUsage(keys.symmetric)).KeyLastUsage!.Operation).toBe('Encrypt');
});

test('refused requests, dry runs and management are no uses', async () => {
  const KeyId = await makeKey(server);
  for (const [name, body] of [
    ['Encrypt', { Plaintext: MESSAGE, DryRun: true }],
    ['Encrypt', { Plaintext: '' }],
    ['Decrypt', { CiphertextBlob: sealed.ciphertext }],
    ['DescribeKey', {}],
    ['UpdateKeyDescription', { Description: 'words' }],
    ['GetKeyLastUsage', {}],
  ] as const) {
    await server.call(name, { KeyId, ...body });
  }
  expect((await lastUsage(KeyId)).KeyLastUsage).toEqual({});
});

test('a use stays known when the key changes and is cached anew', async () => {
  const KeyId = await makeKey(server);
  await mustCall(server, 'Encrypt', { KeyId, Plaintext: MESSAGE });
  await mustCall(server, 'DisableKey', { KeyId });
  await server.runDueWork();
  await mustCall(server, 'EnableKey', { KeyId });
  const { KeyLastUsage } = await lastUsage(KeyId);
  expect(KeyLastUsage!.Operation).toBe('Encrypt');
});

test('the last uses are written when the process ends', async () => {
  const data = initialiseData();
  const first = await spawnServer({ data, quota: 'off' });
  const KeyId = await makeKey(first);
  await mustCall(first, 'Encrypt', { KeyId, Plaintext: MESSAGE });
  const before = await mustCall(first, 'GetKeyLastUsage', { KeyId });
  expect(before.KeyLastUsage.Operation).toBe('Encrypt');
  await first.stop();
  const second = await spawnServer({ data, quota: 'off' });
  expect(await mustCall(second, 'GetKeyLastUsage', { KeyId })).toEqual(before);
  await second.stop();
  data.remove();
});
