/** Signers as they are in the field, over both transports: the SDK, the AWS CLI's, curl's. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { KMSClient, ListKeysCommand } from '@aws-sdk/client-kms';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KnownRequests } from '../../src/auth/known-requests.js';
import type { Caller } from '../../src/auth/port.js';
import { readSignedRequest } from '../../src/auth/signed-request.js';
import { KmsError } from '../../src/core/errors.js';
import { errorToWire } from '../../src/protocol/error-wire.js';
import { backends } from '../engine/support.js';
import { failure } from '../failure.js';
import { rawCall, signedHeaders } from '../raw-client.js';
import { KINDS, rawExchange, startTransport, type Rig as TransportRig } from '../server/rig.js';
import { LONG_TERM, openRig, REGION, type Rig, SECRET, TEMPORARY, TOKEN } from './rig.js';

const run = promisify(execFile);
const credentials = { accessKeyId: LONG_TERM, secretAccessKey: SECRET };

describe.each(Object.keys(KINDS) as (keyof typeof KINDS)[])('over %s', (kind) => {
  let rig: Rig;
  let transport: TransportRig;
  let endpoint: string;
  const callers: Caller[] = [];
  /** A second cache beside the authenticator's, to see how often the hot path is taken. */
  const known = new KnownRequests();
  let hits = 0;

  beforeAll(async () => {
    rig = await openRig({ backend: backends[0]!, now: Date.now() });
    transport = await startTransport(kind, {
      onRequest: (request) => {
        rig.authenticator.authenticate(request, request.body).then(
          (caller) => {
            callers.push(caller);
            const now = rig.clock.now();
            if (known.read(request, now) !== undefined) hits++;
            const rules = { service: 'kms', regions: undefined };
            known.remember(request, readSignedRequest(request, rules, now));
            request.reply({ status: 200, requestId: 'id', body: '{"Keys":[],"Truncated":false}' });
          },
          (error: unknown) => {
            const known = error instanceof KmsError ? error : new KmsError('KMSInternalException');
            request.reply({ ...errorToWire(known), requestId: 'id' });
          },
        );
      },
    });
    endpoint = `http://127.0.0.1:${transport.port}`;
  });
  afterAll(async () => {
    await transport.transport.close(100);
    await rig.close();
  });

  it('accepts the AWS SDK for JavaScript, long-term and temporary', async () => {
    for (const more of [{}, { accessKeyId: TEMPORARY, sessionToken: TOKEN }]) {
      const kms = new KMSClient({
        endpoint,
        region: REGION,
        credentials: { ...credentials, ...more },
        maxAttempts: 1,
      });
      const before = hits;
      for (let i = 0; i < 5; i++) expect((await kms.send(new ListKeysCommand())).Keys).toEqual([]);
      kms.destroy();
      expect(hits - before).toBe(4);
      expect(callers.at(-1)).toMatchObject({
        accessKeyId: LONG_TERM,
        ...('accessKeyId' in more ? { accessKeyId: TEMPORARY } : {}),
        region: REGION,
      });
    }
  });

  it("refuses the SDK's request under a wrong secret, or without a token", async () => {
    const send = async (more: object) => {
      const kms = new KMSClient({
        endpoint,
        region: REGION,
        credentials: { ...credentials, ...more },
        maxAttempts: 1,
      });
      const error = await failure(kms.send(new ListKeysCommand()));
      kms.destroy();
      return error.name;
    };
    expect(await send({ secretAccessKey: 'wrong' })).toBe('InvalidSignatureException');
    expect(await send({ accessKeyId: 'AKIANOBODY' })).toBe('UnrecognizedClientException');
    expect(await send({ accessKeyId: TEMPORARY })).toBe('UnrecognizedClientException');
  });

  it('accepts headers in other cases and with space, and refuses what was changed on the way', async () => {
    const reply = await rawCall(endpoint, 'ListKeys', '{}', { credentials, region: REGION });
    expect(reply.status).toBe(200);
    const host = `127.0.0.1:${transport.port}`;
    const signed = signedHeaders(host, 'TrentService.ListKeys', '{}', {
      credentials,
      region: REGION,
    });
    const send = async (change: (line: string) => string): Promise<number> => {
      const lines = Object.entries(signed).map(
        ([name, value]) => `${name.toUpperCase()}:  ${value} \t`,
      );
      const text = `POST / HTTP/1.1\r\n${lines.map(change).join('\r\n')}\r\nContent-Length: 2\r\n\r\n{}`;
      return (await rawExchange(transport.port, text)).status;
    };
    expect(await send((line) => line)).toBe(200);
    const before = callers.length;
    const on = (name: string, change: (line: string) => string) => (line: string) =>
      line.startsWith(name) ? change(line) : line;
    const changes = [
      on('X-AMZ-TARGET', (line) => line.replace('ListKeys', 'ListKeyz')),
      on('X-AMZ-TARGET', (line) => line.replace('ListKeys', 'List\xcbeys')),
      on('X-AMZ-TARGET', (line) => line.replace('ListKeys', 'ListKeys\0')),
      on('X-AMZ-TARGET', (line) => line.replace('List', 'List\n')),
      on('X-AMZ-TARGET', (line) => line.replace('List', 'List\r\n x-amz-a:')),
      on('X-AMZ-TARGET', (line) => `${line}\r\nX-Amz-Target: TrentService.Decrypt`),
      on('X-AMZ-TARGET', (line) => `${line}\r\nX-Amz-Other: 1`),
      on('HOST', (line) => line.replace('127', '128')),
      on('AUTHORIZATION', (line) => `${line}\r\n${line}`),
      on('AUTHORIZATION', () => 'X-Nothing: 1'),
    ];
    // uWS closes without an answer where a head is malformed.
    for (const change of changes) expect([400, 0]).toContain(await send(change));
    expect(callers.length).toBe(before);
  });

  it('accepts curl --aws-sigv4', async (context) => {
    const version = await run('curl', ['--version']).catch(() => undefined);
    const [major = 0, minor = 0] = (version?.stdout ?? '')
      .replace(/^curl /, '')
      .split('.')
      .map(Number);
    // Before 7.87 curl signed no header that was given to it.
    if (major < 8 && !(major === 7 && minor >= 87)) context.skip('no curl of 7.87 or later');
    const { stdout } = await run('curl', [
      '-sS',
      '--aws-sigv4',
      `aws:amz:${REGION}:kms`,
      '--user',
      `${LONG_TERM}:${SECRET}`,
      '-H',
      'Content-Type: application/x-amz-json-1.1',
      '-H',
      'X-Amz-Target: TrentService.ListKeys',
      '-d',
      '{}',
      endpoint,
    ]);
    expect(JSON.parse(stdout)).toEqual({ Keys: [], Truncated: false });
  });

  it("accepts the AWS CLI's signer", async (context) => {
    const there = await run('aws', ['--version']).catch(() => undefined);
    if (there === undefined) context.skip('the AWS CLI is not installed');
    const { stdout } = await run(
      'aws',
      [
        'kms',
        'list-keys',
        '--endpoint-url',
        endpoint,
        '--region',
        REGION,
        '--output',
        'json',
        '--no-paginate',
      ],
      {
        env: {
          ...process.env,
          AWS_ACCESS_KEY_ID: TEMPORARY,
          AWS_SECRET_ACCESS_KEY: SECRET,
          AWS_SESSION_TOKEN: TOKEN,
        },
      },
    );
    expect(JSON.parse(stdout).Keys).toEqual([]);
  });
});
