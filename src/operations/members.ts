/** Input members that several operations share, with the bounds of the AWS KMS API model. */
import type { Static } from '@sinclair/typebox';
import {
  CIPHERTEXT_BYTES_MAX,
  KEY_ID_CHARS_MAX,
  PLAINTEXT_BYTES_MAX,
  POLICY_CHARS_MAX,
  RANDOM_BYTES_MAX,
} from '../core/limits.js';
import type { Tag } from '../core/records.js';
import {
  blob,
  kmsBoolean,
  kmsEnum,
  kmsInteger,
  kmsList,
  kmsMap,
  kmsString,
  structure,
} from '../protocol/schema.js';

/** Default EncryptionAlgorithm, and the KeySpec of the same name. */
export const SYMMETRIC_DEFAULT = 'SYMMETRIC_DEFAULT';

export const KeyId = kmsString({ min: 1, max: KEY_ID_CHARS_MAX });
export const AliasName = kmsString({ min: 1, max: 256, pattern: '^[a-zA-Z0-9:/_-]+$' });
export const Description = kmsString({ min: 0, max: 8192 });
export const GrantToken = kmsString({ min: 1, max: 8192, sensitive: true });
export const GrantTokens = kmsList(GrantToken, { min: 0, max: 10 });
export const GrantId = kmsString({ min: 1, max: 128 });
export const PrincipalId = kmsString({ min: 1, max: 256, pattern: '^[\\w+=,.@:/-]+$' });
export const ServicePrincipal = kmsString({
  min: 1,
  max: 128,
  pattern: '^([A-Za-z0-9\\-]+)\\.([A-Za-z0-9\\-]+)(\\.[A-Za-z0-9\\-]+)+$',
});
export const EncryptionContext = kmsMap();
export const DryRun = kmsBoolean();
export const DryRunModifiers = kmsList(kmsEnum(['IGNORE_CIPHERTEXT']));
export const Limit = kmsInteger({ min: 1, max: 1000 });
export const Marker = kmsString({ min: 1, max: 1024, pattern: '[\\u0020-\\u00FF]*' });
export const NumberOfBytes = kmsInteger({ min: 1, max: RANDOM_BYTES_MAX });

/** Shape PlaintextType: Plaintext of Encrypt, Message of Sign, Verify, GenerateMac, VerifyMac. */
export const Plaintext = blob({ min: 1, max: PLAINTEXT_BYTES_MAX });
/** Shape CiphertextType: CiphertextBlob, Signature, Mac. */
export const CiphertextBlob = blob({ min: 1, max: CIPHERTEXT_BYTES_MAX });
export const PublicKey = blob({ min: 1, max: 8192 });

