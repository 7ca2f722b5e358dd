/**
 * From a request's head to what the signature check needs. Every rule that does not need the
 * secret is applied here, in the order in which AWS services were seen to apply them: parameters,
 * date, signed headers, algorithm, credential, scope.
 */

import { KmsError } from '../core/errors.js';
import { HEADERS_MAX } from '../core/limits.js';
import { CLOCK_SKEW_MS_MAX, formatAmzDate, parseAmzDate, parseDateHeader } from './amz-date.js';
import {
  type CredentialScope,
  isAccessKeyId,
  isAwsAuthorization,
  isRegion,
  parseAuthorization,
  parseCredential,
  quoted,
  requireAlgorithm,
  requireComplete,
  scopeText,
  TERMINATOR,
} from './authorization-header.js';
import { canonicalRequest } from './canonical-request.js';
import type { HeaderLinesView, RequestHead } from './port.js';

/** What is the same in all requests of one client on one day. */
export interface SignedTerms {
  readonly accessKeyId: string;
  /** yyyymmdd. */
  readonly date: string;
  readonly region: string;
  /** yyyymmdd/region/service/aws4_request */
  readonly scope: string;
  /** In lower case, ascending. */
  readonly signedNames: readonly string[];
}

/** One request, ready to be checked against a secret. */
export interface SignedRequest {
  readonly terms: SignedTerms;
  /** 64 characters. */
  readonly signature: string;
  /** The request's time and its scope as they are signed: yyyymmddThhmmssZ "\n" scope "\n". */
  readonly dates: string;
  /** The canonical request up to the payload hash, ASCII; undefined = no signature can be right. */
  readonly canonical: Uint8Array | undefined;
  /** undefined = the header is absent. */
  readonly securityToken: string | undefined;
  readonly contentSha256: string | undefined;
}

export interface SigningRules {
  readonly service: string;
  /** Regions that are served; undefined = any. */
  readonly regions: ReadonlySet<string> | undefined;
}

