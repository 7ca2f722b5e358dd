/**
 * The pipeline: the order of its steps, that every end is audited, and that nothing leaves before
 * its record. The ports around it are in-memory twins here; the real ones meet in test/e2e.
 */
import { describe, expect, it } from 'vitest';
import type { AttestedRecipient } from '../../src/attestation/port.js';
import type { AuditSink } from '../../src/audit/port.js';
import type { AuditFields } from '../../src/audit/record.js';
import type { Authenticator, Caller } from '../../src/auth/port.js';
import { ManualClock } from '../../src/core/clock.js';
import { type ErrorCode, KmsError } from '../../src/core/errors.js';
import type { Key } from '../../src/keys/key.js';
import type { KeyService } from '../../src/keys/service.js';
import { type Operation, operation } from '../../src/operations/port.js';
import { OPERATIONS } from '../../src/operations/registry.js';
import { blob, kmsBoolean, kmsString, structure } from '../../src/protocol/schema.js';
import { createPipeline, type Pipeline } from '../../src/server/pipeline.js';
import type { HttpReply, HttpRequest } from '../../src/server/transport.js';
import type { Throttle } from '../../src/throttle/port.js';
import { until } from './rig.js';

const CALLER: Caller = {
  account: '123456789012',
  arn: 'arn:aws:iam::123456789012:user/admin',
  kind: 'user',
  name: 'admin',
  accessKeyId: 'AKID',
  region: 'eu-west-1',
};
const ARN = 'arn:aws:kms:eu-west-1:123456789012:key/k1';

const echo = operation({
  name: 'Echo',
  input: structure(
    { KeyId: kmsString({ min: 1 }), Data: blob({ max: 8 }), DryRun: kmsBoolean() },
    { required: ['KeyId'] },
  ),
  access: (input) => [{ member: 'KeyId', id: input.KeyId, aliases: true, permission: 'kms:Echo' }],
  quota: () => [{ quota: 'echo' }],
  changesKeyState: true,
  audit: {
    readOnly: true,
    request: (input) => ({ keyId: input.KeyId }),
    response: (_input, output: { KeyId: string }) => ({ keyId: output.KeyId }),
  },
  async run({ keys, endDryRun }, input) {
    endDryRun(input.DryRun);
    return { KeyId: keys[0]!.arn, Data: input.Data?.toBuffer() };
  },
});

const RECIPIENT: AttestedRecipient = {
  platform: 'NitroEnclave',
  moduleId: '',
  timestamp: 1,
  pcrs: new Map([[0, 'ff'.repeat(48)]]),
  envelop: (plaintext) => Buffer.from(plaintext),
};

const attested = operation({
  ...echo,
  name: 'Attested',
  input: structure(
    { KeyId: kmsString({ min: 1 }), Recipient: structure({ AttestationDocument: blob() }) },
    { required: ['KeyId'] },
  ),
  attested: true,
  async run({ recipient }) {
    return { KeyId: recipient?.moduleId ?? 'nobody' };
  },
});

class World {
  steps: string[] = [];
  records: AuditFields[] = [];
  replies: HttpReply[] = [];
  logged: unknown[] = [];
  counted: string[] = [];
  fail: Partial<Record<string, unknown>> = {};
  slowKeys = false;
  auditGate: Promise<void> = Promise.resolve();
  readonly clock = new ManualClock();

  step(name: string): void {
    this.steps.push(name);
    if (this.fail[name] !== undefined) throw this.fail[name];
  }

  pipeline(operations: readonly Operation[] = [echo], inFlightMax = 100): Pipeline {
    const world = this;
    const authenticator: Authenticator = {
      async authenticate() {
        world.step('authenticate');
        return CALLER;
      },
    };
    const throttle: Throttle = {
      take: () => {
        world.steps.push('throttle');
        return world.fail.throttle === undefined;
      },
      takeStateChange: () => world.fail.hotKey === undefined,
      rate: () => Number.POSITIVE_INFINITY,
    };
    const service = {
      resolve(_caller: Caller, lookup: { id?: string }) {
        world.step('resolve');
        const key = { arn: ARN.replace('k1', lookup.id ?? 'k1') } as unknown as Key;
        return world.slowKeys ? Promise.resolve(key) : key;
      },
    } as unknown as KeyService;
    const audit: AuditSink = {
      async append() {
        await world.auditGate;
        world.step('audit');
      },
      healthy: () => true,
      close: async () => undefined,
    };
    return createPipeline({
      authenticator,
      recipients: {
        async verify(document) {
          world.step('attest');
          return { ...RECIPIENT, moduleId: Buffer.from(document).toString() };
        },
      },
      throttle,
      operations,
      unsupported: ['NotOffered'],
      service,
      audit,
      recorder: {
        build: (fields) => {
          world.records.push(fields);
          return '{}';
        },
      },
      clock: world.clock,
      metrics: { request: (name, code) => world.counted.push(`${name} ${code}`) },
      log: { error: (fields, message) => world.logged.push([message, fields]) },
      inFlightMax,
    });
  }

