/** Imported material that ends while its server runs, and while no server runs. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { ManualClock } from '../../src/core/clock.js';
import { encryptMaterial } from '../engine/import-material.js';
import { startServer, type TestServer } from '../harness.js';
import { mustCall } from '../operations/named-keys.js';

const DAY_MS = 86_400_000;
const data = mkdtempSync(join(tmpdir(), 'keystrel-expiry-'));
afterAll(() => rmSync(data, { recursive: true, force: true }));

async function importMaterial(
  server: TestServer,
  KeyId: string,
  material: Uint8Array,
  validTo: number,
): Promise<string> {
  const WrappingAlgorithm = 'RSAES_OAEP_SHA_256';
  const asked = { KeyId, WrappingAlgorithm, WrappingKeySpec: 'RSA_2048' };
  const parameters = await mustCall(server, 'GetParametersForImport', asked);
  const spki = Buffer.from(parameters.PublicKey, 'base64');
  const imported = await mustCall(server, 'ImportKeyMaterial', {
    KeyId,
    ImportToken: parameters.ImportToken,
    EncryptedKeyMaterial: encryptMaterial(spki, WrappingAlgorithm, material).toString('base64'),
    ValidTo: validTo / 1000,
  });
  return imported.KeyMaterialId;
}

test('the first request after a downtime finds expired what has expired, and nothing else', async () => {
  const begin = Date.UTC(2026, 0, 1);
  const config = { data, audit: { durability: 'write', directory: join(data, 'log') } } as const;
  const start = (now: number) =>
    startServer({ dev: true, clock: new ManualClock(now), config: { ...config } });
  const first = await start(begin);
  const keys: { keyId: string; materialId: string; material: Buffer; day: number }[] = [];
  for (const day of [1, 2, 3, 300]) {
    const keyId = (await mustCall(first, 'CreateKey', { Origin: 'EXTERNAL' })).KeyMetadata.KeyId;
    const material = randomBytes(32);
    const materialId = await importMaterial(first, keyId, material, begin + day * DAY_MS);
    keys.push({ keyId, materialId, material, day });
  }
  const sealed = await mustCall(first, 'Encrypt', { KeyId: keys[0]!.keyId, Plaintext: 'AAAA' });
  const { CiphertextBlob } = sealed;
  await first.stop();

  for (const days of [1, 2.5, 40]) {
    const server = await start(begin + days * DAY_MS);
    for (const { keyId, materialId, day } of keys) {
      const { KeyMetadata } = await mustCall(server, 'DescribeKey', { KeyId: keyId });
      const ended = day <= days;
      expect(KeyMetadata).toMatchObject({
        KeyState: ended ? 'PendingImport' : 'Enabled',
        CurrentKeyMaterialId: materialId,
      });
      expect(KeyMetadata.ValidTo).toBe(ended ? undefined : begin / 1000 + day * 86_400);
      const events = server
        .auditLines()
        .filter((line) => line.includes('DeleteExpiredKeyMaterial') && line.includes(keyId));
      expect(events).toHaveLength(ended ? 1 : 0);
    }
    await server.stop();
  }

  const last = await start(begin + 41 * DAY_MS);
  const { keyId, material, materialId } = keys[0]!;
  expect(await importMaterial(last, keyId, material, begin + 42 * DAY_MS)).toBe(materialId);
  expect((await mustCall(last, 'Decrypt', { CiphertextBlob })).Plaintext).toBe('AAAA');
  await last.stop();
});
