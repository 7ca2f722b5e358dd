/**
 * Kinds of keys (spec and usage), and what each operation makes of a key of each kind that is in a
 * state in which the operation works. Sources: AWS KMS Developer Guide, key spec reference; API
 * reference, errors of each operation. Written apart from the product's own tables.
 */

export interface Kind {
  readonly spec: string;
  readonly usage: string;
  /** SigningAlgorithm, EncryptionAlgorithm or MacAlgorithm to use. */
  readonly algorithm: string;
}

const ENC = 'ENCRYPT_DECRYPT';
const SIGN = 'SIGN_VERIFY';
const kind = (spec: string, usage: string, algorithm: string): Kind => ({ spec, usage, algorithm });

export const KINDS: readonly Kind[] = [
  kind('SYMMETRIC_DEFAULT', ENC, 'SYMMETRIC_DEFAULT'),
  ...['224', '256', '384', '512'].map((bits) =>
    kind(`HMAC_${bits}`, 'GENERATE_VERIFY_MAC', `HMAC_SHA_${bits}`),
  ),
  ...['2048', '3072', '4096'].flatMap((bits) => [
    kind(`RSA_${bits}`, ENC, 'RSAES_OAEP_SHA_256'),
    kind(`RSA_${bits}`, SIGN, 'RSASSA_PSS_SHA_256'),
  ]),
  ...(
    [
      ['P256', '256'],
      ['P384', '384'],
      ['P521', '512'],
    ] as const
  ).flatMap(([curve, hash]) => [
    kind(`ECC_NIST_${curve}`, SIGN, `ECDSA_SHA_${hash}`),
    kind(`ECC_NIST_${curve}`, 'KEY_AGREEMENT', 'ECDH'),
  ]),
  kind('ECC_SECG_P256K1', SIGN, 'ECDSA_SHA_256'),
  kind('ECC_NIST_EDWARDS25519', SIGN, 'ED25519_SHA_512'),
  ...['44', '65', '87'].map((set) => kind(`ML_DSA_${set}`, SIGN, 'ML_DSA_SHAKE_256')),
  ...['512', '768', '1024'].map((set) =>
    kind(`ML_KEM_${set}`, 'ENCAPSULATE_DECAPSULATE', 'ML_KEM'),
  ),
];

/** What AWS has in its Regions in China alone. */
export const KINDS_IN_CHINA: readonly Kind[] = [
  kind('SM2', ENC, 'SM2PKE'),
  kind('SM2', SIGN, 'SM2DSA'),
  kind('SM2', 'KEY_AGREEMENT', 'ECDH'),
];

/** A key of a kind, and what was made with it while it was enabled. */
export interface KeyOfKind {
  readonly kind: Kind;
  readonly id: string;
  readonly arn: string;
  /** Base64: a ciphertext, signature, MAC or encapsulated secret, or an SPKI to agree with. */
  readonly made: string;
  /** Aliases and grants of the key, one of each per state. */
  readonly aliases: readonly string[];
  readonly grants: readonly string[];
}

/** Exception and text; no text = any. Undefined = it works. */
export type Refusal = readonly [code: string, text?: string];

export interface Request {
  readonly body: Readonly<Record<string, unknown>>;
  readonly refusal?: Refusal | undefined;
}

export const MESSAGE = Buffer.from('message').toString('base64');
/** In the key's partition. */
const grantee = ({ arn }: KeyOfKind) => `arn:${arn.split(':')[1]}:iam::111122223333:role/grantee`;
const MADE_UP = Buffer.alloc(64, 1).toString('base64');

const symmetric = ({ kind: { spec } }: KeyOfKind) => spec === 'SYMMETRIC_DEFAULT';

/** The key's algorithm of encryption, or RSA's for keys that have none; undefined = symmetric. */
function asymmetricAlgorithm(key: KeyOfKind): string | undefined {
  if (symmetric(key)) return undefined;
  return key.kind.usage === ENC ? key.kind.algorithm : 'RSAES_OAEP_SHA_256';
}

/** For operations of one usage. */
function usage(operation: string, key: KeyOfKind, wanted: string): Refusal | undefined {
  const has = key.kind.usage;
  if (has === wanted) return undefined;
  const text = `${key.arn} key usage is ${has} which is not valid for ${operation}.`;
  return ['InvalidKeyUsageException', text];
}