  request(target: string, body: string | Buffer): HttpRequest {
    const headers: Record<string, string> = {
      'x-amz-target': target,
      host: 'kms.local',
      'user-agent': 'test/1',
    };
    return {
      method: 'POST',
      path: '/',
      query: '',
      lines: { names: Object.keys(headers), values: Object.values(headers) },
      body: Buffer.from(body),
      remoteAddress: '127.0.0.1',
      tls: true,
      header: (name) => headers[name] ?? '',
      aborted: () => false,
      reply: (reply) => {
        this.steps.push('reply');
        this.replies.push(reply);
      },
    };
  }

  /** Sends one request and returns its reply. */
  async call(
    target: string,
    body: unknown = {},
    pipeline = this.pipeline(),
  ): Promise<{ reply: HttpReply; record: AuditFields | undefined }> {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const before = this.replies.length;
    pipeline.onRequest(this.request(target, text));
    await until(() => this.replies.length > before);
    expect(pipeline.inFlight()).toBe(0);
    return { reply: this.replies.at(-1)!, record: this.records.at(-1) };
  }
}

const TARGET = 'TrentService.Echo';

describe('a request that succeeds', () => {
  it('passes the steps in order, and its reply comes after its record', async () => {
    const world = new World();
    const { reply, record } = await world.call(TARGET, { KeyId: 'k1', Data: 'YWJj' });
    expect(world.steps).toEqual(['authenticate', 'resolve', 'throttle', 'audit', 'reply']);
    expect(reply.status).toBe(200);
    expect(JSON.parse(reply.body)).toEqual({ KeyId: ARN, Data: 'YWJj' });
    expect(reply.requestId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4/);
    expect(record).toMatchObject({
      requestId: reply.requestId,
      operation: 'Echo',
      caller: CALLER,
      sourceAddress: '127.0.0.1',
      userAgent: 'test/1',
      host: 'kms.local',
      tls: true,
      error: undefined,
      request: { keyId: 'k1' },
      response: { keyId: ARN },
      resources: [ARN],
    });
    expect(world.counted).toEqual(['Echo OK']);
  });

  it('waits for keys that are not cached', async () => {
    const world = new World();
    world.slowKeys = true;
    const { reply } = await world.call(TARGET, { KeyId: 'k2' });
    expect(JSON.parse(reply.body).KeyId).toBe(ARN.replace('k1', 'k2'));
  });

  it('does not reply before the record is accepted', async () => {
    const world = new World();
    let open = () => {};
    world.auditGate = new Promise((resolve) => {
      open = resolve;
    });
    const pipeline = world.pipeline();
    pipeline.onRequest(world.request(TARGET, '{"KeyId":"k1"}'));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(world.replies).toEqual([]);
    expect(pipeline.inFlight()).toBe(1);
    open();
    await until(() => world.replies.length === 1);
  });
});

describe('an attested request', () => {
  const body = { KeyId: 'k1', Recipient: { AttestationDocument: 'bW9kdWxl' } };
  const call = (world: World, input: object) =>
    world.call('TrentService.Attested', input, world.pipeline([attested]));

  it('has its document verified before its key is looked up, and is recorded with it', async () => {
    for (const slowKeys of [false, true]) {
      const world = new World();
      world.slowKeys = slowKeys;
      const { reply, record } = await call(world, body);
      expect(JSON.parse(reply.body).KeyId).toBe('module');
      expect(world.steps).toEqual([
        ...['authenticate', 'attest', 'resolve', 'throttle'],
        ...['audit', 'reply'],
      ]);
      expect(record!.extra).toEqual({
        recipient: {
          attestationDocumentModuleId: 'module',
          attestationDocumentEnclaveImageDigest: Buffer.alloc(48, 0xff).toString('base64'),
        },
      });
    }
  });

  it('whose document is refused goes no further', async () => {
    const world = new World();
    world.fail.attest = new KmsError('ValidationException', 'no');
    const { reply, record } = await call(world, body);
    expect(JSON.parse(reply.body)).toEqual({ __type: 'ValidationException', message: 'no' });
    expect(world.steps).toEqual(['authenticate', 'attest', 'audit', 'reply']);
    expect(record!.extra).toBeUndefined();
  });

  it('is one with a Recipient: without, nothing is verified', async () => {
    const world = new World();
    const { reply } = await call(world, { KeyId: 'k1' });
    expect(JSON.parse(reply.body).KeyId).toBe('nobody');
    expect(world.steps).not.toContain('attest');
  });
});

