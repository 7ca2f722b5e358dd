/** Records as the store keeps them. Times are milliseconds since the Unix epoch; blobs are bytes. */

export type KeySpec =
  | 'SYMMETRIC_DEFAULT'
  | 'HMAC_224'
  | 'HMAC_256'
  | 'HMAC_384'
  | 'HMAC_512'
  | 'RSA_2048'
  | 'RSA_3072'
  | 'RSA_4096'
  | 'ECC_NIST_P256'
  | 'ECC_NIST_P384'
  | 'ECC_NIST_P521'
  | 'ECC_SECG_P256K1'
  | 'ECC_NIST_EDWARDS25519'
  | 'SM2'
  | 'ML_DSA_44'
  | 'ML_DSA_65'
  | 'ML_DSA_87'
  | 'ML_KEM_512'
  | 'ML_KEM_768'
  | 'ML_KEM_1024';

export type KeyUsage =
  | 'ENCRYPT_DECRYPT'
  | 'SIGN_VERIFY'
  | 'GENERATE_VERIFY_MAC'
  | 'KEY_AGREEMENT'
  | 'ENCAPSULATE_DECAPSULATE';

/** What Sign and Verify are given: a message, its digest, or its ML-DSA representative (FIPS 204). */
export type MessageType = 'RAW' | 'DIGEST' | 'EXTERNAL_MU';

export type KeyState =
  | 'Enabled'
  | 'Disabled'
  | 'PendingDeletion'
  | 'PendingReplicaDeletion'
  | 'PendingImport'
  | 'Unavailable'
  | 'Creating'
  | 'Updating';

export type ExpirationModel = 'KEY_MATERIAL_EXPIRES' | 'KEY_MATERIAL_DOES_NOT_EXPIRE';

export type KeyOrigin = 'AWS_KMS' | 'EXTERNAL' | 'AWS_CLOUDHSM' | 'EXTERNAL_KEY_STORE';

/** A KMS key. Primary key of the table: (account, region, keyId). */
export interface StoredKey {
  readonly account: string;
  readonly region: string;
  /** UUID or `mrk-` + 32 hex digits. */
  readonly keyId: string;
  /** Optimistic version: each committed change adds 1. */
  readonly version: number;
  readonly keySpec: KeySpec;
  readonly keyUsage: KeyUsage;
  readonly origin: KeyOrigin;
  readonly keyManager: 'CUSTOMER' | 'AWS';
  readonly state: KeyState;
  readonly description: string;
  readonly multiRegion: boolean;
  readonly createdAt: number;
  readonly deletionDate: number | null;
  readonly pendingWindowDays: number | null;
  /** Hex id of the current material; null before the first import. It stays when material goes. */
  readonly currentMaterialId: string | null;
  /** DER SubjectPublicKeyInfo of an asymmetric key. */
  readonly publicKey: Uint8Array | null;
  /** The key policy as given, or null for the default one. */
  readonly policy: string | null;
  /** Days between automatic rotations; null where automatic rotation is off. */
  readonly rotationPeriodDays: number | null;
  /** When the next automatic rotation is due; null where it is off. */
  readonly nextRotationAt: number | null;
  /** Of imported material, as DescribeKey shows it; null unless all of it is present. */
  readonly expirationModel: ExpirationModel | null;
  /** When imported material ends that expires, else null; of several the earliest. */
  readonly validTo: number | null;
  /** Null for keys of a single Region. Related keys share account, key id and material. */
  readonly multiRegionRole: 'PRIMARY' | 'REPLICA' | null;
  /** The Region of the primary key of a multi-Region key, else null. */
  readonly primaryRegion: string | null;
  /** Of a key that a service manages, its alias without the prefix, e.g. `aws/s3`; else null. */
  readonly service: string | null;
}

export type MaterialState =
  | 'CURRENT'
  | 'NON_CURRENT'
  | 'PENDING_ROTATION'
  | 'PENDING_MULTI_REGION_IMPORT_AND_ROTATION';

