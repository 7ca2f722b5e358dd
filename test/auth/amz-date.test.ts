/** Dates of requests: what is one, and what only looks like one. */
import { describe, expect, it } from 'vitest';
import { formatAmzDate, parseAmzDate, parseDateHeader } from '../../src/auth/amz-date.js';
import { seeded } from '../engine/support.js';

describe('dates of requests', () => {
  it('survive the way there and back', () => {
    const random = seeded();
    for (let i = 0; i < 2_000; i++) {
      const ms = random.int(4_000_000_000) * 1_000;
      expect(parseAmzDate(formatAmzDate(ms))).toBe(ms);
      expect(parseDateHeader(new Date(ms).toUTCString())).toBe(ms);
      expect(parseDateHeader(formatAmzDate(ms))).toBe(ms);
    }
    expect(parseAmzDate('20240229T000000Z')).toBe(Date.UTC(2024, 1, 29));
  });

  it.each([
    '',
    '20230229T000000Z',
    '20261301T000000Z',
    '20260001T000000Z',
    '20260100T000000Z',
    '20260101T240000Z',
    '20260101T006000Z',
    '20260101T000060Z',
    '20260101t000000Z',
    '20260101T000000+',
    '2026 101T000000Z',
    '-0260101T000000Z',
    '00260101T000000Z',
    '+20260101T00000Z',
    '٢٠٢٦٠١٠١T000000Z',
    '2026-01-01T00:00',
  ])("'%s' is none", (text) => {
    expect(parseAmzDate(text)).toBeNaN();
    expect(parseDateHeader(text)).toBeNaN();
  });

  it.each([
    'Thu, 01 Jan 2026 00:00:00 UTC',
    'Wed, 01 Jan 2026 00:00:00 GMT',
    'Thu, 32 Jan 2026 00:00:00 GMT',
    'Thursday, 01-Jan-26 00:00:00 GMT',
    'Thu Jan  1 00:00:00 2026',
    'x'.repeat(29),
  ])("'%s' is no Date header", (text) => {
    expect(parseDateHeader(text)).toBeNaN();
  });
});