describe('a request that is refused', () => {
  it.each([{ method: 'GET' }, { method: 'PUT' }, { path: '/kms' }, { path: '//' }])(
    '%o is no operation, though signed and with a target',
    async (other) => {
      const world = new World();
      world.pipeline().onRequest({ ...world.request(TARGET, '{"KeyId":"k1"}'), ...other });
      await until(() => world.replies.length === 1);
      expect(JSON.parse(world.replies[0]!.body).__type).toBe('UnknownOperationException');
      expect(world.steps).toEqual(['authenticate', 'audit', 'reply']);
    },
  );

  it.each<[string, Partial<World['fail']>, string, unknown, ErrorCode, string[]]>([
    [
      'signature',
      { authenticate: new KmsError('InvalidSignatureException') },
      'TrentService.Nothing',
      '{',
      'InvalidSignatureException',
      ['authenticate'],
    ],
    ['target', {}, 'TrentService.Nothing', '{', 'UnknownOperationException', ['authenticate']],
    ['other service', {}, 'SNS.Publish', '{', 'UnknownOperationException', ['authenticate']],
    [
      'not offered',
      {},
      'TrentService.NotOffered',
      '{',
      'UnsupportedOperationException',
      ['authenticate'],
    ],
    ['JSON', {}, TARGET, '{', 'SerializationException', ['authenticate']],
    ['constraint', {}, TARGET, {}, 'ValidationException', ['authenticate']],
    [
      'key',
      { resolve: new KmsError('NotFoundException', 'gone') },
      TARGET,
      { KeyId: 'k1' },
      'NotFoundException',
      ['authenticate', 'resolve'],
    ],
    [
      'quota',
      { throttle: 1 },
      TARGET,
      { KeyId: 'k1' },
      'ThrottlingException',
      ['authenticate', 'resolve', 'throttle'],
    ],
    [
      'hot key',
      { hotKey: 1 },
      TARGET,
      { KeyId: 'k1' },
      'ThrottlingException',
      ['authenticate', 'resolve', 'throttle'],
    ],
    [
      'dry run',
      {},
      TARGET,
      { KeyId: 'k1', DryRun: true },
      'DryRunOperationException',
      ['authenticate', 'resolve', 'throttle'],
    ],
    [
      'overload',
      { resolve: Object.assign(new Error('engine'), { status: 'OVERLOADED' }) },
      TARGET,
      { KeyId: 'k' },
      'ThrottlingException',
      ['authenticate', 'resolve'],
    ],
  ])('by %s: audited, then answered', async (_name, fail, target, body, code, steps) => {
    const world = new World();
    world.fail = fail;
    const { reply, record } = await world.call(target, body);
    expect(world.steps).toEqual([...steps, 'audit', 'reply']);
    expect(JSON.parse(reply.body).__type).toBe(code);
    expect(reply.status).toBe(400);
    expect(record!.error!.code).toBe(code);
    expect(record!.response).toBeNull();
    expect(world.records).toHaveLength(1);
  });

  it('by a failure of ours: nothing of it reaches the client or the log text', async () => {
    const world = new World();
    world.fail.resolve = new TypeError('hunter2 is not a function');
    const { reply, record } = await world.call(TARGET, { KeyId: 'k1' });
    expect(reply.status).toBe(500);
    expect(reply.body).toBe('{"__type":"KMSInternalException"}');
    expect(record!.error!.code).toBe('KMSInternalException');
    const log = JSON.stringify(world.logged);
    expect(log).toContain(reply.requestId);
    expect(log).toContain('TypeError');
    expect(log).not.toContain('hunter2');
  });
});

