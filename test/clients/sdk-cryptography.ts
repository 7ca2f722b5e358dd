/**
 * Round trips of cryptographic operations: what one operation makes, its counterpart takes, for
 * every key spec, algorithm and type of message of the product's table; run by the SDK's test.
 */
import { createHash, createPublicKey, diffieHellman, generateKeyPairSync } from 'node:crypto';
import {
  type DataKeyPairSpec,
  type DataKeySpec,
  DecryptCommand,
  DeriveSharedSecretCommand,
  EncryptCommand,
  type EncryptionAlgorithmSpec,
  GenerateDataKeyCommand,
  GenerateDataKeyPairCommand,
  GenerateDataKeyPairWithoutPlaintextCommand,
  GenerateDataKeyWithoutPlaintextCommand,
  GenerateMacCommand,
  GenerateRandomCommand,
  GetPublicKeyCommand,
  type MacAlgorithmSpec,
  type MessageType,
  ReEncryptCommand,
  SignCommand,
  type SigningAlgorithmSpec,
  VerifyCommand,
  VerifyMacCommand,
} from '@aws-sdk/client-kms';
import { expect, test } from 'vitest';
import { makeDocument, RECIPIENT } from '../attestation/documents.js';
import { openEnvelope } from '../attestation/open-envelope.js';
import { failure } from '../failure.js';
import { SPECS_HERE } from '../specs-of-regions.js';
import type { SdkRig } from './sdk-rig.js';

const MESSAGE = Buffer.from('a message for every algorithm');
const EncryptionContext = { stage: 'demo', purpose: 'round trip' };

export function encryptionTrips(rig: () => SdkRig): void {
  const rows = SPECS_HERE.filter((row) => row.encryptionAlgorithms.length > 0).flatMap((row) =>
    row.encryptionAlgorithms.map((one) => [row.spec, one as EncryptionAlgorithmSpec] as const),
  );

  test.each(rows)('%s: Encrypt, Decrypt, ReEncrypt with %s', async (KeySpec, algorithm) => {
    const { kms, createKey } = rig();
    const key = await createKey({ KeySpec: KeySpec, KeyUsage: 'ENCRYPT_DECRYPT' });
    const { KeyId, Arn } = key;
    const context = algorithm === 'SYMMETRIC_DEFAULT' ? { EncryptionContext } : {};
    const sealed = await kms.send(
      new EncryptCommand({
        ...{ KeyId, Plaintext: MESSAGE, EncryptionAlgorithm: algorithm, ...context },
      }),
    );
    expect(sealed).toMatchObject({ KeyId: Arn, EncryptionAlgorithm: algorithm });
    const { CiphertextBlob } = sealed;
    const opening = { KeyId, CiphertextBlob, EncryptionAlgorithm: algorithm, ...context };
    const opened = await kms.send(new DecryptCommand(opening));
    expect(opened).toMatchObject({ KeyId: Arn, EncryptionAlgorithm: algorithm });
    expect(opened.KeyMaterialId).toBe(key.CurrentKeyMaterialId);
    expect(Buffer.from(opened.Plaintext!)).toEqual(MESSAGE);
    if (algorithm !== 'SYMMETRIC_DEFAULT') {
      const shown = await kms.send(new GetPublicKeyCommand({ KeyId }));
      expect(shown.EncryptionAlgorithms).toContain(algorithm);
    }
    const moved = await kms.send(
      new ReEncryptCommand({
        ...{ CiphertextBlob, SourceKeyId: KeyId, SourceEncryptionAlgorithm: algorithm },
        ...{ DestinationKeyId: Arn, DestinationEncryptionAlgorithm: algorithm },
        ...(context.EncryptionContext === undefined
          ? {}
          : { SourceEncryptionContext: EncryptionContext }),
      }),
    );
    expect(moved).toMatchObject({
      ...{ SourceKeyId: Arn, SourceEncryptionAlgorithm: algorithm },
      ...{ KeyId: Arn, DestinationEncryptionAlgorithm: algorithm },
    });
    const again = await kms.send(
      new DecryptCommand({ ...{ KeyId, EncryptionAlgorithm: algorithm }, ...blobOf(moved) }),
    );
    expect(Buffer.from(again.Plaintext!)).toEqual(MESSAGE);
  });

  test('dry runs, with and without the ciphertext', async () => {
    const { kms, createKey } = rig();
    const { KeyId } = await createKey();
    const { CiphertextBlob } = await kms.send(new EncryptCommand({ KeyId, Plaintext: MESSAGE }));
    const modifiers = { DryRun: true, DryRunModifiers: ['IGNORE_CIPHERTEXT' as const] };
    const calls = [
      new DecryptCommand({ CiphertextBlob, DryRun: true }),
      new DecryptCommand({ KeyId, CiphertextBlob, ...modifiers }),
    ].map((command) => failure(kms.send(command)));
    const moving = { CiphertextBlob, SourceKeyId: KeyId, DestinationKeyId: KeyId, ...modifiers };
    calls.push(failure(kms.send(new ReEncryptCommand(moving))));
    const names = (await Promise.all(calls)).map(({ name }) => name);
    expect(names).toEqual(Array(3).fill('DryRunOperationException'));
  });
}

