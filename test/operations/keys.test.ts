/** Making, describing, listing, disabling and deleting keys. */
import {
  CancelKeyDeletionCommand,
  CreateAliasCommand,
  CreateKeyCommand,
  type CreateKeyCommandInput,
  DescribeKeyCommand,
  DisableKeyCommand,
  EnableKeyCommand,
  EncryptCommand,
  GetPublicKeyCommand,
  type KMSClient,
  ListKeysCommand,
  paginateListKeys,
  ScheduleKeyDeletionCommand,
  UpdateKeyDescriptionCommand,
} from '@aws-sdk/client-kms';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ManualClock } from '../../src/core/clock.js';
import { failure } from '../failure.js';
import { startServer, type TestServer } from '../harness.js';
import { SPECS_HERE } from '../specs-of-regions.js';

const DAY_MS = 86_400_000;
let server: TestServer;
let kms: KMSClient;
const clock = new ManualClock(Date.now());

beforeAll(async () => {
  // Dev mode: the SDK signs with the real time, which is not the time of this clock.
  server = await startServer({ dev: true, clock });
  kms = server.kms();
});
afterAll(() => server.stop());

const create = async (input: CreateKeyCommandInput = {}) =>
  (await kms.send(new CreateKeyCommand(input))).KeyMetadata!;

const PAIRS = SPECS_HERE.flatMap((row) =>
  row.usages.map((usage) => [row.spec, usage, row] as const),
);

const CLASSIC = /^(SYMMETRIC|HMAC|RSA|ECC_NIST_P|ECC_SECG)/;

