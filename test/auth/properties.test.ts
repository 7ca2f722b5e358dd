/** Random requests: both backends agree, both paths agree, and no change goes unnoticed. */
import { createHash, createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SigV4Outcome } from '../../src/auth/port.js';
import type { KeyHandle } from '../../src/core/key-handle.js';
import type { EngineError } from '../../src/engine/port.js';
import { backends, openEngine, seeded, type TestEngine } from '../engine/support.js';
import {
  BODY,
  type Lines,
  LONG_TERM,
  loadSecret,
  NOW_TEXT,
  openRig,
  REGION,
  type Rig,
  SECRET,
} from './rig.js';

type Random = ReturnType<typeof seeded>;

const sha256 = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex');

/** The reference: straight from AWS's description, one HMAC after the other. */
function sign(
  secret: string,
  scope: string,
  date: string,
  canonical: string,
  body: Buffer,
): string {
  let key: Buffer = Buffer.from(`AWS4${secret}`);
  for (const part of scope.split('/')) key = createHmac('sha256', key).update(part).digest();
  const request = sha256(canonical + sha256(body));
  const text = `AWS4-HMAC-SHA256\n${date}\n${scope}\n${request}`;
  return createHmac('sha256', key).update(text).digest('hex');
}

function text(random: Random, length: number, alphabet = ''): string {
  const chars =
    alphabet || Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).join('');
  return Array.from({ length }, () => chars[random.int(chars.length)]).join('');
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789-';

describe('the check of a signature', () => {
  const engines: { backend: string; test: TestEngine }[] = [];
  beforeAll(async () => {
    for (const backend of backends) {
      engines.push({
        backend,
        test: await openEngine({ backend, dispatch: 'inline', threads: 1 }),
      });
    }
    console.log(`backends compared: ${backends.join(', ')}`);
  });
  afterAll(async () => {
    for (const { test } of engines) await test.close();
  });

  async function outcomes(keys: readonly KeyHandle[], input: [string, Buffer, string]) {
    const all: (SigV4Outcome | string)[] = [];
    for (const [i, { test }] of engines.entries()) {
      const check = test.engine.verifySigV4(keys[i]!, ...input);
      all.push(await check.catch((error: unknown) => (error as EngineError).status));
    }
    return all;
  }

  it('is the same on every backend, and right', async () => {
    const random = seeded();
    let accepted = 0;
    for (let round = 0; round < 40; round++) {
      const secret = text(random, 16 + random.int(113));
      const keys: KeyHandle[] = [];
      for (const { test } of engines) keys.push(await loadSecret(test, secret));
      for (let i = 0; i < 25; i++) {
        const canonical = `${text(random, random.int(700))}\n`;
        const body = random.bytes(random.int(i === 0 ? 9_000 : 300));
        const scope = Array.from({ length: 4 }, () => text(random, random.int(20), LETTERS)).join(
          '/',
        );
        const date = text(random, 16, '0123456789TZ');
        const signature = sign(secret, scope, date, canonical, body);
        const right: [string, Buffer, string] = [
          canonical,
          body,
          `${signature}${date}\n${scope}\n`,
        ];
        const input = i % 2 === 0 ? right : tampered(random, right);
        const all = await outcomes(keys, input);
        const expected =
          i % 2 === 0 ? { ok: true, payloadHash: sha256(body) } : { ok: false, payloadHash: '' };
        if (i % 2 === 0) accepted++;
        for (const outcome of all) expect(outcome).toEqual(expected);
      }
    }
    expect(accepted).toBe(40 * 13);
  });

  /** Flips one bit of one of the parts; scopes keep their four elements. */
  function tampered(
    random: Random,
    [canonical, body, tail]: [string, Buffer, string],
  ): [string, Buffer, string] {
    const flip = (bytes: Buffer, at: number): Buffer => {
      const copy = Buffer.from(bytes);
      copy[at] = copy[at]! ^ (1 << random.int(7));
      return copy;
    };
    const part = random.int(3);
    if (part === 0) {
      const bytes = Buffer.from(canonical, 'latin1');
      return [flip(bytes, random.int(bytes.length)).toString('latin1'), body, tail];
    }
    if (part === 1)
      return [
        canonical,
        body.length === 0 ? Buffer.from('x') : flip(body, random.int(body.length)),
        tail,
      ];
    const bytes = Buffer.from(tail, 'latin1');
    return [canonical, body, flip(bytes, random.int(64)).toString('latin1')];
  }

  it('refuses malformed tails alike', async () => {
    const keys: KeyHandle[] = [];
    for (const { test } of engines) keys.push(await loadSecret(test, SECRET));
    const hex = '0'.repeat(64);
    for (const tail of [
      '',
      hex,
      hex.slice(1),
      `${hex}d`,
      `${hex}d\n`,
      `${hex}d\na/b/c\n`,
      `${hex}d\na/b/c/d/e\n`,
      `${hex}d\na/b/c/d`,
    ]) {
      for (const outcome of await outcomes(keys, ['POST\n', Buffer.alloc(0), tail])) {
        expect([tail, outcome]).toEqual([tail, 'BAD_INPUT']);
      }
    }
  });
});

