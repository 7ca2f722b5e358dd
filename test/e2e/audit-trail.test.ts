/** The CloudTrail record of every operation, read from the log of a real server. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServer, type TestServer } from '../harness.js';
import { makeKey, mustCall, namedKeys } from '../operations/named-keys.js';
import { KEY_OF, MESSAGE, type NamedKeys, requests } from '../operations/requests.js';

let server: TestServer;
let keys: NamedKeys;
// biome-ignore lint/suspicious/noExplicitAny: records are read by name
const records = new Map<string, any>();
/** What was sent or answered and must not be in the log. */
const secrets: string[] = [];
let created = '';
let materialId = '';

/** There is no custom key store, and none can be made. */
const REFUSED = ['Create', 'Connect', 'Disconnect', 'Update', 'Delete'].map(
  (verb) => `${verb}CustomKeyStore`,
);
const SECRET_MEMBERS = ['Plaintext', 'PrivateKeyPlaintext', 'SharedSecret', 'Signature', 'Mac'];
const CONTEXT = { tenant: 'blue' };

function arn(keyId: string): string {
  return `arn:aws:kms:${server.region}:${server.account}:key/${keyId}`;
}

// biome-ignore lint/suspicious/noExplicitAny: records are read by name
function recordOf(requestId: string): any {
  const line = server.auditLines().find((text) => text.includes(requestId));
  if (line === undefined) throw new Error(`no record of request ${requestId}`);
  return JSON.parse(line);
}

beforeAll(async () => {
  server = await startServer({ quota: 'off' });
  const made = await namedKeys(server, 'alias/audited');
  keys = made.keys;
  const described = await mustCall(server, 'DescribeKey', { KeyId: keys.symmetric });
  materialId = described.KeyMetadata.CurrentKeyMaterialId;
  const bodies: Record<string, object> = { ...requests(keys, made.sealed) };
  bodies.Encrypt = { ...bodies.Encrypt, EncryptionContext: CONTEXT };
  const doomed = await makeKey(server);
  bodies.ScheduleKeyDeletion = { KeyId: doomed, PendingWindowInDays: 7 };
  bodies.CancelKeyDeletion = { KeyId: doomed };
  // The symmetric key keeps its material for the others.
  bodies.RotateKeyOnDemand = { KeyId: doomed };
  bodies.DisableKey = { KeyId: doomed };
  bodies.EnableKey = { KeyId: doomed };
  const last = [
    'DisableKey',
    'EnableKey',
    'ScheduleKeyDeletion',
    'CancelKeyDeletion',
    'DeleteAlias',
  ];
  const order = [...Object.keys(bodies).filter((name) => !last.includes(name)), ...last];
  for (const name of order) {
    const reply = await server.call(name, bodies[name]);
    if ((reply.status !== 200) !== REFUSED.includes(name)) {
      throw new Error(`${name}: ${reply.text}`);
    }
    if (name === 'CreateKey') created = reply.json.KeyMetadata.KeyId;
    for (const member of SECRET_MEMBERS) {
      const value = reply.json[member];
      if (typeof value === 'string' && value.length > 20) secrets.push(value);
    }
    records.set(name, recordOf(String(reply.headers['x-amzn-requestid'])));
  }
});
afterAll(() => server.stop());

