/**
 * Malformed and smuggled HTTP on both transports: nothing of it is handed over as a request, the
 * answer is a 4xx or 5xx or none, the connection closes, and the server goes on.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KINDS, post, type Rig, rawExchange, startTransport, until } from './rig.js';

const HEAD = 'POST / HTTP/1.1\r\nHost: kms\r\n';
const CHUNKED = 'Transfer-Encoding: chunked\r\n';
const body = '{"KeyId":"alias/a"}';
const length = `Content-Length: ${body.length}\r\n`;

type Cases = Record<string, string>;

function cross(name: string, values: readonly string[], make: (value: string) => string): Cases {
  return Object.fromEntries(
    values.map((value) => [`${name} ${JSON.stringify(value)}`.slice(0, 80), make(value)]),
  );
}

/** Lengths that are not exactly one run of digits, or that disagree. */
const LENGTHS = cross(
  'Content-Length',
  [
    '+19',
    '-1',
    '-0',
    '0x13',
    '1e1',
    '19.0',
    '19,19',
    '19, 19',
    '19 19',
    '"19"',
    'abc',
    '19a',
    'a19',
    '٣',
    'NaN',
    'Infinity',
    '99999999999999999999',
    '18446744073709551616',
    '4294967315',
    '0x',
    '١٩',
    '19;',
    '19\t19',
    '\x0b19',
    '19\x0b',
    '19.',
    '1\xa09',
    '#19',
    '19#',
    '0b11',
    '１９',
    '~',
    '65537',
    '9007199254740993',
  ],
  (value) => `${HEAD}Content-Length: ${value}\r\n\r\n${body}`,
);

const TRANSFER_ENCODINGS = cross(
  'Transfer-Encoding',
  [
    'chunked',
    'CHUNKED',
    'Chunked',
    'xchunked',
    'chunkedx',
    ' chunked ',
    'identity',
    'gzip',
    'chunked, gzip',
    'gzip, chunked',
    'chunked, chunked',
    'chunked, identity',
    'identity, chunked',
    ',chunked',
    'chunked,',
    '"chunked"',
    "'chunked'",
    '\x0bchunked',
    'chunked\x0b',
    '\tchunked',
    'chu nked',
    'deflate',
    'x',
    '0',
    '',
  ],
  (value) => `${HEAD}Transfer-Encoding: ${value}\r\n\r\n13\r\n${body}\r\n0\r\n\r\n`,
);

const LENGTH_AND_ENCODING = cross(
  'Content-Length with Transfer-Encoding',
  [
    'chunked',
    'Chunked',
    'x',
    'identity',
    ' chunked',
    'chunked, x',
    'chunked\r\nTransfer-Encoding: x',
  ],
  (value) => `${HEAD}${length}Transfer-Encoding: ${value}\r\n\r\n${body}`,
);

const ENCODING_AND_LENGTH = cross(
  'Transfer-Encoding before Content-Length',
  ['chunked', 'CHUNKED', 'identity', 'x'],
  (value) =>
    `${HEAD}Transfer-Encoding: ${value}\r\n${length}\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n`,
);

const CHUNKS = cross(
  'chunk',
  [
    'zz',
    '-2',
    'ffffffffffffffffff',
    '7fffffff',
    '2;a=b',
    '2 ',
    ' 2',
    '0x2',
    '+2',
    '',
    '2\n',
    '2\r',
    '2\x00',
    '02',
    `2;${'e'.repeat(5000)}`,
    'g',
    '1_0',
    '2,2',
  ],
  (value) => `${HEAD}${CHUNKED}\r\n${value}\r\nhi\r\n0\r\n\r\n`,
);

const REPEATED = cross(
  'repeated',
  [
    `${length}${length}`,
    `${length}Content-Length: 5\r\n`,
    `Content-Length: 5\r\n${length}`,
    `${length}CONTENT-LENGTH: 19\r\n`,
    `${length}content-length: 0\r\n`,
    `Host: other\r\n${length}`,
    `Host: kms\r\n${length}`,
    `host: \r\n${length}`,
    `${CHUNKED}${CHUNKED}`,
    `${length}${length}${length}`,
  ],
  (headers) => `${HEAD}${headers}\r\n${body}`,
);

const HEADER_LINES = cross(
  'header line',
  [
    'no colon',
    ': empty name',
    'Space Name: x',
    'Name : x',
    ' Leading: x',
    '\tLeading: x',
    'X: a\r\n folded',
    'X: a\r\n\tfolded',
    'X: a\x00b',
    'X\x00: a',
    'X: a\rb',
    'X: a\nY: b',
    'X\x7f: a',
    'X(: a',
    'X@Y: a',
    'X[]: a',
    '{}: a',
    '"X": a',
    'X/Y: a',
    'X,Y: a',
    'X;Y: a',
    'X=Y: a',
    'X?: a',
    '<X>: a',
    'X\\: a',
    'X\x80: a',
    '\xc3\xa9: a',
    'X: a\x01b',
    'X: a\x1fb',
  ],
  (line) => `${HEAD}${line}\r\n${length}\r\n${body}`,
);

