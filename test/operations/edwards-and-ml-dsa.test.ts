/**
 * ECC_NIST_EDWARDS25519 and ML_DSA_* through a server and AWS's SDK, checked by @noble: every algorithm
 * and type of message both ways, and every refusal of theirs.
 */
import { createHash, createPublicKey, randomBytes, verify } from 'node:crypto';
import {
  CreateKeyCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  EnableKeyCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  GenerateMacCommand,
  GetPublicKeyCommand,
  type KeySpec,
  type KMSClient,
  type MessageType,
  ScheduleKeyDeletionCommand,
  SignCommand,
  type SigningAlgorithmSpec,
  VerifyCommand,
} from '@aws-sdk/client-kms';
import { ed25519ph } from '@noble/curves/ed25519.js';
import { shake256 } from '@noble/hashes/sha3.js';
import { ml_dsa44, ml_dsa65, ml_dsa87 } from '@noble/post-quantum/ml-dsa.js';
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

async function makeKey(spec: KeySpec) {
  const input = { KeySpec: spec, KeyUsage: 'SIGN_VERIFY' as const };
  const { KeyMetadata } = await kms.send(new CreateKeyCommand(input));
  const KeyId = KeyMetadata!.KeyId!;
  const shown = await kms.send(new GetPublicKeyCommand({ KeyId }));
  const Arn = KeyMetadata!.Arn!;
  expect(shown).toMatchObject({ KeyId: Arn, KeySpec: spec, KeyUsage: 'SIGN_VERIFY' });
  return {
    KeyId,
    Arn,
    SigningAlgorithms: shown.SigningAlgorithms,
    spki: Buffer.from(shown.PublicKey!),
  };
}

interface Case {
  readonly KeyId: string;
  readonly SigningAlgorithm: SigningAlgorithmSpec;
}

const sign = async (c: Case, Message: Uint8Array, MessageType?: MessageType) => {
  const signed = await kms.send(new SignCommand({ ...c, Message, MessageType }));
  return Buffer.from(signed.Signature!);
};
const check = (c: Case, Message: Uint8Array, Signature: Uint8Array, MessageType?: MessageType) =>
  kms.send(new VerifyCommand({ ...c, Message, MessageType, Signature }));

describe('ECC_NIST_EDWARDS25519', () => {
  let made: Awaited<ReturnType<typeof makeKey>>;
  let raw: Buffer;
  beforeAll(async () => {
    made = await makeKey('ECC_NIST_EDWARDS25519');
    raw = made.spki.subarray(-32);
  });

  test('shows its algorithms and an SPKI of RFC 8410', () => {
    expect(made.SigningAlgorithms).toEqual(['ED25519_SHA_512', 'ED25519_PH_SHA_512']);
    expect(made.spki.subarray(0, -32).toString('hex')).toBe('302a300506032b6570032100');
  });

  test('ED25519_SHA_512 over messages', async () => {
    const c: Case = { KeyId: made.KeyId, SigningAlgorithm: 'ED25519_SHA_512' };
    const key = createPublicKey({ key: made.spki, format: 'der', type: 'spki' });
    for (const length of [1, 64, 4096]) {
      const message = randomBytes(length);
      const signature = await sign(c, message);
      expect(verify(null, message, key, signature)).toBe(true);
      expect(await check(c, message, signature, 'RAW')).toMatchObject({
        KeyId: made.Arn,
        SignatureValid: true,
        SigningAlgorithm: 'ED25519_SHA_512',
      });
    }
  });

  test('ED25519_PH_SHA_512 over digests, which it hashes once more', async () => {
    const c: Case = { KeyId: made.KeyId, SigningAlgorithm: 'ED25519_PH_SHA_512' };
    const digest = createHash('sha512').update('message').digest();
    const signature = await sign(c, digest, 'DIGEST');
    expect(ed25519ph.verify(signature, digest, raw)).toBe(true);
    expect((await check(c, digest, signature, 'DIGEST')).SignatureValid).toBe(true);
    const spoilt = Buffer.from(digest);
    spoilt[0]! ^= 1;
    const refused = await failure(check(c, spoilt, signature, 'DIGEST'));
    expect(refused.name).toBe('KMSInvalidSignatureException');
  });

  const wrongTypes: readonly (readonly [
    SigningAlgorithmSpec,
    MessageType | undefined,
    number,
    RegExp,
  ])[] = [
    ['ED25519_SHA_512', 'DIGEST', 64, /MessageType DIGEST is not valid for .*ED25519_SHA_512/],
    ['ED25519_SHA_512', 'EXTERNAL_MU', 64, /MessageType EXTERNAL_MU is not valid/],
    ['ED25519_PH_SHA_512', 'RAW', 64, /MessageType RAW is not valid for .*ED25519_PH_SHA_512/],
    ['ED25519_PH_SHA_512', undefined, 64, /MessageType RAW is not valid/],
    ['ED25519_PH_SHA_512', 'EXTERNAL_MU', 64, /MessageType EXTERNAL_MU is not valid/],
    ['ED25519_PH_SHA_512', 'DIGEST', 63, /^Digest is invalid length for algorithm ED25519_PH/],
    ['ED25519_PH_SHA_512', 'DIGEST', 65, /^Digest is invalid length for algorithm ED25519_PH/],
  ];
  test.each(wrongTypes)('%s refuses %s of %i bytes', async (SigningAlgorithm, type, size, text) => {
    const c: Case = { KeyId: made.KeyId, SigningAlgorithm };
    for (const call of [
      sign(c, randomBytes(size), type),
      check(c, randomBytes(size), randomBytes(64), type),
    ]) {
      const thrown = await failure(call);
      expect(thrown).toMatchObject({ name: 'ValidationException', status: 400 });
      expect(thrown.message).toMatch(text);
    }
  });
});

