/** The steps of a random sequence: each asks the server and holds its answer against the model. */
import fc from 'fast-check';
import { expect } from 'vitest';
import type { TestServer } from '../harness.js';
import {
  DAY_MS,
  type Model,
  ModelKey,
  refusalOf,
  refusalOfUse,
  type Spec,
  type State,
  USAGE,
} from './model.js';

export interface Real {
  readonly server: TestServer;
  /** Moves the clock and lets the scheduler do what is due. */
  advance(ms: number): Promise<void>;
  /** Steps that were made. */
  steps: number;
}

// biome-ignore lint/suspicious/noExplicitAny: replies are read by name
export type Reply = any;
export type Command = fc.AsyncCommand<Model, Real>;
export const KEYS_MAX = 4;
export const MESSAGE = Buffer.from('message').toString('base64');

/** Calls; the answer of a success, undefined when it was refused as expected. */
export async function call(
  real: Real,
  operation: string,
  body: object,
  refusal: string | undefined,
): Promise<Reply> {
  const { status, json, text } = await real.server.call(operation, body);
  const what = `${operation} ${JSON.stringify(body)}: ${text}`;
  expect(status === 200 ? undefined : json.__type, what).toBe(refusal);
  expect(status, what).toBe(refusal === undefined ? 200 : 400);
  return refusal === undefined ? json : undefined;
}

/** A command for a key that there is; `index` chooses it. */
export function onKey(
  name: string,
  index: number,
  run: (model: Model, real: Real, key: ModelKey) => Promise<void>,
): Command {
  return {
    check: (model) => model.keys.length > 0,
    run: async (model, real) => {
      real.steps += 1;
      await run(model, real, model.key(index));
    },
    toString: () => `${name}(${index})`,
  };
}

function createKey(spec: Spec, description: string): Command {
  return {
    check: () => true,
    run: async (model, real) => {
      real.steps += 1;
      if (model.keys.length >= KEYS_MAX) {
        // Enough of them: this step looks at one instead.
        await describe(model, real, model.key(description.length));
        return;
      }
      const body = { KeySpec: spec, KeyUsage: USAGE[spec], Description: description };
      const { KeyMetadata } = await call(real, 'CreateKey', body, undefined);
      model.keys.push(new ModelKey(KeyMetadata.KeyId, KeyMetadata.Arn, spec, description));
    },
    toString: () => `CreateKey(${spec})`,
  };
}

async function describe(model: Model, real: Real, key: ModelKey): Promise<void> {
  const reply = await call(real, 'DescribeKey', { KeyId: key.arn }, refusalOf('DescribeKey', key));
  if (reply === undefined) return;
  const { KeyMetadata } = reply;
  expect({
    id: KeyMetadata.KeyId,
    state: KeyMetadata.KeyState,
    enabled: KeyMetadata.Enabled,
    description: KeyMetadata.Description,
    spec: KeyMetadata.KeySpec,
    usage: KeyMetadata.KeyUsage,
    deletion: KeyMetadata.DeletionDate,
  }).toEqual({
    id: key.id,
    state: key.state,
    enabled: key.state === 'Enabled',
    description: key.description,
    spec: key.spec,
    usage: USAGE[key.spec],
    deletion: key.deletionAt === undefined ? undefined : key.deletionAt / 1000,
  });
  expect(model.keys).toContain(key);
}

function changeState(operation: string, index: number, days: number): Command {
  return onKey(operation, index, async (model, real, key) => {
    const refusal = refusalOf(operation, key);
    const window = operation === 'ScheduleKeyDeletion' ? { PendingWindowInDays: days } : {};
    await call(real, operation, { KeyId: key.id, ...window }, refusal);
    if (refusal !== undefined) return;
    const next: Readonly<Record<string, State>> = {
      DisableKey: 'Disabled',
      ScheduleKeyDeletion: 'PendingDeletion',
      CancelKeyDeletion: 'Disabled',
    };
    if (operation === 'EnableKey') model.enable(key);
    else key.state = next[operation]!;
    key.deletionAt = operation === 'ScheduleKeyDeletion' ? model.now + days * DAY_MS : undefined;
  });
}

export const aliasName = (model: Model, n: number) => `alias/${model.tag}-${n}`;

