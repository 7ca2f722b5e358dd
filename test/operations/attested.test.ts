/**
 * Attested requests as @aws-sdk/client-kms makes them: what is enveloped and what is withheld, for
 * each operation that takes a Recipient, and what a document does to errors, dry runs and records.
 */
import { execFileSync } from 'node:child_process';
import { createHash, createPublicKey, diffieHellman, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateKeyCommand,
  DecryptCommand,
  DeriveSharedSecretCommand,
  DisableKeyCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  GenerateDataKeyPairCommand,
  GenerateRandomCommand,
  GetPublicKeyCommand,
  type KeyMetadata,
  type KMSClient,
  type RecipientInfo,
} from '@aws-sdk/client-kms';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeDocument, makePki, type Pki, RECIPIENT, register } from '../attestation/documents.js';
import { openEnvelope } from '../attestation/open-envelope.js';
import { failure } from '../failure.js';
import { startServer, type TestServer } from '../harness.js';

const NOW = Date.now();
const directory = mkdtempSync(join(tmpdir(), 'keystrel-attested-'));
let server: TestServer;
let kms: KMSClient;
let key: KeyMetadata;
let pki: Pki;
let recipient: RecipientInfo;

beforeAll(async () => {
  pki = makePki(NOW);
  const rootFile = join(directory, 'root.pem');
  writeFileSync(rootFile, pki.rootPem);
  server = await startServer({ quota: 'off', config: { attestation: { rootFile } } });
  kms = server.kms();
  key = (await kms.send(new CreateKeyCommand({}))).KeyMetadata!;
  recipient = recipientOf(makeDocument(pki, NOW));
});
afterAll(async () => {
  await server.stop();
  rmSync(directory, { recursive: true });
});

function recipientOf(document: Uint8Array): RecipientInfo {
  return { KeyEncryptionAlgorithm: 'RSAES_OAEP_SHA_256', AttestationDocument: document };
}

/** By node and by the openssl program, which have to agree. */
function open(envelope: Uint8Array | undefined): Buffer {
  const { content, keyId } = openEnvelope(envelope!, RECIPIENT.privateKey);
  expect(keyId.equals(createHash('sha256').update(RECIPIENT.spki).digest())).toBe(true);
  const keyFile = join(directory, 'key.pem');
  writeFileSync(keyFile, RECIPIENT.privateKey.export({ format: 'pem', type: 'pkcs8' }));
  const args = ['cms', '-decrypt', '-inform', 'DER', '-inkey', keyFile];
  const opened = execFileSync('openssl', args, { input: envelope! });
  expect(opened.equals(content)).toBe(true);
  return content;
}

const encrypt = async (text: string): Promise<Uint8Array> =>
  (await kms.send(new EncryptCommand({ KeyId: key.KeyId, Plaintext: Buffer.from(text) })))
    .CiphertextBlob!;

/** The record of the last request. */
function lastRecord(): Record<string, unknown> {
  return JSON.parse(server.auditLines().at(-1)!) as Record<string, unknown>;
}

