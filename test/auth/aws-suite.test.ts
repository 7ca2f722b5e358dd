/**
 * AWS's own signing test suite (awslabs/aws-c-auth, tests/aws-signing-test-suite/v4): the
 * signatures were made by AWS for the requests as given; region us-east-1, service "service".
 */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backends } from '../engine/support.js';
import { type Lines, openRig, type Rig, refusalOf } from './rig.js';

const AT = Date.UTC(2015, 7, 30, 12, 36, 0);
const TOKEN = '6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267';
const UNRESERVED = '-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const FORM = 'Param1=value1';

/** Headers are those apart from host and x-amz-date. */
type Vector = [name: string, target: string, headers: Lines, signature: string, body?: string];

const VECTORS: Vector[] = [
  ['get-vanilla', 'GET /', [], '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
  [
    'get-vanilla-with-session-token',
    'GET /',
    [['x-amz-security-token', TOKEN]],
    '07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8',
  ],
  [
    'post-x-www-form-urlencoded',
    'POST /',
    [
      ['content-length', '13'],
      ['content-type', 'application/x-www-form-urlencoded'],
      ['x-amz-content-sha256', createHash('sha256').update(FORM).digest('hex')],
    ],
    'd3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b',
    FORM,
  ],
  [
    'get-utf8',
    'GET /\u1234',
    [],
    '8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85',
  ],
  [
    'get-header-value-trim',
    'GET /',
    [
      ['my-header1', ' value1'],
      ['my-header2', ' "a   b   c"'],
    ],
    'acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736',
  ],
  [
    'get-vanilla-query-order-key-case',
    'GET /?Param2=value2&Param1=value1',
    [],
    'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
  ],
  [
    'post-vanilla',
    'POST /',
    [],
    '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b',
  ],
  [
    'get-unreserved',
    `GET /${UNRESERVED}`,
    [],
    '07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f',
  ],
  [
    'get-vanilla-utf8-query',
    'GET /?\u1234=bar',
    [],
    '2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04',
  ],
  [
    'get-vanilla-query-unreserved',
    `GET /?${UNRESERVED}=${UNRESERVED}`,
    [],
    '9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197',
  ],
  [
    'get-header-key-duplicate',
    'GET /',
    [
      ['my-header1', 'value2'],
      ['my-header1', 'value2'],
      ['my-header1', 'value1'],
    ],
    'c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea',
  ],
  [
    'get-header-value-order',
    'GET /',
    [
      ['my-header1', 'value4'],
      ['my-header1', 'value1'],
      ['my-header1', 'value3'],
      ['my-header1', 'value2'],
    ],
    '08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01',
  ],
  [
    'post-header-key-sort',
    'POST /',
    [['my-header1', 'value1']],
    'c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c',
  ],
  [
    'post-vanilla-query',
    'POST /?Param1=value1',
    [],
    '28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11',
  ],
  [
    'get-space-normalized',
    'GET /example space/',
    [],
    '652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741',
  ],
  // The suite signs these as get-vanilla: their path is '/' once normalised.
  ...['/example/..', '/example1/example2/../..', '//', '/./'].map(
    (path): Vector => [
      `get-normalized ${path}`,
      `GET ${path}`,
      [],
      '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31',
    ],
  ),
];

function linesOf(headers: Lines, signature: string): Lines {
  const all: Lines = [
    ['host', 'example.amazonaws.com'],
    ...headers,
    ['x-amz-date', '20150830T123600Z'],
  ];
  const names = [...new Set(all.map(([name]) => name))].sort().join(';');
  const scope = 'AKIDEXAMPLE/20150830/us-east-1/service/aws4_request';
  return [
    ...all,
    [
      'authorization',
      `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=${names}, Signature=${signature}`,
    ],
  ];
}

describe.each(backends)('%s backend', (backend) => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await openRig({ backend, service: 'service', now: AT });
  });
  afterAll(() => rig.close());

  it.each(VECTORS)('%s', async (...vector: Vector) => {
    const [name, target, headers, signature, body = ''] = vector;
    const withToken = headers.some(([n]) => n === 'x-amz-security-token');
    const entry = rig.entries.get('AKIDEXAMPLE')!;
    const sha256 = withToken ? createHash('sha256').update(TOKEN).digest('hex') : null;
    rig.entries.set('AKIDEXAMPLE', { ...entry, sessionTokenSha256: sha256 });
    const caller = await rig.call(linesOf(headers, signature), body, target);
    expect([name, caller.region]).toEqual([name, 'us-east-1']);
    const other = signature.replace(/^./, (digit) => (digit === '0' ? '1' : '0'));
    const refusal = await refusalOf(rig.call(linesOf(headers, other), body, target));
    expect(refusal).toMatch(/^InvalidSignatureException: /);
  });
});
