/**
 * Layout of a frame: one packed binary batch, processed in place by one call. Little-endian.
 * The Rust twin is native/src/frame/layout.rs; a test compares `layoutFingerprint()` of both.
 *
 *   frame      = header (32 bytes) | job descriptor x jobCount (64 bytes each) | payload area
 *
 *   header     0 u32 magic  'KSF1' (0x3146534b)
 *              4 u32 jobCount
 *              8 u32 usedBytes (header + descriptors + payload)
 *             12 u32 flags (0)
 *             16 f64 ns that the jobs took (written by a worker; 0 before)
 *             24 .. 31 zero
 *
 *   descriptor 0 u16 op          2 u16 alg        4 u32 status (out; STATUS.PENDING before)
 *              8 u32 key slot   12 u32 key generation     (0,0 = none)
 *             16 u32 key2 slot  20 u32 key2 generation    (0,0 = none)
 *             24 u32 in0 offset 28 u32 in0 length
 *             32 u32 in1 offset 36 u32 in1 length
 *             40 u32 in2 offset 44 u32 in2 length
 *             48 u32 out offset 52 u32 out capacity  56 u32 out length (out)
 *             60 u32 param
 *
 * Offsets count from the start of the frame; inputs and outputs lie inside the payload area,
 * 8-byte aligned; outputs never overlap inputs. A callee validates every span before use and
 * gives BAD_FRAME for a job whose spans do not fit.
 */
export const FRAME_MAGIC = 0x3146534b;
export const HEADER_BYTES = 32;
export const DESCRIPTOR_BYTES = 64;
export const MAX_JOBS_PER_FRAME = 1024;
/** Byte offset in the header. JavaScript alone uses this field. */
export const ELAPSED_NS_AT = 16;

/** Byte offsets inside a descriptor. */
export const D = Object.freeze({
  op: 0,
  alg: 2,
  status: 4,
  keySlot: 8,
  keyGen: 12,
  key2Slot: 16,
  key2Gen: 20,
  in0: 24,
  in1: 32,
  in2: 40,
  out: 48,
  outCap: 52,
  outLen: 56,
  param: 60,
});

/**
 * Operations. "ctx" = canonical encryption context bytes, "hdr" = fixed ciphertext header bytes.
 * sealed(K) below means  nonce (16) | IV (12) | ciphertext | tag (16)  made with
 *   K' = SP 800-108 counter-mode KDF (HMAC-SHA-256, key K, label "keystrel/enc/v1", context nonce)
 *   AES-256-GCM(K', IV, AAD = hdr | ctx).
 */
