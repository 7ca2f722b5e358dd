/**
 * The uWebSockets.js transport. Why this package, and what its parser was seen to do with
 * malformed requests: docs/adr/0001-uwebsockets-package.md.
 *
 * A uWS response object is dead once its socket is closed: every use is guarded by `#state`.
 * uWS itself closes a connection 10 s after its last reply (or its start) when no complete head
 * came, whatever trickles in, so a slow head cannot hold one; its idle timeout is fixed, and
 * `idleTimeoutMs` is therefore not more than an upper bound here.
 */

import type {
  TemplatedApp,
  HttpRequest as UwsHead,
  HttpResponse as UwsResponse,
  us_listen_socket,
} from 'uWebSockets.js';
import uWS from 'uWebSockets.js';
import { randomId } from '../../core/random-ids.js';
import { CONTENT_TYPE } from '../../protocol/codec.js';
import type { HttpReply, HttpRequest, Transport, TransportOptions } from '../transport.js';
import {
  BaseRequest,
  BUSY,
  checkHead,
  HeaderLines,
  layoutOf,
  type Refusal,
  refusalReply,
  TIMED_OUT,
} from './head.js';
import { LargeBodies } from './large-bodies.js';
import { PeerAddresses } from './peer-address.js';
import { statusLine } from './status-line.js';
import { TLS12_CIPHERS } from './tls.js';
import { Turn } from './turn.js';

const EMPTY = Buffer.alloc(0);
/** Characters of a request id, a UUID. */
const ID_CHARS = 36;
/** How often slow bodies are looked for, milliseconds. */
const SWEEP_MS = 500;
/** Bodies up to this length are written from one buffer that is used again and again. */
const REPLY_BYTES = 8_192;

export function createUwsTransport(options: TransportOptions): Transport {
  return new UwsTransport(options);
}

// Its members are plain ones: one is made per request, and V8 defines `#` names one by one.
class UwsRequest extends BaseRequest implements HttpRequest {
  body: Buffer = EMPTY;
  received = 0;
  deadline = 0;
  readonly remoteAddress: string;
  private readonly transport: UwsTransport;
  private readonly response: UwsResponse;
  private state: 'open' | 'replied' | 'aborted' = 'open';

  constructor(
    transport: UwsTransport,
    response: UwsResponse,
    method: string,
    path: string,
    query: string,
    lines: HeaderLines,
  ) {
    super(method, path, query, lines, transport.tls);
    this.transport = transport;
    this.response = response;
    this.remoteAddress = transport.peers.of(response);
    response.onAborted(() => this.abort());
  }

  aborted(): boolean {
    return this.state === 'aborted';
  }

  /** False after a reply or an abort; the rest of a refused body may still come. */
  open(): boolean {
    return this.state === 'open';
  }

  private abort(): void {
    if (this.state === 'open') this.transport.ended(this);
    this.state = 'aborted';
  }

  reply(reply: HttpReply): void {
    if (this.state !== 'open') return;
    this.state = 'replied';
    this.transport.ended(this);
    const close = reply.close === true || this.transport.draining;
    replies.write(this.response, reply, close);
  }
}

/**
 * Writes replies. uWS takes bytes as they are, while it converts each string; so what is the same
 * in all replies stands here as bytes, and both headers go in one call: the value of the first ends
 * with the whole second one.
 */
class ReplyWriter {
  readonly #name = Buffer.from('Content-Type', 'latin1');
  readonly #value = Buffer.from(`${CONTENT_TYPE}\r\nx-amzn-RequestId: ${' '.repeat(ID_CHARS)}`);
  readonly #idAt = this.#value.length - ID_CHARS;
  readonly #slab = Buffer.allocUnsafeSlow(REPLY_BYTES);
  /** By length: the front of the slab. Replies of one kind have few lengths. */
  readonly #fronts = new Array<Uint8Array | undefined>(REPLY_BYTES + 1).fill(undefined);
  #response!: UwsResponse;
  #reply!: HttpReply;
  #close = false;

  write(response: UwsResponse, reply: HttpReply, close: boolean): void {
    this.#response = response;
    this.#reply = reply;
    this.#close = close;
    response.cork(this.#corked);
  }

  /** One function for all: uWS calls it before `cork` returns. */
  readonly #corked = (): void => {
    const response = this.#response;
    const { status, requestId, body, contentType = CONTENT_TYPE } = this.#reply;
    if (status !== 200) response.writeStatus(statusLine(status));
    if (contentType === CONTENT_TYPE && requestId.length === ID_CHARS) {
      this.#value.write(requestId, this.#idAt, ID_CHARS, 'latin1');
      response.writeHeader(this.#name, this.#value);
    } else {
      response.writeHeader('Content-Type', contentType);
      response.writeHeader('x-amzn-RequestId', requestId);
    }
    // uWS adds `Connection: close` by itself where it is to close.
    response.end(body.length > REPLY_BYTES ? body : this.#bytes(body), this.#close);
  };

  /** Good until the next reply: uWS has copied or sent it by then. */
  #bytes(body: string): Uint8Array {
    const { length } = body;
    this.#slab.write(body, 0, length, 'latin1');
    this.#fronts[length] ??= this.#slab.subarray(0, length);
    return this.#fronts[length];
  }
}

const replies = new ReplyWriter();

class UwsTransport implements Transport {
  readonly kind = 'uws';
  readonly tls: boolean;
  draining = false;
  readonly peers = new PeerAddresses();
  readonly #options: TransportOptions;
  readonly #app: TemplatedApp;
  readonly #turn: Turn;
  #listenSocket: us_listen_socket | undefined;
  #inFlight = 0;
  #onIdle: (() => void) | undefined;
  /** Requests whose body did not come with their head. */
  readonly #slow = new Set<UwsRequest>();
  readonly #largeBodies = new LargeBodies();
  #sweeper: NodeJS.Timeout | undefined;
  /** The lines of the head that is being read; what lies past #lineCount is of others. */
  readonly #names: string[] = [];
  readonly #values: string[] = [];
  #lineCount = 0;

