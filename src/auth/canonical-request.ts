/**
 * The canonical request of AWS Signature Version 4, without its last line (the payload hash).
 *
 *   method "\n" path "\n" query "\n" (name ":" value "\n")* "\n" signedHeaders "\n"
 *
 * Source: AWS IAM User Guide, "Create a signed AWS API request", step 1. The path is that of
 * every service but S3: dot segments and empty segments removed, then encoded once more.
 */
import type { HeaderLinesView, RequestHead } from './port.js';

const UNRESERVED = /^[A-Za-z0-9\-._~]$/;

/** Percent-encodes all bytes of the UTF-8 form but the unreserved ones (RFC 3986), in capitals. */
export function uriEncode(text: string): string {
  let encoded = '';
  for (const byte of Buffer.from(text, 'utf8')) {
    const char = String.fromCharCode(byte);
    encoded += UNRESERVED.test(char)
      ? char
      : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return encoded;
}

/** The canonical form of a request's path. */
export function canonicalPath(path: string): string {
  if (path === '/') return path;
  const kept: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') kept.pop();
    else if (segment !== '' && segment !== '.') kept.push(uriEncode(segment));
  }
  // As signers do: a last dot segment leaves no slash.
  return `/${kept.join('/')}${kept.length > 0 && path.endsWith('/') ? '/' : ''}`;
}

const BAD_ESCAPE = /%(?![0-9A-Fa-f]{2})/;

/** Decodes %XX to bytes; undefined where an escape is malformed or the bytes are not UTF-8. */
function percentDecode(text: string): string | undefined {
  if (BAD_ESCAPE.test(text)) return undefined;
  try {
    return decodeURIComponent(text);
  } catch {
    // A URIError: %XX that spell no UTF-8. The caller refuses.
    return undefined;
  }
}

/** The canonical form of a query without its '?'; undefined where it is malformed. */
export function canonicalQuery(query: string): string | undefined {
  if (query === '') return '';
  const pairs: [name: string, value: string][] = [];
  for (const pair of query.split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = percentDecode(equals === -1 ? pair : pair.slice(0, equals));
    const value = percentDecode(equals === -1 ? '' : pair.slice(equals + 1));
    if (name === undefined || value === undefined) return undefined;
    pairs.push([uriEncode(name), uriEncode(value)]);
  }
  pairs.sort(([a, x], [b, y]) => order(a, b) || order(x, y));
  return pairs.map(([name, value]) => `${name}=${value}`).join('&');
}

/** Order by code points; the strings are ASCII. */
function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** A header's value with the space around it removed and each inner run of space made one. */
function canonicalValue(value: string): string {
  return value.replace(/[ \t]+/g, ' ').replace(/^ | $/g, '');
}

const UNTIDY = /[\t\n\r]|^ | $| {2}/;

/** True where the value is not in its canonical form as it stands, or breaks a line. */
export function isUntidy(value: string): boolean {
  return UNTIDY.test(value);
}

/** True where all characters are ASCII; one pass in native code. */
export function isAscii(text: string): boolean {
  return Buffer.byteLength(text, 'utf8') === text.length;
}

/**
 * The lines of the signed headers, each with its newline; undefined where one of them is not in
 * the request or where a value breaks a line. Repeated headers are joined with ','.
 */
export function canonicalHeaders(
  lines: HeaderLinesView,
  signedNames: readonly string[],
): string | undefined {
  const values = new Map<string, string>();
  for (const [i, name] of lines.names.entries()) {
    const value = canonicalValue(lines.values[i] ?? '');
    const before = values.get(name);
    values.set(name, before === undefined ? value : `${before},${value}`);
  }
  let text = '';
  for (const name of signedNames) {
    const value = values.get(name);
    if (value === undefined || /[\n\r]/.test(value)) return undefined;
    text += `${name}:${value}\n`;
  }
  return text;
}

const METHOD = /^[!-~]+$/;

/** The canonical request up to the payload hash; undefined where the request has none. */
export function canonicalRequest(
  head: RequestHead,
  signedNames: readonly string[],
): string | undefined {
  const query = canonicalQuery(head.query);
  const headers = canonicalHeaders(head.lines, signedNames);
  if (query === undefined || headers === undefined || !METHOD.test(head.method)) return undefined;
  const text = `${head.method}\n${canonicalPath(head.path)}\n${query}\n${headers}\n${signedNames.join(';')}\n`;
  return isAscii(text) ? text : undefined;
}
