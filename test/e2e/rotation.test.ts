/** Rotation of a deployment that was down for years, with what its log says of it afterwards. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { ManualClock } from '../../src/core/clock.js';
import { startServer } from '../harness.js';
import { makeKey, mustCall } from '../operations/named-keys.js';

const DAY_MS = 86_400_000;
const data = mkdtempSync(join(tmpdir(), 'keystrel-rotation-'));
afterAll(() => rmSync(data, { recursive: true, force: true }));

test('a server that starts after several dates makes the versions of each, and opens all', async () => {
  const begin = Date.UTC(2026, 0, 1);
  const config = { data, audit: { durability: 'write', directory: join(data, 'log') } } as const;
  const start = (now: number) =>
    startServer({ dev: true, clock: new ManualClock(now), config: { ...config } });
  const first = await start(begin);
  const KeyId = await makeKey(first);
  const idle = await makeKey(first);
  await mustCall(first, 'EnableKeyRotation', { KeyId, RotationPeriodInDays: 200 });
  await mustCall(first, 'EnableKeyRotation', { KeyId: idle, RotationPeriodInDays: 90 });
  await mustCall(first, 'DisableKey', { KeyId: idle });
  const blobs = [(await mustCall(first, 'Encrypt', { KeyId, Plaintext: 'AAAA' })).CiphertextBlob];
  await first.stop();

  const dates: number[] = [];
  for (const after of [150, 250, 1005]) {
    const server = await start(begin + after * DAY_MS);
    // The round that the scheduler begins with may be under way; this one comes after it.
    await server.runDueWork();
    while ((dates.length + 1) * 200 <= after) dates.push((dates.length + 1) * 200);
    const { Rotations } = await mustCall(server, 'ListKeyRotations', { KeyId });
    const made = Rotations.map((one: { RotationDate: number }) => one.RotationDate * 1000);
    expect(made).toEqual(dates.map((day) => begin + day * DAY_MS));
    const seen = await mustCall(server, 'GetKeyRotationStatus', { KeyId });
    expect(seen.NextRotationDate * 1000).toBe(begin + (dates.length + 1) * 200 * DAY_MS);
    for (const CiphertextBlob of blobs) {
      expect((await mustCall(server, 'Decrypt', { CiphertextBlob })).Plaintext).toBe('AAAA');
    }
    blobs.push((await mustCall(server, 'Encrypt', { KeyId, Plaintext: 'AAAA' })).CiphertextBlob);
    const events = server.auditLines().filter((line) => line.includes('"RotateKey"'));
    expect(events).toHaveLength(dates.length);
    await server.stop();
  }
  expect(dates).toEqual([200, 400, 600, 800, 1000]);

  const last = await start(begin + 1005 * DAY_MS);
  await last.runDueWork();
  expect((await mustCall(last, 'ListKeyRotations', { KeyId: idle })).Rotations).toEqual([]);
  await mustCall(last, 'EnableKey', { KeyId: idle });
  const { Rotations } = await mustCall(last, 'ListKeyRotations', { KeyId: idle });
  expect(Rotations).toMatchObject([{ RotationDate: begin / 1000 + 1005 * 86_400 }]);
  await last.stop();
});