  constructor(options: TransportOptions) {
    if (options.tls?.minVersion === 'TLSv1.3') {
      throw new Error('uWebSockets.js cannot refuse TLS 1.2: use node-http');
    }
    this.#options = options;
    this.tls = options.tls !== undefined;
    this.#turn = new Turn(options.onRequest);
    this.#app =
      options.tls === undefined
        ? uWS.App()
        : uWS.SSLApp({
            key_file_name: options.tls.keyFile,
            cert_file_name: options.tls.certFile,
            ssl_ciphers: TLS12_CIPHERS,
          });
    this.#app.filter((response, count) => this.#onConnection(response, Number(count)));
    this.#app.post('/', (response, head) => this.#onHead(response, head, 'POST', '/'));
    this.#app.any('/*', (response, head) =>
      this.#onHead(response, head, head.getCaseSensitiveMethod(), head.getUrl()),
    );
  }

  #onConnection(response: UwsResponse, count: number): void {
    // Positive when a connection opens, negative when it closes.
    if (count < 0) {
      this.peers.closed();
      return;
    }
    this.peers.opened(response);
    if (this.connections() > this.#options.limits.connectionsMax || this.draining) response.close();
  }

  readonly #onHeader = (name: string, value: string): void => {
    this.#names[this.#lineCount] = name;
    this.#values[this.#lineCount] = value;
    this.#lineCount++;
  };

  #onHead(response: UwsResponse, head: UwsHead, method: string, path: string): void {
    this.#lineCount = 0;
    head.forEach(this.#onHeader);
    const layout = layoutOf(this.#names, this.#lineCount);
    const lines = new HeaderLines(layout, this.#values.slice(0, this.#lineCount));
    // Typed as always there; undefined where the target has no '?'.
    const query = head.getQuery() ?? '';
    const request = new UwsRequest(this, response, method, path, query, lines);
    this.#inFlight++;
    const check = checkHead(request, this.#options.limits);
    if (typeof check !== 'number') {
      this.#refuse(request, check);
      return;
    }
    if (!this.#largeBodies.take(request, check)) {
      this.#refuse(request, BUSY);
      return;
    }
    response.onData((chunk, isLast) => this.#onData(request, check, chunk, isLast));
  }

  #onData(request: UwsRequest, length: number, chunk: ArrayBuffer, isLast: boolean): void {
    if (!request.open()) return;
    if (chunk.byteLength > 0) {
      if (request.received === 0) request.body = Buffer.allocUnsafe(length);
      // The chunk is dead after this callback: copied, always.
      request.body.set(new Uint8Array(chunk), request.received);
      request.received += chunk.byteLength;
    }
    if (isLast) {
      if (request.deadline !== 0) this.#slow.delete(request);
      this.#turn.add(request);
    } else if (request.deadline === 0) {
      request.deadline = performance.now() + this.#options.limits.bodyTimeoutMs;
      this.#slow.add(request);
      this.#sweeper ??= setInterval(() => this.#sweep(), SWEEP_MS).unref();
    }
  }

  #sweep(): void {
    const now = performance.now();
    for (const request of this.#slow) {
      if (request.deadline <= now) this.#refuse(request, TIMED_OUT);
    }
    if (this.#slow.size === 0) {
      clearInterval(this.#sweeper);
      this.#sweeper = undefined;
    }
  }

  #refuse(request: UwsRequest, refusal: Refusal): void {
    this.#options.onRefused?.(refusal.status);
    request.reply(refusalReply(refusal, randomId()));
  }

  /** A request got its reply or lost its client. */
  ended(request: UwsRequest): void {
    this.#inFlight--;
    this.#largeBodies.free(request);
    if (request.deadline !== 0) this.#slow.delete(request);
    if (this.#inFlight === 0) this.#onIdle?.();
  }

  listen(): Promise<number> {
    const { host, port } = this.#options;
    return new Promise((resolve, reject) => {
      this.#app.listen(host, port, (socket) => {
        if (socket === false) {
          reject(new Error(`cannot listen on ${host}:${port}`));
          return;
        }
        this.#listenSocket = socket;
        resolve(uWS.us_socket_local_port(socket));
      });
    });
  }

  async close(graceMs: number): Promise<void> {
    this.draining = true;
    if (this.#listenSocket !== undefined) uWS.us_listen_socket_close(this.#listenSocket);
    this.#listenSocket = undefined;
    if (this.#inFlight > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, graceMs);
        this.#onIdle = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    clearInterval(this.#sweeper);
    // One turn more: the last replies are still being written.
    await new Promise((resolve) => setImmediate(resolve));
    this.#app.close();
  }

  connections(): number {
    return this.peers.open();
  }
}
