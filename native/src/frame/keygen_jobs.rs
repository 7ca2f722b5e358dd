//! Jobs that make keys: generated, wrapped and named here, in native memory alone.
use super::exec::Job;
use super::layout::{SEAL_OVERHEAD_BYTES, Status, spec};
use super::making_jobs::Pairs;
use crate::ffi::{GeneratedPair, Hash};
use crate::symmetric::{self, HmacState, MAC_MAX, RandomPool, SecretKey, secret_len};
use zeroize::Zeroizing;

fn put_u32(out: &mut [u8], at: usize, value: usize) {
    out[at..at + 4].copy_from_slice(&(value as u32).to_le_bytes());
}

/// materialId (32) | u32 wrappedLen | u32 spkiLen | wrapped | SPKI.
pub fn generate_key(
    wrapping: &SecretKey,
    job: Job<'_>,
    random: &mut RandomPool,
    pairs: &mut Pairs,
) -> Result<usize, Status> {
    let made = match (secret_len(job.alg), job.alg) {
        (_, spec::ROOT) => return Err(Status::Unsupported),
        (Some(len), _) => {
            let mut pkcs8 = Zeroizing::new(vec![0u8; len]);
            symmetric::fill(&mut pkcs8);
            GeneratedPair { pkcs8, spki: Vec::new() }
        }
        (None, asymmetric) => pairs.take(job.index, asymmetric)?,
    };
    wrap_made(wrapping, &made, job.in0, job.in1, job.out, random)
}

/// Wraps material (a private key, or the secret in its place) and names it after `key_id`:
/// materialId (32) | u32 wrappedLen | u32 spkiLen | wrapped | SPKI.
pub fn wrap_made(
    wrapping: &SecretKey,
    made: &GeneratedPair,
    key_id: &[u8],
    aad: &[u8],
    out: &mut [u8],
    random: &mut RandomPool,
) -> Result<usize, Status> {
    let GeneratedPair { pkcs8: secret, spki } = made;
    let wrapped = secret.len() + SEAL_OVERHEAD_BYTES;
    let total = 40 + wrapped + spki.len();
    let out = out.get_mut(..total).ok_or(Status::OutTooSmall)?;
    symmetric::seal(wrapping, random, &[], aad, secret, &mut out[40..40 + wrapped])?;
    let mut hmac = HmacState::EMPTY;
    hmac.set_key(Hash::Sha256, secret);
    let mut id = [0u8; MAC_MAX];
    hmac.mac(key_id, &mut id);
    zeroize::Zeroize::zeroize(&mut hmac);
    out[..32].copy_from_slice(&id[..32]);
    put_u32(out, 32, wrapped);
    put_u32(out, 36, spki.len());
    out[40 + wrapped..].copy_from_slice(spki);
    Ok(total)
}

/// u32 privLen | u32 spkiLen | u32 blobLen | PKCS#8 (when asked for) | SPKI | hdr | sealed(PKCS#8).
pub fn generate_key_pair(
    key: &SecretKey,
    job: Job<'_>,
    random: &mut RandomPool,
    pairs: &mut Pairs,
) -> Result<usize, Status> {
    let pair = pairs.take(job.index, job.alg)?;
    let private = if job.param & 1 == 1 { pair.pkcs8.len() } else { 0 };
    let blob = job.in2.len() + pair.pkcs8.len() + SEAL_OVERHEAD_BYTES;
    let total = 12 + private + pair.spki.len() + blob;
    let out = job.out.get_mut(..total).ok_or(Status::OutTooSmall)?;
    let at = total - blob;
    symmetric::seal(key, random, job.in2, job.in1, &pair.pkcs8, &mut out[at..])?;
    put_u32(out, 0, private);
    put_u32(out, 4, pair.spki.len());
    put_u32(out, 8, blob);
    out[12..12 + private].copy_from_slice(&pair.pkcs8[..private]);
    out[12 + private..at].copy_from_slice(&pair.spki);
    Ok(total)
}