const SIGNATURE = /^[0-9a-f]{64}$/;
const HEADER_NAME = /^[a-z0-9!#$%&'*+.^_`|~-]+$/;
/** Presigned requests carry this in their query. */
const QUERY_ALGORITHM = /(?:^|&)X-Amz-Algorithm(?:=|&|$)/i;

/** `now` in milliseconds since the epoch. @throws KmsError of the first rule that is broken */
export function readSignedRequest(
  head: RequestHead,
  rules: SigningRules,
  now: number,
): SignedRequest {
  const authorization = head.header('authorization');
  if (!isAwsAuthorization(authorization)) {
    throw new KmsError('MissingAuthenticationTokenException');
  }
  if (QUERY_ALGORITHM.test(head.query)) {
    throw new KmsError(
      'InvalidSignatureException',
      "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.",
    );
  }
  const fields = parseAuthorization(authorization);
  const dateName = head.lines.names.includes('x-amz-date') ? 'x-amz-date' : 'date';
  const dateText = head.header(dateName);
  requireComplete(fields, dateText !== '', authorization);
  const time = requestTime(dateName, dateText);
  requireNear(time, now);
  const signedNames = fields.signedHeaders.split(';', HEADERS_MAX + 1);
  requireSigned(signedNames, head.lines, dateName);
  requireAlgorithm(fields.algorithm);
  const scope = parseCredential(fields.credential);
  const amzDate = formatAmzDate(time);
  requireScope(scope, rules, amzDate);
  if (!isAccessKeyId(scope.accessKeyId)) throw new KmsError('UnrecognizedClientException');
  const isWellFormed = isSignedNames(signedNames) && SIGNATURE.test(fields.signature);
  const { accessKeyId, date, region } = scope;
  const canonical = isWellFormed ? canonicalRequest(head, signedNames) : undefined;
  const terms = { accessKeyId, date, region, scope: scopeText(scope), signedNames };
  return {
    terms,
    signature: fields.signature,
    dates: `${amzDate}\n${terms.scope}\n`,
    canonical: canonical === undefined ? undefined : Buffer.from(canonical, 'latin1'),
    securityToken: optional(head, 'x-amz-security-token'),
    contentSha256: optional(head, 'x-amz-content-sha256'),
  };
}

function optional(head: RequestHead, name: string): string | undefined {
  return head.lines.names.includes(name) ? head.header(name) : undefined;
}

/** Milliseconds since the epoch. @throws IncompleteSignatureException */
function requestTime(name: string, text: string): number {
  const time = name === 'date' ? parseDateHeader(text) : parseAmzDate(text);
  if (!Number.isNaN(time)) return time;
  throw new KmsError(
    'IncompleteSignatureException',
    `Date must be in ISO-8601 'basic format'. Got '${quoted(text)}'. See http://en.wikipedia.org/wiki/ISO_8601`,
  );
}

/** True within five minutes of `now`, both ends included, in whole seconds. */
export function isNear(time: number, now: number): boolean {
  return Math.abs(time - Math.floor(now / 1000) * 1000) <= CLOCK_SKEW_MS_MAX;
}

function requireNear(time: number, now: number): void {
  if (isNear(time, now)) return;
  const minutes = CLOCK_SKEW_MS_MAX / 60_000;
  const [sent, here] = [formatAmzDate(time), formatAmzDate(now)];
  throw new KmsError(
    'InvalidSignatureException',
    time < now
      ? `Signature expired: ${sent} is now earlier than ${formatAmzDate(now - CLOCK_SKEW_MS_MAX)} (${here} - ${minutes} min.)`
      : `Signature not yet current: ${sent} is still later than ${formatAmzDate(now + CLOCK_SKEW_MS_MAX)} (${here} + ${minutes} min.)`,
  );
}

/**
 * `host`, every x-amz-* header and the header that dates the request must be signed: whoever can
 * change one of them on the way could change what the request means.
 * @throws InvalidSignatureException
 */
function requireSigned(
  signedNames: readonly string[],
  lines: HeaderLinesView,
  dateName: string,
): void {
  const signed = new Set(signedNames);
  if (!signed.has('host')) {
    throw new KmsError(
      'InvalidSignatureException',
      "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
    );
  }
  for (const name of lines.names) {
    if ((name === dateName || name.startsWith('x-amz-')) && !signed.has(name)) {
      throw new KmsError(
        'InvalidSignatureException',
        `'${quoted(name)}' must be a 'SignedHeader' in the AWS Authorization.`,
      );
    }
  }
}

/** True for header names in lower case, ascending, none twice, not more than a request may have. */
function isSignedNames(names: readonly string[]): boolean {
  if (names.length > HEADERS_MAX) return false;
  return names.every(
    (name, i) => HEADER_NAME.test(name) && (i === 0 || (names[i - 1] ?? '') < name),
  );
}

/** All that is wrong with the scope, in one message, as AWS tells it. */
function requireScope(scope: CredentialScope, rules: SigningRules, amzDate: string): void {
  const wrong: string[] = [];
  if (!isRegion(scope.region) || rules.regions?.has(scope.region) === false) {
    wrong.push(`Credential should be scoped to a valid region, not '${quoted(scope.region)}'.`);
  }
  if (scope.service !== rules.service) {
    wrong.push(`Credential should be scoped to correct service: '${rules.service}'.`);
  }
  if (scope.terminator !== TERMINATOR) {
    wrong.push(
      `Credential should be scoped with a valid terminator: '${TERMINATOR}', not '${quoted(scope.terminator)}'.`,
    );
  }
  const day = amzDate.slice(0, 8);
  if (scope.date !== day) {
    wrong.push(
      `Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '${quoted(scope.date)}' != '${day}', from '${amzDate}'.`,
    );
  }
  if (wrong.length > 0) throw new KmsError('InvalidSignatureException', wrong.join(' '));
}
