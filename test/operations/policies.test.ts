/** Key policies through the SDK: GetKeyPolicy, PutKeyPolicy, ListKeyPolicies, Policy of CreateKey. */
import {
  CreateKeyCommand,
  DescribeKeyCommand,
  GetKeyPolicyCommand,
  type KMSClient,
  ListKeyPoliciesCommand,
  ListKeysCommand,
  PutKeyPolicyCommand,
  type PutKeyPolicyCommandInput,
  ScheduleKeyDeletionCommand,
} from '@aws-sdk/client-kms';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { failure } from '../failure.js';
import { startServer, type TestServer } from '../harness.js';
import { makeKey } from './named-keys.js';

const LOCKED_OUT = 'The new key policy will not allow you to update the key policy in the future.';
const INVALID_PRINCIPALS = 'Policy contains a statement with one or more invalid principals.';

let server: TestServer;
let kms: KMSClient;
let root: string;
let tester: string;

beforeAll(async () => {
  server = await startServer({ quota: 'off' });
  kms = server.kms();
  root = `arn:aws:iam::${server.account}:root`;
  tester = `arn:aws:iam::${server.account}:user/tester`;
});
afterAll(async () => {
  kms.destroy();
  await server.stop();
});

const statement = (fields: object = {}) => ({
  Effect: 'Allow',
  Principal: { AWS: root },
  Action: 'kms:*',
  Resource: '*',
  ...fields,
});
const policyOf = (...statements: object[]) =>
  JSON.stringify({ Version: '2012-10-17', Statement: statements });
const put = (input: Partial<PutKeyPolicyCommandInput>) =>
  kms.send(new PutKeyPolicyCommand({ KeyId: undefined, Policy: undefined, ...input }));
/** The operations that take a policy. */
const calls = (KeyId: string, input: { Policy: string }) => [
  () => put({ KeyId, ...input }),
  () => kms.send(new CreateKeyCommand(input)),
];
const get = (KeyId: string, PolicyName?: string) =>
  kms.send(new GetKeyPolicyCommand({ KeyId, ...(PolicyName === undefined ? {} : { PolicyName }) }));

describe('GetKeyPolicy', () => {
  test('of a key without one: the default policy as AWS writes it', async () => {
    const KeyId = await makeKey(server);
    const { $metadata, ...answer } = await get(KeyId);
    expect($metadata.httpStatusCode).toBe(200);
    expect(answer).toEqual({
      PolicyName: 'default',
      Policy: `{
  "Version" : "2012-10-17",
  "Id" : "key-default-1",
  "Statement" : [ {
    "Sid" : "Enable IAM User Permissions",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "${root}"
    },
    "Action" : "kms:*",
    "Resource" : "*"
  } ]
}`,
    });
    // What is read can be written again.
    await put({ KeyId, Policy: answer.Policy! });
    expect((await get(KeyId)).Policy).toBe(answer.Policy);
  });

  test('of CreateKey and of PutKeyPolicy: the text that was given', async () => {
    const first = `\t${policyOf(statement({ Sid: 'für mich' }))}\r\n`;
    const made = await kms.send(new CreateKeyCommand({ Policy: first }));
    const { KeyId, Arn } = made.KeyMetadata!;
    expect((await get(KeyId!, 'default')).Policy).toBe(first);
    const second = policyOf(statement({ Principal: { AWS: tester } }));
    const answer = await put({ KeyId: Arn!, PolicyName: 'default', Policy: second });
    expect(answer).toEqual({ $metadata: expect.objectContaining({ httpStatusCode: 200 }) });
    expect((await get(KeyId!)).Policy).toBe(second);
  });

  test('other names', async () => {
    const KeyId = await makeKey(server);
    for (const name of ['other', 'AWS_RAM', 'Default']) {
      const thrown = await failure(get(KeyId, name));
      expect([thrown.name, thrown.message]).toEqual(['NotFoundException', 'No such policy exists']);
    }
    const thrown = await failure(get(KeyId, 'not a name'));
    expect(thrown.name).toBe('ValidationException');
    expect(thrown.message).toBe(
      "1 validation error detected: Value 'not a name' at 'policyName' failed to satisfy " +
        'constraint: Member must satisfy regular expression pattern: [\\w]+',
    );
  });
});

