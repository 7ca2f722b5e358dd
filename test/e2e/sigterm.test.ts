/** SIGTERM while requests are under way: all that was accepted is finished, audited, and exit 0. */
import { afterEach, expect, test } from 'vitest';
import { type SpawnedServer, spawnServer } from '../harness.js';
import { makeKey, mustCall } from '../operations/named-keys.js';

let server: SpawnedServer | undefined;
afterEach(async () => {
  await server?.stop();
  server = undefined;
});

test('drains under load', async () => {
  server = await spawnServer({ quota: 'off' });
  const running = server;
  const KeyId = await makeKey(running);
  const answered = new Set<string>();
  let cut = 0;
  let stopping = false;
  const worker = async () => {
    for (;;) {
      try {
        const reply = await running.call('Encrypt', { KeyId, Plaintext: 'AAAA' });
        expect(reply.status).toBe(200);
        answered.add(String(reply.headers['x-amzn-requestid']));
      } catch (error) {
        // After SIGTERM new requests may find the door shut; before it none may.
        if (!stopping) throw error;
        cut += 1;
        return;
      }
    }
  };
  const workers = Array.from({ length: 16 }, worker);
  await new Promise((resolve) => setTimeout(resolve, 700));
  // Slow work that is under way when the signal comes.
  const slow = Array.from({ length: 3 }, () =>
    mustCall(running, 'GenerateDataKeyPairWithoutPlaintext', { KeyId, KeyPairSpec: 'RSA_4096' }),
  );
  await new Promise((resolve) => setTimeout(resolve, 50));
  stopping = true;
  const began = performance.now();
  const exit = running.kill('SIGTERM');
  for (const pair of await Promise.all(slow)) expect(pair.KeyPairSpec).toBe('RSA_4096');
  await Promise.all(workers);
  expect(await exit).toEqual({ code: 0, signal: null });
  expect(performance.now() - began).toBeLessThan(10_500);
  expect(cut).toBeGreaterThan(0);
  const recorded = new Set(
    running.auditLines().map((line) => (JSON.parse(line) as { requestID: string }).requestID),
  );
  const lost = [...answered].filter((id) => !recorded.has(id));
  expect(lost).toEqual([]);
  console.log(`drained: ${answered.size} answered requests, all in the audit log`);
});

test('SIGINT stops an idle server as well', async () => {
  server = await spawnServer({ quota: 'off' });
  expect(await server.kill('SIGINT')).toEqual({ code: 0, signal: null });
});
