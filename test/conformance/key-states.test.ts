/** Every operation that names a key, on every kind of key, in every key state. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { KeyState } from '../../src/core/records.js';
import { OPERATIONS } from '../../src/operations/registry.js';
import { startServer, type TestServer } from '../harness.js';
import { COLUMNS, PAGE_ROWS } from '../keys/key-state-page.js';
import { mustCall } from '../operations/named-keys.js';
import { CHINA } from '../specs-of-regions.js';
import { MODEL } from './cases.js';
import { count, printCounts } from './counts.js';
import {
  CHANGING,
  KEEPING,
  type KeyOfKind,
  KINDS,
  KINDS_IN_CHINA,
  type Kind,
  MESSAGE,
  type Refusal,
  type Request,
  type Surroundings,
} from './key-kinds.js';

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
/** Operations of the model that name no key, or list what is not one key's. */
const KEYLESS = [
  'ConnectCustomKeyStore',
  'CreateCustomKeyStore',
  'CreateKey',
  'DeleteCustomKeyStore',
  'DescribeCustomKeyStores',
  'DisconnectCustomKeyStore',
  'GenerateRandom',
  'ListKeys',
  'ListRetirableGrants',
  'UpdateCustomKeyStore',
];
/** Keys of our own making are never in these states with that origin: what happens is undefined. */
const IMPOSSIBLE: Readonly<Record<string, readonly KeyState[]>> = {
  GetParametersForImport: ['PendingImport'],
  ImportKeyMaterial: ['PendingImport', 'Updating'],
  DeleteImportedKeyMaterial: ['PendingImport'],
};

/** The page's note for an operation on a key of origin AWS_KMS; undefined where it works. */
function noteOf(operation: string, state: KeyState): string | undefined {
  const column = COLUMNS.indexOf(state === 'PendingReplicaDeletion' ? 'PendingDeletion' : state);
  const cell = PAGE_ROWS.find((row) => row.operation === operation)!.cells[column]!;
  // Note 7 is about keys in custom key stores; note 9 about keys that are not imported.
  return cell === '-' || cell === '?7' ? undefined : cell.replace('?', '');
}

function refusalOf(note: string, { arn }: KeyOfKind, state: KeyState): Refusal {
  const invalid = (text: string): Refusal => ['KMSInvalidStateException', `${arn} is ${text}.`];
  switch (note) {
    case '1':
      return ['DisabledException', `${arn} is disabled.`];
    case '3':
      return invalid(state === 'PendingDeletion' ? 'pending deletion' : 'pending replica deletion');
    case '4':
      return invalid('not pending deletion');
    case '5':
      return invalid('pending import');
    case '6': {
      const text = `${arn} origin is EXTERNAL which is not valid for this operation.`;
      return ['UnsupportedOperationException', text];
    }
    case '9': {
      const text = `${arn} origin is AWS_KMS which is not valid for this operation.`;
      return ['UnsupportedOperationException', text];
    }
    case '11':
      return invalid('unavailable');
    case '14':
      return invalid('creating');
    case '15':
      return invalid('updating');
    default:
      return ['UnsupportedOperationException'];
  }
}

/** A server with a key of each kind that its Region offers. */
interface Place {
  readonly server: TestServer;
  readonly keys: readonly KeyOfKind[];
  readonly around: Omit<Surroundings, 'state'>;
}

const places: Place[] = [];

async function makeKey(server: TestServer, kind: Kind): Promise<KeyOfKind> {
  const { KeyMetadata } = await mustCall(server, 'CreateKey', {
    KeySpec: kind.spec,
    KeyUsage: kind.usage,
  });
  const { KeyId: id, Arn: arn } = KeyMetadata as { KeyId: string; Arn: string };
  const iam = `arn:${arn.split(':')[1]}:iam::${server.account}`;
  const aliases = STATES.map((state) => `alias/${id}-${state}`);
  for (const AliasName of aliases)
    await mustCall(server, 'CreateAlias', { AliasName, TargetKeyId: id });
  const grants: string[] = [];
  for (let i = 0; i < 2 * STATES.length; i++) {
    const made = await mustCall(server, 'CreateGrant', {
      KeyId: id,
      GranteePrincipal: `${iam}:role/grantee`,
      RetiringPrincipal: `${iam}:user/tester`,
      Operations: ['DescribeKey'],
    });
    grants.push(made.GrantId as string);
  }
  return { kind, id, arn, aliases, grants, made: await make(server, kind, id) };
}

