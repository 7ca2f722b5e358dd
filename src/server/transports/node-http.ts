/**
 * The node:http(s) transport: the fallback where uWebSockets.js cannot load, and the control that
 * our uWS adapter is tested against.
 */
import { readFileSync } from 'node:fs';
import * as http from 'node:http';
import * as https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { randomId } from '../../core/random-ids.js';
import type { HttpReply, HttpRequest, Transport, TransportOptions } from '../transport.js';
import {
  BaseRequest,
  BUSY,
  checkHead,
  HeaderLines,
  layoutOf,
  type Refusal,
  refusalReply,
  VERSION_NOT_SUPPORTED,
} from './head.js';
import { LargeBodies } from './large-bodies.js';
import { statusLine } from './status-line.js';
import { TLS_VERSION_MIN, TLS12_CIPHERS } from './tls.js';
import { Turn } from './turn.js';

const EMPTY = Buffer.alloc(0);

export function createNodeHttpTransport(options: TransportOptions): Transport {
  return new NodeHttpTransport(options);
}

class NodeRequest extends BaseRequest implements HttpRequest {
  body: Buffer = EMPTY;
  readonly remoteAddress: string;
  readonly #transport: NodeHttpTransport;
  readonly #response: http.ServerResponse;
  #state: 'open' | 'replied' | 'aborted' = 'open';

