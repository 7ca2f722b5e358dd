/**
 * The Authorization header of AWS Signature Version 4:
 *
 *   AWS4-HMAC-SHA256 Credential=ID/yyyymmdd/region/service/aws4_request, SignedHeaders=a;b,
 *   Signature=hex
 *
 * Source: AWS IAM User Guide, "Create a signed AWS API request", step 4. Texts of failures are
 * those that AWS services answer with; where AWS quotes the header, it quotes a digest of it, and
 * so do we: what a client put there by mistake may be a secret.
 */
import { createHash } from 'node:crypto';
import { KmsError } from '../core/errors.js';

export const ALGORITHM = 'AWS4-HMAC-SHA256';
export const TERMINATOR = 'aws4_request';

/** Longest access key id (IAM), characters. */
const ACCESS_KEY_ID_CHARS_MAX = 128;
/** Ours: longest region name, characters; AWS's longest has 15. */
const REGION_CHARS_MAX = 32;
/** Characters of a client's value that an error message repeats. */
const QUOTED_CHARS_MAX = 64;

/** The header's three parameters, not yet looked into; undefined = absent. */
export interface AuthorizationFields {
  readonly algorithm: string;
  readonly credential: string | undefined;
  readonly signedHeaders: string | undefined;
  readonly signature: string | undefined;
}

export interface CredentialScope {
  readonly accessKeyId: string;
  /** yyyymmdd as given. */
  readonly date: string;
  readonly region: string;
  readonly service: string;
  readonly terminator: string;
}

function hashed(authorization: string): string {
  return createHash('sha256').update(authorization).digest('base64');
}

/** `text` as an error message may repeat it: printable ASCII, cut. */
export function quoted(text: string): string {
  const cut = text.length > QUOTED_CHARS_MAX ? `${text.slice(0, QUOTED_CHARS_MAX)}...` : text;
  return cut.replace(/[^\x20-\x7e]/g, '?');
}

/** True where the header is of the AWS4 family; another scheme is no AWS token at all. */
export function isAwsAuthorization(authorization: string): boolean {
  return authorization.startsWith('AWS4-');
}

/** Splits the header. @throws IncompleteSignatureException */
export function parseAuthorization(authorization: string): AuthorizationFields {
  const space = authorization.indexOf(' ');
  const algorithm = space === -1 ? authorization : authorization.slice(0, space);
  const rest = space === -1 ? '' : authorization.slice(space + 1);
  let credential: string | undefined;
  let signedHeaders: string | undefined;
  let signature: string | undefined;
  for (const part of rest.split(/[ \t,]/)) {
    if (part === '') continue;
    const equals = part.indexOf('=');
    if (equals <= 0) {
      throw new KmsError(
        'IncompleteSignatureException',
        `Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded with Base64): '${hashed(authorization)}'.`,
      );
    }
    const name = part.slice(0, equals);
    const value = part.slice(equals + 1);
    if (name === 'Credential') credential = once(name, credential, value);
    else if (name === 'SignedHeaders') signedHeaders = once(name, signedHeaders, value);
    else if (name === 'Signature') signature = once(name, signature, value);
  }
  return { algorithm, credential, signedHeaders, signature };
}

function once(name: string, before: string | undefined, value: string): string {
  if (before === undefined) return value;
  throw new KmsError(
    'IncompleteSignatureException',
    `Authorization header has more than one '${name}' parameter.`,
  );
}

/** Refuses a header that lacks a parameter, or a request without a date, in AWS's one sentence. */
export function requireComplete(
  fields: AuthorizationFields,
  hasDate: boolean,
  authorization: string,
): asserts fields is { [K in keyof AuthorizationFields]: string } {
  const missing: string[] = [];
  if (!fields.credential) missing.push("Authorization header requires 'Credential' parameter.");
  if (!fields.signature) missing.push("Authorization header requires 'Signature' parameter.");
  if (fields.signedHeaders === undefined) {
    missing.push("Authorization header requires 'SignedHeaders' parameter.");
  }
  if (!hasDate) {
    missing.push(
      "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
    );
  }
  if (missing.length === 0) return;
  throw new KmsError(
    'IncompleteSignatureException',
    `${missing.join(' ')} (Hashed with SHA-256 and encoded with Base64) Authorization=${hashed(authorization)}`,
  );
}

/** @throws IncompleteSignatureException for anything but AWS4-HMAC-SHA256, SigV4A included. */
export function requireAlgorithm(algorithm: string): void {
  if (algorithm === ALGORITHM) return;
  throw new KmsError(
    'IncompleteSignatureException',
    `Unsupported AWS 'algorithm': '${quoted(algorithm)}' (only ${ALGORITHM} for now).`,
  );
}

/** @throws IncompleteSignatureException unless there are five elements. */
export function parseCredential(credential: string): CredentialScope {
  const parts = credential.split('/', 6);
  if (parts.length !== 5) {
    throw new KmsError(
      'IncompleteSignatureException',
      `Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '${quoted(credential)}'`,
    );
  }
  const [accessKeyId, date, region, service, terminator] = parts as [
    string,
    string,
    string,
    string,
    string,
  ];
  return { accessKeyId, date, region, service, terminator };
}

export function scopeText(scope: CredentialScope): string {
  return `${scope.date}/${scope.region}/${scope.service}/${scope.terminator}`;
}

const REGION = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;

/** True for lower-case letters, digits and single hyphens. */
export function isRegion(region: string): boolean {
  return region.length <= REGION_CHARS_MAX && REGION.test(region);
}

const ACCESS_KEY_ID = /^[A-Za-z0-9_]+$/;

/** True for what may be looked up; anything else belongs to nobody. */
export function isAccessKeyId(accessKeyId: string): boolean {
  return accessKeyId.length <= ACCESS_KEY_ID_CHARS_MAX && ACCESS_KEY_ID.test(accessKeyId);
}
