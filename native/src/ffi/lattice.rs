//! ML-DSA (FIPS 204) and ML-KEM (FIPS 203) over AWS-LC. Private keys are kept and written as seeds:
//! PKCS#8 of RFC 9881 and RFC 9935 in the seed form, which is the only one that is read.
use super::clear_errors;
use super::pkey::{AsymmetricKey, GeneratedPair, Pkey, generate};
use crate::frame::{Status, spec};
use aws_lc_sys as lc;
use std::ptr::null_mut;
use zeroize::Zeroize;

/// Bytes of the longest signature: ML-DSA-87.
pub const ML_DSA_SIGNATURE_MAX: usize = 4627;
/// Bytes of a message representative (FIPS 204, algorithm 7, line 6).
pub const MU_BYTES: usize = 64;
pub const SHARED_SECRET_BYTES: usize = 32;

/// AWS-LC's number of a parameter set, and the bytes of its PKCS#8 in seed form.
struct ParameterSet {
    nid: i32,
    pkcs8_bytes: usize,
}

/// Bytes before the seed: version, algorithm and two heads, all short forms of DER.
const PKCS8_HEAD_BYTES: usize = 22;
const ML_DSA_SEED_BYTES: usize = 32;
const ML_KEM_SEED_BYTES: usize = 64;

fn ml_dsa(spec: u16) -> Option<ParameterSet> {
    let nid = match spec {
        spec::ML_DSA_44 => lc::NID_MLDSA44,
        spec::ML_DSA_65 => lc::NID_MLDSA65,
        spec::ML_DSA_87 => lc::NID_MLDSA87,
        _ => return None,
    };
    Some(ParameterSet { nid, pkcs8_bytes: PKCS8_HEAD_BYTES + ML_DSA_SEED_BYTES })
}

fn ml_kem(spec: u16) -> Option<ParameterSet> {
    let nid = match spec {
        spec::ML_KEM_512 => lc::NID_MLKEM512,
        spec::ML_KEM_768 => lc::NID_MLKEM768,
        spec::ML_KEM_1024 => lc::NID_MLKEM1024,
        _ => return None,
    };
    Some(ParameterSet { nid, pkcs8_bytes: PKCS8_HEAD_BYTES + ML_KEM_SEED_BYTES })
}

/// True for a key of that parameter set. `der`: what the key was read from.
pub(super) fn matches(pkey: &Pkey, spec: u16, der: &[u8], private: bool) -> bool {
    // SAFETY: reads of a live key; the type is asked for before what only that type has.
    let (set, nid) = unsafe {
        match (lc::EVP_PKEY_id(pkey.as_ptr()), ml_dsa(spec), ml_kem(spec)) {
            (lc::EVP_PKEY_PQDSA, Some(set), _) => (set, lc::EVP_PKEY_pqdsa_get_type(pkey.as_ptr())),
            (lc::EVP_PKEY_KEM, _, Some(set)) => (set, lc::EVP_PKEY_kem_get_type(pkey.as_ptr())),
            _ => return false,
        }
    };
    set.nid == nid && (!private || der.len() == set.pkcs8_bytes)
}

pub fn generate_lattice(spec: u16) -> Result<GeneratedPair, Status> {
    match (ml_dsa(spec), ml_kem(spec)) {
        // SAFETY: `generate` hands over a live context.
        (Some(set), _) => generate(lc::EVP_PKEY_PQDSA, |context| unsafe {
            lc::EVP_PKEY_CTX_pqdsa_set_params(context, set.nid) == 1
        }),
        // SAFETY: as above.
        (_, Some(set)) => generate(lc::EVP_PKEY_KEM, |context| unsafe {
            lc::EVP_PKEY_CTX_kem_set_params(context, set.nid) == 1
        }),
        _ => Err(Status::Unsupported),
    }
}

/// An EVP_PKEY_CTX over a key.
struct Context(*mut lc::EVP_PKEY_CTX);

impl Context {
    fn new(key: &AsymmetricKey) -> Result<Self, Status> {
        // SAFETY: the context takes its own reference to the key.
        let context = Self(unsafe { lc::EVP_PKEY_CTX_new(key.pkey.as_ptr(), null_mut()) });
        if context.0.is_null() { Err(Status::Internal) } else { Ok(context) }
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: ours.
        unsafe { lc::EVP_PKEY_CTX_free(self.0) }
    }
}

/// An EVP_MD_CTX, which signs and verifies whole messages.
struct MessageContext(*mut lc::EVP_MD_CTX);

impl MessageContext {
    fn new() -> Result<Self, Status> {
        // SAFETY: no arguments.
        let context = Self(unsafe { lc::EVP_MD_CTX_new() });
        if context.0.is_null() { Err(Status::Internal) } else { Ok(context) }
    }
}

impl Drop for MessageContext {
    fn drop(&mut self) {
        // SAFETY: ours.
        unsafe { lc::EVP_MD_CTX_free(self.0) }
    }
}

fn require_signer(key: &AsymmetricKey) -> Result<(), Status> {
    if ml_dsa(key.spec()).is_some() { Ok(()) } else { Err(Status::BadKey) }
}

