/**
 * Importing key material as a user does it: the AWS SDK for the requests, the openssl program for all
 * that happens to the material (genpkey, pkcs8, rand, pkeyutl, enc). Every wrapping algorithm under
 * every wrapping key, for symmetric, HMAC, RSA and ECC material; and every other key spec once.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateKeyCommand,
  DecryptCommand,
  DeleteImportedKeyMaterialCommand,
  DescribeKeyCommand,
  EncryptCommand,
  ExpirationModelType,
  GenerateMacCommand,
  GetParametersForImportCommand,
  GetPublicKeyCommand,
  ImportKeyMaterialCommand,
  ImportType,
  type KeySpec,
  type KeyUsageType,
  type KMSClient,
  ListKeyRotationsCommand,
  type MacAlgorithmSpec,
  RotateKeyOnDemandCommand,
  SignCommand,
  type SigningAlgorithmSpec,
} from '@aws-sdk/client-kms';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { keySpecRow } from '../../src/specs/key-specs.js';
import {
  mayWrap,
  WRAPPING_ALGORITHMS,
  type WrappingAlgorithm,
  type WrappingKeySpec,
} from '../../src/specs/wrapping.js';
import { failure } from '../failure.js';
import { startServer, type TestServer } from '../harness.js';
import { WRAPPING_KEY_SPECS_HERE } from '../specs-of-regions.js';

let server: TestServer;
let kms: KMSClient;
const directory = mkdtempSync(join(tmpdir(), 'keystrel-import-'));
const at = (name: string) => join(directory, name);

beforeAll(async () => {
  server = await startServer({ quota: 'off' });
  kms = server.kms();
});
afterAll(async () => {
  await server.stop();
  rmSync(directory, { recursive: true });
});

function openssl(...args: string[]): Buffer {
  return execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'pipe'] });
}

const EC_NAMES: Readonly<Record<string, string>> = {
  ECC_NIST_P256: 'P-256',
  ECC_NIST_P384: 'P-384',
  ECC_NIST_P521: 'P-521',
  ECC_SECG_P256K1: 'secp256k1',
};

interface Material {
  /** Secret bytes, or a private key in DER PKCS#8. */
  readonly file: string;
  /** Of a private key. */
  readonly publicPem: string | undefined;
}
const made = new Map<string, Material>();

/** Material of a spec, made by openssl once. */
function materialOf(spec: KeySpec): Material {
  const known = made.get(spec);
  if (known !== undefined) return known;
  const row = keySpecRow(spec);
  const [pem, der, publicPem] = [at(`${spec}.pem`), at(`${spec}.der`), at(`${spec}.pub`)];
  let material: Material;
  if (row.family === 'symmetric' || row.family === 'hmac') {
    openssl('rand', '-out', der, String(row.sizeBytes));
    material = { file: der, publicPem: undefined };
  } else {
    const options =
      row.family === 'rsa'
        ? ['-algorithm', 'RSA', '-pkeyopt', `rsa_keygen_bits:${row.sizeBytes * 8}`]
        : ['-algorithm', 'EC', '-pkeyopt', `ec_paramgen_curve:${EC_NAMES[spec]}`];
    openssl('genpkey', ...options, '-out', pem);
    openssl('pkcs8', '-topk8', '-nocrypt', '-in', pem, '-outform', 'DER', '-out', der);
    openssl('pkey', '-in', pem, '-pubout', '-out', publicPem);
    material = { file: der, publicPem };
  }
  made.set(spec, material);
  return material;
}