async function make(
  server: TestServer,
  { spec, usage, algorithm }: Kind,
  KeyId: string,
): Promise<string> {
  const Message = MESSAGE;
  switch (usage) {
    case 'ENCRYPT_DECRYPT': {
      const EncryptionAlgorithm = algorithm;
      const input = { KeyId, Plaintext: MESSAGE, EncryptionAlgorithm };
      return (await mustCall(server, 'Encrypt', input)).CiphertextBlob;
    }
    case 'SIGN_VERIFY': {
      const input = { KeyId, Message, SigningAlgorithm: algorithm };
      return (await mustCall(server, 'Sign', input)).Signature;
    }
    case 'GENERATE_VERIFY_MAC':
      return (await mustCall(server, 'GenerateMac', { KeyId, Message, MacAlgorithm: algorithm }))
        .Mac;
    case 'KEY_AGREEMENT':
      return (await mustCall(server, 'GetPublicKey', { KeyId })).PublicKey;
    default: {
      const made = await mustCall(server, 'Encapsulate', {
        KeyId,
        EncapsulationAlgorithm: 'ML_KEM',
      });
      expect(spec).toMatch(/^ML_KEM/);
      return made.SharedSecretCiphertextBlob ?? made.CiphertextBlob;
    }
  }
}

async function openPlace(region: string | undefined, kinds: readonly Kind[]): Promise<Place> {
  const config = region === undefined ? {} : { region, regions: [region] };
  const server = await startServer({ quota: 'off', config });
  const keys: KeyOfKind[] = [];
  for (const kind of kinds) keys.push(await makeKey(server, kind));
  const other = await mustCall(server, 'CreateKey', {});
  const foreignKeyId = other.KeyMetadata.KeyId as string;
  const sealed = await mustCall(server, 'Encrypt', { KeyId: foreignKeyId, Plaintext: MESSAGE });
  const { Policy } = await mustCall(server, 'GetKeyPolicy', { KeyId: foreignKeyId });
  const around = { foreignKeyId, foreignCiphertext: sealed.CiphertextBlob, policy: Policy };
  return { server, keys, around };
}

beforeAll(async () => {
  places.push(await openPlace(undefined, KINDS));
  places.push(await openPlace(CHINA, [...KINDS_IN_CHINA, KINDS[0]!]));
});
afterAll(async () => {
  for (const { server } of places) await server.stop();
  expect(printCounts('key states')).toBeGreaterThan(6_000);
});

/** Brings all keys into the state, and waits until the server has seen it. */
async function bring({ server, keys }: Place, state: KeyState): Promise<void> {
  const ids = keys.map((key) => key.id);
  await server.setKeyStates(ids, state);
  for (const KeyId of ids) {
    for (let tries = 0; ; tries++) {
      const { KeyMetadata } = await mustCall(server, 'DescribeKey', { KeyId });
      if (KeyMetadata.KeyState === state) break;
      if (tries > 100) throw new Error(`${KeyId} is not seen ${state}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

async function check(
  { server }: Place,
  name: string,
  key: KeyOfKind,
  state: KeyState,
  request: Request,
) {
  const { spec, usage } = key.kind;
  const note = noteOf(name, state);
  const refusal = note === undefined ? request.refusal : refusalOf(note, key, state);
  const reply = await server.call(name, request.body);
  count(name);
  const what = `${name} on ${spec} for ${usage}, ${state}: ${reply.status} ${reply.text.slice(0, 300)}`;
  if (refusal === undefined) {
    expect(reply.status, what).toBe(200);
    return;
  }
  const [code, text] = refusal;
  expect([reply.status, reply.json.__type], what).toEqual([400, code]);
  if (text !== undefined) expect(reply.json.message, what).toBe(text);
}

test('the tables have every operation of the model that names a key', () => {
  const named = Object.keys(MODEL.operations).filter((name) => !KEYLESS.includes(name));
  // ListKeyRotations is tried where rotations are.
  const tried = [...Object.keys(KEEPING), ...Object.keys(CHANGING), 'ListKeyRotations'];
  expect(tried.sort()).toEqual(named.sort());
  expect(OPERATIONS.length).toBeGreaterThan(0);
});

describe.each(STATES)('%s', (state) => {
  const possible = (name: string) => IMPOSSIBLE[name]?.includes(state) !== true;
  const number = { state: STATES.indexOf(state) };
  const bringAll = async () => {
    for (const place of places) await bring(place, state);
  };

  beforeAll(bringAll);

  // DeleteAlias takes the alias that UpdateAlias names: tables are in the order of their lines.
  test.each(Object.keys(KEEPING).filter(possible))('%s', async (name) => {
    for (const place of places) {
      const around = { ...place.around, ...number };
      for (const key of place.keys) {
        await check(place, name, key, state, KEEPING[name]!(key, around));
      }
    }
  });

  test.each(Object.keys(CHANGING))('%s', async (name) => {
    for (const place of places) {
      const around = { ...place.around, ...number };
      for (const key of place.keys) {
        await check(place, name, key, state, CHANGING[name]!(key, around));
      }
    }
    await bringAll();
  });

  test('ReEncrypt from it', async () => {
    for (const place of places) {
      for (const key of place.keys.filter((one) => one.kind.usage === 'ENCRYPT_DECRYPT')) {
        const body = {
          CiphertextBlob: key.made,
          SourceKeyId: key.id,
          SourceEncryptionAlgorithm: key.kind.algorithm,
          DestinationKeyId: place.around.foreignKeyId,
        };
        await check(place, 'ReEncrypt', key, state, { body });
      }
    }
  });
});