export const OP = Object.freeze({
  /** out = `param` random bytes. */
  RANDOM: 1,
  /** key symmetric; in0 plaintext, in1 ctx, in2 hdr -> out = hdr | sealed. */
  ENCRYPT: 2,
  /** key symmetric; in0 = hdr | sealed (in2 = hdr expected, must be its prefix), in1 ctx -> plaintext. INVALID_CIPHERTEXT. */
  DECRYPT: 3,
  /** key symmetric; in1 ctx, in2 hdr, param n (1..1024) -> out = plaintext (n) | hdr | sealed(plaintext). */
  GENERATE_DATA_KEY: 4,
  /** key HMAC_*; in0 message -> MAC (28/32/48/64 bytes, by the key's spec). */
  MAC: 5,
  /** key HMAC_*; in0 message, in1 MAC -> status OK or INVALID_MAC. */
  MAC_VERIFY: 6,
  /** key; alg of a signature; in0 of the form that `param` names (FORM) -> signature (DER for ECDSA). */
  SIGN: 7,
  /** key private or public; in0 as SIGN, in1 signature -> OK or INVALID_SIGNATURE. */
  VERIFY: 8,
  /** key RSA or SM2, private or public; alg RSAES_OAEP_* or SM2PKE; in0 plaintext -> ciphertext. */
  RSA_ENCRYPT: 9,
  /** key RSA or SM2; alg as before; in0 ciphertext -> plaintext, or INVALID_CIPHERTEXT (one status, constant time). */
  RSA_DECRYPT: 10,
  /** key EC or SM2; in0 peer DER SPKI -> raw x coordinate (32/48/66 bytes). BAD_PEER_KEY. */
  ECDH: 11,
  /**
   * Makes new key material. key = wrapping (domain or root) key; alg SPEC; in0 = key id text (for
   * the material id), in1 = AAD of the wrapping ->
   * out = materialId (32) | u32 wrappedLen | u32 spkiLen | wrapped | SPKI (empty for secret keys).
   * wrapped = sealed(wrapping key) with empty hdr and ctx = in1; its plaintext is the raw secret,
   * or DER PKCS#8. materialId = HMAC-SHA-256(key = raw secret or PKCS#8, in0).
   */
  GENERATE_KEY: 12,
  /**
   * Data key pair. key = symmetric KMS key; alg SPEC (RSA_*, ECC_*, SM2, ML_KEM_*); in1 ctx, in2 hdr;
   * param bit 0: 1 = give the private key in plaintext too ->
   * out = u32 privLen | u32 spkiLen | u32 blobLen | PKCS#8 (privLen may be 0) | SPKI | hdr | sealed(PKCS#8).
   */
  GENERATE_KEY_PAIR: 13,
  /** key = wrapping key; alg SPEC; in0 wrapped, in1 AAD -> out = u32 slot | u32 generation. INVALID_CIPHERTEXT. */
  LOAD_KEY: 14,
  /** Wraps caller-known bytes. key = wrapping key; in0 plaintext, in1 AAD -> wrapped. */
  WRAP: 15,
  /**
   * SigV4. key = SIGV4_SECRET handle; in0 = canonical request up to and including the newline
   * before the payload hash; in1 = body; in2 = 64 hex signature | amzDate "\n" scope "\n"
   * (scope = yyyymmdd/region/service/aws4_request). The signing key is cached per (secret, scope).
   * out = 64 hex of SHA-256(body). INVALID_SIGNATURE when the signature differs (constant time).
   */
  SIGV4: 16,
  /** alg SPEC; in0 = DER SPKI -> out = u32 slot | u32 generation of a public-only key. BAD_PEER_KEY. */
  LOAD_PUBLIC_KEY: 17,
  /** in0 message; alg DIGEST (1 SHA-1, 2 SHA-256, 3 SHA-384, 4 SHA-512) -> digest. */
  DIGEST: 18,
  /** key ML_KEM_* private or public; alg ML_KEM -> shared secret (32) | ciphertext. */
  ENCAPSULATE: 19,
  /** key ML_KEM_*; alg ML_KEM; in0 ciphertext -> shared secret (32). INVALID_CIPHERTEXT by its length alone. */
  DECAPSULATE: 20,
  /**
   * Wraps material anew, for another domain. key = the wrapping key, key2 = the new one; in0 wrapped,
   * in1 its AAD, in2 the new AAD -> wrapped, as long as before. INVALID_CIPHERTEXT. The plaintext
   * stays where keys are kept.
   */
  REWRAP: 21,
  /**
   * Takes key material that was made elsewhere. key = RSA or SM2 private key it was encrypted for;
   * key2 = wrapping (domain) key; alg SPEC of the material; param ALG: RSAES_OAEP_* or SM2PKE (in0 =
   * the material's ciphertext) or RSA_AES_KEY_WRAP_* (in0 = ciphertext of an AES-256 key | material
   * under it by RFC 5649); in1 = AAD of the wrapping, in2 = key id text -> out as GENERATE_KEY.
   * INVALID_CIPHERTEXT when in0 cannot be opened, whatever is wrong; BAD_INPUT when what is in it is
   * no key of that spec. A private key (DER PKCS#8) is kept in the one form that GENERATE_KEY makes,
   * so that its material id does not depend on how it was encoded.
   */
  IMPORT_KEY: 22,
});
export type Op = (typeof OP)[keyof typeof OP];

