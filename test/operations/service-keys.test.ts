/**
 * Keys of services as clients see them: on a server in development mode, where an access key id
 * names the service, and with a service's own access key on the program that is shipped.
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import {
  CreateAliasCommand,
  CreateKeyCommand,
  DecryptCommand,
  DeleteAliasCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  DisableKeyRotationCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  GetKeyPolicyCommand,
  GetKeyRotationStatusCommand,
  type KMSClient,
  ListAliasesCommand,
  ListKeysCommand,
  PutKeyPolicyCommand,
  RotateKeyOnDemandCommand,
  ScheduleKeyDeletionCommand,
  TagResourceCommand,
  UpdateAliasCommand,
  UpdateKeyDescriptionCommand,
} from '@aws-sdk/client-kms';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { failure } from '../failure.js';
import { initialiseData, spawnServer, startServer, type TestServer } from '../harness.js';

const CLI = fileURLToPath(new URL('../../dist/cli/keystrel.js', import.meta.url));

describe('on a server in development mode', () => {
  let server: TestServer;
  let user: KMSClient;
  let s3: KMSClient;

  beforeAll(async () => {
    server = await startServer({ dev: true, config: { services: ['s3', 'ssm'] } });
    user = server.kms();
    const accessKeyId = 's3.amazonaws.com';
    s3 = server.kms({ credentials: { accessKeyId, secretAccessKey: 'not checked' } });
  });
  afterAll(() => server.stop());

  const records = () =>
    server.auditLines().map((line) => JSON.parse(line) as Record<string, unknown>);
  const aliases = async () => {
    const { Aliases = [] } = await user.send(new ListAliasesCommand({}));
    return Object.fromEntries(Aliases.map((alias) => [alias.AliasName!, alias]));
  };

  test('aliases are there before their keys', async () => {
    const before = await aliases();
    expect(Object.keys(before)).toEqual(['alias/aws/s3', 'alias/aws/ssm']);
    const { region, account } = server;
    expect(before['alias/aws/s3']).toEqual({
      AliasName: 'alias/aws/s3',
      AliasArn: `arn:aws:kms:${region}:${account}:alias/aws/s3`,
    });
    expect((await user.send(new ListKeysCommand({}))).Keys).toEqual([]);
    const early = new EncryptCommand({ KeyId: 'alias/aws/s3', Plaintext: Buffer.from('x') });
    expect((await failure(user.send(early))).name).toBe('NotFoundException');
  });

  test('the service uses its key, which others can only look at', async () => {
    const KeyId = 'alias/aws/s3';
    const made = await s3.send(new GenerateDataKeyCommand({ KeyId, KeySpec: 'AES_256' }));
    const arn = made.KeyId!;
    const event = records().find(({ eventType }) => eventType === 'AwsServiceEvent');
    expect(event).toMatchObject({
      eventName: 'CreateKey',
      serviceEventDetails: { keyId: arn, aliasName: 'alias/aws/s3' },
      resources: [{ ARN: arn }],
    });
    expect(records().at(-1)).toMatchObject({
      eventName: 'GenerateDataKey',
      userIdentity: { type: 'AWSService', invokedBy: 's3.amazonaws.com' },
    });
    const opened = await s3.send(new DecryptCommand({ CiphertextBlob: made.CiphertextBlob }));
    expect(opened.Plaintext).toEqual(made.Plaintext);
    const { KeyMetadata } = await user.send(new DescribeKeyCommand({ KeyId }));
    const { Policy } = await user.send(new GetKeyPolicyCommand({ KeyId: arn }));
    expect(Policy).toContain('Allow access through S3 for all principals in the account');
    const status = await user.send(new GetKeyRotationStatusCommand({ KeyId: arn }));
    expect(status).toMatchObject({ KeyRotationEnabled: true, RotationPeriodInDays: 365 });
    expect(KeyMetadata).toMatchObject({
      Arn: arn,
      KeyManager: 'AWS',
      KeyState: 'Enabled',
      Enabled: true,
      Origin: 'AWS_KMS',
      Description: 'Default key that protects my S3 objects when no other key is defined',
    });
    const target = (await aliases())['alias/aws/s3']!;
    expect(target.TargetKeyId).toBe(KeyMetadata!.KeyId);
    expect(target.CreationDate).toBeInstanceOf(Date);
    expect((await user.send(new ListKeysCommand({}))).Keys).toEqual([
      { KeyId: KeyMetadata!.KeyId, KeyArn: arn },
    ]);
    const own = await user.send(new ListAliasesCommand({ KeyId: arn }));
    expect(own.Aliases!.map(({ AliasName }) => AliasName)).toEqual(['alias/aws/s3']);
    const refused = await failure(
      user.send(new DecryptCommand({ CiphertextBlob: made.CiphertextBlob })),
    );
    expect(refused.name).toBe('AccessDeniedException');
  });

  test('DescribeKey makes the key too', async () => {
    const { KeyMetadata } = await user.send(new DescribeKeyCommand({ KeyId: 'alias/aws/ssm' }));
    expect(KeyMetadata!.KeyManager).toBe('AWS');
    expect((await aliases())['alias/aws/ssm']!.TargetKeyId).toBe(KeyMetadata!.KeyId);
    const none = await failure(user.send(new DescribeKeyCommand({ KeyId: 'alias/aws/rds' })));
    expect(none.name).toBe('NotFoundException');
  });

  test('nobody changes it', async () => {
    const { KeyMetadata } = await user.send(new DescribeKeyCommand({ KeyId: 'alias/aws/s3' }));
    const { KeyId, Arn } = KeyMetadata!;
    const root = `arn:aws:iam::${server.account}:root`;
    const calls = {
      DisableKey: () => user.send(new DisableKeyCommand({ KeyId })),
      ScheduleKeyDeletion: () => user.send(new ScheduleKeyDeletionCommand({ KeyId })),
      UpdateKeyDescription: () =>
        user.send(new UpdateKeyDescriptionCommand({ KeyId, Description: 'mine' })),
      CreateAlias: () =>
        user.send(new CreateAliasCommand({ AliasName: 'alias/mine', TargetKeyId: KeyId })),
      TagResource: () =>
        user.send(new TagResourceCommand({ KeyId, Tags: [{ TagKey: 'a', TagValue: 'b' }] })),
      PutKeyPolicy: () => user.send(new PutKeyPolicyCommand({ KeyId, Policy: '{}' })),
      DisableKeyRotation: () => user.send(new DisableKeyRotationCommand({ KeyId })),
      RotateKeyOnDemand: () => user.send(new RotateKeyOnDemandCommand({ KeyId })),
      Encrypt: () => user.send(new EncryptCommand({ KeyId, Plaintext: Buffer.from('x') })),
    };
    for (const [name, call] of Object.entries(calls)) {
      expect(await failure(call())).toEqual({
        name: 'AccessDeniedException',
        message:
          `User: ${root} is not authorized to perform: kms:${name} on resource: ${Arn} because ` +
          `no resource-based policy allows the kms:${name} action`,
        status: 400,
      });
    }
    const after = await user.send(new DescribeKeyCommand({ KeyId }));
    expect(after.KeyMetadata).toEqual(KeyMetadata);
  });

  test('its alias can neither be given nor taken nor pointed elsewhere', async () => {
    const own = (await user.send(new CreateKeyCommand({}))).KeyMetadata!.KeyId;
    const AliasName = 'alias/aws/s3';
    for (const call of [
      () => user.send(new CreateAliasCommand({ AliasName: 'alias/aws/mine', TargetKeyId: own })),
      () => user.send(new UpdateAliasCommand({ AliasName, TargetKeyId: own })),
      () => user.send(new DeleteAliasCommand({ AliasName })),
    ]) {
      expect((await failure(call())).name).toBe('InvalidAliasNameException');
    }
  });
});

test('a service signs with an access key of its own', async () => {
  const data = initialiseData();
  const server = await spawnServer({ data, args: ['--services', 's3,ebs'] });
  try {
    const create = ['access-key', 'create', '--service', 's3', '--json', '--data', data.path];
    const made = JSON.parse(
      execFileSync(process.execPath, [CLI, ...create], { encoding: 'utf8' }),
    ) as { accessKeyId: string; secretAccessKey: string };
    const s3 = server.kms({ credentials: made });
    const KeyId = 'alias/aws/s3';
    const Plaintext = Buffer.from('stored');
    const sealed = await s3.send(new EncryptCommand({ KeyId, Plaintext }));
    const opened = await s3.send(new DecryptCommand({ CiphertextBlob: sealed.CiphertextBlob }));
    expect(Buffer.from(opened.Plaintext!).toString()).toBe('stored');
    const other = new EncryptCommand({ KeyId: 'alias/aws/ebs', Plaintext });
    expect((await failure(s3.send(other))).name).toBe('NotFoundException');
    await server.kms().send(new DescribeKeyCommand({ KeyId: 'alias/aws/ebs' }));
    expect((await failure(s3.send(other))).name).toBe('AccessDeniedException');
    const records = server.auditLines().map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(records.find(({ eventName }) => eventName === 'Encrypt')).toMatchObject({
      userIdentity: {
        type: 'AWSService',
        arn: `arn:aws:iam::${data.account}:service/s3.amazonaws.com`,
        accountId: data.account,
        accessKeyId: made.accessKeyId,
        invokedBy: 's3.amazonaws.com',
      },
    });
  } finally {
    await server.stop();
    data.remove();
  }
});
