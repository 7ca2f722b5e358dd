/** Every way in which a request may fail authentication, with the exact error it gives: the cases. */
import { createHash, createHmac } from 'node:crypto';
import {
  BODY,
  EXPIRED,
  HOST,
  INACTIVE,
  type Lines,
  LONG_TERM,
  NOW,
  NOW_TEXT,
  REGION,
  SECRET,
  signedLines,
  TARGET,
  TEMPORARY,
  TOKEN,
  withLine,
} from './rig.js';

const MISMATCH =
  'InvalidSignatureException: The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.';
const MISSING = 'MissingAuthenticationTokenException: Missing Authentication Token';
const UNRECOGNIZED =
  'UnrecognizedClientException: The security token included in the request is invalid.';
const ISO = 'See http://en.wikipedia.org/wiki/ISO_8601';

const base64Hash = (text: string): string => createHash('sha256').update(text).digest('base64');
const authorizationOf = (lines: Lines): string =>
  lines.find(([name]) => name === 'authorization')?.[1] ?? '';
const incomplete = (sentences: string, authorization: string): string =>
  `IncompleteSignatureException: ${sentences} (Hashed with SHA-256 and encoded with Base64) Authorization=${base64Hash(authorization)}`;
const notKeyValue = (authorization: string): string =>
  `IncompleteSignatureException: Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded with Base64): '${base64Hash(authorization)}'.`;
const needs = (name: string): string => `Authorization header requires '${name}' parameter.`;
const NO_DATE =
  "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.";
const unsigned = (name: string): string =>
  `InvalidSignatureException: '${name}' must be a 'SignedHeader' in the AWS Authorization.`;

export interface Case {
  readonly name: string;
  readonly lines: () => Lines;
  readonly refusal: string | ((lines: Lines) => string);
  readonly body?: string;
  readonly target?: string;
}

/** A signed request whose Authorization header is changed afterwards. */
function edited(change: (authorization: string) => string): () => Lines {
  return () => {
    const lines = signedLines();
    return withLine(lines, 'authorization', change(authorizationOf(lines)));
  };
}

function dated(value: string | undefined): () => Lines {
  return () => withLine(signedLines(), 'x-amz-date', value);
}

const scopeOf = (key: string): string => `${key}/20261124/${REGION}/kms/aws4_request`;
const rescoped = (scope: string): (() => Lines) =>
  edited((text) => text.replace(scopeOf(LONG_TERM), scope));

/** Signs any headers over any scope; `names` may be what the signer should not have listed. */
export function signAnything(
  lines: Lines,
  names: string[],
  date = NOW_TEXT,
  target = 'POST\n/\n',
): Lines {
  const values = names.map((name) => lines.find(([n]) => n === name)?.[1] ?? '');
  const payload = createHash('sha256').update(BODY).digest('hex');
  const headers = names.map((name, i) => `${name}:${values[i]}\n`).join('');
  const canonical = `${target}\n${headers}\n${names.join(';')}\n${payload}`;
  const scope = `20261124/${REGION}/kms/aws4_request`;
  const request = createHash('sha256').update(canonical).digest('hex');
  let key: Buffer = Buffer.from(`AWS4${SECRET}`);
  for (const part of scope.split('/')) key = createHmac('sha256', key).update(part).digest();
  const signature = createHmac('sha256', key)
    .update(`AWS4-HMAC-SHA256\n${date}\n${scope}\n${request}`)
    .digest('hex');
  const credential = `Credential=${LONG_TERM}/${scope}`;
  const list = `SignedHeaders=${names.join(';')}`;
  return [
    ...lines,
    ['authorization', `AWS4-HMAC-SHA256 ${credential}, ${list}, Signature=${signature}`],
  ];
}

export const BASE: Lines = [
  ['host', HOST],
  ['x-amz-date', NOW_TEXT],
  ['x-amz-target', TARGET],
];
export const NAMES = ['host', 'x-amz-date', 'x-amz-target'];

