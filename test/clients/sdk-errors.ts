/** Errors as the SDK's own classes, and the values and operations that are refused. */
import { randomBytes } from 'node:crypto';
import {
  ConnectCustomKeyStoreCommand,
  CreateAliasCommand,
  CreateCustomKeyStoreCommand,
  CreateGrantCommand,
  CreateKeyCommand,
  type DataKeyPairSpec,
  DecryptCommand,
  DeleteCustomKeyStoreCommand,
  DescribeCustomKeyStoresCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  DisconnectCustomKeyStoreCommand,
  EnableKeyCommand,
  EnableKeyRotationCommand,
  EncryptCommand,
  type EncryptionAlgorithmSpec,
  GenerateDataKeyPairCommand,
  GenerateDataKeyPairWithoutPlaintextCommand,
  GetParametersForImportCommand,
  GetPublicKeyCommand,
  type GrantOperation,
  ImportKeyMaterialCommand,
  type ImportKeyMaterialCommandInput,
  type KeySpec,
  type KeyUsageType,
  type KMSClient,
  ListKeysCommand,
  PutKeyPolicyCommand,
  ReEncryptCommand,
  RevokeGrantCommand,
  RotateKeyOnDemandCommand,
  ScheduleKeyDeletionCommand,
  SignCommand,
  type SigningAlgorithmSpec,
  TagResourceCommand,
  UpdateCustomKeyStoreCommand,
  VerifyCommand,
  type XksProxyConnectivityType,
} from '@aws-sdk/client-kms';
import { expect, test } from 'vitest';
import { ManualClock } from '../../src/core/clock.js';
import { encryptMaterial } from '../engine/import-material.js';
import { failure } from '../failure.js';
import { startServer } from '../harness.js';
import type { SdkRig } from './sdk-rig.js';
import { sdkEnum } from './sdk-shapes.js';

const DAY_MS = 86_400_000;
const Plaintext = Buffer.from('text');
const WRAPPING = { WrappingAlgorithm: 'RSAES_OAEP_SHA_256', WrappingKeySpec: 'RSA_2048' } as const;

/** A key to import into, with a token and encrypted material for it. */
async function importable(kms: KMSClient): Promise<ImportKeyMaterialCommandInput> {
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({ Origin: 'EXTERNAL' }));
  const KeyId = KeyMetadata!.KeyId!;
  return { KeyId, ...(await parameters(kms, KeyId)) };
}

async function parameters(kms: KMSClient, KeyId: string) {
  const { ImportToken, PublicKey } = await kms.send(
    new GetParametersForImportCommand({ KeyId, ...WRAPPING }),
  );
  const EncryptedKeyMaterial = encryptMaterial(
    ...([PublicKey!, WRAPPING.WrappingAlgorithm, randomBytes(32)] as const),
  );
  return { ImportToken, EncryptedKeyMaterial, ExpirationModel: FOREVER };
}

const FOREVER = 'KEY_MATERIAL_DOES_NOT_EXPIRE' as const;

