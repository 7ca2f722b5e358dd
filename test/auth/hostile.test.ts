/** Input made to hurt: always one of the five errors, never a throw, a hang or a full cache. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BoundedMap } from '../../src/auth/bounded-map.js';
import { canonicalPath, canonicalQuery } from '../../src/auth/canonical-request.js';
import { createDevAuthenticator } from '../../src/auth/dev-authenticator.js';
import { KnownRequests } from '../../src/auth/known-requests.js';
import type { AccessKeyEntry, Authenticator } from '../../src/auth/port.js';
import { readSignedRequest } from '../../src/auth/signed-request.js';
import { createSigV4Authenticator } from '../../src/auth/sigv4-authenticator.js';
import type { KmsError } from '../../src/core/errors.js';
import { seeded } from '../engine/support.js';
import {
  BODY,
  Head,
  type Lines,
  LONG_TERM,
  NOW,
  openRig,
  REGION,
  type Rig,
  refusalOf,
  signedLines,
  withLine,
} from './rig.js';

const CODES =
  /^(MissingAuthenticationToken|IncompleteSignature|InvalidSignature|UnrecognizedClient|ExpiredToken)Exception: /;
const ERROR_CHARS_MAX = 1_000;

let rig: Rig;
beforeAll(async () => {
  rig = await openRig({ backend: 'node' });
});
afterAll(() => rig.close());

const authorizationOf = (lines: Lines): string =>
  lines.find(([name]) => name === 'authorization')?.[1] ?? '';
const big = (unit: string): string => unit.repeat(Math.ceil(65_536 / unit.length));

describe('hostile Authorization headers', () => {
  const scope = `20261124/${REGION}/kms/aws4_request`;
  const hex = '0'.repeat(64);
  const header = (credential: string, names: string, signature = hex): string =>
    `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names}, Signature=${signature}`;
  const names = Array.from({ length: 10_000 }, (_, i) => `x${String(i).padStart(5, '0')}`);

  const cases: Record<string, string> = {
    '64 KiB of one letter': `AWS4-HMAC-SHA256 ${big('a')}`,
    '64 KiB of spaces': `AWS4-HMAC-SHA256 ${big(' ')}`,
    '64 KiB of commas': `AWS4-HMAC-SHA256 ${big(',')}`,
    '64 KiB of tabs and spaces': `AWS4-HMAC-SHA256 ${big(' \t')}x`,
    '64 KiB of parameters': `AWS4-HMAC-SHA256 ${big('a=b,')}`,
    '64 KiB of equal signs': `AWS4-HMAC-SHA256 Credential${big('=')}`,
    '64 KiB algorithm': `AWS4-${big('x')} Credential=a, SignedHeaders=host;x-amz-date, Signature=b`,
    '64 KiB access key id': header(`${big('A')}/${scope}`, 'host;x-amz-date;x-amz-target'),
    '64 KiB of slashes': header(big('/'), 'host;x-amz-date;x-amz-target'),
    '64 KiB region': header(`${LONG_TERM}/20261124/${big('a-')}/kms/aws4_request`, 'host'),
    '64 KiB signature': header(`${LONG_TERM}/${scope}`, 'host', big('0')),
    '10,000 signed headers': header(`${LONG_TERM}/${scope}`, ['host', ...names].join(';')),
    '64 KiB of semicolons': header(`${LONG_TERM}/${scope}`, big(';')),
    NULs: header(`${LONG_TERM}\0/${scope}`, 'host;x-amz-date;x-amz-target'),
    'NUL in the names': header(`${LONG_TERM}/${scope}`, 'content-type;host\0;x-amz-date'),
    newlines: header(`${LONG_TERM}/${scope}\n\n`, 'content-type;host;x-amz-date;x-amz-target'),
    unicode: header(`\u{1f511}/${scope}`, 'content-type;host;x-amz-date;x-amz-target'),
    'lone surrogate': header(`\ud800/${scope}`, 'content-type;host;x-amz-date;x-amz-target'),
    __proto__: header(`__proto__/${scope}`, '__proto__;constructor;host;x-amz-date'),
    'prototype as parameter': 'AWS4-HMAC-SHA256 __proto__=1, constructor=2, toString=3',
  };

  it.each(Object.entries(cases))('%s', async (_, authorization) => {
    const refusal = await rig.refusal(withLine(signedLines(), 'authorization', authorization));
    expect(refusal).toMatch(CODES);
    expect(refusal.length).toBeLessThan(ERROR_CHARS_MAX);
    const dev = createDevAuthenticator();
    const lines = withLine(signedLines(), 'authorization', authorization);
    const outcome = await dev.authenticate(new Head(lines), Buffer.alloc(0)).then(
      (caller) => caller.account,
      (error: unknown) => `${(error as KmsError).code}: ${(error as KmsError).message}`,
    );
    if (outcome !== '000000000000') expect(outcome).toMatch(CODES);
  });

  it('answers 3,000 random mutations with one of the five errors', async () => {
    const random = seeded();
    const lines = signedLines();
    const right = authorizationOf(lines);
    const pieces = [
      '=',
      ',',
      ' ',
      ';',
      '/',
      '\0',
      'é',
      '\ud83d',
      'Signature=',
      'AWS4-',
      '__proto__',
      '',
    ];
    for (let i = 0; i < 3_000; i++) {
      let text = right;
      for (let n = 1 + random.int(3); n > 0; n--) {
        const at = random.int(text.length);
        text =
          text.slice(0, at) + pieces[random.int(pieces.length)]! + text.slice(at + random.int(12));
      }
      if (text.replaceAll(/[ ,]+/g, ' ') === right.replaceAll(/[ ,]+/g, ' ')) continue;
      const outcome = await refusalOf(rig.call(withLine(lines, 'authorization', text))).catch(
        (error: unknown) => `${text}: ${String(error)}`,
      );
      expect(outcome).toMatch(CODES);
    }
  });
});

describe('hostile heads', () => {
  it.each([
    [
      '10,000 header lines',
      Array.from({ length: 10_000 }, (_, i): [string, string] => [`h${i}`, 'v']),
    ],
    [
      '10,000 x-amz lines',
      Array.from({ length: 10_000 }, (): [string, string] => ['x-amz-a', 'v']),
    ],
    ['64 KiB of space in a value', [['x-amz-a', big(' ')]] as Lines],
    [
      'prototype names',
      [
        ['__proto__', '1'],
        ['constructor', '2'],
      ] as Lines,
    ],
    ['an empty name', [['', 'x']] as Lines],
  ])('%s', async (_, more) => {
    const lines = [...more, ...signedLines({}, { secret: 'wrong' })];
    expect(await rig.refusal(lines)).toMatch(CODES);
  });

  it('does not let a value break a line of the canonical request', async () => {
    const joined: Lines = signedLines({ 'x-amz-a': '1\nx-amz-b:2' });
    expect(await rig.refusal(joined)).toMatch(/^InvalidSignatureException/);
    await rig.call(signedLines({ 'x-amz-a': '1' }));
    const warm = withLine(signedLines({ 'x-amz-a': '1' }), 'x-amz-a', '1\nx-amz-b:2');
    expect(await rig.refusal(warm)).toMatch(/^InvalidSignatureException/);
  });

  it('does not take other characters for those that share their low byte', async () => {
    await rig.call(signedLines({ 'x-amz-a': 'A' }));
    for (const value of ['\u0141', '\u0241', '\uff41']) {
      const lines = withLine(signedLines({ 'x-amz-a': 'A' }), 'x-amz-a', value);
      expect(await rig.refusal(lines)).toMatch(/^InvalidSignatureException/);
    }
  });

  it('canonicalises long paths and queries in linear time', () => {
    expect(canonicalPath(big('/..'))).toBe('/');
    expect(canonicalPath(big('/.'))).toBe('/');
    expect(canonicalPath('/a/./b/../c//')).toBe('/a/c/');
    expect(canonicalPath('/a%2Fb')).toBe('/a%252Fb');
    expect(canonicalQuery(big('&'))).toBe('');
    expect(canonicalQuery('b=2&a=%20&a=+&c')).toBe('a=%20&a=%2B&b=2&c=');
    expect(canonicalQuery(big('%'))).toBeUndefined();
    expect(canonicalQuery(big('%ff'))).toBeUndefined();
  });
});

describe('caches', () => {
  it('never hold more than twice their bound, and keep what is used', () => {
    const map = new BoundedMap<number>(10);
    map.set('used', 0);
    for (let i = 0; i < 1_000; i++) {
      map.set(`k${i}`, i);
      expect(map.get('used')).toBe(0);
      expect(map.size).toBeLessThanOrEqual(20);
    }
    expect(map.get('k0')).toBeUndefined();
    expect(map.get('k999')).toBe(999);
    expect(map.get('__proto__')).toBeUndefined();
  });

  it('know only requests whose signature was right', async () => {
    const known = new KnownRequests();
    const head = new Head(signedLines());
    expect(known.read(head, NOW)).toBeUndefined();
    const request = readSignedRequest(head, { service: 'kms', regions: undefined }, NOW);
    known.remember(head, request);
    expect(known.read(head, NOW)).toEqual(request);
    expect(known.read(head, NOW + 301_000)).toBeUndefined();
    const other = new Head([...signedLines(), ['accept', '*/*']]);
    expect(known.read(other, NOW)).toBeUndefined();
  });

  it('know both of two clients of one access key whose heads differ', () => {
    const known = new KnownRequests();
    const rules = { service: 'kms', regions: undefined };
    const heads = [new Head(signedLines()), new Head([['accept', '*/*'], ...signedLines()])];
    for (const head of heads) known.remember(head, readSignedRequest(head, rules, NOW));
    for (const head of [...heads, ...heads]) {
      expect(known.read(head, NOW)).toEqual(readSignedRequest(head, rules, NOW));
    }
  });

  it('take nothing from a former request whose signed values differ in any way', () => {
    const known = new KnownRequests();
    const rules = { service: 'kms', regions: undefined };
    const head = new Head(signedLines());
    known.remember(head, readSignedRequest(head, rules, NOW));
    const former = known.read(head, NOW)!;
    for (const [name, value] of [
      ['x-amz-date', '20261124T183001Z'],
      ['x-amz-target', 'TrentService.Decrypt'],
      ['x-amz-target', 'TrentService.Encrypu'],
      ['host', 'kms.example.test:8444'],
    ] as const) {
      const changed = new Head(withLine(signedLines(), name, value));
      const read = known.read(changed, NOW)!;
      expect(read).toEqual(readSignedRequest(changed, rules, NOW));
      expect(Buffer.from(read.canonical!).equals(Buffer.from(former.canonical!))).toBe(false);
    }
    // A character beyond Latin-1 may not pass for its last byte.
    for (const value of ['TrentService.Encry\u0170t', 'TrentService.Encrypt\u0120']) {
      expect(known.read(new Head(withLine(signedLines(), 'x-amz-target', value)), NOW)).toBe(
        undefined,
      );
    }
  });
});