/** For operations that wrap with a symmetric encryption key. */
function wraps(operation: string, key: KeyOfKind): Refusal | undefined {
  const refusal = usage(operation, key, ENC);
  if (refusal !== undefined || symmetric(key)) return refusal;
  const text = `Algorithm SYMMETRIC_DEFAULT is incompatible with key spec ${key.kind.spec}.`;
  return ['InvalidKeyUsageException', text];
}

/** For operations that symmetric encryption keys alone offer. */
const symmetricOnly = (key: KeyOfKind): Refusal | undefined =>
  symmetric(key) ? undefined : ['UnsupportedOperationException'];

const notImported = (key: KeyOfKind): Refusal => [
  'UnsupportedOperationException',
  `${key.arn} origin is AWS_KMS which is not valid for this operation.`,
];
const notMultiRegion: Refusal = ['UnsupportedOperationException'];

/** What a request needs besides its key. */
export interface Surroundings {
  /** Number of the state, to take an alias or grant that no other state has used up. */
  readonly state: number;
  /** Base64: under another symmetric key that stays enabled. */
  readonly foreignCiphertext: string;
  readonly foreignKeyId: string;
  readonly policy: string;
}

type Make = (key: KeyOfKind, around: Surroundings) => Request;

const id = (key: KeyOfKind) => ({ KeyId: key.id });
const plain: Make = (key) => ({ body: id(key) });