const SETS = [
  ['ML_DSA_44', ml_dsa44, 2420, '30820532300b06096086480165030403110382052100'],
  ['ML_DSA_65', ml_dsa65, 3309, '308207b2300b0609608648016503040312038207a100'],
  ['ML_DSA_87', ml_dsa87, 4627, '30820a32300b060960864801650304031303820a2100'],
] as const;

describe.each(SETS)('%s', (spec, library, signatureBytes, head) => {
  let made: Awaited<ReturnType<typeof makeKey>>;
  let raw: Buffer;
  let c: Case;
  beforeAll(async () => {
    made = await makeKey(spec);
    raw = made.spki.subarray(head.length / 2);
    c = { KeyId: made.KeyId, SigningAlgorithm: 'ML_DSA_SHAKE_256' };
  });

  /** FIPS 204, algorithm 7, line 6, with an empty context. */
  const representative = (message: Uint8Array): Uint8Array =>
    shake256(Buffer.concat([shake256(raw, { dkLen: 64 }), Buffer.alloc(2), message]), {
      dkLen: 64,
    });

  test('shows its algorithm and an SPKI of RFC 9881', () => {
    expect(made.SigningAlgorithms).toEqual(['ML_DSA_SHAKE_256']);
    expect(made.spki.subarray(0, head.length / 2).toString('hex')).toBe(head);
    expect(raw).toHaveLength(library.lengths.publicKey!);
  });

  test('RAW and EXTERNAL_MU are one signature scheme', async () => {
    const message = randomBytes(4096);
    const mu = representative(message);
    const ofMessage = await sign(c, message);
    const ofMu = await sign(c, mu, 'EXTERNAL_MU');
    for (const signature of [ofMessage, ofMu]) {
      expect(signature).toHaveLength(signatureBytes);
      expect(library.verify(signature, message, raw)).toBe(true);
      for (const verified of [
        await check(c, message, signature),
        await check(c, mu, signature, 'EXTERNAL_MU'),
      ]) {
        expect(verified).toMatchObject({ KeyId: made.Arn, SignatureValid: true });
      }
      const other = await failure(check(c, randomBytes(32), signature));
      expect(other).toMatchObject({ name: 'KMSInvalidSignatureException' });
    }
  });

  test('refuses other types, lengths and algorithms', async () => {
    const cases: readonly (readonly [MessageType, number, RegExp])[] = [
      ['DIGEST', 64, /MessageType DIGEST is not valid for algorithm ML_DSA_SHAKE_256/],
      ['EXTERNAL_MU', 63, /^Digest is invalid length for algorithm ML_DSA_SHAKE_256/],
      ['EXTERNAL_MU', 65, /^Digest is invalid length for algorithm ML_DSA_SHAKE_256/],
    ];
    for (const [type, size, text] of cases) {
      const thrown = await failure(sign(c, randomBytes(size), type));
      expect(thrown.name).toBe('ValidationException');
      expect(thrown.message).toMatch(text);
    }
    const alien: Case = { KeyId: made.KeyId, SigningAlgorithm: 'ED25519_SHA_512' };
    expect(await failure(sign(alien, randomBytes(8)))).toMatchObject({
      name: 'InvalidKeyUsageException',
      message: `Algorithm ED25519_SHA_512 is incompatible with key spec ${spec}.`,
    });
    const long = await failure(check(c, randomBytes(8), randomBytes(6145)));
    expect(long.name).toBe('ValidationException');
    const short = await failure(check(c, randomBytes(8), randomBytes(signatureBytes - 1)));
    expect(short.name).toBe('KMSInvalidSignatureException');
  });
});