describe('each operation envelopes what it withholds', () => {
  test('Decrypt', async () => {
    const blob = await encrypt('for the enclave');
    const opened = await kms.send(
      new DecryptCommand({ CiphertextBlob: blob, Recipient: recipient }),
    );
    expect(open(opened.CiphertextForRecipient).toString()).toBe('for the enclave');
    expect(opened.Plaintext).toBeUndefined();
    expect(opened.KeyMaterialId).toBeUndefined();
    expect(opened.KeyId).toBe(key.Arn);
    expect(opened.EncryptionAlgorithm).toBe('SYMMETRIC_DEFAULT');
  });

  test.each([1, 15, 16, 17, 4096])('Decrypt of %i bytes', async (length) => {
    const plaintext = Buffer.alloc(length, 7);
    const sealed = await kms.send(new EncryptCommand({ KeyId: key.KeyId, Plaintext: plaintext }));
    const opened = await kms.send(
      new DecryptCommand({ CiphertextBlob: sealed.CiphertextBlob, Recipient: recipient }),
    );
    expect(open(opened.CiphertextForRecipient).equals(plaintext)).toBe(true);
    expect(opened.CiphertextForRecipient!.length).toBeLessThanOrEqual(6144);
  });

  test('Decrypt by an RSA key', async () => {
    const rsa = new CreateKeyCommand({ KeySpec: 'RSA_2048', KeyUsage: 'ENCRYPT_DECRYPT' });
    const KeyId = (await kms.send(rsa)).KeyMetadata!.KeyId!;
    const EncryptionAlgorithm = 'RSAES_OAEP_SHA_256' as const;
    const { CiphertextBlob } = await kms.send(
      new EncryptCommand({ KeyId, EncryptionAlgorithm, Plaintext: Buffer.from('rsa') }),
    );
    const opened = await kms.send(
      new DecryptCommand({ KeyId, EncryptionAlgorithm, CiphertextBlob, Recipient: recipient }),
    );
    expect(open(opened.CiphertextForRecipient).toString()).toBe('rsa');
    expect(opened.Plaintext).toBeUndefined();
  });

  test('GenerateDataKey', async () => {
    const made = await kms.send(
      new GenerateDataKeyCommand({ KeyId: key.KeyId, KeySpec: 'AES_256', Recipient: recipient }),
    );
    const opened = await kms.send(new DecryptCommand({ CiphertextBlob: made.CiphertextBlob }));
    expect(open(made.CiphertextForRecipient).equals(Buffer.from(opened.Plaintext!))).toBe(true);
    expect([made.Plaintext, made.KeyMaterialId, made.KeyId]).toEqual([
      ...[undefined, undefined],
      key.Arn,
    ]);
  });

  test.each(['RSA_4096', 'ECC_NIST_P256'] as const)('GenerateDataKeyPair of %s', async (spec) => {
    const made = await kms.send(
      new GenerateDataKeyPairCommand({ KeyId: key.KeyId, KeyPairSpec: spec, Recipient: recipient }),
    );
    const opened = await kms.send(
      new DecryptCommand({ CiphertextBlob: made.PrivateKeyCiphertextBlob }),
    );
    expect(open(made.CiphertextForRecipient).equals(Buffer.from(opened.Plaintext!))).toBe(true);
    expect(made.PrivateKeyPlaintext).toBeUndefined();
    expect(made.KeyPairSpec).toBe(spec);
    expect(made.PublicKey!.length).toBeGreaterThan(0);
  });

  test('GenerateRandom', async () => {
    const first = await kms.send(
      new GenerateRandomCommand({ NumberOfBytes: 1024, Recipient: recipient }),
    );
    expect(open(first.CiphertextForRecipient).length).toBe(1024);
    expect(first.Plaintext).toBeUndefined();
    const second = await kms.send(
      new GenerateRandomCommand({ NumberOfBytes: 1024, Recipient: recipient }),
    );
    expect(open(first.CiphertextForRecipient).equals(open(second.CiphertextForRecipient))).toBe(
      false,
    );
  });

  test('DeriveSharedSecret', async () => {
    const agree = new CreateKeyCommand({ KeySpec: 'ECC_NIST_P384', KeyUsage: 'KEY_AGREEMENT' });
    const KeyId = (await kms.send(agree)).KeyMetadata!.KeyId!;
    const own = await kms.send(new GetPublicKeyCommand({ KeyId }));
    const peer = generateKeyPairSync('ec', { namedCurve: 'P-384' });
    const PublicKey = peer.publicKey.export({ format: 'der', type: 'spki' });
    const derived = await kms.send(
      new DeriveSharedSecretCommand({
        KeyId,
        KeyAgreementAlgorithm: 'ECDH',
        PublicKey,
        Recipient: recipient,
      }),
    );
    const publicKey = createPublicKey({
      key: Buffer.from(own.PublicKey!),
      format: 'der',
      type: 'spki',
    });
    const expected = diffieHellman({ privateKey: peer.privateKey, publicKey });
    expect(open(derived.CiphertextForRecipient).equals(expected)).toBe(true);
    expect(derived.SharedSecret).toBeUndefined();
    expect([derived.KeyAgreementAlgorithm, derived.KeyOrigin]).toEqual(['ECDH', 'AWS_KMS']);
  });

  test('nobody else opens it', async () => {
    const { CiphertextForRecipient } = await kms.send(
      new GenerateRandomCommand({ NumberOfBytes: 32, Recipient: recipient }),
    );
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    expect(() => openEnvelope(CiphertextForRecipient!, privateKey)).toThrow();
  });
});

