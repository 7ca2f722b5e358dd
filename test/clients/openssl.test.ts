/**
 * Interoperation with OpenSSL, by its program and through node:crypto: what GetPublicKey returns
 * verifies our signatures and encrypts what we decrypt, for every key spec and algorithm.
 */
import { execFileSync } from 'node:child_process';
import {
  constants,
  createHash,
  createPublicKey,
  publicEncrypt,
  randomBytes,
  verify,
} from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateKeyCommand,
  DecryptCommand,
  EncryptCommand,
  type EncryptionAlgorithmSpec,
  GenerateDataKeyPairCommand,
  GetPublicKeyCommand,
  type KeySpec,
  type KeyUsageType,
  type KMSClient,
  SignCommand,
  type SigningAlgorithmSpec,
  VerifyCommand,
} from '@aws-sdk/client-kms';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { KEY_SPECS } from '../../src/specs/key-specs.js';
import { failure } from '../failure.js';
import { startServer, type TestServer } from '../harness.js';

let server: TestServer;
let kms: KMSClient;
const directory = mkdtempSync(join(tmpdir(), 'keystrel-openssl-'));

beforeAll(async () => {
  server = await startServer({ quota: 'off' });
  kms = server.kms();
});
afterAll(async () => {
  await server.stop();
  rmSync(directory, { recursive: true });
});

function file(name: string, data: Uint8Array | string): string {
  const path = join(directory, name);
  writeFileSync(path, data);
  return path;
}

async function makeKey(spec: string, usage: KeyUsageType) {
  const made = await kms.send(new CreateKeyCommand({ KeySpec: spec as KeySpec, KeyUsage: usage }));
  const KeyId = made.KeyMetadata!.KeyId!;
  const shown = await kms.send(new GetPublicKeyCommand({ KeyId }));
  const key = createPublicKey({
    key: Buffer.from(shown.PublicKey!),
    format: 'der',
    type: 'spki',
  });
  const pem = key.export({ format: 'pem', type: 'spki' }).toString();
  return { KeyId, key, pemFile: file(`${KeyId}.pem`, pem) };
}

const SIGNING = KEY_SPECS.filter((row) => row.family === 'rsa' || row.family === 'ecc');

describe.each(SIGNING.map((row) => [row.spec, row] as const))('%s signs', (spec, row) => {
  let made: Awaited<ReturnType<typeof makeKey>>;
  beforeAll(async () => {
    made = await makeKey(spec, 'SIGN_VERIFY');
  });

  test.each(row.signingAlgorithms)('%s', async (algorithm) => {
    const SigningAlgorithm = algorithm as SigningAlgorithmSpec;
    const { KeyId } = made;
    const hash = `sha${algorithm.slice(-3)}`;
    const isPss = algorithm.includes('PSS');
    for (const length of [1, 32, 4096]) {
      const Message = randomBytes(length);
      const digest = createHash(hash).update(Message).digest();
      const raw = await kms.send(new SignCommand({ KeyId, Message, SigningAlgorithm }));
      const ofDigest = await kms.send(
        new SignCommand({ KeyId, Message: digest, MessageType: 'DIGEST', SigningAlgorithm }),
      );
      for (const { Signature } of [raw, ofDigest]) {
        const signature = Buffer.from(Signature!);
        const options = isPss
          ? {
              key: made.key,
              padding: constants.RSA_PKCS1_PSS_PADDING,
              saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
            }
          : made.key;
        expect(verify(hash, Message, options, signature)).toBe(true);
        if (row.family === 'rsa') expect(signature).toHaveLength(row.sizeBytes);
        for (const input of [
          { Message, MessageType: 'RAW' as const },
          { Message: digest, MessageType: 'DIGEST' as const },
        ]) {
          const checked = await kms.send(
            new VerifyCommand({ KeyId, ...input, Signature: signature, SigningAlgorithm }),
          );
          expect(checked).toMatchObject({ SignatureValid: true, SigningAlgorithm });
        }
      }
      const messageFile = file('message', Message);
      const signatureFile = file('signature', raw.Signature!);
      const pss = ['-sigopt', 'rsa_padding_mode:pss', '-sigopt', 'rsa_pss_saltlen:digest'];
      const told = execFileSync('openssl', [
        'dgst',
        `-${hash}`,
        '-verify',
        made.pemFile,
        '-signature',
        signatureFile,
        ...(isPss ? pss : []),
        messageFile,
      ]);
      expect(told.toString().trim()).toBe('Verified OK');
    }
  });

  test('refuses wrong signatures and wrong digests', async () => {
    const SigningAlgorithm = row.signingAlgorithms[0] as SigningAlgorithmSpec;
    const { KeyId } = made;
    const Message = randomBytes(40);
    const { Signature } = await kms.send(new SignCommand({ KeyId, Message, SigningAlgorithm }));
    const good = Buffer.from(Signature!);
    const flipped = Buffer.from(good);
    flipped[flipped.length - 1]! ^= 1;
    const wrong = [flipped, good.subarray(1), Buffer.concat([good, good]), randomBytes(70)];
    for (const candidate of wrong) {
      const reply = await server.call('Verify', {
        KeyId,
        Message: Message.toString('base64'),
        Signature: candidate.toString('base64'),
        SigningAlgorithm,
      });
      expect([reply.status, reply.json]).toEqual([400, { __type: 'KMSInvalidSignatureException' }]);
    }
    for (const MessageType of ['DIGEST', 'EXTERNAL_MU'] as const) {
      const call = kms.send(
        new SignCommand({ KeyId, Message: randomBytes(31), MessageType, SigningAlgorithm }),
      );
      const thrown = await failure(call);
      expect(thrown.name).toBe('ValidationException');
      if (MessageType === 'DIGEST') {
        expect(thrown.message).toBe(`Digest is invalid length for algorithm ${SigningAlgorithm}.`);
      }
    }
    const foreign = row.family === 'rsa' ? 'ECDSA_SHA_256' : 'RSASSA_PSS_SHA_256';
    const call = kms.send(new SignCommand({ KeyId, Message, SigningAlgorithm: foreign }));
    expect(await failure(call)).toMatchObject({
      name: 'InvalidKeyUsageException',
      message: `Algorithm ${foreign} is incompatible with key spec ${spec}.`,
    });
  });
});

