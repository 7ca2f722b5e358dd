/** Steps of multi-Region keys: one such key at a time, in up to three Regions. */
import fc from 'fast-check';
import { expect } from 'vitest';
import { type Command, MESSAGE, type Real } from './commands.js';
import { DAY_MS, type Model, type MultiRegionKey, type RelatedKey } from './model.js';

export const REGIONS = ['eu-central-1', 'us-east-1', 'ap-south-1'] as const;
type Region = (typeof REGIONS)[number];

// biome-ignore lint/suspicious/noExplicitAny: replies are read by name
type Reply = any;

async function callIn(
  real: Real,
  region: string,
  operation: string,
  body: object,
  refusal: string | undefined,
): Promise<Reply> {
  const { status, json, text } = await real.server.call(operation, body, { region });
  const what = `${operation} in ${region} ${JSON.stringify(body)}: ${text}`;
  expect(status === 200 ? undefined : json.__type, what).toBe(refusal);
  return refusal === undefined ? json : undefined;
}

/** The error that a related key's absence or state demands of operations that use it. */
function refusalOfKey(key: RelatedKey | undefined): string | undefined {
  if (key === undefined) return 'NotFoundException';
  if (key.state === 'Enabled') return undefined;
  return key.state === 'Disabled' ? 'DisabledException' : 'KMSInvalidStateException';
}

function step(
  name: string,
  run: (multi: MultiRegionKey, model: Model, real: Real) => Promise<void>,
): Command {
  return {
    check: () => true,
    run: async (model, real) => {
      real.steps += 1;
      if (model.multiRegion === undefined) {
        const [primary] = REGIONS;
        const { KeyMetadata } = await callIn(
          real,
          primary,
          'CreateKey',
          { MultiRegion: true },
          undefined,
        );
        expect(KeyMetadata.KeyId).toMatch(/^mrk-[0-9a-f]{32}$/);
        const key: RelatedKey = { state: 'Enabled', deletionAt: undefined, window: 0 };
        model.multiRegion = {
          id: KeyMetadata.KeyId,
          related: new Map([[primary, key]]),
          primary,
          blobs: [],
        };
      }
      await run(model.multiRegion, model, real);
    },
    toString: () => name,
  };
}

function replicate(from: Region, to: Region): Command {
  return step(`ReplicateKey(${from}, ${to})`, async (multi, _model, real) => {
    const source = multi.related.get(from);
    const refusal =
      refusalOfKey(source) ??
      (from === multi.primary
        ? multi.related.has(to)
          ? 'AlreadyExistsException'
          : undefined
        : 'UnsupportedOperationException');
    const { status, json } = await real.server.call(
      'ReplicateKey',
      { KeyId: multi.id, ReplicaRegion: to },
      { region: from },
    );
    // To its own Region: AWS does not say which of two refusals comes first.
    if (refusal !== undefined && from === to) expect(status).toBe(400);
    else expect(status === 200 ? undefined : json.__type).toBe(refusal);
    if (refusal !== undefined) return;
    multi.related.set(to, { state: 'Enabled', deletionAt: undefined, window: 0 });
    await look(multi, real, to);
  });
}

/** What the related key shows of itself and of the others. */
async function look(multi: MultiRegionKey, real: Real, region: string): Promise<void> {
  const key = multi.related.get(region);
  const refusal = key === undefined ? 'NotFoundException' : undefined;
  const reply = await callIn(real, region, 'DescribeKey', { KeyId: multi.id }, refusal);
  if (key === undefined) return;
  const { KeyMetadata } = reply;
  const { MultiRegionConfiguration: shown } = KeyMetadata;
  expect(KeyMetadata.KeyState).toBe(key.state);
  expect(KeyMetadata.DeletionDate).toBe(
    key.deletionAt === undefined ? undefined : key.deletionAt / 1000,
  );
  expect(shown.MultiRegionKeyType).toBe(region === multi.primary ? 'PRIMARY' : 'REPLICA');
  expect(shown.PrimaryKey.Region).toBe(multi.primary);
  const replicas = shown.ReplicaKeys.map((one: { Region: string }) => one.Region);
  const expected = [...multi.related.keys()].filter((one) => one !== multi.primary);
  expect(replicas.sort()).toEqual(expected.sort());
}

