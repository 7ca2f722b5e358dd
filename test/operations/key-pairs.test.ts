/** GenerateDataKeyPair*, DeriveSharedSecret: checked against node's own OpenSSL. */
import {
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto';
import {
  CreateKeyCommand,
  type DataKeyPairSpec,
  DecryptCommand,
  DeriveSharedSecretCommand,
  GenerateDataKeyPairCommand,
  GenerateDataKeyPairWithoutPlaintextCommand,
  GetPublicKeyCommand,
  type KeyMetadata,
  type KMSClient,
} from '@aws-sdk/client-kms';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { failure } from '../failure.js';
import { startServer, type TestServer } from '../harness.js';
import { SPECS_HERE } from '../specs-of-regions.js';

let server: TestServer;
let kms: KMSClient;
let key: KeyMetadata;

beforeAll(async () => {
  server = await startServer({ quota: 'off' });
  kms = server.kms();
  key = (await kms.send(new CreateKeyCommand({}))).KeyMetadata!;
});
afterAll(() => server.stop());

/** ML-KEM is unknown to this OpenSSL: test/operations/ml-kem.test.ts. */
const PAIR_SPECS = SPECS_HERE.filter((row) => row.dataKeyPair && row.family !== 'ml-kem');

function publicDer(privateKey: KeyObject): Buffer {
  return createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
}

describe.each(PAIR_SPECS.map((row) => [row.spec, row] as const))('pair %s', (spec, row) => {
  const KeyPairSpec = spec as DataKeyPairSpec;

  test('is PKCS#8 and SPKI of one pair, and its blob opens under its context', async () => {
    const EncryptionContext = { pair: spec };
    const made = await kms.send(
      new GenerateDataKeyPairCommand({ KeyId: key.KeyId, KeyPairSpec, EncryptionContext }),
    );
    expect(made).toMatchObject({
      KeyId: key.Arn,
      KeyPairSpec,
      KeyMaterialId: key.CurrentKeyMaterialId,
    });
    const privateKey = createPrivateKey({
      key: Buffer.from(made.PrivateKeyPlaintext!),
      format: 'der',
      type: 'pkcs8',
    });
    expect(publicDer(privateKey).equals(Buffer.from(made.PublicKey!))).toBe(true);
    const details = privateKey.asymmetricKeyDetails!;
    if (row.family === 'rsa') {
      expect(details).toMatchObject({ modulusLength: row.sizeBytes * 8, publicExponent: 65537n });
    } else if (row.family === 'eddsa') {
      expect(privateKey.asymmetricKeyType).toBe('ed25519');
    } else {
      expect(details.namedCurve).toBe(row.curve);
    }
    const opened = await kms.send(
      new DecryptCommand({ CiphertextBlob: made.PrivateKeyCiphertextBlob, EncryptionContext }),
    );
    expect(Buffer.from(opened.Plaintext!).equals(Buffer.from(made.PrivateKeyPlaintext!))).toBe(
      true,
    );
    const noContext = kms.send(
      new DecryptCommand({ CiphertextBlob: made.PrivateKeyCiphertextBlob }),
    );
    expect((await failure(noContext)).name).toBe('InvalidCiphertextException');
  });

  test('without plaintext shows only the public half', async () => {
    const made = await kms.send(
      new GenerateDataKeyPairWithoutPlaintextCommand({ KeyId: key.KeyId, KeyPairSpec }),
    );
    expect(made).not.toHaveProperty('PrivateKeyPlaintext');
    const opened = await kms.send(
      new DecryptCommand({ CiphertextBlob: made.PrivateKeyCiphertextBlob }),
    );
    const privateKey = createPrivateKey({
      key: Buffer.from(opened.Plaintext!),
      format: 'der',
      type: 'pkcs8',
    });
    expect(publicDer(privateKey).equals(Buffer.from(made.PublicKey!))).toBe(true);
  });
});

test('SM2, which AWS has in China alone, is not offered', async () => {
  const call = kms.send(new GenerateDataKeyPairCommand({ KeyId: key.KeyId, KeyPairSpec: 'SM2' }));
  expect(await failure(call)).toMatchObject({ name: 'UnsupportedOperationException' });
});

const AGREEMENT = SPECS_HERE.filter((row) => row.usages.includes('KEY_AGREEMENT'));

describe.each(AGREEMENT.map((row) => [row.spec, row] as const))('agreement %s', (spec, row) => {
  let agreement: KeyMetadata;
  let ours: KeyObject;

  beforeAll(async () => {
    const made = await kms.send(new CreateKeyCommand({ KeySpec: spec, KeyUsage: 'KEY_AGREEMENT' }));
    agreement = made.KeyMetadata!;
    const shown = await kms.send(new GetPublicKeyCommand({ KeyId: agreement.KeyId }));
    expect(shown.KeyAgreementAlgorithms).toEqual(['ECDH']);
    ours = createPublicKey({ key: Buffer.from(shown.PublicKey!), format: 'der', type: 'spki' });
  });

  const derive = (PublicKey: Uint8Array) =>
    kms.send(
      new DeriveSharedSecretCommand({
        KeyId: agreement.KeyId,
        KeyAgreementAlgorithm: 'ECDH',
        PublicKey,
      }),
    );

  test('both sides derive the same x coordinate', async () => {
    for (let round = 0; round < 5; round += 1) {
      const peer = generateKeyPairSync('ec', { namedCurve: row.curve! });
      const der = peer.publicKey.export({ format: 'der', type: 'spki' });
      const made = await derive(der);
      const theirs = diffieHellman({ privateKey: peer.privateKey, publicKey: ours });
      expect(made.SharedSecret).toHaveLength(row.sizeBytes);
      expect(Buffer.from(made.SharedSecret!).equals(theirs)).toBe(true);
      expect(made).toMatchObject({
        KeyId: agreement.Arn,
        KeyAgreementAlgorithm: 'ECDH',
        KeyOrigin: 'AWS_KMS',
      });
    }
  });

  test('refuses keys of other curves and what is no key, without a text', async () => {
    const foreign = AGREEMENT.find((candidate) => candidate !== row)!;
    const der = (curve: string) =>
      generateKeyPairSync('ec', { namedCurve: curve }).publicKey.export({
        format: 'der',
        type: 'spki',
      });
    const good = der(row.curve!);
    const offCurve = Buffer.from(good);
    offCurve[offCurve.length - 1]! ^= 1;
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey;
    const bad = [
      der(foreign.curve!),
      offCurve,
      good.subarray(0, -1),
      Buffer.concat([good, Buffer.from([0])]),
      Buffer.from('not a key'),
      rsa.export({ format: 'der', type: 'spki' }),
    ];
    for (const peer of bad) {
      const reply = await server.call('DeriveSharedSecret', {
        KeyId: agreement.KeyId,
        KeyAgreementAlgorithm: 'ECDH',
        PublicKey: peer.toString('base64'),
      });
      expect(reply.status).toBe(400);
      expect(reply.json).toEqual({ __type: 'ValidationException' });
    }
  });
});

test('a key of another usage derives nothing', async () => {
  const made = await kms.send(
    new CreateKeyCommand({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' }),
  );
  const peer = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).publicKey;
  const call = kms.send(
    new DeriveSharedSecretCommand({
      KeyId: made.KeyMetadata!.KeyId,
      KeyAgreementAlgorithm: 'ECDH',
      PublicKey: peer.export({ format: 'der', type: 'spki' }),
    }),
  );
  expect(await failure(call)).toMatchObject({
    name: 'InvalidKeyUsageException',
    message: `${made.KeyMetadata!.Arn} key usage is SIGN_VERIFY which is not valid for DeriveSharedSecret.`,
  });
});
