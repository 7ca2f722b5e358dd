//! RSA operations of the frame: padding by algorithm number, over AWS-LC.
pub mod batch;
mod jobs;
pub mod lane_key;
mod padding;
#[cfg(test)]
mod random_tests;
#[cfg(test)]
mod tests;
pub(crate) mod words;

pub use jobs::{LaneKey, RsaJob, decrypt_batch, encrypt_batch, sign_batch, verify_batch};

use crate::ffi::{self, AsymmetricKey, Hash};
use crate::frame::{Status, alg};

#[derive(Clone, Copy)]
enum Padding {
    Pkcs1,
    Pss,
}

fn signing(algorithm: u16) -> Result<(Padding, Hash), Status> {
    Ok(match algorithm {
        alg::RSASSA_PKCS1_V1_5_SHA_256 => (Padding::Pkcs1, Hash::Sha256),
        alg::RSASSA_PKCS1_V1_5_SHA_384 => (Padding::Pkcs1, Hash::Sha384),
        alg::RSASSA_PKCS1_V1_5_SHA_512 => (Padding::Pkcs1, Hash::Sha512),
        alg::RSASSA_PSS_SHA_256 => (Padding::Pss, Hash::Sha256),
        alg::RSASSA_PSS_SHA_384 => (Padding::Pss, Hash::Sha384),
        alg::RSASSA_PSS_SHA_512 => (Padding::Pss, Hash::Sha512),
        _ => return Err(Status::Unsupported),
    })
}

fn encryption(algorithm: u16) -> Result<Hash, Status> {
    match algorithm {
        alg::RSAES_OAEP_SHA_1 => Ok(Hash::Sha1),
        alg::RSAES_OAEP_SHA_256 => Ok(Hash::Sha256),
        _ => Err(Status::Unsupported),
    }
}

/// The digest to sign: `message` itself when it is one, else its hash.
pub(crate) fn digest_of(
    hash: Hash,
    message: &[u8],
    is_digest: bool,
) -> Result<([u8; 64], usize), Status> {
    let mut digest = [0u8; 64];
    if is_digest {
        if message.len() != hash.digest_len() {
            return Err(Status::BadInput);
        }
        digest[..message.len()].copy_from_slice(message);
    } else {
        hash.digest(message, &mut digest);
    }
    Ok((digest, hash.digest_len()))
}

pub fn sign(
    key: &AsymmetricKey,
    algorithm: u16,
    message: &[u8],
    is_digest: bool,
    out: &mut [u8],
) -> Result<usize, Status> {
    if !key.is_private() {
        return Err(Status::BadKey);
    }
    let (padding, hash) = signing(algorithm)?;
    let (digest, len) = digest_of(hash, message, is_digest)?;
    match padding {
        Padding::Pkcs1 => ffi::rsa_sign_pkcs1(key, hash, &digest[..len], out),
        Padding::Pss => ffi::rsa_sign_pss(key, hash, &digest[..len], out),
    }
}

pub fn verify(
    key: &AsymmetricKey,
    algorithm: u16,
    message: &[u8],
    is_digest: bool,
    signature: &[u8],
) -> Result<(), Status> {
    let (padding, hash) = signing(algorithm)?;
    let (digest, len) = digest_of(hash, message, is_digest)?;
    match padding {
        Padding::Pkcs1 => ffi::rsa_verify_pkcs1(key, hash, &digest[..len], signature),
        Padding::Pss => ffi::rsa_verify_pss(key, hash, &digest[..len], signature),
    }
}

pub fn encrypt(
    key: &AsymmetricKey,
    algorithm: u16,
    plaintext: &[u8],
    out: &mut [u8],
) -> Result<usize, Status> {
    ffi::oaep_encrypt(key, encryption(algorithm)?, plaintext, out)
}

pub fn decrypt(
    key: &AsymmetricKey,
    algorithm: u16,
    ciphertext: &[u8],
    out: &mut [u8],
) -> Result<usize, Status> {
    if !key.is_private() {
        return Err(Status::BadKey);
    }
    ffi::oaep_decrypt(key, encryption(algorithm)?, ciphertext, out)
}
