/** Custom key stores through the SDK: what an account without one is answered. */
import {
  ConnectCustomKeyStoreCommand,
  CreateCustomKeyStoreCommand,
  type CreateCustomKeyStoreCommandInput,
  DeleteCustomKeyStoreCommand,
  DescribeCustomKeyStoresCommand,
  DisconnectCustomKeyStoreCommand,
  GenerateRandomCommand,
  type KMSClient,
  UpdateCustomKeyStoreCommand,
} from '@aws-sdk/client-kms';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { failure } from '../failure.js';
import { startServer, type TestServer } from '../harness.js';

const CustomKeyStoreId = 'cks-1234567890abcdef0';
const NOT_FOUND = {
  name: 'CustomKeyStoreNotFoundException',
  message: `Custom key store ${CustomKeyStoreId} is not found.`,
  status: 400,
};
const PASSWORD = 'kmsPswd1';
const SECRET = 'cXjSUm4A0gTpKuzJj8hFqTdhh0rnPNfJzdHnd8q1E6c=';
const CLOUDHSM = {
  CustomKeyStoreName: 'hsm',
  CloudHsmClusterId: 'cluster-2a23b4cdefg',
  KeyStorePassword: PASSWORD,
  TrustAnchorCertificate: '-----BEGIN CERTIFICATE-----',
};
const XKS = {
  CustomKeyStoreName: 'xks',
  CustomKeyStoreType: 'EXTERNAL_KEY_STORE',
  XksProxyConnectivity: 'PUBLIC_ENDPOINT',
  XksProxyUriEndpoint: 'https://xks.example.com',
  XksProxyUriPath: '/example/kms/xks/v1',
  XksProxyAuthenticationCredential: {
    AccessKeyId: 'ABCDE12345670EXAMPLE'.replaceAll(/[0189]/g, '2'),
    RawSecretAccessKey: SECRET,
  },
} as const;
const VPC = {
  ...XKS,
  XksProxyConnectivity: 'VPC_ENDPOINT_SERVICE',
  XksProxyVpcEndpointServiceName: 'com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0',
} as const;

let server: TestServer;
let kms: KMSClient;

beforeAll(async () => {
  server = await startServer({ quota: 'off' });
  kms = server.kms();
});
afterAll(async () => {
  kms.destroy();
  await server.stop();
});

const create = (input: object) =>
  kms.send(new CreateCustomKeyStoreCommand(input as CreateCustomKeyStoreCommandInput));

test('there is none to describe', async () => {
  const { $metadata, ...answer } = await kms.send(new DescribeCustomKeyStoresCommand({}));
  expect(answer).toEqual({ CustomKeyStores: [], Truncated: false });
  const byId = new DescribeCustomKeyStoresCommand({ CustomKeyStoreId });
  expect(await failure(kms.send(byId))).toEqual(NOT_FOUND);
  const byName = new DescribeCustomKeyStoresCommand({ CustomKeyStoreName: 'mine' });
  expect(await failure(kms.send(byName))).toMatchObject({
    name: 'CustomKeyStoreNotFoundException',
    message: 'Custom key store mine is not found.',
  });
  const both = { CustomKeyStoreId, CustomKeyStoreName: 'mine' };
  const twice = await failure(kms.send(new DescribeCustomKeyStoresCommand(both)));
  expect(twice.name).toBe('ValidationException');
  const forged = await failure(kms.send(new DescribeCustomKeyStoresCommand({ Marker: 'AAAA' })));
  expect(forged.name).toBe('InvalidMarkerException');
});

test('nor to connect, disconnect, update or delete', async () => {
  for (const call of [
    () => kms.send(new ConnectCustomKeyStoreCommand({ CustomKeyStoreId })),
    () => kms.send(new DisconnectCustomKeyStoreCommand({ CustomKeyStoreId })),
    () =>
      kms.send(
        new UpdateCustomKeyStoreCommand({ CustomKeyStoreId, NewCustomKeyStoreName: 'other' }),
      ),
    () => kms.send(new DeleteCustomKeyStoreCommand({ CustomKeyStoreId })),
    () => kms.send(new GenerateRandomCommand({ CustomKeyStoreId, NumberOfBytes: 8 })),
  ]) {
    expect(await failure(call())).toEqual(NOT_FOUND);
  }
});

