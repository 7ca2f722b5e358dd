/**
 * One server, three Regions, clients of each: what is apart and what is shared; quotas and records by
 * Region; relations that outlive the process; the AWS CLI and the AWS Encryption SDK across Regions.
 */
import { execFile, execFileSync } from 'node:child_process';
import { promisify } from 'node:util';
import {
  AwsKmsMrkAwareSymmetricDiscoveryKeyringNode,
  buildAwsKmsMrkAwareStrictMultiKeyringNode,
  buildClient,
  CommitmentPolicy,
} from '@aws-crypto/client-node';
import {
  CreateKeyCommand,
  DecryptCommand,
  DescribeKeyCommand,
  EncryptCommand,
  GetKeyPolicyCommand,
  KMS,
  type KMSClient,
  ListKeysCommand,
  ReplicateKeyCommand,
  ScheduleKeyDeletionCommand,
  SignCommand,
  UpdatePrimaryRegionCommand,
  VerifyCommand,
} from '@aws-sdk/client-kms';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { failure } from '../failure.js';
import {
  type DataDirectory,
  initialiseData,
  type ServerUnderTest,
  type SpawnedServer,
  spawnServer,
  startServer,
  type TestServer,
} from '../harness.js';
import { makePrimary, mustCall } from '../operations/named-keys.js';

const HOME = 'eu-central-1';
const SECOND = 'us-east-1';
const THIRD = 'ap-southeast-2';

function clients(server: ServerUnderTest) {
  return [HOME, SECOND, THIRD].map((region) => server.kms({ region })) as [
    KMSClient,
    KMSClient,
    KMSClient,
  ];
}

