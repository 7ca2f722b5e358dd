/** Operations that are not offered, and targets that are none. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { UNSUPPORTED_OPERATIONS } from '../../src/operations/registry.js';
import { startServer, type TestServer } from '../harness.js';

let server: TestServer;
beforeAll(async () => {
  server = await startServer({ quota: 'off' });
});
afterAll(() => server.stop());

test.each(UNSUPPORTED_OPERATIONS)('%s is unsupported', async (name) => {
  const reply = await server.call(name, { KeyId: 'alias/x' });
  expect([reply.status, reply.json.__type]).toEqual([400, 'UnsupportedOperationException']);
  expect(reply.headers['x-amzn-requestid']).toMatch(/^[0-9a-f-]{36}$/);
});

describe('targets that are no operation of KMS', () => {
  const targets = [
    'TrentService.NoSuchThing',
    'TrentService.',
    'TrentService.encrypt',
    'TrentService.constructor',
    'TrentService.__proto__',
    'DynamoDB_20120810.GetItem',
    'Encrypt',
    '',
  ];
  test.each(targets)('%s', async (target) => {
    const reply = await server.call('', {}, { target });
    expect([reply.status, reply.json.__type]).toEqual([400, 'UnknownOperationException']);
  });
});
