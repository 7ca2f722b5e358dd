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
export const BUSY: Refusal = Object.freeze({ status: 503, code: 'ServiceUnavailable' });
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

/**
 * The names of a head's lines, in lower case and in their order, and what they say by themselves.
 * Clients send the same names request after request: what follows from them is found once.
 */
export class HeadLayout {
  readonly names: readonly string[];
  /** Characters of the names, with the four that each line has besides. */
  readonly size: number;
  /**
   * The line of the one Content-Length of a head that also has one Host and no Transfer-Encoding;
   * ABSENT in any other head.
   */
  readonly length: number;
  /** Exactly one. */
  readonly hasHost: boolean;
  /** Lines that every request is asked for; ABSENT or SEVERAL as `place` says. */
  readonly authorization: number;
  readonly target: number;
  readonly userAgent: number;
  /** Where a name stands; SEVERAL where it stands more than once. */
  readonly #places = new Map<string, number>();

  constructor(names: readonly string[]) {
    this.names = Object.freeze(names);
    let size = 0;
    for (const [i, name] of names.entries()) {
      size += name.length + LINE_CHARS;
      this.#places.set(name, this.#places.has(name) ? SEVERAL : i);
    }
    this.size = size;
    this.hasHost = this.place('host') >= 0;
    const plain = this.hasHost && this.place('transfer-encoding') === ABSENT;
    this.authorization = this.place('authorization');
    this.target = this.place('x-amz-target');
    this.userAgent = this.place('user-agent');
    this.length = plain ? Math.max(ABSENT, this.place('content-length')) : ABSENT;
  }

  /** The line of the header, ABSENT, or SEVERAL. */
  place(name: string): number {
    return this.#places.get(name) ?? ABSENT;
  }
}

const ABSENT = -1;
const SEVERAL = -2;
/** Colon, space, CR and LF. */
const LINE_CHARS = 4;
/** Ours: layouts kept, a power of two, and the most lines of one that is. */
const LAYOUTS = 64;
const LAYOUT_LINES_MAX = 64;
const layouts = new Array<HeadLayout | undefined>(LAYOUTS).fill(undefined);

/** The layout with the first `count` of `names`. */
export function layoutOf(names: readonly string[], count: number): HeadLayout {
  let chars = 0;
  for (let i = 0; i < count; i++) chars += names[i]!.length;
  const place = (chars + 13 * count) & (LAYOUTS - 1);
  const kept = layouts[place];
  if (kept !== undefined && hasNames(kept, names, count)) return kept;
  const layout = new HeadLayout(names.slice(0, count));
  if (count <= LAYOUT_LINES_MAX) layouts[place] = layout;
  return layout;
}

function hasNames(layout: HeadLayout, names: readonly string[], count: number): boolean {
  if (layout.names.length !== count) return false;
  for (let i = 0; i < count; i++) {
    if (layout.names[i] !== names[i]) return false;
  }
  return true;
}

/** The header lines of one request. */
export class HeaderLines {
  readonly names: readonly string[];
  readonly values: readonly string[];
  readonly layout: HeadLayout;

  constructor(layout: HeadLayout, values: readonly string[]) {
    this.layout = layout;
    this.names = layout.names;
    this.values = values;
  }

  #place(name: string): number {
    // Literals of the source are one string each: comparing them costs less than a map.
    if (name === 'authorization') return this.layout.authorization;
    if (name === 'x-amz-target') return this.layout.target;
    return name === 'user-agent' ? this.layout.userAgent : this.layout.place(name);
  }

  /** Value of the header, '' when absent; several lines joined with ','. */
  get(name: string): string {
    const place = this.#place(name);
    if (place >= 0) return this.values[place]!;
    if (place === ABSENT) return '';
    return this.values.filter((_, i) => this.names[i] === name).join(',');
  }
}

/** Outcome of checkHead: the announced length of the body in bytes, or why it is refused. */
export type HeadCheck = number | Refusal;

const DIGITS = /^[0-9]{1,15}$/;
const METHOD = /^[A-Z]{1,16}$/;

/** Checks a head against the limits; see the file header. */
export function checkHead(head: BaseRequest, limits: TransportLimits): HeadCheck {
  const { layout, values } = head.lines;
  const isPost = head.method === 'POST';
  if (!isPost && !METHOD.test(head.method)) return BAD;
  if (values.length > limits.headersMax) return HEAD_TOO_LARGE;
  if (layout.length === ABSENT) {
    const refusal = refusalByNames(head.lines);
    if (refusal !== undefined) return refusal;
  } else if (!DIGITS.test(values[layout.length]!)) {
    return BAD;
  }
  let size = head.path.length + head.query.length + layout.size;
  for (let i = 0; i < values.length; i++) size += values[i]!.length;
  if (size > limits.headerBytesMax) return HEAD_TOO_LARGE;
  if (!layout.hasHost) return BAD;
  if (layout.length === ABSENT) return isPost ? LENGTH_REQUIRED : 0;
  const length = Number(values[layout.length]);
  return length > limits.bodyBytesMax ? BODY_TOO_LARGE : length;
}

/** The first line that decides how the body ends otherwise than by one good Content-Length. */
function refusalByNames({ names, values }: HeaderLines): Refusal | undefined {
  let lengths = 0;
  for (const [i, name] of names.entries()) {
    if (name === 'content-length' && (lengths++ > 0 || !DIGITS.test(values[i]!))) return BAD;
    if (name === 'transfer-encoding') return LENGTH_REQUIRED;
  }
  return undefined;
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
