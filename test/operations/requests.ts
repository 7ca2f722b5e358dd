/**
 * One valid request per operation, for tests that go over all operations, and facts of the AWS KMS
 * API model about members: written by hand, so that a slip in the schemas is seen.
 */

/** Keys that requests name; made by the test's server. */
export interface NamedKeys {
  readonly symmetric: string;
  readonly rsaEncrypt: string;
  readonly sign: string;
  readonly mac: string;
  readonly agree: string;
  /** ARN of a principal of the server's account. */
  readonly self: string;
  /** Of Origin EXTERNAL, with imported material. */
  readonly external: string;
  /** A multi-Region primary without replicas. */
  readonly primary: string;
  readonly kem: string;
  /** An alias of `symmetric`. */
  readonly alias: string;
}

export interface Sealed {
  /** Base64 of 'message' under `symmetric`. */
  readonly ciphertext: string;
  /** Base64; ECDSA_SHA_256 of 'message' by `sign`. */
  readonly signature: string;
  /** Base64; HMAC_SHA_256 of 'message' by `mac`. */
  readonly mac: string;
  /** Base64; token and material for `external`, whose material it is already, and its id. */
  readonly importToken: string;
  readonly encryptedMaterial: string;
  readonly materialId: string;
  /** Base64; SPKI of a P-256 key. */
  readonly peer: string;
  /** A grant on `symmetric`. */
  readonly grantId: string;
  /** A token of another one. */
  readonly grantToken: string;
  /** Base64; what Encapsulate made under `kem`. */
  readonly encapsulated: string;
}

export const GRANTEE = 'arn:aws:iam::111122223333:role/grantee';
/** Another Region that the servers of the harness serve. */
export const OTHER_REGION = 'us-east-1';
export const MESSAGE = Buffer.from('message').toString('base64');

/** The id of a custom key store that is not there. */
export const NO_STORE = 'cks-1234567890abcdef0';

/** A key policy that lets anyone do anything. */
export const OPEN_POLICY = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: '*', Action: 'kms:*', Resource: '*' }],
});

/** The key of NamedKeys that an operation works on; undefined where it names none. */
export const KEY_OF: Readonly<Record<string, keyof NamedKeys | undefined>> = {
  CreateKey: undefined,
  ListKeys: undefined,
  GenerateRandom: undefined,
  CreateCustomKeyStore: undefined,
  DescribeCustomKeyStores: undefined,
  ConnectCustomKeyStore: undefined,
  DisconnectCustomKeyStore: undefined,
  UpdateCustomKeyStore: undefined,
  DeleteCustomKeyStore: undefined,
  DescribeKey: 'symmetric',
  UpdateKeyDescription: 'symmetric',
  EnableKey: 'symmetric',
  DisableKey: 'symmetric',
  ScheduleKeyDeletion: 'symmetric',
  CancelKeyDeletion: 'symmetric',
  GetPublicKey: 'sign',
  GetParametersForImport: 'external',
  ImportKeyMaterial: 'external',
  DeleteImportedKeyMaterial: 'external',
  GetKeyLastUsage: 'symmetric',
  EnableKeyRotation: 'symmetric',
  DisableKeyRotation: 'symmetric',
  GetKeyRotationStatus: 'symmetric',
  RotateKeyOnDemand: 'symmetric',
  ListKeyRotations: 'symmetric',
  ReplicateKey: 'primary',
  UpdatePrimaryRegion: 'primary',
  CreateAlias: 'symmetric',
  UpdateAlias: 'symmetric',
  DeleteAlias: 'symmetric',
  ListAliases: 'symmetric',
  GetKeyPolicy: 'symmetric',
  PutKeyPolicy: 'symmetric',
  ListKeyPolicies: 'symmetric',
  TagResource: 'symmetric',
  UntagResource: 'symmetric',
  ListResourceTags: 'symmetric',
  CreateGrant: 'symmetric',
  ListGrants: 'symmetric',
  ListRetirableGrants: undefined,
  RetireGrant: 'symmetric',
  RevokeGrant: 'symmetric',
  Encrypt: 'symmetric',
  Decrypt: 'symmetric',
  ReEncrypt: 'symmetric',
  GenerateDataKey: 'symmetric',
  GenerateDataKeyWithoutPlaintext: 'symmetric',
  GenerateDataKeyPair: 'symmetric',
  GenerateDataKeyPairWithoutPlaintext: 'symmetric',
  Sign: 'sign',
  Verify: 'sign',
  GenerateMac: 'mac',
  VerifyMac: 'mac',
  DeriveSharedSecret: 'agree',
  Encapsulate: 'kem',
  Decapsulate: 'kem',
};