/** Provokes the error that gives its name; all are client errors of status 400. */
const PROVOKED: Readonly<Record<string, (rig: SdkRig) => Promise<unknown>>> = {
  AlreadyExistsException: async ({ kms, createKey }) => {
    const { KeyId } = await createKey();
    const twice = { AliasName: 'alias/sdk-twice', TargetKeyId: KeyId };
    await kms.send(new CreateAliasCommand(twice));
    return kms.send(new CreateAliasCommand(twice));
  },
  DisabledException: async ({ kms, createKey }) => {
    const { KeyId } = await createKey();
    await kms.send(new DisableKeyCommand({ KeyId }));
    return kms.send(new EncryptCommand({ KeyId, Plaintext }));
  },
  DryRunOperationException: async ({ kms, createKey }) => {
    const { KeyId } = await createKey();
    return kms.send(new EncryptCommand({ KeyId, Plaintext, DryRun: true }));
  },
  IncorrectKeyException: async ({ kms, createKey }) => {
    const [one, two] = [await createKey(), await createKey()];
    const { CiphertextBlob } = await kms.send(new EncryptCommand({ KeyId: one.Arn, Plaintext }));
    return kms.send(new DecryptCommand({ KeyId: two.Arn, CiphertextBlob }));
  },
  IncorrectKeyMaterialException: async ({ kms }) => {
    const input = await importable(kms);
    await kms.send(new ImportKeyMaterialCommand(input));
    const other = { ...input, ...(await parameters(kms, input.KeyId!)) };
    return kms.send(new ImportKeyMaterialCommand(other));
  },
  InvalidAliasNameException: async ({ kms, createKey }) => {
    const { KeyId } = await createKey();
    return kms.send(new CreateAliasCommand({ AliasName: 'alias/aws/mine', TargetKeyId: KeyId }));
  },
  InvalidArnException: ({ kms }) => kms.send(new DescribeKeyCommand({ KeyId: 'arn:aws:kms' })),
  InvalidCiphertextException: ({ kms }) =>
    kms.send(new DecryptCommand({ CiphertextBlob: Buffer.alloc(80) })),
  InvalidGrantIdException: async ({ kms, createKey }) => {
    const { KeyId } = await createKey();
    return kms.send(new RevokeGrantCommand({ KeyId, GrantId: 'no grant' }));
  },
  InvalidGrantTokenException: async ({ kms, createKey }) => {
    const { KeyId } = await createKey();
    return kms.send(new EncryptCommand({ KeyId, Plaintext, GrantTokens: ['no token'] }));
  },
  InvalidImportTokenException: async ({ kms }) => {
    const input = await importable(kms);
    return kms.send(new ImportKeyMaterialCommand({ ...input, ImportToken: randomBytes(500) }));
  },
  InvalidKeyUsageException: async ({ kms, createKey }) => {
    const { KeyId } = await createKey({ KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' });
    return kms.send(new EncryptCommand({ KeyId, Plaintext }));
  },
  InvalidMarkerException: ({ kms }) => kms.send(new ListKeysCommand({ Marker: 'no marker' })),
  KMSInvalidStateException: async ({ kms, createKey }) => {
    const { KeyId } = await createKey();
    await kms.send(new ScheduleKeyDeletionCommand({ KeyId }));
    return kms.send(new EnableKeyCommand({ KeyId }));
  },
  LimitExceededException: async ({ kms, createKey }) => {
    const { KeyId } = await createKey();
    const Policy = `{"Version":"2012-10-17","Statement":[]${' '.repeat(33_000)}}`;
    return kms.send(new PutKeyPolicyCommand({ KeyId, Policy }));
  },
  MalformedPolicyDocumentException: async ({ kms, createKey }) => {
    const { KeyId } = await createKey();
    return kms.send(new PutKeyPolicyCommand({ KeyId, Policy: 'no policy' }));
  },
  NotFoundException: ({ kms }) => kms.send(new DescribeKeyCommand({ KeyId: 'alias/no-alias' })),
  TagException: async ({ kms, createKey }) => {
    const { KeyId } = await createKey();
    const Tags = [{ TagKey: 'aws:team', TagValue: 'blue' }];
    return kms.send(new TagResourceCommand({ KeyId, Tags }));
  },
  UnsupportedOperationException: async ({ kms, createKey }) => {
    const { KeyId } = await createKey({ KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' });
    return kms.send(new GetPublicKeyCommand({ KeyId }));
  },
};

export function errorTrips(rig: () => SdkRig): void {
  test.each(Object.entries(PROVOKED))('%s', async (name, provoke) => {
    expect(await failure(provoke(rig()))).toMatchObject({ name, status: 400 });
  });

  test('errors of time: ExpiredImportTokenException, ConflictException', async () => {
    const clock = new ManualClock(Date.now());
    // The SDK signs with the real time, so signatures are not checked here.
    const server = await startServer({ dev: true, clock });
    const { endpoint, credentials } = server;
    const kms = rig().client({ endpoint, credentials });
    const input = await importable(kms);
    clock.advance(DAY_MS + 1000);
    const late = await failure(kms.send(new ImportKeyMaterialCommand(input)));
    expect(late).toMatchObject({ name: 'ExpiredImportTokenException', status: 400 });
    const { KeyMetadata } = await kms.send(new CreateKeyCommand({}));
    const KeyId = KeyMetadata!.KeyId!;
    await kms.send(new EnableKeyRotationCommand({ KeyId, RotationPeriodInDays: 90 }));
    clock.advance(90 * DAY_MS - 60_000);
    const near = await failure(kms.send(new RotateKeyOnDemandCommand({ KeyId })));
    expect(near).toMatchObject({ name: 'ConflictException', status: 400 });
    await server.stop();
  });
}

export function storeTrips(rig: () => SdkRig): void {
  const CustomKeyStoreId = 'cks-1234567890abcdef0';

  test('none to describe, connect, disconnect, update, delete', async () => {
    const { kms } = rig();
    const { CustomKeyStores } = await kms.send(new DescribeCustomKeyStoresCommand({ Limit: 5 }));
    expect(CustomKeyStores).toEqual([]);
    const proxy = { XksProxyUriEndpoint: 'https://xks.example.com' };
    const names = [
      kms.send(new ConnectCustomKeyStoreCommand({ CustomKeyStoreId })),
      kms.send(new DisconnectCustomKeyStoreCommand({ CustomKeyStoreId })),
      kms.send(new DeleteCustomKeyStoreCommand({ CustomKeyStoreId })),
      ...sdkEnum('XksProxyConnectivityType').map((one) => {
        const XksProxyConnectivity = one as XksProxyConnectivityType;
        const input = { CustomKeyStoreId, ...proxy, XksProxyConnectivity };
        return kms.send(new UpdateCustomKeyStoreCommand(input));
      }),
    ].map(async (call) => (await failure(call)).name);
    expect(new Set(await Promise.all(names))).toEqual(new Set(['CustomKeyStoreNotFoundException']));
  });

  test('nor made, of any type', async () => {
    const { kms } = rig();
    const cluster = {
      CustomKeyStoreType: 'AWS_CLOUDHSM' as const,
      ...{ CloudHsmClusterId: 'cluster-2a23b4cdefg', KeyStorePassword: 'kmsPswd1' },
      TrustAnchorCertificate: '-----BEGIN CERTIFICATE-----',
    };
    const proxy = {
      CustomKeyStoreType: 'EXTERNAL_KEY_STORE' as const,
      XksProxyUriEndpoint: 'https://xks.example.com',
      XksProxyUriPath: '/example/kms/xks/v1',
      XksProxyAuthenticationCredential: {
        ...{ AccessKeyId: 'ABCDE2345672EXAMPLE2', RawSecretAccessKey: 'c'.repeat(44) },
      },
    };
    const XksProxyVpcEndpointServiceName =
      'com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0';
    for (const input of [
      cluster,
      { ...proxy, XksProxyConnectivity: 'PUBLIC_ENDPOINT' as const },
      {
        ...{ ...proxy, XksProxyConnectivity: 'VPC_ENDPOINT_SERVICE' as const },
        XksProxyVpcEndpointServiceName,
      },
    ]) {
      const making = new CreateCustomKeyStoreCommand({ CustomKeyStoreName: 'store', ...input });
      const refused = await failure(kms.send(making));
      expect(refused.name).toBe('UnsupportedOperationException');
    }
    for (const Origin of ['AWS_CLOUDHSM', 'EXTERNAL_KEY_STORE'] as const) {
      const XksKeyId = Origin === 'AWS_CLOUDHSM' ? undefined : 'key-1';
      const making = new CreateKeyCommand({ Origin, CustomKeyStoreId, XksKeyId });
      expect((await failure(kms.send(making))).name).toBe('CustomKeyStoreNotFoundException');
    }
  });
}

/** Sends every value of the SDK's sets that this product does not take. */
export function refusalTrips(rig: () => SdkRig, offers: (value: string) => boolean): void {
  const absent = (name: string) => sdkEnum(name).filter((value) => !offers(value));

  test('key specs that are not offered', async () => {
    const { kms, createKey } = rig();
    const { KeyId } = await createKey();
    for (const spec of absent('KeySpec')) {
      const usages = sdkEnum('KeyUsageType') as KeyUsageType[];
      for (const KeyUsage of usages) {
        const making = kms.send(new CreateKeyCommand({ KeySpec: spec as KeySpec, KeyUsage }));
        expect((await failure(making)).name).toMatch(/^(Validation|UnsupportedOperation)/);
      }
    }
    const old = new CreateKeyCommand({ CustomerMasterKeySpec: 'SM2', KeyUsage: 'SIGN_VERIFY' });
    expect((await failure(kms.send(old))).name).toMatch(/^(Validation|UnsupportedOperation)/);
    for (const spec of absent('DataKeyPairSpec')) {
      const input = { KeyId, KeyPairSpec: spec as DataKeyPairSpec };
      for (const making of [
        kms.send(new GenerateDataKeyPairCommand(input)),
        kms.send(new GenerateDataKeyPairWithoutPlaintextCommand(input)),
      ]) {
        expect((await failure(making)).name).toMatch(/^(Validation|UnsupportedOperation)/);
      }
    }
  });

  test('algorithms that are not offered', async () => {
    const { kms, createKey } = rig();
    const { KeyId } = await createKey({ KeySpec: 'RSA_2048', KeyUsage: 'SIGN_VERIFY' });
    const sealing = await createKey({ KeySpec: 'RSA_2048', KeyUsage: 'ENCRYPT_DECRYPT' });
    const external = await createKey({ Origin: 'EXTERNAL' });
    const calls: (() => Promise<unknown>)[] = [];
    for (const one of absent('SigningAlgorithmSpec')) {
      const SigningAlgorithm = one as SigningAlgorithmSpec;
      const input = { KeyId, SigningAlgorithm, Message: randomBytes(64) };
      calls.push(() => kms.send(new SignCommand(input)));
      calls.push(() => kms.send(new VerifyCommand({ ...input, Signature: randomBytes(64) })));
    }
    for (const one of absent('EncryptionAlgorithmSpec')) {
      const EncryptionAlgorithm = one as EncryptionAlgorithmSpec;
      const CiphertextBlob = randomBytes(256);
      const key = { KeyId: sealing.KeyId, EncryptionAlgorithm };
      calls.push(() => kms.send(new EncryptCommand({ ...key, Plaintext })));
      calls.push(() => kms.send(new DecryptCommand({ ...key, CiphertextBlob })));
      calls.push(() =>
        kms.send(
          new ReEncryptCommand({
            ...{ CiphertextBlob, SourceKeyId: sealing.KeyId, DestinationKeyId: sealing.KeyId },
            SourceEncryptionAlgorithm: EncryptionAlgorithm,
            DestinationEncryptionAlgorithm: EncryptionAlgorithm,
          }),
        ),
      );
    }
    for (const one of ['RSAES_PKCS1_V1_5', 'SM2PKE'] as const) {
      const input = { KeyId: external.KeyId, WrappingKeySpec: 'RSA_2048' as const };
      const asked = new GetParametersForImportCommand({ ...input, WrappingAlgorithm: one });
      calls.push(() => kms.send(asked));
    }
    const sm2 = { KeyId: external.KeyId, ...WRAPPING, WrappingKeySpec: 'SM2' as const };
    calls.push(() => kms.send(new GetParametersForImportCommand(sm2)));
    for (const call of calls) {
      expect((await failure(call())).name).toMatch(
        /^(Validation|UnsupportedOperation|InvalidKeyUsage)Exception$/,
      );
    }
  });

  test('grants for operations that the key does not have', async () => {
    const { kms, createKey } = rig();
    const { KeyId } = await createKey();
    const GranteePrincipal = 'arn:aws:iam::111122223333:role/grantee';
    const Operations: GrantOperation[] = ['Encapsulate', 'Decapsulate'];
    const refused = kms.send(new CreateGrantCommand({ KeyId, GranteePrincipal, Operations }));
    expect((await failure(refused)).name).toBe('ValidationException');
  });
}
