//! AWS-LC behind safe functions: the only module that calls it.
mod ec;
mod ed25519;
mod foreign;
mod lattice;
mod pkey;
mod rsa;
mod secp256k1;

pub use ec::{ecdh, ecdsa_sign, ecdsa_verify, generate_ec, private_scalar, public_point};
pub use ed25519::{Ed25519, Variant, ed25519_sign, ed25519_verify, generate_ed25519};
pub use foreign::{foreign_pair, unwrap_padded};
pub use lattice::{
    ML_DSA_SIGNATURE_MAX, MU_BYTES, SHARED_SECRET_BYTES, generate_lattice, ml_dsa_sign,
    ml_dsa_verify, ml_kem_decapsulate, ml_kem_encapsulate,
};
#[cfg(test)]
pub use pkey::encodings;
pub use pkey::{AsymmetricKey, GeneratedPair};
pub use rsa::{
    RsaParts, generate_rsa, oaep_decrypt, oaep_encrypt, private_lanes, public_lanes,
    rsa_from_parts, rsa_sign_pkcs1, rsa_sign_pss, rsa_verify_pkcs1, rsa_verify_pss,
};

use crate::frame::Status;
use aws_lc_sys as lc;
use std::mem::MaybeUninit;
use zeroize::Zeroize;

/// Hash functions of the KMS algorithms (FIPS 180-4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    /// Bytes of a digest.
    pub const fn digest_len(self) -> usize {
        match self {
            Hash::Sha1 => 20,
            Hash::Sha224 => 28,
            Hash::Sha256 => 32,
            Hash::Sha384 => 48,
            Hash::Sha512 => 64,
        }
    }

    pub(super) fn md(self) -> *const lc::EVP_MD {
        // SAFETY: these return pointers to static tables.
        unsafe {
            match self {
                Hash::Sha1 => lc::EVP_sha1(),
                Hash::Sha224 => lc::EVP_sha224(),
                Hash::Sha256 => lc::EVP_sha256(),
                Hash::Sha384 => lc::EVP_sha384(),
                Hash::Sha512 => lc::EVP_sha512(),
            }
        }
    }

    /// Digest of `message` into the first `digest_len()` bytes of `out`.
    pub fn digest(self, message: &[u8], out: &mut [u8; 64]) {
        // SAFETY: `out` has room for the longest digest.
        let ok = unsafe {
            lc::EVP_Digest(
                message.as_ptr().cast(),
                message.len(),
                out.as_mut_ptr(),
                std::ptr::null_mut(),
                self.md(),
                std::ptr::null_mut(),
            )
        };
        assert_eq!(ok, 1, "a digest cannot fail");
    }
}

/// Fills `out` from AWS-LC's generator (CTR_DRBG, SP 800-90A). It aborts where it cannot.
pub fn random(out: &mut [u8]) {
    // SAFETY: the slice is writable for its length.
    let ok = unsafe { lc::RAND_bytes(out.as_mut_ptr(), out.len()) };
    assert_eq!(ok, 1, "the random generator failed");
}

/// Overwrites `bytes` with zeros; the compiler cannot leave it out. Faster on long slices than byte
/// by byte volatile writes.
pub fn wipe(bytes: &mut [u8]) {
    if !crate::secrecy::wipes() {
        return;
    }
    // SAFETY: the slice is writable for its length.
    unsafe { lc::OPENSSL_cleanse(bytes.as_mut_ptr().cast(), bytes.len()) }
}

/// As `wipe`, for memory that holds whatever was there before.
pub fn wipe_uninit(bytes: &mut [MaybeUninit<u8>]) {
    if !crate::secrecy::wipes() {
        return;
    }
    // SAFETY: the slice is writable for its length, and nothing of it is read.
    unsafe { lc::OPENSSL_cleanse(bytes.as_mut_ptr().cast(), bytes.len()) }
}

/// As `wipe`, for words.
pub fn wipe_u32(words: &mut [u32]) {
    if !crate::secrecy::wipes() {
        return;
    }
    // SAFETY: the slice is writable for its length.
    unsafe { lc::OPENSSL_cleanse(words.as_mut_ptr().cast(), size_of_val(words)) }
}