describe('when the audit cannot be written', () => {
  it.each([
    ['a success', { KeyId: 'k1', Data: 'YWJj' }],
    ['a refusal', {}],
  ])('%s is answered KMSInternalException and nothing else', async (_name, body) => {
    const world = new World();
    world.fail.audit = new Error('ENOSPC');
    const { reply } = await world.call(TARGET, body);
    expect(reply.status).toBe(500);
    expect(reply.body).toBe('{"__type":"KMSInternalException"}');
    expect(world.counted).toEqual(['Echo KMSInternalException']);
  });

  it('goes on by itself afterwards', async () => {
    const world = new World();
    const pipeline = world.pipeline();
    world.fail.audit = new Error('ENOSPC');
    expect((await world.call(TARGET, { KeyId: 'k1' }, pipeline)).reply.status).toBe(500);
    world.fail.audit = undefined;
    expect((await world.call(TARGET, { KeyId: 'k1' }, pipeline)).reply.status).toBe(200);
  });
});

it('bounds what a flood of failures writes to the log', async () => {
  const world = new World();
  const pipeline = world.pipeline();
  world.fail.resolve = new TypeError('broken');
  for (let i = 0; i < 50; i++) await world.call(TARGET, { KeyId: 'k1' }, pipeline);
  expect(world.logged).toHaveLength(20);
  world.clock.advance(1_000);
  await world.call(TARGET, { KeyId: 'k1' }, pipeline);
  expect(world.logged).toHaveLength(22);
  expect(world.logged[20]).toEqual(['further failures were not logged', { dropped: 30 }]);
});

it('records a request even when its own audit functions fail', async () => {
  const world = new World();
  const broken = operation({
    ...echo,
    audit: {
      readOnly: true,
      request: () => {
        throw new TypeError('broken');
      },
    },
  });
  const { reply, record } = await world.call(TARGET, { KeyId: 'k1' }, world.pipeline([broken]));
  expect(reply.status).toBe(200);
  expect(record).toMatchObject({ operation: 'Echo', request: null, caller: CALLER });
  expect(world.logged).toHaveLength(1);
});

it('refuses at once past its bound of requests in flight', async () => {
  const world = new World();
  let open = () => {};
  world.auditGate = new Promise((resolve) => {
    open = resolve;
  });
  const pipeline = world.pipeline([echo], 2);
  for (let i = 0; i < 5; i++) pipeline.onRequest(world.request(TARGET, '{"KeyId":"k1"}'));
  expect(world.replies.map((reply) => reply.status)).toEqual([503, 503, 503]);
  expect(JSON.parse(world.replies[0]!.body).__type).toBe('ServiceUnavailable');
  open();
  await until(() => world.replies.length === 5);
  expect(pipeline.inFlight()).toBe(0);
});

describe('malformed bodies for the operations of the registry', () => {
  const BODIES = [
    '',
    '{',
    '}',
    '[',
    '[]',
    'null',
    'true',
    '0',
    '"x"',
    '{]',
    '{"KeyId"}',
    '{"KeyId":}',
    '{KeyId:"x"}',
    '{"KeyId":5}',
    '{"KeyId":{}}',
    '{"KeyId":[]}',
    '{"KeyId":true}',
    '{"KeyId":"\u0000"}',
    '\ufeff{}',
    '{"KeyId":"x"}garbage',
    '{"a":"\\ud800"',
    '\xff\xfe',
    '{"KeyId":"\\x"}',
    '[[[[[[[[[[',
    `${'{"a":'.repeat(9_000)}`,
  ];
  /** A KeyId of a wrong type is no fault where the operation has none. */
  const applies = (entry: Operation, body: string) =>
    !body.startsWith('{"KeyId":') || Object.hasOwn(entry.input.properties, 'KeyId');
  const cases = OPERATIONS.flatMap((entry) =>
    BODIES.filter((body) => applies(entry, body)).map((body) => [entry.name, body] as const),
  );

  it(`${cases.length} cases end in a clean refusal, audited`, async () => {
    expect(cases.length).toBeGreaterThanOrEqual(200);
    const world = new World();
    world.fail.resolve = new KmsError('NotFoundException', 'gone');
    const pipeline = world.pipeline(OPERATIONS);
    for (const [name, body] of cases) {
      const { reply } = await world.call(`TrentService.${name}`, body, pipeline);
      const { __type } = JSON.parse(reply.body) as { __type: string };
      expect(reply.status, `${name} ${body.slice(0, 40)}`).toBe(400);
      expect(['SerializationException', 'ValidationException']).toContain(__type);
    }
    expect(world.records).toHaveLength(cases.length);
    expect(world.logged).toEqual([]);
  });
});
