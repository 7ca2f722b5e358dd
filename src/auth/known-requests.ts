/**
 * The hot path of authentication: requests that look like one that was authenticated before.
 *
 * A client's Authorization header is the same all day up to the signature, and so is the order of
 * its header lines. For each such prefix we keep what reading it gave (the terms) and where in
 * the head each signed header stood (the layout). A request with a known prefix and the very same
 * header names needs no parsing: its canonical request is put together from the values alone, or
 * is that of a former request whose signed values were the same (a client's calls of one operation
 * within a second).
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
/** Ours: prefixes found lately, a power of two. */
const RECENT = 64;
/** Where an access key id of AWS's form ends in the header. */
const KEY_ID_END = 'AWS4-HMAC-SHA256 Credential=AKIA................'.length - 1;
/** Ours: former requests kept of one prefix, a power of two, and the longest in characters. */
const FORMERS = 8;
const FORMER_CHARS_MAX = 4_096;
const NAME = 'Signature=';

/** A former request: its signed values, and what follows from them alone. */
interface Former {
  readonly values: readonly string[];
  readonly canonical: Buffer;
  readonly dates: string;
}

interface Known {
  readonly prefix: string;
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
  /** By the length of the last signed value, which mostly is that of x-amz-target. */
  readonly formers: (Former | undefined)[];
}

export class KnownRequests {
  readonly #known = new BoundedMap<Known>(PREFIXES_MAX);
  readonly #recent = new Array<Known | undefined>(RECENT).fill(undefined);
  /** Requests of one second share their date: it is read once. */
  #amzDate = '';
  #time = Number.NaN;

  /** The request as readSignedRequest would read it; undefined = read it with that. */
  read(head: RequestHead, now: number): SignedRequest | undefined {
    if (head.method !== 'POST' || head.path !== '/' || head.query !== '') return undefined;
    const authorization = head.header('authorization');
    const cut = authorization.length - SIGNATURE_CHARS;
    if (cut <= 0 || cut > PREFIX_CHARS_MAX || !isAscii(authorization)) return undefined;
    const known = this.#find(head, authorization, cut);
    if (known === undefined) return undefined;
    const { names, values } = head.lines;
    if (!isSame(names, known.names)) return undefined;
    const amzDate = values[known.date] ?? '';
    if (!isNear(this.#timeOf(amzDate), now)) return undefined;
    const signed = signedPart(known, values, amzDate);
    if (signed === undefined) return undefined;
    return {
      terms: known.terms,
      signature: authorization.slice(cut),
      dates: signed.dates,
      canonical: signed.canonical,
      securityToken: known.securityToken === -1 ? undefined : values[known.securityToken],
      contentSha256: known.contentSha256 === -1 ? undefined : values[known.contentSha256],
    };
  }

  /** Comparing with the prefix that stood at the same place costs less than hashing a new one. */
  #find(head: RequestHead, authorization: string, cut: number): Known | undefined {
    const place = placeOf(head, authorization, cut);
    const recent = this.#recent[place];
    // String.startsWith compares one by one, and takes twenty times as long.
    const prefix = authorization.slice(0, cut);
    if (recent?.prefix === prefix) return recent;
    const known = this.#known.get(prefix);
    if (known !== undefined) this.#recent[place] = known;
    return known;
  }

  /** Keeps a request whose signature was right, where it is of the usual form. */
  remember(head: RequestHead, request: SignedRequest): void {
    const authorization = head.header('authorization');
    const cut = authorization.length - SIGNATURE_CHARS;
    const prefix = authorization.slice(0, cut);
    const { terms } = request;
    const { names } = head.lines;
    if (cut > PREFIX_CHARS_MAX || !prefix.endsWith(NAME) || !isAscii(prefix)) return;
    if (authorization.slice(cut) !== request.signature) return;
    const lines = terms.signedNames.map((name) => names.indexOf(name));
    // A header that comes twice is joined by the slow path only.
    if (terms.signedNames.some((name, i) => names.lastIndexOf(name) !== lines[i])) return;
    const amzDate = names.indexOf('x-amz-date');
    const known: Known = {
      prefix,
      terms,
      names: Object.isFrozen(names) ? names : [...names],
      lines,
      labels: terms.signedNames.map((name, i) => `${i === 0 ? 'POST\n/\n\n' : '\n'}${name}:`),
      closing: `\n\n${terms.signedNames.join(';')}\n`,
      date: amzDate === -1 ? names.indexOf('date') : amzDate,
      securityToken: names.indexOf('x-amz-security-token'),
      contentSha256: names.indexOf('x-amz-content-sha256'),
      formers: new Array<Former | undefined>(FORMERS).fill(undefined),
    };
    this.#known.set(prefix, known);
    this.#recent[placeOf(head, authorization, cut)] = known;
  }

  #timeOf(amzDate: string): number {
    if (amzDate !== this.#amzDate) {
      this.#amzDate = amzDate;
      this.#time = parseAmzDate(amzDate);
    }
    return this.#time;
  }
}

/** Clients that share an access key mostly differ in the number of their header lines. */
function placeOf(head: RequestHead, authorization: string, cut: number): number {
  const { length } = head.lines.names;
  return (authorization.charCodeAt(KEY_ID_END) + cut + 7 * length) & (RECENT - 1);
}

function isSame(names: readonly string[], others: readonly string[]): boolean {
  if (names === others) return true;
  if (names.length !== others.length) return false;
  for (let i = 0; i < names.length; i++) {
    if (names[i] !== others[i]) return false;
  }
  return true;
}

/**
 * What the signed values give; undefined where the date is not that of the scope, or a value not in
 * its canonical form as it stands.
 */
function signedPart(known: Known, values: readonly string[], amzDate: string): Former | undefined {
  const { lines, formers } = known;
  const place = (values[lines.at(-1) ?? -1]?.length ?? 0) & (FORMERS - 1);
  const former = formers[place];
  if (former !== undefined && isFormer(former, lines, values)) return former;
  if (!amzDate.startsWith(known.terms.date)) return undefined;
  const text = canonicalOf(known, values);
  if (text === undefined) return undefined;
  const fresh: Former = {
    values: lines.map((line) => values[line] ?? ''),
    canonical: Buffer.from(text, 'latin1'),
    dates: `${amzDate}\n${known.terms.scope}\n`,
  };
  if (text.length <= FORMER_CHARS_MAX) formers[place] = fresh;
  return fresh;
}

function isFormer(former: Former, lines: readonly number[], values: readonly string[]): boolean {
  for (let i = 0; i < lines.length; i++) {
    if (values[lines[i]!] !== former.values[i]) return false;
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