describe.each(backends)('requests, %s backend', (backend) => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await openRig({ backend });
  });
  afterAll(() => rig.close());

  const SCOPE = `20261124/${REGION}/kms/aws4_request`;

  /** Random headers, signed; values as a client may send them, names in any order. */
  function randomRequest(random: Random): { lines: Lines; signed: string[] } {
    const pad = (): string => text(random, random.int(3), ' \t');
    const word = (): string => text(random, 1 + random.int(8), `${LETTERS}="/;,:`);
    const values = (): string =>
      pad() + Array.from({ length: random.int(4) }, word).join(` ${pad()}`) + pad();
    const lines: Lines = [
      ['host', `${word()}.test`],
      ['x-amz-date', NOW_TEXT],
    ];
    for (let i = random.int(8); i > 0; i--) {
      const prefix = ['x-amz-', 'x-', 'content-'][random.int(3)]!;
      lines.push([prefix + text(random, 1 + random.int(3), 'abcde'), values()]);
    }
    const unsigned = new Set(
      lines.map(([name]) => name).filter((n) => !/^x-amz-|^host$/.test(n) && random.int(2) === 0),
    );
    for (let i = lines.length - 1; i > 0; i--) {
      const j = random.int(i + 1);
      [lines[i], lines[j]] = [lines[j]!, lines[i]!];
    }
    const signed = [...new Set(lines.map(([name]) => name))].filter((n) => !unsigned.has(n)).sort();
    const tidy = (value: string): string => value.split(/\s+/).filter(Boolean).join(' ');
    const headers = signed.map(
      (name) =>
        `${name}:${lines
          .filter(([n]) => n === name)
          .map(([, v]) => tidy(v))
          .join(',')}\n`,
    );
    const canonical = `POST\n/\n\n${headers.join('')}\n${signed.join(';')}\n`;
    const signature = sign(SECRET, SCOPE, NOW_TEXT, canonical, Buffer.from(BODY));
    const list = `SignedHeaders=${signed.join(';')}`;
    lines.push([
      'authorization',
      `AWS4-HMAC-SHA256 Credential=${LONG_TERM}/${SCOPE}, ${list}, Signature=${signature}`,
    ]);
    return { lines, signed };
  }

  it('accepts any order, spacing and repetition of headers, cold and warm', async () => {
    const random = seeded();
    for (let i = 0; i < 300; i++) {
      const { lines } = randomRequest(random);
      const first = await rig.call(lines);
      expect(await rig.call(lines)).toBe(first);
    }
  });

  it('refuses any change of what is signed, cold and warm', async () => {
    const random = seeded();
    for (let i = 0; i < 300; i++) {
      const { lines, signed } = randomRequest(random);
      if (i % 2 === 0) await rig.call(lines);
      const candidates = lines.filter(([name]) => signed.includes(name));
      const victim = candidates[random.int(candidates.length)]!;
      const changed: Lines = lines.map((line) => {
        if (line !== victim) return line;
        const at = random.int(line[1].length + 1);
        return [line[0], `${line[1].slice(0, at)}!${line[1].slice(at)}`];
      });
      const change = [
        changed,
        lines.filter((line) => line !== victim),
        [...lines, [victim[0], 'again'] as [string, string]],
      ][random.int(3)]!;
      expect(await rig.refusal(change)).toMatch(
        /^(InvalidSignature|IncompleteSignature)Exception: /,
      );
    }
  });
});
