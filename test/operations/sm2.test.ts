/**
 * SM2, which AWS KMS has in its Regions in China: every operation of such keys, against openssl and
 * node:crypto, which are given the private key because it is imported.
 */
import { createECDH, createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import {
  CreateGrantCommand,
  CreateKeyCommand,
  type CreateKeyCommandInput,
  DecryptCommand,
  DeriveSharedSecretCommand,
  EncryptCommand,
  GenerateDataKeyPairCommand,
  GenerateDataKeyPairWithoutPlaintextCommand,
  GetParametersForImportCommand,
  GetPublicKeyCommand,
  type GrantOperation,
  ImportKeyMaterialCommand,
  type KeyMetadata,
  type KMSClient,
  ReEncryptCommand,
  ReplicateKeyCommand,
  SignCommand,
  VerifyCommand,
  type WrappingKeySpec,
} from '@aws-sdk/client-kms';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encryptMaterial, foreignMaterial } from '../engine/import-material.js';
import { failure } from '../failure.js';
import { startServer, type TestServer } from '../harness.js';
import {
  opensslSm2Decrypt,
  opensslSm2Encrypt,
  opensslSm2Key,
  opensslSm2Public,
  opensslSm2Sign,
  opensslSm2Verify,
} from '../openssl-sm2.js';
import { CHINA } from '../specs-of-regions.js';

const SECOND = 'cn-northwest-1';
let server: TestServer;
let kms: KMSClient;

beforeAll(async () => {
  const config = { region: CHINA, regions: [CHINA, SECOND] };
  server = await startServer({ quota: 'off', config });
  kms = server.kms();
});
afterAll(() => server.stop());

const bytes = (from: Uint8Array | undefined): Buffer => Buffer.from(from!);
const create = async (input: CreateKeyCommandInput): Promise<KeyMetadata> =>
  (await kms.send(new CreateKeyCommand(input))).KeyMetadata!;

/** Imports `material` into a new key. */
async function imported(
  input: CreateKeyCommandInput,
  material: Uint8Array,
  algorithm: 'SM2PKE' | 'RSAES_OAEP_SHA_256' | 'RSAES_OAEP_SHA_1' = 'SM2PKE',
  wrappingKey: WrappingKeySpec = 'SM2',
): Promise<KeyMetadata> {
  const key = await create({ ...input, Origin: 'EXTERNAL' });
  const { KeyId } = key;
  const parameters = await kms.send(
    new GetParametersForImportCommand({
      KeyId,
      WrappingAlgorithm: algorithm,
      WrappingKeySpec: wrappingKey,
    }),
  );
  await kms.send(
    new ImportKeyMaterialCommand({
      KeyId,
      ImportToken: parameters.ImportToken,
      EncryptedKeyMaterial: encryptMaterial(parameters.PublicKey!, algorithm, material),
      ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE',
    }),
  );
  return key;
}

const LISTS = {
  ENCRYPT_DECRYPT: { EncryptionAlgorithms: ['SM2PKE'] },
  SIGN_VERIFY: { SigningAlgorithms: ['SM2DSA'] },
  KEY_AGREEMENT: { KeyAgreementAlgorithms: ['ECDH'] },
} as const;
const USAGES = Object.keys(LISTS) as (keyof typeof LISTS)[];

test.each(USAGES)('a key for %s, and its public key', async (KeyUsage) => {
  const made = await create({ KeySpec: 'SM2', KeyUsage });
  expect(made).toMatchObject({
    Arn: `arn:aws-cn:kms:${CHINA}:${server.account}:key/${made.KeyId}`,
    ...{ KeySpec: 'SM2', CustomerMasterKeySpec: 'SM2', KeyUsage, ...LISTS[KeyUsage] },
  });
  const shown = await kms.send(new GetPublicKeyCommand({ KeyId: made.Arn }));
  expect(shown).toMatchObject({ KeyId: made.Arn, KeySpec: 'SM2', KeyUsage, ...LISTS[KeyUsage] });
  expect(bytes(shown.PublicKey).toString('hex')).toMatch(
    /^3059301306072a8648ce3d020106082a811ccf5501822d03420004[0-9a-f]{128}$/,
  );
});

test('usages that SM2 does not have are refused', async () => {
  for (const KeyUsage of ['GENERATE_VERIFY_MAC', 'ENCAPSULATE_DECAPSULATE'] as const) {
    const thrown = await failure(create({ KeySpec: 'SM2', KeyUsage }));
    expect(thrown.name).toBe('ValidationException');
    expect(thrown.message).toBe(`KeyUsage ${KeyUsage} is not compatible with KeySpec SM2`);
  }
});

