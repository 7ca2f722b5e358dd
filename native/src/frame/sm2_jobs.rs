//! The jobs of SM2 keys, one at a time: what the executor hands over when a job's key is one.
use super::exec::Job;
use super::import_jobs::take_material;
use super::layout::{Status, alg, form, op};
use crate::sm2::{self, Sm2Key};
use crate::symmetric::RandomPool;

pub(super) fn run(key: &Sm2Key, job: Job<'_>, random: &mut RandomPool) -> Result<usize, Status> {
    match job.op {
        op::SIGN => {
            let digest = digest(key, &job)?;
            sm2::sign(key, &digest, job.out)
        }
        op::VERIFY => sm2::verify(key, &digest(key, &job)?, job.in1).map(|()| 0),
        op::RSA_ENCRYPT if job.alg == alg::SM2PKE => sm2::encrypt(key, job.in0, job.out),
        op::RSA_DECRYPT if job.alg == alg::SM2PKE => {
            let plaintext = sm2::decrypt(key, job.in0)?;
            let out = job.out.get_mut(..plaintext.len()).ok_or(Status::OutTooSmall)?;
            out.copy_from_slice(&plaintext);
            Ok(plaintext.len())
        }
        op::ECDH => sm2::ecdh(key, job.in0, job.out),
        op::IMPORT_KEY if !key.is_private() => Err(Status::BadKey),
        op::IMPORT_KEY if job.param == u32::from(alg::SM2PKE) => {
            let material = sm2::decrypt(key, job.in0)?;
            take_material(material, job, random)
        }
        op::RSA_ENCRYPT | op::RSA_DECRYPT | op::IMPORT_KEY => Err(Status::Unsupported),
        _ => Err(Status::BadKey),
    }
}

/// What the job signs or verifies. SM2DSA takes a message or its digest.
fn digest(key: &Sm2Key, job: &Job<'_>) -> Result<[u8; 32], Status> {
    if job.alg != alg::SM2DSA {
        return Err(Status::Unsupported);
    }
    match job.param {
        form::MESSAGE => sm2::digest_of(key, job.in0, false),
        form::DIGEST => sm2::digest_of(key, job.in0, true),
        _ => Err(Status::BadInput),
    }
}