describe('the layout of the envelope', () => {
  test('is the one that the Nitro Enclaves SDK for C reads', async () => {
    const made = await kms.send(
      new GenerateRandomCommand({ NumberOfBytes: 30, Recipient: recipient }),
    );
    const hex = Buffer.from(made.CiphertextForRecipient!).toString('hex');
    const keyId = createHash('sha256').update(RECIPIENT.spki).digest('hex');
    const oaep =
      '303c06092a864886f70d010107302fa00f300d06096086480165030402010500a11c301a06092a864886f70d010108300d06096086480165030402010500';
    const head =
      '308006092a864886f70d010703a080308002010' +
      `23182016b308201670201028020${keyId}${oaep}04820100`;
    expect(hex.slice(0, head.length)).toBe(head);
    const rest = hex.slice(head.length + 512);
    expect(rest).toMatch(
      /^308006092a864886f70d010701301d060960864801650304012a0410[0-9a-f]{32}a0800420[0-9a-f]{64}(0000){5}$/,
    );
  });
});

describe('refusals', () => {
  const decrypt = async (Recipient: RecipientInfo) =>
    failure(kms.send(new DecryptCommand({ CiphertextBlob: await encrypt('x'), Recipient })));

  test('a document that is not good', async () => {
    const bad = makeDocument(pki, NOW, (fields) => fields.set('digest', 'SHA512'));
    expect(await decrypt(recipientOf(bad))).toEqual({
      name: 'ValidationException',
      message: 'The attestation document is not valid: its digest is not SHA384.',
      status: 400,
    });
    expect((await decrypt(recipientOf(makeDocument(makePki(NOW), NOW)))).name).toBe(
      'ValidationException',
    );
    expect((await decrypt(recipientOf(Buffer.from('garbage')))).name).toBe('ValidationException');
  });

  test('documents at the bounds of the model', async () => {
    const long = await decrypt(recipientOf(Buffer.alloc(262_144)));
    expect(long.message).toBe(
      'The attestation document is not valid: it has more than 32768 bytes.',
    );
    const longer = await decrypt(recipientOf(Buffer.alloc(262_145)));
    expect(longer.message).toMatch(
      /'recipient\.attestationDocument' .* less than or equal to 262144/,
    );
    const empty = await decrypt(recipientOf(Buffer.alloc(0)));
    expect(empty.message).toMatch(/'recipient\.attestationDocument' .* greater than or equal to 1/);
  });

  test('members of the Recipient', async () => {
    const none = await decrypt({});
    expect(none.name).toBe('ValidationException');
    expect(none.message).toMatch(/Value null at 'recipient\.attestationDocument'/);
    const { AttestationDocument } = recipient;
    const other = await decrypt({ AttestationDocument, KeyEncryptionAlgorithm: 'X' as never });
    expect(other.message).toMatch(/'recipient\.keyEncryptionAlgorithm' .* enum value set/);
    const opened = await kms.send(
      new DecryptCommand({
        CiphertextBlob: await encrypt('y'),
        Recipient: { AttestationDocument },
      }),
    );
    expect(open(opened.CiphertextForRecipient).toString()).toBe('y');
  });

  test('a good document opens no door that is shut', async () => {
    const { KeyId } = (await kms.send(new CreateKeyCommand({}))).KeyMetadata!;
    await kms.send(new DisableKeyCommand({ KeyId }));
    const call = new GenerateDataKeyCommand({ KeyId, KeySpec: 'AES_256', Recipient: recipient });
    expect((await failure(kms.send(call))).name).toBe('DisabledException');
    const wrong = new DecryptCommand({ CiphertextBlob: Buffer.alloc(200), Recipient: recipient });
    expect((await failure(kms.send(wrong))).name).toBe('InvalidCiphertextException');
  });

  test('the document is looked at before the key', async () => {
    const absent = '00000000-0000-4000-8000-000000000000';
    const call = (Recipient: RecipientInfo) =>
      failure(
        kms.send(new GenerateDataKeyCommand({ KeyId: absent, KeySpec: 'AES_256', Recipient })),
      );
    expect((await call(recipientOf(Buffer.from('garbage')))).name).toBe('ValidationException');
    expect((await call(recipient)).name).toBe('NotFoundException');
  });
});

