/**
 * No space left, for the audit log and for the store, with a whole server: refused at once and
 * clearly, health red where nothing can be served, and service again by itself.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DataDirectory, initialiseData, type SpawnedServer, spawnServer } from '../harness.js';
import { makeKey, mustCall } from '../operations/named-keys.js';
import { httpGet } from '../raw-client.js';
import { mountSmallDisk, type SmallDisk } from './full-disk.js';

const QUICK_MS = 2000;
const RECOVERY_MS = 15_000;

/** Mounted before the tests are collected, so that the reason of a skip is printed. */
const auditDisk: SmallDisk | undefined = mountSmallDisk(2);
const storeDisk: SmallDisk | undefined = mountSmallDisk(4);
afterAll(() => {
  auditDisk?.unmount();
  storeDisk?.unmount();
});

async function timed<T>(call: Promise<T>): Promise<{ value: T; ms: number }> {
  const began = performance.now();
  const value = await call;
  return { value, ms: performance.now() - began };
}

async function until(what: string, done: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + RECOVERY_MS;
  while (!(await done())) {
    if (performance.now() > deadline) throw new Error(`not within ${RECOVERY_MS} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const health = async (server: SpawnedServer, probe: 'healthz' | 'readyz') =>
  (await httpGet(`${server.adminEndpoint}/${probe}`)).status;

describe.skipIf(auditDisk === undefined)('the audit log on a full disk', () => {
  let server: SpawnedServer;
  let keyId: string;
  beforeAll(async () => {
    server = await spawnServer({ quota: 'off', auditDirectory: join(auditDisk!.path, 'audit') });
    keyId = await makeKey(server);
  });
  afterAll(() => server.stop());

  test('every request is refused quickly, nothing is released, health is red', async () => {
    expect(await health(server, 'healthz')).toBe(200);
    auditDisk!.fill();
    // What is left of a block may still take a record or two.
    await until('requests are refused', async () => {
      const reply = await server.call('GenerateRandom', { NumberOfBytes: 8 });
      return reply.status !== 200;
    });
    const calls: [string, object][] = [
      ['Encrypt', { KeyId: keyId, Plaintext: 'AAAA' }],
      ['GenerateDataKey', { KeyId: keyId, KeySpec: 'AES_256' }],
      ['CreateKey', {}],
      ['DescribeKey', { KeyId: keyId }],
      ['Encrypt', { KeyId: 'no-such-key', Plaintext: 'AAAA' }],
    ];
    for (const [name, body] of calls) {
      const { value: reply, ms } = await timed(server.call(name, body));
      expect([name, reply.status, reply.json.__type]).toEqual([name, 500, 'KMSInternalException']);
      expect(Object.keys(reply.json).filter((member) => /Blob|Plaintext|Key/.test(member))).toEqual(
        [],
      );
      expect(ms).toBeLessThan(QUICK_MS);
    }
    expect(await health(server, 'healthz')).toBe(503);
  });

  test('serves again by itself once there is space', async () => {
    auditDisk!.empty();
    await until('requests are answered', async () => {
      const reply = await server.call('Encrypt', { KeyId: keyId, Plaintext: 'AAAA' });
      return reply.status === 200;
    });
    await until('health is green', async () => (await health(server, 'healthz')) === 200);
    const reply = await mustCall(server, 'Encrypt', { KeyId: keyId, Plaintext: 'AAAA' });
    expect(reply.CiphertextBlob).toBeTypeOf('string');
  });

  test('the log is whole lines: no record was cut in two', async () => {
    expect(await server.kill('SIGTERM')).toMatchObject({ code: 0 });
    const lines = server.auditLines();
    expect(lines.length).toBeGreaterThan(3);
    for (const line of lines) expect(() => JSON.parse(line)).not.toThrow();
  });
});

describe.skipIf(storeDisk === undefined)('the store on a full disk', () => {
  let server: SpawnedServer;
  let data: DataDirectory;
  let keyId: string;
  beforeAll(async () => {
    data = initialiseData(join(storeDisk!.path, 'data'));
    // The audit log has a disk of its own: only the store is short of space.
    server = await spawnServer({ quota: 'off', data, auditDirectory: `${storeDisk!.path}-audit` });
    keyId = await makeKey(server);
  });
  afterAll(async () => {
    await server.stop();
    rmSync(`${storeDisk!.path}-audit`, { recursive: true, force: true });
  });

  test('changes are refused quickly; what needs no space goes on', async () => {
    storeDisk!.fill();
    await until('CreateKey is refused', async () => {
      const reply = await server.call('CreateKey', { Description: 'x'.repeat(8000) });
      return reply.status !== 200;
    });
    const changes: [string, object][] = [
      ['CreateKey', { Description: 'x'.repeat(8000) }],
      ['UpdateKeyDescription', { KeyId: keyId, Description: 'y'.repeat(8000) }],
    ];
    for (const [name, body] of changes) {
      const { value: reply, ms } = await timed(server.call(name, body));
      expect([name, reply.status, reply.json.__type]).toEqual([name, 500, 'KMSInternalException']);
      expect(ms).toBeLessThan(QUICK_MS);
    }
    const sealed = await mustCall(server, 'Encrypt', { KeyId: keyId, Plaintext: 'AAAA' });
    const opened = await mustCall(server, 'Decrypt', { CiphertextBlob: sealed.CiphertextBlob });
    expect(opened.Plaintext).toBe('AAAA');
    const seen = await mustCall(server, 'DescribeKey', { KeyId: keyId });
    expect(seen.KeyMetadata.Description).toBe('');
  });

  test('takes changes again by itself, and kept what it had acknowledged', async () => {
    const before = await mustCall(server, 'ListKeys', { Limit: 1000 });
    storeDisk!.empty();
    let made = '';
    await until('CreateKey succeeds', async () => {
      const reply = await server.call('CreateKey', {});
      made = reply.json.KeyMetadata?.KeyId ?? '';
      return reply.status === 200;
    });
    await server.kill('SIGKILL');
    server = await spawnServer({ quota: 'off', data, auditDirectory: `${storeDisk!.path}-audit` });
    const after = await mustCall(server, 'ListKeys', { Limit: 1000 });
    const ids = after.Keys.map((key: { KeyId: string }) => key.KeyId);
    for (const { KeyId } of before.Keys) expect(ids).toContain(KeyId);
    expect(ids).toContain(made);
  });
});
