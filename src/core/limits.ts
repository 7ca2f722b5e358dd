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
/** AWS KMS resource quota, aliases per key. */
export const ALIASES_PER_KEY_MAX = 50;
/** AWS KMS resource quota, KMS keys per account and region. */
export const KEYS_MAX = 100_000;
/** AWS KMS, key policy, bytes. */
export const POLICY_BYTES_MAX = 32_768;
/** Ours: request body, bytes (the largest KMS request, an attested one, is refused until offered). */
export const BODY_BYTES_MAX = 65_536;
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
/** Ours: grace of SIGTERM, milliseconds. */
export const SHUTDOWN_GRACE_MS = 10_000;
/** Ours: requests between hand-over and reply before others are refused. */
export const REQUESTS_IN_FLIGHT_MAX = 8_192;
