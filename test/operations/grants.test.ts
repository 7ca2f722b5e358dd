/** Grants through the SDK on a real server: round trips, refusals, names, tokens, kinds of keys. */
import {
  CreateGrantCommand,
  type CreateGrantCommandInput,
  DecryptCommand,
  EncryptCommand,
  type GrantListEntry,
  type GrantOperation,
  type KMSClient,
  ListGrantsCommand,
  ListRetirableGrantsCommand,
  paginateListGrants,
  RetireGrantCommand,
  RevokeGrantCommand,
} from '@aws-sdk/client-kms';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServer, type TestServer } from '../harness.js';
import { makeKey, mustCall } from './named-keys.js';

const ALICE = 'arn:aws:iam::111122223333:user/alice';
const ABSENT = 'ab'.repeat(32);
const DRY = { name: 'DryRunOperationException' };

let server: TestServer;
let kms: KMSClient;
let self: string;
beforeAll(async () => {
  server = await startServer({ quota: 'off', config: { limits: { grantsPerKey: 60 } } });
  kms = server.kms();
  self = `arn:aws:iam::${server.account}:user/tester`;
});
afterAll(() => server.stop());

const arnOf = (keyId: string) => `arn:aws:kms:${server.region}:${server.account}:key/${keyId}`;

function create(KeyId: string, more: Partial<CreateGrantCommandInput> = {}) {
  return kms.send(
    new CreateGrantCommand({ KeyId, GranteePrincipal: ALICE, Operations: ['Decrypt'], ...more }),
  );
}

async function grantsOn(KeyId: string): Promise<readonly GrantListEntry[]> {
  return (await kms.send(new ListGrantsCommand({ KeyId, Limit: 100 }))).Grants!;
}

/** The exception of a request and its text. */
async function refused(operation: string, body: object): Promise<readonly [string, string]> {
  const reply = await server.call(operation, body);
  expect(reply.status).toBe(400);
  return [reply.json.__type, reply.json.message ?? reply.json.Message];
}

test('a grant comes back as it was made', async () => {
  const KeyId = await makeKey(server);
  const before = Date.now();
  const made = await create(arnOf(KeyId), {
    Name: 'the:first/one_of-all',
    RetiringPrincipal: self,
    Operations: ['Encrypt', 'Decrypt', 'DescribeKey', 'Encrypt'],
    Constraints: { EncryptionContextSubset: { Dept: 'IT', 'Zweck: ü': '' } },
  });
  expect(made.GrantId).toMatch(/^[0-9a-f]{64}$/);
  expect(made.GrantToken).toMatch(/^[A-Za-z0-9+/]+=*$/);
  const plain = await create(KeyId);
  const list = await kms.send(new ListGrantsCommand({ KeyId }));
  expect([list.Truncated, list.NextMarker]).toEqual([false, undefined]);
  const [first, second] = [made, plain].map((one) =>
    list.Grants!.find((entry) => entry.GrantId === one.GrantId),
  );
  expect(list.Grants).toHaveLength(2);
  expect(first).toEqual({
    KeyId: arnOf(KeyId),
    GrantId: made.GrantId,
    Name: 'the:first/one_of-all',
    CreationDate: expect.any(Date),
    GranteePrincipal: ALICE,
    RetiringPrincipal: self,
    IssuingAccount: `arn:aws:iam::${server.account}:root`,
    Operations: ['Encrypt', 'Decrypt', 'DescribeKey'],
    Constraints: { EncryptionContextSubset: { Dept: 'IT', 'Zweck: ü': '' } },
  });
  expect(first!.CreationDate!.getTime()).toBeGreaterThanOrEqual(before - 1);
  expect(second).toMatchObject({ Name: '', Operations: ['Decrypt'] });
  expect(second).not.toHaveProperty('RetiringPrincipal');
  expect(second).not.toHaveProperty('Constraints');
});

