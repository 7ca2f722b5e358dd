/** Dev mode: no signature is checked, but a request must look signed. */
import { describe, expect, it } from 'vitest';
import { createDevAuthenticator } from '../../src/auth/dev-authenticator.js';
import { Head, type Lines, REGION, refusalOf, signedLines, withLine } from './rig.js';

const dev = createDevAuthenticator();
const call = (lines: Lines) => dev.authenticate(new Head(lines), Buffer.alloc(0));

describe('the dev authenticator', () => {
  it.each([
    ['123456789012', '123456789012'],
    ['test', '000000000000'],
    ['AKIAIOSFODNN7EXAMPLE', '000000000000'],
    ['12345678901', '000000000000'],
    ['1234567890123', '000000000000'],
    ['١٢٣٤٥٦٧٨٩٠١٢', '000000000000'],
  ])('takes access key id %s for account %s', async (accessKeyId, account) => {
    const caller = await call(signedLines({}, { accessKeyId, secret: 'anything' }));
    expect(caller).toMatchObject({
      account,
      arn: `arn:aws:iam::${account}:root`,
      kind: 'root',
      name: 'root',
      region: REGION,
    });
    expect(caller.accessKeyId).toMatch(/^[\x20-\x7e]+$/);
    expect(Object.isFrozen(caller)).toBe(true);
    expect(await call(signedLines({}, { accessKeyId, secret: 'other' }))).toBe(caller);
  });

  it('takes the name of a service for that service', async () => {
    const caller = await call(signedLines({}, { accessKeyId: 's3.amazonaws.com' }));
    expect(caller).toEqual({
      account: '000000000000',
      arn: 'arn:aws:iam::000000000000:service/s3.amazonaws.com',
      kind: 'service',
      name: 's3.amazonaws.com',
      accessKeyId: 's3.amazonaws.com',
      region: REGION,
    });
    const other = await call(signedLines({}, { accessKeyId: 'S3.amazonaws.com' }));
    expect(other.kind).toBe('root');
  });

  it('does not look at dates, signed headers or the signature', async () => {
    const lines = signedLines({}, { at: 0 }).filter(([name]) => !name.startsWith('x-amz-'));
    expect((await call(lines)).region).toBe(REGION);
  });

  it.each([
    ['no header', '', 'MissingAuthenticationTokenException: Missing Authentication Token'],
    ['Bearer', 'Bearer x', 'MissingAuthenticationTokenException: Missing Authentication Token'],
    [
      'no parameters',
      'AWS4-HMAC-SHA256',
      'IncompleteSignatureException: Authorization header requires',
    ],
    [
      'another algorithm',
      'AWS4-X Credential=a/b/c/d/e, SignedHeaders=h, Signature=s',
      "IncompleteSignatureException: Unsupported AWS 'algorithm': 'AWS4-X'",
    ],
    [
      'no scope',
      'AWS4-HMAC-SHA256 Credential=a, SignedHeaders=h, Signature=s',
      'IncompleteSignatureException: Credential must have exactly 5',
    ],
    [
      'no region',
      'AWS4-HMAC-SHA256 Credential=a/b/C D/d/e, SignedHeaders=h, Signature=s',
      'IncompleteSignatureException: Invalid key=value pair',
    ],
    [
      'a bad region',
      'AWS4-HMAC-SHA256 Credential=a/b/../d/e, SignedHeaders=h, Signature=s',
      "InvalidSignatureException: Credential should be scoped to a valid region, not '..'",
    ],
  ])('refuses %s', async (_, authorization, start) => {
    const refusal = await refusalOf(call(withLine(signedLines(), 'authorization', authorization)));
    expect(refusal.slice(0, start.length)).toBe(start);
  });
});