describe('through the SDK', () => {
  let server: TestServer;
  let home: KMSClient;
  let second: KMSClient;
  let third: KMSClient;
  beforeAll(async () => {
    server = await startServer({ quota: 'off' });
    [home, second, third] = clients(server);
  });
  afterAll(() => server.stop());

  const arn = (region: string, keyId: string) =>
    `arn:aws:kms:${region}:${server.account}:key/${keyId}`;

  test('Regions are apart, and one that is not served is refused as AWS refuses it', async () => {
    const made = (await second.send(new CreateKeyCommand({}))).KeyMetadata!;
    expect(made.Arn).toBe(arn(SECOND, made.KeyId!));
    const listed = await home.send(new ListKeysCommand({}));
    expect(listed.Keys!.map((key) => key.KeyId)).not.toContain(made.KeyId);
    const sealed = await second.send(
      new EncryptCommand({ KeyId: made.KeyId, Plaintext: Buffer.from('here') }),
    );
    const abroad = home.send(new DecryptCommand({ CiphertextBlob: sealed.CiphertextBlob }));
    expect((await failure(abroad)).name).toBe('AccessDeniedException');
    const foreign = await failure(home.send(new DescribeKeyCommand({ KeyId: made.Arn })));
    expect(foreign).toMatchObject({ name: 'NotFoundException', message: `Invalid arn ${SECOND}` });
    const nowhere = server.kms({ region: 'sa-east-1' }).send(new ListKeysCommand({}));
    expect(await failure(nowhere)).toMatchObject({
      name: 'InvalidSignatureException',
      message: "Credential should be scoped to a valid region, not 'sa-east-1'.",
    });
  });

  test('a key is replicated, and shown with its relations in each Region', async () => {
    const primary = (
      await home.send(new CreateKeyCommand({ MultiRegion: true, Description: 'first' }))
    ).KeyMetadata!;
    const KeyId = primary.KeyId!;
    expect(KeyId).toMatch(/^mrk-[0-9a-f]{32}$/);
    const replicated = await home.send(
      new ReplicateKeyCommand({
        KeyId,
        ReplicaRegion: SECOND,
        Description: 'second',
        Tags: [{ TagKey: 'team', TagValue: 'blue' }],
      }),
    );
    const configuration = {
      MultiRegionKeyType: 'REPLICA',
      PrimaryKey: { Arn: primary.Arn, Region: HOME },
      ReplicaKeys: [{ Arn: arn(SECOND, KeyId), Region: SECOND }],
    };
    expect(replicated.ReplicaKeyMetadata).toMatchObject({
      KeyId,
      Arn: arn(SECOND, KeyId),
      KeyState: 'Creating',
      Enabled: false,
      Description: 'second',
      MultiRegionConfiguration: configuration,
    });
    expect(replicated.ReplicaKeyMetadata).not.toHaveProperty('CurrentKeyMaterialId');
    expect(replicated.ReplicaTags).toEqual([{ TagKey: 'team', TagValue: 'blue' }]);
    const policy = await second.send(new GetKeyPolicyCommand({ KeyId }));
    expect(replicated.ReplicaPolicy).toBe(policy.Policy);
    const there = (await second.send(new DescribeKeyCommand({ KeyId }))).KeyMetadata!;
    expect(there).toMatchObject({
      KeyState: 'Enabled',
      Enabled: true,
      CurrentKeyMaterialId: primary.CurrentKeyMaterialId,
      MultiRegionConfiguration: configuration,
    });
    const here = (await home.send(new DescribeKeyCommand({ KeyId }))).KeyMetadata!;
    expect(here).toMatchObject({
      Description: 'first',
      MultiRegionConfiguration: { ...configuration, MultiRegionKeyType: 'PRIMARY' },
    });
    const twice = home.send(new ReplicateKeyCommand({ KeyId, ReplicaRegion: SECOND }));
    expect((await failure(twice)).name).toBe('AlreadyExistsException');
    const fromReplica = second.send(new ReplicateKeyCommand({ KeyId, ReplicaRegion: THIRD }));
    expect(await failure(fromReplica)).toMatchObject({
      name: 'UnsupportedOperationException',
      message: `${arn(SECOND, KeyId)} is not a multi-region primary key.`,
    });
  });

  test('ciphertexts and signatures of one Region are good in the others', async () => {
    const symmetric = await makePrimary(server);
    const signing = await makePrimary(server, {
      KeySpec: 'ECC_NIST_P384',
      KeyUsage: 'SIGN_VERIFY',
    });
    for (const KeyId of [symmetric, signing]) {
      for (const ReplicaRegion of [SECOND, THIRD]) {
        await home.send(new ReplicateKeyCommand({ KeyId, ReplicaRegion }));
      }
    }
    const EncryptionContext = { purpose: 'test' };
    const Message = Buffer.from('message');
    const SigningAlgorithm = 'ECDSA_SHA_384';
    for (const from of [home, second, third]) {
      const Plaintext = Buffer.from('text');
      const sealed = await from.send(
        new EncryptCommand({ KeyId: symmetric, Plaintext, EncryptionContext }),
      );
      const { Signature } = await from.send(
        new SignCommand({ KeyId: signing, Message, SigningAlgorithm }),
      );
      for (const to of [home, second, third]) {
        const region = await to.config.region();
        const opened = await to.send(
          new DecryptCommand({ CiphertextBlob: sealed.CiphertextBlob, EncryptionContext }),
        );
        expect(Buffer.from(opened.Plaintext!)).toEqual(Plaintext);
        expect(opened.KeyId).toBe(arn(region, symmetric));
        const checked = await to.send(
          new VerifyCommand({ KeyId: signing, Message, Signature, SigningAlgorithm }),
        );
        expect(checked.SignatureValid).toBe(true);
      }
    }
  });

  test('the primary moves there and back; deletion of a primary waits for its replicas', async () => {
    const KeyId = await makePrimary(server);
    await home.send(new ReplicateKeyCommand({ KeyId, ReplicaRegion: SECOND }));
    const type = async (client: KMSClient) =>
      (await client.send(new DescribeKeyCommand({ KeyId }))).KeyMetadata!.MultiRegionConfiguration!
        .MultiRegionKeyType;
    await home.send(new UpdatePrimaryRegionCommand({ KeyId, PrimaryRegion: SECOND }));
    expect([await type(home), await type(second)]).toEqual(['REPLICA', 'PRIMARY']);
    await second.send(new UpdatePrimaryRegionCommand({ KeyId, PrimaryRegion: HOME }));
    expect([await type(home), await type(second)]).toEqual(['PRIMARY', 'REPLICA']);
    const planned = await home.send(
      new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays: 9 }),
    );
    expect(planned).toMatchObject({
      KeyId: arn(HOME, KeyId),
      KeyState: 'PendingReplicaDeletion',
      PendingWindowInDays: 9,
    });
    expect(planned.DeletionDate).toBeUndefined();
    const seen = (await home.send(new DescribeKeyCommand({ KeyId }))).KeyMetadata!;
    expect(seen).toMatchObject({
      KeyState: 'PendingReplicaDeletion',
      PendingDeletionWindowInDays: 9,
      Enabled: false,
    });
    const used = home.send(new EncryptCommand({ KeyId, Plaintext: Buffer.from('x') }));
    expect(await failure(used)).toMatchObject({
      name: 'KMSInvalidStateException',
      message: `${arn(HOME, KeyId)} is pending replica deletion.`,
    });
    await second.send(new EncryptCommand({ KeyId, Plaintext: Buffer.from('x') }));
  });

  test('records: one in the Region of the request, one in the other', async () => {
    const KeyId = await makePrimary(server);
    const reply = await server.call('ReplicateKey', { KeyId, ReplicaRegion: SECOND });
    const moved = await server.call('UpdatePrimaryRegion', { KeyId, PrimaryRegion: SECOND });
    const of = (id: unknown) =>
      server
        .auditLines()
        .filter((line) => line.includes(String(id)))
        .map((line) => JSON.parse(line));
    const [own, other, ...none] = of(reply.headers['x-amzn-requestid']);
    expect(none).toEqual([]);
    expect(own).toMatchObject({
      eventName: 'ReplicateKey',
      awsRegion: HOME,
      requestParameters: { keyId: KeyId, replicaRegion: SECOND },
      responseElements: { replicaKeyMetadata: { keyState: 'Creating' } },
      resources: [{ ARN: arn(HOME, KeyId) }],
    });
    expect(other).toMatchObject({
      eventName: 'CreateKey',
      awsRegion: SECOND,
      requestParameters: { multiRegion: true, keySpec: 'SYMMETRIC_DEFAULT' },
      responseElements: { keyMetadata: { keyId: KeyId } },
      resources: [{ ARN: arn(SECOND, KeyId) }],
    });
    expect(
      of(moved.headers['x-amzn-requestid']).map((record) => [
        record.eventName,
        record.awsRegion,
        record.responseElements.keyId,
      ]),
    ).toEqual([
      ['UpdatePrimaryRegion', HOME, arn(HOME, KeyId)],
      ['UpdatePrimaryRegion', SECOND, arn(SECOND, KeyId)],
    ]);
  });

  test('metrics by Region', async () => {
    await mustCall(server, 'ListKeys', {});
    const text = await (await fetch(`${server.adminEndpoint}/metrics`)).text();
    expect(text).toMatch(
      /requests_total\{operation="ListKeys",region="eu-central-1",code="OK"\} \d/,
    );
    expect(text).toMatch(/requests_total\{operation="Verify",region="us-east-1",code="OK"\} \d/);
  });

  test('the AWS Encryption SDK reads in one Region what it wrote in another', async () => {
    const KeyId = await makePrimary(server);
    await home.send(new ReplicateKeyCommand({ KeyId, ReplicaRegion: SECOND }));
    const { endpoint, credentials } = server;
    const clientProvider = ((region: string) =>
      new KMS({ endpoint, credentials, region })) as never;
    const sdk = buildClient(CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT);
    const strict = (region: string) =>
      buildAwsKmsMrkAwareStrictMultiKeyringNode({
        clientProvider,
        generatorKeyId: arn(region, KeyId),
      });
    const context = { purpose: 'test' };
    const { result } = await sdk.encrypt(strict(HOME), 'the text', { encryptionContext: context });
    const read = await sdk.decrypt(strict(SECOND), result);
    expect(read.plaintext.toString()).toBe('the text');
    expect(read.messageHeader.encryptionContext).toMatchObject(context);
    const discovery = new AwsKmsMrkAwareSymmetricDiscoveryKeyringNode({
      client: new KMS({ endpoint, credentials, region: SECOND }) as never,
      discoveryFilter: { accountIDs: [server.account], partition: 'aws' },
    });
    expect((await sdk.decrypt(discovery, result)).plaintext.toString()).toBe('the text');
    await expect(sdk.decrypt(strict(THIRD), result)).rejects.toThrow();
  });
});