test('a grant to a service has its own members', async () => {
  const KeyId = await makeKey(server, 'HMAC_256', 'GENERATE_VERIFY_MAC');
  const body = {
    KeyId,
    GranteeServicePrincipal: 'svc.example.amazonaws.com',
    RetiringServicePrincipal: 'other.example.amazonaws.com',
    Operations: ['GenerateMac'],
    Constraints: { SourceArn: 'arn:aws:svc:eu-central-1:111122223333:thing/1' },
  };
  const { GrantId } = await mustCall(server, 'CreateGrant', body);
  const { Grants } = await mustCall(server, 'ListGrants', {
    KeyId,
    GranteeServicePrincipal: body.GranteeServicePrincipal,
  });
  expect(Grants).toHaveLength(1);
  expect(Grants[0]).toMatchObject({ ...body, KeyId: arnOf(KeyId), GrantId });
  expect(Grants[0]).not.toHaveProperty('GranteePrincipal');
  expect(Grants[0]).not.toHaveProperty('RetiringPrincipal');
  const retirable = await mustCall(server, 'ListRetirableGrants', {
    RetiringServicePrincipal: body.RetiringServicePrincipal,
  });
  expect(retirable.Grants).toEqual(Grants);
  const { Constraints, RetiringServicePrincipal, ...bare } = body;
  expect((await refused('CreateGrant', { ...bare, Constraints }))[1]).toContain('retiring');
  expect((await refused('CreateGrant', { ...bare, RetiringServicePrincipal }))[1]).toContain(
    'SourceArn',
  );
});

describe('names', () => {
  test('the same request again gives the same grant and another token', async () => {
    const KeyId = await makeKey(server);
    const request = {
      Name: 'once',
      Operations: ['Encrypt', 'Decrypt'] as GrantOperation[],
      Constraints: { EncryptionContextEquals: { a: '1', b: '2' } },
    };
    const made = await Promise.all([1, 2, 3].map(() => create(KeyId, request)));
    const again = await create(KeyId, {
      ...request,
      Operations: ['Decrypt', 'Encrypt'],
      Constraints: { EncryptionContextEquals: { b: '2', a: '1' } },
    });
    expect(new Set([...made, again].map((one) => one.GrantId)).size).toBe(1);
    expect(new Set([...made, again].map((one) => one.GrantToken)).size).toBe(4);
    expect(await grantsOn(KeyId)).toHaveLength(1);
    // All tokens of a grant are as good.
    await kms.send(new RetireGrantCommand({ GrantToken: made[1]!.GrantToken }));
    expect(await grantsOn(KeyId)).toEqual([]);
    const next = await create(KeyId, request);
    expect(next.GrantId).not.toBe(again.GrantId);
  });

  test('anything else of the request makes another grant, and so does no name', async () => {
    const KeyId = await makeKey(server);
    const others: Partial<CreateGrantCommandInput>[] = [
      {},
      {},
      { Name: 'n' },
      { Name: 'm' },
      { Name: 'n', GranteePrincipal: self },
      { Name: 'n', RetiringPrincipal: self },
      { Name: 'n', Operations: ['Decrypt', 'Encrypt'] },
      { Name: 'n', Constraints: { EncryptionContextEquals: { a: '1' } } },
      { Name: 'n', Constraints: { EncryptionContextSubset: { a: '1' } } },
      { Name: 'n', Constraints: { EncryptionContextSubset: { a: '2' } } },
    ];
    const ids = new Set<string>();
    for (const other of others) ids.add((await create(KeyId, other)).GrantId!);
    expect(ids.size).toBe(others.length);
    const elsewhere = await create(await makeKey(server), { Name: 'n' });
    expect(ids.has(elsewhere.GrantId!)).toBe(false);
  });
});