/** A valid request per operation. */
export function requests(
  keys: NamedKeys,
  sealed: Sealed,
): Readonly<Record<string, Readonly<Record<string, unknown>>>> {
  const KeyId = keys.symmetric;
  return {
    CreateKey: {},
    ListKeys: { Limit: 10 },
    GenerateRandom: { NumberOfBytes: 8 },
    DescribeKey: { KeyId },
    UpdateKeyDescription: { KeyId, Description: 'words' },
    EnableKey: { KeyId },
    DisableKey: { KeyId },
    ScheduleKeyDeletion: { KeyId, PendingWindowInDays: 7 },
    CancelKeyDeletion: { KeyId },
    GetPublicKey: { KeyId: keys.sign },
    GetParametersForImport: {
      KeyId: keys.external,
      WrappingAlgorithm: 'RSAES_OAEP_SHA_256',
      WrappingKeySpec: 'RSA_2048',
    },
    ImportKeyMaterial: {
      KeyId: keys.external,
      ImportToken: sealed.importToken,
      EncryptedKeyMaterial: sealed.encryptedMaterial,
      ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE',
      ImportType: 'EXISTING_KEY_MATERIAL',
      KeyMaterialDescription: 'words',
      KeyMaterialId: sealed.materialId,
    },
    DeleteImportedKeyMaterial: { KeyId: keys.external, KeyMaterialId: sealed.materialId },
    GetKeyLastUsage: { KeyId },
    EnableKeyRotation: { KeyId, RotationPeriodInDays: 90 },
    DisableKeyRotation: { KeyId },
    GetKeyRotationStatus: { KeyId },
    RotateKeyOnDemand: { KeyId },
    ListKeyRotations: { KeyId, IncludeKeyMaterial: 'ALL_KEY_MATERIAL', Limit: 10 },
    // In this order: the second one needs what the first one made.
    ReplicateKey: { KeyId: keys.primary, ReplicaRegion: OTHER_REGION, Description: 'a replica' },
    UpdatePrimaryRegion: { KeyId: keys.primary, PrimaryRegion: OTHER_REGION },
    CreateAlias: { AliasName: 'alias/requests-new', TargetKeyId: KeyId },
    UpdateAlias: { AliasName: keys.alias, TargetKeyId: KeyId },
    DeleteAlias: { AliasName: keys.alias },
    ListAliases: { KeyId, Limit: 10 },
    CreateCustomKeyStore: { CustomKeyStoreName: 'store', KeyStorePassword: 'password' },
    DescribeCustomKeyStores: { Limit: 10 },
    ConnectCustomKeyStore: { CustomKeyStoreId: NO_STORE },
    DisconnectCustomKeyStore: { CustomKeyStoreId: NO_STORE },
    UpdateCustomKeyStore: { CustomKeyStoreId: NO_STORE, NewCustomKeyStoreName: 'store' },
    DeleteCustomKeyStore: { CustomKeyStoreId: NO_STORE },
    GetKeyPolicy: { KeyId, PolicyName: 'default' },
    PutKeyPolicy: { KeyId, PolicyName: 'default', Policy: OPEN_POLICY },
    ListKeyPolicies: { KeyId, Limit: 10 },
    TagResource: { KeyId, Tags: [{ TagKey: 'team', TagValue: 'blue' }] },
    UntagResource: { KeyId, TagKeys: ['team'] },
    ListResourceTags: { KeyId, Limit: 10 },
    CreateGrant: { KeyId, GranteePrincipal: GRANTEE, Operations: ['Decrypt'], Name: 'named' },
    ListGrants: { KeyId, Limit: 10 },
    ListRetirableGrants: { RetiringPrincipal: keys.self, Limit: 10 },
    RetireGrant: { GrantToken: sealed.grantToken },
    RevokeGrant: { KeyId, GrantId: sealed.grantId },
    Encrypt: { KeyId, Plaintext: MESSAGE },
    Decrypt: { KeyId, CiphertextBlob: sealed.ciphertext },
    ReEncrypt: { SourceKeyId: KeyId, DestinationKeyId: KeyId, CiphertextBlob: sealed.ciphertext },
    GenerateDataKey: { KeyId, KeySpec: 'AES_256' },
    GenerateDataKeyWithoutPlaintext: { KeyId, NumberOfBytes: 16 },
    GenerateDataKeyPair: { KeyId, KeyPairSpec: 'ECC_NIST_P256' },
    GenerateDataKeyPairWithoutPlaintext: { KeyId, KeyPairSpec: 'ECC_NIST_P256' },
    Sign: { KeyId: keys.sign, Message: MESSAGE, SigningAlgorithm: 'ECDSA_SHA_256' },
    Verify: {
      KeyId: keys.sign,
      Message: MESSAGE,
      Signature: sealed.signature,
      SigningAlgorithm: 'ECDSA_SHA_256',
    },
    GenerateMac: { KeyId: keys.mac, Message: MESSAGE, MacAlgorithm: 'HMAC_SHA_256' },
    VerifyMac: {
      KeyId: keys.mac,
      Message: MESSAGE,
      Mac: sealed.mac,
      MacAlgorithm: 'HMAC_SHA_256',
    },
    DeriveSharedSecret: {
      KeyId: keys.agree,
      KeyAgreementAlgorithm: 'ECDH',
      PublicKey: sealed.peer,
    },
    Encapsulate: { KeyId: keys.kem, EncapsulationAlgorithm: 'ML_KEM' },
    Decapsulate: {
      KeyId: keys.kem,
      EncapsulationAlgorithm: 'ML_KEM',
      SharedSecretCiphertextBlob: sealed.encapsulated,
    },
  };
}