test('quotas count by Region; a replica draws on that of its own', async () => {
  const server = await startServer({ quota: { default: 1000, CreateKey: 2, 'hot-key': 1000 } });
  const KeyId = await makePrimary(server);
  const create = (region: string) => server.call('CreateKey', {}, { region });
  expect((await server.call('ReplicateKey', { KeyId, ReplicaRegion: SECOND })).status).toBe(200);
  expect((await create(SECOND)).json.__type).toBe('ThrottlingException');
  expect((await create(HOME)).status).toBe(200);
  expect((await create(THIRD)).status).toBe(200);
  const late = await server.call('ReplicateKey', { KeyId, ReplicaRegion: THIRD });
  expect(late.json.__type).toBe('ThrottlingException');
  await server.stop();
});

describe('across kill -9', () => {
  let data: DataDirectory;
  let server: SpawnedServer | undefined;
  beforeAll(() => {
    data = initialiseData();
  });
  afterEach(() => server?.stop());
  afterAll(() => data.remove());

  test('relations, roles and waiting deletions are as they were', async () => {
    server = await spawnServer({ quota: 'off', data });
    const KeyId = await makePrimary(server);
    for (const ReplicaRegion of [SECOND, THIRD]) {
      await mustCall(server, 'ReplicateKey', { KeyId, ReplicaRegion });
    }
    await mustCall(server, 'UpdatePrimaryRegion', { KeyId, PrimaryRegion: THIRD });
    const plan = await server.call('ScheduleKeyDeletion', { KeyId }, { region: THIRD });
    expect(plan.json.KeyState).toBe('PendingReplicaDeletion');
    const sealed = await mustCall(server, 'Encrypt', { KeyId, Plaintext: 'AAAA' });
    await server.kill('SIGKILL');
    // The third Region is left out for once: its keys stay where they are.
    server = await spawnServer({ quota: 'off', data, args: ['--regions', `${HOME},${SECOND}`] });
    const there = await server.call(
      'Decrypt',
      { CiphertextBlob: sealed.CiphertextBlob },
      { region: SECOND },
    );
    expect(there.json.Plaintext).toBe('AAAA');
    const gone = await server.call('DescribeKey', { KeyId }, { region: THIRD });
    expect(gone.json.__type).toBe('InvalidSignatureException');
    await server.kill('SIGKILL');
    server = await spawnServer({ quota: 'off', data });
    const seen = await server.call('DescribeKey', { KeyId }, { region: THIRD });
    expect(seen.json.KeyMetadata).toMatchObject({
      KeyState: 'PendingReplicaDeletion',
      MultiRegionConfiguration: {
        MultiRegionKeyType: 'PRIMARY',
        PrimaryKey: { Region: THIRD },
        ReplicaKeys: [{ Region: HOME }, { Region: SECOND }],
      },
    });
  });
});