describe('what CreateGrant refuses', () => {
  let KeyId: string;
  beforeAll(async () => {
    KeyId = await makeKey(server);
  });
  const cases: readonly (readonly [string, object, string, string | RegExp])[] = [
    [
      'a group',
      { GranteePrincipal: 'arn:aws:iam::111122223333:group/g' },
      'InvalidArnException',
      '',
    ],
    ['an account id', { GranteePrincipal: '111122223333' }, 'InvalidArnException', ''],
    ['a service', { GranteePrincipal: 's3.amazonaws.com' }, 'InvalidArnException', ''],
    [
      'a role that retires',
      { RetiringPrincipal: 'arn:aws:iam::1:role/r' },
      'InvalidArnException',
      '',
    ],
    [
      'a key',
      { GranteePrincipal: 'arn:aws:kms:eu-central-1:111122223333:key/k' },
      'InvalidArnException',
      'ARN does not refer to a valid principal: arn:aws:kms:eu-central-1:111122223333:key/k',
    ],
    ['a star', { GranteePrincipal: '*' }, 'ValidationException', /regular expression pattern/],
    ['no grantee', { GranteePrincipal: undefined }, 'ValidationException', /must be specified/],
    ['two grantees', { GranteeServicePrincipal: 'a.b.c' }, 'ValidationException', /together/],
    [
      'no operations',
      { Operations: [] },
      'ValidationException',
      /length greater than or equal to 1/,
    ],
    ['an unknown operation', { Operations: ['Delete'] }, 'ValidationException', /enum value set/],
    [
      'nothing but more grants',
      { Operations: ['CreateGrant'] },
      'ValidationException',
      'Grants must not contain only the CreateGrant operation.',
    ],
    [
      'two constraints',
      { Constraints: { EncryptionContextEquals: {}, EncryptionContextSubset: { a: 'b' } } },
      'ValidationException',
      'More than one constraint supplied',
    ],
    [
      'nine pairs',
      {
        Constraints: {
          EncryptionContextEquals: Object.fromEntries([...'123456789'].map((i) => [i, i])),
        },
      },
      'ValidationException',
      /at most 8/,
    ],
    [
      'a long value',
      { Constraints: { EncryptionContextSubset: { a: 'v'.repeat(385) } } },
      'ValidationException',
      /at most 384/,
    ],
    [
      'a source',
      { Constraints: { SourceArn: 'x'.repeat(30) } },
      'ValidationException',
      /sourceArn/,
    ],
    ['an alias', { KeyId: 'alias/none' }, 'NotFoundException', "Invalid keyId 'alias/none'"],
    ['a name', { Name: 'with space' }, 'ValidationException', /regular expression pattern/],
  ];
  test.each(cases)('%s', async (_name, members, type, text) => {
    const body = { KeyId, GranteePrincipal: ALICE, Operations: ['Decrypt'], ...members };
    for (const DryRun of [true, false]) {
      const [found, message] = await refused('CreateGrant', { ...body, DryRun });
      expect(found).toBe(type);
      if (typeof text === 'string') expect(message).toContain(text);
      else expect(message).toMatch(text);
    }
    expect(await grantsOn(KeyId)).toEqual([]);
  });

  test.each([
    'arn:aws:iam::111122223333:root',
    'arn:aws:iam::111122223333:user/path/of/it/u+=,.@-_',
    'arn:aws:iam::111122223333:role/aws-service-role/svc.amazonaws.com/AWSServiceRoleForSvc',
    'arn:aws:sts::111122223333:assumed-role/role/session@host',
    'arn:aws:sts::111122223333:federated-user/fred',
  ])('but takes %s', async (principal) => {
    const more = { GranteePrincipal: principal, RetiringPrincipal: principal, DryRun: true };
    await expect(create(KeyId, more)).rejects.toMatchObject(DRY);
  });
});