export const STATUS = Object.freeze({
  OK: 0,
  PENDING: 1,
  BAD_FRAME: 2,
  /** The handle is 0, stale or freed, or the key is of another kind than the op wants. */
  BAD_KEY: 3,
  INVALID_CIPHERTEXT: 4,
  INVALID_SIGNATURE: 5,
  INVALID_MAC: 6,
  BAD_PEER_KEY: 7,
  /** This backend does not have this op x alg. */
  UNSUPPORTED: 8,
  /** Output does not fit; nothing was released. */
  OUT_TOO_SMALL: 9,
  /** Arena or memory exhausted. */
  EXHAUSTED: 10,
  /** A fault check failed (RSA-CRT, self-check); nothing was released. */
  FAULT: 11,
  INTERNAL: 12,
  /** Input length outside the op's bounds (digest length, plaintext too large). */
  BAD_INPUT: 13,
});
export type Status = (typeof STATUS)[keyof typeof STATUS];

/** Key spec numbers used in frames; rows of specs/ carry them. */
export const SPEC = Object.freeze({
  SYMMETRIC_DEFAULT: 1,
  HMAC_224: 2,
  HMAC_256: 3,
  HMAC_384: 4,
  HMAC_512: 5,
  RSA_2048: 10,
  RSA_3072: 11,
  RSA_4096: 12,
  ECC_NIST_P256: 20,
  ECC_NIST_P384: 21,
  ECC_NIST_P521: 22,
  ECC_SECG_P256K1: 23,
  ECC_NIST_EDWARDS25519: 24,
  SM2: 25,
  ML_DSA_44: 30,
  ML_DSA_65: 31,
  ML_DSA_87: 32,
  ML_KEM_512: 40,
  ML_KEM_768: 41,
  ML_KEM_1024: 42,
  /** Internal: wraps domain keys. */
  ROOT: 100,
  /** Internal: wraps key material of one region. */
  DOMAIN: 101,
  /** Internal: secret access key bytes (ASCII). */
  SIGV4_SECRET: 102,
});
export type SpecId = (typeof SPEC)[keyof typeof SPEC];

export const ALG = Object.freeze({
  NONE: 0,
  RSAES_OAEP_SHA_1: 1,
  RSAES_OAEP_SHA_256: 2,
  RSA_AES_KEY_WRAP_SHA_1: 3,
  RSA_AES_KEY_WRAP_SHA_256: 4,
  SM2PKE: 5,
  RSASSA_PKCS1_V1_5_SHA_256: 10,
  RSASSA_PKCS1_V1_5_SHA_384: 11,
  RSASSA_PKCS1_V1_5_SHA_512: 12,
  RSASSA_PSS_SHA_256: 20,
  RSASSA_PSS_SHA_384: 21,
  RSASSA_PSS_SHA_512: 22,
  ECDSA_SHA_256: 30,
  ECDSA_SHA_384: 31,
  ECDSA_SHA_512: 32,
  ED25519_SHA_512: 40,
  ED25519_PH_SHA_512: 41,
  ML_DSA_SHAKE_256: 50,
  ML_KEM: 60,
  SM2DSA: 70,
});

/** What SIGN and VERIFY find in in0. BAD_INPUT where an algorithm does not take the form. */
export const FORM = Object.freeze({
  /** A message of any length. */
  MESSAGE: 0,
  /**
   * The digest of an RSA, ECDSA or SM2 algorithm, as long as its hash (for SM2DSA the hash that begins
   * with the signer's, GM/T 0003.2); for ED25519_PH_SHA_512 64 bytes,
   * which the algorithm hashes once more.
   */
  DIGEST: 1,
  /** The message representative of ML-DSA (FIPS 204, algorithm 7, line 6), 64 bytes. */
  EXTERNAL_MU: 2,
});

export const KDF_LABEL = 'keystrel/enc/v1';
export const SEAL_OVERHEAD_BYTES = 16 + 12 + 16;
