//! Generation of asymmetric key pairs.
mod primes;
mod rsa;
#[cfg(test)]
mod tests;
mod trial_division;

pub use rsa::generate_pairs;

use crate::ffi::{self, GeneratedPair};
use crate::frame::{Status, spec};
use crate::rsa::lane_key::Kernel;
use crate::sm2;

/// A fresh pair: RSA by FIPS 186-5 with e = 65537, EC by rejection sampling, all others of a seed.
pub fn generate(spec: u16) -> Result<GeneratedPair, Status> {
    match spec {
        spec::RSA_2048 | spec::RSA_3072 | spec::RSA_4096 => {
            let bits = 2048 + 1024 * usize::from(spec - spec::RSA_2048);
            match Kernel::in_force() {
                Some(kernel) => generate_pairs(kernel, bits, 1)?.pop().ok_or(Status::Internal),
                None => ffi::generate_rsa(bits as i32),
            }
        }
        spec::ECC_NIST_P256..=spec::ECC_SECG_P256K1 => ffi::generate_ec(spec),
        spec::ECC_NIST_EDWARDS25519 => ffi::generate_ed25519(),
        spec::SM2 => Ok(sm2::generate()),
        spec::ML_DSA_44..=spec::ML_KEM_1024 => ffi::generate_lattice(spec),
        _ => Err(Status::Unsupported),
    }
}
