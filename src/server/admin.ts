/**
 * The admin listener: /healthz, /readyz, /livez and /metrics, for probes and scrapers. It speaks
 * plain HTTP and checks no signature: it belongs on loopback or a private network.
 */
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Health, HealthReport } from './health.js';
import type { Metrics } from './metrics.js';

export interface AdminOptions {
  readonly host: string;
  readonly port: number;
  readonly health: Health;
  readonly metrics: Metrics;
}

export interface AdminListener {
  /** Resolves to the bound port. Rejects when the address is taken. */
  listen(): Promise<number>;
  close(): Promise<void>;
}

const HEADER_BYTES_MAX = 8_192;
const TIMEOUT_MS = 10_000;
const CONNECTIONS_MAX = 64;

export function createAdminListener(options: AdminOptions): AdminListener {
  const server = http.createServer(
    { maxHeaderSize: HEADER_BYTES_MAX, requestTimeout: TIMEOUT_MS, headersTimeout: TIMEOUT_MS },
    (request, response) => {
      answer(options, request, response).catch(() => response.destroy());
    },
  );
  server.maxConnections = CONNECTIONS_MAX;
  return {
    listen: () =>
      new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen(options.port, options.host, () => {
          server.off('error', reject);
          resolve((server.address() as AddressInfo).port);
        });
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  { health, metrics }: AdminOptions,
  request: http.IncomingMessage,
  response: http.ServerResponse,
): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.writeHead(405, { Allow: 'GET, HEAD' }).end();
    return;
  }
  switch (request.url) {
    case '/healthz':
      return report(response, health.health());
    case '/readyz':
      return report(response, health.readiness());
    case '/livez':
      response.writeHead(200, { 'Content-Type': 'text/plain' }).end('ok\n');
      return;
    case '/metrics': {
      const text = await metrics.expose();
      response.writeHead(200, { 'Content-Type': metrics.contentType }).end(text);
      return;
    }
    default:
      response.writeHead(404).end();
  }
}

function report(response: http.ServerResponse, state: HealthReport): void {
  response
    .writeHead(state.ok ? 200 : 503, { 'Content-Type': 'application/json' })
    .end(`${JSON.stringify(state)}\n`);
}