test('ListKeyPolicies: the one name, and no marker that could be its own', async () => {
  const KeyId = await makeKey(server);
  for (const Limit of [undefined, 1, 2, 1000]) {
    const { $metadata, ...answer } = await kms.send(new ListKeyPoliciesCommand({ KeyId, Limit }));
    expect(answer).toEqual({ PolicyNames: ['default'], Truncated: false });
  }
  await makeKey(server);
  const { NextMarker } = await kms.send(new ListKeysCommand({ Limit: 1 }));
  for (const Marker of ['forged', NextMarker!]) {
    const thrown = await failure(kms.send(new ListKeyPoliciesCommand({ KeyId, Marker })));
    expect(thrown.name).toBe('InvalidMarkerException');
  }
});

describe('PutKeyPolicy refuses, and changes nothing', () => {
  const names: [string, string, RegExp][] = [
    ['other', 'UnsupportedOperationException', /^Only default policy is supported$/],
    ['AWS_RAM', 'ValidationException', /RAM service/],
  ];
  test.each(names)('the name %s', async (PolicyName, name, message) => {
    const KeyId = await makeKey(server);
    const thrown = await failure(put({ KeyId, PolicyName, Policy: policyOf(statement()) }));
    expect(thrown).toMatchObject({ name, status: 400 });
    expect(thrown.message).toMatch(message);
  });

  const cases: [string, () => string, string, string | RegExp][] = [
    ['no JSON', () => '{', 'MalformedPolicyDocumentException', /JSON/],
    ['no statement', () => '{}', 'MalformedPolicyDocumentException', /Statement/],
    [
      'a group',
      () => policyOf(statement({ Principal: { AWS: `arn:aws:iam::${server.account}:group/g` } })),
      'MalformedPolicyDocumentException',
      INVALID_PRINCIPALS,
    ],
    [
      'a user that is not there',
      () =>
        policyOf(
          statement(),
          statement({ Principal: { AWS: [tester, `arn:aws:iam::${server.account}:user/nobody`] } }),
        ),
      'MalformedPolicyDocumentException',
      INVALID_PRINCIPALS,
    ],
    [
      'more than 32 KiB',
      () => policyOf(statement({ Sid: 'x'.repeat(32_768) })),
      'LimitExceededException',
      /32768/,
    ],
    [
      'more than 32 KiB in UTF-8',
      () => policyOf(statement({ Sid: 'ü'.repeat(16_384) })),
      'LimitExceededException',
      /32768/,
    ],
    [
      'a character that policies may not have',
      () => policyOf(statement({ Sid: '鍵' })),
      'ValidationException',
      /at 'policy' failed to satisfy constraint: Member must satisfy regular expression pattern/,
    ],
  ];
  test.each(cases)('%s', async (_name, policy, name, message) => {
    const KeyId = await makeKey(server);
    const before = (await get(KeyId)).Policy;
    for (const BypassPolicyLockoutSafetyCheck of [false, true]) {
      const input = { Policy: policy(), BypassPolicyLockoutSafetyCheck };
      for (const call of calls(KeyId, input)) {
        const thrown = await failure(call());
        expect(thrown).toMatchObject({ name, status: 400 });
        expect(thrown.message).toMatch(message);
      }
    }
    expect((await get(KeyId)).Policy).toBe(before);
  });

  test('an alias, and a key that is not there', async () => {
    const Policy = policyOf(statement());
    const alias = await failure(put({ KeyId: 'alias/a', Policy }));
    expect([alias.name, alias.message]).toEqual(['NotFoundException', "Invalid keyId 'alias/a'"]);
    const KeyId = '00000000-1111-4222-8333-444444444444';
    expect((await failure(put({ KeyId, Policy }))).name).toBe('NotFoundException');
  });
});