describe('CreateKey', () => {
  test.each(PAIRS)('%s for %s', async (spec, usage, row) => {
    const made = await create({ KeySpec: spec, KeyUsage: usage });
    const lists = {
      ENCRYPT_DECRYPT: { EncryptionAlgorithms: row.encryptionAlgorithms },
      SIGN_VERIFY: { SigningAlgorithms: row.signingAlgorithms },
      GENERATE_VERIFY_MAC: { MacAlgorithms: row.macAlgorithms },
      KEY_AGREEMENT: { KeyAgreementAlgorithms: row.keyAgreementAlgorithms },
      ENCAPSULATE_DECAPSULATE: { EncapsulationAlgorithms: row.encapsulationAlgorithms },
    }[usage];
    const expected: Record<string, unknown> = {
      AWSAccountId: server.account,
      KeyId: made.KeyId,
      Arn: `arn:aws:kms:${server.region}:${server.account}:key/${made.KeyId}`,
      CreationDate: new Date(clock.now()),
      Enabled: true,
      Description: '',
      KeyUsage: usage,
      KeyState: 'Enabled',
      Origin: 'AWS_KMS',
      KeyManager: 'CUSTOMER',
      // The older member knows no newer specs.
      ...(CLASSIC.test(spec) ? { CustomerMasterKeySpec: spec } : {}),
      KeySpec: spec,
      MultiRegion: false,
      ...lists,
    };
    if (row.family === 'symmetric') {
      expect(made.CurrentKeyMaterialId).toMatch(/^[0-9a-f]{64}$/);
      expected.CurrentKeyMaterialId = made.CurrentKeyMaterialId;
    }
    expect(made).toEqual(expected);
    expect(made.KeyId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-/);
    const described = await kms.send(new DescribeKeyCommand({ KeyId: made.KeyId }));
    expect(described.KeyMetadata).toEqual(expected);
  });

  test('defaults, description, policy, multi-Region', async () => {
    const plain = await create();
    expect(plain).toMatchObject({ KeySpec: 'SYMMETRIC_DEFAULT', KeyUsage: 'ENCRYPT_DECRYPT' });
    const policy = JSON.stringify({ Version: '2012-10-17', Statement: [] });
    const full = await create({
      Description: 'für Übung',
      Policy: policy,
      MultiRegion: true,
      BypassPolicyLockoutSafetyCheck: true,
      Tags: [],
      Origin: 'AWS_KMS',
    });
    expect(full.KeyId).toMatch(/^mrk-[0-9a-f]{32}$/);
    expect(full).toMatchObject({
      Description: 'für Übung',
      MultiRegion: true,
      MultiRegionConfiguration: {
        MultiRegionKeyType: 'PRIMARY',
        PrimaryKey: { Arn: full.Arn, Region: server.region },
        ReplicaKeys: [],
      },
    });
    const older = await create({ CustomerMasterKeySpec: 'SYMMETRIC_DEFAULT' });
    expect(older.KeySpec).toBe('SYMMETRIC_DEFAULT');
  });

  const refused: [string, CreateKeyCommandInput, string, RegExp | string][] = [
    [
      'no usage for RSA',
      { KeySpec: 'RSA_2048' },
      'ValidationException',
      'You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.',
    ],
    [
      'agreement with RSA',
      { KeySpec: 'RSA_2048', KeyUsage: 'KEY_AGREEMENT' },
      'ValidationException',
      'KeyUsage KEY_AGREEMENT is not compatible with KeySpec RSA_2048',
    ],
    [
      'encryption with ECC',
      { KeySpec: 'ECC_NIST_P256', KeyUsage: 'ENCRYPT_DECRYPT' },
      'ValidationException',
      'KeyUsage ENCRYPT_DECRYPT is not compatible with KeySpec ECC_NIST_P256',
    ],
    [
      'agreement with secp256k1',
      { KeySpec: 'ECC_SECG_P256K1', KeyUsage: 'KEY_AGREEMENT' },
      'ValidationException',
      'KeyUsage KEY_AGREEMENT is not compatible with KeySpec ECC_SECG_P256K1',
    ],
    [
      'agreement with Ed25519',
      { KeySpec: 'ECC_NIST_EDWARDS25519', KeyUsage: 'KEY_AGREEMENT' },
      'ValidationException',
      'KeyUsage KEY_AGREEMENT is not compatible with KeySpec ECC_NIST_EDWARDS25519',
    ],
    [
      'encapsulation with ML-DSA',
      { KeySpec: 'ML_DSA_65', KeyUsage: 'ENCAPSULATE_DECAPSULATE' },
      'ValidationException',
      'KeyUsage ENCAPSULATE_DECAPSULATE is not compatible with KeySpec ML_DSA_65',
    ],
    [
      'signing with ML-KEM',
      { KeySpec: 'ML_KEM_768', KeyUsage: 'SIGN_VERIFY' },
      'ValidationException',
      'KeyUsage SIGN_VERIFY is not compatible with KeySpec ML_KEM_768',
    ],
    [
      'ML-KEM without a usage',
      { KeySpec: 'ML_KEM_768' },
      'ValidationException',
      'You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.',
    ],
    [
      'signing with a symmetric key',
      { KeyUsage: 'SIGN_VERIFY' },
      'ValidationException',
      /SIGN_VERIFY.*ENCRYPT_DECRYPT/,
    ],
    [
      'both spec members',
      { KeySpec: 'RSA_2048', CustomerMasterKeySpec: 'RSA_2048', KeyUsage: 'SIGN_VERIFY' },
      'ValidationException',
      /same request/,
    ],
    [
      'a spec not offered',
      { KeySpec: 'SM2', KeyUsage: 'SIGN_VERIFY' },
      'UnsupportedOperationException',
      /SM2/,
    ],
    [
      'a custom key store',
      { Origin: 'AWS_CLOUDHSM', CustomKeyStoreId: 'cks-1234567890abcdef0' },
      'CustomKeyStoreNotFoundException',
      /cks-1234567890abcdef0/,
    ],
    ['an origin without its store', { Origin: 'AWS_CLOUDHSM' }, 'ValidationException', /StoreId/],
    [
      'a store without its origin',
      { CustomKeyStoreId: 'cks-1234567890abcdef0' },
      'ValidationException',
      /origins only/,
    ],
    ['an XKS key id', { XksKeyId: 'abc' }, 'ValidationException', /XksKeyId/],
    ['a broken policy', { Policy: '{' }, 'MalformedPolicyDocumentException', /JSON/],
    [
      'a policy that is a list',
      { Policy: '[]' },
      'MalformedPolicyDocumentException',
      /JSON object/,
    ],
    [
      'a long policy',
      { Policy: JSON.stringify({ Statement: 'x'.repeat(32_768) }) },
      'LimitExceededException',
      /32768/,
    ],
  ];
  test.each(refused)('refuses %s', async (_name, input, name, message) => {
    const thrown = await failure(create(input));
    expect(thrown).toMatchObject({ name, status: 400 });
    expect(thrown.message).toMatch(message);
  });
});

