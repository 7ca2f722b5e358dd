//! Layout of a frame: one packed binary batch, processed in place. Little-endian. The TypeScript
//! twin is src/engine/frame-layout.ts, where the fields are drawn; `layout_fingerprint` of both
//! sides is compared when the addon is loaded.

macro_rules! numbers {
    ($module:ident, $type:ty, $table:ident, $group:literal, { $($name:ident = $value:expr),* $(,)? }) => {
        #[allow(missing_docs, non_upper_case_globals)]
        pub mod $module {
            $(pub const $name: $type = $value;)*
        }
        const $table: &[(&str, &str, u64)] = &[$(($group, stringify!($name), $value as u64)),*];
    };
}

/// Counts what the addon exports beside frames, so that an addon of another time is refused.
const ADDON_REVISION: u32 = 1;
pub const FRAME_MAGIC: u32 = 0x3146_534b;
pub const HEADER_BYTES: usize = 32;
pub const DESCRIPTOR_BYTES: usize = 64;
pub const MAX_JOBS_PER_FRAME: usize = 1024;
pub const SEAL_OVERHEAD_BYTES: usize = 16 + 12 + 16;
pub const KDF_LABEL: &[u8] = b"keystrel/enc/v1";

numbers!(op, u16, OPS, "OP", {
    RANDOM = 1, ENCRYPT = 2, DECRYPT = 3, GENERATE_DATA_KEY = 4, MAC = 5, MAC_VERIFY = 6, SIGN = 7,
    VERIFY = 8, RSA_ENCRYPT = 9, RSA_DECRYPT = 10, ECDH = 11, GENERATE_KEY = 12,
    GENERATE_KEY_PAIR = 13, LOAD_KEY = 14, WRAP = 15, SIGV4 = 16, LOAD_PUBLIC_KEY = 17, DIGEST = 18,
    ENCAPSULATE = 19, DECAPSULATE = 20, REWRAP = 21, IMPORT_KEY = 22,
});

numbers!(spec, u16, SPECS, "SPEC", {
    SYMMETRIC_DEFAULT = 1, HMAC_224 = 2, HMAC_256 = 3, HMAC_384 = 4, HMAC_512 = 5, RSA_2048 = 10,
    RSA_3072 = 11, RSA_4096 = 12, ECC_NIST_P256 = 20, ECC_NIST_P384 = 21, ECC_NIST_P521 = 22,
    ECC_SECG_P256K1 = 23, ECC_NIST_EDWARDS25519 = 24, SM2 = 25, ML_DSA_44 = 30, ML_DSA_65 = 31,
    ML_DSA_87 = 32, ML_KEM_512 = 40, ML_KEM_768 = 41, ML_KEM_1024 = 42, ROOT = 100, DOMAIN = 101, SIGV4_SECRET = 102,
});

numbers!(alg, u16, ALGS, "ALG", {
    NONE = 0, RSAES_OAEP_SHA_1 = 1, RSAES_OAEP_SHA_256 = 2, RSA_AES_KEY_WRAP_SHA_1 = 3,
    RSA_AES_KEY_WRAP_SHA_256 = 4, SM2PKE = 5, RSASSA_PKCS1_V1_5_SHA_256 = 10,
    RSASSA_PKCS1_V1_5_SHA_384 = 11, RSASSA_PKCS1_V1_5_SHA_512 = 12, RSASSA_PSS_SHA_256 = 20,
    RSASSA_PSS_SHA_384 = 21, RSASSA_PSS_SHA_512 = 22, ECDSA_SHA_256 = 30, ECDSA_SHA_384 = 31,
    ECDSA_SHA_512 = 32, ED25519_SHA_512 = 40, ED25519_PH_SHA_512 = 41, ML_DSA_SHAKE_256 = 50,
    ML_KEM = 60, SM2DSA = 70,
});

// What SIGN and VERIFY find in in0.
numbers!(form, u32, FORMS, "FORM", {
    MESSAGE = 0, DIGEST = 1, EXTERNAL_MU = 2,
});

numbers!(field, usize, FIELDS, "D", {
    op = 0, alg = 2, status = 4, keySlot = 8, keyGen = 12, key2Slot = 16, key2Gen = 20, in0 = 24,
    in1 = 32, in2 = 40, out = 48, outCap = 52, outLen = 56, param = 60,
});

/// What became of a job; numbers as in the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Status {
    Ok = 0,
    Pending = 1,
    BadFrame = 2,
    /// The handle is 0, stale or freed, or the key is of another kind than the op wants.
    BadKey = 3,
    InvalidCiphertext = 4,
    InvalidSignature = 5,
    InvalidMac = 6,
    BadPeerKey = 7,
    Unsupported = 8,
    OutTooSmall = 9,
    Exhausted = 10,
    /// A fault check failed; nothing was released.
    Fault = 11,
    Internal = 12,
    BadInput = 13,
}

const STATUSES: &[(&str, &str, u64)] = &[
    ("STATUS", "OK", Status::Ok as u64),
    ("STATUS", "PENDING", Status::Pending as u64),
    ("STATUS", "BAD_FRAME", Status::BadFrame as u64),
    ("STATUS", "BAD_KEY", Status::BadKey as u64),
    ("STATUS", "INVALID_CIPHERTEXT", Status::InvalidCiphertext as u64),
    ("STATUS", "INVALID_SIGNATURE", Status::InvalidSignature as u64),
    ("STATUS", "INVALID_MAC", Status::InvalidMac as u64),
    ("STATUS", "BAD_PEER_KEY", Status::BadPeerKey as u64),
    ("STATUS", "UNSUPPORTED", Status::Unsupported as u64),
    ("STATUS", "OUT_TOO_SMALL", Status::OutTooSmall as u64),
    ("STATUS", "EXHAUSTED", Status::Exhausted as u64),
    ("STATUS", "FAULT", Status::Fault as u64),
    ("STATUS", "INTERNAL", Status::Internal as u64),
    ("STATUS", "BAD_INPUT", Status::BadInput as u64),
];

/// FNV-1a (64 bits, hex) over the sorted lines `GROUP.NAME=value\n` of all numbers shared with
/// JavaScript.
pub fn layout_fingerprint() -> String {
    let frame = [
        ("ADDON", "REVISION", u64::from(ADDON_REVISION)),
        ("FRAME", "MAGIC", u64::from(FRAME_MAGIC)),
        ("FRAME", "HEADER_BYTES", HEADER_BYTES as u64),
        ("FRAME", "DESCRIPTOR_BYTES", DESCRIPTOR_BYTES as u64),
        ("FRAME", "MAX_JOBS_PER_FRAME", MAX_JOBS_PER_FRAME as u64),
        ("FRAME", "SEAL_OVERHEAD_BYTES", SEAL_OVERHEAD_BYTES as u64),
    ];
    let mut lines: Vec<String> = [OPS, SPECS, ALGS, FORMS, FIELDS, STATUSES, &frame]
        .iter()
        .flat_map(|t| t.iter())
        .map(|(group, name, value)| format!("{group}.{name}={value}\n"))
        .collect();
    lines.sort_unstable();
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    for byte in lines.concat().bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    format!("{hash:016x}")
}
