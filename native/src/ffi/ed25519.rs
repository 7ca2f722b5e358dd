//! Ed25519 and Ed25519ph (RFC 8032; FIPS 186-5, 7.6 and 7.8) over AWS-LC, one at a time. Both are
//! deterministic, so that any other implementation of them gives the same signatures.
use super::pkey::{AsymmetricKey, Pkey};
use super::{clear_errors, pkey};
use crate::arena::LockedBox;
use crate::frame::Status;
use aws_lc_sys as lc;
use zeroize::Zeroizing;

pub const ED25519_SIGNATURE_BYTES: usize = 64;
const SEED_BYTES: usize = 32;
const PUBLIC_BYTES: usize = 32;

/// The private key as AWS-LC wants it: seed | public key.
struct Expanded([u8; SEED_BYTES + PUBLIC_BYTES]);

impl Default for Expanded {
    fn default() -> Self {
        Self([0; SEED_BYTES + PUBLIC_BYTES])
    }
}

/// An Ed25519 key as bytes, made once when the key is loaded.
pub struct Ed25519 {
    /// In locked memory; None for a public key.
    private: Option<LockedBox<Expanded>>,
    public: [u8; PUBLIC_BYTES],
}

impl Ed25519 {
    pub(super) fn new(key: &Pkey, private: bool) -> Result<Self, Status> {
        let mut public = [0u8; PUBLIC_BYTES];
        let mut len = public.len();
        // SAFETY: the buffer is given with its length.
        let ok =
            unsafe { lc::EVP_PKEY_get_raw_public_key(key.as_ptr(), public.as_mut_ptr(), &mut len) };
        if ok != 1 || len != public.len() {
            clear_errors();
            return Err(Status::BadInput);
        }
        let private = if private { Some(expanded(key, &public)?) } else { None };
        Ok(Self { private, public })
    }

    /// The seed (RFC 8032, 5.1.5), for kernels that sign many at a time.
    pub fn seed(&self) -> Option<&[u8]> {
        self.private.as_ref().map(|key| &key.0[..SEED_BYTES])
    }

    /// The public key, an encoded point (RFC 8032, 5.1.2).
    pub fn public(&self) -> &[u8; PUBLIC_BYTES] {
        &self.public
    }
}

fn expanded(key: &Pkey, public: &[u8; PUBLIC_BYTES]) -> Result<LockedBox<Expanded>, Status> {
    let mut seed = Zeroizing::new([0u8; SEED_BYTES]);
    let mut len = seed.len();
    // SAFETY: the buffer is given with its length.
    let ok = unsafe { lc::EVP_PKEY_get_raw_private_key(key.as_ptr(), seed.as_mut_ptr(), &mut len) };
    if ok != 1 || len != seed.len() {
        clear_errors();
        return Err(Status::BadInput);
    }
    LockedBox::new_with(|expanded: &mut Expanded| {
        expanded.0[..SEED_BYTES].copy_from_slice(&seed[..]);
        expanded.0[SEED_BYTES..].copy_from_slice(public);
    })
    .ok_or(Status::Exhausted)
}

/// Which of the two algorithms; `Ph` hashes the message with SHA-512 first. Contexts are empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    Pure,
    Ph,
}

/// Signs `message`; 64 bytes.
pub fn ed25519_sign(
    key: &AsymmetricKey,
    variant: Variant,
    message: &[u8],
    out: &mut [u8],
) -> Result<usize, Status> {
    let private = key.ed25519()?.private.as_ref().ok_or(Status::BadKey)?;
    let out = out.get_mut(..ED25519_SIGNATURE_BYTES).ok_or(Status::OutTooSmall)?;
    let (text, len, private) = (message.as_ptr(), message.len(), private.0.as_ptr());
    // SAFETY: `out` has room for a signature, the private key has 64 bytes, the message its length.
    let ok = unsafe {
        match variant {
            Variant::Pure => lc::ED25519_sign(out.as_mut_ptr(), text, len, private),
            Variant::Ph => {
                lc::ED25519ph_sign(out.as_mut_ptr(), text, len, private, std::ptr::null(), 0)
            }
        }
    };
    clear_errors();
    if ok == 1 { Ok(ED25519_SIGNATURE_BYTES) } else { Err(Status::Internal) }
}

pub fn ed25519_verify(
    key: &AsymmetricKey,
    variant: Variant,
    message: &[u8],
    signature: &[u8],
) -> Result<(), Status> {
    let public = key.ed25519()?.public.as_ptr();
    if signature.len() != ED25519_SIGNATURE_BYTES {
        return Err(Status::InvalidSignature);
    }
    let (text, len, signature) = (message.as_ptr(), message.len(), signature.as_ptr());
    // SAFETY: signature and public key have 64 and 32 bytes, the message its length.
    let ok = unsafe {
        match variant {
            Variant::Pure => lc::ED25519_verify(text, len, signature, public),
            Variant::Ph => lc::ED25519ph_verify(text, len, signature, public, std::ptr::null(), 0),
        }
    };
    clear_errors();
    if ok == 1 { Ok(()) } else { Err(Status::InvalidSignature) }
}

pub fn generate_ed25519() -> Result<pkey::GeneratedPair, Status> {
    pkey::generate(lc::EVP_PKEY_ED25519, |_| true)
}
