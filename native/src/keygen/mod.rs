//! Generation of asymmetric key pairs.
use crate::ffi::{self, GeneratedPair};
use crate::frame::{Status, spec};

/// A fresh pair: RSA by FIPS 186-5 with e = 65537, EC by rejection sampling.
pub fn generate(spec: u16) -> Result<GeneratedPair, Status> {
    match spec {
        spec::RSA_2048 | spec::RSA_3072 | spec::RSA_4096 => {
            ffi::generate_rsa(2048 + 1024 * i32::from(spec - spec::RSA_2048))
        }
        spec::ECC_NIST_P256..=spec::ECC_SECG_P256K1 => ffi::generate_ec(spec),
        _ => Err(Status::Unsupported),
    }
}