const RSA = KEY_SPECS.filter((row) => row.family === 'rsa');
const OAEP_MAX: Readonly<Record<string, readonly [number, number]>> = {
  RSA_2048: [214, 190],
  RSA_3072: [342, 318],
  RSA_4096: [470, 446],
};

describe.each(RSA.map((row) => [row.spec] as const))('%s encrypts', (spec) => {
  let made: Awaited<ReturnType<typeof makeKey>>;
  beforeAll(async () => {
    made = await makeKey(spec, 'ENCRYPT_DECRYPT');
  });

  test.each([
    ['RSAES_OAEP_SHA_1', 0, 'sha1'],
    ['RSAES_OAEP_SHA_256', 1, 'sha256'],
  ] as const)('%s', async (algorithm, column, hash) => {
    const EncryptionAlgorithm: EncryptionAlgorithmSpec = algorithm;
    const { KeyId } = made;
    const max = OAEP_MAX[spec]![column];
    for (const length of [1, 32, max]) {
      const plaintext = randomBytes(length);
      const byNode = publicEncrypt({ key: made.key, oaepHash: hash }, plaintext);
      const byProgram = execFileSync('openssl', [
        'pkeyutl',
        '-encrypt',
        '-pubin',
        '-inkey',
        made.pemFile,
        '-in',
        file('plaintext', plaintext),
        '-pkeyopt',
        'rsa_padding_mode:oaep',
        '-pkeyopt',
        `rsa_oaep_md:${hash}`,
        '-pkeyopt',
        `rsa_mgf1_md:${hash}`,
      ]);
      const ours = await kms.send(
        new EncryptCommand({ KeyId, Plaintext: plaintext, EncryptionAlgorithm }),
      );
      expect(ours.EncryptionAlgorithm).toBe(algorithm);
      for (const CiphertextBlob of [byNode, byProgram, ours.CiphertextBlob!]) {
        const opened = await kms.send(
          new DecryptCommand({ KeyId, CiphertextBlob, EncryptionAlgorithm }),
        );
        expect(Buffer.from(opened.Plaintext!).equals(plaintext)).toBe(true);
        expect(opened.EncryptionAlgorithm).toBe(algorithm);
        expect(opened.KeyMaterialId).toBeUndefined();
      }
    }
    const tooLong = kms.send(
      new EncryptCommand({ KeyId, Plaintext: randomBytes(max + 1), EncryptionAlgorithm }),
    );
    expect(await failure(tooLong)).toMatchObject({
      name: 'ValidationException',
      message: `Algorithm ${algorithm} and key spec ${spec} cannot encrypt data larger than ${max} bytes.`,
    });
  });

  test('opens nothing else, and has no encryption context', async () => {
    const { KeyId } = made;
    const EncryptionAlgorithm = 'RSAES_OAEP_SHA_256' as const;
    const good = await kms.send(
      new EncryptCommand({ KeyId, Plaintext: randomBytes(10), EncryptionAlgorithm }),
    );
    const blob = Buffer.from(good.CiphertextBlob!);
    const wrong = [blob.subarray(1), Buffer.concat([blob, Buffer.from([0])]), randomBytes(9)];
    const flipped = Buffer.from(blob);
    flipped[5]! ^= 4;
    wrong.push(flipped, publicEncrypt({ key: made.key, oaepHash: 'sha1' }, randomBytes(3)));
    wrong.push(Buffer.alloc(blob.length, 0xff), Buffer.alloc(blob.length, 0));
    for (const candidate of wrong) {
      const reply = await server.call('Decrypt', {
        KeyId,
        CiphertextBlob: candidate.toString('base64'),
        EncryptionAlgorithm,
      });
      expect([reply.status, reply.json]).toEqual([400, { __type: 'InvalidCiphertextException' }]);
    }
    const context = kms.send(
      new EncryptCommand({
        KeyId,
        Plaintext: randomBytes(10),
        EncryptionAlgorithm,
        EncryptionContext: { a: 'b' },
      }),
    );
    expect((await failure(context)).name).toBe('ValidationException');
    const noAlgorithm = kms.send(new EncryptCommand({ KeyId, Plaintext: randomBytes(10) }));
    expect(await failure(noAlgorithm)).toMatchObject({
      name: 'InvalidKeyUsageException',
      message: `Algorithm SYMMETRIC_DEFAULT is incompatible with key spec ${spec}.`,
    });
  });
});