describe('DescribeKey, GetPublicKey, UpdateKeyDescription', () => {
  test('a description is kept, also an empty one', async () => {
    const key = await create({ Description: 'first' });
    for (const Description of ['second', '', 'x'.repeat(8192)]) {
      const reply = await server.call('UpdateKeyDescription', { KeyId: key.KeyId, Description });
      expect([reply.status, reply.text]).toEqual([200, '']);
      const seen = await kms.send(new DescribeKeyCommand({ KeyId: key.Arn }));
      expect(seen.KeyMetadata!.Description).toBe(Description);
    }
  });

  test('management takes no alias', async () => {
    const key = await create();
    await kms.send(new CreateAliasCommand({ AliasName: 'alias/managed', TargetKeyId: key.KeyId! }));
    const call = kms.send(
      new UpdateKeyDescriptionCommand({ KeyId: 'alias/managed', Description: 'x' }),
    );
    expect(await failure(call)).toMatchObject({ name: 'NotFoundException' });
    const seen = await kms.send(new DescribeKeyCommand({ KeyId: 'alias/managed' }));
    expect(seen.KeyMetadata!.KeyId).toBe(key.KeyId);
  });

  test('GetPublicKey is for asymmetric keys', async () => {
    const rsa = await create({ KeySpec: 'RSA_3072', KeyUsage: 'SIGN_VERIFY' });
    const shown = await kms.send(new GetPublicKeyCommand({ KeyId: rsa.KeyId }));
    expect(shown).toMatchObject({
      KeyId: rsa.Arn,
      KeySpec: 'RSA_3072',
      CustomerMasterKeySpec: 'RSA_3072',
      KeyUsage: 'SIGN_VERIFY',
      SigningAlgorithms: rsa.SigningAlgorithms,
    });
    for (const KeySpec of ['SYMMETRIC_DEFAULT', 'HMAC_256'] as const) {
      const key = await create({
        KeySpec,
        KeyUsage: KeySpec === 'HMAC_256' ? 'GENERATE_VERIFY_MAC' : 'ENCRYPT_DECRYPT',
      });
      const call = kms.send(new GetPublicKeyCommand({ KeyId: key.KeyId }));
      expect((await failure(call)).name).toBe('UnsupportedOperationException');
    }
  });
});

describe('ListKeys', () => {
  test('pages hold every key once', async () => {
    for (let i = 0; i < 7; i += 1) await create({ Description: `listed ${i}` });
    const all = await kms.send(new ListKeysCommand({ Limit: 1000 }));
    expect(all.Truncated).toBe(false);
    expect(all.NextMarker).toBeUndefined();
    for (const pageSize of [1, 3, 1000]) {
      const seen: string[] = [];
      for await (const page of paginateListKeys({ client: kms, pageSize }, {})) {
        expect(page.Keys!.length).toBeLessThanOrEqual(pageSize);
        for (const entry of page.Keys!) {
          expect(entry.KeyArn).toBe(
            `arn:aws:kms:${server.region}:${server.account}:key/${entry.KeyId}`,
          );
          seen.push(entry.KeyId!);
        }
      }
      expect(seen.sort()).toEqual(all.Keys!.map((entry) => entry.KeyId).sort());
      expect(new Set(seen).size).toBe(seen.length);
    }
  });

  test('a marker that was never given', async () => {
    for (const Marker of ['nonsense', '{}', 'AAAA', 'e30=']) {
      const call = kms.send(new ListKeysCommand({ Marker }));
      expect((await failure(call)).name).toBe('InvalidMarkerException');
    }
  });

  test('keys shared by others: there are none', async () => {
    const reply = await server.call('ListKeys', { ResourceOwners: ['OTHER_ACCOUNTS_VIA_RAM'] });
    expect(reply.json).toEqual({ Keys: [], Truncated: false });
    const both = await server.call('ListKeys', {
      ResourceOwners: ['SELF', 'OTHER_ACCOUNTS_VIA_RAM'],
    });
    expect(both.json.Keys.length).toBeGreaterThan(0);
  });
});

