/** Two processes on one data directory: what one acknowledged the other knows, within a second. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type DataDirectory, initialiseData, type SpawnedServer, spawnServer } from '../harness.js';
import { makeKey, mustCall } from '../operations/named-keys.js';

const CHANGE_MS = 1000;

let data: DataDirectory;
let one: SpawnedServer;
let other: SpawnedServer;
beforeAll(async () => {
  data = initialiseData();
  one = await spawnServer({ quota: 'off', data });
  other = await spawnServer({ quota: 'off', data });
});
afterAll(async () => {
  await one.stop();
  await other.stop();
  data.remove();
});

const settle = () => new Promise((resolve) => setTimeout(resolve, CHANGE_MS));

test('a key made by one is used by the other at once', async () => {
  const KeyId = await makeKey(one);
  const sealed = await mustCall(one, 'Encrypt', { KeyId, Plaintext: 'AAAA' });
  const opened = await mustCall(other, 'Decrypt', { CiphertextBlob: sealed.CiphertextBlob });
  expect(opened.Plaintext).toBe('AAAA');
  await mustCall(other, 'CreateAlias', { AliasName: 'alias/shared', TargetKeyId: KeyId });
  const seen = await mustCall(one, 'DescribeKey', { KeyId: 'alias/shared' });
  expect(seen.KeyMetadata.KeyId).toBe(KeyId);
});

test('a key disabled by one is refused by the other, warm caches or not', async () => {
  const KeyId = await makeKey(one);
  const body = { KeyId, Plaintext: 'AAAA' };
  await mustCall(other, 'Encrypt', body);
  await mustCall(one, 'DisableKey', { KeyId });
  await settle();
  expect((await other.call('Encrypt', body)).json.__type).toBe('DisabledException');
  await mustCall(other, 'EnableKey', { KeyId });
  await settle();
  await mustCall(one, 'Encrypt', body);
});

test('an alias moved by one leads the other to its new key', async () => {
  const [first, second] = [await makeKey(one), await makeKey(one)];
  await mustCall(one, 'CreateAlias', { AliasName: 'alias/moving', TargetKeyId: first });
  const target = async (server: SpawnedServer) =>
    (await mustCall(server, 'DescribeKey', { KeyId: 'alias/moving' })).KeyMetadata.KeyId;
  expect(await target(other)).toBe(first);
  await mustCall(one, 'UpdateAlias', { AliasName: 'alias/moving', TargetKeyId: second });
  await settle();
  expect(await target(other)).toBe(second);
});

test('changes of one key made by both at once all succeed', async () => {
  const KeyId = await makeKey(one);
  const outcomes = await Promise.all(
    Array.from({ length: 14 }, (_, i) => {
      const server = i % 2 === 0 ? one : other;
      return server.call('UpdateKeyDescription', { KeyId, Description: `by ${i}` });
    }),
  );
  // Each process finds the other's changes in its way, and tries again on what is there now.
  expect(new Set(outcomes.map((reply) => reply.status))).toEqual(new Set([200]));
  await settle();
  const seen = await mustCall(one, 'DescribeKey', { KeyId });
  expect(seen.KeyMetadata.Description).toMatch(/^by 1?\d$/);
});

test('a grant made by one is listed, named again and retired by the other', async () => {
  const KeyId = await makeKey(one);
  const request = {
    KeyId,
    GranteePrincipal: `arn:aws:iam::${one.account}:user/grantee`,
    Operations: ['Decrypt'],
    Name: 'shared',
  };
  const made = await mustCall(one, 'CreateGrant', request);
  const again = await mustCall(other, 'CreateGrant', request);
  expect(again.GrantId).toBe(made.GrantId);
  expect(again.GrantToken).not.toBe(made.GrantToken);
  const { Grants } = await mustCall(other, 'ListGrants', { KeyId });
  expect(Grants).toHaveLength(1);
  const use = { KeyId, Plaintext: 'AAAA', GrantTokens: [made.GrantToken] };
  await mustCall(other, 'Encrypt', use);
  await mustCall(other, 'RetireGrant', { GrantToken: made.GrantToken });
  expect((await mustCall(one, 'ListGrants', { KeyId })).Grants).toEqual([]);
  const twice = await one.call('RetireGrant', { GrantToken: again.GrantToken });
  expect(twice.json.__type).toBe('NotFoundException');
});