describe('the lockout safety check', () => {
  const locked: [string, () => object[]][] = [
    ['no statement', () => []],
    ['another account', () => [statement({ Principal: { AWS: '444455556666' } })]],
    ['a service alone', () => [statement({ Principal: { Service: 's3.amazonaws.com' } })]],
    ['other actions', () => [statement({ Action: ['kms:Encrypt', 'kms:GetKeyPolicy'] })]],
    ['no action', () => [statement({ Action: undefined })]],
    ['no resource', () => [statement({ Resource: undefined })]],
    ['a denial', () => [statement(), statement({ Effect: 'Deny', Principal: { AWS: tester } })]],
    ['MFA', () => [statement({ Condition: { Bool: { 'aws:MultiFactorAuthPresent': true } } })]],
    [
      'another address',
      () => [statement({ Condition: { IpAddress: { 'aws:SourceIp': '192.0.2.0/24' } } })],
    ],
    ['TLS', () => [statement({ Condition: { Bool: { 'aws:SecureTransport': 'true' } } })]],
    [
      'another kind of key',
      () => [statement({ Condition: { StringEquals: { 'kms:KeySpec': 'RSA_2048' } } })],
    ],
  ];
  test.each(locked)('refuses %s, unless bypassed', async (_name, statements) => {
    const KeyId = await makeKey(server);
    const Policy = policyOf(...statements());
    for (const call of calls(KeyId, { Policy })) {
      const thrown = await failure(call());
      expect([thrown.name, thrown.message, thrown.status]).toEqual([
        'MalformedPolicyDocumentException',
        LOCKED_OUT,
        400,
      ]);
    }
    const bypassed = { Policy, BypassPolicyLockoutSafetyCheck: true };
    await put({ KeyId, ...bypassed });
    expect((await get(KeyId)).Policy).toBe(Policy);
    expect((await kms.send(new CreateKeyCommand(bypassed))).KeyMetadata!.Enabled).toBe(true);
  });

  const open: [string, () => object[]][] = [
    ['the account', () => [statement()]],
    ['everyone', () => [statement({ Principal: '*' })]],
    ['the caller', () => [statement({ Principal: { AWS: tester }, Action: 'kms:PutKeyPolicy' })]],
    [
      'the present request',
      () => [
        statement({
          Condition: {
            StringEquals: { 'kms:CallerAccount': server.account, 'aws:username': 'tester' },
            IpAddress: { 'aws:SourceIp': '127.0.0.0/8' },
            ArnLike: { 'aws:PrincipalArn': `arn:aws:iam::${server.account}:user/*` },
            StringLike: { 'kms:KeyOrigin': 'AWS_*', 'aws:RequestedRegion': 'eu-*' },
          },
        }),
      ],
    ],
    ['others as well', () => [statement({ Principal: { AWS: [root, '444455556666'] } })]],
  ];
  test.each(open)('accepts %s', async (_name, statements) => {
    const KeyId = await makeKey(server);
    const Policy = policyOf(...statements());
    await put({ KeyId, Policy });
    expect((await get(KeyId)).Policy).toBe(Policy);
    await kms.send(new CreateKeyCommand({ Policy, BypassPolicyLockoutSafetyCheck: false }));
  });
});

test('a policy may be set and read while the key is pending deletion', async () => {
  const KeyId = await makeKey(server);
  await kms.send(new ScheduleKeyDeletionCommand({ KeyId }));
  const Policy = policyOf(statement());
  await put({ KeyId, Policy });
  expect((await get(KeyId)).Policy).toBe(Policy);
  const described = await kms.send(new DescribeKeyCommand({ KeyId }));
  expect(described.KeyMetadata!.KeyState).toBe('PendingDeletion');
});

test('the audit log has the policy that was set, and leaves out the one that was read', async () => {
  const KeyId = await makeKey(server);
  const Policy = policyOf(statement());
  await put({ KeyId, Policy, BypassPolicyLockoutSafetyCheck: true });
  await get(KeyId);
  const [set, read] = server
    .auditLines()
    .slice(-2)
    .map((line) => JSON.parse(line));
  expect(set).toMatchObject({
    eventName: 'PutKeyPolicy',
    readOnly: false,
    requestParameters: {
      keyId: KeyId,
      policyName: 'default',
      policy: Policy,
      bypassPolicyLockoutSafetyCheck: true,
    },
    responseElements: null,
  });
  expect(read).toMatchObject({
    eventName: 'GetKeyPolicy',
    readOnly: true,
    requestParameters: { keyId: KeyId, policyName: 'default' },
    responseElements: null,
  });
});

test('in development mode, where any name is someone, policies may name anyone', async () => {
  const dev = await startServer({ dev: true });
  const ann = `arn:aws:iam::${dev.account}:user/ann`;
  const account = `arn:aws:iam::${dev.account}:root`;
  const Policy = policyOf(statement({ Principal: { AWS: [account, ann] } }));
  const made = await dev.call('CreateKey', { Policy });
  expect([made.status, made.json.__type]).toEqual([200, undefined]);
  await dev.stop();
});
