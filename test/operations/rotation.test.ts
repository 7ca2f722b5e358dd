/** The operations of key rotation through the SDK, on a real server with a clock of its own. */
import {
  CancelKeyDeletionCommand,
  CreateKeyCommand,
  DecryptCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  DisableKeyRotationCommand,
  EnableKeyCommand,
  EnableKeyRotationCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  GenerateDataKeyPairCommand,
  GenerateDataKeyPairWithoutPlaintextCommand,
  GenerateDataKeyWithoutPlaintextCommand,
  GetKeyRotationStatusCommand,
  type KMSClient,
  ListKeyRotationsCommand,
  paginateListKeyRotations,
  ReEncryptCommand,
  RotateKeyOnDemandCommand,
  ScheduleKeyDeletionCommand,
} from '@aws-sdk/client-kms';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ManualClock } from '../../src/core/clock.js';
import { failure } from '../failure.js';
import { startServer, type TestServer } from '../harness.js';

const DAY_MS = 86_400_000;
const PLAINTEXT = Buffer.from('text');
let server: TestServer;
let kms: KMSClient;
// Whole seconds: the SDK's dates keep milliseconds, but not all of them as binary fractions.
const clock = new ManualClock(Math.floor(Date.now() / 1000) * 1000);

beforeAll(async () => {
  // Dev mode: the SDK signs with the real time, which is not the time of this clock.
  server = await startServer({ dev: true, clock });
  kms = server.kms();
});
afterAll(() => server.stop());

const create = async (input = {}) => (await kms.send(new CreateKeyCommand(input))).KeyMetadata!;
const status = async (KeyId: string) => {
  const { $metadata: _, ...rest } = await kms.send(new GetKeyRotationStatusCommand({ KeyId }));
  return rest;
};
const materialOf = async (KeyId: string) =>
  (await kms.send(new DescribeKeyCommand({ KeyId }))).KeyMetadata!.CurrentKeyMaterialId!;
const rotate = (KeyId: string) => kms.send(new RotateKeyOnDemandCommand({ KeyId }));
const list = async (KeyId: string, IncludeKeyMaterial?: 'ALL_KEY_MATERIAL' | 'ROTATIONS_ONLY') =>
  (await kms.send(new ListKeyRotationsCommand({ KeyId, IncludeKeyMaterial }))).Rotations!;
/** serviceEventDetails of all RotateKey records of a key, in order. */
const events = (keyId: string) =>
  server
    .auditLines()
    .map((line) => JSON.parse(line))
    .filter((one) => one.eventName === 'RotateKey' && one.serviceEventDetails.keyId === keyId);

