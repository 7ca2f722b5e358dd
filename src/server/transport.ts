/**
 * The transport port: HTTP in, HTTP out, bounded in every dimension. Two adapters: uws, node-http.
 *
 * A transport hands over complete requests only (head and body read, limits checked). Requests
 * that become complete in one turn of the event loop are handed over together, from one
 * setImmediate callback, so that their cryptography shares frames and their audit records one write.
 */
import type { RequestHead } from '../auth/port.js';

export interface HttpReply {
  readonly status: number;
  readonly requestId: string;
  /** ASCII alone; '' = Content-Length 0. */
  readonly body: string;
  /** Set where it is not application/x-amz-json-1.1. */
  readonly contentType?: string;
  /** Ask the client to close the connection after this reply. */
  readonly close?: boolean;
}

export interface HttpRequest extends RequestHead {
  readonly body: Uint8Array;
  readonly remoteAddress: string;
  readonly tls: boolean;
  /** True once the client is gone: work may be skipped, replies are dropped. */
  aborted(): boolean;
  /** Sends the reply; at most once; safe after an abort. Replies of one turn are corked together. */
  reply(reply: HttpReply): void;
}

export interface TransportLimits {
  readonly bodyBytesMax: number;
  readonly headerBytesMax: number;
  readonly headersMax: number;
  readonly connectionsMax: number;
  readonly idleTimeoutMs: number;
  readonly bodyTimeoutMs: number;
}

export interface TlsOptions {
  /** PEM. */
  readonly certFile: string;
  readonly keyFile: string;
  /** TLSv1.2 unless given; uWebSockets.js knows no other and refuses TLSv1.3 alone. */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
}

export interface TransportOptions {
  readonly host: string;
  readonly port: number;
  readonly tls?: TlsOptions | undefined;
  readonly limits: TransportLimits;
  readonly onRequest: (request: HttpRequest) => void;
  /** A request that the transport refused by itself, with the status it answered. For metrics. */
  readonly onRefused?: (status: number) => void;
}

export interface Transport {
  readonly kind: 'uws' | 'node-http';
  /** Resolves to the bound port. Rejects when the address is taken. */
  listen(): Promise<number>;
  /** Stops accepting; resolves when all replies are out or `graceMs` passed. */
  close(graceMs: number): Promise<void>;
  connections(): number;
}