export const EncryptionAlgorithm = kmsEnum([
  'SYMMETRIC_DEFAULT',
  'RSAES_OAEP_SHA_1',
  'RSAES_OAEP_SHA_256',
  'SM2PKE',
]);
export const SigningAlgorithm = kmsEnum([
  'RSASSA_PSS_SHA_256',
  'RSASSA_PSS_SHA_384',
  'RSASSA_PSS_SHA_512',
  'RSASSA_PKCS1_V1_5_SHA_256',
  'RSASSA_PKCS1_V1_5_SHA_384',
  'RSASSA_PKCS1_V1_5_SHA_512',
  'ECDSA_SHA_256',
  'ECDSA_SHA_384',
  'ECDSA_SHA_512',
  'SM2DSA',
  'ML_DSA_SHAKE_256',
  'ED25519_SHA_512',
  'ED25519_PH_SHA_512',
]);
export const MessageType = kmsEnum(['RAW', 'DIGEST', 'EXTERNAL_MU']);
export const MacAlgorithm = kmsEnum([
  'HMAC_SHA_224',
  'HMAC_SHA_256',
  'HMAC_SHA_384',
  'HMAC_SHA_512',
]);
export const KeyAgreementAlgorithm = kmsEnum(['ECDH']);
export const EncapsulationAlgorithm = kmsEnum(['ML_KEM']);
export const DataKeySpec = kmsEnum(['AES_256', 'AES_128']);
export const DataKeyPairSpec = kmsEnum([
  'RSA_2048',
  'RSA_3072',
  'RSA_4096',
  'ECC_NIST_P256',
  'ECC_NIST_P384',
  'ECC_NIST_P521',
  'ECC_SECG_P256K1',
  'SM2',
  'ECC_NIST_EDWARDS25519',
  'ML_KEM_1024',
  'ML_KEM_512',
  'ML_KEM_768',
]);
/** What KeySpec and the older CustomerMasterKeySpec have in common. */
export const CLASSIC_SPECS = [
  'RSA_2048',
  'RSA_3072',
  'RSA_4096',
  'ECC_NIST_P256',
  'ECC_NIST_P384',
  'ECC_NIST_P521',
  'ECC_SECG_P256K1',
  'SYMMETRIC_DEFAULT',
  'HMAC_224',
  'HMAC_256',
  'HMAC_384',
  'HMAC_512',
  'SM2',
] as const;
export const CustomerMasterKeySpec = kmsEnum(CLASSIC_SPECS);
export const KeySpec = kmsEnum([
  ...CLASSIC_SPECS,
  'ML_DSA_44',
  'ML_DSA_65',
  'ML_DSA_87',
  'ECC_NIST_EDWARDS25519',
  'ML_KEM_1024',
  'ML_KEM_512',
  'ML_KEM_768',
]);
export const KeyUsage = kmsEnum([
  'SIGN_VERIFY',
  'ENCRYPT_DECRYPT',
  'GENERATE_VERIFY_MAC',
  'KEY_AGREEMENT',
  'ENCAPSULATE_DECAPSULATE',
]);
export const Origin = kmsEnum(['AWS_KMS', 'EXTERNAL', 'AWS_CLOUDHSM', 'EXTERNAL_KEY_STORE']);
/** Shape AlgorithmSpec: how key material is encrypted for its import. */
export const WrappingAlgorithm = kmsEnum([
  'RSAES_PKCS1_V1_5',
  'RSAES_OAEP_SHA_1',
  'RSAES_OAEP_SHA_256',
  'RSA_AES_KEY_WRAP_SHA_1',
  'RSA_AES_KEY_WRAP_SHA_256',
  'SM2PKE',
]);
export const WrappingKeySpec = kmsEnum(['RSA_2048', 'RSA_3072', 'RSA_4096', 'SM2']);
export const ExpirationModel = kmsEnum(['KEY_MATERIAL_EXPIRES', 'KEY_MATERIAL_DOES_NOT_EXPIRE']);
export const ImportType = kmsEnum(['NEW_KEY_MATERIAL', 'EXISTING_KEY_MATERIAL']);
export const KeyMaterialDescription = kmsString({
  min: 0,
  max: 256,
  pattern: '^[a-zA-Z0-9:/_\\s.-]+$',
});
/** Shape BackingKeyIdType. */
export const KeyMaterialId = kmsString({ min: 64, max: 64, pattern: '^[a-f0-9]+$' });
export const CustomKeyStoreId = kmsString({ min: 1, max: 64 });
export const XksKeyId = kmsString({ min: 1, max: 128, pattern: '^[a-zA-Z0-9-_.]+$' });
export const PolicyName = kmsString({ min: 1, max: 128, pattern: '[\\w]+' });
/** Shape RegionType. */
export const Region = kmsString({ min: 1, max: 32, pattern: '^([a-z]+-){2,3}\\d+$' });
export const Policy = kmsString({
  min: 1,
  max: POLICY_CHARS_MAX,
  pattern: '[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+',
});
export const TagKey = kmsString({ min: 1, max: 128 });
export const Tags = kmsList(
  structure(
    { TagKey, TagValue: kmsString({ min: 0, max: 256 }) },
    { required: ['TagKey', 'TagValue'] },
  ),
);
/** Tags as the domain knows them. */
export function tagsOf(tags: Static<typeof Tags> | undefined): Tag[] {
  return (tags ?? []).map((tag) => ({ key: tag.TagKey, value: tag.TagValue }));
}
export const Recipient = structure({
  KeyEncryptionAlgorithm: kmsEnum(['RSAES_OAEP_SHA_256']),
  AttestationDocument: blob({ min: 1, max: 262_144 }),
});
export const ResourceOwners = kmsList(kmsEnum(['SELF', 'OTHER_ACCOUNTS_VIA_RAM']), {
  min: 1,
  max: 2,
});