const blobOf = ({ CiphertextBlob }: { CiphertextBlob?: Uint8Array | undefined }) => ({
  CiphertextBlob,
});

/** What is signed of MESSAGE, by type; undefined where the algorithm does not take the type. */
function signed(algorithm: string, type: MessageType, spki: Uint8Array): Buffer | undefined {
  const isLattice = algorithm.startsWith('ML_DSA');
  if (type === 'RAW') return algorithm === 'ED25519_PH_SHA_512' ? undefined : MESSAGE;
  if (type === 'EXTERNAL_MU') return isLattice ? representative(spki) : undefined;
  if (isLattice || algorithm === 'ED25519_SHA_512') return undefined;
  return createHash(`sha${algorithm.slice(-3)}`)
    .update(MESSAGE)
    .digest();
}

/** FIPS 204, section 5.3, with an empty context; the public key ends the SPKI. */
function representative(spki: Uint8Array): Buffer {
  const shake = (...parts: Uint8Array[]) =>
    createHash('shake256', { outputLength: 64 }).update(Buffer.concat(parts)).digest();
  // Two nested SEQUENCEs, the algorithm of 13 bytes and the head of the BIT STRING.
  const publicKey = spki.subarray(4 + 13 + 5);
  return shake(shake(publicKey), Buffer.from([0, 0]), MESSAGE);
}

export function signatureTrips(rig: () => SdkRig): void {
  const rows = SPECS_HERE.filter((row) => row.signingAlgorithms.length > 0);

  test.each(rows.map((row) => [row.spec, row] as const))('%s: Sign, Verify', async (spec, row) => {
    const { kms, createKey } = rig();
    const { KeyId, Arn } = await createKey({ KeySpec: spec, KeyUsage: 'SIGN_VERIFY' });
    const { PublicKey, SigningAlgorithms } = await kms.send(new GetPublicKeyCommand({ KeyId }));
    expect([...SigningAlgorithms!].sort()).toEqual([...row.signingAlgorithms].sort());
    for (const one of row.signingAlgorithms) {
      const SigningAlgorithm = one as SigningAlgorithmSpec;
      const signatures: Uint8Array[] = [];
      const inputs = (['RAW', 'DIGEST', 'EXTERNAL_MU'] as const)
        .map((type) => ({ MessageType: type, Message: signed(one, type, PublicKey!) }))
        .filter(({ Message }) => Message !== undefined);
      expect(inputs.length).toBeGreaterThan(0);
      for (const input of inputs) {
        const made = await kms.send(new SignCommand({ KeyId, SigningAlgorithm, ...input }));
        expect(made).toMatchObject({ KeyId: Arn, SigningAlgorithm });
        signatures.push(made.Signature!);
      }
      // Whatever the type of message, it is a signature of the message.
      for (const input of inputs) {
        for (const Signature of signatures) {
          const asked = { KeyId, SigningAlgorithm, ...input, Signature };
          const checked = await kms.send(new VerifyCommand(asked));
          expect(checked).toMatchObject({ KeyId: Arn, SignatureValid: true, SigningAlgorithm });
        }
        const Signature = Buffer.from(signatures[0]!);
        Signature[Signature.length - 1]! ^= 1;
        const asked = { KeyId, SigningAlgorithm, ...input, Signature };
        const refused = await failure(kms.send(new VerifyCommand(asked)));
        expect(refused.name).toBe('KMSInvalidSignatureException');
      }
    }
  });
}

export function macTrips(rig: () => SdkRig): void {
  const rows = SPECS_HERE.filter((row) => row.macAlgorithms.length > 0);

  test.each(rows.map((row) => [row.spec, row] as const))('%s: both ways', async (spec, row) => {
    const { kms, createKey } = rig();
    const { KeyId, Arn } = await createKey({
      ...{ KeySpec: spec, KeyUsage: 'GENERATE_VERIFY_MAC' },
    });
    for (const one of row.macAlgorithms) {
      const asked = { KeyId, Message: MESSAGE, MacAlgorithm: one as MacAlgorithmSpec };
      const { Mac, ...rest } = await kms.send(new GenerateMacCommand(asked));
      expect(rest).toMatchObject({ KeyId: Arn, MacAlgorithm: one });
      expect(Mac).toHaveLength(row.sizeBytes);
      const checked = await kms.send(new VerifyMacCommand({ ...asked, Mac }));
      expect(checked).toMatchObject({ KeyId: Arn, MacAlgorithm: one, MacValid: true });
      const wrong = new VerifyMacCommand({ ...asked, Mac: Buffer.from(Mac!).reverse() });
      expect((await failure(kms.send(wrong))).name).toBe('KMSInvalidMacException');
    }
  });
}

