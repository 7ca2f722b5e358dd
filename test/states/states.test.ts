/**
 * Every operation on a key in every key state. The table is written from AWS's page "Key states",
 * apart from the one in src/keys.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { KeyState } from '../../src/core/records.js';
import { OPERATIONS } from '../../src/operations/registry.js';
import { startServer, type TestServer } from '../harness.js';
import {
  makeExternalKey,
  makeKey,
  makePrimary,
  mustCall,
  namedKeys,
} from '../operations/named-keys.js';
import {
  KEY_OF,
  type NamedKeys,
  OTHER_REGION,
  requests,
  type Sealed,
} from '../operations/requests.js';

const STATES: readonly KeyState[] = [
  'Enabled',
  'Disabled',
  'PendingDeletion',
  'PendingReplicaDeletion',
  'PendingImport',
  'Unavailable',
  'Creating',
  'Updating',
];

/** Outcomes: exception and the end of its text, after the key's ARN. */
const OK = ['OK', ''] as const;
const DISABLED = ['DisabledException', ' is disabled.'] as const;
const DELETION = ['KMSInvalidStateException', ' is pending deletion.'] as const;
const REPLICA = ['KMSInvalidStateException', ' is pending replica deletion.'] as const;
const IMPORT = ['KMSInvalidStateException', ' is pending import.'] as const;
const UNAVAILABLE = ['KMSInvalidStateException', ' is unavailable.'] as const;
const CREATING = ['KMSInvalidStateException', ' is creating.'] as const;
const UPDATING = ['KMSInvalidStateException', ' is updating.'] as const;
const NOT_PENDING = ['KMSInvalidStateException', ' is not pending deletion.'] as const;
const UNSUPPORTED = ['UnsupportedOperationException', undefined] as const;
/** A key of this kind can never be in this state: any refusal will do. */
const NEVER = ['refused', undefined] as const;

type Outcome = readonly [name: string, textEnd: string | undefined];
type Row = Readonly<Record<KeyState, Outcome>>;

function row(outcomes: Partial<Record<KeyState, Outcome>>): Row {
  const all = Object.fromEntries(STATES.map((state) => [state, OK])) as Record<KeyState, Outcome>;
  return { ...all, ...outcomes };
}

const uses = row({
  Disabled: DISABLED,
  PendingDeletion: DELETION,
  PendingReplicaDeletion: REPLICA,
  PendingImport: IMPORT,
  Unavailable: UNAVAILABLE,
  Creating: CREATING,
});
const notWhilePending = row({ PendingDeletion: DELETION, PendingReplicaDeletion: REPLICA });
const always = row({});
const IMPORTED = [
  'UnsupportedOperationException',
  ' origin is EXTERNAL which is not valid for this operation.',
] as const;
const rotationChange = row({
  Disabled: DISABLED,
  PendingDeletion: DELETION,
  PendingReplicaDeletion: REPLICA,
  PendingImport: IMPORTED,
  Unavailable: UNSUPPORTED,
  Creating: CREATING,
});
const asymmetricUses = { ...uses, Unavailable: NEVER };
const pair = { ...uses, Unavailable: UNSUPPORTED };
const switches = {
  ...notWhilePending,
  PendingImport: IMPORT,
  Creating: CREATING,
  Updating: UPDATING,
};

const TABLE: Readonly<Record<string, Row>> = {
  CancelKeyDeletion: row({
    Enabled: NOT_PENDING,
    Disabled: NOT_PENDING,
    PendingImport: NOT_PENDING,
    Unavailable: NOT_PENDING,
    Creating: NOT_PENDING,
    Updating: NOT_PENDING,
  }),
  CreateAlias: notWhilePending,
  CreateGrant: { ...uses, Unavailable: OK },
  ListGrants: always,
  RetireGrant: always,
  RevokeGrant: always,
  Decrypt: uses,
  DeleteAlias: always,
  Decapsulate: asymmetricUses,
  DeriveSharedSecret: asymmetricUses,
  Encapsulate: asymmetricUses,
  DescribeKey: always,
  DisableKey: switches,
  EnableKey: switches,
  DisableKeyRotation: rotationChange,
  EnableKeyRotation: rotationChange,
  RotateKeyOnDemand: { ...rotationChange, PendingImport: IMPORT },
  GetKeyRotationStatus: row({ PendingImport: IMPORTED, Unavailable: UNSUPPORTED }),
  ListKeyRotations: row({ Unavailable: UNSUPPORTED }),
  Encrypt: uses,
  GenerateDataKey: uses,
  GenerateDataKeyWithoutPlaintext: uses,
  GenerateDataKeyPair: pair,
  GenerateDataKeyPairWithoutPlaintext: pair,
  GenerateMac: asymmetricUses,
  VerifyMac: asymmetricUses,
  GetPublicKey: { ...notWhilePending, Unavailable: NEVER, Creating: CREATING },
  ListAliases: always,
  ReEncrypt: uses,
  ScheduleKeyDeletion: { ...notWhilePending, Updating: UPDATING },
  Sign: asymmetricUses,
  Verify: asymmetricUses,
  UpdateAlias: notWhilePending,
  UpdateKeyDescription: notWhilePending,
  GetKeyPolicy: always,
  PutKeyPolicy: always,
  ListKeyPolicies: always,
  GetKeyLastUsage: always,
  ReplicateKey: { ...uses, Unavailable: NEVER, Updating: UPDATING },
  UpdatePrimaryRegion: { ...uses, Unavailable: NEVER },
  TagResource: notWhilePending,
  UntagResource: notWhilePending,
  ListResourceTags: always,
  GetParametersForImport: {
    ...notWhilePending,
    Creating: CREATING,
    Updating: UPDATING,
  },
  ImportKeyMaterial: row({ Creating: CREATING }),
  DeleteImportedKeyMaterial: row({ Creating: CREATING, Updating: UPDATING }),
};

