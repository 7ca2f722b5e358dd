/** docs/errors.md against the one table of errors, both ways. */
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ERRORS, type ErrorRow, isKmsError, KmsError } from '../../src/core/errors.js';

const path = new URL('../../docs/errors.md', import.meta.url).pathname;

function row([code, error]: [string, ErrorRow]): string {
  const text = error.message ?? '';
  return `| \`${code}\` | ${error.status} | ${error.retryable ? 'yes' : 'no'} | ${text} |`;
}

const page = `# Errors

Generated from \`src/core/errors.ts\`; a test fails when this page differs (\`UPDATE_DOCS=1\` with that
test writes it).

A body is \`{"__type": CODE, "message": TEXT}\`; the text is left out where there is none, and its
member is \`Message\` in AccessDeniedException, as AWS KMS sends it. Every answer carries
\`x-amzn-RequestId\`, which is also \`requestID\` in the audit log.

| Code | HTTP status | SDKs may retry | Text, where it is always the same |
|---|---|---|---|
${Object.entries(ERRORS)
  .map((entry) => row(entry as [string, ErrorRow]))
  .join('\n')}
`;

test('docs/errors.md is in step with the table', () => {
  if (process.env.UPDATE_DOCS === '1') writeFileSync(path, page);
  expect(readFileSync(path, 'utf8')).toBe(page);
});

test.each(Object.entries(ERRORS) as [keyof typeof ERRORS, ErrorRow][])(
  '%s: its row, its text and its cause',
  (code, expected) => {
    const cause = new Error('inside');
    const error = new KmsError(code, undefined, cause);
    expect(error.row).toBe(expected);
    expect(error.message).toBe(expected.message ?? '');
    expect(error.cause).toBe(cause);
    expect(isKmsError(error, code)).toBe(true);
    expect(expected.retryable).toBe(expected.status >= 500 || code === 'ThrottlingException');
  },
);