function createAlias(index: number, n: number): Command {
  return onKey('CreateAlias', index, async (model, real, key) => {
    const AliasName = aliasName(model, n);
    const state = refusalOf('CreateAlias', key);
    const refusal = state ?? (model.aliases.has(AliasName) ? 'AlreadyExistsException' : undefined);
    await call(real, 'CreateAlias', { AliasName, TargetKeyId: key.id }, refusal);
    if (refusal === undefined) model.aliases.set(AliasName, model.indexOf(key));
  });
}

function deleteAlias(n: number): Command {
  return onKey('DeleteAlias', n, async (model, real) => {
    const AliasName = aliasName(model, n);
    const refusal = model.aliases.delete(AliasName) ? undefined : 'NotFoundException';
    await call(real, 'DeleteAlias', { AliasName }, refusal);
  });
}

async function listAliases(model: Model, real: Real, key: ModelKey): Promise<void> {
  const reply = await call(real, 'ListAliases', { KeyId: key.id }, refusalOf('ListAliases', key));
  if (reply === undefined) return;
  const own = [...model.aliases].filter(([, target]) => model.keys[target] === key);
  const names = reply.Aliases.map((alias: { AliasName: string }) => alias.AliasName);
  expect(names).toEqual(own.map(([name]) => name).sort());
}

function describeByAlias(n: number): Command {
  return onKey('DescribeKey by alias', n, async (model, real) => {
    const KeyId = aliasName(model, n);
    const target = model.aliases.get(KeyId);
    const refusal = target === undefined ? 'NotFoundException' : undefined;
    const reply = await call(real, 'DescribeKey', { KeyId }, refusal);
    if (target !== undefined) expect(reply.KeyMetadata.KeyId).toBe(model.keys[target]!.id);
  });
}

function updateDescription(index: number, description: string): Command {
  return onKey('UpdateKeyDescription', index, async (_model, real, key) => {
    const refusal = refusalOf('UpdateKeyDescription', key);
    const body = { KeyId: key.id, Description: description };
    await call(real, 'UpdateKeyDescription', body, refusal);
    if (refusal === undefined) key.description = description;
  });
}

function tag(index: number, name: string, value: string): Command {
  return onKey('TagResource', index, async (_model, real, key) => {
    const refusal = refusalOf('TagResource', key);
    const Tags = [{ TagKey: name, TagValue: value }];
    await call(real, 'TagResource', { KeyId: key.id, Tags }, refusal);
    if (refusal === undefined) key.tags.set(name, value);
  });
}

function untag(index: number, name: string): Command {
  return onKey('UntagResource', index, async (_model, real, key) => {
    const refusal = refusalOf('UntagResource', key);
    await call(real, 'UntagResource', { KeyId: key.id, TagKeys: [name] }, refusal);
    if (refusal === undefined) key.tags.delete(name);
  });
}

async function listTags(_model: Model, real: Real, key: ModelKey): Promise<void> {
  const refusal = refusalOf('ListResourceTags', key);
  const reply = await call(real, 'ListResourceTags', { KeyId: key.id }, refusal);
  if (reply === undefined) return;
  const tags = reply.Tags.map((one: { TagKey: string; TagValue: string }) => [
    one.TagKey,
    one.TagValue,
  ]);
  expect(new Map(tags)).toEqual(key.tags);
}

function putPolicy(index: number, sid: string): Command {
  return onKey('PutKeyPolicy', index, async (_model, real, key) => {
    const refusal = refusalOf('PutKeyPolicy', key);
    const Policy = JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        {
          Sid: sid,
          Effect: 'Allow',
          Principal: { AWS: `arn:aws:iam::${real.server.account}:root` },
          Action: 'kms:*',
          Resource: '*',
        },
      ],
    });
    await call(real, 'PutKeyPolicy', { KeyId: key.id, Policy }, refusal);
    if (refusal === undefined) key.policy = Policy;
  });
}

async function getPolicy(_model: Model, real: Real, key: ModelKey): Promise<void> {
  const refusal = refusalOf('GetKeyPolicy', key);
  const reply = await call(real, 'GetKeyPolicy', { KeyId: key.id }, refusal);
  if (reply === undefined) return;
  if (key.policy !== undefined) expect(reply.Policy).toBe(key.policy);
  else expect(JSON.parse(reply.Policy).Id).toBe('key-default-1');
}