describe('dry runs', () => {
  test('of each operation that has them', async () => {
    const KeyId = key.KeyId!;
    const blob = await encrypt('dry');
    const common = { KeyId, Recipient: recipient, DryRun: true };
    for (const call of [
      () => kms.send(new DecryptCommand({ CiphertextBlob: blob, ...common })),
      () => kms.send(new GenerateDataKeyCommand({ KeySpec: 'AES_128', ...common })),
      () => kms.send(new GenerateDataKeyPairCommand({ KeyPairSpec: 'ECC_NIST_P521', ...common })),
    ]) {
      expect((await failure(call())).name).toBe('DryRunOperationException');
    }
    const bad = { ...common, Recipient: recipientOf(Buffer.from('garbage')) };
    const refused = kms.send(new DecryptCommand({ CiphertextBlob: blob, ...bad }));
    expect((await failure(refused)).name).toBe('ValidationException');
    const ignoring = new DecryptCommand({ ...common, DryRunModifiers: ['IGNORE_CIPHERTEXT'] });
    expect((await failure(kms.send(ignoring))).name).toBe('DryRunOperationException');
  });
});

describe('the audit record', () => {
  test('of an enclave', async () => {
    const blob = await encrypt('recorded');
    await kms.send(new DecryptCommand({ CiphertextBlob: blob, Recipient: recipient }));
    const base64 = (n: number) => register(n).toString('base64');
    const record = lastRecord();
    expect(record.additionalEventData).toEqual({
      keyMaterialId: key.CurrentKeyMaterialId,
      recipient: {
        attestationDocumentModuleId: 'i-0123456789abcdef0-enc0123456789abcdef',
        attestationDocumentEnclaveImageDigest: base64(0),
        attestationDocumentEnclavePCR1: base64(1),
        attestationDocumentEnclavePCR2: base64(2),
        attestationDocumentEnclavePCR3: base64(3),
        attestationDocumentEnclavePCR4: base64(4),
        attestationDocumentEnclavePCR8: base64(8),
      },
    });
    expect(JSON.stringify(record.requestParameters)).not.toContain('ecipient');
  });

  test('of a NitroTPM', async () => {
    const document = makeDocument(pki, NOW, (fields) => {
      fields.delete('pcrs');
      const registers = [0, 4, 7, 8, 9, 16, 23].map((n) => [n, register(n)] as const);
      fields.set('nitrotpm_pcrs', new Map(registers));
      fields.set('module_id', 'i-0123456789abcdef0-tpm0000000000000000');
    });
    const Recipient = recipientOf(document);
    await kms.send(new GenerateRandomCommand({ NumberOfBytes: 1, Recipient }));
    const shown = [4, 7, 8, 9, 16, 23].map((n) => [
      `attestationDocumentNitroTPMPCR${n}`,
      register(n).toString('base64'),
    ]);
    expect(lastRecord().additionalEventData).toEqual({
      recipient: {
        attestationDocumentModuleId: 'i-0123456789abcdef0-tpm0000000000000000',
        ...(Object.fromEntries(shown) as Record<string, string>),
      },
    });
  });

  test('of a refusal shows no recipient', async () => {
    const call = new DecryptCommand({
      CiphertextBlob: await encrypt('z'),
      Recipient: recipient,
      DryRun: true,
    });
    await failure(kms.send(call));
    const record = lastRecord();
    expect(record.errorCode).toBe('DryRunOperationException');
    expect(JSON.stringify(record)).not.toContain('attestationDocument');
  });
});

test('many at once, attested and not', async () => {
  const blob = await encrypt('many');
  const calls = Array.from({ length: 60 }, async (_, i) => {
    const Recipient = i % 2 === 0 ? recipient : undefined;
    const opened = await kms.send(new DecryptCommand({ CiphertextBlob: blob, Recipient }));
    const plaintext =
      Recipient === undefined
        ? Buffer.from(opened.Plaintext!)
        : openEnvelope(opened.CiphertextForRecipient!, RECIPIENT.privateKey).content;
    return plaintext.toString();
  });
  expect(new Set(await Promise.all(calls))).toEqual(new Set(['many']));
});

describe('the setting', () => {
  test('a file that is absent, or holds no certificate, keeps the server from starting', async () => {
    const start = (rootFile: string) =>
      failure(startServer({ config: { attestation: { rootFile } } }));
    expect((await start(join(directory, 'absent.pem'))).message).toMatch(
      /^attestation\.rootFile: .*absent\.pem cannot be read: ENOENT/,
    );
    const empty = join(directory, 'empty.pem');
    writeFileSync(empty, '');
    expect((await start(empty)).message).toMatch(/not 1 to 16 certificates in PEM/);
  });
});
