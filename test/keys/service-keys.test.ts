/** Keys of services: made by their first use, once, and then used by their service alone. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { Caller } from '../../src/auth/port.js';
import { isKmsError } from '../../src/core/errors.js';
import { servicePrincipal, servicePrincipalArn } from '../../src/core/service-principals.js';
import type { Key } from '../../src/keys/key.js';
import { StoreError } from '../../src/store/port.js';
import { ACCOUNT, blobInput, CALLER, openRig, overridden, REGION, type Rig } from './rig.js';

const DAY_MS = 86_400_000;
const SERVICES = ['s3', 'ebs', 'my-store'];
const rigs: Rig[] = [];

async function open(options: Parameters<typeof openRig>[0] = {}): Promise<Rig> {
  const rig = await openRig({ ...options, parts: { services: SERVICES, ...options.parts } });
  rigs.push(rig);
  return rig;
}
afterEach(async () => {
  for (const rig of rigs.splice(0)) await rig.close();
});

function service(name: string, account = ACCOUNT, region = REGION): Caller {
  return {
    account,
    region,
    arn: servicePrincipalArn(region, account, name),
    kind: 'service',
    name: servicePrincipal(name),
    accessKeyId: 'AKIASERVICE',
  };
}

async function refusal(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!isKmsError(error)) throw new Error(`no refusal, but ${String(error)}`);
  return `${error.code}: ${error.message}`;
}

const S3 = { id: 'alias/aws/s3' };
const describeS3 = { ...S3, permission: 'kms:DescribeKey' };
const notFound = (name: string, region = REGION) =>
  `NotFoundException: Alias arn:aws:kms:${region}:${ACCOUNT}:alias/aws/${name} is not found.`;

describe('the first use', () => {
  test('by the service makes the key, with all that is fixed', async () => {
    const rig = await open();
    const key = await rig.resolve(S3, service('s3'));
    const { record } = key;
    expect(record).toMatchObject({
      account: ACCOUNT,
      region: REGION,
      keyManager: 'AWS',
      keySpec: 'SYMMETRIC_DEFAULT',
      keyUsage: 'ENCRYPT_DECRYPT',
      origin: 'AWS_KMS',
      state: 'Enabled',
      description: 'Default key that protects my S3 objects when no other key is defined',
      multiRegion: false,
      rotationPeriodDays: 365,
      nextRotationAt: rig.clock.now() + 365 * DAY_MS,
      service: 'aws/s3',
    });
    expect(key.requestAlias).toBe('alias/aws/s3');
    expect(await rig.resolve(S3, service('s3'))).toMatchObject({ arn: key.arn });
    const alias = await rig.store.getAlias({ account: ACCOUNT, region: REGION }, 'alias/aws/s3');
    expect(alias).toMatchObject({ targetKeyId: record.keyId, createdAt: rig.clock.now() });
  });

  test('by DescribeKey of anybody in the account makes it too', async () => {
    const rig = await open();
    const seen = await rig.resolve(describeS3);
    expect(seen.record.service).toBe('aws/s3');
    expect((await rig.resolve(S3, service('s3'))).arn).toBe(seen.arn);
    const byArn = { id: `arn:aws:kms:${REGION}:${ACCOUNT}:alias/aws/ebs` };
    const ebs = await rig.resolve({ ...byArn, permission: 'kms:DescribeKey' });
    expect(ebs.record.description).toBe(
      'Default key that protects my EBS volumes when no other key is defined',
    );
  });

  test('by anything else finds nothing', async () => {
    const rig = await open();
    expect(await refusal(rig.resolve(S3))).toBe(notFound('s3'));
    expect(await refusal(rig.resolve(S3, service('ebs')))).toBe(notFound('s3'));
    const unknown = { id: 'alias/aws/sqs' };
    expect(await refusal(rig.resolve(unknown, service('sqs')))).toBe(notFound('sqs'));
    const described = { ...unknown, permission: 'kms:DescribeKey' };
    expect(await refusal(rig.resolve(described))).toBe(notFound('sqs'));
    const page = await rig.service.listKeys(CALLER, 10, undefined);
    expect(page.items).toEqual([]);
  });

  test('happens once, however many use it at a time', async () => {
    const made: Key[] = [];
    const rig = await open({ parts: { onServiceKeyMade: (key) => void made.push(key) } });
    const keys = await Promise.all([
      ...Array.from({ length: 20 }, () => rig.resolve(S3, service('s3'))),
      ...Array.from({ length: 20 }, () => rig.resolve(describeS3)),
    ]);
    expect(new Set(keys.map(({ arn }) => arn)).size).toBe(1);
    expect(made.map(({ arn }) => arn)).toEqual([keys[0]!.arn]);
  });

  test('in two processes at a time gives one key', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'keystrel-services-'));
    const pair = [await open({ directory }), await open({ directory })];
    const keys = await Promise.all(pair.map((rig) => rig.resolve(S3, service('s3'))));
    expect(keys[0]!.arn).toBe(keys[1]!.arn);
    const page = await pair[0]!.service.listKeys(CALLER, 10, undefined);
    expect(page.items).toHaveLength(1);
    for (const rig of rigs.splice(0)) await rig.close();
    rmSync(directory, { recursive: true });
  });

  test('is of each account and Region by itself', async () => {
    const rig = await open();
    const here = await rig.resolve(S3, service('s3'));
    const there = await rig.resolve(S3, service('s3', ACCOUNT, 'us-east-1'));
    const theirs = await rig.resolve(S3, service('s3', '444455556666'));
    expect(new Set([here, there, theirs].map(({ arn }) => arn)).size).toBe(3);
    expect(await refusal(rig.resolve({ id: here.arn }, service('s3', '444455556666')))).toMatch(
      /^AccessDeniedException: /,
    );
  });

  test('that fails leaves nothing, and the next one succeeds', async () => {
    let broken = true;
    const rig = await open({
      wrapStore: (store) =>
        overridden(store, {
          insertKey: (...row) =>
            broken ? Promise.reject(new StoreError('FULL', 'full')) : store.insertKey(...row),
        }),
    });
    expect(await refusal(rig.resolve(S3, service('s3')))).toMatch(/^KMSInternalException/);
    broken = false;
    expect((await rig.resolve(S3, service('s3'))).record.service).toBe('aws/s3');
  });
});

describe('its use', () => {
  const denied = (who: Caller, permission: string, arn: string) =>
    `AccessDeniedException: User: ${who.arn} is not authorized to perform: ${permission} on ` +
    `resource: ${arn} because no resource-based policy allows the ${permission} action`;

  test('is for its service, whatever form names it, cached or not', async () => {
    const rig = await open();
    const key = await rig.resolve(S3, service('s3'));
    for (const id of [key.record.keyId, key.arn, 'alias/aws/s3']) {
      for (const permission of ['kms:Encrypt', 'kms:GenerateDataKey', 'kms:CreateGrant']) {
        const found = await rig.resolve({ id, permission }, service('s3'));
        expect(found.arn).toBe(key.arn);
        expect(await refusal(rig.resolve({ id, permission }))).toBe(
          denied(CALLER, permission, key.arn),
        );
        expect(await refusal(rig.resolve({ id, permission }, service('ebs')))).toBe(
          denied(service('ebs'), permission, key.arn),
        );
      }
    }
  });

  test('by ciphertext alone is refused without naming the key', async () => {
    const rig = await open();
    const key = await rig.resolve(S3, service('s3'));
    const ciphertext = blobInput(await rig.service.encrypt(key, Buffer.from('x'), undefined));
    const lookup = { ciphertext, permission: 'kms:Decrypt' };
    expect((await rig.resolve(lookup, service('s3'))).arn).toBe(key.arn);
    expect(await refusal(rig.resolve(lookup))).toMatch(
      /^AccessDeniedException: .* on the resource associated with this ciphertext/,
    );
  });

  test('of its metadata is for all of the account; changes are for nobody', async () => {
    const rig = await open();
    const { arn: id } = await rig.resolve(S3, service('s3'));
    for (const permission of [
      'kms:DescribeKey',
      'kms:GetKeyPolicy',
      'kms:GetKeyRotationStatus',
      'kms:ListAliases',
      'kms:ListResourceTags',
      'kms:RevokeGrant',
      'kms:RetireGrant',
    ]) {
      expect((await rig.resolve({ id, permission, aliases: false })).arn).toBe(id);
    }
    for (const permission of [
      'kms:ScheduleKeyDeletion',
      'kms:CancelKeyDeletion',
      'kms:DisableKey',
      'kms:EnableKey',
      'kms:UpdateKeyDescription',
      'kms:CreateAlias',
      'kms:UpdateAlias',
      'kms:TagResource',
      'kms:UntagResource',
      'kms:PutKeyPolicy',
      'kms:EnableKeyRotation',
      'kms:DisableKeyRotation',
      'kms:RotateKeyOnDemand',
      'kms:ReplicateKey',
    ]) {
      for (const who of [CALLER, service('s3')]) {
        expect(await refusal(rig.resolve({ id, permission, aliases: false }, who))).toBe(
          denied(who, permission, id),
        );
      }
    }
  });

  test('customer keys are as they were', async () => {
    const rig = await open();
    const key = await rig.create();
    expect((await rig.resolve({ id: key.arn, permission: 'kms:DisableKey' })).arn).toBe(key.arn);
    expect(key.record.service).toBeNull();
  });
});

test('the policy is that of AWS managed keys', async () => {
  const rig = await open();
  const [s3, ebs, own] = await Promise.all(
    ['s3', 'ebs', 'my-store'].map((name) =>
      rig.resolve({ id: `alias/aws/${name}` }, service(name)),
    ),
  );
  const policy = (key: Key) => JSON.parse(key.record.policy!) as Record<string, unknown>;
  expect(policy(s3!)).toEqual({
    Version: '2012-10-17',
    Id: 'auto-s3-1',
    Statement: [
      {
        Sid: 'Allow access through S3 for all principals in the account that are authorized to use S3',
        Effect: 'Allow',
        Principal: { AWS: '*' },
        Action: [
          'kms:Encrypt',
          'kms:Decrypt',
          'kms:ReEncrypt*',
          'kms:GenerateDataKey*',
          'kms:CreateGrant',
          'kms:DescribeKey',
        ],
        Resource: '*',
        Condition: {
          StringEquals: {
            'kms:CallerAccount': ACCOUNT,
            'kms:ViaService': `s3.${REGION}.amazonaws.com`,
          },
        },
      },
      {
        Sid: 'Allow direct access to key metadata to the account',
        Effect: 'Allow',
        Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` },
        Action: ['kms:Describe*', 'kms:Get*', 'kms:List*', 'kms:RevokeGrant'],
        Resource: '*',
      },
    ],
  });
  expect(ebs!.record.policy).toContain(`"ec2.${REGION}.amazonaws.com"`);
  expect(own!.record.policy).toContain(`"my-store.${REGION}.amazonaws.com"`);
  expect(own!.record.description).toContain('my-store data');
});

test('they rotate every year, and old ciphertexts open', async () => {
  const rig = await open();
  const key = await rig.resolve(S3, service('s3'));
  const sealed = await rig.service.encrypt(key, Buffer.from('old'), undefined);
  rig.clock.advance(365 * DAY_MS);
  await rig.runDueWork();
  const rotated = await rig.resolve(S3, service('s3'));
  expect(rotated.record.currentMaterialId).not.toBe(key.record.currentMaterialId);
  expect(rotated.record.nextRotationAt).toBe(rig.clock.now() + 365 * DAY_MS);
  const opened = await rig.service.decrypt(rotated, blobInput(sealed), undefined);
  expect(opened.plaintext.toString()).toBe('old');
  expect(opened.materialId).toBe(key.record.currentMaterialId);
});

test('they take no room of the account', async () => {
  const rig = await open({ parts: { quotas: { keys: 1 } } });
  await rig.resolve(S3, service('s3'));
  await rig.resolve({ id: 'alias/aws/ebs' }, service('ebs'));
  await rig.create();
  expect(await refusal(rig.create())).toMatch(/^LimitExceededException: /);
  expect((await rig.resolve({ id: 'alias/aws/my-store' }, service('my-store'))).record.state).toBe(
    'Enabled',
  );
});

describe('lists', () => {
  /** All aliases, `limit` at a time. */
  async function listed(rig: Rig, limit: number): Promise<(readonly [string, boolean])[]> {
    const all: (readonly [string, boolean])[] = [];
    let marker: string | undefined;
    do {
      const page = await rig.service.listAliases(CALLER, undefined, limit, marker);
      expect(page.items.length).toBeLessThanOrEqual(limit);
      all.push(...page.items.map((item) => [item.name, item.targetKeyId !== undefined] as const));
      marker = page.nextMarker;
    } while (marker !== undefined);
    return all;
  }

  test('show aliases of services among others, in order, with a target once there is a key', async () => {
    const rig = await open();
    const key = await rig.create();
    for (const name of ['alias/a', 'alias/aws-like', 'alias/b', 'alias/zz']) {
      await rig.service.createAlias(CALLER, name, key);
    }
    const before = [
      ['alias/a', true],
      ['alias/aws-like', true],
      ['alias/aws/ebs', false],
      ['alias/aws/my-store', false],
      ['alias/aws/s3', false],
      ['alias/b', true],
      ['alias/zz', true],
    ] as const;
    for (const limit of [1, 2, 3, 4, 6, 7, 8, 100])
      expect(await listed(rig, limit)).toEqual(before);
    await rig.resolve({ id: 'alias/aws/my-store' }, service('my-store'));
    const after = before.map(([name, made]) => [name, made || name === 'alias/aws/my-store']);
    for (const limit of [1, 2, 3, 7, 100]) expect(await listed(rig, limit)).toEqual(after);
  });

  test('of the aliases of a key show no others', async () => {
    const rig = await open();
    const key = await rig.resolve(S3, service('s3'));
    const own = await rig.service.listAliases(CALLER, key, 10, undefined);
    expect(own.items.map(({ name }) => name)).toEqual(['alias/aws/s3']);
    const other = await rig.service.listAliases(CALLER, await rig.create(), 10, undefined);
    expect(other.items).toEqual([]);
  });

  test('of keys show them', async () => {
    const rig = await open();
    const key = await rig.resolve(S3, service('s3'));
    const page = await rig.service.listKeys(CALLER, 10, undefined);
    expect(page.items.map(({ arn }) => arn)).toEqual([key.arn]);
  });
});
