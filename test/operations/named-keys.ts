/** Makes the keys and sealed texts that test/operations/requests.ts speaks of. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { encryptMaterial } from '../engine/import-material.js';
import type { TestServer } from '../harness.js';
import { GRANTEE, MESSAGE, type NamedKeys, type Sealed } from './requests.js';

/** Calls that must succeed. */
export async function mustCall(
  server: Pick<TestServer, 'call'>,
  operation: string,
  body: object,
  // biome-ignore lint/suspicious/noExplicitAny: replies are read by name in tests
): Promise<any> {
  const reply = await server.call(operation, body);
  if (reply.status !== 200) throw new Error(`${operation}: ${reply.status} ${reply.text}`);
  return reply.json;
}

/** Makes a key and gives its id. */
export async function makeKey(
  server: Pick<TestServer, 'call'>,
  KeySpec = 'SYMMETRIC_DEFAULT',
  KeyUsage = 'ENCRYPT_DECRYPT',
): Promise<string> {
  return (await mustCall(server, 'CreateKey', { KeySpec, KeyUsage })).KeyMetadata.KeyId;
}

/** A key of Origin EXTERNAL with its material, and all that imports that again. */
export async function makeExternalKey(
  server: Pick<TestServer, 'call'>,
): Promise<Pick<NamedKeys, 'external'> & ImportMembers> {
  const created = await mustCall(server, 'CreateKey', { Origin: 'EXTERNAL' });
  const KeyId = created.KeyMetadata.KeyId;
  const WrappingAlgorithm = 'RSAES_OAEP_SHA_256';
  const WrappingKeySpec = 'RSA_2048';
  const asked = { KeyId, WrappingAlgorithm, WrappingKeySpec };
  const { ImportToken, PublicKey } = await mustCall(server, 'GetParametersForImport', asked);
  const publicKey = Buffer.from(PublicKey, 'base64');
  const material = encryptMaterial(publicKey, WrappingAlgorithm, randomBytes(32));
  const EncryptedKeyMaterial = material.toString('base64');
  const imported = await mustCall(server, 'ImportKeyMaterial', {
    KeyId,
    ImportToken,
    EncryptedKeyMaterial,
    ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE',
  });
  return {
    external: KeyId,
    importToken: ImportToken,
    encryptedMaterial: EncryptedKeyMaterial,
    materialId: imported.KeyMaterialId,
  };
}

type ImportMembers = Pick<Sealed, 'importToken' | 'encryptedMaterial' | 'materialId'>;

/** Makes a multi-Region primary and gives its id. */
export async function makePrimary(
  server: Pick<TestServer, 'call'>,
  members: object = {},
): Promise<string> {
  const made = await mustCall(server, 'CreateKey', { MultiRegion: true, ...members });
  return made.KeyMetadata.KeyId;
}

export async function namedKeys(
  server: Pick<TestServer, 'call' | 'account'>,
  alias: string,
): Promise<{ keys: NamedKeys; sealed: Sealed }> {
  const { external, ...imported } = await makeExternalKey(server);
  const keys: NamedKeys = {
    symmetric: await makeKey(server),
    rsaEncrypt: await makeKey(server, 'RSA_2048', 'ENCRYPT_DECRYPT'),
    sign: await makeKey(server, 'ECC_NIST_P256', 'SIGN_VERIFY'),
    mac: await makeKey(server, 'HMAC_256', 'GENERATE_VERIFY_MAC'),
    agree: await makeKey(server, 'ECC_NIST_P256', 'KEY_AGREEMENT'),
    self: `arn:aws:iam::${server.account}:user/tester`,
    external,
    primary: await makePrimary(server),
    kem: await makeKey(server, 'ML_KEM_512', 'ENCAPSULATE_DECAPSULATE'),
    alias,
  };
  await mustCall(server, 'CreateAlias', { AliasName: alias, TargetKeyId: keys.symmetric });
  const ciphertext = await mustCall(server, 'Encrypt', {
    KeyId: keys.symmetric,
    Plaintext: MESSAGE,
  });
  const signature = await mustCall(server, 'Sign', {
    KeyId: keys.sign,
    Message: MESSAGE,
    SigningAlgorithm: 'ECDSA_SHA_256',
  });
  const mac = await mustCall(server, 'GenerateMac', {
    KeyId: keys.mac,
    Message: MESSAGE,
    MacAlgorithm: 'HMAC_SHA_256',
  });
  const grant = () =>
    mustCall(server, 'CreateGrant', {
      KeyId: keys.symmetric,
      GranteePrincipal: GRANTEE,
      RetiringPrincipal: keys.self,
      Operations: ['Decrypt'],
    });
  const encapsulated = await mustCall(server, 'Encapsulate', {
    KeyId: keys.kem,
    EncapsulationAlgorithm: 'ML_KEM',
  });
  const peer = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).publicKey;
  return {
    keys,
    sealed: {
      ...imported,
      ciphertext: ciphertext.CiphertextBlob,
      signature: signature.Signature,
      mac: mac.Mac,
      peer: peer.export({ format: 'der', type: 'spki' }).toString('base64'),
      grantId: (await grant()).GrantId,
      grantToken: (await grant()).GrantToken,
      encapsulated: encapsulated.SharedSecretCiphertextBlob,
    },
  };
}
