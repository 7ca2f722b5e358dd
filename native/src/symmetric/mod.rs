//! Secret keys: encryption under one-time derived keys, and HMAC.
mod hmac;
mod random;
mod seal;
#[cfg(target_arch = "x86_64")]
pub mod small;

pub use hmac::{HmacState, MAC_MAX};
pub(crate) use hmac::{
    SHA256 as SHA256_START, SHA384 as SHA384_START, SHA512 as SHA512_START, narrow as absorb_rest,
    narrow_bytes as state_bytes,
};
pub use random::{RandomPool, fill};
#[cfg(test)]
pub use seal::kdf_input;
pub use seal::{open, seal};

use crate::arena::LockedBox;
use crate::ffi::Hash;
use crate::frame::{Status, spec};
use zeroize::Zeroize;

/// Longest secret: an HMAC_512 key, or the text of a secret access key.
pub const SECRET_MAX: usize = 128;

/// A secret key with what its use needs precomputed; lives in a locked cell.
#[derive(Zeroize)]
pub struct SecretKey {
    pub spec: u16,
    len: u8,
    bytes: [u8; SECRET_MAX],
    /// The key's HMAC: for encryption keys that of the KDF (SHA-256), for HMAC_* keys the spec's.
    #[zeroize(skip)]
    hmac: HmacState,
}

impl Default for SecretKey {
    fn default() -> Self {
        Self { spec: 0, len: 0, bytes: [0; SECRET_MAX], hmac: HmacState::EMPTY }
    }
}

impl SecretKey {
    /// Copies `secret` into locked memory. `BadInput` when its length is not the spec's,
    /// `Exhausted` when no memory is left.
    pub fn load(spec: u16, secret: &[u8]) -> Result<LockedBox<Self>, Status> {
        let fits = match secret_len(spec) {
            Some(len) => secret.len() == len,
            None => spec == spec::SIGV4_SECRET && (16..=SECRET_MAX).contains(&secret.len()),
        };
        if !fits {
            return Err(Status::BadInput);
        }
        LockedBox::new_with(|key: &mut Self| {
            key.spec = spec;
            key.len = secret.len() as u8;
            key.bytes[..secret.len()].copy_from_slice(secret);
            key.hmac.set_key(hash_of(spec), secret);
        })
        .ok_or(Status::Exhausted)
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    pub fn hmac(&self) -> &HmacState {
        &self.hmac
    }
}

/// Bytes of a generated secret of a spec; None for specs that are not secret keys.
pub fn secret_len(spec: u16) -> Option<usize> {
    match spec {
        spec::SYMMETRIC_DEFAULT | spec::DOMAIN | spec::ROOT | spec::HMAC_256 => Some(32),
        spec::HMAC_224 => Some(28),
        spec::HMAC_384 => Some(48),
        spec::HMAC_512 => Some(64),
        _ => None,
    }
}

fn hash_of(spec: u16) -> Hash {
    match spec {
        spec::HMAC_224 => Hash::Sha224,
        spec::HMAC_384 => Hash::Sha384,
        spec::HMAC_512 => Hash::Sha512,
        _ => Hash::Sha256,
    }
}