export const CASES: readonly Case[] = [
  // No token at all.
  {
    name: 'no header',
    lines: () => withLine(signedLines(), 'authorization', undefined),
    refusal: MISSING,
  },
  { name: 'empty header', lines: edited(() => ''), refusal: MISSING },
  { name: 'Bearer', lines: edited(() => 'Bearer abc'), refusal: MISSING },
  { name: 'Basic', lines: edited(() => 'Basic dXNlcjpwYXNz'), refusal: MISSING },
  { name: 'Signature Version 2', lines: edited(() => 'AWS AKID:sig='), refusal: MISSING },
  { name: 'lower-case scheme', lines: edited((text) => text.toLowerCase()), refusal: MISSING },
  {
    name: 'presigned query',
    lines: () => [['host', HOST]],
    target: `POST /?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${scopeOf(LONG_TERM)}&X-Amz-Date=${NOW_TEXT}&X-Amz-SignedHeaders=host&X-Amz-Signature=${'0'.repeat(64)}`,
    refusal: MISSING,
  },
  { name: 'unsigned GET', lines: () => [['host', HOST]], target: 'GET /', refusal: MISSING },
  {
    name: 'query and header at once',
    lines: () => signedLines(),
    target: 'POST /?X-Amz-Algorithm=AWS4-HMAC-SHA256',
    refusal:
      "InvalidSignatureException: Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.",
  },
  // The header's form.
  {
    name: 'no parameters, no date',
    lines: () => [
      ['host', HOST],
      ['authorization', 'AWS4-HMAC-SHA256'],
    ],
    refusal: incomplete(
      [needs('Credential'), needs('Signature'), needs('SignedHeaders'), NO_DATE].join(' '),
      'AWS4-HMAC-SHA256',
    ),
  },
  ...['Credential', 'SignedHeaders', 'Signature'].map((name) => ({
    name: `no ${name}`,
    lines: edited((text) => text.replace(new RegExp(`${name}=[^ ,]+,? ?`), '')),
    refusal: (lines: Lines) => incomplete(needs(name), authorizationOf(lines)),
  })),
  ...['Credential', 'Signature'].map((name) => ({
    name: `empty ${name}`,
    lines: edited((text) => text.replace(new RegExp(`${name}=[^ ,]+`), `${name}=`)),
    refusal: (lines: Lines) => incomplete(needs(name), authorizationOf(lines)),
  })),
  ...['garbage', '=value', 'Credential garbage'].map((garbage) => ({
    name: `parameter '${garbage}'`,
    lines: edited((text) => text.replace('SignedHeaders', `${garbage}, SignedHeaders`)),
    refusal: (lines: Lines) => notKeyValue(authorizationOf(lines)),
  })),
  ...['Credential', 'SignedHeaders', 'Signature'].map((name) => ({
    name: `two ${name}`,
    lines: edited((text) => `${text}, ${name}=x`),
    refusal: `IncompleteSignatureException: Authorization header has more than one '${name}' parameter.`,
  })),
  {
    name: 'two Authorization lines',
    lines: () => {
      const lines = signedLines();
      return [...lines, ['authorization', authorizationOf(lines)]];
    },
    refusal: (lines: Lines) => notKeyValue(`${authorizationOf(lines)},${authorizationOf(lines)}`),
  },
  // The date.
  {
    name: 'no date',
    lines: dated(undefined),
    refusal: (lines) => incomplete(NO_DATE, authorizationOf(lines)),
  },
  {
    name: 'empty date',
    lines: dated(''),
    refusal: (lines) => incomplete(NO_DATE, authorizationOf(lines)),
  },
  ...[
    '20261124',
    '2026-11-24T18:30:00Z',
    '20261124T183000',
    '20261124T183000z',
    '20261324T183000Z',
    '20260230T183000Z',
    '20261124T243000Z',
    '20261124T183060Z',
    'Tue, 24 Nov 2026 18:30:00 GMT',
    '2026112ÀT183000Z',
  ].map((text) => ({
    name: `date ${text}`,
    lines: dated(text),
    refusal: `IncompleteSignatureException: Date must be in ISO-8601 'basic format'. Got '${text.replace('À', '?')}'. ${ISO}`,
  })),
  {
    name: 'two x-amz-date lines',
    lines: () => [...signedLines(), ['x-amz-date', NOW_TEXT]],
    refusal: `IncompleteSignatureException: Date must be in ISO-8601 'basic format'. Got '${NOW_TEXT},${NOW_TEXT}'. ${ISO}`,
  },
  {
    name: 'Date header of the wrong weekday',
    lines: () => [
      ...withLine(signedLines(), 'x-amz-date', undefined),
      ['date', 'Mon, 24 Nov 2026 18:30:00 GMT'],
    ],
    refusal: `IncompleteSignatureException: Date must be in ISO-8601 'basic format'. Got 'Mon, 24 Nov 2026 18:30:00 GMT'. ${ISO}`,
  },
  {
    name: 'expired by a second',
    lines: () => signedLines({}, { at: NOW - 301_000 }),
    refusal:
      'InvalidSignatureException: Signature expired: 20261124T182459Z is now earlier than 20261124T182500Z (20261124T183000Z - 5 min.)',
  },
  {
    name: 'from the future',
    lines: () => signedLines({}, { at: NOW + 301_000 }),
    refusal:
      'InvalidSignatureException: Signature not yet current: 20261124T183501Z is still later than 20261124T183500Z (20261124T183000Z + 5 min.)',
  },
  {
    name: 'years ago',
    lines: () => signedLines({}, { at: Date.UTC(2015, 0, 1) }),
    refusal:
      'InvalidSignatureException: Signature expired: 20150101T000000Z is now earlier than 20261124T182500Z (20261124T183000Z - 5 min.)',
  },
  // Signed headers.
  {
    name: 'host not signed',
    lines: edited((text) => text.replace(';host;', ';')),
    refusal:
      "InvalidSignatureException: 'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
  },
  {
    name: 'no header signed',
    lines: edited((text) => text.replace(/SignedHeaders=[^,]*/, 'SignedHeaders=')),
    refusal:
      "InvalidSignatureException: 'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
  },
  {
    name: 'x-amz-date not signed',
    lines: () => signAnything(BASE, ['host', 'x-amz-target']),
    refusal: unsigned('x-amz-date'),
  },
  {
    name: 'x-amz-target not signed',
    lines: () => signAnything(BASE, ['host', 'x-amz-date']),
    refusal: unsigned('x-amz-target'),
  },
  {
    name: 'token added unsigned',
    lines: () => [...signedLines(), ['x-amz-security-token', TOKEN]],
    refusal: unsigned('x-amz-security-token'),
  },
  {
    name: 'unknown x-amz-* header added',
    lines: () => [...signedLines(), ['x-amz-anything', '1']],
    refusal: unsigned('x-amz-anything'),
  },
  {
    name: 'Date not signed where it dates the request',
    lines: () =>
      signAnything(
        [
          ['host', HOST],
          ['date', NOW_TEXT],
        ],
        ['host'],
      ),
    refusal: unsigned('date'),
  },
  {
    name: 'a second x-amz-target line',
    lines: () => [...signedLines(), ['x-amz-target', 'TrentService.Decrypt']],
    refusal: MISMATCH,
  },
  {
    name: 'unsorted names',
    lines: () => signAnything(BASE, ['x-amz-date', 'host', 'x-amz-target']),
    refusal: MISMATCH,
  },
  {
    name: 'a name twice',
    lines: () => signAnything(BASE, ['host', 'host', 'x-amz-date', 'x-amz-target']),
    refusal: MISMATCH,
  },
  {
    name: 'an upper-case name',
    lines: () => signAnything(BASE, ['Host', ...NAMES]),
    refusal: MISMATCH,
  },
  { name: 'an empty name', lines: () => signAnything(BASE, ['', ...NAMES]), refusal: MISMATCH },
  {
    name: 'a signed header that is absent',
    lines: () => signAnything(BASE, ['accept', ...NAMES]),
    refusal: MISMATCH,
  },
  // Algorithm, credential, scope.
  ...['AWS4-ECDSA-P256-SHA256', 'AWS4-HMAC-SHA512', 'AWS4-', 'AWS4-HMAC-SHA256-PAYLOAD'].map(
    (name) => ({
      name: `algorithm ${name}`,
      lines: edited((text) => text.replace('AWS4-HMAC-SHA256', name)),
      refusal: `IncompleteSignatureException: Unsupported AWS 'algorithm': '${name}' (only AWS4-HMAC-SHA256 for now).`,
    }),
  ),
  ...[
    LONG_TERM,
    `${LONG_TERM}/20261124/${REGION}/kms`,
    `${scopeOf(LONG_TERM)}/`,
    `${scopeOf(LONG_TERM)}/more/and/more`,
  ].map((credential) => ({
    name: `credential ${credential}`,
    lines: rescoped(credential),
    refusal: `IncompleteSignatureException: Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '${credential.length > 64 ? `${credential.slice(0, 64)}...` : credential}'`,
  })),
  ...['', 'EU-CENTRAL-1', 'eu_central_1', 'eu--central', `r${'x'.repeat(40)}`, 'us-west-2'].map(
    (region) => ({
      name: `region '${region}'`,
      lines: rescoped(`${LONG_TERM}/20261124/${region}/kms/aws4_request`),
      refusal: `InvalidSignatureException: Credential should be scoped to a valid region, not '${region}'.`,
    }),
  ),
  ...['', 's3', 'KMS', 'kms-fips'].map((service) => ({
    name: `service '${service}'`,
    lines: rescoped(`${LONG_TERM}/20261124/${REGION}/${service}/aws4_request`),
    refusal: "InvalidSignatureException: Credential should be scoped to correct service: 'kms'.",
  })),
  {
    name: 'terminator',
    lines: rescoped(`${LONG_TERM}/20261124/${REGION}/kms/aws5_request`),
    refusal:
      "InvalidSignatureException: Credential should be scoped with a valid terminator: 'aws4_request', not 'aws5_request'.",
  },
  {
    name: 'date of the scope',
    lines: rescoped(`${LONG_TERM}/20261123/${REGION}/kms/aws4_request`),
    refusal:
      "InvalidSignatureException: Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20261123' != '20261124', from '20261124T183000Z'.",
  },
  {
    name: 'everything in the scope',
    lines: rescoped(`${LONG_TERM}/b/C/d/e`),
    refusal:
      "InvalidSignatureException: Credential should be scoped to a valid region, not 'C'. Credential should be scoped to correct service: 'kms'. Credential should be scoped with a valid terminator: 'aws4_request', not 'e'. Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: 'b' != '20261124', from '20261124T183000Z'.",
  },
  // Access keys and tokens.
  ...['AKIANOBODY', '__proto__', 'constructor', 'a.b', 'x'.repeat(129), ''].map((key) => ({
    name: `access key id '${key.slice(0, 20)}'`,
    lines: rescoped(scopeOf(key)),
    refusal: UNRECOGNIZED,
  })),
  {
    name: 'an unknown key with half a signature',
    lines: edited((text) => text.replace(LONG_TERM, 'AKIANOBODY').slice(0, -32)),
    refusal: UNRECOGNIZED,
  },
  {
    name: 'an inactive key',
    lines: () => signedLines({}, { accessKeyId: INACTIVE }),
    refusal: UNRECOGNIZED,
  },
  {
    name: 'a temporary key without its token',
    lines: () => signedLines({}, { accessKeyId: TEMPORARY }),
    refusal: UNRECOGNIZED,
  },
  {
    name: 'a temporary key with an empty token',
    lines: () => signedLines({ 'x-amz-security-token': '' }, { accessKeyId: TEMPORARY }),
    refusal: UNRECOGNIZED,
  },
  {
    name: 'a temporary key with another token',
    lines: () => signedLines({ 'x-amz-security-token': `${TOKEN}x` }, { accessKeyId: TEMPORARY }),
    refusal: UNRECOGNIZED,
  },
  {
    name: 'a long-term key with a token',
    lines: () => signedLines({ 'x-amz-security-token': TOKEN }),
    refusal: UNRECOGNIZED,
  },
  {
    name: 'an expired key with another token',
    lines: () => signedLines({ 'x-amz-security-token': 'x' }, { accessKeyId: EXPIRED }),
    refusal: UNRECOGNIZED,
  },
  {
    name: 'an expired key',
    lines: () => signedLines({ 'x-amz-security-token': TOKEN }, { accessKeyId: EXPIRED }),
    refusal: 'ExpiredTokenException: The security token included in the request is expired',
  },
  {
    name: 'an expired key with a wrong secret',
    lines: () =>
      signedLines({ 'x-amz-security-token': TOKEN }, { accessKeyId: EXPIRED, secret: 'x' }),
    refusal: MISMATCH,
  },
  // The signature.
  {
    name: 'wrong secret',
    lines: () => signedLines({}, { secret: `${SECRET}x` }),
    refusal: MISMATCH,
  },
  { name: 'other body', lines: () => signedLines(), body: `${BODY} `, refusal: MISMATCH },
  { name: 'empty body', lines: () => signedLines(), body: '', refusal: MISMATCH },
  { name: 'other method', lines: () => signedLines(), target: 'PUT /', refusal: MISMATCH },
  { name: 'other path', lines: () => signedLines(), target: 'POST /x', refusal: MISMATCH },
  { name: 'other query', lines: () => signedLines(), target: 'POST /?x=1', refusal: MISMATCH },
  { name: 'malformed query', lines: () => signedLines(), target: 'POST /?%zz', refusal: MISMATCH },
  {
    name: 'query that is no UTF-8',
    lines: () => signedLines(),
    target: 'POST /?%ff',
    refusal: MISMATCH,
  },
  {
    name: 'other host',
    lines: () => withLine(signedLines(), 'host', 'evil.test'),
    refusal: MISMATCH,
  },
  {
    name: 'other target',
    lines: () => withLine(signedLines(), 'x-amz-target', 'TrentService.Decrypt'),
    refusal: MISMATCH,
  },
  {
    name: 'other content type',
    lines: () => withLine(signedLines(), 'content-type', 'text/plain'),
    refusal: MISMATCH,
  },
  { name: 'other time, a second later', lines: dated('20261124T183001Z'), refusal: MISMATCH },
  {
    name: 'upper-case signature',
    lines: edited((text) => text.replace(/=[0-9a-f]{64}$/, (hex) => hex.toUpperCase())),
    refusal: MISMATCH,
  },
  { name: 'short signature', lines: edited((text) => text.slice(0, -1)), refusal: MISMATCH },
  { name: 'long signature', lines: edited((text) => `${text}0`), refusal: MISMATCH },
  {
    name: 'signature of zeros',
    lines: edited((text) => text.slice(0, -64) + '0'.repeat(64)),
    refusal: MISMATCH,
  },
  {
    name: 'signature that truncates to the right one',
    lines: edited(
      (text) => text.slice(0, -1) + String.fromCharCode(0x100 + text.charCodeAt(text.length - 1)),
    ),
    refusal: MISMATCH,
  },
  {
    name: 'UNSIGNED-PAYLOAD',
    lines: () => signedLines({ 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' }),
    refusal: MISMATCH,
  },
  {
    name: 'payload hash of another body',
    lines: () =>
      signedLines({ 'x-amz-content-sha256': createHash('sha256').update('x').digest('hex') }),
    refusal: MISMATCH,
  },
  {
    name: 'payload hash in capitals',
    lines: () =>
      signedLines({
        'x-amz-content-sha256': createHash('sha256').update(BODY).digest('hex').toUpperCase(),
      }),
    refusal: MISMATCH,
  },
  {
    name: 'empty payload hash',
    lines: () => signedLines({ 'x-amz-content-sha256': '' }),
    refusal: MISMATCH,
  },
];