describe('kinds of keys', () => {
  const common = ['CreateGrant', 'RetireGrant', 'DescribeKey'];
  const encryption = ['Encrypt', 'Decrypt', 'ReEncryptFrom', 'ReEncryptTo'];
  const kinds: readonly (readonly [string, string, readonly string[]])[] = [
    [
      'SYMMETRIC_DEFAULT',
      'ENCRYPT_DECRYPT',
      [
        ...encryption,
        'GenerateDataKey',
        'GenerateDataKeyWithoutPlaintext',
        'GenerateDataKeyPair',
        'GenerateDataKeyPairWithoutPlaintext',
      ],
    ],
    ['RSA_2048', 'ENCRYPT_DECRYPT', [...encryption, 'GetPublicKey']],
    ['RSA_2048', 'SIGN_VERIFY', ['Sign', 'Verify', 'GetPublicKey']],
    ['ECC_NIST_P256', 'SIGN_VERIFY', ['Sign', 'Verify', 'GetPublicKey']],
    ['ECC_NIST_P384', 'KEY_AGREEMENT', ['DeriveSharedSecret', 'GetPublicKey']],
    ['HMAC_384', 'GENERATE_VERIFY_MAC', ['GenerateMac', 'VerifyMac']],
  ];
  const every = [
    ...new Set(kinds.flatMap(([, , operations]) => operations)),
    ...['Encapsulate', 'Decapsulate'],
  ];

  test.each(kinds)('%s for %s', async (spec, usage, operations) => {
    const KeyId = await makeKey(server, spec, usage);
    const all = [...operations, ...common] as GrantOperation[];
    const { GrantId } = await create(KeyId, { Operations: all });
    expect((await grantsOn(KeyId))[0]).toMatchObject({ GrantId, Operations: all });
    for (const wrong of every.filter((name) => !operations.includes(name))) {
      const Operations = ['DescribeKey', wrong];
      const body = { KeyId, GranteePrincipal: ALICE, Operations };
      const [type, text] = await refused('CreateGrant', body);
      expect([wrong, type]).toEqual([wrong, 'ValidationException']);
      expect(text).toContain(`[${wrong}]`);
    }
    const bound = create(KeyId, {
      Operations: ['DescribeKey'],
      Constraints: { EncryptionContextSubset: { a: 'b' } },
    });
    if (spec === 'SYMMETRIC_DEFAULT') expect((await bound).GrantId).toBeDefined();
    else await expect(bound).rejects.toMatchObject({ name: 'ValidationException' });
  });
});

test('the quota of grants per key, also for a dry run, not for a retry', async () => {
  const KeyId = await makeKey(server);
  await create(KeyId, { Name: 'first' });
  for (let i = 1; i < 60; i += 1) await create(KeyId);
  const limit = { name: 'LimitExceededException' };
  await expect(create(KeyId)).rejects.toMatchObject(limit);
  await expect(create(KeyId, { DryRun: true })).rejects.toMatchObject(limit);
  const retry = await create(KeyId, { Name: 'first' });
  await expect(create(KeyId, { Name: 'first', DryRun: true })).rejects.toMatchObject(DRY);
  const seen: string[] = [];
  for await (const page of paginateListGrants({ client: kms, pageSize: 7 }, { KeyId })) {
    expect(page.Grants!.length).toBeLessThanOrEqual(7);
    seen.push(...page.Grants!.map((grant) => grant.GrantId!));
  }
  expect(new Set(seen).size).toBe(60);
  expect(seen).toContain(retry.GrantId);
  // Without a Limit 50, and never more than 100.
  expect((await kms.send(new ListGrantsCommand({ KeyId }))).Grants).toHaveLength(50);
  await kms.send(new RevokeGrantCommand({ KeyId, GrantId: retry.GrantId }));
  await create(KeyId);
});