/** The openssl commands of AWS's guide for a wrapping algorithm. */
function wrap(publicKey: Uint8Array, algorithm: WrappingAlgorithm, material: string): Buffer {
  const hash = algorithm.endsWith('SHA_1') ? 'sha1' : 'sha256';
  writeFileSync(at('wrapping.der'), publicKey);
  const oaep = (input: string): Buffer => {
    const key = ['-inkey', at('wrapping.der'), '-keyform', 'DER', '-pubin'];
    const options = ['rsa_padding_mode:oaep', `rsa_oaep_md:${hash}`, `rsa_mgf1_md:${hash}`];
    const out = at('encrypted.bin');
    const named = options.flatMap((option) => ['-pkeyopt', option]);
    openssl('pkeyutl', '-encrypt', '-in', input, '-out', out, ...key, ...named);
    return readFileSync(out);
  };
  if (algorithm.startsWith('RSAES')) return oaep(material);
  openssl('rand', '-out', at('aes.bin'), '32');
  const key = readFileSync(at('aes.bin')).toString('hex');
  const cipher = ['-id-aes256-wrap-pad', '-K', key, '-iv', 'A65959A6'];
  openssl('enc', ...cipher, '-in', material, '-out', at('wrapped.bin'));
  return Buffer.concat([oaep(at('aes.bin')), readFileSync(at('wrapped.bin'))]);
}

const USAGE: Readonly<Record<string, KeyUsageType>> = {
  symmetric: 'ENCRYPT_DECRYPT',
  hmac: 'GENERATE_VERIFY_MAC',
  rsa: 'SIGN_VERIFY',
  ecc: 'SIGN_VERIFY',
};

async function createKey(spec: KeySpec): Promise<string> {
  const KeyUsage = USAGE[keySpecRow(spec).family]!;
  const created = await kms.send(
    new CreateKeyCommand({ KeySpec: spec, KeyUsage, Origin: 'EXTERNAL' }),
  );
  expect(created.KeyMetadata).toMatchObject({
    Origin: 'EXTERNAL',
    KeyState: 'PendingImport',
    Enabled: false,
  });
  expect(created.KeyMetadata).not.toHaveProperty('ExpirationModel');
  expect(created.KeyMetadata).not.toHaveProperty('CurrentKeyMaterialId');
  return created.KeyMetadata!.KeyId!;
}

async function importMaterial(
  KeyId: string,
  material: string,
  algorithm: WrappingAlgorithm,
  wrappingKey: WrappingKeySpec,
  more: { readonly ImportType?: ImportType; readonly KeyMaterialDescription?: string } = {},
) {
  const parameters = await kms.send(
    new GetParametersForImportCommand({
      KeyId,
      WrappingAlgorithm: algorithm,
      WrappingKeySpec: wrappingKey,
    }),
  );
  const arn = `arn:aws:kms:${server.region}:${server.account}:key/${KeyId}`;
  expect(parameters.KeyId).toBe(arn);
  const lifetime = parameters.ParametersValidTo!.getTime() - Date.now();
  expect(Math.abs(lifetime - 86_400_000)).toBeLessThan(60_000);
  const imported = await kms.send(
    new ImportKeyMaterialCommand({
      KeyId,
      ImportToken: parameters.ImportToken,
      EncryptedKeyMaterial: wrap(parameters.PublicKey!, algorithm, material),
      ExpirationModel: ExpirationModelType.KEY_MATERIAL_DOES_NOT_EXPIRE,
      ...more,
    }),
  );
  expect(imported.KeyId).toBe(arn);
  return imported;
}