describe.each(['ECC_NIST_EDWARDS25519', 'ML_DSA_65'] as const)(
  'states and usages of %s',
  (spec) => {
    const SigningAlgorithm = spec === 'ML_DSA_65' ? 'ML_DSA_SHAKE_256' : 'ED25519_SHA_512';

    test('a multi-Region key of it signs as any other', async () => {
      const { KeyMetadata } = await kms.send(
        new CreateKeyCommand({ KeySpec: spec, KeyUsage: 'SIGN_VERIFY', MultiRegion: true }),
      );
      const c: Case = { KeyId: KeyMetadata!.Arn!, SigningAlgorithm };
      const signature = await sign(c, Buffer.from('message'));
      expect((await check(c, Buffer.from('message'), signature)).SignatureValid).toBe(true);
    });

    test('disabled, pending deletion', async () => {
      const { KeyId, Arn } = await makeKey(spec);
      const c: Case = { KeyId, SigningAlgorithm };
      const signature = await sign(c, Buffer.from('message'));
      await kms.send(new DisableKeyCommand({ KeyId }));
      for (const call of [sign(c, Buffer.alloc(1)), check(c, Buffer.from('message'), signature)]) {
        expect(await failure(call)).toMatchObject({
          name: 'DisabledException',
          message: `${Arn} is disabled.`,
        });
      }
      await kms.send(new EnableKeyCommand({ KeyId }));
      expect((await check(c, Buffer.from('message'), signature)).SignatureValid).toBe(true);
      await kms.send(new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays: 7 }));
      expect(await failure(sign(c, Buffer.alloc(1)))).toMatchObject({
        name: 'KMSInvalidStateException',
        message: `${Arn} is pending deletion.`,
      });
      const seen = await kms.send(new DescribeKeyCommand({ KeyId }));
      expect(seen.KeyMetadata).toMatchObject({ KeySpec: spec, KeyState: 'PendingDeletion' });
    });

    test('does nothing but sign', async () => {
      const { KeyId, Arn } = await makeKey(spec);
      const refused = (operation: string) => ({
        name: 'InvalidKeyUsageException',
        message: `${Arn} key usage is SIGN_VERIFY which is not valid for ${operation}.`,
      });
      const encrypts = kms.send(new EncryptCommand({ KeyId, Plaintext: Buffer.alloc(1) }));
      expect(await failure(encrypts)).toMatchObject(refused('Encrypt'));
      const dataKey = kms.send(new GenerateDataKeyCommand({ KeyId, KeySpec: 'AES_256' }));
      expect(await failure(dataKey)).toMatchObject(refused('GenerateDataKey'));
      const mac = kms.send(
        new GenerateMacCommand({ KeyId, Message: Buffer.alloc(1), MacAlgorithm: 'HMAC_SHA_256' }),
      );
      expect(await failure(mac)).toMatchObject(refused('GenerateMac'));
    });
  },
);