const REQUEST_LINES = cross(
  'request line',
  [
    'POST',
    'POST /',
    'POST / ',
    'POST / HTTP',
    'POST / HTTP/',
    'POST / HTTP/1',
    'POST / HTTP/1.0 ',
    'POST / HTTP/1.2',
    'POST / HTTP/2.0',
    'POST / HTTP/0.9',
    'POST / HTTP/11',
    'POST / HTTP/1.1x',
    'POST / http/1.1',
    'POST / HTTPS/1.1',
    'POST /\tHTTP/1.1',
    'POST\t/ HTTP/1.1',
    ' POST / HTTP/1.1',
    'PO ST / HTTP/1.1',
    'P\x00ST / HTTP/1.1',
    'POST /\x00 HTTP/1.1',
    'POST / /x HTTP/1.1',
    'POST  HTTP/1.1',
    '/ HTTP/1.1',
    'POST / HTTP/1.1 HTTP/1.1',
    'P(ST / HTTP/1.1',
    'PRI * HTTP/2.0',
    'P\xd6ST / HTTP/1.1',
    'POST / XTTP/1.1',
    'POST / 1.1',
    '\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03',
    '\x00',
    '\xff\xff\xff\xff',
    '{"json":1}',
    '<xml/>',
    'GET',
    'HELP',
    '0',
    ':',
    'POST /:1',
    'SSH-2.0-OpenSSH_9',
    'EHLO example',
  ],
  (line) => `${line}\r\nHost: kms\r\n${length}\r\n${body}`,
);

const LINE_ENDS = cross(
  'line ends',
  ['\n', '\r', '\n\r', '\r\r\n', '\x0b', '\u0085'],
  (end) => `POST / HTTP/1.1${end}Host: kms${end}Content-Length: 19${end}${end}${body}`,
);

const HEAD_FAULTS: Cases = {
  'no Host': `POST / HTTP/1.1\r\n${length}\r\n${body}`,
  'no length on POST': `${HEAD}\r\n${body}`,
  'empty head': '\r\n\r\n\r\n\r\n',
  'header name of 20 KiB': `${HEAD}${'n'.repeat(20_480)}: x\r\n${length}\r\n${body}`,
  'header value of 20 KiB': `${HEAD}X: ${'v'.repeat(20_480)}\r\n${length}\r\n${body}`,
  'path of 20 KiB': `POST /${'p'.repeat(20_480)} HTTP/1.1\r\nHost: kms\r\n${length}\r\n${body}`,
  'a thousand headers': `${HEAD}${'X: y\r\n'.repeat(1_000)}${length}\r\n${body}`,
  'head of 1 MiB without end': `${HEAD}${'X: yyyyyyyyyyyy\r\n'.repeat(65_536)}`,
  'body over the limit': `${HEAD}Content-Length: 65537\r\n\r\n${'x'.repeat(65_537)}`,
  'body of 4 GiB announced': `${HEAD}Content-Length: 4294967296\r\n\r\nx`,
  'binary noise': Array.from({ length: 4_096 }, (_, i) =>
    String.fromCharCode((i * 197) & 255),
  ).join(''),
  zeros: '\0'.repeat(4_096),
  'TLS to a plain port': `\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03${'r'.repeat(506)}`,
};

/** Heads cut at every third byte, then silence: they must not stay. */
const CUT = cross(
  'head cut at',
  Array.from({ length: 14 }, (_, i) => String(18 + i * 3)),
  (at) => `${HEAD}X-Amz-Target: TrentService.Encrypt\r\n${length}\r\n`.slice(0, Number(at)),
);

const ALL: Cases = {
  ...LENGTHS,
  ...TRANSFER_ENCODINGS,
  ...LENGTH_AND_ENCODING,
  ...ENCODING_AND_LENGTH,
  ...CHUNKS,
  ...REPEATED,
  ...HEADER_LINES,
  ...REQUEST_LINES,
  ...LINE_ENDS,
  ...HEAD_FAULTS,
  ...CUT,
};

describe.each(Object.keys(KINDS) as (keyof typeof KINDS)[])('malformed HTTP on %s', (kind) => {
  let rig: Rig;
  const answers = new Map<string, Awaited<ReturnType<typeof rawExchange>>>();

  beforeAll(async () => {
    rig = await startTransport(kind);
    // All at once: what the parser cannot answer closes by the idle timeout, 12 s on uWS.
    const entries = Object.entries(ALL);
    const done = await Promise.all(
      entries.map(([, bytes]) => rawExchange(rig.port, bytes, 25_000)),
    );
    for (const [i, [name]] of entries.entries()) answers.set(name, done[i]!);
  });

  afterAll(async () => {
    await rig.transport.close(100);
  });

  it('has at least 200 cases', () => {
    expect(Object.keys(ALL).length).toBeGreaterThanOrEqual(200);
  });

  it.each(Object.keys(ALL))('%s', (name) => {
    const answer = answers.get(name)!;
    expect(answer.closed, 'the connection closes').toBe(true);
    for (const status of answer.statuses) expect(status).toBeGreaterThanOrEqual(400);
    expect(answer.statuses.length).toBeLessThanOrEqual(1);
  });

  it('handed nothing over, leaks no connection and still serves', async () => {
    expect(rig.requests.map((request) => `${request.method} ${request.path}`)).toEqual([]);
    await until(() => rig.transport.connections() === 0);
    expect((await rawExchange(rig.port, post(body))).status).toBe(200);
  });
});
