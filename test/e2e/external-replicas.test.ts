/**
 * Multi-Region keys of imported material through the SDK: the same bytes imported Region by Region,
 * what each Region can do with them, and without them. AWS KMS Developer Guide, "Import key material
 * into multi-Region keys".
 */
import { randomBytes } from 'node:crypto';
import {
  CreateKeyCommand,
  DecryptCommand,
  DeleteImportedKeyMaterialCommand,
  DescribeKeyCommand,
  EncryptCommand,
  GenerateMacCommand,
  GetParametersForImportCommand,
  GetPublicKeyCommand,
  ImportKeyMaterialCommand,
  type KeySpec,
  type KeyUsageType,
  type KMSClient,
  ReplicateKeyCommand,
  SignCommand,
  VerifyCommand,
  VerifyMacCommand,
} from '@aws-sdk/client-kms';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encryptMaterial, freshPrivateKey } from '../engine/import-material.js';
import { failure } from '../failure.js';
import { startServer, type TestServer } from '../harness.js';

const HOME = 'eu-central-1';
const SECOND = 'us-east-1';
const text = Buffer.from('text');

describe('a multi-Region key of imported material', () => {
  let server: TestServer;
  let home: KMSClient;
  let second: KMSClient;
  beforeAll(async () => {
    server = await startServer({ quota: 'off' });
    home = server.kms({ region: HOME });
    second = server.kms({ region: SECOND });
  });
  afterAll(async () => {
    home.destroy();
    second.destroy();
    await server.stop();
  });

  async function put(kms: KMSClient, KeyId: string, material: Uint8Array): Promise<string> {
    const wrapping = {
      WrappingAlgorithm: 'RSAES_OAEP_SHA_256',
      WrappingKeySpec: 'RSA_2048',
    } as const;
    const made = await kms.send(new GetParametersForImportCommand({ KeyId, ...wrapping }));
    const answer = await kms.send(
      new ImportKeyMaterialCommand({
        KeyId,
        ImportToken: made.ImportToken,
        EncryptedKeyMaterial: encryptMaterial(
          made.PublicKey!,
          wrapping.WrappingAlgorithm,
          material,
        ),
        ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE',
      }),
    );
    return answer.KeyMaterialId!;
  }

  /** A key with its material in the first Region, and a replica that has none yet. */
  async function pair(
    material: Uint8Array,
    spec: KeySpec = 'SYMMETRIC_DEFAULT',
    usage: KeyUsageType = 'ENCRYPT_DECRYPT',
  ): Promise<string> {
    const { KeyMetadata } = await home.send(
      new CreateKeyCommand({
        ...{ KeySpec: spec, KeyUsage: usage },
        ...{ Origin: 'EXTERNAL', MultiRegion: true },
      }),
    );
    const KeyId = KeyMetadata!.KeyId!;
    await put(home, KeyId, material);
    const made = await home.send(new ReplicateKeyCommand({ KeyId, ReplicaRegion: SECOND }));
    expect(made.ReplicaKeyMetadata).toMatchObject({ KeyId, Origin: 'EXTERNAL', Enabled: false });
    return KeyId;
  }

  const state = async (kms: KMSClient, KeyId: string) =>
    (await kms.send(new DescribeKeyCommand({ KeyId }))).KeyMetadata!.KeyState;

  const seal = async (kms: KMSClient, KeyId: string) =>
    (await kms.send(new EncryptCommand({ KeyId, Plaintext: text }))).CiphertextBlob!;

  async function open(kms: KMSClient, CiphertextBlob: Uint8Array): Promise<string> {
    const { Plaintext } = await kms.send(new DecryptCommand({ CiphertextBlob }));
    return Buffer.from(Plaintext!).toString();
  }

  test('the replica waits for the bytes, takes no others, and then both open both', async () => {
    const material = randomBytes(32);
    const KeyId = await pair(material);
    const before = await seal(home, KeyId);
    expect(await state(second, KeyId)).toBe('PendingImport');
    expect((await failure(open(second, before))).name).toBe('KMSInvalidStateException');
    expect((await failure(seal(second, KeyId))).name).toBe('KMSInvalidStateException');

    const other = await failure(put(second, KeyId, randomBytes(32)));
    expect(other.name).toBe('IncorrectKeyMaterialException');
    const short = await failure(put(second, KeyId, material.subarray(0, 31)));
    expect(short.name).toBe('IncorrectKeyMaterialException');
    expect(await state(second, KeyId)).toBe('PendingImport');

    const { KeyMetadata } = await home.send(new DescribeKeyCommand({ KeyId }));
    expect(await put(second, KeyId, material)).toBe(KeyMetadata!.CurrentKeyMaterialId);
    expect(await state(second, KeyId)).toBe('Enabled');
    expect(await open(second, before)).toBe('text');
    expect(await open(home, await seal(second, KeyId))).toBe('text');
  });

  test.each([
    ['the replica', () => [second, home] as const],
    ['the primary', () => [home, second] as const],
  ])('%s loses its bytes alone, and has them back', async (_name, sides) => {
    const [one, other] = sides();
    const material = randomBytes(32);
    const KeyId = await pair(material);
    await put(second, KeyId, material);
    const sealed = await seal(one, KeyId);
    await one.send(new DeleteImportedKeyMaterialCommand({ KeyId }));
    expect([await state(one, KeyId), await state(other, KeyId)]).toEqual([
      'PendingImport',
      'Enabled',
    ]);
    expect((await failure(open(one, sealed))).name).toBe('KMSInvalidStateException');
    expect(await open(other, sealed)).toBe('text');
    const meanwhile = await seal(other, KeyId);
    const wrong = await failure(put(one, KeyId, randomBytes(32)));
    expect(wrong.name).toBe('IncorrectKeyMaterialException');
    await put(one, KeyId, material);
    expect(await open(one, sealed)).toBe('text');
    expect(await open(one, meanwhile)).toBe('text');
  });

  test('an HMAC key: a MAC of one Region verifies in the other', async () => {
    const material = randomBytes(48);
    const KeyId = await pair(material, 'HMAC_384', 'GENERATE_VERIFY_MAC');
    const input = { KeyId, Message: text, MacAlgorithm: 'HMAC_SHA_384' } as const;
    const { Mac } = await home.send(new GenerateMacCommand(input));
    const early = second.send(new VerifyMacCommand({ ...input, Mac }));
    expect((await failure(early)).name).toBe('KMSInvalidStateException');
    const wrong = await failure(put(second, KeyId, randomBytes(48)));
    expect(wrong.name).toBe('IncorrectKeyMaterialException');
    await put(second, KeyId, material);
    const { MacValid } = await second.send(new VerifyMacCommand({ ...input, Mac }));
    expect(MacValid).toBe(true);
  });

  test('an elliptic-curve key: a signature of the replica verifies at the primary', async () => {
    const material = freshPrivateKey('ECC_NIST_P256');
    const KeyId = await pair(material, 'ECC_NIST_P256', 'SIGN_VERIFY');
    const wrong = await failure(put(second, KeyId, freshPrivateKey('ECC_NIST_P256')));
    expect(wrong.name).toBe('IncorrectKeyMaterialException');
    await put(second, KeyId, material);
    const keys = await Promise.all(
      [home, second].map((kms) => kms.send(new GetPublicKeyCommand({ KeyId }))),
    );
    expect(keys[1]!.PublicKey).toEqual(keys[0]!.PublicKey);
    const input = { KeyId, Message: text, SigningAlgorithm: 'ECDSA_SHA_256' } as const;
    const { Signature } = await second.send(new SignCommand(input));
    const { SignatureValid } = await home.send(new VerifyCommand({ ...input, Signature }));
    expect(SignatureValid).toBe(true);
  });
});