/** Members that AWS requires; those of Decrypt and ReEncrypt by the rule on DryRunModifiers. */
export const REQUIRED: Readonly<Record<string, readonly string[]>> = {
  DescribeKey: ['KeyId'],
  UpdateKeyDescription: ['KeyId', 'Description'],
  EnableKey: ['KeyId'],
  DisableKey: ['KeyId'],
  ScheduleKeyDeletion: ['KeyId'],
  CancelKeyDeletion: ['KeyId'],
  GetPublicKey: ['KeyId'],
  GetParametersForImport: ['KeyId', 'WrappingAlgorithm', 'WrappingKeySpec'],
  ImportKeyMaterial: ['KeyId', 'ImportToken', 'EncryptedKeyMaterial'],
  DeleteImportedKeyMaterial: ['KeyId'],
  GetKeyLastUsage: ['KeyId'],
  EnableKeyRotation: ['KeyId'],
  DisableKeyRotation: ['KeyId'],
  GetKeyRotationStatus: ['KeyId'],
  RotateKeyOnDemand: ['KeyId'],
  ListKeyRotations: ['KeyId'],
  ReplicateKey: ['KeyId', 'ReplicaRegion'],
  UpdatePrimaryRegion: ['KeyId', 'PrimaryRegion'],
  CreateAlias: ['AliasName', 'TargetKeyId'],
  UpdateAlias: ['AliasName', 'TargetKeyId'],
  DeleteAlias: ['AliasName'],
  CreateCustomKeyStore: ['CustomKeyStoreName'],
  ConnectCustomKeyStore: ['CustomKeyStoreId'],
  DisconnectCustomKeyStore: ['CustomKeyStoreId'],
  UpdateCustomKeyStore: ['CustomKeyStoreId'],
  DeleteCustomKeyStore: ['CustomKeyStoreId'],
  GetKeyPolicy: ['KeyId'],
  PutKeyPolicy: ['KeyId', 'Policy'],
  ListKeyPolicies: ['KeyId'],
  TagResource: ['KeyId', 'Tags'],
  UntagResource: ['KeyId', 'TagKeys'],
  ListResourceTags: ['KeyId'],
  CreateGrant: ['KeyId', 'Operations'],
  ListGrants: ['KeyId'],
  RevokeGrant: ['KeyId', 'GrantId'],
  Encrypt: ['KeyId', 'Plaintext'],
  Decrypt: ['CiphertextBlob'],
  ReEncrypt: ['CiphertextBlob', 'DestinationKeyId'],
  GenerateDataKey: ['KeyId'],
  GenerateDataKeyWithoutPlaintext: ['KeyId'],
  GenerateDataKeyPair: ['KeyId', 'KeyPairSpec'],
  GenerateDataKeyPairWithoutPlaintext: ['KeyId', 'KeyPairSpec'],
  Sign: ['KeyId', 'Message', 'SigningAlgorithm'],
  Verify: ['KeyId', 'Message', 'Signature', 'SigningAlgorithm'],
  GenerateMac: ['KeyId', 'Message', 'MacAlgorithm'],
  VerifyMac: ['KeyId', 'Message', 'Mac', 'MacAlgorithm'],
  DeriveSharedSecret: ['KeyId', 'KeyAgreementAlgorithm', 'PublicKey'],
  Encapsulate: ['KeyId', 'EncapsulationAlgorithm'],
  Decapsulate: ['KeyId', 'SharedSecretCiphertextBlob', 'EncapsulationAlgorithm'],
};