describe('ListGrants', () => {
  test('by grantee, by id, by both', async () => {
    const KeyId = await makeKey(server);
    const [one, two] = [await create(KeyId), await create(KeyId, { GranteePrincipal: self })];
    const ids = async (more: object) => {
      const reply = await mustCall(server, 'ListGrants', { KeyId, ...more });
      return reply.Grants.map((grant: GrantListEntry) => grant.GrantId);
    };
    expect(await ids({ GranteePrincipal: self })).toEqual([two.GrantId]);
    expect(await ids({ GranteePrincipal: `${self}x` })).toEqual([]);
    expect(await ids({ GrantId: one.GrantId })).toEqual([one.GrantId]);
    expect(await ids({ GrantId: one.GrantId, GranteePrincipal: self })).toEqual([]);
    const marker = (await mustCall(server, 'ListGrants', { KeyId, Limit: 1 })).NextMarker;
    const wrong: readonly (readonly [object, string])[] = [
      [{ GrantId: ABSENT }, 'InvalidGrantIdException'],
      [{ GrantId: 'short' }, 'InvalidGrantIdException'],
      [{ GranteePrincipal: 'nobody' }, 'InvalidArnException'],
      [{ Marker: 'forged' }, 'InvalidMarkerException'],
      [{ Marker: marker, GranteePrincipal: self }, 'InvalidMarkerException'],
      [{ Marker: marker, GrantId: one.GrantId }, 'InvalidMarkerException'],
      [{ Marker: marker, KeyId: await makeKey(server) }, 'InvalidMarkerException'],
      [{ Limit: 1001 }, 'ValidationException'],
    ];
    for (const [more, type] of wrong) {
      expect([more, (await refused('ListGrants', { KeyId, ...more }))[0]]).toEqual([more, type]);
    }
    expect((await refused('ListKeys', { Marker: marker }))[0]).toBe('InvalidMarkerException');
  });
});

test('ListRetirableGrants: of a principal of the own account, over all keys', async () => {
  const retiring = `arn:aws:iam::${server.account}:role/retiring`;
  const keys = [await makeKey(server), await makeKey(server)];
  for (const key of keys) await create(key, { RetiringPrincipal: retiring });
  await create(keys[0]!, { RetiringPrincipal: self });
  const seen: GrantListEntry[] = [];
  let Marker: string | undefined;
  do {
    const page = await kms.send(
      new ListRetirableGrantsCommand({ RetiringPrincipal: retiring, Limit: 1, Marker }),
    );
    seen.push(...page.Grants!);
    Marker = page.NextMarker;
    expect(page.Truncated).toBe(Marker !== undefined);
  } while (Marker !== undefined);
  expect(seen.map((grant) => grant.KeyId).sort()).toEqual(keys.map(arnOf).sort());
  expect(await refused('ListRetirableGrants', { RetiringPrincipal: ALICE })).toEqual([
    'AccessDeniedException',
    expect.stringContaining('kms:ListRetirableGrants'),
  ]);
  expect((await refused('ListRetirableGrants', {}))[0]).toBe('ValidationException');
});