describe.each(Object.keys(KEY_OF))('%s', (name) => {
  test('has the members of every record', () => {
    const record = records.get(name);
    expect(record).toMatchObject({
      eventSource: 'kms.amazonaws.com',
      eventName: name,
      awsRegion: server.region,
      sourceIPAddress: '127.0.0.1',
      readOnly:
        !/^(Connect|Disconnect|Import|Create|Update|Delete|Enable|Disable|Schedule|Cancel|Tag|Untag|Rotate|Replicate|Put|Retire|Revoke)/.test(
          name,
        ),
      eventType: 'AwsApiCall',
      managementEvent: true,
      eventCategory: 'Management',
      recipientAccountId: server.account,
    });
    expect(record.eventVersion).toMatch(/^1\.\d\d$/);
    expect(record.eventTime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(record.userIdentity).toMatchObject({
      accountId: server.account,
      accessKeyId: server.credentials.accessKeyId,
    });
    expect(record.eventID).not.toBe(record.requestID);
    expect(Object.hasOwn(record, 'errorCode')).toBe(REFUSED.includes(name));
  });

  test('names its resources', () => {
    const arns = (records.get(name).resources ?? []).map((entry: { ARN: string }) => entry.ARN);
    if (name === 'CreateKey') expect(arns).toEqual([arn(created)]);
    else if (KEY_OF[name] === undefined) expect(arns).toEqual([]);
    else if (name.endsWith('Alias')) {
      expect(arns).toContain(arn(keys.symmetric));
      expect(arns.some((text: string) => text.includes(':alias/'))).toBe(true);
    } else if (name === 'ReEncrypt') {
      expect(arns).toEqual([arn(keys.symmetric), arn(keys.symmetric)]);
    } else expect(arns).toHaveLength(1);
  });
});

test('request parameters and response elements, where they say something', () => {
  const of = (name: string) => {
    const { requestParameters, responseElements, additionalEventData } = records.get(name);
    return { requestParameters, responseElements, additionalEventData };
  };
  expect(of('Encrypt')).toEqual({
    requestParameters: {
      keyId: keys.symmetric,
      encryptionAlgorithm: 'SYMMETRIC_DEFAULT',
      encryptionContext: CONTEXT,
    },
    responseElements: null,
    additionalEventData: { keyMaterialId: materialId },
  });
  expect(of('Decrypt')).toMatchObject({ additionalEventData: { keyMaterialId: materialId } });
  expect(of('Sign').requestParameters).toEqual({
    keyId: keys.sign,
    messageType: 'RAW',
    signingAlgorithm: 'ECDSA_SHA_256',
  });
  expect(of('GenerateRandom')).toMatchObject({ requestParameters: null, responseElements: null });
  expect(of('CreateKey').responseElements.keyMetadata).toMatchObject({
    aWSAccountId: server.account,
    keyId: created,
    keyState: 'Enabled',
    encryptionAlgorithms: ['SYMMETRIC_DEFAULT'],
  });
  expect(of('CreateKey').responseElements.keyMetadata.creationDate).toMatch(
    /^[A-Z][a-z]{2} \d{1,2}, \d{4}, \d{1,2}:\d\d:\d\d [AP]M$/,
  );
  expect(of('ScheduleKeyDeletion').responseElements).toMatchObject({
    keyState: 'PendingDeletion',
    pendingWindowInDays: 7,
  });
  for (const name of ['EnableKey', 'DisableKey', 'UpdateKeyDescription', 'CreateAlias']) {
    expect(of(name).responseElements.keyId).toMatch(/^arn:aws:kms:.*:key\//);
  }
});

test('refusals are recorded with their reason', async () => {
  const dry = await server.call('Encrypt', {
    KeyId: keys.symmetric,
    Plaintext: 'AAAA',
    DryRun: true,
  });
  expect(recordOf(String(dry.headers['x-amzn-requestid']))).toMatchObject({
    eventName: 'Encrypt',
    errorCode: 'DryRunOperationException',
    responseElements: null,
  });
  const absent = await server.call('DescribeKey', { KeyId: 'alias/absent' });
  expect(recordOf(String(absent.headers['x-amzn-requestid']))).toMatchObject({
    errorCode: 'NotFoundException',
    errorMessage: absent.json.message,
    requestParameters: { keyId: 'alias/absent' },
  });
  const bad = await server.call('Encrypt', '{');
  expect(recordOf(String(bad.headers['x-amzn-requestid']))).toMatchObject({
    errorCode: 'SerializationException',
  });
});

test('nothing secret is in the log', () => {
  const log = server.auditLines().join('\n');
  expect(secrets.length).toBeGreaterThan(4);
  for (const secret of secrets) expect(log).not.toContain(secret);
  expect(log).not.toContain(`"${MESSAGE}"`);
  expect(log).not.toContain(server.credentials.secretAccessKey);
});
