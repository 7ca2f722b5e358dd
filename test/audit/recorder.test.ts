/** The records: CloudTrail's members, and text of clients that stays text. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AuditFields, AuditPrincipal } from '../../src/audit/record.js';
import { createAuditRecorder } from '../../src/audit/recorder.js';
import { KmsError } from '../../src/core/errors.js';
import type { RandomId } from '../../src/core/random-ids.js';

const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
console.log(`audit records: SEED=${seed}`);

const ACCOUNT = '111122223333';
const ARN = `arn:aws:kms:eu-central-1:${ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab`;
const ROOT: AuditPrincipal = {
  account: ACCOUNT,
  arn: `arn:aws:iam::${ACCOUNT}:root`,
  kind: 'root',
  name: 'root',
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  region: 'eu-central-1',
};
const FIELDS: AuditFields = {
  time: Date.UTC(2026, 10, 24, 18, 15, 59, 999),
  requestId: '0b4d0310-9f86-4081-884c-7d659a2feaa0' as RandomId,
  operation: 'Encrypt',
  caller: ROOT,
  sourceAddress: '192.0.2.7',
  userAgent: 'aws-cli/2.15',
  host: 'kms.example:8443',
  tls: true,
  error: undefined,
  readOnly: true,
  request: { keyId: ARN, encryptionAlgorithm: 'SYMMETRIC_DEFAULT', encryptionContext: undefined },
  response: null,
  extra: { keyMaterialId: 'ab'.repeat(32) },
  resources: [ARN],
};

const recorder = createAuditRecorder({ newId: () => 'e-1' });
const of = (changes: Partial<AuditFields>) => recorder.build({ ...FIELDS, ...changes });
// biome-ignore lint/suspicious/noExplicitAny: records are read by name
const read = (changes: Partial<AuditFields>): any => JSON.parse(of(changes));

test('a record, member by member', () => {
  expect(of({})).toBe(
    JSON.stringify({
      eventVersion: '1.11',
      userIdentity: {
        type: 'Root',
        principalId: ACCOUNT,
        arn: ROOT.arn,
        accountId: ACCOUNT,
        accessKeyId: ROOT.accessKeyId,
      },
      eventTime: '2026-11-24T18:15:59Z',
      eventSource: 'kms.amazonaws.com',
      eventName: 'Encrypt',
      awsRegion: 'eu-central-1',
      sourceIPAddress: '192.0.2.7',
      userAgent: 'aws-cli/2.15',
      requestParameters: { keyId: ARN, encryptionAlgorithm: 'SYMMETRIC_DEFAULT' },
      responseElements: null,
      additionalEventData: { keyMaterialId: 'ab'.repeat(32) },
      requestID: FIELDS.requestId,
      eventID: 'e-1',
      readOnly: true,
      resources: [{ accountId: ACCOUNT, type: 'AWS::KMS::Key', ARN }],
      eventType: 'AwsApiCall',
      managementEvent: true,
      recipientAccountId: ACCOUNT,
      eventCategory: 'Management',
      tlsDetails: { clientProvidedHostHeader: 'kms.example:8443' },
    }),
  );
});

describe('members that vary', () => {
  test('no TLS, no additional data, no resources: the members say so', () => {
    const record = read({ tls: false, extra: undefined, resources: [], readOnly: false });
    expect(record).not.toHaveProperty('tlsDetails');
    expect(record).not.toHaveProperty('additionalEventData');
    expect(record).toMatchObject({ resources: [], readOnly: false });
  });

  test('a service', () => {
    const arn = `arn:aws:iam::${ACCOUNT}:service/s3.amazonaws.com`;
    const service = { ...ROOT, kind: 'service', name: 's3.amazonaws.com', arn } as const;
    expect(read({ caller: service }).userIdentity).toEqual({
      type: 'AWSService',
      arn,
      accountId: ACCOUNT,
      accessKeyId: ROOT.accessKeyId,
      invokedBy: 's3.amazonaws.com',
    });
  });

  test('a user, a role, and a session of a role', () => {
    const user = { ...ROOT, kind: 'user', name: 'ada', arn: `arn:aws:iam::${ACCOUNT}:user/ada` };
    expect(read({ caller: user as AuditPrincipal }).userIdentity).toEqual({
      type: 'IAMUser',
      arn: user.arn,
      accountId: ACCOUNT,
      accessKeyId: ROOT.accessKeyId,
      userName: 'ada',
    });
    const issuer = {
      type: 'Role',
      arn: `arn:aws:iam::${ACCOUNT}:role/app`,
      accountId: ACCOUNT,
      userName: 'app',
    };
    for (const arn of [issuer.arn, `arn:aws:sts::${ACCOUNT}:assumed-role/app/session-1`]) {
      const role = { ...ROOT, kind: 'role', name: 'app', arn } as const;
      expect(read({ caller: role }).userIdentity).toEqual({
        type: 'AssumedRole',
        arn,
        accountId: ACCOUNT,
        accessKeyId: ROOT.accessKeyId,
        sessionContext: { sessionIssuer: issuer },
      });
    }
  });

  test('one access key that changes its principal or Region is not mistaken for the former', () => {
    const first = read({ caller: { ...ROOT } });
    const second = read({ caller: { ...ROOT, region: 'us-east-1' } });
    const third = read({ caller: { ...ROOT, account: '999999999999' } });
    expect(first.awsRegion).toBe('eu-central-1');
    expect(second.awsRegion).toBe('us-east-1');
    expect(third).toMatchObject({
      awsRegion: 'eu-central-1',
      recipientAccountId: '999999999999',
      userIdentity: { accountId: '999999999999' },
    });
  });

  test('several resources, each with the account of its ARN', () => {
    const other = ARN.replace(ACCOUNT, '444455556666');
    const alias = `arn:aws:kms:eu-central-1:${ACCOUNT}:alias/x`;
    const account = (ARN: string, accountId: string) => ({
      accountId,
      type: 'AWS::KMS::Key',
      ARN,
    });
    expect(read({ resources: [other, ARN, alias, 'no-arn'] }).resources).toEqual([
      account(other, '444455556666'),
      account(ARN, ACCOUNT),
      account(alias, ACCOUNT),
      account('no-arn', ''),
    ]);
  });

  test('failures: the error’s name, AccessDenied without its suffix, the text bounded', () => {
    expect(read({ error: new KmsError('DisabledException', `${ARN} is disabled.`) })).toMatchObject(
      {
        errorCode: 'DisabledException',
        errorMessage: `${ARN} is disabled.`,
      },
    );
    expect(read({ error: new KmsError('AccessDeniedException', 'no') }).errorCode).toBe(
      'AccessDenied',
    );
    const silent = read({ error: new KmsError('InvalidCiphertextException') });
    expect(silent.errorCode).toBe('InvalidCiphertextException');
    expect(silent).not.toHaveProperty('errorMessage');
    const long = read({ error: new KmsError('ValidationException', 'v'.repeat(9_999)) });
    expect(long.errorMessage).toBe('v'.repeat(1_024));
  });

  test('an object beyond CloudTrail’s bound is left out, and said to be', () => {
    const big = { policy: 'p'.repeat(102_400) };
    const { requestParameters, responseElements } = read({ request: big, response: { a: [1] } });
    expect(requestParameters).toEqual({ omitted: true, originalSize: 102_413 });
    expect(responseElements).toEqual({ a: [1] });
  });

  test('a refused signature: nobody, with the key id that was named', () => {
    const refused = {
      caller: undefined,
      claimedAccessKeyId: 'AKIAGUESSED',
      operation: '',
      request: null,
      error: new KmsError('InvalidSignatureException'),
      resources: [],
    };
    const record = read(refused);
    expect(record.userIdentity).toEqual({ type: 'Unknown', accessKeyId: 'AKIAGUESSED' });
    expect(record).toMatchObject({ eventName: '', errorCode: 'InvalidSignatureException' });
    expect(record).not.toHaveProperty('awsRegion');
    expect(record).not.toHaveProperty('recipientAccountId');
    const home = { account: ACCOUNT, region: 'eu-west-3' };
    const text = createAuditRecorder({ home }).build({
      ...FIELDS,
      ...refused,
      claimedAccessKeyId: undefined,
    });
    expect(JSON.parse(text)).toMatchObject({
      userIdentity: { type: 'Unknown' },
      awsRegion: 'eu-west-3',
      recipientAccountId: ACCOUNT,
    });
  });

  test('times over many seconds, in and out of order', () => {
    for (const time of [
      0, 999, 1_000, 999, 1_764_008_100_000, 1_764_008_100_001, 951_782_400_000,
    ]) {
      const seconds = new Date(Math.floor(time / 1000) * 1000);
      expect(read({ time }).eventTime).toBe(seconds.toISOString().replace('.000', ''));
    }
  });

  test('event ids are random UUIDs, all different', () => {
    const real = createAuditRecorder();
    const ids = new Set<string>();
    for (let i = 0; i < 10_000; i++) {
      ids.add((JSON.parse(real.build(FIELDS)) as { eventID: string }).eventID);
    }
    expect(ids.size).toBe(10_000);
    for (const id of ids) {
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    }
  });

  test('a value that JSON has not is a programmer error', () => {
    expect(() => of({ request: { at: new Date(0) } })).toThrow(TypeError);
    expect(() => of({ request: { blob: Buffer.from('x') } })).toThrow(TypeError);
    expect(() => of({ extra: { n: 1n } })).toThrow(TypeError);
  });
});

test('the deletion of a key is an event of the service', () => {
  const text = recorder.buildServiceEvent({
    time: FIELDS.time,
    event: 'DeleteKey',
    account: ACCOUNT,
    region: 'eu-central-1',
    keyArn: ARN,
  });
  expect(JSON.parse(text)).toEqual({
    eventVersion: '1.11',
    userIdentity: { accountId: ACCOUNT, invokedBy: 'AWS Internal' },
    eventTime: '2026-11-24T18:15:59Z',
    eventSource: 'kms.amazonaws.com',
    eventName: 'DeleteKey',
    awsRegion: 'eu-central-1',
    sourceIPAddress: 'AWS Internal',
    userAgent: 'AWS Internal',
    requestParameters: null,
    responseElements: { keyId: ARN },
    eventID: 'e-1',
    readOnly: false,
    resources: [{ accountId: ACCOUNT, type: 'AWS::KMS::Key', ARN }],
    eventType: 'AwsServiceEvent',
    managementEvent: true,
    recipientAccountId: ACCOUNT,
    eventCategory: 'Management',
  });
});

describe('text of clients', () => {
  const HOSTILE = [
    '"},"eventName":"Forged","x":{"y":"',
    'two\nlines\r\n',
    '\u2028\u2029\u0085\u000b\u000c',
    '\u001b[2J\u009b31m\u007f\u0000',
    '\ud800 lone \udfff',
    '😀 жъ \u202e\ufeff\u200b',
    '\\u0022 \\" \\',
    '__proto__',
  ];
  const anyText = fc.oneof(
    fc.constantFrom(...HOSTILE),
    fc.string({ unit: 'binary' }),
    // UTF-16 units at random: surrogates alone and in pairs, controls, separators.
    fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
  );
  const anyJson = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      anyText,
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(anyText, tie('value'), { maxKeys: 4 }),
    ),
  })).value;
  const anyObject = fc.dictionary(anyText, anyJson, { maxKeys: 5 });

  test('comes back as it was, in one line of printable ASCII', () => {
    fc.assert(
      fc.property(
        fc.record({
          operation: anyText,
          sourceAddress: anyText,
          userAgent: anyText,
          host: anyText,
          message: anyText,
          arn: anyText,
          name: anyText,
          request: anyObject,
          response: fc.option(anyObject),
          extra: anyObject,
        }),
        (given) => {
          const caller = { ...ROOT, kind: 'user', name: given.name, arn: given.arn } as const;
          const line = of({
            ...given,
            caller,
            error: new KmsError('ValidationException', given.message),
            resources: [given.arn],
          });
          expect(line).toMatch(/^[ -~]*$/);
          const record = JSON.parse(line);
          const through = (value: unknown) => JSON.parse(JSON.stringify(value));
          expect(record.eventName).toBe(given.operation);
          expect(record.sourceIPAddress).toBe(given.sourceAddress);
          expect(record.userAgent).toBe(given.userAgent);
          expect(record.tlsDetails.clientProvidedHostHeader).toBe(given.host);
          expect(record.errorMessage ?? '').toBe(given.message);
          expect(record.userIdentity.userName).toBe(given.name);
          expect(record.userIdentity.arn).toBe(given.arn);
          expect(record.resources[0].ARN).toBe(given.arn);
          expect(record.requestParameters).toEqual(through(given.request));
          expect(record.responseElements).toEqual(through(given.response));
          expect(record.additionalEventData).toEqual(through(given.extra));
          expect(Object.keys(record)).toHaveLength(given.message === '' ? 21 : 22);
        },
      ),
      { seed, numRuns: 1_000 },
    );
  });

  test.each(HOSTILE)('%j as a user agent, after another of its length', (userAgent) => {
    expect(read({ userAgent: 'x'.repeat(userAgent.length) }).userAgent).toMatch(/^x+$/);
    expect(read({ userAgent }).userAgent).toBe(userAgent);
    expect(read({ userAgent: 'y'.repeat(userAgent.length + 64) }).userAgent).toMatch(/^y+$/);
    expect(read({ userAgent }).userAgent).toBe(userAgent);
  });

  test('thousands of principals and resources: none is confused with another', () => {
    for (let i = 0; i < 10_000; i++) {
      const caller = { ...ROOT, accessKeyId: `AKIA${i}`, name: `n${i}`, kind: 'user' } as const;
      const arn = `${ARN}${i % 5_000}`;
      const record = read({ caller, resources: [arn] });
      expect(record.userIdentity).toMatchObject({ accessKeyId: `AKIA${i}`, userName: `n${i}` });
      expect(record.resources[0].ARN).toBe(arn);
    }
  });
});

describe('texts that are kept', () => {
  const few = <T>(...values: T[]) => fc.constantFrom(...values);
  const anyText = fc.oneof(few('a', 'b', 'SYMMETRIC_DEFAULT', 'x"y'), fc.string({ maxLength: 6 }));
  const given = fc.record({
    request: fc.option(
      fc.oneof(
        fc.record({ keyId: few(ARN, `${ARN}1`, undefined), algorithm: anyText }),
        fc.record({ algorithm: anyText, keyId: few(ARN, undefined) }),
        fc.record({ keyId: anyText, context: fc.dictionary(anyText, anyText, { maxKeys: 2 }) }),
        fc.record({ numberOfBytes: few(32, 64) }),
        few({}, { keyId: undefined }),
      ),
    ),
    response: few(null, { keyId: ARN }),
    extra: few(undefined, { keyMaterialId: 'ab' }, { keyMaterialId: 'ac' }),
    readOnly: few(true, false),
    tls: few(true, false),
    resources: few([], [ARN], [`${ARN}1`], [ARN, `${ARN}1`], ['']),
    caller: few(ROOT, { ...ROOT, region: 'eu-west-1' }, { ...ROOT, account: '222222222222' }),
  });

  test('give each record what is its own, however often and in whatever order', () => {
    fc.assert(
      fc.property(fc.array(given, { minLength: 4, maxLength: 40 }), (rows) => {
        const warm = createAuditRecorder({ newId: () => 'e-1' });
        for (const changes of [...rows, ...rows, ...rows]) {
          const fields = { ...FIELDS, ...changes };
          const line = warm.build(fields);
          expect(line).toBe(createAuditRecorder({ newId: () => 'e-1' }).build(fields));
          const record = JSON.parse(line);
          expect(record.requestParameters).toEqual(
            changes.request === null ? null : JSON.parse(JSON.stringify(changes.request)),
          );
          expect(record.additionalEventData).toEqual(changes.extra);
          expect(record.readOnly).toBe(changes.readOnly);
          expect(record.resources.map(({ ARN: arn }: { ARN: string }) => arn)).toEqual(
            changes.resources,
          );
          expect(record.recipientAccountId).toBe(changes.caller.account);
          expect(record.awsRegion).toBe(changes.caller.region);
        }
      }),
      { numRuns: 150 },
    );
  });

  test('bytes, dates and maps are refused as before', () => {
    for (const value of [new Date(0), new Map(), Buffer.from('x')]) {
      expect(() => of({ request: value })).toThrow(TypeError);
      expect(() => of({ extra: value })).toThrow(TypeError);
    }
  });
});