/** The key does with its material what openssl does with it. */
async function expectWorks(spec: KeySpec, KeyId: string, material: Material): Promise<void> {
  const row = keySpecRow(spec);
  const Message = Buffer.from('what openssl and the server are both given');
  writeFileSync(at('message'), Message);
  if (row.family === 'symmetric') {
    const sealed = await kms.send(new EncryptCommand({ KeyId, Plaintext: Message }));
    const opened = await kms.send(new DecryptCommand({ CiphertextBlob: sealed.CiphertextBlob }));
    expect(Buffer.from(opened.Plaintext!)).toEqual(Message);
    expect(opened.KeyMaterialId).toMatch(/^[0-9a-f]{64}$/);
    return;
  }
  if (row.family === 'hmac') {
    const MacAlgorithm = row.macAlgorithms[0] as MacAlgorithmSpec;
    const { Mac } = await kms.send(new GenerateMacCommand({ KeyId, Message, MacAlgorithm }));
    const key = `hexkey:${readFileSync(material.file).toString('hex')}`;
    const hash = `-sha${spec.slice(-3)}`;
    const theirs = openssl('dgst', hash, '-mac', 'HMAC', '-macopt', key, '-binary', at('message'));
    expect(Buffer.from(Mac!)).toEqual(theirs);
    return;
  }
  const SigningAlgorithm = row.signingAlgorithms[0] as SigningAlgorithmSpec;
  const { Signature } = await kms.send(new SignCommand({ KeyId, Message, SigningAlgorithm }));
  writeFileSync(at('signature'), Signature!);
  const hash = `-sha${SigningAlgorithm.slice(-3)}`;
  const told = openssl(
    'dgst',
    hash,
    '-verify',
    material.publicPem!,
    '-signature',
    at('signature'),
    at('message'),
  );
  expect(told.toString().trim()).toBe('Verified OK');
  const shown = await kms.send(new GetPublicKeyCommand({ KeyId }));
  const theirs = openssl('pkey', '-pubin', '-in', material.publicPem!, '-outform', 'DER');
  expect(Buffer.from(shown.PublicKey!)).toEqual(theirs);
}

async function roundTrip(
  spec: KeySpec,
  algorithm: WrappingAlgorithm,
  wrappingKey: WrappingKeySpec,
): Promise<void> {
  const KeyId = await createKey(spec);
  const material = materialOf(spec);
  const imported = await importMaterial(KeyId, material.file, algorithm, wrappingKey);
  expect('KeyMaterialId' in imported).toBe(spec === 'SYMMETRIC_DEFAULT');
  const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId }));
  expect(KeyMetadata).toMatchObject({
    KeyState: 'Enabled',
    ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE',
  });
  expect(KeyMetadata!.CurrentKeyMaterialId).toBe(imported.KeyMaterialId);
  await expectWorks(spec, KeyId, material);
}

const KINDS = ['SYMMETRIC_DEFAULT', 'HMAC_512', 'RSA_3072', 'ECC_NIST_P384'] as const;

describe.each(WRAPPING_KEY_SPECS_HERE)('wrapping key %s', (wrappingKey) => {
  const cases = WRAPPING_ALGORITHMS.flatMap((algorithm) =>
    KINDS.filter((spec) => mayWrap(keySpecRow(spec), algorithm, wrappingKey)).map(
      (spec) => [algorithm, spec] as const,
    ),
  );
  test.each(cases)('%s: %s', async (algorithm, spec) => {
    await roundTrip(spec, algorithm, wrappingKey);
  });
});

test.each([
  ['HMAC_224', 'RSAES_OAEP_SHA_1', 'RSA_2048'],
  ['HMAC_256', 'RSAES_OAEP_SHA_256', 'RSA_2048'],
  ['HMAC_384', 'RSAES_OAEP_SHA_256', 'RSA_2048'],
  ['RSA_2048', 'RSA_AES_KEY_WRAP_SHA_256', 'RSA_2048'],
  ['RSA_4096', 'RSA_AES_KEY_WRAP_SHA_1', 'RSA_2048'],
  ['ECC_NIST_P256', 'RSAES_OAEP_SHA_256', 'RSA_2048'],
  ['ECC_NIST_P521', 'RSAES_OAEP_SHA_256', 'RSA_3072'],
  ['ECC_NIST_P521', 'RSA_AES_KEY_WRAP_SHA_256', 'RSA_2048'],
  ['ECC_SECG_P256K1', 'RSA_AES_KEY_WRAP_SHA_256', 'RSA_2048'],
] as const)('%s by %s under %s', async (spec, algorithm, wrappingKey) => {
  await roundTrip(spec, algorithm, wrappingKey);
});