describe('RetireGrant and RevokeGrant', () => {
  test('by id, by token, once; a dry run changes nothing', async () => {
    const KeyId = await makeKey(server);
    const [one, two, three] = [await create(KeyId), await create(KeyId), await create(KeyId)];
    const ways = [
      new RetireGrantCommand({ GrantToken: one.GrantToken }),
      new RetireGrantCommand({ KeyId: arnOf(KeyId), GrantId: two.GrantId }),
      new RevokeGrantCommand({ KeyId, GrantId: three.GrantId }),
    ];
    for (const way of ways) {
      const dry = Object.assign(Object.create(Object.getPrototypeOf(way)), way);
      dry.input = { ...way.input, DryRun: true };
      await expect(kms.send(dry)).rejects.toMatchObject(DRY);
    }
    expect(await grantsOn(KeyId)).toHaveLength(3);
    for (const way of ways) {
      const reply = await kms.send(way as RetireGrantCommand);
      expect(Object.keys(reply)).toEqual(['$metadata']);
      await expect(kms.send(way as RetireGrantCommand)).rejects.toMatchObject({
        name: 'NotFoundException',
      });
    }
    expect(await grantsOn(KeyId)).toEqual([]);
  });

  test('what they refuse', async () => {
    const KeyId = await makeKey(server);
    const { GrantId, GrantToken } = await create(KeyId);
    const other = await makeKey(server);
    const damaged = Buffer.from(GrantToken!, 'base64');
    damaged[20]! ^= 1;
    const either = ['ValidationException', 'Grant token OR (grant ID, key ID) must be specified'];
    const both = (body: object) =>
      Promise.all(['RetireGrant', 'RevokeGrant'].map((name) => refused(name, body)));
    const types = (outcomes: readonly (readonly [string, string])[]) =>
      outcomes.map(([type]) => type);
    expect(types(await both({ KeyId, GrantId: 'short' }))).toEqual(
      Array(2).fill('InvalidGrantIdException'),
    );
    expect(await both({ KeyId, GrantId: ABSENT })).toEqual(
      Array(2).fill(['NotFoundException', `Grant ID ${ABSENT} not found`]),
    );
    expect(types(await both({ KeyId: other, GrantId }))).toEqual(
      Array(2).fill('NotFoundException'),
    );
    expect(await refused('RetireGrant', {})).toEqual(either);
    expect(await refused('RetireGrant', { KeyId })).toEqual(either);
    expect(await refused('RetireGrant', { GrantId })).toEqual(either);
    for (const token of ['x', damaged.toString('base64'), `${GrantToken} `]) {
      expect((await refused('RetireGrant', { GrantToken: token }))[0]).toBe(
        'InvalidGrantTokenException',
      );
    }
    expect(await grantsOn(KeyId)).toHaveLength(1);
  });
});

describe('grant tokens of other operations', () => {
  test('a true one is taken, also when its grant is gone; a forged one is refused', async () => {
    const KeyId = await makeKey(server);
    const { GrantToken, GrantId } = await create(KeyId, { Operations: ['Encrypt', 'Decrypt'] });
    const GrantTokens = [GrantToken!, (await create(await makeKey(server))).GrantToken!];
    const Plaintext = Buffer.from('text');
    const sealed = await kms.send(new EncryptCommand({ KeyId, Plaintext, GrantTokens }));
    await kms.send(new RevokeGrantCommand({ KeyId, GrantId }));
    const { CiphertextBlob } = sealed;
    const opened = await kms.send(new DecryptCommand({ CiphertextBlob, GrantTokens }));
    expect(Buffer.from(opened.Plaintext!)).toEqual(Plaintext);
    const bytes = Buffer.from(GrantToken!, 'base64');
    for (let i = 0; i < bytes.length; i += 5) {
      const copy = Buffer.from(bytes);
      copy[i]! ^= 0x10;
      const forged = new EncryptCommand({
        KeyId,
        Plaintext,
        GrantTokens: [GrantToken!, copy.toString('base64')],
      });
      await expect(kms.send(forged)).rejects.toMatchObject({ name: 'InvalidGrantTokenException' });
    }
  });
});

test('the audit log: what CloudTrail shows, and no token', async () => {
  const KeyId = await makeKey(server);
  const { GrantId, GrantToken } = await create(KeyId, {
    Name: 'audited',
    Constraints: { EncryptionContextEquals: { Dept: 'IT' } },
  });
  await kms.send(new RetireGrantCommand({ GrantToken }));
  const lines = server.auditLines().slice(-2);
  const [created, retired] = lines.map((line) => JSON.parse(line));
  expect(created).toMatchObject({
    eventName: 'CreateGrant',
    readOnly: false,
    requestParameters: {
      keyId: KeyId,
      granteePrincipal: ALICE,
      operations: ['Decrypt'],
      constraints: { encryptionContextEquals: { Dept: 'IT' } },
      name: 'audited',
    },
    responseElements: { grantId: GrantId, keyId: arnOf(KeyId) },
  });
  expect(retired).toMatchObject({
    eventName: 'RetireGrant',
    requestParameters: null,
    responseElements: { keyId: arnOf(KeyId) },
    additionalEventData: { grantId: GrantId },
    resources: [{ ARN: arnOf(KeyId) }],
  });
  expect(lines.join()).not.toContain(GrantToken);
});
