/** Every operation against every input that its model decides; see cases.ts. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { OPERATIONS } from '../../src/operations/registry.js';
import { startServer, type TestServer } from '../harness.js';
import { namedKeys } from '../operations/named-keys.js';
import { requests } from '../operations/requests.js';
import { type Case, lowerFirst, MODEL, memberCases } from './cases.js';
import { count, printCounts } from './counts.js';

/** No key has this id: an input that the model allows gets no further than the look-up. */
const ABSENT = '12345678-90ab-4cde-8f01-234567890abc';
/** Members that name a key. */
const KEY_MEMBERS = ['KeyId', 'TargetKeyId', 'SourceKeyId', 'DestinationKeyId'];
/** What stops an operation without a key before it makes something. */
const HARMLESS: Readonly<Record<string, object>> = {
  CreateKey: { Policy: 'no policy' },
};

let server: TestServer;
let valid: Readonly<Record<string, Readonly<Record<string, unknown>>>>;

beforeAll(async () => {
  server = await startServer({ quota: 'off', config: { limits: { bodyBytes: 1024 * 1024 } } });
  const made = await namedKeys(server, 'alias/conformance');
  valid = requests(made.keys, made.sealed);
});
afterAll(async () => {
  await server.stop();
  expect(printCounts('inputs')).toBeGreaterThan(2_000);
});

const offered = OPERATIONS.map((operation) => operation.name);

test('every operation of the model is offered', () => {
  expect(offered.filter((name) => MODEL.operations[name] === undefined)).toEqual([]);
});

/** The valid request with its keys replaced by one that is absent. */
function base(name: string): Record<string, unknown> {
  const request: Record<string, unknown> = { ...valid[name], ...HARMLESS[name] };
  for (const member of KEY_MEMBERS) if (member in request) request[member] = ABSENT;
  return request;
}

async function check(name: string, member: string, one: Case): Promise<void> {
  const body = base(name);
  if (one.value === undefined) delete body[member];
  else body[member] = one.value;
  const reply = await server.call(name, body);
  const { __type: type, message } = reply.json;
  const what = `${name} with ${member} ${one.label}: ${reply.status} ${reply.text.slice(0, 300)}`;
  count(name);
  if (one.expected.kind === 'within') {
    expect(reply.status, what).toBeLessThan(500);
    expect(type === 'SerializationException', what).toBe(false);
    expect(/^\d+ validation errors? detected/.test(message ?? ''), what).toBe(false);
    return;
  }
  expect(reply.status, what).toBe(400);
  if (one.expected.kind === 'serialization') {
    expect(type, what).toBe('SerializationException');
    return;
  }
  const { path, rule } = one.expected;
  expect(type, what).toBe('ValidationException');
  expect(message, what).toMatch(/^\d+ validation errors? detected: Value /);
  expect(message, what).toContain(`at '${path}' failed to satisfy constraint: ${rule}`);
}

describe.each(offered)('%s', (name) => {
  const members = Object.entries(MODEL.operations[name] ?? {});
  if (members.length === 0) {
    test('has no members, and ignores unknown ones', async () => {
      const reply = await server.call(name, { Unknown: 1 });
      count(name);
      expect(reply.status).toBe(200);
    });
  }
  test.each(members)('%s', async (member, fact) => {
    for (const one of memberCases(fact, lowerFirst(member))) await check(name, member, one);
  });

  test('a body that is no JSON object', async () => {
    for (const body of ['', 'x', '[]', '"a"', '7', 'true', '{', '{"a":}', '{"a":1}}', '\u0000']) {
      const reply = await server.call(name, body);
      count(name);
      const what = `${name} ${JSON.stringify(body)}: ${reply.status} ${reply.text}`;
      // No body at all is an empty object.
      if (body === '') expect(reply.status, what).toBeLessThan(500);
      else expect([reply.status, reply.json.__type], what).toEqual([400, 'SerializationException']);
    }
  });
});