describe('access keys that change', () => {
  it('take effect on the hot path at once', async () => {
    const caller = await rig.call(signedLines());
    const entry = rig.entries.get(LONG_TERM)!;
    rig.entries.set(LONG_TERM, { ...entry, active: false });
    expect(await rig.refusal(signedLines())).toMatch(/^UnrecognizedClientException/);
    rig.entries.delete(LONG_TERM);
    expect(await rig.refusal(signedLines())).toMatch(/^UnrecognizedClientException/);
    rig.entries.set(LONG_TERM, { ...entry, expiresAt: NOW });
    expect(await rig.refusal(signedLines())).toMatch(/^ExpiredTokenException/);
    rig.entries.set(LONG_TERM, { ...entry, name: 'renamed' });
    expect(await rig.call(signedLines())).toEqual({ ...caller, name: 'renamed' });
    rig.entries.set(LONG_TERM, entry);
  });

  it('are looked up, but no signature is checked, for keys that nobody has', async () => {
    const before = { ...rig.counts };
    await rig.refusal(signedLines({}, { accessKeyId: 'AKIANOBODY' }));
    await rig.refusal(signedLines({}, { accessKeyId: 'AKIAINACTIVE' }));
    expect(rig.counts).toEqual({ finds: before.finds + 2, checks: before.checks });
    await rig.refusal(signedLines({}, { accessKeyId: 'no.such.id' }));
    expect(rig.counts.finds).toBe(before.finds + 2);
  });
});

