//! Generation of asymmetric key pairs.
mod curves;
mod primes;
mod rsa;
#[cfg(test)]
mod tests;
mod trial_division;

pub use rsa::generate_pairs;

use crate::break_even::Row;
use crate::ffi::{self, GeneratedPair};
use crate::frame::{Status, spec};
use crate::rsa::lane_key::Kernel;
use crate::sm2;

/// A fresh pair: RSA by FIPS 186-5 with e = 65537, EC by rejection sampling, all others of a seed.
pub fn generate(spec: u16) -> Result<GeneratedPair, Status> {
    match spec {
        spec::RSA_2048 | spec::RSA_3072 | spec::RSA_4096 => {
            let bits = rsa_bits(spec);
            match Kernel::in_force() {
                Some(kernel) => generate_pairs(kernel, bits, 1)?.pop().ok_or(Status::Internal),
                None => ffi::generate_rsa(bits as i32),
            }
        }
        spec::SM2 => Ok(sm2::generate()),
        _ if Row::make(spec).is_some() => {
            curves::generate_many(spec, 1).pop().ok_or(Status::Internal)?
        }
        spec::ML_DSA_44..=spec::ML_KEM_1024 => ffi::generate_lattice(spec),
        _ => Err(Status::Unsupported),
    }
}

/// True for what `generate_many` makes faster.
pub fn is_batched(spec: u16) -> bool {
    (spec::RSA_2048..=spec::RSA_4096).contains(&spec) || Row::make(spec).is_some()
}

/// `count` pairs of one spec, each with its own outcome.
pub fn generate_many(spec: u16, count: usize) -> Vec<Result<GeneratedPair, Status>> {
    match (spec, Kernel::in_force()) {
        (spec::RSA_2048..=spec::RSA_4096, Some(kernel)) => {
            match generate_pairs(kernel, rsa_bits(spec), count) {
                Ok(pairs) => pairs.into_iter().map(Ok).collect(),
                Err(status) => (0..count).map(|_| Err(status)).collect(),
            }
        }
        _ if Row::make(spec).is_some() => curves::generate_many(spec, count),
        _ => (0..count).map(|_| generate(spec)).collect(),
    }
}

fn rsa_bits(spec: u16) -> usize {
    2048 + 1024 * usize::from(spec - spec::RSA_2048)
}
