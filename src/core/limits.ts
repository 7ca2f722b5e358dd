/** Limits with unit and source. Everything that can grow has one. */

/** AWS KMS, Encrypt: plaintext of SYMMETRIC_DEFAULT, bytes. */
export const PLAINTEXT_BYTES_MAX = 4096;
/** AWS KMS, CiphertextType, bytes. */
export const CIPHERTEXT_BYTES_MAX = 6144;
/** AWS KMS, GenerateRandom and GenerateDataKey, bytes. */
export const RANDOM_BYTES_MAX = 1024;
/** AWS KMS, KeyIdType, characters. */
export const KEY_ID_CHARS_MAX = 2048;
/** AWS KMS, encryption context serialised, characters (older guide). */
export const ENCRYPTION_CONTEXT_CHARS_MAX = 8192;

/**
 * What an account may have, as against what it may do per second. Each is a setting of the same
 * name in the section `limits` of the configuration.
 */
export interface ResourceQuotas {
  /** Customer managed keys per account and Region, in any state. */
  readonly keys: number;
  readonly aliasesPerKey: number;
  readonly grantsPerKey: number;
  readonly tagsPerKey: number;
  /** Rotations on demand of one key, ever. */
  readonly onDemandRotationsPerKey: number;
  /** Length of a key policy, bytes. */
  readonly policyBytes: number;
}

/** AWS KMS Developer Guide, "Resource quotas"; tags and policy: API reference. */
export const RESOURCE_QUOTAS: ResourceQuotas = Object.freeze({
  keys: 100_000,
  aliasesPerKey: 50,
  grantsPerKey: 50_000,
  tagsPerKey: 50,
  onDemandRotationsPerKey: 25,
  policyBytes: 32_768,
});

/** AWS KMS, PolicyType, characters. */
export const POLICY_CHARS_MAX = 131_072;
/** Ours: request body, bytes (an attestation document has 262,144, and 349,528 as base64). */
export const BODY_BYTES_MAX = 524_288;
/** Ours: from here on a body counts as a large one, bytes; few requests have 8 KiB. */
export const LARGE_BODY_BYTES = 65_536;
/** Ours: bytes of all large bodies that are being received or answered. */
export const LARGE_BODIES_BYTES_MAX = 67_108_864;
/** Ours: request head, bytes. */
export const HEADER_BYTES_MAX = 16_384;
/** Ours: header lines of a request. */
export const HEADERS_MAX = 64;
/** Ours: open connections. */
export const CONNECTIONS_MAX = 4_096;
/** Ours: milliseconds without traffic before a connection is closed. */
export const IDLE_TIMEOUT_MS = 60_000;
/** Ours: milliseconds from the end of the head to the end of the body. */
export const BODY_TIMEOUT_MS = 10_000;
/** Ours: jobs that may wait in one engine lane before requests are throttled. */
export const LANE_JOBS_MAX = 4_096;
/** Ours: entries of the key cache. */
export const KEY_CACHE_MAX = 20_000;
/** Ours: grants that stay cached, with the keys and grantees that they are cached by. */
export const GRANT_CACHE_MAX = 100_000;
/** AWS KMS, encryption context of a grant constraint: pairs, and characters of a value. */
export const GRANT_CONTEXT_PAIRS_MAX = 8;
export const GRANT_CONTEXT_VALUE_CHARS_MAX = 384;
/** Ours: grace of SIGTERM, milliseconds. */
export const SHUTDOWN_GRACE_MS = 10_000;
/** Ours: requests between hand-over and reply before others are refused. */
export const REQUESTS_IN_FLIGHT_MAX = 8_192;

/** Ours: Regions that one deployment serves. */
export const REGIONS_MAX = 64;