/// ML-DSA.Sign, hedged, with an empty context; or, with `is_mu`, over a message representative.
pub fn ml_dsa_sign(
    key: &AsymmetricKey,
    input: &[u8],
    is_mu: bool,
    out: &mut [u8],
) -> Result<usize, Status> {
    require_signer(key)?;
    if !key.is_private() {
        return Err(Status::BadKey);
    }
    // SAFETY: a read of a live key.
    let size = unsafe { lc::EVP_PKEY_size(key.pkey.as_ptr()) } as usize;
    let out = out.get_mut(..size).ok_or(Status::OutTooSmall)?;
    let mut len = size;
    // SAFETY: contexts are live; pointers come with their lengths.
    let ok = unsafe {
        if is_mu {
            let context = Context::new(key)?;
            lc::EVP_PKEY_sign_init(context.0) == 1
                && lc::EVP_PKEY_sign(
                    context.0,
                    out.as_mut_ptr(),
                    &mut len,
                    input.as_ptr(),
                    input.len(),
                ) == 1
        } else {
            let (context, none) = (MessageContext::new()?, std::ptr::null());
            lc::EVP_DigestSignInit(context.0, null_mut(), none, null_mut(), key.pkey.as_ptr()) == 1
                && lc::EVP_DigestSign(
                    context.0,
                    out.as_mut_ptr(),
                    &mut len,
                    input.as_ptr(),
                    input.len(),
                ) == 1
        }
    };
    clear_errors();
    if ok && len == size { Ok(len) } else { Err(Status::Internal) }
}

/// ML-DSA.Verify with an empty context; or, with `is_mu`, over a message representative.
pub fn ml_dsa_verify(
    key: &AsymmetricKey,
    input: &[u8],
    is_mu: bool,
    signature: &[u8],
) -> Result<(), Status> {
    require_signer(key)?;
    let (text, len) = (input.as_ptr(), input.len());
    // SAFETY: contexts are live; pointers come with their lengths.
    let ok = unsafe {
        if is_mu {
            let context = Context::new(key)?;
            lc::EVP_PKEY_verify_init(context.0) == 1
                && lc::EVP_PKEY_verify(context.0, signature.as_ptr(), signature.len(), text, len)
                    == 1
        } else {
            let (context, none) = (MessageContext::new()?, std::ptr::null());
            lc::EVP_DigestVerifyInit(context.0, null_mut(), none, null_mut(), key.pkey.as_ptr())
                == 1
                && lc::EVP_DigestVerify(context.0, signature.as_ptr(), signature.len(), text, len)
                    == 1
        }
    };
    clear_errors();
    if ok { Ok(()) } else { Err(Status::InvalidSignature) }
}

fn require_kem(key: &AsymmetricKey) -> Result<(), Status> {
    if ml_kem(key.spec()).is_some() { Ok(()) } else { Err(Status::BadKey) }
}

/// ML-KEM.Encaps: shared secret (32 bytes) | ciphertext.
pub fn ml_kem_encapsulate(key: &AsymmetricKey, out: &mut [u8]) -> Result<usize, Status> {
    require_kem(key)?;
    let context = Context::new(key)?;
    let (mut ciphertext, mut secret) = (0, 0);
    // SAFETY: asks for the lengths alone.
    let ok = unsafe {
        lc::EVP_PKEY_encapsulate(context.0, null_mut(), &mut ciphertext, null_mut(), &mut secret)
    };
    if ok != 1 || secret != SHARED_SECRET_BYTES {
        clear_errors();
        return Err(Status::Internal);
    }
    let total = SHARED_SECRET_BYTES + ciphertext;
    let out = out.get_mut(..total).ok_or(Status::OutTooSmall)?;
    let (secret_out, ciphertext_out) = out.split_at_mut(SHARED_SECRET_BYTES);
    // SAFETY: both outputs have the lengths that were asked for.
    let ok = unsafe {
        lc::EVP_PKEY_encapsulate(
            context.0,
            ciphertext_out.as_mut_ptr(),
            &mut ciphertext,
            secret_out.as_mut_ptr(),
            &mut secret,
        )
    };
    clear_errors();
    if ok == 1 {
        Ok(total)
    } else {
        out.zeroize();
        Err(Status::Internal)
    }
}

/// ML-KEM.Decaps: the shared secret. A ciphertext of the right length always gives one, another's
/// where it was not made for this key (FIPS 203, 6.3); any other length is `InvalidCiphertext`.
pub fn ml_kem_decapsulate(
    key: &AsymmetricKey,
    ciphertext: &[u8],
    out: &mut [u8],
) -> Result<usize, Status> {
    require_kem(key)?;
    if !key.is_private() {
        return Err(Status::BadKey);
    }
    let out = out.get_mut(..SHARED_SECRET_BYTES).ok_or(Status::OutTooSmall)?;
    let context = Context::new(key)?;
    let mut len = out.len();
    // SAFETY: pointers come with their lengths; AWS-LC refuses ciphertexts of other lengths.
    let ok = unsafe {
        lc::EVP_PKEY_decapsulate(
            context.0,
            out.as_mut_ptr(),
            &mut len,
            ciphertext.as_ptr(),
            ciphertext.len(),
        )
    };
    clear_errors();
    if ok == 1 {
        Ok(len)
    } else {
        out.zeroize();
        Err(Status::InvalidCiphertext)
    }
}
