/** Aliases: names, targets, lists, limits. */
import {
  CreateAliasCommand,
  CreateKeyCommand,
  type CreateKeyCommandInput,
  DeleteAliasCommand,
  DescribeKeyCommand,
  type KeyMetadata,
  type KMSClient,
  ListAliasesCommand,
  paginateListAliases,
  UpdateAliasCommand,
} from '@aws-sdk/client-kms';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { failure } from '../failure.js';
import { startServer, type TestServer } from '../harness.js';

let server: TestServer;
let kms: KMSClient;
let key: KeyMetadata;
let other: KeyMetadata;

const create = async (input: CreateKeyCommandInput = {}) =>
  (await kms.send(new CreateKeyCommand(input))).KeyMetadata!;
const aliasArn = (name: string) => `arn:aws:kms:${server.region}:${server.account}:${name}`;
const createAlias = (AliasName: string, TargetKeyId: string) =>
  kms.send(new CreateAliasCommand({ AliasName, TargetKeyId }));

beforeAll(async () => {
  server = await startServer({ quota: 'off' });
  kms = server.kms();
  key = await create();
  other = await create();
});
afterAll(() => server.stop());

describe('one alias', () => {
  test('is made, moved, listed and deleted', async () => {
    const AliasName = 'alias/life/of-an_Alias';
    const made = await server.call('CreateAlias', { AliasName, TargetKeyId: key.KeyId });
    expect([made.status, made.text]).toEqual([200, '']);
    const listed = await kms.send(new ListAliasesCommand({ KeyId: key.KeyId }));
    const entry = listed.Aliases!.find((alias) => alias.AliasName === AliasName)!;
    expect(entry).toMatchObject({ AliasArn: aliasArn(AliasName), TargetKeyId: key.KeyId });
    expect(entry.LastUpdatedDate).toEqual(entry.CreationDate);
    const moved = await server.call('UpdateAlias', { AliasName, TargetKeyId: other.Arn });
    expect([moved.status, moved.text]).toEqual([200, '']);
    const seen = await kms.send(new DescribeKeyCommand({ KeyId: AliasName }));
    expect(seen.KeyMetadata!.KeyId).toBe(other.KeyId);
    const gone = await server.call('DeleteAlias', { AliasName });
    expect([gone.status, gone.text]).toEqual([200, '']);
    const notFound = {
      name: 'NotFoundException',
      message: `Alias ${aliasArn(AliasName)} is not found.`,
    };
    const commands = [
      kms.send(new DescribeKeyCommand({ KeyId: AliasName })),
      kms.send(new DeleteAliasCommand({ AliasName })),
      kms.send(new UpdateAliasCommand({ AliasName, TargetKeyId: key.KeyId! })),
    ];
    for (const command of commands) expect(await failure(command)).toMatchObject(notFound);
  });

  test('cannot be made twice', async () => {
    await createAlias('alias/twice', key.KeyId!);
    expect(await failure(createAlias('alias/twice', other.KeyId!))).toMatchObject({
      name: 'AlreadyExistsException',
      message: `An alias with the name ${aliasArn('alias/twice')} already exists`,
    });
  });

  const prefixText =
    'Alias must start with the prefix "alias/". Please see ' +
    'https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html';
  const names: [string, string, string | RegExp][] = [
    ['nothing', 'ValidationException', prefixText],
    ['Alias/x', 'ValidationException', prefixText],
    [
      'alias/my:alias',
      'ValidationException',
      'alias/my:alias contains invalid characters for an alias',
    ],
    ['alias/', 'ValidationException', /./],
    ['alias/sp ace', 'ValidationException', /regular expression pattern/],
    [`alias/${'x'.repeat(251)}`, 'ValidationException', /length less than or equal to 256/],
    ['alias/aws/s3', 'InvalidAliasNameException', /reserved/],
  ];
  test.each(names)('refuses the name %s', async (name, type, text) => {
    const thrown = await failure(createAlias(name, key.KeyId!));
    expect(thrown.name).toBe(type);
    if (typeof text === 'string') expect(thrown.message).toBe(text);
    else expect(thrown.message).toMatch(text);
  });

  test('points at a key, not at an alias', async () => {
    await createAlias('alias/first', key.KeyId!);
    for (const target of ['alias/first', aliasArn('alias/first')]) {
      expect(await failure(createAlias('alias/second', target))).toMatchObject({
        name: 'ValidationException',
        message: 'Aliases must refer to keys. Not aliases',
      });
    }
  });

  test('stays with one kind of key and one usage', async () => {
    const mac = await create({ KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' });
    const sign = await create({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' });
    const sign2 = await create({ KeySpec: 'RSA_2048', KeyUsage: 'SIGN_VERIFY' });
    const agree = await create({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'KEY_AGREEMENT' });
    await createAlias('alias/kind', sign.KeyId!);
    const move = (target: KeyMetadata) =>
      kms.send(new UpdateAliasCommand({ AliasName: 'alias/kind', TargetKeyId: target.KeyId! }));
    for (const target of [mac, key, agree]) {
      expect((await failure(move(target))).name).toBe('ValidationException');
    }
    await move(sign2);
    const seen = await kms.send(new DescribeKeyCommand({ KeyId: 'alias/kind' }));
    expect(seen.KeyMetadata!.KeyId).toBe(sign2.KeyId);
  });
});

describe('many aliases', () => {
  test('at most 50 for a key', async () => {
    const full = await create();
    for (let i = 0; i < 50; i += 1) await createAlias(`alias/full-${i}`, full.KeyId!);
    expect((await failure(createAlias('alias/full-50', full.KeyId!))).name).toBe(
      'LimitExceededException',
    );
    await createAlias('alias/elsewhere', key.KeyId!);
    const move = kms.send(
      new UpdateAliasCommand({ AliasName: 'alias/elsewhere', TargetKeyId: full.KeyId! }),
    );
    expect((await failure(move)).name).toBe('LimitExceededException');
    const whole = await kms.send(new ListAliasesCommand({ KeyId: full.KeyId }));
    expect(whole.Aliases).toHaveLength(50);
    expect(whole.Truncated).toBe(false);
  });

  test('pages hold every alias once; Limit above 100 is taken as 100', async () => {
    const seen: string[] = [];
    for await (const page of paginateListAliases({ client: kms, pageSize: 7 }, {})) {
      expect(page.Aliases!.length).toBeLessThanOrEqual(7);
      seen.push(...page.Aliases!.map((alias) => alias.AliasName!));
    }
    expect(new Set(seen).size).toBe(seen.length);
    const all = await kms.send(new ListAliasesCommand({ Limit: 1000 }));
    expect(all.Aliases!.map((alias) => alias.AliasName).sort()).toEqual(seen.sort());
    const wrong = kms.send(new ListAliasesCommand({ Marker: 'nonsense' }));
    expect((await failure(wrong)).name).toBe('InvalidMarkerException');
  });

  test('of a key that is not there', async () => {
    const call = kms.send(
      new ListAliasesCommand({ KeyId: '00000000-1111-4222-8333-444444444444' }),
    );
    expect((await failure(call)).name).toBe('NotFoundException');
  });
});