const isInstalled = (() => {
  try {
    execFileSync('aws', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

test.skipIf(!isInstalled)('the AWS CLI with --region', async () => {
  const server = await startServer({ quota: 'off' });
  // biome-ignore lint/suspicious/noExplicitAny: replies are read by name in tests
  const aws = async (region: string, ...args: string[]): Promise<any> => {
    const common = ['--endpoint-url', server.endpoint, '--region', region, '--output', 'json'];
    const { stdout } = await promisify(execFile)('aws', ['kms', ...args, ...common], {
      env: {
        PATH: process.env.PATH,
        AWS_ACCESS_KEY_ID: server.credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: server.credentials.secretAccessKey,
        AWS_PAGER: '',
        AWS_EC2_METADATA_DISABLED: 'true',
        AWS_MAX_ATTEMPTS: '1',
      },
    });
    return stdout === '' ? undefined : JSON.parse(stdout);
  };
  const made = await aws(HOME, 'create-key', '--multi-region');
  const id = ['--key-id', made.KeyMetadata.KeyId];
  const replica = await aws(HOME, 'replicate-key', ...id, '--replica-region', SECOND);
  expect(replica.ReplicaKeyMetadata.MultiRegionConfiguration.MultiRegionKeyType).toBe('REPLICA');
  await aws(HOME, 'update-primary-region', ...id, '--primary-region', SECOND);
  const seen = await aws(SECOND, 'describe-key', ...id);
  expect(seen.KeyMetadata.MultiRegionConfiguration.MultiRegionKeyType).toBe('PRIMARY');
  const planned = await aws(SECOND, 'schedule-key-deletion', ...id);
  expect(planned.KeyState).toBe('PendingReplicaDeletion');
  await aws(SECOND, 'cancel-key-deletion', ...id);
  await expect(aws(SECOND, 'replicate-key', ...id, '--replica-region', THIRD)).rejects.toThrow(
    /DisabledException/,
  );
  await server.stop();
});