test('deleted material comes back; what was encrypted before is decrypted', async () => {
  const KeyId = await createKey('SYMMETRIC_DEFAULT');
  const material = materialOf('SYMMETRIC_DEFAULT').file;
  const oaep = 'RSAES_OAEP_SHA_256';
  const first = await importMaterial(KeyId, material, oaep, 'RSA_2048');
  const Plaintext = Buffer.from('before');
  const { CiphertextBlob } = await kms.send(new EncryptCommand({ KeyId, Plaintext }));
  const deleted = await kms.send(new DeleteImportedKeyMaterialCommand({ KeyId }));
  expect(deleted).toMatchObject({ KeyId: first.KeyId, KeyMaterialId: first.KeyMaterialId });
  const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId }));
  expect(KeyMetadata).toMatchObject({
    KeyState: 'PendingImport',
    CurrentKeyMaterialId: first.KeyMaterialId,
  });
  expect(KeyMetadata).not.toHaveProperty('ExpirationModel');
  expect(await failure(kms.send(new DecryptCommand({ CiphertextBlob })))).toMatchObject({
    name: 'KMSInvalidStateException',
    message: `${first.KeyId} is pending import.`,
  });
  openssl('rand', '-out', at('other.bin'), '32');
  const other = importMaterial(KeyId, at('other.bin'), oaep, 'RSA_2048');
  expect(await failure(other)).toMatchObject({
    name: 'IncorrectKeyMaterialException',
    status: 400,
  });
  await importMaterial(KeyId, material, oaep, 'RSA_3072');
  const opened = await kms.send(new DecryptCommand({ CiphertextBlob }));
  expect(Buffer.from(opened.Plaintext!)).toEqual(Plaintext);
});

test('new material becomes current by a rotation on demand; old and new both decrypt', async () => {
  const KeyId = await createKey('SYMMETRIC_DEFAULT');
  const oaep = 'RSAES_OAEP_SHA_1';
  const first = await importMaterial(KeyId, materialOf('SYMMETRIC_DEFAULT').file, oaep, 'RSA_2048');
  const Plaintext = Buffer.from('under the first');
  const before = await kms.send(new EncryptCommand({ KeyId, Plaintext }));
  openssl('rand', '-out', at('second.bin'), '32');
  const second = await importMaterial(KeyId, at('second.bin'), oaep, 'RSA_2048', {
    ImportType: ImportType.NEW_KEY_MATERIAL,
    KeyMaterialDescription: 'the second',
  });
  const current = async () =>
    (await kms.send(new DescribeKeyCommand({ KeyId }))).KeyMetadata!.CurrentKeyMaterialId;
  expect(await current()).toBe(first.KeyMaterialId);
  await kms.send(new RotateKeyOnDemandCommand({ KeyId }));
  expect(await current()).toBe(second.KeyMaterialId);
  const after = await kms.send(new EncryptCommand({ KeyId, Plaintext }));
  for (const [sealed, id] of [
    [before, first.KeyMaterialId],
    [after, second.KeyMaterialId],
  ] as const) {
    const opened = await kms.send(new DecryptCommand({ CiphertextBlob: sealed.CiphertextBlob }));
    expect(opened.KeyMaterialId).toBe(id);
    expect(Buffer.from(opened.Plaintext!)).toEqual(Plaintext);
  }
  const listed = await kms.send(
    new ListKeyRotationsCommand({ KeyId, IncludeKeyMaterial: 'ALL_KEY_MATERIAL' }),
  );
  expect(listed.Rotations).toEqual(
    expect.arrayContaining([
      expect.objectContaining({
        KeyMaterialId: second.KeyMaterialId,
        KeyMaterialDescription: 'the second',
        ImportState: 'IMPORTED',
        KeyMaterialState: 'CURRENT',
        ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE',
      }),
    ]),
  );
  // The key needs both: without the older one it waits, and the older one alone brings it back.
  const KeyMaterialId = first.KeyMaterialId!;
  await kms.send(new DeleteImportedKeyMaterialCommand({ KeyId, KeyMaterialId }));
  const without = await kms.send(new DescribeKeyCommand({ KeyId }));
  expect(without.KeyMetadata).toMatchObject({
    KeyState: 'PendingImport',
    CurrentKeyMaterialId: second.KeyMaterialId,
  });
  await importMaterial(KeyId, materialOf('SYMMETRIC_DEFAULT').file, oaep, 'RSA_2048');
  const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId }));
  expect(KeyMetadata!.KeyState).toBe('Enabled');
});
