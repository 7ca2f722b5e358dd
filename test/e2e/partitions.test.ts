/** Regions of other partitions than `aws`: the partition is in every ARN, and none crosses it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServer, type TestServer } from '../harness.js';

const PARTITIONS = [
  ['aws-cn', 'cn-north-1', 'cn-northwest-1'],
  ['aws-us-gov', 'us-gov-west-1', 'us-gov-east-1'],
] as const;

describe.each(PARTITIONS)('%s', (partition, home, second) => {
  let server: TestServer;
  let arn: string;
  let keyId: string;
  const arnOf = (rest: string) => `arn:${partition}:${rest}`;
  const policyFor = (principal: string) =>
    JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        { Effect: 'Allow', Principal: { AWS: principal }, Action: 'kms:*', Resource: '*' },
      ],
    });
  async function ask(operation: string, input: object, region: string = home) {
    const reply = await server.call(operation, input, { region });
    return reply.status === 200 ? reply.json : { code: reply.json.__type, ...reply.json };
  }

  beforeAll(async () => {
    server = await startServer({
      quota: 'off',
      config: { region: home, regions: [home, second] },
    });
    const { KeyMetadata } = await ask('CreateKey', { MultiRegion: true });
    arn = KeyMetadata.Arn;
    keyId = KeyMetadata.KeyId;
  });
  afterAll(() => server.stop());

  test('keys and aliases have ARNs of the partition, and are found by them alone', async () => {
    expect(arn).toBe(arnOf(`kms:${home}:${server.account}:key/${keyId}`));
    await ask('CreateAlias', { AliasName: 'alias/a', TargetKeyId: keyId });
    const { Aliases } = await ask('ListAliases', { KeyId: arn });
    const aliasArn = arnOf(`kms:${home}:${server.account}:alias/a`);
    expect(Aliases[0].AliasArn).toBe(aliasArn);
    for (const KeyId of [arn, aliasArn]) {
      const sealed = await ask('Encrypt', { KeyId, Plaintext: 'AAAA' });
      expect(sealed.KeyId).toBe(arn);
      expect((await ask('Decrypt', sealed)).KeyId).toBe(arn);
      const foreign = KeyId.replace(`arn:${partition}:`, 'arn:aws:');
      const thrown = await ask('Encrypt', { KeyId: foreign, Plaintext: 'AAAA' });
      expect(thrown.code).toBe('InvalidArnException');
      expect(thrown.message).toBe(`Invalid arn ${foreign}`);
    }
  });

  test('so have the principals of key policies', async () => {
    const root = arnOf(`iam::${server.account}:root`);
    const { Policy } = await ask('GetKeyPolicy', { KeyId: keyId });
    expect(JSON.parse(Policy).Statement[0].Principal).toEqual({ AWS: root });
    const tester = arnOf(`iam::${server.account}:user/tester`);
    expect(await ask('PutKeyPolicy', { KeyId: keyId, Policy: policyFor(tester) })).toEqual({});
    const thrown = await ask('PutKeyPolicy', {
      KeyId: keyId,
      Policy: policyFor(`arn:aws:iam::${server.account}:root`),
    });
    expect(thrown.code).toBe('MalformedPolicyDocumentException');
    expect(thrown.message).toMatch(/invalid principals/);
    expect(await ask('PutKeyPolicy', { KeyId: keyId, Policy: policyFor(root) })).toEqual({});
  });

  test('and the principals of grants', async () => {
    const GranteePrincipal = arnOf('iam::111122223333:role/path/reader');
    const grant = { KeyId: keyId, Operations: ['Decrypt'], GranteePrincipal };
    const { GrantId } = await ask('CreateGrant', grant);
    const { Grants } = await ask('ListGrants', { KeyId: keyId, GrantId });
    expect(Grants[0]).toMatchObject({
      KeyId: arn,
      GranteePrincipal,
      IssuingAccount: arnOf(`iam::${server.account}:root`),
    });
    const foreign = 'arn:aws:iam::111122223333:role/path/reader';
    const refusals = [
      await ask('CreateGrant', { ...grant, GranteePrincipal: foreign }),
      await ask('CreateGrant', { ...grant, RetiringPrincipal: foreign }),
      await ask('ListGrants', { KeyId: keyId, GranteePrincipal: foreign }),
      await ask('ListRetirableGrants', { RetiringPrincipal: foreign }),
    ];
    expect(refusals.map((thrown) => thrown.code)).toEqual(Array(4).fill('InvalidArnException'));
    const retirable = { RetiringPrincipal: arnOf(`iam::${server.account}:root`) };
    expect((await ask('ListRetirableGrants', retirable)).Grants).toEqual([]);
    expect(await ask('RetireGrant', { KeyId: arn, GrantId })).toEqual({});
  });

  test('multi-Region keys stay within the partition', async () => {
    const { ReplicaKeyMetadata } = await ask('ReplicateKey', {
      KeyId: keyId,
      ReplicaRegion: second,
    });
    expect(ReplicaKeyMetadata.Arn).toBe(arnOf(`kms:${second}:${server.account}:key/${keyId}`));
    const sealed = await ask('Encrypt', { KeyId: keyId, Plaintext: 'AAAA' });
    const { CiphertextBlob } = sealed;
    const opened = await ask('Decrypt', { CiphertextBlob }, second);
    expect(opened).toMatchObject({ KeyId: ReplicaKeyMetadata.Arn, Plaintext: 'AAAA' });
    const thrown = await ask('ReplicateKey', { KeyId: keyId, ReplicaRegion: 'us-east-1' });
    expect(thrown.code).toBe('UnsupportedOperationException');
  });

  test('and the audit log tells all of it', async () => {
    await ask('DescribeKey', { KeyId: keyId });
    const records = server.auditLines().map((line) => JSON.parse(line));
    const described = records.findLast((one) => one.eventName === 'DescribeKey');
    expect(described).toMatchObject({
      awsRegion: home,
      userIdentity: { type: 'IAMUser', arn: arnOf(`iam::${server.account}:user/tester`) },
      resources: [{ accountId: server.account, type: 'AWS::KMS::Key', ARN: arn }],
    });
    const own = records.flatMap((one) => [one.userIdentity.arn, ...(one.resources ?? [])]);
    const arns = own.map((one) => (typeof one === 'string' ? one : one.ARN));
    expect(arns.filter((one) => !one.startsWith(`arn:${partition}:`))).toEqual([]);
  });
});

test('in development mode, each Region has the ARNs of its partition', async () => {
  const server = await startServer({ dev: true, quota: 'off' });
  try {
    for (const [region, partition] of [
      ['cn-north-1', 'aws-cn'],
      ['us-gov-west-1', 'aws-us-gov'],
      ['eu-west-1', 'aws'],
    ] as const) {
      const { json } = await server.call('CreateKey', {}, { region });
      expect(json.KeyMetadata.Arn).toMatch(new RegExp(`^arn:${partition}:kms:${region}:`));
      const { KeyId } = json.KeyMetadata;
      const policy = await server.call('GetKeyPolicy', { KeyId }, { region });
      expect(policy.json.Policy).toContain(`"arn:${partition}:iam::000000000000:root"`);
      const credentials = { accessKeyId: 's3.amazonaws.com', secretAccessKey: 'not checked' };
      await server.call('ListKeys', {}, { region, credentials });
      const record = JSON.parse(server.auditLines().at(-1)!);
      expect(record.userIdentity.arn).toBe(
        `arn:${partition}:iam::000000000000:service/s3.amazonaws.com`,
      );
    }
  } finally {
    await server.stop();
  }
});
