/** Every operation against inputs that are short of, beyond or beside what its model allows. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { OPERATIONS } from '../../src/operations/registry.js';
import { startServer, type TestServer } from '../harness.js';
import { namedKeys } from './named-keys.js';
import { BOUNDS, type NamedKeys, REQUIRED, requests, type Sealed } from './requests.js';

let server: TestServer;
let valid: Readonly<Record<string, Readonly<Record<string, unknown>>>>;

beforeAll(async () => {
  server = await startServer({ quota: 'off' });
  const made = await namedKeys(server, 'alias/inputs');
  valid = requests(made.keys, made.sealed);
});
afterAll(() => server.stop());

const lower = (member: string) => member.charAt(0).toLowerCase() + member.slice(1);
const base64 = (length: number) => Buffer.alloc(length, 7).toString('base64');
/** Same shape as at run time: only the member names are read before the server is there. */
const shape = requests({ alias: 'alias/x' } as NamedKeys, {} as Sealed);
const names = OPERATIONS.map((operation) => operation.name);

const missing = Object.entries(REQUIRED).flatMap(([name, members]) =>
  members.map((member) => [name, member] as const),
);
test.each(missing)('%s without %s', async (name, member) => {
  const expected =
    `1 validation error detected: Value null at '${lower(member)}' failed to satisfy ` +
    'constraint: Member must not be null';
  const { [member]: _, ...rest } = valid[name]!;
  for (const body of [rest, { ...rest, [member]: null }]) {
    const reply = await server.call(name, body);
    expect(reply.json).toEqual({ __type: 'ValidationException', message: expected });
    expect(reply.status).toBe(400);
  }
});

test('operations without a required member are the known ones', () => {
  const free = names.filter((name) => REQUIRED[name] === undefined);
  const lists = ['ListAliases', 'ListKeys', 'ListRetirableGrants'];
  const known = ['CreateKey', 'DescribeCustomKeyStores', 'GenerateRandom', ...lists, 'RetireGrant'];
  expect(free.sort()).toEqual(known);
});

const bounded = names.flatMap((name) =>
  Object.keys(shape[name]!).map((member) => [name, member] as const),
);
test.each(bounded)('%s: %s out of bounds or of another type', async (name, member) => {
  const fact = BOUNDS[member]!;
  const send = (value: unknown) => server.call(name, { ...valid[name], [member]: value });
  const refused = async (value: unknown, rule: string) => {
    const reply = await send(value);
    expect(reply.status).toBe(400);
    expect(reply.json.__type).toBe('ValidationException');
    expect(reply.json.message).toContain(`at '${lower(member)}' failed to satisfy constraint: `);
    expect(reply.json.message).toContain(rule);
  };
  const mistyped = async (value: unknown) => {
    const reply = await send(value);
    expect([reply.status, reply.json.__type]).toEqual([400, 'SerializationException']);
  };
  if (fact.kind === 'integer') {
    await refused(fact.min! - 1, `Member must have value greater than or equal to ${fact.min}`);
    await refused(-1, `Member must have value greater than or equal to ${fact.min}`);
    await refused(fact.max! + 1, `Member must have value less than or equal to ${fact.max}`);
    for (const value of ['7', true, [7], { a: 7 }, 1.5]) await mistyped(value);
    return;
  }
  if (fact.kind === 'enum') {
    await refused('NOT_ONE', 'Member must satisfy enum value set: [');
    await refused('', 'Member must satisfy enum value set: [');
    for (const value of [7, true, ['AES_256'], {}]) await mistyped(value);
    return;
  }
  if (fact.kind === 'list') {
    for (const value of [7, true, 'text', {}, [[]], [7]]) await mistyped(value);
    return;
  }
  const text = (length: number) => (fact.kind === 'blob' ? base64(length) : 'a'.repeat(length));
  if (fact.min !== undefined) {
    await refused('', `Member must have length greater than or equal to ${fact.min}`);
  }
  await refused(text(fact.max! + 1), `Member must have length less than or equal to ${fact.max}`);
  for (const value of [7, true, [text(3)], { a: text(3) }]) await mistyped(value);
  if (fact.kind === 'blob') {
    for (const value of ['a', 'ab', 'abc', 'ab=c', 'ab-_', 'YQ', 'YQ= =', 'YQ==\n']) {
      const reply = await send(value);
      expect([reply.status, reply.json]).toEqual([400, { __type: 'SerializationException' }]);
    }
  }
});

describe('members that many operations share', () => {
  const withMember = (member: string) =>
    OPERATIONS.filter((operation) => {
      const { members } = operation.input.kms as { members: Record<string, unknown> };
      return member in members;
    }).map((operation) => operation.name);

  test.each(withMember('GrantTokens'))('%s: grant tokens', async (name) => {
    const send = (GrantTokens: unknown) => server.call(name, { ...valid[name], GrantTokens });
    expect((await send(['token'])).json.__type).toBe('InvalidGrantTokenException');
    const many = await send(Array.from({ length: 11 }, () => 'token'));
    expect(many.json.__type).toBe('ValidationException');
    expect(many.json.message).toContain('length less than or equal to 10');
    expect((await send('token')).json.__type).toBe('SerializationException');
    expect((await send([''])).json.__type).toBe('ValidationException');
    // An absent list and an empty one ask for nothing.
    if (name !== 'DescribeKey') return;
    expect((await send([])).status).toBe(200);
    expect((await send(null)).status).toBe(200);
  });

  test.each(withMember('EncryptionContext'))('%s: encryption context', async (name) => {
    const send = (EncryptionContext: unknown) =>
      server.call(name, { ...valid[name], EncryptionContext });
    for (const context of ['text', 7, [], { a: 7 }, { a: { b: 'c' } }]) {
      expect((await send(context)).json.__type).toBe('SerializationException');
    }
  });

  test.each(withMember('Recipient'))('%s: a recipient, where no root is trusted', async (name) => {
    const send = (Recipient: unknown) => server.call(name, { ...valid[name], Recipient });
    const KeyEncryptionAlgorithm = 'RSAES_OAEP_SHA_256';
    const refused = await send({ KeyEncryptionAlgorithm, AttestationDocument: base64(10) });
    expect(refused.json.__type).toBe('UnsupportedOperationException');
    expect((await send({ KeyEncryptionAlgorithm })).json.message).toContain(
      "Value null at 'recipient.attestationDocument'",
    );
    expect((await send('text')).json.__type).toBe('SerializationException');
  });
});

test.each(names)('%s: bodies that are no JSON object', async (name) => {
  for (const body of ['', '{', 'null', '[]', '"text"', '7', '{"KeyId":', '\u0000', '{}{}']) {
    const reply = await server.call(name, body);
    // An empty body is an empty input to some servers; whatever is said, it is said cleanly.
    if (body === '') expect([200, 400]).toContain(reply.status);
    else expect([reply.status, reply.json.__type]).toEqual([400, 'SerializationException']);
  }
});

test('several violations are told together', async () => {
  const reply = await server.call('Encrypt', {
    KeyId: '',
    Plaintext: '',
    EncryptionAlgorithm: 'X',
  });
  expect(reply.json.message).toMatch(/^3 validation errors detected: Value .*; Value .*; Value /);
});

test('unknown members are ignored', async () => {
  const reply = await server.call('GenerateRandom', { NumberOfBytes: 4, Colour: { deep: [1] } });
  expect(reply.status).toBe(200);
});
