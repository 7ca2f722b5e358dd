/**
 * ML_KEM_* through a server and AWS's SDK, checked by @noble both ways: Encapsulate, Decapsulate, data
 * key pairs, and every refusal of theirs. Data keys of other specs: key-pairs.test.ts.
 */
import { randomBytes } from 'node:crypto';
import {
  CreateKeyCommand,
  DecapsulateCommand,
  DecryptCommand,
  DisableKeyCommand,
  EncapsulateCommand,
  GenerateDataKeyPairCommand,
  GenerateDataKeyPairWithoutPlaintextCommand,
  GetPublicKeyCommand,
  type KMSClient,
  SignCommand,
} from '@aws-sdk/client-kms';
import { ml_kem512, ml_kem768, ml_kem1024 } from '@noble/post-quantum/ml-kem.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { failure } from '../failure.js';
import { startServer, type TestServer } from '../harness.js';

let server: TestServer;
let kms: KMSClient;

beforeAll(async () => {
  server = await startServer({ quota: 'off' });
  kms = server.kms();
});
afterAll(() => server.stop());

const EncapsulationAlgorithm = 'ML_KEM';
const SETS = [
  ['ML_KEM_512', ml_kem512, 768, '30820332300b06096086480165030404010382032100'],
  ['ML_KEM_768', ml_kem768, 1088, '308204b2300b0609608648016503040402038204a100'],
  ['ML_KEM_1024', ml_kem1024, 1568, '30820632300b06096086480165030404030382062100'],
] as const;

async function makeKey(KeySpec: (typeof SETS)[number][0]) {
  const { KeyMetadata } = await kms.send(
    new CreateKeyCommand({ KeySpec, KeyUsage: 'ENCAPSULATE_DECAPSULATE' }),
  );
  return { KeyId: KeyMetadata!.KeyId!, Arn: KeyMetadata!.Arn! };
}

describe.each(SETS)('%s', (spec, library, ciphertextBytes, head) => {
  let key: Awaited<ReturnType<typeof makeKey>>;
  beforeAll(async () => {
    key = await makeKey(spec);
  });

  const open = (SharedSecretCiphertextBlob: Uint8Array) =>
    kms.send(
      new DecapsulateCommand({
        KeyId: key.KeyId,
        EncapsulationAlgorithm,
        SharedSecretCiphertextBlob,
      }),
    );

  test('Encapsulate and Decapsulate come to one secret', async () => {
    const made = await kms.send(
      new EncapsulateCommand({ KeyId: key.KeyId, EncapsulationAlgorithm }),
    );
    expect(made).toMatchObject({ KeyId: key.Arn, EncapsulationAlgorithm });
    expect(made.SharedSecret).toHaveLength(32);
    expect(made.SharedSecretCiphertextBlob).toHaveLength(ciphertextBytes);
    const opened = await open(made.SharedSecretCiphertextBlob!);
    expect(opened).toMatchObject({ KeyId: key.Arn, EncapsulationAlgorithm });
    expect(opened.SharedSecret).toEqual(made.SharedSecret);
    const again = await kms.send(
      new EncapsulateCommand({ KeyId: key.Arn, EncapsulationAlgorithm }),
    );
    expect(again.SharedSecret).not.toEqual(made.SharedSecret);
  });

  test('a peer that has the public key from GetPublicKey, of RFC 9935', async () => {
    const shown = await kms.send(new GetPublicKeyCommand({ KeyId: key.KeyId }));
    expect(shown).toMatchObject({
      KeyId: key.Arn,
      KeySpec: spec,
      KeyUsage: 'ENCAPSULATE_DECAPSULATE',
      EncapsulationAlgorithms: ['ML_KEM'],
    });
    expect(shown.SigningAlgorithms).toBeUndefined();
    const spki = Buffer.from(shown.PublicKey!);
    expect(spki.subarray(0, head.length / 2).toString('hex')).toBe(head);
    const { cipherText, sharedSecret } = library.encapsulate(spki.subarray(head.length / 2));
    const opened = await open(cipherText);
    expect(Buffer.from(opened.SharedSecret!).equals(sharedSecret)).toBe(true);
    // Not made for this key: another secret, and no error (FIPS 203, 6.3).
    cipherText[5]! ^= 1;
    const other = await open(cipherText);
    expect(Buffer.from(other.SharedSecret!).equals(sharedSecret)).toBe(false);
  });

  test('a ciphertext of any other length is refused, without a text', async () => {
    for (const length of [1, ciphertextBytes - 1, ciphertextBytes + 1, 6144]) {
      const reply = await server.call('Decapsulate', {
        KeyId: key.KeyId,
        EncapsulationAlgorithm,
        SharedSecretCiphertextBlob: randomBytes(length).toString('base64'),
      });
      expect([reply.status, reply.json]).toEqual([400, { __type: 'InvalidCiphertextException' }]);
    }
    const long = await failure(open(randomBytes(6145)));
    expect(long).toMatchObject({ name: 'ValidationException' });
  });

  test('data key pairs: PKCS#8 in seed form, SPKI, and a blob that opens', async () => {
    const wrapping = (await kms.send(new CreateKeyCommand({}))).KeyMetadata!;
    const EncryptionContext = { pair: spec };
    const input = { KeyId: wrapping.KeyId, KeyPairSpec: spec, EncryptionContext };
    const pair = await kms.send(new GenerateDataKeyPairCommand(input));
    expect(pair).toMatchObject({ KeyId: wrapping.Arn, KeyPairSpec: spec });
    const halves = (pkcs8: Uint8Array, spki: Uint8Array) => {
      expect(pkcs8).toHaveLength(86);
      const { publicKey, secretKey } = library.keygen(Uint8Array.from(pkcs8.subarray(22)));
      expect(
        Buffer.from(spki)
          .subarray(head.length / 2)
          .equals(publicKey),
      ).toBe(true);
      const { cipherText, sharedSecret } = library.encapsulate(publicKey);
      expect(library.decapsulate(cipherText, secretKey)).toEqual(sharedSecret);
    };
    halves(pair.PrivateKeyPlaintext!, pair.PublicKey!);
    const hidden = await kms.send(new GenerateDataKeyPairWithoutPlaintextCommand(input));
    expect(hidden).not.toHaveProperty('PrivateKeyPlaintext');
    const opened = await kms.send(
      new DecryptCommand({ CiphertextBlob: hidden.PrivateKeyCiphertextBlob, EncryptionContext }),
    );
    halves(opened.Plaintext!, hidden.PublicKey!);
  });
});