describe('ECC_NIST_EDWARDS25519 signs', () => {
  let made: Awaited<ReturnType<typeof makeKey>>;
  beforeAll(async () => {
    made = await makeKey('ECC_NIST_EDWARDS25519', 'SIGN_VERIFY');
  });

  /** The program's verdict on a signature of a message. */
  const told = (message: Uint8Array, signature: Uint8Array): string =>
    execFileSync('openssl', [
      'pkeyutl',
      '-verify',
      '-pubin',
      '-inkey',
      made.pemFile,
      '-rawin',
      '-in',
      file('message', message),
      '-sigfile',
      file('signature', signature),
    ])
      .toString()
      .trim();

  test('ED25519_SHA_512, and OpenSSL verifies', async () => {
    const { KeyId, key } = made;
    const SigningAlgorithm = 'ED25519_SHA_512';
    for (const length of [1, 32, 4096]) {
      const Message = randomBytes(length);
      const { Signature } = await kms.send(new SignCommand({ KeyId, Message, SigningAlgorithm }));
      const signature = Buffer.from(Signature!);
      expect(signature).toHaveLength(64);
      expect(verify(null, Message, key, signature)).toBe(true);
      expect(told(Message, signature)).toBe('Signature Verified Successfully');
      const checked = await kms.send(
        new VerifyCommand({ KeyId, Message, Signature: signature, SigningAlgorithm }),
      );
      expect(checked).toMatchObject({ SignatureValid: true, SigningAlgorithm });
      // Deterministic: the same message has one signature.
      const again = await kms.send(new SignCommand({ KeyId, Message, SigningAlgorithm }));
      expect(signature.equals(again.Signature!)).toBe(true);
    }
  });

  test('what OpenSSL signs with a data key pair, its public half verifies', async () => {
    const wrapping = await kms.send(new CreateKeyCommand({}));
    const pair = await kms.send(
      new GenerateDataKeyPairCommand({
        KeyId: wrapping.KeyMetadata!.KeyId,
        KeyPairSpec: 'ECC_NIST_EDWARDS25519',
      }),
    );
    const der = Buffer.from(pair.PrivateKeyPlaintext!);
    const message = file('message', randomBytes(100));
    const signature = join(directory, 'signature');
    execFileSync('openssl', [
      'pkeyutl',
      '-sign',
      '-keyform',
      'DER',
      '-inkey',
      file('pair.der', der),
      '-rawin',
      '-in',
      message,
      '-out',
      signature,
    ]);
    const shown = execFileSync('openssl', [
      'pkeyutl',
      '-verify',
      '-pubin',
      '-keyform',
      'DER',
      '-inkey',
      file('pair-public.der', Buffer.from(pair.PublicKey!)),
      '-rawin',
      '-in',
      message,
      '-sigfile',
      signature,
    ]);
    expect(shown.toString().trim()).toBe('Signature Verified Successfully');
  });
});