describe('automatic rotation', () => {
  test('a life: enabled, changed, rotated, disabled', async () => {
    const { KeyId = '', Arn, CurrentKeyMaterialId: first } = await create();
    expect(await status(KeyId)).toEqual({ KeyRotationEnabled: false, KeyId: Arn });
    await kms.send(new EnableKeyRotationCommand({ KeyId }));
    expect(await status(Arn!)).toEqual({
      KeyRotationEnabled: true,
      KeyId: Arn,
      RotationPeriodInDays: 365,
      NextRotationDate: new Date(clock.now() + 365 * DAY_MS),
    });
    clock.advance(DAY_MS);
    await kms.send(new EnableKeyRotationCommand({ KeyId, RotationPeriodInDays: 90 }));
    const start = clock.now();
    const due = new Date(start + 90 * DAY_MS);
    expect(await status(KeyId)).toMatchObject({ RotationPeriodInDays: 90, NextRotationDate: due });
    clock.advance(90 * DAY_MS - 1);
    await server.runDueWork();
    expect(await materialOf(KeyId)).toBe(first);
    clock.advance(1);
    await server.runDueWork();
    const second = await materialOf(KeyId);
    expect(second).not.toBe(first);
    expect(await list(KeyId)).toEqual([
      {
        KeyId,
        KeyMaterialId: second,
        KeyMaterialState: 'CURRENT',
        RotationDate: due,
        RotationType: 'AUTOMATIC',
      },
    ]);
    const record = events(KeyId);
    expect(record).toHaveLength(1);
    expect(record[0]).toMatchObject({
      eventType: 'AwsServiceEvent',
      eventSource: 'kms.amazonaws.com',
      userIdentity: { accountId: server.account, invokedBy: 'AWS Internal' },
      readOnly: false,
      requestParameters: null,
      responseElements: null,
      resources: [{ accountId: server.account, type: 'AWS::KMS::Key', ARN: Arn }],
      serviceEventDetails: {
        keyId: KeyId,
        keyOrigin: 'AWS_KMS',
        rotationType: 'AUTOMATIC',
        previousKeyMaterialId: first,
        currentKeyMaterialId: second,
      },
    });
    await kms.send(new DisableKeyRotationCommand({ KeyId }));
    await kms.send(new DisableKeyRotationCommand({ KeyId }));
    expect(await status(KeyId)).toEqual({ KeyRotationEnabled: false, KeyId: Arn });
    clock.advance(1000 * DAY_MS);
    await server.runDueWork();
    expect(await materialOf(KeyId)).toBe(second);
  });

  test('the status of keys that are disabled or pending deletion', async () => {
    const { KeyId = '', Arn } = await create();
    await kms.send(new EnableKeyRotationCommand({ KeyId, RotationPeriodInDays: 100 }));
    const on = await status(KeyId);
    await kms.send(new DisableKeyCommand({ KeyId }));
    expect(await status(KeyId)).toEqual(on);
    const disabled = { name: 'DisabledException', message: `${Arn} is disabled.` };
    for (const command of [
      new EnableKeyRotationCommand({ KeyId }),
      new DisableKeyRotationCommand({ KeyId }),
      new RotateKeyOnDemandCommand({ KeyId }),
    ]) {
      expect(await failure(kms.send(command))).toMatchObject(disabled);
    }
    await kms.send(new EnableKeyCommand({ KeyId }));
    await kms.send(new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays: 7 }));
    expect(await status(KeyId)).toEqual({ KeyRotationEnabled: false, KeyId: Arn });
    await kms.send(new CancelKeyDeletionCommand({ KeyId }));
    expect(await status(KeyId)).toEqual(on);
    clock.advance(250 * DAY_MS);
    await server.runDueWork();
    expect(await list(KeyId)).toEqual([]);
    await kms.send(new EnableKeyCommand({ KeyId }));
    expect(await list(KeyId)).toMatchObject([{ RotationDate: new Date(clock.now()) }]);
    expect((await status(KeyId)).NextRotationDate).toEqual(new Date(clock.now() + 100 * DAY_MS));
  });
});

describe('rotation on demand', () => {
  test('is done when it is answered; every former version opens, new ones are used', async () => {
    const { KeyId = '', Arn } = await create();
    const sealed: { blob: Uint8Array; materialId: string }[] = [];
    for (let i = 0; i < 4; i += 1) {
      const materialId = await materialOf(KeyId);
      const made = await kms.send(new EncryptCommand({ KeyId, Plaintext: PLAINTEXT }));
      sealed.push({ blob: made.CiphertextBlob!, materialId });
      const { $metadata: _, ...reply } = await rotate(KeyId);
      expect(reply).toEqual({ KeyId: Arn });
      expect(await materialOf(KeyId)).not.toBe(materialId);
    }
    for (const { blob, materialId } of sealed) {
      const opened = await kms.send(new DecryptCommand({ CiphertextBlob: blob }));
      expect(Buffer.from(opened.Plaintext!)).toEqual(PLAINTEXT);
      expect(opened.KeyMaterialId).toBe(materialId);
    }
    expect(events(KeyId).map((one) => one.serviceEventDetails)).toEqual(
      sealed.map(({ materialId }, i) => ({
        keyId: KeyId,
        keyOrigin: 'AWS_KMS',
        rotationType: 'ON_DEMAND',
        previousKeyMaterialId: materialId,
        currentKeyMaterialId: sealed[i + 1]?.materialId ?? expect.any(String),
      })),
    );
  });

  test('replies name the material that did the work', async () => {
    const { KeyId = '', CurrentKeyMaterialId: first } = await create();
    const made = await kms.send(new EncryptCommand({ KeyId, Plaintext: PLAINTEXT }));
    await rotate(KeyId);
    const current = await materialOf(KeyId);
    const again = await kms.send(
      new ReEncryptCommand({ CiphertextBlob: made.CiphertextBlob!, DestinationKeyId: KeyId }),
    );
    expect([again.SourceKeyMaterialId, again.DestinationKeyMaterialId]).toEqual([first, current]);
    const opened = await kms.send(new DecryptCommand({ CiphertextBlob: again.CiphertextBlob! }));
    expect(opened.KeyMaterialId).toBe(current);
    const size = { KeyId, KeySpec: 'AES_256' } as const;
    const pair = { KeyId, KeyPairSpec: 'ECC_NIST_P256' } as const;
    const replies = [
      await kms.send(new GenerateDataKeyCommand(size)),
      await kms.send(new GenerateDataKeyWithoutPlaintextCommand(size)),
      await kms.send(new GenerateDataKeyPairCommand(pair)),
      await kms.send(new GenerateDataKeyPairWithoutPlaintextCommand(pair)),
    ];
    expect(replies.map((reply) => reply.KeyMaterialId)).toEqual(replies.map(() => current));
  });

  test('25 times; refused near an automatic one', async () => {
    const { KeyId = '', Arn } = await create();
    for (let i = 0; i < 25; i += 1) await rotate(KeyId);
    expect(await failure(rotate(KeyId))).toMatchObject({
      name: 'LimitExceededException',
      message:
        'The on-demand rotations limit has been reached for the given keyId. ' +
        `No more on-demand rotations can be performed for this key: ${Arn}`,
    });
    const near = await create();
    await kms.send(new EnableKeyRotationCommand({ KeyId: near.KeyId, RotationPeriodInDays: 90 }));
    clock.advance(90 * DAY_MS - 20 * 60_000);
    expect(await failure(rotate(near.KeyId!))).toMatchObject({ name: 'ConflictException' });
    clock.advance(20 * 60_000);
    expect(await failure(rotate(near.KeyId!))).toMatchObject({ name: 'ConflictException' });
    await server.runDueWork();
    await rotate(near.KeyId!);
  });
});