test('a disabled key encapsulates nothing', async () => {
  const { KeyId, Arn } = await makeKey('ML_KEM_768');
  await kms.send(new DisableKeyCommand({ KeyId }));
  const thrown = await failure(kms.send(new EncapsulateCommand({ KeyId, EncapsulationAlgorithm })));
  expect(thrown).toMatchObject({ name: 'DisabledException', message: `${Arn} is disabled.` });
});

test('usages: ML-KEM keys encapsulate only, and only they do', async () => {
  const { KeyId, Arn } = await makeKey('ML_KEM_512');
  const signs = kms.send(
    new SignCommand({ KeyId, Message: Buffer.alloc(1), SigningAlgorithm: 'ML_DSA_SHAKE_256' }),
  );
  expect(await failure(signs)).toMatchObject({
    name: 'InvalidKeyUsageException',
    message: `${Arn} key usage is ENCAPSULATE_DECAPSULATE which is not valid for Sign.`,
  });
  const symmetric = (await kms.send(new CreateKeyCommand({}))).KeyMetadata!;
  const calls = {
    Encapsulate: {},
    Decapsulate: { SharedSecretCiphertextBlob: randomBytes(768).toString('base64') },
  };
  for (const [operation, members] of Object.entries(calls)) {
    const input = { KeyId: symmetric.KeyId, EncapsulationAlgorithm, ...members };
    const reply = await server.call(operation, input);
    expect([reply.status, reply.json]).toEqual([
      400,
      {
        __type: 'InvalidKeyUsageException',
        message: `${symmetric.Arn} key usage is ENCRYPT_DECRYPT which is not valid for ${operation}.`,
      },
    ]);
  }
});

test('ML-KEM is not offered in China, where AWS does not have it', async () => {
  // In dev mode the Region is the one that a request is signed for.
  const dev = await startServer({ quota: 'off', dev: true });
  const call = (operation: string, input: object) =>
    dev.call(operation, input, { region: 'cn-north-1' });
  const refused = async (operation: string, input: object, text: string) => {
    const reply = await call(operation, input);
    expect([reply.status, reply.json.__type]).toEqual([400, 'UnsupportedOperationException']);
    expect(reply.json.message).toContain(text);
  };
  const KeyUsage = 'ENCAPSULATE_DECAPSULATE';
  await refused('CreateKey', { KeySpec: 'ML_KEM_768', KeyUsage }, 'ML_KEM_768');
  const { json } = await call('CreateKey', {});
  const { KeyId, Arn } = json.KeyMetadata;
  expect(Arn).toContain(':cn-north-1:');
  await refused('GenerateDataKeyPair', { KeyId, KeyPairSpec: 'ML_KEM_512' }, 'ML_KEM_512');
  const edwards = { KeySpec: 'ECC_NIST_EDWARDS25519', KeyUsage: 'SIGN_VERIFY' };
  expect((await call('CreateKey', edwards)).status).toBe(200);
  const sm2 = { KeySpec: 'SM2', KeyUsage: 'SIGN_VERIFY' };
  expect((await call('CreateKey', sm2)).status).toBe(200);
  await dev.stop();
});