function createGrant(index: number, name: string): Command {
  return onKey('CreateGrant', index, async (_model, real, key) => {
    const refusal = refusalOf('CreateGrant', key);
    const GranteePrincipal = `arn:aws:iam::${real.server.account}:role/grantee`;
    const body = {
      KeyId: key.id,
      GranteePrincipal,
      Operations: ['DescribeKey'],
      ...(name === '' ? {} : { Name: name }),
    };
    const reply = await call(real, 'CreateGrant', body, refusal);
    if (reply === undefined) return;
    // The same request with a name is the same grant.
    const known = [...key.grants].find(([, other]) => name !== '' && other === name);
    if (known !== undefined) expect(reply.GrantId).toBe(known[0]);
    else expect(key.grants.has(reply.GrantId)).toBe(false);
    key.grants.set(reply.GrantId, name);
  });
}

function revokeGrant(index: number, which: number): Command {
  return onKey('RevokeGrant', index, async (_model, real, key) => {
    const ids = [...key.grants.keys()];
    const GrantId = ids[which % Math.max(1, ids.length)] ?? 'ab'.repeat(32);
    const known = key.grants.has(GrantId) && !key.gone;
    const refusal = known ? refusalOf('RevokeGrant', key) : 'NotFoundException';
    const { status, json } = await real.server.call('RevokeGrant', { KeyId: key.id, GrantId });
    // An unknown grant of a key that there is has an error of its own.
    const errors = ['NotFoundException', 'InvalidGrantIdException'];
    if (refusal === undefined) expect(status).toBe(200);
    else expect(errors).toContain(json.__type);
    if (refusal === undefined) key.grants.delete(GrantId);
  });
}

async function listGrants(_model: Model, real: Real, key: ModelKey): Promise<void> {
  const refusal = refusalOf('ListGrants', key);
  const reply = await call(real, 'ListGrants', { KeyId: key.id, Limit: 100 }, refusal);
  if (reply === undefined) return;
  const ids = reply.Grants.map((grant: { GrantId: string }) => grant.GrantId);
  expect(ids.sort()).toEqual([...key.grants.keys()].sort());
}

function encrypt(index: number, plaintext: Uint8Array, note: string): Command {
  return onKey('Encrypt', index, async (_model, real, key) => {
    const refusal = refusalOfUse('Encrypt', key, 'SYMMETRIC_DEFAULT');
    const context: Record<string, string> = note === '' ? {} : { note };
    const Plaintext = Buffer.from(plaintext).toString('base64');
    const body = { KeyId: key.id, Plaintext, EncryptionContext: context };
    const reply = await call(real, 'Encrypt', body, refusal);
    if (reply === undefined) return;
    const ciphertext = reply.CiphertextBlob;
    const shown = await call(real, 'DescribeKey', { KeyId: key.id }, undefined);
    const materialId = shown.KeyMetadata.CurrentKeyMaterialId;
    key.blobs.push({ ciphertext, plaintext: Plaintext, context, materialId });
  });
}

async function openBlob(real: Real, key: ModelKey, which: number, forge = true): Promise<void> {
  const blob = key.blobs[which % Math.max(1, key.blobs.length)];
  if (blob === undefined) return;
  // The key of a ciphertext that is gone is not told from one that the caller may not use.
  const refusal = key.gone ? 'AccessDeniedException' : refusalOf('Decrypt', key);
  const body = { CiphertextBlob: blob.ciphertext, EncryptionContext: blob.context };
  const reply = await call(real, 'Decrypt', body, refusal);
  if (reply === undefined) return;
  expect([reply.Plaintext, reply.KeyId, reply.KeyMaterialId]).toEqual([
    blob.plaintext,
    key.arn,
    blob.materialId,
  ]);
  if (!forge) return;
  const wrong = { ...blob.context, other: 'x' };
  await call(real, 'Decrypt', { ...body, EncryptionContext: wrong }, 'InvalidCiphertextException');
}

function reEncrypt(from: number, to: number, which: number): Command {
  return onKey('ReEncrypt', from, async (model, real, key) => {
    const blob = key.blobs[which % Math.max(1, key.blobs.length)];
    const target = model.key(to);
    if (blob === undefined || key.gone || target.gone) return;
    const body = {
      CiphertextBlob: blob.ciphertext,
      SourceEncryptionContext: blob.context,
      DestinationKeyId: target.id,
    };
    const refusals = [
      refusalOfUse('ReEncrypt', key, 'SYMMETRIC_DEFAULT'),
      refusalOfUse('ReEncrypt', target, 'SYMMETRIC_DEFAULT'),
    ].filter((one) => one !== undefined);
    const { status, json } = await real.server.call('ReEncrypt', body);
    if (refusals.length > 0) {
      expect(refusals).toContain(json.__type);
      return;
    }
    expect([status, json.KeyId]).toEqual([200, target.arn]);
    const { CiphertextBlob: ciphertext, DestinationKeyMaterialId: materialId } = json;
    target.blobs.push({ ciphertext, plaintext: blob.plaintext, context: {}, materialId });
  });
}

