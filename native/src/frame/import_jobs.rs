//! The job that takes key material made elsewhere: opened, checked, wrapped and named here, in native
//! memory alone.
//!
//! RSAES_OAEP_* carries the material itself, RSA_AES_KEY_WRAP_* an AES-256 key and behind it the
//! material under that key (RFC 5649); PKCS #11 calls it CKM_RSA_AES_KEY_WRAP. SM2PKE carries the
//! material itself, of any length (`sm2_jobs`). What cannot be opened
//! has one status, whatever is wrong. That material which was opened is no key of the spec is told
//! apart, because only who could encrypt it learns that.
use super::exec::Job;
use super::keygen_jobs::wrap_made;
use super::layout::{Status, alg, spec};
use crate::arena::{self, KeyBody};
use crate::ffi::{self, AsymmetricKey, GeneratedPair};
use crate::rsa;
use crate::sm2::Sm2Key;
use crate::symmetric::{RandomPool, SecretKey, secret_len};
use zeroize::Zeroizing;

/// Bytes of the AES key of RSA_AES_KEY_WRAP_*.
const KEK: usize = 32;
/// Bytes of RSA-4096's modulus.
const MODULUS_MAX: usize = 512;

/// `key` opens, the job's second key (a domain key) wraps. Out as GENERATE_KEY.
pub fn import_key(
    key: &AsymmetricKey,
    job: Job<'_>,
    random: &mut RandomPool,
) -> Result<usize, Status> {
    let material = open(key, &job)?;
    take_material(material, job, random)
}

/// Wraps and names what was opened, when it is material of the job's spec.
pub(super) fn take_material(
    plain: Zeroizing<Vec<u8>>,
    job: Job<'_>,
    random: &mut RandomPool,
) -> Result<usize, Status> {
    let wrapping = arena::get(job.key2.0, job.key2.1)?;
    let wrapping = domain_key(&wrapping)?;
    let made = match job.alg {
        spec::SYMMETRIC_DEFAULT..=spec::HMAC_512 if secret_len(job.alg) == Some(plain.len()) => {
            GeneratedPair { pkcs8: plain, spki: Vec::new() }
        }
        spec::SYMMETRIC_DEFAULT..=spec::HMAC_512 => return Err(Status::BadInput),
        spec::SM2 => Sm2Key::from_pkcs8(&plain)?.pair()?,
        _ => ffi::foreign_pair(job.alg, &plain)?,
    };
    wrap_made(wrapping, &made, job.in2, job.in1, job.out, random)
}

fn domain_key(body: &KeyBody) -> Result<&SecretKey, Status> {
    match body {
        KeyBody::Secret(key) if key.spec == spec::DOMAIN => Ok(key),
        _ => Err(Status::BadKey),
    }
}

fn open(key: &AsymmetricKey, job: &Job<'_>) -> Result<Zeroizing<Vec<u8>>, Status> {
    let size = match key.spec() {
        spec::RSA_2048 if key.is_private() => 256,
        spec::RSA_3072 if key.is_private() => 384,
        spec::RSA_4096 if key.is_private() => 512,
        _ => return Err(Status::BadKey),
    };
    let wrapping = u16::try_from(job.param).map_err(|_| Status::Unsupported)?;
    match wrapping {
        alg::RSAES_OAEP_SHA_1 | alg::RSAES_OAEP_SHA_256 => oaep(key, wrapping, job.in0),
        alg::RSA_AES_KEY_WRAP_SHA_1 => hybrid(key, size, alg::RSAES_OAEP_SHA_1, job.in0),
        alg::RSA_AES_KEY_WRAP_SHA_256 => hybrid(key, size, alg::RSAES_OAEP_SHA_256, job.in0),
        _ => Err(Status::Unsupported),
    }
}

fn oaep(
    key: &AsymmetricKey,
    algorithm: u16,
    ciphertext: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Status> {
    let mut out = Zeroizing::new(vec![0u8; MODULUS_MAX]);
    let len = rsa::decrypt(key, algorithm, ciphertext, &mut out)?;
    out.truncate(len);
    Ok(out)
}

fn hybrid(
    key: &AsymmetricKey,
    size: usize,
    algorithm: u16,
    input: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Status> {
    let (first, wrapped) = input.split_at_checked(size).ok_or(Status::InvalidCiphertext)?;
    let kek = oaep(key, algorithm, first)?;
    let kek: &[u8; KEK] = kek.as_slice().try_into().map_err(|_| Status::InvalidCiphertext)?;
    ffi::unwrap_padded(kek, wrapped)
}
