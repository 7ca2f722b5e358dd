/** TLS of both transports: 1.2 and 1.3 with forward secrecy, nothing older or weaker. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KINDS, type Rig, rawExchange, startTransport, until } from './rig.js';

interface Handshake {
  readonly protocol: string | null;
  readonly cipher: string;
  readonly ephemeral: boolean;
}

let folder: string;
let tls: { certFile: string; keyFile: string };

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'keystrel-tls-'));
  tls = { certFile: join(folder, 'cert.pem'), keyFile: join(folder, 'key.pem') };
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost'],
      ...['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'],
      ...['-keyout', tls.keyFile, '-out', tls.certFile],
    ],
    { stdio: 'ignore' },
  );
});

afterAll(() => rmSync(folder, { recursive: true }));

function handshake(port: number, options: ConnectionOptions): Promise<Handshake> {
  return new Promise((resolve, reject) => {
    const socket = connect(
      {
        port,
        host: '127.0.0.1',
        ca: readFileSync(tls.certFile),
        servername: 'localhost',
        ...options,
      },
      () => {
        const info = socket.getEphemeralKeyInfo() as { type?: string } | null;
        resolve({
          protocol: socket.getProtocol(),
          cipher: socket.getCipher().name,
          ephemeral: info?.type === 'ECDH',
        });
        socket.destroy();
      },
    );
    socket.once('error', reject);
  });
}

function httpsPost(port: number, body: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const call = request(
      {
        port,
        host: '127.0.0.1',
        ca: readFileSync(tls.certFile),
        servername: 'localhost',
        method: 'POST',
      },
      (reply) => {
        let text = '';
        reply.on('data', (chunk: Buffer) => {
          text += chunk.toString();
        });
        reply.on('end', () => resolve({ status: reply.statusCode ?? 0, text }));
      },
    );
    call.once('error', reject);
    call.setHeader('Content-Length', Buffer.byteLength(body));
    call.end(body);
  });
}

describe.each(Object.keys(KINDS) as (keyof typeof KINDS)[])('TLS on %s', (kind) => {
  let rig: Rig;

  beforeAll(async () => {
    rig = await startTransport(kind, { tls });
  });

  afterAll(async () => {
    await rig.transport.close(100);
  });

  it('answers a request, marked as TLS', async () => {
    expect(await httpsPost(rig.port, '{"a":1}')).toEqual({ status: 200, text: '{"a":1}' });
    expect(rig.requests.at(-1)!.tls).toBe(true);
  });

  it('speaks TLS 1.3', async () => {
    const result = await handshake(rig.port, { minVersion: 'TLSv1.3' });
    expect(result.protocol).toBe('TLSv1.3');
    expect(result.cipher).toMatch(/^TLS_(AES_128_GCM|AES_256_GCM|CHACHA20_POLY1305)_/);
  });

  it.each([
    'ECDHE-RSA-AES128-GCM-SHA256',
    'ECDHE-RSA-AES256-GCM-SHA384',
    'ECDHE-RSA-CHACHA20-POLY1305',
  ])('speaks TLS 1.2 with %s', async (ciphers) => {
    const result = await handshake(rig.port, { maxVersion: 'TLSv1.2', ciphers });
    expect(result).toMatchObject({ protocol: 'TLSv1.2', cipher: ciphers, ephemeral: true });
  });

  it.each(['TLSv1', 'TLSv1.1'] as const)('refuses %s', async (version) => {
    // SECLEVEL=0: the client itself must be willing, or the test proves nothing of the server.
    const old = { minVersion: version, maxVersion: version, ciphers: 'ALL:@SECLEVEL=0' } as const;
    await expect(handshake(rig.port, old)).rejects.toThrow(
      /alert|version|ECONNRESET|disconnected/i,
    );
  });

  it.each([
    'AES128-GCM-SHA256',
    'AES256-GCM-SHA384',
    'AES128-SHA',
    'AES256-SHA256',
    'ECDHE-RSA-AES128-SHA',
    'ECDHE-RSA-AES256-SHA384',
    'DHE-RSA-AES128-GCM-SHA256',
    'NULL-SHA256',
    'AECDH-AES128-SHA',
  ])('refuses the suite %s', async (suite) => {
    const weak = { maxVersion: 'TLSv1.2', ciphers: `${suite}:@SECLEVEL=0` } as const;
    await expect(handshake(rig.port, weak)).rejects.toThrow(
      /alert|handshake|ECONNRESET|disconnected/i,
    );
  });

  it('closes on plain HTTP and on noise, and leaks nothing', async () => {
    for (const bytes of [
      'POST / HTTP/1.1\r\nHost: a\r\n\r\n',
      '\x16\x03\x01\xff\xff',
      'x'.repeat(99),
    ]) {
      const answer = await rawExchange(rig.port, bytes, 15_000);
      expect(answer.closed).toBe(true);
      expect(answer.statuses.filter((status) => status < 400)).toEqual([]);
    }
    await until(() => rig.transport.connections() === 0);
    expect((await httpsPost(rig.port, 'still')).text).toBe('still');
  });
});

it.each(Object.keys(KINDS) as (keyof typeof KINDS)[])(
  '%s refuses to start with files that are no certificate',
  async (kind) => {
    const bad = { certFile: tls.keyFile, keyFile: join(folder, 'absent.pem') };
    await expect(async () => startTransport(kind, { tls: bad })).rejects.toThrow();
  },
);

describe('TLS 1.3 alone', () => {
  it('is what node-http speaks when told so', async () => {
    const rig = await startTransport('node-http', { tls: { ...tls, minVersion: 'TLSv1.3' } });
    const spoken = await handshake(rig.port, {});
    expect(spoken.protocol).toBe('TLSv1.3');
    await expect(handshake(rig.port, { maxVersion: 'TLSv1.2' })).rejects.toThrow(
      /alert|version|ECONNRESET|disconnected/i,
    );
    await rig.transport.close(1000);
  });

  it('is refused by uws, which cannot do it', async () => {
    const start = async () => startTransport('uws', { tls: { ...tls, minVersion: 'TLSv1.3' } });
    await expect(start).rejects.toThrow(/node-http/);
  });
});
