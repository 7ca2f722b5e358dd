//! Ed25519 and Ed25519ph (RFC 8032; FIPS 186-5, 7.6 to 7.8) on eight lanes, up to 64 jobs in a pass.
//!
//! The decisions of verification are AWS-LC's: cofactorless, on the canonical encoding of what must
//! be R; s must be below the order; a public key must be the canonical encoding of a point.
pub mod batch;
mod comb;
mod decode;
#[cfg(test)]
mod edge_tests;
mod hash;
pub(super) mod jobs;
mod point;
mod scalar;
mod sign;
#[cfg(test)]
mod tests;
mod verify;

pub use decode::{DecodeJob, PublicKey};
pub use sign::{Expanded, PublicJob, SignJob};
pub use verify::VerifyJob;

/// Which of the two algorithms. Contexts are empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// Ed25519: the message as it is.
    Pure,
    /// Ed25519ph: what is given for the message is its SHA-512 digest, 64 bytes.
    Prehashed,
}

impl Variant {
    /// dom2(1, "") of RFC 8032, 2, or nothing.
    #[inline(always)]
    fn domain(self) -> &'static [u8] {
        match self {
            Variant::Pure => b"",
            Variant::Prehashed => b"SigEd25519 no Ed25519 collisions\x01\x00",
        }
    }
}
