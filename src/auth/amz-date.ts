/**
 * Time of a request: `X-Amz-Date` in ISO 8601 basic format (yyyymmddThhmmssZ), or the `Date`
 * header in that format or as an IMF-fixdate (RFC 9110, section 5.6.7).
 */

/** How far a request's time may be from ours, milliseconds (AWS: 5 minutes). */
export const CLOCK_SKEW_MS_MAX = 300_000;

const AMZ_DATE_CHARS = 16;
const IMF_FIXDATE_CHARS = 29;

/** The number that digits `from` to `to` of `text` spell; NaN when one is no digit. */
function digits(text: string, from: number, to: number): number {
  let value = 0;
  for (let i = from; i < to; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}

/** Milliseconds since the epoch of a yyyymmddThhmmssZ; NaN for anything else. */
export function parseAmzDate(text: string): number {
  if (text.length !== AMZ_DATE_CHARS || text[8] !== 'T' || text[15] !== 'Z') return Number.NaN;
  const month = digits(text, 4, 6);
  const day = digits(text, 6, 8);
  const hour = digits(text, 9, 11);
  const minute = digits(text, 11, 13);
  const second = digits(text, 13, 15);
  if (!(hour <= 23 && minute <= 59 && second <= 59)) return Number.NaN;
  const ms = Date.UTC(digits(text, 0, 4), month - 1, day, hour, minute, second);
  // Date.UTC carries day 31 of a short month over, and reads years before 100 as 19xx.
  return formatAmzDate(ms) === text ? ms : Number.NaN;
}

/** yyyymmddThhmmssZ, the second rounded down; '' for NaN. */
export function formatAmzDate(ms: number): string {
  if (Number.isNaN(ms)) return '';
  const iso = new Date(ms).toISOString();
  const day = iso.slice(0, 4) + iso.slice(5, 7) + iso.slice(8, 10);
  return `${day}T${iso.slice(11, 13)}${iso.slice(14, 16)}${iso.slice(17, 19)}Z`;
}

/** Milliseconds since the epoch of a `Date` header; NaN where it is in neither format. */
export function parseDateHeader(text: string): number {
  if (text.length !== IMF_FIXDATE_CHARS) return parseAmzDate(text);
  const ms = Date.parse(text);
  return !Number.isNaN(ms) && new Date(ms).toUTCString() === text ? ms : Number.NaN;
}
