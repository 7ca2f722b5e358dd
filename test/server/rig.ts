/** A transport of either kind on a free port, and a client that writes raw bytes. */
import { connect, type Socket } from 'node:net';
import type {
  HttpRequest,
  Transport,
  TransportLimits,
  TransportOptions,
} from '../../src/server/transport.js';
import { createNodeHttpTransport } from '../../src/server/transports/node-http.js';
import { createUwsTransport } from '../../src/server/transports/uws.js';

export const KINDS = {
  uws: createUwsTransport,
  'node-http': createNodeHttpTransport,
} as const;

export const LIMITS: TransportLimits = {
  bodyBytesMax: 65_536,
  headerBytesMax: 16_384,
  headersMax: 64,
  connectionsMax: 512,
  idleTimeoutMs: 10_000,
  bodyTimeoutMs: 3_000,
};

export interface Rig {
  readonly transport: Transport;
  readonly port: number;
  readonly requests: HttpRequest[];
  readonly refused: number[];
}

/** Starts a transport whose requests are answered by `onRequest`, by default with their body. */
export async function startTransport(
  kind: keyof typeof KINDS,
  options: Partial<TransportOptions> = {},
): Promise<Rig> {
  const requests: HttpRequest[] = [];
  const refused: number[] = [];
  const transport = KINDS[kind]({
    host: '127.0.0.1',
    port: 0,
    limits: LIMITS,
    onRefused: (status) => refused.push(status),
    ...options,
    onRequest: (request) => {
      requests.push(request);
      if (options.onRequest === undefined) echo(request);
      else options.onRequest(request);
    },
  });
  const port = await transport.listen();
  return { transport, port, requests, refused };
}

export function echo(request: HttpRequest): void {
  const body = Buffer.from(request.body).toString('latin1');
  request.reply({ status: 200, requestId: '00000000-0000-4000-8000-000000000000', body });
}

export interface RawAnswer {
  /** All that the server sent, Latin-1. */
  readonly text: string;
  /** First status code; 0 when the server closed without an answer. */
  readonly status: number;
  /** Every status code, one per answer. */
  readonly statuses: readonly number[];
  readonly closed: boolean;
}

/**
 * Writes `bytes` (Latin-1 text) and reads until the server closes, or until `quietMs` passed
 * without a byte from it.
 */
export function rawExchange(port: number, bytes: string, quietMs = 300): Promise<RawAnswer> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    let closed = false;
    const finish = () => {
      socket.destroy();
      const statuses = [...text.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map((match) => Number(match[1]));
      resolve({ text, status: statuses[0] ?? 0, statuses, closed });
    };
    let timer = setTimeout(finish, quietMs);
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      clearTimeout(timer);
      timer = setTimeout(finish, quietMs);
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      closed = true;
      clearTimeout(timer);
      finish();
    });
    socket.on('end', () => {
      closed = true;
    });
    socket.write(Buffer.from(bytes, 'latin1'));
  });
}

export function openSocket(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket));
    socket.once('error', reject);
  });
}

/** Resolves when `condition` holds. @throws Error after `timeoutMs` */
export async function until(condition: () => boolean, timeoutMs = 5_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error('the condition did not come true');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export function post(body: string, headers = ''): string {
  const length = Buffer.byteLength(body);
  return `POST / HTTP/1.1\r\nHost: kms\r\n${headers}Content-Length: ${length}\r\n\r\n${body}`;
}
