/** Requests that must be refused, one by one and with the hot path warm, and their neighbours. */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backends } from '../engine/support.js';
import { BASE, CASES, NAMES, signAnything } from './refusal-cases.js';
import {
  BODY,
  HOST,
  type Lines,
  NOW,
  NOW_TEXT,
  openRig,
  REGION,
  type Rig,
  signedLines,
  TEMPORARY,
  TOKEN,
  withLine,
} from './rig.js';

describe.each(backends)('%s backend', (backend) => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await openRig({ backend, regions: [REGION] });
  });
  afterAll(() => rig.close());

  it.each(CASES)('refuses: $name', async ({ lines, refusal, body, target }) => {
    const sent = lines();
    const expected = typeof refusal === 'string' ? refusal : refusal(sent);
    expect(await rig.refusal(sent, body, target)).toBe(expected);
  });

  it('refuses all of them with the hot path warm too', async () => {
    const sha256 = createHash('sha256').update(BODY).digest('hex');
    await rig.call(signedLines());
    await rig.call(signedLines({ 'x-amz-content-sha256': sha256 }));
    await rig.call(signedLines({ 'x-amz-security-token': TOKEN }, { accessKeyId: TEMPORARY }));
    for (const { name, lines, refusal, body, target } of CASES) {
      const sent = lines();
      const expected = typeof refusal === 'string' ? refusal : refusal(sent);
      expect([name, await rig.refusal(sent, body, target)]).toEqual([name, expected]);
    }
  });

  it('accepts the same requests unharmed', async () => {
    const sha256 = createHash('sha256').update(BODY).digest('hex');
    const accepted: [Lines, string?][] = [
      [signedLines()],
      [signAnything(BASE, NAMES)],
      [signedLines({}, { at: NOW - 300_000 })],
      [signedLines({}, { at: NOW + 300_000 })],
      [signedLines({ 'x-amz-content-sha256': sha256 })],
      [signedLines({ 'x-amz-security-token': TOKEN }, { accessKeyId: TEMPORARY })],
      [
        signAnything(
          [
            ['host', HOST],
            ['date', NOW_TEXT],
          ],
          ['date', 'host'],
        ),
      ],
      [
        signAnything(
          [
            ['host', HOST],
            ['date', 'Tue, 24 Nov 2026 18:30:00 GMT'],
          ],
          ['date', 'host'],
        ),
      ],
      [signAnything(BASE, NAMES, NOW_TEXT, 'GET\n/a%2520b\nx=1&y='), 'GET /a%20b?y&x=1'],
      [
        [
          ...signedLines(),
          ['user-agent', 'ä'],
          ['x-amzn-trace-id', 'Root=1'],
          ['amz-sdk-request', '1'],
        ],
      ],
    ];
    for (const [lines, target] of accepted) {
      expect((await rig.call(lines, BODY, target)).account).toBe('123456789012');
    }
  });

  it('refuses the scope of yesterday after midnight, cold and warm', async () => {
    const midnight = await openRig({ backend, now: Date.UTC(2026, 10, 24, 23, 59, 0) });
    await midnight.call(
      signAnything(withLine(BASE, 'x-amz-date', '20261124T235900Z'), NAMES, '20261124T235900Z'),
    );
    midnight.clock.advance(120_000);
    const late = '20261125T000100Z';
    const refusal =
      "InvalidSignatureException: Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20261124' != '20261125', from '20261125T000100Z'.";
    const lines = signAnything(withLine(BASE, 'x-amz-date', late), NAMES, late);
    expect(await midnight.refusal(lines)).toBe(refusal);
    await midnight.close();
  });

  it('accepts a signed header that comes twice, cold and warm', async () => {
    const more: Lines = [...BASE, ['x-amz-a', '1,2']];
    const lines = signAnything(more, ['host', 'x-amz-a', 'x-amz-date', 'x-amz-target']).flatMap(
      ([name, value]): Lines =>
        name === 'x-amz-a'
          ? [
              ['x-amz-a', '1'],
              ['x-amz-a', '2'],
            ]
          : [[name, value]],
    );
    for (let i = 0; i < 3; i++) expect((await rig.call(lines)).accessKeyId).toBe('AKIDEXAMPLE');
  });
});
