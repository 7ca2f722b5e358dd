/**
 * The hot path of authentication: requests that look like one that was authenticated before.
 *
 * A client's Authorization header is the same all day up to the signature, and so is the order of
 * its header lines. For each such prefix we keep what reading it gave (the terms) and where in
 * the head each signed header stood (the layout). A request with a known prefix and the very same
 * header names needs no parsing: its canonical request is put together from the values alone.
 * Whatever differs in any way (and whatever is wrong) falls back to readSignedRequest, which
 * alone decides on refusals. Only prefixes whose signature was right are kept, so strangers can
 * neither fill this cache nor make it forget.
 */
import { parseAmzDate } from './amz-date.js';
import { BoundedMap } from './bounded-map.js';
import { isAscii, isUntidy } from './canonical-request.js';
import type { RequestHead } from './port.js';
import { isNear, type SignedRequest, type SignedTerms } from './signed-request.js';

/** Ours: prefixes of one generation; one per access key, day, region and kind of client. */
const PREFIXES_MAX = 2_048;
/** Ours: longest prefix that is kept, characters; SDKs send about 250. */
const PREFIX_CHARS_MAX = 1_024;
const SIGNATURE_CHARS = 64;
const NAME = 'Signature=';

interface Known {
  readonly terms: SignedTerms;
  /** Names of all header lines, in order. */
  readonly names: readonly string[];
  /** Per signed header: its line, and its name with what stands before and after it. */
  readonly lines: readonly number[];
  readonly labels: readonly string[];
  /** What follows the last value. */
  readonly closing: string;
  /** Lines of these headers; -1 = absent. */
  readonly date: number;
  readonly securityToken: number;
  readonly contentSha256: number;
}

export class KnownRequests {
  readonly #known = new BoundedMap<Known>(PREFIXES_MAX);
  /** Requests of one second share their date: it is read once. */
  #amzDate = '';
  #time = Number.NaN;

  /** The request as readSignedRequest would read it; undefined = read it with that. */
  read(head: RequestHead, now: number): SignedRequest | undefined {
    if (head.method !== 'POST' || head.path !== '/' || head.query !== '') return undefined;
    const authorization = head.header('authorization');
    const cut = authorization.length - SIGNATURE_CHARS;
    if (cut <= 0 || cut > PREFIX_CHARS_MAX || !isAscii(authorization)) return undefined;
    const known = this.#known.get(authorization.slice(0, cut));
    if (known === undefined) return undefined;
    const { names, values } = head.lines;
    if (!isSame(names, known.names)) return undefined;
    const amzDate = values[known.date] ?? '';
    if (!amzDate.startsWith(known.terms.date) || !isNear(this.#timeOf(amzDate), now)) {
      return undefined;
    }
    const canonical = canonicalOf(known, values);
    if (canonical === undefined) return undefined;
    return {
      terms: known.terms,
      signature: authorization.slice(cut),
      amzDate,
      canonical,
      securityToken: known.securityToken === -1 ? undefined : values[known.securityToken],
      contentSha256: known.contentSha256 === -1 ? undefined : values[known.contentSha256],
    };
  }

  /** Keeps a request whose signature was right, where it is of the usual form. */
  remember(head: RequestHead, request: SignedRequest): void {
    const authorization = head.header('authorization');
    const cut = authorization.length - SIGNATURE_CHARS;
    const prefix = authorization.slice(0, cut);
    const { terms } = request;
    const { names } = head.lines;
    if (cut > PREFIX_CHARS_MAX || !prefix.endsWith(NAME)) return;
    if (authorization.slice(cut) !== request.signature) return;
    const lines = terms.signedNames.map((name) => names.indexOf(name));
    // A header that comes twice is joined by the slow path only.
    if (terms.signedNames.some((name, i) => names.lastIndexOf(name) !== lines[i])) return;
    const amzDate = names.indexOf('x-amz-date');
    this.#known.set(prefix, {
      terms,
      names: [...names],
      lines,
      labels: terms.signedNames.map((name, i) => `${i === 0 ? 'POST\n/\n\n' : '\n'}${name}:`),
      closing: `\n\n${terms.signedNames.join(';')}\n`,
      date: amzDate === -1 ? names.indexOf('date') : amzDate,
      securityToken: names.indexOf('x-amz-security-token'),
      contentSha256: names.indexOf('x-amz-content-sha256'),
    });
  }

  #timeOf(amzDate: string): number {
    if (amzDate !== this.#amzDate) {
      this.#amzDate = amzDate;
      this.#time = parseAmzDate(amzDate);
    }
    return this.#time;
  }
}

function isSame(names: readonly string[], others: readonly string[]): boolean {
  if (names.length !== others.length) return false;
  for (let i = 0; i < names.length; i++) {
    if (names[i] !== others[i]) return false;
  }
  return true;
}

/** Undefined where a value is not in its canonical form as it stands. */
function canonicalOf(known: Known, values: readonly string[]): string | undefined {
  const { lines, labels } = known;
  let text = '';
  for (let i = 0; i < lines.length; i++) {
    const value = values[lines[i] ?? -1] ?? '';
    if (isUntidy(value)) return undefined;
    text += labels[i];
    text += value;
  }
  text += known.closing;
  return isAscii(text) ? text : undefined;
}
