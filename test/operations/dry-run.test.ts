/** DryRun: every operation that has it says what would happen, and does nothing. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { OPERATIONS } from '../../src/operations/registry.js';
import { startServer, type TestServer } from '../harness.js';
import { mustCall, namedKeys } from './named-keys.js';
import { DRY_RUN, KEY_OF, type NamedKeys, requests } from './requests.js';

let server: TestServer;
let keys: NamedKeys;
let valid: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
const SUCCEEDS = {
  __type: 'DryRunOperationException',
  message: 'The request would have succeeded, but the DryRun option is set.',
};

beforeAll(async () => {
  server = await startServer({ quota: 'off' });
  const made = await namedKeys(server, 'alias/dry');
  keys = made.keys;
  valid = requests(keys, made.sealed);
});
afterAll(() => server.stop());

test('the operations with DryRun are those of the API model', () => {
  const offering = OPERATIONS.filter((operation) => {
    const { members } = operation.input.kms as { members: Record<string, unknown> };
    return 'DryRun' in members;
  });
  expect(offering.map((operation) => operation.name).sort()).toEqual([...DRY_RUN].sort());
});

describe.each(DRY_RUN)('%s', (name) => {
  test('would have succeeded', async () => {
    const reply = await server.call(name, { ...valid[name], DryRun: true });
    expect([reply.status, reply.json]).toEqual([400, SUCCEEDS]);
    const real = await server.call(name, { ...valid[name], DryRun: false });
    expect(real.status).toBe(200);
  });

  // What grants are refused for is of another kind: grants.test.ts.
  if (name.endsWith('Grant')) return;

  test('would have failed: key absent, of another usage, disabled', async () => {
    const idMember = name === 'ReEncrypt' ? 'DestinationKeyId' : 'KeyId';
    const send = (KeyId: string) =>
      server.call(name, { ...valid[name], [idMember]: KeyId, DryRun: true });
    const absent = await send('00000000-1111-4222-8333-444444444444');
    expect(absent.json.__type).toBe('NotFoundException');
    const other = KEY_OF[name] === 'mac' ? keys.sign : keys.mac;
    const wrong = name === 'Decrypt' ? 'IncorrectKeyException' : 'InvalidKeyUsageException';
    expect((await send(other)).json.__type).toBe(wrong);
    const id = keys[KEY_OF[name]!];
    await mustCall(server, 'DisableKey', { KeyId: id });
    const disabled = await server.call(name, { ...valid[name], DryRun: true });
    await mustCall(server, 'EnableKey', { KeyId: id });
    expect(disabled.json.__type).toBe('DisabledException');
  });
});

describe('what only the cryptography can tell', () => {
  const cases: [string, string, unknown, string][] = [
    ['Decrypt', 'EncryptionContext', { wrong: 'context' }, 'InvalidCiphertextException'],
    ['ReEncrypt', 'SourceEncryptionContext', { wrong: '1' }, 'InvalidCiphertextException'],
    ['Verify', 'Message', 'AAAA', 'KMSInvalidSignatureException'],
    ['VerifyMac', 'Message', 'AAAA', 'KMSInvalidMacException'],
    ['DeriveSharedSecret', 'PublicKey', 'AAAA', 'ValidationException'],
    ['Decapsulate', 'SharedSecretCiphertextBlob', 'AAAA', 'InvalidCiphertextException'],
  ];
  test.each(cases)('%s with a wrong %s', async (name, member, value, type) => {
    const reply = await server.call(name, { ...valid[name], [member]: value, DryRun: true });
    expect([reply.status, reply.json.__type]).toEqual([400, type]);
  });
});

describe('IGNORE_CIPHERTEXT', () => {
  const modifiers = { DryRun: true, DryRunModifiers: ['IGNORE_CIPHERTEXT'] };
  const named = () =>
    [
      ['Decrypt', { KeyId: keys.symmetric }],
      ['ReEncrypt', { SourceKeyId: keys.symmetric, DestinationKeyId: keys.symmetric }],
    ] as const;

  test('needs no ciphertext', async () => {
    for (const [name, ids] of named()) {
      expect((await server.call(name, { ...ids, ...modifiers })).json).toEqual(SUCCEEDS);
    }
  });

  test('needs the key id and DryRun', async () => {
    for (const [name, ids] of named()) {
      const noDryRun = await server.call(name, { ...ids, ...modifiers, DryRun: false });
      expect(noDryRun.json.__type).toBe('ValidationException');
    }
    const noKey = await server.call('Decrypt', modifiers);
    expect(noKey.json.message).toContain("Value null at 'keyId'");
    const noSource = await server.call('ReEncrypt', {
      DestinationKeyId: keys.symmetric,
      ...modifiers,
    });
    expect(noSource.json.message).toContain("Value null at 'sourceKeyId'");
    const unknown = await server.call('Decrypt', {
      KeyId: keys.symmetric,
      DryRun: true,
      DryRunModifiers: ['IGNORE_ALL'],
    });
    expect(unknown.json.message).toContain('Member must satisfy enum value set');
  });
});