describe('state changes', () => {
  test('disable and enable, twice each', async () => {
    const key = await create();
    const state = async () =>
      (await kms.send(new DescribeKeyCommand({ KeyId: key.KeyId }))).KeyMetadata!;
    for (let i = 0; i < 2; i += 1) await kms.send(new DisableKeyCommand({ KeyId: key.KeyId }));
    expect(await state()).toMatchObject({ KeyState: 'Disabled', Enabled: false });
    const call = kms.send(new EncryptCommand({ KeyId: key.KeyId, Plaintext: new Uint8Array([1]) }));
    expect(await failure(call)).toMatchObject({
      name: 'DisabledException',
      message: `${key.Arn} is disabled.`,
    });
    for (let i = 0; i < 2; i += 1) await kms.send(new EnableKeyCommand({ KeyId: key.KeyId }));
    expect(await state()).toMatchObject({ KeyState: 'Enabled', Enabled: true });
  });

  test('deletion waits, can be cancelled, and is real when due', async () => {
    const key = await create();
    await kms.send(new CreateAliasCommand({ AliasName: 'alias/doomed', TargetKeyId: key.KeyId! }));
    const planned = await kms.send(
      new ScheduleKeyDeletionCommand({ KeyId: key.KeyId, PendingWindowInDays: 7 }),
    );
    expect(planned).toMatchObject({
      KeyId: key.Arn,
      KeyState: 'PendingDeletion',
      PendingWindowInDays: 7,
      DeletionDate: new Date(clock.now() + 7 * DAY_MS),
    });
    const described = await kms.send(new DescribeKeyCommand({ KeyId: key.KeyId }));
    expect(described.KeyMetadata).toMatchObject({
      KeyState: 'PendingDeletion',
      Enabled: false,
      DeletionDate: planned.DeletionDate,
    });
    const cancelled = await kms.send(new CancelKeyDeletionCommand({ KeyId: key.KeyId }));
    expect(cancelled.KeyId).toBe(key.Arn);
    const after = await kms.send(new DescribeKeyCommand({ KeyId: key.KeyId }));
    expect(after.KeyMetadata!.KeyState).toBe('Disabled');
    expect(after.KeyMetadata!.DeletionDate).toBeUndefined();

    const again = await kms.send(new ScheduleKeyDeletionCommand({ KeyId: key.KeyId }));
    expect(again.PendingWindowInDays).toBe(30);
    clock.advance(29 * DAY_MS);
    expect(await server.runDueWork()).toBe(0);
    await kms.send(new DescribeKeyCommand({ KeyId: key.KeyId }));
    clock.advance(DAY_MS);
    expect(await server.runDueWork()).toBe(1);
    expect(await failure(kms.send(new DescribeKeyCommand({ KeyId: key.KeyId })))).toMatchObject({
      name: 'NotFoundException',
      message: `Key '${key.Arn}' does not exist`,
    });
    const alias = await failure(kms.send(new DescribeKeyCommand({ KeyId: 'alias/doomed' })));
    expect(alias.name).toBe('NotFoundException');
  });

  test.each([1, 6, 31, 365])('a waiting period of %i days is refused', async (days) => {
    const key = await create();
    const call = kms.send(
      new ScheduleKeyDeletionCommand({ KeyId: key.KeyId, PendingWindowInDays: days }),
    );
    expect((await failure(call)).name).toBe('ValidationException');
  });
});
