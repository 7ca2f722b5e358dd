/** docs/audit.md against the records and the bounds of the code. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { AUDIT_FILE_BYTES_MAX, AUDIT_QUEUE_CHARS_MAX } from '../../src/audit/file-sink.js';
import { createAuditRecorder } from '../../src/audit/recorder.js';
import { parseConfig } from '../../src/core/config.js';
import { KmsError } from '../../src/core/errors.js';
import { randomId } from '../../src/core/random-ids.js';

const doc = readFileSync(join(new URL('../..', import.meta.url).pathname, 'docs/audit.md'), 'utf8');

test('the table has every member, in the order of the records', () => {
  const recorder = createAuditRecorder();
  const arn = 'arn:aws:kms:eu-central-1:111122223333:key/k';
  const caller = {
    account: '111122223333',
    arn: 'arn:aws:iam::111122223333:root',
    kind: 'root',
    name: 'root',
    accessKeyId: 'AKIA',
    region: 'eu-central-1',
  } as const;
  const request = recorder.build({
    time: 0,
    requestId: randomId(),
    operation: 'Encrypt',
    caller,
    sourceAddress: '127.0.0.1',
    userAgent: 'x',
    host: 'h',
    tls: true,
    error: new KmsError('NotFoundException', 'x'),
    readOnly: true,
    request: {},
    response: {},
    extra: {},
    resources: [arn],
  });
  const event = recorder.buildServiceEvent({
    time: 0,
    event: 'DeleteKey',
    account: caller.account,
    region: caller.region,
    keyArn: arn,
    details: {},
  });
  const table = doc.slice(doc.indexOf('| Member |'), doc.indexOf('`userIdentity` is one of'));
  const documented = [...table.matchAll(/^\| `(\w+)` \|/gm)].map((match) => match[1]!);
  for (const line of [request, event]) {
    const members = Object.keys(JSON.parse(line) as object);
    expect(documented.filter((name) => members.includes(name))).toEqual(members);
  }
  const all = new Set([request, event].flatMap((line) => Object.keys(JSON.parse(line) as object)));
  expect(new Set(documented)).toEqual(all);
});

test('the bounds are those of the code and of the configuration', () => {
  expect(AUDIT_FILE_BYTES_MAX).toBe(128 * 1024 * 1024);
  expect(parseConfig({ dev: true }).audit.maxBytes).toBe(AUDIT_FILE_BYTES_MAX);
  expect(doc).toContain('(128 MiB)');
  expect(AUDIT_QUEUE_CHARS_MAX).toBe(64 * 1024 * 1024);
  expect(doc).toContain('64 Mi characters');
});
