/** Development mode: what emulators do, so that test suites of others run against us. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateKeyCommand, KMSClient, ListKeysCommand } from '@aws-sdk/client-kms';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseConfig } from '../../src/core/config.js';
import { type Running, startKeystrel } from '../../src/main.js';
import { startServer, type TestServer } from '../harness.js';
import { makeKey, mustCall } from '../operations/named-keys.js';

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

describe('in memory', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({ dev: true });
  });
  afterAll(() => server.stop());

  const as = (accessKeyId: string, region: string) =>
    new KMSClient({
      endpoint: server.endpoint,
      region,
      credentials: { accessKeyId, secretAccessKey: 'whatever' },
      maxAttempts: 1,
    });
  const made = async (accessKeyId: string, region: string) => {
    const reply = await as(accessKeyId, region).send(new CreateKeyCommand({}));
    return reply.KeyMetadata!.Arn!.replace(/[^/]+$/, '');
  };

  test('the account is the access key id, or none at all; the region is the one asked for', async () => {
    expect(await made('123456789012', 'ap-south-1')).toBe(
      'arn:aws:kms:ap-south-1:123456789012:key/',
    );
    expect(await made('test', 'eu-west-1')).toBe('arn:aws:kms:eu-west-1:000000000000:key/');
    expect(await made('AKIAIOSFODNN7EXAMPLE', 'us-east-1')).toBe(
      'arn:aws:kms:us-east-1:000000000000:key/',
    );
  });

  test('accounts and regions do not see each other', async () => {
    await as('111111111111', 'eu-north-1').send(new CreateKeyCommand({}));
    const count = async (account: string, region: string) =>
      (await as(account, region).send(new ListKeysCommand({}))).Keys!.length;
    expect(await count('111111111111', 'eu-north-1')).toBe(1);
    expect(await count('111111111111', 'eu-north-2')).toBe(0);
    expect(await count('222222222222', 'eu-north-1')).toBe(0);
  });

  test('there are no quotas', async () => {
    const replies = await Promise.all(
      Array.from({ length: 60 }, () => server.call('CreateKey', {})),
    );
    expect(new Set(replies.map((reply) => reply.status))).toEqual(new Set([200]));
  });

  test('a request that is not signed at all is refused, as by AWS', async () => {
    const reply = await fetch(server.endpoint, {
      method: 'POST',
      headers: { 'x-amz-target': 'TrentService.ListKeys' },
      body: '{}',
    });
    expect(reply.status).toBe(400);
    expect(await reply.json()).toMatchObject({ __type: 'MissingAuthenticationTokenException' });
  });
});

test('with a data directory keys outlive the process', async () => {
  const data = mkdtempSync(join(tmpdir(), 'keystrel-dev-data-'));
  const config = parseConfig({ dev: true, data, listen: '127.0.0.1:0', adminListen: 'off' });
  const client = (running: Running) =>
    new KMSClient({
      endpoint: running.endpoint,
      region: 'sa-east-1',
      credentials: { accessKeyId: '123456789012', secretAccessKey: 'x' },
    });
  const first = await startKeystrel(config, { log: silent });
  const made = await client(first).send(new CreateKeyCommand({}));
  await first.stop();
  const second = await startKeystrel(config, { log: silent });
  const listed = await client(second).send(new ListKeysCommand({}));
  await second.stop();
  expect(listed.Keys!.map((key) => key.KeyId)).toEqual([made.KeyMetadata!.KeyId]);
  rmSync(data, { recursive: true });
});

test('outside of it the region of the deployment is the only one, and the secret counts', async () => {
  const server = await startServer({ quota: 'off' });
  const KeyId = await makeKey(server);
  await mustCall(server, 'DescribeKey', { KeyId });
  const elsewhere = await server.call('DescribeKey', { KeyId }, { region: 'us-west-2' });
  expect([elsewhere.status, elsewhere.json.__type]).toEqual([400, 'InvalidSignatureException']);
  const { accessKeyId } = server.credentials;
  const credentials = { accessKeyId, secretAccessKey: 'x'.repeat(40) };
  const forged = await server.call('DescribeKey', { KeyId }, { credentials });
  expect([forged.status, forged.json.__type]).toEqual([400, 'InvalidSignatureException']);
  const stranger = { accessKeyId: '123456789012', secretAccessKey: 'x' };
  const unknown = await server.call('DescribeKey', { KeyId }, { credentials: stranger });
  expect([unknown.status, unknown.json.__type]).toEqual([400, 'UnrecognizedClientException']);
  await server.stop();
});