describe('what others fail with', () => {
  const entry = {
    accessKeyId: LONG_TERM,
    secret: 1 as AccessKeyEntry['secret'],
    account: '123456789012',
    principalArn: 'arn:aws:iam::123456789012:root',
    kind: 'root',
    name: 'root',
    active: true,
    sessionTokenSha256: null,
    expiresAt: null,
  } as const;

  function withParts(
    find: () => AccessKeyEntry | undefined | Promise<AccessKeyEntry | undefined>,
    statuses: string[],
  ): Authenticator {
    return createSigV4Authenticator({
      clock: rig.clock,
      accessKeys: { find },
      verifier: {
        verifySigV4: async () => {
          const status = statuses.shift();
          if (status !== undefined) throw Object.assign(new Error(status), { status });
          return { ok: true, payloadHash: '' };
        },
      },
    });
  }
  const call = (authenticator: Authenticator) =>
    authenticator.authenticate(new Head(signedLines()), Buffer.from(BODY));

  it('passes on a full queue and a store that is down', async () => {
    await expect(call(withParts(() => entry, ['OVERLOADED']))).rejects.toMatchObject({
      status: 'OVERLOADED',
    });
    const down = new Error('store is down');
    const thrower = (): never => {
      throw down;
    };
    await expect(call(withParts(thrower, []))).rejects.toBe(down);
    await expect(call(withParts(() => Promise.reject(down), []))).rejects.toBe(down);
  });

  it('looks a key up once more when its handle went stale', async () => {
    expect((await call(withParts(() => entry, ['BAD_KEY']))).accessKeyId).toBe(LONG_TERM);
    await expect(call(withParts(() => entry, ['BAD_KEY', 'BAD_KEY']))).rejects.toMatchObject({
      status: 'BAD_KEY',
    });
    const found: (AccessKeyEntry | undefined)[] = [entry, undefined];
    expect(await refusalOf(call(withParts(() => found.shift(), ['BAD_KEY'])))).toMatch(
      /^UnrecognizedClient/,
    );
  });

  it('waits for a source that answers later', async () => {
    expect((await call(withParts(() => Promise.resolve(entry), []))).kind).toBe('root');
  });
});
