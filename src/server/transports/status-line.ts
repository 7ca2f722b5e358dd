/** Reason phrases of the statuses that we send (RFC 9110 section 15). */
const REASONS: Readonly<Record<number, string>> = Object.freeze({
  200: 'OK',
  400: 'Bad Request',
  404: 'Not Found',
  408: 'Request Timeout',
  411: 'Length Required',
  413: 'Content Too Large',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
  505: 'HTTP Version Not Supported',
});

/** '400 Bad Request'; a status that is not in the table gets no phrase. */
export function statusLine(status: number): string {
  return `${status} ${REASONS[status] ?? ''}`;
}