/** Kind and bounds of members: characters, decoded bytes, items or the value itself. */
export const BOUNDS: Readonly<
  Record<
    string,
    { kind: 'text' | 'blob' | 'integer' | 'enum' | 'list'; min?: number; max?: number }
  >
> = {
  KeyId: { kind: 'text', min: 1, max: 2048 },
  SourceKeyId: { kind: 'text', min: 1, max: 2048 },
  DestinationKeyId: { kind: 'text', min: 1, max: 2048 },
  TargetKeyId: { kind: 'text', min: 1, max: 2048 },
  AliasName: { kind: 'text', min: 1, max: 256 },
  Description: { kind: 'text', max: 8192 },
  ReplicaRegion: { kind: 'text', min: 1, max: 32 },
  PrimaryRegion: { kind: 'text', min: 1, max: 32 },
  Limit: { kind: 'integer', min: 1, max: 1000 },
  NumberOfBytes: { kind: 'integer', min: 1, max: 1024 },
  RotationPeriodInDays: { kind: 'integer', min: 90, max: 2560 },
  IncludeKeyMaterial: { kind: 'enum' },
  PendingWindowInDays: { kind: 'integer', min: 1, max: 365 },
  Plaintext: { kind: 'blob', min: 1, max: 4096 },
  Message: { kind: 'blob', min: 1, max: 4096 },
  CiphertextBlob: { kind: 'blob', min: 1, max: 6144 },
  Signature: { kind: 'blob', min: 1, max: 6144 },
  Mac: { kind: 'blob', min: 1, max: 6144 },
  PublicKey: { kind: 'blob', min: 1, max: 8192 },
  CustomKeyStoreId: { kind: 'text', min: 1, max: 64 },
  CustomKeyStoreName: { kind: 'text', min: 1, max: 256 },
  NewCustomKeyStoreName: { kind: 'text', min: 1, max: 256 },
  KeyStorePassword: { kind: 'text', min: 7, max: 32 },
  PolicyName: { kind: 'text', min: 1, max: 128 },
  Policy: { kind: 'text', min: 1, max: 131_072 },
  ImportToken: { kind: 'blob', min: 1, max: 6144 },
  EncryptedKeyMaterial: { kind: 'blob', min: 1, max: 6144 },
  WrappingAlgorithm: { kind: 'enum' },
  WrappingKeySpec: { kind: 'enum' },
  ExpirationModel: { kind: 'enum' },
  ImportType: { kind: 'enum' },
  KeyMaterialDescription: { kind: 'text', max: 256 },
  KeyMaterialId: { kind: 'text', min: 64, max: 64 },
  Tags: { kind: 'list' },
  TagKeys: { kind: 'list' },
  Operations: { kind: 'list' },
  GranteePrincipal: { kind: 'text', min: 1, max: 256 },
  RetiringPrincipal: { kind: 'text', min: 1, max: 256 },
  Name: { kind: 'text', min: 1, max: 256 },
  GrantId: { kind: 'text', min: 1, max: 128 },
  GrantToken: { kind: 'text', min: 1, max: 8192 },
  KeySpec: { kind: 'enum' },
  KeyPairSpec: { kind: 'enum' },
  SigningAlgorithm: { kind: 'enum' },
  MacAlgorithm: { kind: 'enum' },
  KeyAgreementAlgorithm: { kind: 'enum' },
  EncapsulationAlgorithm: { kind: 'enum' },
  SharedSecretCiphertextBlob: { kind: 'blob', min: 1, max: 6144 },
};

/** Operations that take DryRun. */
export const DRY_RUN: readonly string[] = [
  'Decapsulate',
  'Encrypt',
  'Decrypt',
  'ReEncrypt',
  'GenerateDataKey',
  'GenerateDataKeyWithoutPlaintext',
  'GenerateDataKeyPair',
  'GenerateDataKeyPairWithoutPlaintext',
  'Sign',
  'Verify',
  'GenerateMac',
  'VerifyMac',
  'DeriveSharedSecret',
  'CreateGrant',
  'RetireGrant',
  'RevokeGrant',
  'Encapsulate',
];