function dataKey(index: number): Command {
  return onKey('GenerateDataKey', index, async (_model, real, key) => {
    const refusal = refusalOfUse('GenerateDataKey', key, 'SYMMETRIC_DEFAULT');
    const body = { KeyId: key.id, KeySpec: 'AES_256' };
    const reply = await call(real, 'GenerateDataKey', body, refusal);
    if (reply === undefined) return;
    const { CiphertextBlob: ciphertext, Plaintext: plaintext, KeyMaterialId: materialId } = reply;
    key.blobs.push({ ciphertext, plaintext, context: {}, materialId });
  });
}

function sign(index: number): Command {
  return onKey('Sign', index, async (_model, real, key) => {
    const refusal = refusalOfUse('Sign', key, 'ECC_NIST_P256');
    const body = { KeyId: key.id, Message: MESSAGE, SigningAlgorithm: 'ECDSA_SHA_256' };
    const reply = await call(real, 'Sign', body, refusal);
    if (reply === undefined) return;
    key.signed = reply.Signature;
    await call(real, 'Verify', { ...body, Signature: key.signed }, undefined);
    const Message = Buffer.from('another').toString('base64');
    const forged = { ...body, Message, Signature: key.signed };
    await call(real, 'Verify', forged, 'KMSInvalidSignatureException');
  });
}

function mac(index: number): Command {
  return onKey('GenerateMac', index, async (_model, real, key) => {
    const refusal = refusalOfUse('GenerateMac', key, 'HMAC_256');
    const body = { KeyId: key.id, Message: MESSAGE, MacAlgorithm: 'HMAC_SHA_256' };
    const reply = await call(real, 'GenerateMac', body, refusal);
    if (reply === undefined) return;
    if (key.signed !== undefined) expect(reply.Mac).toBe(key.signed);
    key.signed = reply.Mac;
    await call(real, 'VerifyMac', { ...body, Mac: key.signed }, undefined);
  });
}

function enableRotation(index: number, days: number): Command {
  return onKey('EnableKeyRotation', index, async (model, real, key) => {
    const rotates = key.spec === 'SYMMETRIC_DEFAULT' ? undefined : 'UnsupportedOperationException';
    const refusal = refusalOf('EnableKeyRotation', key) ?? rotates;
    const body = { KeyId: key.id, RotationPeriodInDays: days };
    await call(real, 'EnableKeyRotation', body, refusal);
    if (refusal !== undefined) return;
    key.periodDays = days;
    key.nextRotationAt = model.now + days * DAY_MS;
  });
}

function disableRotation(index: number): Command {
  return onKey('DisableKeyRotation', index, async (_model, real, key) => {
    const refusal = refusalOf('DisableKeyRotation', key);
    await call(real, 'DisableKeyRotation', { KeyId: key.id }, refusal);
    if (refusal !== undefined) return;
    key.periodDays = undefined;
    key.nextRotationAt = undefined;
  });
}

async function rotationStatus(_model: Model, real: Real, key: ModelKey): Promise<void> {
  const refusal = refusalOf('GetKeyRotationStatus', key);
  const reply = await call(real, 'GetKeyRotationStatus', { KeyId: key.id }, refusal);
  if (reply === undefined) return;
  const on = key.periodDays !== undefined && key.state !== 'PendingDeletion';
  expect(reply.KeyRotationEnabled).toBe(on);
  if (!on) return;
  expect(reply.RotationPeriodInDays).toBe(key.periodDays);
  if (key.state === 'Enabled') expect(reply.NextRotationDate).toBe(key.nextRotationAt! / 1000);
}

const ON_DEMAND_MAX = 25;