/** Operations that leave the key in its state. */
export const KEEPING: Readonly<Record<string, Make>> = {
  DescribeKey: plain,
  UpdateKeyDescription: (key) => ({ body: { ...id(key), Description: 'words' } }),
  GetPublicKey: (key) => ({
    body: id(key),
    refusal: /^(SYMMETRIC|HMAC)/.test(key.kind.spec)
      ? ['UnsupportedOperationException']
      : undefined,
  }),
  ListAliases: plain,
  CreateAlias: (key, { state }) => ({
    body: { AliasName: `alias/made-${key.id}-${state}`, TargetKeyId: key.id },
  }),
  UpdateAlias: (key, { state }) => ({
    body: { AliasName: key.aliases[state], TargetKeyId: key.id },
  }),
  DeleteAlias: (key, { state }) => ({ body: { AliasName: key.aliases[state] } }),
  TagResource: (key) => ({ body: { ...id(key), Tags: [{ TagKey: 'a', TagValue: 'b' }] } }),
  UntagResource: (key) => ({ body: { ...id(key), TagKeys: ['a'] } }),
  ListResourceTags: plain,
  GetKeyPolicy: plain,
  ListKeyPolicies: plain,
  PutKeyPolicy: (key, { policy }) => ({ body: { ...id(key), Policy: policy } }),
  GetKeyLastUsage: plain,
  CreateGrant: (key) => ({
    body: { ...id(key), GranteePrincipal: grantee(key), Operations: ['DescribeKey'] },
  }),
  ListGrants: plain,
  RetireGrant: (key, { state }) => ({ body: { ...id(key), GrantId: key.grants[2 * state] } }),
  RevokeGrant: (key, { state }) => ({ body: { ...id(key), GrantId: key.grants[2 * state + 1] } }),
  Encrypt: (key) => ({
    body: {
      ...id(key),
      Plaintext: MESSAGE,
      ...(key.kind.usage === ENC && !symmetric(key)
        ? { EncryptionAlgorithm: key.kind.algorithm }
        : {}),
    },
    refusal: usage('Encrypt', key, ENC),
  }),
  Decrypt: (key) => ({
    body: {
      ...id(key),
      CiphertextBlob: key.made,
      EncryptionAlgorithm: asymmetricAlgorithm(key) ?? 'SYMMETRIC_DEFAULT',
    },
    refusal: usage('Decrypt', key, ENC),
  }),
  ReEncrypt: (key, { foreignCiphertext }) => ({
    body: {
      CiphertextBlob: foreignCiphertext,
      DestinationKeyId: key.id,
      DestinationEncryptionAlgorithm: asymmetricAlgorithm(key),
    },
    refusal: usage('ReEncrypt', key, ENC) === undefined ? undefined : ['InvalidKeyUsageException'],
  }),
  GenerateDataKey: (key) => ({
    body: { ...id(key), KeySpec: 'AES_256' },
    refusal: wraps('GenerateDataKey', key),
  }),
  GenerateDataKeyWithoutPlaintext: (key) => ({
    body: { ...id(key), KeySpec: 'AES_256' },
    refusal: wraps('GenerateDataKeyWithoutPlaintext', key),
  }),
  GenerateDataKeyPair: (key) => ({
    body: { ...id(key), KeyPairSpec: 'ECC_NIST_P256' },
    refusal: wraps('GenerateDataKeyPair', key),
  }),
  GenerateDataKeyPairWithoutPlaintext: (key) => ({
    body: { ...id(key), KeyPairSpec: 'ECC_NIST_P256' },
    refusal: wraps('GenerateDataKeyPairWithoutPlaintext', key),
  }),
  Sign: (key) => ({
    body: {
      ...id(key),
      Message: MESSAGE,
      SigningAlgorithm: key.kind.usage === SIGN ? key.kind.algorithm : 'ECDSA_SHA_256',
    },
    refusal: usage('Sign', key, SIGN),
  }),
  Verify: (key) => ({
    body: {
      ...id(key),
      Message: MESSAGE,
      Signature: key.made,
      SigningAlgorithm: key.kind.usage === SIGN ? key.kind.algorithm : 'ECDSA_SHA_256',
    },
    refusal: usage('Verify', key, SIGN),
  }),
  GenerateMac: (key) => ({
    body: {
      ...id(key),
      Message: MESSAGE,
      MacAlgorithm: key.kind.usage === 'GENERATE_VERIFY_MAC' ? key.kind.algorithm : 'HMAC_SHA_256',
    },
    refusal: usage('GenerateMac', key, 'GENERATE_VERIFY_MAC'),
  }),
  VerifyMac: (key) => ({
    body: {
      ...id(key),
      Message: MESSAGE,
      Mac: key.made,
      MacAlgorithm: key.kind.usage === 'GENERATE_VERIFY_MAC' ? key.kind.algorithm : 'HMAC_SHA_256',
    },
    refusal: usage('VerifyMac', key, 'GENERATE_VERIFY_MAC'),
  }),
  DeriveSharedSecret: (key) => ({
    body: { ...id(key), KeyAgreementAlgorithm: 'ECDH', PublicKey: key.made },
    refusal: usage('DeriveSharedSecret', key, 'KEY_AGREEMENT'),
  }),
  Encapsulate: (key) => ({
    body: { ...id(key), EncapsulationAlgorithm: 'ML_KEM' },
    refusal: usage('Encapsulate', key, 'ENCAPSULATE_DECAPSULATE'),
  }),
  Decapsulate: (key) => ({
    body: {
      ...id(key),
      EncapsulationAlgorithm: 'ML_KEM',
      SharedSecretCiphertextBlob: key.kind.spec.startsWith('ML_KEM') ? key.made : MADE_UP,
    },
    refusal: usage('Decapsulate', key, 'ENCAPSULATE_DECAPSULATE'),
  }),
  GetKeyRotationStatus: plain,
  EnableKeyRotation: (key) => ({ body: id(key), refusal: symmetricOnly(key) }),
  DisableKeyRotation: plain,
  RotateKeyOnDemand: (key) => ({ body: id(key), refusal: symmetricOnly(key) }),
  GetParametersForImport: (key) => ({
    body: { ...id(key), WrappingAlgorithm: 'RSAES_OAEP_SHA_256', WrappingKeySpec: 'RSA_2048' },
    refusal: notImported(key),
  }),
  ImportKeyMaterial: (key) => ({
    body: {
      ...id(key),
      ImportToken: MADE_UP,
      EncryptedKeyMaterial: MADE_UP,
      ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE',
    },
    refusal: notImported(key),
  }),
  DeleteImportedKeyMaterial: (key) => ({ body: id(key), refusal: notImported(key) }),
  ReplicateKey: (key) => ({
    body: { ...id(key), ReplicaRegion: 'eu-west-1' },
    refusal: notMultiRegion,
  }),
  UpdatePrimaryRegion: (key) => ({
    body: { ...id(key), PrimaryRegion: 'eu-west-1' },
    refusal: notMultiRegion,
  }),
};

/** Operations that may change the key's state. */
export const CHANGING: Readonly<Record<string, Make>> = {
  EnableKey: plain,
  DisableKey: plain,
  ScheduleKeyDeletion: (key) => ({ body: { ...id(key), PendingWindowInDays: 7 } }),
  CancelKeyDeletion: plain,
};