export function agreementTrips(rig: () => SdkRig): void {
  const rows = SPECS_HERE.filter((row) => row.keyAgreementAlgorithms.length > 0);

  test.each(rows.map((row) => [row.spec, row.curve!] as const))('%s', async (spec, namedCurve) => {
    const { kms, createKey } = rig();
    const { KeyId, Arn } = await createKey({ KeySpec: spec, KeyUsage: 'KEY_AGREEMENT' });
    const shown = await kms.send(new GetPublicKeyCommand({ KeyId }));
    expect(shown.KeyAgreementAlgorithms).toEqual(['ECDH']);
    const der = Buffer.from(shown.PublicKey!);
    const publicKey = createPublicKey({ key: der, format: 'der', type: 'spki' });
    const peer = generateKeyPairSync('ec', { namedCurve });
    const PublicKey = peer.publicKey.export({ format: 'der', type: 'spki' });
    const made = await kms.send(
      new DeriveSharedSecretCommand({ KeyId, KeyAgreementAlgorithm: 'ECDH', PublicKey }),
    );
    expect(made).toMatchObject({ KeyId: Arn, KeyAgreementAlgorithm: 'ECDH', KeyOrigin: 'AWS_KMS' });
    const secret = diffieHellman({ privateKey: peer.privateKey, publicKey });
    expect(Buffer.from(made.SharedSecret!)).toEqual(secret);
  });
}

export function dataKeyTrips(rig: () => SdkRig): void {
  const SIZES: Readonly<Record<DataKeySpec, number>> = { AES_128: 16, AES_256: 32 };

  test.each(Object.keys(SIZES) as DataKeySpec[])('%s and its blob', async (KeySpec) => {
    const { kms, createKey } = rig();
    const { KeyId, Arn } = await createKey();
    const asked = { KeyId, KeySpec, EncryptionContext };
    const made = await kms.send(new GenerateDataKeyCommand(asked));
    expect(made.KeyId).toBe(Arn);
    expect(made.Plaintext).toHaveLength(SIZES[KeySpec]);
    const opened = await kms.send(new DecryptCommand({ ...blobOf(made), EncryptionContext }));
    expect(Buffer.from(opened.Plaintext!)).toEqual(Buffer.from(made.Plaintext!));
    const blind = await kms.send(new GenerateDataKeyWithoutPlaintextCommand(asked));
    const late = await kms.send(new DecryptCommand({ ...blobOf(blind), EncryptionContext }));
    expect(late.Plaintext).toHaveLength(SIZES[KeySpec]);
  });

  const pairs = SPECS_HERE.filter((row) => row.dataKeyPair).map((row) => row.spec);

  test.each(pairs)('pair of %s and its blob', async (spec) => {
    const { kms, createKey } = rig();
    const { KeyId, Arn } = await createKey();
    const asked = { KeyId, KeyPairSpec: spec as DataKeyPairSpec, EncryptionContext };
    const made = await kms.send(new GenerateDataKeyPairCommand(asked));
    expect(made).toMatchObject({ KeyId: Arn, KeyPairSpec: spec });
    const CiphertextBlob = made.PrivateKeyCiphertextBlob;
    const opened = await kms.send(new DecryptCommand({ CiphertextBlob, EncryptionContext }));
    expect(Buffer.from(opened.Plaintext!)).toEqual(Buffer.from(made.PrivateKeyPlaintext!));
    const blind = await kms.send(new GenerateDataKeyPairWithoutPlaintextCommand(asked));
    expect(blind).toMatchObject({ KeyId: Arn, KeyPairSpec: spec });
    expect(blind.PublicKey).toHaveLength(made.PublicKey!.length);
    const late = await kms.send(
      new DecryptCommand({ CiphertextBlob: blind.PrivateKeyCiphertextBlob, EncryptionContext }),
    );
    expect(late.Plaintext!.length).toBeGreaterThan(0);
  });

  test('random bytes, in the open and for an attested recipient', async () => {
    const { kms, pki } = rig();
    const open = await kms.send(new GenerateRandomCommand({ NumberOfBytes: 24 }));
    expect(open.Plaintext).toHaveLength(24);
    const Recipient = {
      KeyEncryptionAlgorithm: 'RSAES_OAEP_SHA_256' as const,
      AttestationDocument: makeDocument(pki, Date.now()),
    };
    const asked = { NumberOfBytes: 33, Recipient };
    const { CiphertextForRecipient, Plaintext } = await kms.send(new GenerateRandomCommand(asked));
    expect(Plaintext).toBeUndefined();
    const { content } = openEnvelope(CiphertextForRecipient!, RECIPIENT.privateKey);
    expect(content).toHaveLength(33);
  });
}