describe('SM2DSA', () => {
  const Message = Buffer.from('message digest');
  const algorithm = { SigningAlgorithm: 'SM2DSA' } as const;

  test('signatures are those of openssl, both ways', async () => {
    const pkcs8 = opensslSm2Key();
    const spki = opensslSm2Public(pkcs8);
    const { KeyId } = await imported({ KeySpec: 'SM2', KeyUsage: 'SIGN_VERIFY' }, pkcs8);
    const shown = await kms.send(new GetPublicKeyCommand({ KeyId }));
    expect(bytes(shown.PublicKey)).toEqual(spki);
    const { Signature } = await kms.send(new SignCommand({ KeyId, Message, ...algorithm }));
    expect(opensslSm2Verify(spki, Message, Signature!)).toBe(true);
    expect(opensslSm2Verify(spki, Buffer.from('another'), Signature!)).toBe(false);
    const theirs = opensslSm2Sign(pkcs8, Message);
    const verify = (message: Uint8Array) =>
      kms.send(new VerifyCommand({ KeyId, Message: message, Signature: theirs, ...algorithm }));
    expect((await verify(Message)).SignatureValid).toBe(true);
    const thrown = await failure(verify(Buffer.from('another')));
    expect(thrown.name).toBe('KMSInvalidSignatureException');
  });

  test('a digest is signed as it is', async () => {
    // GM/T 0003.5-2012, annex A: key, digest and signature.
    const { PKCS8, DIGEST, SIGNATURE } = await import('../../src/engine/backends/sm2-answers.js');
    const { KeyId } = await imported({ KeySpec: 'SM2', KeyUsage: 'SIGN_VERIFY' }, PKCS8);
    const verify = (input: { Message: Uint8Array; MessageType?: 'RAW' | 'DIGEST' }) =>
      kms.send(new VerifyCommand({ KeyId, Signature: SIGNATURE, ...input, ...algorithm }));
    expect((await verify({ Message })).SignatureValid).toBe(true);
    expect((await verify({ Message: DIGEST, MessageType: 'DIGEST' })).SignatureValid).toBe(true);
    const { Signature } = await kms.send(
      new SignCommand({ KeyId, Message: DIGEST, MessageType: 'DIGEST', ...algorithm }),
    );
    const again = new VerifyCommand({ KeyId, Message, Signature, ...algorithm });
    expect((await kms.send(again)).SignatureValid).toBe(true);
    const short = verify({ Message: DIGEST.subarray(1), MessageType: 'DIGEST' });
    const thrown = await failure(short);
    expect(thrown.message).toBe('Digest is invalid length for algorithm SM2DSA.');
    const mu = new SignCommand({ KeyId, Message, MessageType: 'EXTERNAL_MU', ...algorithm });
    expect((await failure(kms.send(mu))).name).toBe('ValidationException');
    const other = new SignCommand({ KeyId, Message, SigningAlgorithm: 'ECDSA_SHA_256' });
    expect((await failure(kms.send(other))).message).toBe(
      'Algorithm ECDSA_SHA_256 is incompatible with key spec SM2.',
    );
  });
});

