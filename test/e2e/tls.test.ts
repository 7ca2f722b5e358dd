/** The shipped program over TLS, on both transports, as an SDK and as the AWS CLI would see it. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateKeyCommand, DecryptCommand, EncryptCommand } from '@aws-sdk/client-kms';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type SpawnedServer, spawnServer } from '../harness.js';

const folder = mkdtempSync(join(tmpdir(), 'keystrel-tls-'));
const cert = join(folder, 'cert.pem');
const key = join(folder, 'key.pem');
let server: SpawnedServer | undefined;
beforeAll(() => {
  const names = ['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-subj', '/CN=localhost'];
  const kind = [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-days',
    '2',
  ];
  const files = ['-keyout', key, '-out', cert];
  execFileSync('openssl', ['req', '-x509', ...kind, ...names, ...files], { stdio: 'ignore' });
});
afterEach(async () => {
  await server?.stop();
  server = undefined;
});
afterAll(() => rmSync(folder, { recursive: true }));

describe.each(['uws', 'node-http'])('transport %s', (transport) => {
  test('encrypts and decrypts, and marks its records', async () => {
    const args = ['--transport', transport, '--tls-cert', cert, '--tls-key', key];
    server = await spawnServer({ quota: 'off', args });
    expect(server.endpoint).toMatch(/^https:/);
    const kms = server.kms({
      requestHandler: { httpsAgent: new Agent({ ca: readFileSync(cert) }) },
    });
    const made = await kms.send(new CreateKeyCommand({}));
    const Plaintext = Buffer.from('over TLS');
    const sealed = await kms.send(
      new EncryptCommand({ KeyId: made.KeyMetadata!.KeyId, Plaintext }),
    );
    const opened = await kms.send(new DecryptCommand({ CiphertextBlob: sealed.CiphertextBlob }));
    expect(Buffer.from(opened.Plaintext!).toString()).toBe('over TLS');
    kms.destroy();
    const record = JSON.parse(server.auditLines().at(-1)!);
    expect(record.eventName).toBe('Decrypt');
    expect(record.tlsDetails).toBeDefined();
  });
});