  constructor(
    transport: NodeHttpTransport,
    incoming: http.IncomingMessage,
    response: http.ServerResponse,
  ) {
    const [path, query] = splitTarget(incoming.url ?? '/');
    super(incoming.method ?? '', path, query, headerLines(incoming), transport.tls);
    this.remoteAddress = incoming.socket.remoteAddress ?? '';
    this.#transport = transport;
    this.#response = response;
    response.on('close', () => {
      if (this.#state !== 'open') return;
      this.#state = 'aborted';
      this.#transport.ended(this);
    });
  }

  aborted(): boolean {
    return this.#state === 'aborted';
  }

  reply(reply: HttpReply): void {
    if (this.#state !== 'open') return;
    this.#state = 'replied';
    const response = this.#response;
    const close = reply.close === true || this.#transport.draining;
    response.writeHead(reply.status, {
      'x-amzn-RequestId': reply.requestId,
      'Content-Type': reply.contentType ?? 'application/x-amz-json-1.1',
      'Content-Length': Buffer.byteLength(reply.body),
      ...(close ? { Connection: 'close' } : {}),
    });
    response.end(reply.body);
    this.#transport.ended(this);
  }
}

function splitTarget(target: string): [path: string, query: string] {
  const mark = target.indexOf('?');
  return mark === -1 ? [target, ''] : [target.slice(0, mark), target.slice(mark + 1)];
}

function headerLines(incoming: http.IncomingMessage): HeaderLines {
  const names: string[] = [];
  const values: string[] = [];
  const raw = incoming.rawHeaders;
  for (let i = 0; i < raw.length; i += 2) {
    names.push(raw[i]!.toLowerCase());
    values.push(raw[i + 1]!);
  }
  return new HeaderLines(layoutOf(names, names.length), values);
}

class NodeHttpTransport implements Transport {
  readonly kind = 'node-http';
  readonly tls: boolean;
  draining = false;
  readonly #options: TransportOptions;
  readonly #server: http.Server;
  readonly #turn: Turn;
  readonly #sockets = new Set<Socket>();
  readonly #largeBodies = new LargeBodies();
  #inFlight = 0;
  #onIdle: (() => void) | undefined;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.tls = options.tls !== undefined;
    this.#turn = new Turn(options.onRequest);
    const { limits } = options;
    const httpOptions: http.ServerOptions = {
      maxHeaderSize: limits.headerBytesMax,
      headersTimeout: limits.bodyTimeoutMs,
      requestTimeout: limits.bodyTimeoutMs * 2,
      keepAliveTimeout: limits.idleTimeoutMs,
      connectionsCheckingInterval: Math.min(1_000, limits.bodyTimeoutMs),
      requireHostHeader: true,
    };
    this.#server =
      options.tls === undefined
        ? http.createServer(httpOptions)
        : https.createServer({
            ...httpOptions,
            cert: readFileSync(options.tls.certFile),
            key: readFileSync(options.tls.keyFile),
            minVersion: options.tls.minVersion ?? TLS_VERSION_MIN,
            ciphers: tls13And12(),
            honorCipherOrder: true,
            handshakeTimeout: limits.bodyTimeoutMs,
          });
    // node drops headers past this number silently; checkHead counts them instead.
    this.#server.maxHeadersCount = 0;
    this.#server.maxConnections = limits.connectionsMax;
    this.#server.timeout = limits.idleTimeoutMs;
    this.#wire();
  }

  #wire(): void {
    const server = this.#server;
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    server.on('request', (incoming, response) => this.#onHead(incoming, response));
    server.on('checkExpectation', (_incoming, response) => {
      response.writeHead(417, { Connection: 'close' }).end();
    });
    // Upgrades are not offered: the request is answered as if the header were not there.
    server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      this.#onClientError(error, socket as Socket);
    });
  }

  #onHead(incoming: http.IncomingMessage, response: http.ServerResponse): void {
    const request = new NodeRequest(this, incoming, response);
    this.#inFlight++;
    const length =
      incoming.httpVersion === '1.1'
        ? checkHead(request, this.#options.limits)
        : VERSION_NOT_SUPPORTED;
    if (typeof length !== 'number') {
      this.#refuse(request, length);
      return;
    }
    if (!this.#largeBodies.take(request, length)) {
      this.#refuse(request, BUSY);
      return;
    }
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    // An abort: 'close' of the response follows and does what is to do.
    incoming.on('error', () => undefined);
    incoming.on('end', () => {
      request.body = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
      this.#turn.add(request);
    });
  }

  #refuse(request: NodeRequest, refusal: Refusal): void {
    this.#options.onRefused?.(refusal.status);
    request.reply(refusalReply(refusal, randomId()));
  }

  /** The parser or a timeout gave up: one plain answer, then the socket goes. */
  #onClientError(error: NodeJS.ErrnoException, socket: Socket): void {
    const status =
      error.code === 'HPE_HEADER_OVERFLOW'
        ? 431
        : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
          ? 408
          : 400;
    this.#options.onRefused?.(status);
    if (socket.writable && error.code !== 'ECONNRESET' && socket.bytesWritten === 0) {
      socket.end(
        `HTTP/1.1 ${statusLine(status)}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
        () => socket.destroy(),
      );
    } else {
      socket.destroy();
    }
  }

  ended(request: NodeRequest): void {
    this.#inFlight--;
    this.#largeBodies.free(request);
    if (this.#inFlight === 0) this.#onIdle?.();
  }

  listen(): Promise<number> {
    const { host, port } = this.#options;
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        this.#server.off('error', reject);
        resolve((this.#server.address() as AddressInfo).port);
      });
    });
  }

  async close(graceMs: number): Promise<void> {
    this.draining = true;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeIdleConnections();
    if (this.#inFlight > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, graceMs);
        this.#onIdle = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    // One turn more: the last replies are still being written.
    await new Promise((resolve) => setImmediate(resolve));
    for (const socket of this.#sockets) socket.destroySoon();
    await new Promise((resolve) => setImmediate(resolve));
    this.#server.closeAllConnections();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  connections(): number {
    return this.#sockets.size;
  }
}

/** node's `ciphers` replaces the TLS 1.3 suites too: they are named again. */
function tls13And12(): string {
  const tls13 = [
    'TLS_AES_128_GCM_SHA256',
    'TLS_AES_256_GCM_SHA384',
    'TLS_CHACHA20_POLY1305_SHA256',
  ];
  return [...tls13, TLS12_CIPHERS].join(':');
}