function rotate(index: number): Command {
  return onKey('RotateKeyOnDemand', index, async (_model, real, key) => {
    const rotates = key.spec === 'SYMMETRIC_DEFAULT' ? undefined : 'UnsupportedOperationException';
    const made = [...key.rotations].filter((type) => type === 'O').length;
    const refusal =
      refusalOf('RotateKeyOnDemand', key) ??
      rotates ??
      (made >= ON_DEMAND_MAX ? 'LimitExceededException' : undefined);
    await call(real, 'RotateKeyOnDemand', { KeyId: key.id }, refusal);
    if (refusal === undefined) key.rotations += 'O';
  });
}

async function listRotations(_model: Model, real: Real, key: ModelKey): Promise<void> {
  const refusal = refusalOf('ListKeyRotations', key);
  if (key.spec !== 'SYMMETRIC_DEFAULT' && refusal === undefined) return;
  const reply = await call(real, 'ListKeyRotations', { KeyId: key.id, Limit: 1000 }, refusal);
  if (reply === undefined) return;
  const types = reply.Rotations.map((one: { RotationType: string }) =>
    one.RotationType === 'AUTOMATIC' ? 'A' : 'O',
  );
  expect(types.join('')).toBe(key.rotations);
}

function advance(days: number): Command {
  return {
    check: () => true,
    run: async (model, real) => {
      real.steps += 1;
      model.passTime(days * DAY_MS);
      await real.advance(days * DAY_MS);
    },
    toString: () => `${days} days`,
  };
}

/** Everything that a key shows, and every ciphertext of it. */
export async function checkAll(model: Model, real: Real): Promise<void> {
  for (const key of model.keys) {
    for (const look of LOOKS) await look(model, real, key);
    for (let i = 0; i < key.blobs.length; i++) await openBlob(real, key, i, false);
  }
}

const LOOKS = [
  describe,
  listAliases,
  listTags,
  getPolicy,
  listGrants,
  rotationStatus,
  listRotations,
] as const;

const index = fc.nat({ max: KEYS_MAX - 1 });
const few = fc.nat({ max: 3 });
const word = fc.constantFrom('', 'one', 'two', 'drei ä', '🔑');
const name = fc.constantFrom('', 'a', 'b');
const spec = fc.constantFrom<Spec>(
  'SYMMETRIC_DEFAULT',
  'SYMMETRIC_DEFAULT',
  'SYMMETRIC_DEFAULT',
  'HMAC_256',
  'ECC_NIST_P256',
);

/** What every sequence begins with. */
export const FIRST: fc.Arbitrary<Command> = spec.map((given) => createKey(given, ''));

export const COMMANDS: readonly fc.Arbitrary<Command>[] = [
  fc.tuple(spec, word).map((given) => createKey(...given)),
  fc.tuple(spec, word).map((given) => createKey(...given)),
  ...LOOKS.map((look) => index.map((i) => onKey(look.name, i, look))),
  ...['EnableKey', 'EnableKey', 'DisableKey', 'ScheduleKeyDeletion', 'CancelKeyDeletion'].map(
    (operation) =>
      fc
        .tuple(index, fc.integer({ min: 7, max: 30 }))
        .map(([i, days]) => changeState(operation, i, days)),
  ),
  fc.tuple(index, few).map((given) => createAlias(...given)),
  few.map(deleteAlias),
  few.map(describeByAlias),
  fc.tuple(index, word).map((given) => updateDescription(...given)),
  fc.tuple(index, fc.constantFrom('x', 'y', 'z'), name).map((given) => tag(...given)),
  fc.tuple(index, fc.constantFrom('x', 'y', 'z')).map((given) => untag(...given)),
  fc.tuple(index, fc.constantFrom('A', 'B')).map((given) => putPolicy(...given)),
  fc.tuple(index, name).map((given) => createGrant(...given)),
  fc.tuple(index, few).map((given) => revokeGrant(...given)),
  ...[1, 2].map(() =>
    fc
      .tuple(index, fc.uint8Array({ minLength: 1, maxLength: 64 }), fc.constantFrom('', 'n', 'm'))
      .map((given) => encrypt(...given)),
  ),
  fc
    .tuple(index, few)
    .map(([i, which]) => onKey('Decrypt', i, (_model, real, key) => openBlob(real, key, which))),
  fc.tuple(index, index, few).map((given) => reEncrypt(...given)),
  index.map(dataKey),
  index.map(sign),
  index.map(mac),
  fc.tuple(index, fc.integer({ min: 90, max: 200 })).map((given) => enableRotation(...given)),
  index.map(disableRotation),
  index.map(rotate),
  ...[1, 2].map(() => fc.integer({ min: 1, max: 120 }).map(advance)),
];
