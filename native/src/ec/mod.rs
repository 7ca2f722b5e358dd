//! Elliptic-curve operations of the frame, over AWS-LC and libsecp256k1.
mod agree;
pub mod batch;
mod comb;
pub mod curve;
mod der;
pub mod ed25519;
mod jobs;
mod nonce;
mod nonce256;
mod point;
pub mod scalar;
mod sha_lanes;
mod sign;
#[cfg(test)]
mod tests;
mod verify;

pub use agree::{AgreeJob, PublicJob};
pub use jobs::{EcJob, LaneKey, ecdh_batch, sign_batch, verify_batch};
pub use sign::{Nonces, SignJob};
pub use verify::VerifyJob;

use crate::ffi::{self, AsymmetricKey, Hash};
use crate::frame::{Status, alg, spec};
use crate::rsa::digest_of;

/// The hash of an ECDSA algorithm, which must be the one of the key's curve.
fn hash_of(key: &AsymmetricKey, algorithm: u16) -> Result<Hash, Status> {
    match (key.spec(), algorithm) {
        (spec::ECC_NIST_P256 | spec::ECC_SECG_P256K1, alg::ECDSA_SHA_256) => Ok(Hash::Sha256),
        (spec::ECC_NIST_P384, alg::ECDSA_SHA_384) => Ok(Hash::Sha384),
        (spec::ECC_NIST_P521, alg::ECDSA_SHA_512) => Ok(Hash::Sha512),
        _ => Err(Status::Unsupported),
    }
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
    let (digest, len) = digest_of(hash_of(key, algorithm)?, message, is_digest)?;
    ffi::ecdsa_sign(key, &digest[..len], out)
}

pub fn verify(
    key: &AsymmetricKey,
    algorithm: u16,
    message: &[u8],
    is_digest: bool,
    signature: &[u8],
) -> Result<(), Status> {
    let (digest, len) = digest_of(hash_of(key, algorithm)?, message, is_digest)?;
    ffi::ecdsa_verify(key, &digest[..len], signature)
}

/// The x coordinate of d*Q for a peer's DER SPKI of the same curve.
pub fn ecdh(key: &AsymmetricKey, peer_spki: &[u8], out: &mut [u8]) -> Result<usize, Status> {
    if !key.is_private() || !(spec::ECC_NIST_P256..=spec::ECC_NIST_P521).contains(&key.spec()) {
        return Err(Status::BadKey);
    }
    let peer = AsymmetricKey::from_spki(key.spec(), peer_spki)?;
    ffi::ecdh(key, &peer, out)
}