describe('ListKeyRotations', () => {
  test('all materials or rotations only, page by page', async () => {
    const { KeyId = '', CurrentKeyMaterialId: first } = await create();
    const dates: Date[] = [];
    for (let i = 0; i < 5; i += 1) {
      clock.advance(DAY_MS);
      dates.push(new Date(clock.now()));
      await rotate(KeyId);
    }
    const all = await list(KeyId, 'ALL_KEY_MATERIAL');
    expect(all[0]).toEqual({ KeyId, KeyMaterialId: first, KeyMaterialState: 'NON_CURRENT' });
    expect(all.map((one) => one.KeyMaterialState)).toEqual([
      ...dates.map(() => 'NON_CURRENT'),
      'CURRENT',
    ]);
    expect(all.slice(1).map((one) => one.RotationDate)).toEqual(dates);
    expect(await list(KeyId)).toEqual(all.slice(1));
    expect(await list(KeyId, 'ROTATIONS_ONLY')).toEqual(all.slice(1));
    const paged = [];
    let pages = 0;
    const input = { KeyId, IncludeKeyMaterial: 'ALL_KEY_MATERIAL' } as const;
    for await (const page of paginateListKeyRotations({ client: kms, pageSize: 4 }, input)) {
      expect(page.Truncated).toBe(page.NextMarker !== undefined);
      paged.push(...page.Rotations!);
      pages += 1;
    }
    expect([paged, pages]).toEqual([all, 2]);
    const forged = new ListKeyRotationsCommand({ KeyId, Marker: 'AAAA' });
    expect(await failure(kms.send(forged))).toMatchObject({ name: 'InvalidMarkerException' });
  });
});

describe('keys that do not rotate', () => {
  test.each([
    ['RSA_2048', 'ENCRYPT_DECRYPT'],
    ['ECC_NIST_P256', 'SIGN_VERIFY'],
    ['HMAC_256', 'GENERATE_VERIFY_MAC'],
  ])('%s', async (KeySpec, KeyUsage) => {
    const { KeyId = '', Arn } = await create({ KeySpec, KeyUsage });
    for (const operation of ['EnableKeyRotation', 'RotateKeyOnDemand']) {
      const reply = await server.call(operation, { KeyId });
      expect([reply.status, reply.json]).toEqual([
        400,
        { __type: 'UnsupportedOperationException' },
      ]);
    }
    await kms.send(new DisableKeyRotationCommand({ KeyId }));
    expect(await status(KeyId)).toEqual({ KeyRotationEnabled: false, KeyId: Arn });
    expect(await list(KeyId, 'ALL_KEY_MATERIAL')).toEqual([]);
    await kms.send(new DisableKeyCommand({ KeyId }));
    // The state comes before the kind of key.
    const reply = await server.call('RotateKeyOnDemand', { KeyId });
    expect(reply.json).toEqual({ __type: 'DisabledException', message: `${Arn} is disabled.` });
  });

  test('an alias does not name a key here', async () => {
    const { KeyId } = await create();
    await server.call('CreateAlias', { AliasName: 'alias/turning', TargetKeyId: KeyId });
    for (const name of [
      'EnableKeyRotation',
      'DisableKeyRotation',
      'GetKeyRotationStatus',
      'RotateKeyOnDemand',
      'ListKeyRotations',
    ]) {
      const reply = await server.call(name, { KeyId: 'alias/turning' });
      expect([name, reply.json.__type]).toEqual([name, 'NotFoundException']);
    }
  });
});
