//! SM2 (GM/T 0003), which AWS KMS has in its Regions in China: signatures, encryption and key
//! agreement over the curve arithmetic of the crate `sm2` (RustCrypto; field arithmetic of
//! fiat-crypto, the same in time whatever the values) and the hash of the crate `sm3`.
//!
//! Scalars are kept in locked cells and wiped; what multiplies points leaves the digits of a scalar on
//! its stack (docs/side-channels.md).
mod der;
mod dsa;
mod key;
mod pke;
#[cfg(test)]
mod tests;

pub use dsa::{digest_of, sign, verify};
pub use key::{FIELD_BYTES, Sm2Key, generate};
pub use pke::{decrypt, encrypt};

use crate::frame::Status;
use sm2::ProjectivePoint;
use zeroize::{Zeroize, Zeroizing};

/// ECDH: the x coordinate of d*Q for a peer's DER SPKI.
pub fn ecdh(key: &Sm2Key, peer_spki: &[u8], out: &mut [u8]) -> Result<usize, Status> {
    let secret = key.secret()?;
    let peer = Sm2Key::from_spki(peer_spki)?;
    let out = out.get_mut(..FIELD_BYTES).ok_or(Status::OutTooSmall)?;
    let shared = Zeroizing::new(ProjectivePoint::from(*peer.point()) * secret.scalar);
    let (mut x, mut y) = key::coordinates(&Zeroizing::new(shared.to_affine()));
    out.copy_from_slice(&x);
    x.zeroize();
    y.zeroize();
    Ok(FIELD_BYTES)
}