function encrypt(region: Region): Command {
  return step(`Encrypt in ${region}`, async (multi, _model, real) => {
    const refusal = refusalOfKey(multi.related.get(region));
    const body = { KeyId: multi.id, Plaintext: MESSAGE };
    const reply = await callIn(real, region, 'Encrypt', body, refusal);
    if (reply !== undefined) multi.blobs.push(reply.CiphertextBlob);
  });
}

function decrypt(region: Region, which: number): Command {
  return step(`Decrypt in ${region}`, async (multi, _model, real) => {
    const CiphertextBlob = multi.blobs[which % Math.max(1, multi.blobs.length)];
    if (CiphertextBlob === undefined) return;
    const key = multi.related.get(region);
    // A ciphertext whose key is not there is not told from one that the caller may not use.
    const refusal = key === undefined ? 'AccessDeniedException' : refusalOfKey(key);
    const reply = await callIn(real, region, 'Decrypt', { CiphertextBlob }, refusal);
    if (reply === undefined) return;
    expect([reply.Plaintext, reply.KeyId.split(':')[3]]).toEqual([MESSAGE, region]);
  });
}

function updatePrimary(to: Region): Command {
  return step(`UpdatePrimaryRegion(${to})`, async (multi, _model, real) => {
    const from = multi.primary;
    const target = multi.related.get(to);
    const body = { KeyId: multi.id, PrimaryRegion: to };
    const ready = refusalOfKey(multi.related.get(from)) ?? refusalOfKey(target);
    const reply = await real.server.call('UpdatePrimaryRegion', body, { region: from });
    if (from === to || ready !== undefined) {
      expect(reply.status).toBe(400);
      return;
    }
    expect([reply.status, reply.text]).toEqual([200, '']);
    multi.primary = to;
    await look(multi, real, from);
  });
}

function rotate(region: Region): Command {
  return step(`RotateKeyOnDemand in ${region}`, async (multi, _model, real) => {
    const body = { KeyId: multi.id };
    const { status, json } = await real.server.call('RotateKeyOnDemand', body, { region });
    const refusal =
      refusalOfKey(multi.related.get(region)) ??
      (region === multi.primary ? undefined : 'UnsupportedOperationException');
    // No more than 25 in a key's life.
    if (json.__type === 'LimitExceededException') expect(refusal).toBeUndefined();
    else expect(status === 200 ? undefined : json.__type).toBe(refusal);
  });
}

function change(operation: string, region: Region, days: number): Command {
  return step(`${operation} in ${region}`, async (multi, model, real) => {
    const key = multi.related.get(region);
    const doomed = key?.deletionAt !== undefined || key?.state === 'PendingReplicaDeletion';
    const cancels = operation === 'CancelKeyDeletion';
    const refusal =
      key === undefined
        ? 'NotFoundException'
        : doomed === cancels
          ? undefined
          : 'KMSInvalidStateException';
    const window = operation === 'ScheduleKeyDeletion' ? { PendingWindowInDays: days } : {};
    await callIn(real, region, operation, { KeyId: multi.id, ...window }, refusal);
    if (key === undefined || refusal !== undefined) return;
    key.deletionAt = undefined;
    if (operation === 'EnableKey') key.state = 'Enabled';
    else if (operation !== 'ScheduleKeyDeletion') key.state = 'Disabled';
    else if (region === multi.primary && multi.related.size > 1) {
      key.state = 'PendingReplicaDeletion';
      key.window = days;
    } else {
      key.state = 'PendingDeletion';
      key.deletionAt = model.now + days * DAY_MS;
    }
  });
}

const region = fc.constantFrom(...REGIONS);

export const MULTI_REGION: readonly fc.Arbitrary<Command>[] = [
  fc.tuple(region, region).map((given) => replicate(...given)),
  region.map((where) => replicate('eu-central-1', where)),
  region.map((where) =>
    step(`DescribeKey in ${where}`, (multi, _model, real) => look(multi, real, where)),
  ),
  region.map(encrypt),
  fc.tuple(region, fc.nat({ max: 5 })).map((given) => decrypt(...given)),
  fc.constantFrom(updatePrimary, rotate).chain((make) => region.map(make)),
  fc
    .tuple(
      fc.constantFrom(
        'EnableKey',
        'EnableKey',
        'DisableKey',
        'ScheduleKeyDeletion',
        'CancelKeyDeletion',
      ),
      region,
      fc.integer({ min: 7, max: 30 }),
    )
    .map((given) => change(...given)),
];
