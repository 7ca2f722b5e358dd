/**
 * What both transports check of a request's head, and the head as authentication reads it.
 *
 * Stricter than RFC 9112 where leniency is what request smuggling lives on: one Content-Length in
 * digits, one Host, no Transfer-Encoding at all (section 6.3 lets a server ask for a length: AWS
 * SDKs always send one).
 */
import type { RequestHead } from '../../auth/port.js';
import type { ErrorCode } from '../../core/errors.js';
import { CONTENT_TYPE } from '../../protocol/codec.js';
import { errorBody } from '../../protocol/error-wire.js';
import type { HttpReply, TransportLimits } from '../transport.js';

/** A refusal by the transport itself: no request is handed over, the connection closes. */
export interface Refusal {
  readonly status: number;
  readonly code: ErrorCode;
}

const BAD: Refusal = Object.freeze({ status: 400, code: 'SerializationException' });
const LENGTH_REQUIRED: Refusal = Object.freeze({ status: 411, code: 'SerializationException' });
const HEAD_TOO_LARGE: Refusal = Object.freeze({
  status: 431,
  code: 'RequestEntityTooLargeException',
});
const BODY_TOO_LARGE: Refusal = Object.freeze({
  status: 413,
  code: 'RequestEntityTooLargeException',
});
export const VERSION_NOT_SUPPORTED: Refusal = Object.freeze({
  status: 505,
  code: 'SerializationException',
});
export const TIMED_OUT: Refusal = Object.freeze({ status: 408, code: 'RequestTimeoutException' });

/** The reply of a refusal; `requestId` as for every other reply. */
export function refusalReply(refusal: Refusal, requestId: string): HttpReply {
  return {
    status: refusal.status,
    requestId,
    body: errorBody(refusal.code, ''),
    contentType: CONTENT_TYPE,
    close: true,
  };
}

/** The header lines of one request, names in lower case, in their order. */
export class HeaderLines {
  readonly names: string[] = [];
  readonly values: string[] = [];

  /** Value of the header, '' when absent; several lines joined with ','. */
  get(name: string): string {
    const { names, values } = this;
    let found = '';
    let lines = 0;
    for (let i = 0; i < names.length; i++) {
      if (names[i] === name) found = lines++ === 0 ? values[i]! : `${found},${values[i]!}`;
    }
    return found;
  }
}

/** Outcome of checkHead: the announced length of the body in bytes, or why it is refused. */
export type HeadCheck = number | Refusal;

const DIGITS = /^[0-9]{1,15}$/;
const METHOD = /^[A-Z]{1,16}$/;

/** Checks a head against the limits; see the file header. */
export function checkHead(head: BaseRequest, limits: TransportLimits): HeadCheck {
  const { names, values } = head.lines;
  const isPost = head.method === 'POST';
  if (!isPost && !METHOD.test(head.method)) return BAD;
  if (names.length > limits.headersMax) return HEAD_TOO_LARGE;
  let size = head.path.length + head.query.length;
  let length = -1;
  let hosts = 0;
  for (let i = 0; i < names.length; i++) {
    const name = names[i]!;
    const value = values[i]!;
    size += name.length + value.length + 4;
    // Lengths first: most names are told apart without a comparison.
    if (name.length === 14 && name === 'content-length') {
      if (length !== -1 || !DIGITS.test(value)) return BAD;
      length = Number(value);
    } else if (name.length === 17 && name === 'transfer-encoding') {
      return LENGTH_REQUIRED;
    } else if (name.length === 4 && name === 'host') {
      hosts++;
    }
  }
  if (size > limits.headerBytesMax) return HEAD_TOO_LARGE;
  if (hosts !== 1) return BAD;
  if (length === -1) return isPost ? LENGTH_REQUIRED : 0;
  return length > limits.bodyBytesMax ? BODY_TOO_LARGE : length;
}

/** The parts of a request that both adapters keep. */
export abstract class BaseRequest implements RequestHead {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly tls: boolean;
  readonly lines: HeaderLines;

  constructor(method: string, path: string, query: string, lines: HeaderLines, tls: boolean) {
    this.method = method;
    this.path = path;
    this.query = query;
    this.lines = lines;
    this.tls = tls;
  }

  header(name: string): string {
    return this.lines.get(name);
  }
}