describe('SM2PKE', () => {
  const EncryptionAlgorithm = 'SM2PKE';
  const spec = { KeySpec: 'SM2', KeyUsage: 'ENCRYPT_DECRYPT' } as const;

  test('ciphertexts are those of openssl, both ways', async () => {
    const pkcs8 = opensslSm2Key();
    const spki = opensslSm2Public(pkcs8);
    const { KeyId, Arn } = await imported(spec, pkcs8);
    for (const length of [1, 2, 32, 33, 255, 1024]) {
      const Plaintext = Buffer.alloc(length, length & 0xff);
      const sealed = await kms.send(new EncryptCommand({ KeyId, Plaintext, EncryptionAlgorithm }));
      expect(sealed).toMatchObject({ KeyId: Arn, EncryptionAlgorithm });
      expect(opensslSm2Decrypt(pkcs8, sealed.CiphertextBlob!)).toEqual(Plaintext);
      const CiphertextBlob = opensslSm2Encrypt(spki, Plaintext);
      const opened = await kms.send(
        new DecryptCommand({ KeyId, CiphertextBlob, EncryptionAlgorithm }),
      );
      expect(opened).toMatchObject({ KeyId: Arn, EncryptionAlgorithm });
      expect(bytes(opened.Plaintext)).toEqual(Plaintext);
    }
  });

  test('what is too long, spoilt or not said is refused', async () => {
    const { KeyId } = await create(spec);
    const encrypt = (more: object) =>
      kms.send(new EncryptCommand({ KeyId, Plaintext: Buffer.alloc(1), ...more }));
    const long = await failure(encrypt({ Plaintext: Buffer.alloc(1025), EncryptionAlgorithm }));
    expect(long.name).toBe('ValidationException');
    expect(long.message).toBe(
      'Algorithm SM2PKE and key spec SM2 cannot encrypt data larger than 1024 bytes.',
    );
    for (const other of ['SYMMETRIC_DEFAULT', 'RSAES_OAEP_SHA_256'] as const) {
      const thrown = await failure(encrypt({ EncryptionAlgorithm: other }));
      expect(thrown.name).toBe('InvalidKeyUsageException');
    }
    const context = encrypt({ EncryptionAlgorithm, EncryptionContext: { a: 'b' } });
    expect((await failure(context)).name).toBe('ValidationException');
    const { CiphertextBlob } = await encrypt({ EncryptionAlgorithm });
    for (const at of [0, 3, 40, 80, CiphertextBlob!.length - 1]) {
      const spoilt = Buffer.from(CiphertextBlob!);
      spoilt[at]! ^= 1;
      const call = new DecryptCommand({ KeyId, CiphertextBlob: spoilt, EncryptionAlgorithm });
      expect((await failure(kms.send(call))).name).toBe('InvalidCiphertextException');
    }
  });

  test('ReEncrypt from a symmetric key and back', async () => {
    const symmetric = await create({});
    const { KeyId } = await create(spec);
    const Plaintext = Buffer.from('plaintext');
    const first = await kms.send(new EncryptCommand({ KeyId: symmetric.KeyId, Plaintext }));
    const there = await kms.send(
      new ReEncryptCommand({
        CiphertextBlob: first.CiphertextBlob,
        DestinationKeyId: KeyId,
        DestinationEncryptionAlgorithm: EncryptionAlgorithm,
      }),
    );
    const back = await kms.send(
      new ReEncryptCommand({
        CiphertextBlob: there.CiphertextBlob,
        SourceKeyId: KeyId,
        SourceEncryptionAlgorithm: EncryptionAlgorithm,
        DestinationKeyId: symmetric.KeyId,
      }),
    );
    const { CiphertextBlob } = back;
    const opened = await kms.send(new DecryptCommand({ CiphertextBlob }));
    expect(bytes(opened.Plaintext)).toEqual(Plaintext);
  });
});

/** DER of an SPKI of SM2 before its point. */
const SPKI_HEAD = Buffer.from('3059301306072a8648ce3d020106082a811ccf5501822d034200', 'hex');

test('DeriveSharedSecret: the x coordinate that OpenSSL derives', async () => {
  const { KeyId, Arn } = await create({ KeySpec: 'SM2', KeyUsage: 'KEY_AGREEMENT' });
  const { PublicKey } = await kms.send(new GetPublicKeyCommand({ KeyId }));
  const derive = (peer: Uint8Array) =>
    kms.send(
      new DeriveSharedSecretCommand({ KeyId, KeyAgreementAlgorithm: 'ECDH', PublicKey: peer }),
    );
  const theirs = createECDH('SM2');
  for (let round = 0; round < 5; round += 1) {
    const peer = Buffer.concat([SPKI_HEAD, theirs.generateKeys()]);
    const made = await derive(peer);
    expect(made).toMatchObject({ KeyId: Arn, KeyAgreementAlgorithm: 'ECDH', KeyOrigin: 'AWS_KMS' });
    const secret = theirs.computeSecret(bytes(PublicKey).subarray(SPKI_HEAD.length));
    expect(bytes(made.SharedSecret)).toEqual(secret);
  }
  const good = Buffer.concat([SPKI_HEAD, theirs.getPublicKey()]);
  const off = Buffer.from(good);
  off[off.length - 1]! ^= 1;
  const other = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).publicKey;
  const bad = [
    off,
    good.subarray(1),
    Buffer.alloc(91),
    other.export({ format: 'der', type: 'spki' }),
  ];
  for (const peer of bad) {
    expect((await failure(derive(peer))).name).toBe('ValidationException');
  }
});

test('data key pairs', async () => {
  const { KeyId, Arn } = await create({});
  const pair = { KeyId, KeyPairSpec: 'SM2' } as const;
  const made = await kms.send(new GenerateDataKeyPairCommand(pair));
  expect(made).toMatchObject({ KeyId: Arn, KeyPairSpec: 'SM2' });
  const pkcs8 = bytes(made.PrivateKeyPlaintext);
  expect(opensslSm2Public(pkcs8)).toEqual(bytes(made.PublicKey));
  const opened = await kms.send(
    new DecryptCommand({ CiphertextBlob: made.PrivateKeyCiphertextBlob }),
  );
  expect(bytes(opened.Plaintext)).toEqual(pkcs8);
  const message = Buffer.from('message');
  expect(opensslSm2Verify(made.PublicKey!, message, opensslSm2Sign(pkcs8, message))).toBe(true);
  const without = await kms.send(new GenerateDataKeyPairWithoutPlaintextCommand(pair));
  expect(without).not.toHaveProperty('PrivateKeyPlaintext');
  expect(without.PublicKey).toHaveLength(91);
});

