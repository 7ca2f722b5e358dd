/** The admin listener, health, metrics, and the server's start and end. */
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { createRefusingVerifier } from '../../src/attestation/refusing-verifier.js';
import { ManualClock } from '../../src/core/clock.js';
import type { KeyService } from '../../src/keys/service.js';
import { operation } from '../../src/operations/port.js';
import { kmsString, structure } from '../../src/protocol/schema.js';
import { createServer, type Server } from '../../src/server/server.js';
import { createUwsTransport } from '../../src/server/transports/uws.js';
import { LIMITS, post, rawExchange, until } from './rig.js';

let release: (() => void)[] = [];

const wait = operation({
  name: 'Wait',
  input: structure({ Mode: kmsString() }),
  access: () => [],
  quota: () => [],
  audit: { readOnly: true, request: () => null },
  run: async (_context, input) => {
    if (input.Mode === 'hold') await new Promise<void>((resolve) => release.push(resolve));
    return { done: true };
  },
});

interface Running {
  readonly server: Server;
  readonly port: number;
  readonly admin: string;
  readonly state: { healthy: boolean; lines: number; closed: boolean };
}

let running: Running | undefined;

async function start(graceMs = 2_000): Promise<Running> {
  const state = { healthy: true, lines: 0, closed: false };
  const server = createServer({
    authenticator: {
      authenticate: async () => ({
        account: '123456789012',
        arn: 'arn:aws:iam::123456789012:root',
        kind: 'root' as const,
        name: 'root',
        accessKeyId: 'A',
        region: 'eu-west-1',
      }),
    },
    recipients: createRefusingVerifier(),
    throttle: { take: () => true, takeStateChange: () => true, rate: () => 1 },
    operations: [wait],
    unsupported: [],
    regions: ['eu-west-1'],
    service: {} as KeyService,
    audit: {
      append: async () => {
        if (state.closed) throw new Error('closed');
        state.lines++;
      },
      healthy: () => state.healthy,
      close: async () => {
        state.closed = true;
      },
    },
    recorder: { build: () => '{}' },
    clock: new ManualClock(),
    log: { error: () => undefined },
    createTransport: createUwsTransport,
    listen: { host: '127.0.0.1', port: 0, limits: LIMITS },
    adminListen: { host: '127.0.0.1', port: 0 },
    lanes: () => [{ lane: 'symmetric', queued: 1, inFlight: 2, nsPerJob: 300, frames: 4, jobs: 5 }],
    graceMs,
  });
  const { port, adminPort } = await server.start();
  running = { server, port, admin: `http://127.0.0.1:${adminPort}`, state };
  return running;
}

afterEach(async () => {
  for (const resolve of release) resolve();
  release = [];
  await running?.server.drain();
  running = undefined;
});

const call = (mode = '') =>
  post(JSON.stringify({ Mode: mode }), 'X-Amz-Target: TrentService.Wait\r\n');

describe('the admin listener', () => {
  it('reports health, and turns red with the audit', async () => {
    const { admin, state } = await start();
    for (const path of ['/healthz', '/readyz', '/livez']) {
      expect((await fetch(admin + path)).status).toBe(200);
    }
    state.healthy = false;
    for (const path of ['/healthz', '/readyz']) {
      const reply = await fetch(admin + path);
      expect(reply.status).toBe(503);
      expect(await reply.json()).toMatchObject({ ok: false, checks: { audit: false } });
    }
    expect((await fetch(`${admin}/livez`)).status).toBe(200);
    state.healthy = true;
    expect((await fetch(`${admin}/healthz`)).status).toBe(200);
  });

  it('exposes requests, latency, lanes and refusals', async () => {
    const { admin, port } = await start();
    await rawExchange(port, call());
    await rawExchange(port, post('{}', 'X-Amz-Target: TrentService.Nothing\r\n'));
    await rawExchange(port, 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
    const text = await (await fetch(`${admin}/metrics`)).text();
    expect(text).toContain(
      'keystrel_requests_total{operation="Wait",region="eu-west-1",code="OK"} 1',
    );
    expect(text).toContain(
      'keystrel_requests_total{operation="unknown",region="eu-west-1",code="UnknownOperationException"} 1',
    );
    expect(text).toContain('keystrel_request_seconds_count{operation="Wait",region="eu-west-1"} 1');
    expect(text).toContain(
      'keystrel_request_seconds_bucket{le="0.00025",operation="Wait",region="eu-west-1"} 1',
    );
    expect(text).toContain(
      'keystrel_request_seconds_bucket{le="+Inf",operation="Wait",region="eu-west-1"} 1',
    );
    expect(text).toContain('keystrel_request_seconds_sum{operation="Wait",region="eu-west-1"} 0');
    expect(text).toContain('keystrel_transport_refusals_total{status="411"} 1');
    expect(text).toContain('keystrel_engine_queued{lane="symmetric"} 1');
    expect(text).toContain('keystrel_audit_healthy 1');
  });

  it('exposes what docs/metrics.md lists, and nothing else', async () => {
    const { admin } = await start();
    const text = await (await fetch(`${admin}/metrics`)).text();
    const exposed = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [
      name,
      type,
    ]);
    const docs = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
    const listed = [...docs.matchAll(/^\| `(\S+)` \| (\w+) \|/gm)].map(([, name, type]) => [
      name,
      type,
    ]);
    expect(listed.sort()).toEqual(exposed.sort());
  });

  it('knows nothing else', async () => {
    const { admin } = await start();
    expect((await fetch(`${admin}/`)).status).toBe(404);
    expect((await fetch(`${admin}/metrics`, { method: 'POST' })).status).toBe(405);
  });
});

describe('draining', () => {
  it('answers what is in flight, flushes the audit and closes', async () => {
    const { server, port, admin, state } = await start();
    const pending = rawExchange(port, call('hold'), 5_000);
    await until(() => release.length === 1);
    const drained = server.drain();
    expect((await fetch(`${admin}/readyz`)).status).toBe(503);
    await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow();
    release[0]!();
    expect((await pending).status).toBe(200);
    await drained;
    expect(state).toMatchObject({ lines: 1, closed: true });
    expect(server.health.readiness().phase).toBe('stopped');
  });

  it('audits the request of a client that left', async () => {
    const { server, port, state } = await start();
    const pending = rawExchange(port, call('hold'), 50);
    await until(() => release.length === 1);
    await pending;
    const drained = server.drain();
    setTimeout(() => release[0]!(), 100);
    await drained;
    expect(state.lines).toBe(1);
  });

  it('ends after its grace', async () => {
    const { server, port } = await start(200);
    const pending = rawExchange(port, call('hold'), 5_000);
    await until(() => release.length === 1);
    const before = performance.now();
    await server.drain();
    expect(performance.now() - before).toBeLessThan(1_500);
    expect((await pending).status).toBe(0);
  });
});