test('an update with members of both types is refused first', async () => {
  const thrown = await failure(
    kms.send(
      new UpdateCustomKeyStoreCommand({
        CustomKeyStoreId,
        KeyStorePassword: PASSWORD,
        XksProxyUriEndpoint: 'https://xks.example.com',
      }),
    ),
  );
  expect(thrown).toMatchObject({ name: 'ValidationException', status: 400 });
});

describe('CreateCustomKeyStore', () => {
  test.each([
    ['CloudHSM', CLOUDHSM],
    ['an external store', XKS],
    ['an external store in a VPC', { ...VPC, XksProxyVpcEndpointServiceOwner: '111122223333' }],
  ])('%s: good input is refused as not supported', async (_name, input) => {
    expect(await failure(create(input))).toEqual({
      name: 'UnsupportedOperationException',
      message: 'Custom key stores are not supported.',
      status: 400,
    });
  });

  const without = (input: object, name: string) => ({ ...input, [name]: undefined });
  test.each<[string, object, RegExp]>([
    ['no cluster', without(CLOUDHSM, 'CloudHsmClusterId'), /CloudHsmClusterId must be/],
    ['no password', without(CLOUDHSM, 'KeyStorePassword'), /KeyStorePassword must be/],
    ['no certificate', without(CLOUDHSM, 'TrustAnchorCertificate'), /TrustAnchorCertificate must/],
    ['an endpoint', { ...CLOUDHSM, XksProxyUriEndpoint: 'https://x.example' }, /cannot be spec/],
    ['no endpoint', without(XKS, 'XksProxyUriEndpoint'), /XksProxyUriEndpoint must be/],
    ['no path', without(XKS, 'XksProxyUriPath'), /XksProxyUriPath must be/],
    ['no connectivity', without(XKS, 'XksProxyConnectivity'), /XksProxyConnectivity must be/],
    [
      'no credential',
      without(XKS, 'XksProxyAuthenticationCredential'),
      /XksProxyAuthenticationCredential must be/,
    ],
    ['a password', { ...XKS, KeyStorePassword: PASSWORD }, /KeyStorePassword cannot be/],
    [
      'no service name',
      without(VPC, 'XksProxyVpcEndpointServiceName'),
      /XksProxyVpcEndpointServiceName must be/,
    ],
    [
      'a service name of a public endpoint',
      { ...VPC, XksProxyConnectivity: 'PUBLIC_ENDPOINT' },
      /needs the connectivity/,
    ],
    ['a bad cluster', { ...CLOUDHSM, CloudHsmClusterId: 'cluster-2a2_b4cdefg' }, /cloudHsmCluster/],
    ['http', { ...XKS, XksProxyUriEndpoint: 'http://xks.example.com' }, /xksProxyUriEndpoint/],
    ['a bad path', { ...XKS, XksProxyUriPath: '/kms/xks/v1/more' }, /xksProxyUriPath/],
  ])('%s: ValidationException', async (_name, input, message) => {
    const thrown = await failure(create(input));
    expect(thrown).toMatchObject({ name: 'ValidationException', status: 400 });
    expect(thrown.message).toMatch(message);
  });

  test('neither answers nor the audit log repeat passwords and credentials', async () => {
    const short = { AccessKeyId: 'SHORT', RawSecretAccessKey: SECRET };
    const thrown = [
      await failure(create({ ...CLOUDHSM, KeyStorePassword: `${PASSWORD}${'x'.repeat(30)}` })),
      await failure(create({ ...XKS, XksProxyAuthenticationCredential: short })),
    ];
    for (const { name, message } of thrown) {
      expect(name).toBe('ValidationException');
      expect(message).not.toMatch(/kmsPswd1|SHORT|cXjSUm4A/);
    }
    const lines = server.auditLines().filter((line) => line.includes('CreateCustomKeyStore'));
    expect(lines.length).toBeGreaterThan(10);
    for (const line of lines) expect(line).not.toMatch(/kmsPswd1|SHORT|cXjSUm4A|ABCDE2/);
    const record = JSON.parse(lines.find((line) => line.includes('xks.example.com'))!);
    expect(record.requestParameters).toMatchObject({ customKeyStoreName: 'xks' });
  });
});