describe('import', () => {
  const spec = { KeySpec: 'SM2', KeyUsage: 'SIGN_VERIFY' } as const;

  test.each([
    ['SM2PKE', 'SM2'],
    ['RSAES_OAEP_SHA_1', 'RSA_2048'],
    ['RSAES_OAEP_SHA_256', 'RSA_2048'],
  ] as const)('of SM2 material by %s under %s', async (algorithm, wrappingKey) => {
    const pkcs8 = opensslSm2Key();
    const { KeyId } = await imported(spec, pkcs8, algorithm, wrappingKey);
    const shown = await kms.send(new GetPublicKeyCommand({ KeyId }));
    expect(bytes(shown.PublicKey)).toEqual(opensslSm2Public(pkcs8));
  });

  test('of RSA material by SM2PKE, because that carries any length', async () => {
    const material = foreignMaterial('RSA_3072');
    const { KeyId } = await imported({ KeySpec: 'RSA_3072', KeyUsage: 'SIGN_VERIFY' }, material);
    const shown = await kms.send(new GetPublicKeyCommand({ KeyId }));
    const key = createPrivateKey({ key: material, format: 'der', type: 'pkcs8' });
    const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
    expect(bytes(shown.PublicKey)).toEqual(spki);
  });

  test('of nothing else', async () => {
    const { KeyId } = await create({ ...spec, Origin: 'EXTERNAL' });
    const symmetric = await create({ Origin: 'EXTERNAL' });
    const refused = [
      { KeyId, WrappingAlgorithm: 'SM2PKE', WrappingKeySpec: 'RSA_2048' },
      { KeyId, WrappingAlgorithm: 'RSAES_OAEP_SHA_256', WrappingKeySpec: 'SM2' },
      { KeyId, WrappingAlgorithm: 'RSA_AES_KEY_WRAP_SHA_256', WrappingKeySpec: 'RSA_2048' },
      { KeyId: symmetric.KeyId, WrappingAlgorithm: 'SM2PKE', WrappingKeySpec: 'SM2' },
    ] as const;
    for (const input of refused) {
      const thrown = await failure(kms.send(new GetParametersForImportCommand(input)));
      expect(thrown.name).toBe('UnsupportedOperationException');
    }
    for (const material of [foreignMaterial('ECC_NIST_P256'), Buffer.alloc(32, 1)]) {
      const thrown = await failure(imported(spec, material));
      expect(thrown.name).toBe('IncorrectKeyMaterialException');
    }
  });
});

test('grants are for the operations of the usage', async () => {
  const of = {
    ENCRYPT_DECRYPT: ['Encrypt', 'Decrypt', 'ReEncryptFrom', 'ReEncryptTo'],
    SIGN_VERIFY: ['Sign', 'Verify'],
    KEY_AGREEMENT: ['DeriveSharedSecret'],
  } as const;
  const every = Object.values(of).flat();
  for (const KeyUsage of USAGES) {
    const { KeyId } = await create({ KeySpec: 'SM2', KeyUsage: KeyUsage });
    const grant = (Operations: readonly GrantOperation[]) =>
      kms.send(
        new CreateGrantCommand({
          KeyId,
          GranteePrincipal: `arn:aws-cn:iam::${server.account}:root`,
          Operations: [...Operations],
        }),
      );
    const own: readonly GrantOperation[] = of[KeyUsage];
    const common = ['GetPublicKey', 'DescribeKey', 'CreateGrant', 'RetireGrant'] as const;
    expect((await grant([...own, ...common])).GrantId).toHaveLength(64);
    for (const one of every.filter((name) => !own.includes(name))) {
      expect((await failure(grant([one]))).name).toBe('ValidationException');
    }
  }
});

test('a multi-Region key is one key in both Regions of China', async () => {
  const made = await create({ KeySpec: 'SM2', KeyUsage: 'SIGN_VERIFY', MultiRegion: true });
  const { KeyId } = made;
  await kms.send(new ReplicateKeyCommand({ KeyId, ReplicaRegion: SECOND }));
  const second = server.kms({ region: SECOND });
  const signing = { KeyId, Message: Buffer.from('m'), SigningAlgorithm: 'SM2DSA' } as const;
  const { Signature } = await kms.send(new SignCommand(signing));
  const verified = await second.send(new VerifyCommand({ ...signing, Signature }));
  expect(verified.SignatureValid).toBe(true);
});