/** One version of a KMS key's material: only its wrapped form is ever stored. */
export interface StoredMaterial {
  readonly account: string;
  readonly region: string;
  readonly keyId: string;
  /** 64 hex digits: HMAC-SHA-256 of the key id under the material. */
  readonly materialId: string;
  readonly domainKeyId: number;
  /** Empty where imported material was deleted or has expired; its id stays, to know it again. */
  readonly wrapped: Uint8Array;
  readonly createdAt: number;
  readonly state: MaterialState;
  /** How it became current; null for the first material of a key. */
  readonly rotationType: 'AUTOMATIC' | 'ON_DEMAND' | null;
  readonly rotatedAt: number | null;
  /** Null for material that was not imported. */
  readonly importState: 'IMPORTED' | 'PENDING_IMPORT' | null;
  readonly expirationModel: ExpirationModel | null;
  readonly validTo: number | null;
  /** KeyMaterialDescription of imported material. */
  readonly description: string | null;
}

/** A tag of a key. */
export interface Tag {
  readonly key: string;
  readonly value: string;
}

/** The last use of a key by a cryptographic operation. */
export interface StoredKeyUse {
  readonly account: string;
  readonly region: string;
  readonly keyId: string;
  /** AWS name. */
  readonly operation: string;
  readonly usedAt: number;
  readonly requestId: string;
  /** Of the audit record. */
  readonly eventId: string;
}

export interface StoredAlias {
  readonly account: string;
  readonly region: string;
  /** With the prefix `alias/`. */
  readonly name: string;
  readonly targetKeyId: string;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** AWS KMS API, GrantOperation. */
export type GrantOperation =
  | 'Decrypt'
  | 'Encrypt'
  | 'GenerateDataKey'
  | 'GenerateDataKeyWithoutPlaintext'
  | 'ReEncryptFrom'
  | 'ReEncryptTo'
  | 'Sign'
  | 'Verify'
  | 'GetPublicKey'
  | 'CreateGrant'
  | 'RetireGrant'
  | 'DescribeKey'
  | 'GenerateDataKeyPair'
  | 'GenerateDataKeyPairWithoutPlaintext'
  | 'GenerateMac'
  | 'VerifyMac'
  | 'DeriveSharedSecret'
  | 'Decapsulate'
  | 'Encapsulate';

/** What a request must bring for a grant to allow it; at most one of the two contexts. */
export interface GrantConstraints {
  /** The request's encryption context holds all of these pairs. */
  readonly encryptionContextSubset?: Readonly<Record<string, string>> | undefined;
  /** The request's encryption context is exactly this. */
  readonly encryptionContextEquals?: Readonly<Record<string, string>> | undefined;
  readonly sourceArn?: string | undefined;
}

/** A grant on a key. Primary key of the table: (account, region, keyId, grantId). */
export interface StoredGrant {
  /** Of the key, as the Region and the key id. */
  readonly account: string;
  readonly region: string;
  readonly keyId: string;
  /** 64 hex digits, unique everywhere. */
  readonly grantId: string;
  readonly name: string | null;
  /** ARN, or the name of a service: the two share no text. */
  readonly granteePrincipal: string;
  /** As granteePrincipal; null where only the grantee's and the issuer's account may retire it. */
  readonly retiringPrincipal: string | null;
  /** Without duplicates, in the order of the request. */
  readonly operations: readonly GrantOperation[];
  readonly constraints: GrantConstraints | null;
  /** The account that made the grant: 12 digits. */
  readonly issuingAccount: string;
  readonly createdAt: number;
  /** What makes two requests with a name the same (hex SHA-256); null for a grant without name. */
  readonly fingerprint: string | null;
}

/** A domain key of a region, wrapped by the root key. */
export interface StoredDomainKey {
  readonly id: number;
  readonly region: string;
  readonly wrapped: Uint8Array;
  readonly createdAt: number;
}

/** `service`: see core/service-principals.ts. */
export type PrincipalKind = 'root' | 'user' | 'role' | 'service';

/** A principal that may sign requests. */
export interface StoredPrincipal {
  readonly arn: string;
  readonly account: string;
  readonly kind: PrincipalKind;
  readonly name: string;
  readonly createdAt: number;
}

/** An access key; its secret is wrapped by a domain key. */
export interface StoredAccessKey {
  readonly accessKeyId: string;
  readonly principalArn: string;
  readonly domainKeyId: number;
  readonly wrappedSecret: Uint8Array;
  readonly active: boolean;
  readonly createdAt: number;
  /** Set for temporary credentials: the token's SHA-256 (hex) and its end. */
  readonly sessionTokenSha256: string | null;
  readonly expiresAt: number | null;
}