/// Runs SHA-256's compression function over whole blocks of 64 bytes.
pub fn sha256_blocks(state: &mut [u32; 8], blocks: &[u8]) {
    debug_assert!(blocks.len().is_multiple_of(64));
    // AWS-LC's loop runs at least once.
    if blocks.is_empty() {
        return;
    }
    // SAFETY: `blocks` holds that many whole blocks.
    unsafe { lc::SHA256_TransformBlocks(state.as_mut_ptr(), blocks.as_ptr(), blocks.len() / 64) }
}

/// Runs SHA-512's compression function over one block of 128 bytes.
pub fn sha512_block(state: &mut [u64; 8], block: &[u8; 128]) {
    let mut context = MaybeUninit::<lc::SHA512_CTX>::zeroed();
    // SAFETY: all-zero bytes are a valid context; the function reads and writes only its state.
    unsafe {
        let context = context.assume_init_mut();
        context.h = *state;
        lc::SHA512_Transform(context, block.as_ptr());
        *state = context.h;
        context.h.zeroize();
    }
}

/// AES-256-GCM (SP 800-38D) under one key, used for one message; the key schedule is wiped.
///
/// The alignment is fixed because the context finds its aligned state by an offset that is computed
/// when it is made: moving it to an address of another alignment would break it.
#[repr(align(64))]
pub struct Aes256Gcm(lc::EVP_AEAD_CTX);

impl Aes256Gcm {
    pub fn new(key: &[u8; 32]) -> Result<Self, Status> {
        let mut context = MaybeUninit::<Self>::zeroed();
        // SAFETY: the context is ours; the key has the length that the AEAD wants.
        unsafe {
            let ok = lc::EVP_AEAD_CTX_init(
                &raw mut (*context.as_mut_ptr()).0,
                lc::EVP_aead_aes_256_gcm(),
                key.as_ptr(),
                key.len(),
                16,
                std::ptr::null_mut(),
            );
            if ok != 1 { Err(Status::Internal) } else { Ok(context.assume_init()) }
        }
    }

    /// Ciphertext and tag (16 bytes) into `out`, which has `plaintext.len() + 16` bytes.
    pub fn seal(
        &self,
        iv: &[u8; 12],
        aad: &[u8],
        plaintext: &[u8],
        out: &mut [u8],
    ) -> Result<(), Status> {
        let mut written = 0;
        // SAFETY: all pointers come with their slices' lengths; `out` and `plaintext` are disjoint
        // because one of them is borrowed mutably.
        let ok = unsafe {
            lc::EVP_AEAD_CTX_seal(
                &self.0,
                out.as_mut_ptr(),
                &mut written,
                out.len(),
                iv.as_ptr(),
                iv.len(),
                plaintext.as_ptr(),
                plaintext.len(),
                aad.as_ptr(),
                aad.len(),
            )
        };
        if ok == 1 && written == plaintext.len() + 16 { Ok(()) } else { Err(Status::Internal) }
    }

    /// Plaintext into `out`, which has `sealed.len() - 16` bytes. Nothing is left there on failure.
    pub fn open(
        &self,
        iv: &[u8; 12],
        aad: &[u8],
        sealed: &[u8],
        out: &mut [u8],
    ) -> Result<(), Status> {
        let mut written = 0;
        // SAFETY: as in `seal`.
        let ok = unsafe {
            lc::EVP_AEAD_CTX_open(
                &self.0,
                out.as_mut_ptr(),
                &mut written,
                out.len(),
                iv.as_ptr(),
                iv.len(),
                sealed.as_ptr(),
                sealed.len(),
                aad.as_ptr(),
                aad.len(),
            )
        };
        if ok == 1 && written + 16 == sealed.len() {
            Ok(())
        } else {
            out.zeroize();
            clear_errors();
            Err(Status::InvalidCiphertext)
        }
    }
}

impl Drop for Aes256Gcm {
    fn drop(&mut self) {
        // SAFETY: the context was initialised; afterwards its bytes are plain memory.
        unsafe {
            lc::EVP_AEAD_CTX_cleanup(&mut self.0);
            lc::OPENSSL_cleanse((&raw mut self.0).cast(), size_of::<lc::EVP_AEAD_CTX>());
        }
    }
}

/// Empties AWS-LC's error queue of this thread, so that it cannot grow or mislead.
pub(super) fn clear_errors() {
    // SAFETY: thread-local queue, no arguments.
    unsafe { lc::ERR_clear_error() }
}