/** Operations after which the key is not in the state that it was in. */
const CHANGES = ['EnableKey', 'DisableKey', 'ScheduleKeyDeletion', 'CancelKeyDeletion'];

let server: TestServer;

beforeAll(async () => {
  server = await startServer({ quota: 'off' });
});
afterAll(() => server.stop());

test('the table has a row for every operation that names a key', () => {
  const named = OPERATIONS.map((operation) => operation.name).filter((name) => KEY_OF[name]);
  expect(Object.keys(TABLE).sort()).toEqual(named.sort());
});

/** Primaries that can get into PendingDeletion as another process would bring them only. */
const withReplicas = new Set<string>();

/** Brings keys into a state: through the API where it can, else as another process would. */
async function bring(keyIds: readonly string[], state: KeyState): Promise<void> {
  for (const KeyId of keyIds) {
    if (state === 'Disabled') await mustCall(server, 'DisableKey', { KeyId });
    else if (state === 'PendingDeletion' && !withReplicas.has(KeyId)) {
      await mustCall(server, 'ScheduleKeyDeletion', { KeyId, PendingWindowInDays: 30 });
    } else if (state !== 'Enabled') await server.setKeyState(KeyId, state);
  }
  const deadline = performance.now() + 3000;
  for (const KeyId of keyIds) {
    for (;;) {
      const { KeyMetadata } = await mustCall(server, 'DescribeKey', { KeyId });
      if (KeyMetadata.KeyState === state) break;
      if (performance.now() > deadline) throw new Error(`${KeyId} is not seen ${state}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

async function check(name: string, body: object, keyId: string, expected: Outcome): Promise<void> {
  const reply = await server.call(name, body);
  const [type, textEnd] = expected;
  const arn = `arn:aws:kms:${server.region}:${server.account}:key/${keyId}`;
  if (type === 'OK') {
    expect([name, reply.status, reply.json.__type]).toEqual([name, 200, undefined]);
    return;
  }
  expect([name, reply.status]).toEqual([name, 400]);
  if (type !== 'refused') expect([name, reply.json.__type]).toEqual([name, type]);
  if (textEnd !== undefined) expect([name, reply.json.message]).toEqual([name, arn + textEnd]);
}

describe.each(STATES)('a key in state %s', (state) => {
  let keys: NamedKeys;
  let sealed: Sealed;
  const own = new Map<string, string>();
  const freeAlias = `alias/free-${state}`;

  beforeAll(async () => {
    ({ keys, sealed } = await namedKeys(server, `alias/state-${state}`));
    for (const name of CHANGES) own.set(name, await makeKey(server));
    own.set('DeleteImportedKeyMaterial', (await makeExternalKey(server)).external);
    own.set('ReplicateKey', await makePrimary(server));
    const primary = await makePrimary(server);
    await mustCall(server, 'ReplicateKey', { KeyId: primary, ReplicaRegion: OTHER_REGION });
    own.set('UpdatePrimaryRegion', primary);
    withReplicas.add(primary);
    // Its old target stays enabled: the new one's state decides.
    await mustCall(server, 'CreateAlias', {
      AliasName: freeAlias,
      TargetKeyId: await makeKey(server),
    });
    const ids = [
      keys.symmetric,
      keys.sign,
      keys.mac,
      keys.agree,
      keys.kem,
      keys.external,
      ...own.values(),
    ];
    await bring(ids, state);
  });

  // DeleteAlias comes last: it takes the alias that the others may name.
  const order = Object.keys(TABLE).sort(
    (a, b) => Number(a === 'DeleteAlias') - Number(b === 'DeleteAlias'),
  );
  test.each(order)('%s', async (name) => {
    const keyId = own.get(name) ?? keys[KEY_OF[name]!];
    const body: Record<string, unknown> = { ...requests(keys, sealed)[name] };
    if (own.has(name)) body.KeyId = keyId;
    // The current one, whatever its id.
    if (name === 'DeleteImportedKeyMaterial') delete body.KeyMaterialId;
    if (name === 'CreateAlias') body.AliasName = `alias/made-${state}`;
    if (name === 'UpdateAlias') body.AliasName = freeAlias;
    await check(name, body, keyId, TABLE[name]![state]);
  });

  test('ReEncrypt from and to such a key', async () => {
    const enabled = await makeKey(server);
    const fresh = await mustCall(server, 'Encrypt', { KeyId: enabled, Plaintext: 'AAAA' });
    const expected = TABLE.ReEncrypt![state];
    const to = { CiphertextBlob: fresh.CiphertextBlob, DestinationKeyId: keys.symmetric };
    await check('ReEncrypt', to, keys.symmetric, expected);
    const from = { CiphertextBlob: sealed.ciphertext, DestinationKeyId: enabled };
    await check('ReEncrypt', from, keys.symmetric, expected);
  });
});

test('an alias may leave a key that is pending deletion', async () => {
  const doomed = await makeKey(server);
  const next = await makeKey(server);
  await mustCall(server, 'CreateAlias', { AliasName: 'alias/leaving', TargetKeyId: doomed });
  await mustCall(server, 'ScheduleKeyDeletion', { KeyId: doomed });
  await mustCall(server, 'UpdateAlias', { AliasName: 'alias/leaving', TargetKeyId: next });
  const seen = await mustCall(server, 'DescribeKey', { KeyId: 'alias/leaving' });
  expect(seen.KeyMetadata.KeyId).toBe(next);
});
