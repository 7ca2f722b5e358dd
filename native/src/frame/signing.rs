//! Sign and Verify of a frame, one job at a time: which implementation a key's spec takes, and which
//! forms of the message its algorithms take. Batches (`asymmetric_jobs`) have their turn before.
use super::exec::Job;
use super::layout::{Status, alg, form, spec};
use crate::ffi::{self, AsymmetricKey, MU_BYTES, Variant};
use crate::{ec, rsa};

/// Bytes of the digest that Ed25519ph takes: AWS KMS hashes it once more, as the algorithm does with
/// every message.
const ED25519_PH_DIGEST_BYTES: usize = 64;

pub(super) fn sign(key: &AsymmetricKey, job: Job<'_>) -> Result<usize, Status> {
    let (message, out) = (job.in0, job.out);
    match key.spec() {
        spec::RSA_2048..=spec::RSA_4096 => {
            rsa::sign(key, job.alg, message, is_digest(job.param)?, out)
        }
        spec::ECC_NIST_EDWARDS25519 => {
            if !key.is_private() {
                return Err(Status::BadKey);
            }
            ffi::ed25519_sign(key, variant(job.alg, job.param, message)?, message, out)
        }
        spec::ML_DSA_44..=spec::ML_DSA_87 => {
            ffi::ml_dsa_sign(key, message, is_mu(job.alg, job.param, message)?, out)
        }
        _ => ec::sign(key, job.alg, message, is_digest(job.param)?, out),
    }
}

pub(super) fn verify(key: &AsymmetricKey, job: &Job<'_>) -> Result<(), Status> {
    let (message, signature) = (job.in0, job.in1);
    match key.spec() {
        spec::RSA_2048..=spec::RSA_4096 => {
            rsa::verify(key, job.alg, message, is_digest(job.param)?, signature)
        }
        spec::ECC_NIST_EDWARDS25519 => {
            ffi::ed25519_verify(key, variant(job.alg, job.param, message)?, message, signature)
        }
        spec::ML_DSA_44..=spec::ML_DSA_87 => {
            ffi::ml_dsa_verify(key, message, is_mu(job.alg, job.param, message)?, signature)
        }
        _ => ec::verify(key, job.alg, message, is_digest(job.param)?, signature),
    }
}

/// RSA and ECDSA sign a message or its digest.
fn is_digest(param: u32) -> Result<bool, Status> {
    match param {
        form::MESSAGE => Ok(false),
        form::DIGEST => Ok(true),
        _ => Err(Status::BadInput),
    }
}

fn variant(algorithm: u16, param: u32, message: &[u8]) -> Result<Variant, Status> {
    match (algorithm, param) {
        (alg::ED25519_SHA_512, form::MESSAGE) => Ok(Variant::Pure),
        (alg::ED25519_PH_SHA_512, form::DIGEST) if message.len() == ED25519_PH_DIGEST_BYTES => {
            Ok(Variant::Ph)
        }
        (alg::ED25519_SHA_512 | alg::ED25519_PH_SHA_512, _) => Err(Status::BadInput),
        _ => Err(Status::Unsupported),
    }
}

fn is_mu(algorithm: u16, param: u32, message: &[u8]) -> Result<bool, Status> {
    match (algorithm, param) {
        (alg::ML_DSA_SHAKE_256, form::MESSAGE) => Ok(false),
        (alg::ML_DSA_SHAKE_256, form::EXTERNAL_MU) if message.len() == MU_BYTES => Ok(true),
        (alg::ML_DSA_SHAKE_256, _) => Err(Status::BadInput),
        _ => Err(Status::Unsupported),
    }
}
