//! Keys that were made elsewhere: RFC 5649 unwrapping, and private keys checked as strictly as they
//! can be before they become key material.
use super::pkey::{AsymmetricKey, GeneratedPair};
use super::{clear_errors, ec, rsa};
use crate::frame::{Status, spec};
use aws_lc_sys as lc;
use std::mem::MaybeUninit;
use zeroize::Zeroizing;

/// Unwraps `wrapped` under AES-256 (RFC 5649, AES key wrap with padding). `InvalidCiphertext`
/// whatever is wrong.
pub fn unwrap_padded(kek: &[u8; 32], wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, Status> {
    let mut out = Zeroizing::new(vec![0u8; wrapped.len()]);
    let mut schedule = MaybeUninit::<lc::AES_KEY>::zeroed();
    let mut len = 0;
    // SAFETY: pointers come with their lengths; the schedule is ours and wiped before it goes.
    let ok = unsafe {
        let ok = lc::AES_set_decrypt_key(kek.as_ptr(), 256, schedule.as_mut_ptr()) == 0
            && lc::AES_unwrap_key_padded(
                schedule.as_ptr(),
                out.as_mut_ptr(),
                &mut len,
                out.len(),
                wrapped.as_ptr(),
                wrapped.len(),
            ) == 1;
        lc::OPENSSL_cleanse(schedule.as_mut_ptr().cast(), size_of::<lc::AES_KEY>());
        ok
    };
    clear_errors();
    if !ok || len > out.len() {
        return Err(Status::InvalidCiphertext);
    }
    // Shorter in place: the bytes behind stay in the buffer, which is wiped as a whole.
    out.truncate(len);
    Ok(out)
}

/// A private key of `spec` in DER PKCS#8, checked and in the form in which generated keys are
/// written. `BadInput` when it is none, or its parts do not belong together.
pub fn foreign_pair(spec: u16, der: &[u8]) -> Result<GeneratedPair, Status> {
    let key = AsymmetricKey::from_pkcs8(spec, der)?;
    match spec {
        spec::RSA_2048 | spec::RSA_3072 | spec::RSA_4096 => rsa::require_sound(&key)?,
        spec::ECC_NIST_P256..=spec::ECC_SECG_P256K1 => ec::write_in_full(&key)?,
        // A seed: any 32 bytes are one, and a public key beside it was compared when it was read.
        spec::ECC_NIST_EDWARDS25519 => {}
        _ => return Err(Status::Unsupported),
    }
    Ok(GeneratedPair { pkcs8: key.pkey.pkcs8()?, spki: key.pkey.spki()? })
}
