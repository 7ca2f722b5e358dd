//! Asymmetric keys: AWS-LC's EVP_PKEY, and beside it a libsecp256k1 key for secp256k1 and plain bytes
//! for Ed25519.
use super::ed25519::Ed25519;
use super::{clear_errors, lattice, secp256k1::K256};
use crate::frame::{Status, spec};
use aws_lc_sys as lc;
use std::mem::MaybeUninit;
use std::ptr::NonNull;
use std::sync::OnceLock;
use zeroize::Zeroizing;

/// An owned EVP_PKEY.
pub(super) struct Pkey(NonNull<lc::EVP_PKEY>);

// SAFETY: AWS-LC allows concurrent use of an EVP_PKEY that nobody changes; none is changed after
// it was made. The reference count is atomic.
unsafe impl Send for Pkey {}
// SAFETY: as above.
unsafe impl Sync for Pkey {}

impl Pkey {
    /// # Safety
    /// `key` is null or an owned reference.
    pub(super) unsafe fn from_raw(key: *mut lc::EVP_PKEY) -> Option<Self> {
        NonNull::new(key).map(Self)
    }

    pub(super) fn as_ptr(&self) -> *mut lc::EVP_PKEY {
        self.0.as_ptr()
    }

    /// DER SubjectPublicKeyInfo (RFC 5280).
    pub(super) fn spki(&self) -> Result<Vec<u8>, Status> {
        marshal(self.as_ptr(), lc::EVP_marshal_public_key).map(|mut der| std::mem::take(&mut *der))
    }

    /// DER PKCS#8 PrivateKeyInfo (RFC 5208).
    pub(super) fn pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, Status> {
        marshal(self.as_ptr(), lc::EVP_marshal_private_key)
    }
}

impl Drop for Pkey {
    fn drop(&mut self) {
        // SAFETY: we own one reference. AWS-LC wipes what it frees (OPENSSL_free cleanses).
        unsafe { lc::EVP_PKEY_free(self.as_ptr()) }
    }
}

type Marshal = unsafe extern "C" fn(*mut lc::CBB, *const lc::EVP_PKEY) -> i32;

fn marshal(key: *const lc::EVP_PKEY, marshal: Marshal) -> Result<Zeroizing<Vec<u8>>, Status> {
    // RSA-4096 PKCS#8 takes 2,376 bytes; a fixed buffer never moves, so no copy is left behind.
    let mut buffer = Zeroizing::new(vec![0u8; 4096]);
    let mut cbb = MaybeUninit::<lc::CBB>::zeroed();
    // SAFETY: the CBB writes into our buffer, within its length.
    unsafe {
        if lc::CBB_init_fixed(cbb.as_mut_ptr(), buffer.as_mut_ptr(), buffer.len()) != 1 {
            return Err(Status::Internal);
        }
        let mut len = 0;
        let ok = marshal(cbb.as_mut_ptr(), key) == 1
            && lc::CBB_finish(cbb.as_mut_ptr(), std::ptr::null_mut(), &mut len) == 1;
        if !ok {
            lc::CBB_cleanup(cbb.as_mut_ptr());
            clear_errors();
            return Err(Status::Internal);
        }
        Ok(Zeroizing::new(buffer[..len].to_vec()))
    }
}

/// A fresh key pair.
pub struct GeneratedPair {
    pub pkcs8: Zeroizing<Vec<u8>>,
    pub spki: Vec<u8>,
}

/// A fresh pair of AWS-LC's key type `id`; `parametrize` sets what the type leaves open.
pub(super) fn generate(
    id: i32,
    parametrize: impl FnOnce(*mut lc::EVP_PKEY_CTX) -> bool,
) -> Result<GeneratedPair, Status> {
    let mut made = std::ptr::null_mut();
    // SAFETY: the context is ours, and freed here; what is made is owned by `Pkey`.
    let (ok, pkey) = unsafe {
        let context = lc::EVP_PKEY_CTX_new_id(id, std::ptr::null_mut());
        let ok = !context.is_null()
            && lc::EVP_PKEY_keygen_init(context) == 1
            && parametrize(context)
            && lc::EVP_PKEY_keygen(context, &mut made) == 1;
        lc::EVP_PKEY_CTX_free(context);
        (ok, Pkey::from_raw(made))
    };
    clear_errors();
    match (ok, pkey) {
        (true, Some(key)) => Ok(GeneratedPair { pkcs8: key.pkcs8()?, spki: key.spki()? }),
        _ => Err(Status::Internal),
    }
}

/// A key as AWS-LC writes it: PKCS#8 and SPKI. For tests.
#[cfg(test)]
pub fn encodings(key: &AsymmetricKey) -> Result<(Vec<u8>, Vec<u8>), Status> {
    Ok((key.pkey.pkcs8()?.to_vec(), key.pkey.spki()?))
}

/// A private or public key of one asymmetric KeySpec.
pub struct AsymmetricKey {
    spec: u16,
    private: bool,
    pub(super) pkey: Pkey,
    pub(super) k256: Option<K256>,
    ed25519: Option<Ed25519>,
    /// What the multi-buffer kernels keep of a key.
    lanes: crate::ec::LaneKey,
    /// What the RSA kernels keep, made when a batch wants it first.
    rsa_lanes: OnceLock<crate::rsa::LaneKey>,
}

impl AsymmetricKey {
    /// Parses DER PKCS#8. `BadInput` when it is no key of that spec, or bytes follow it.
    pub fn from_pkcs8(spec: u16, der: &[u8]) -> Result<Self, Status> {
        Self::parse(spec, der, lc::EVP_parse_private_key, true).map_err(|_| Status::BadInput)
    }

    /// Parses DER SPKI. `BadPeerKey` when it is no key of that spec, or bytes follow it.
    pub fn from_spki(spec: u16, der: &[u8]) -> Result<Self, Status> {
        Self::parse(spec, der, lc::EVP_parse_public_key, false).map_err(|_| Status::BadPeerKey)
    }

    fn parse(
        spec: u16,
        der: &[u8],
        parse: unsafe extern "C" fn(*mut lc::CBS) -> *mut lc::EVP_PKEY,
        private: bool,
    ) -> Result<Self, Status> {
        let mut cbs = MaybeUninit::<lc::CBS>::zeroed();
        // SAFETY: the CBS borrows `der`, which outlives it.
        let pkey = unsafe {
            lc::CBS_init(cbs.as_mut_ptr(), der.as_ptr(), der.len());
            let key = Pkey::from_raw(parse(cbs.as_mut_ptr()));
            clear_errors();
            let key = key.ok_or(Status::BadInput)?;
            if lc::CBS_len(cbs.as_ptr()) != 0 {
                return Err(Status::BadInput);
            }
            key
        };
        if !matches_spec(&pkey, spec, private) && !lattice::matches(&pkey, spec, der, private) {
            return Err(Status::BadInput);
        }
        let k256 = match (spec, private) {
            (spec::ECC_SECG_P256K1, true) => Some(K256::private(&super::ec::scalar_bytes(&pkey)?)?),
            (spec::ECC_SECG_P256K1, false) => Some(K256::public(&super::ec::point_bytes(&pkey)?)?),
            _ => None,
        };
        let ed25519 = match spec {
            spec::ECC_NIST_EDWARDS25519 => Some(Ed25519::new(&pkey, private)?),
            _ => None,
        };
        let mut key = Self {
            spec,
            private,
            pkey,
            k256,
            ed25519,
            lanes: crate::ec::LaneKey::None,
            rsa_lanes: OnceLock::new(),
        };
        key.lanes = crate::ec::LaneKey::new(&key)?;
        Ok(key)
    }

    pub fn spec(&self) -> u16 {
        self.spec
    }

    /// The key itself, for tests.
    #[cfg(test)]
    pub(crate) fn raw(&self) -> *mut lc::EVP_PKEY {
        self.pkey.as_ptr()
    }

    pub fn is_private(&self) -> bool {
        self.private
    }

    /// The bytes of an Ed25519 key. `BadKey` for any other.
    pub fn ed25519(&self) -> Result<&Ed25519, Status> {
        self.ed25519.as_ref().ok_or(Status::BadKey)
    }

    pub fn rsa_lanes(&self) -> &crate::rsa::LaneKey {
        self.rsa_lanes.get_or_init(|| crate::rsa::LaneKey::new(self))
    }

    pub fn lanes(&self) -> &crate::ec::LaneKey {
        &self.lanes
    }
}

/// Modulus size and public exponent, or curve, as the spec says.
fn matches_spec(pkey: &Pkey, spec: u16, private: bool) -> bool {
    // SAFETY: reads of a live key.
    unsafe {
        let id = lc::EVP_PKEY_id(pkey.as_ptr());
        let bits = lc::EVP_PKEY_bits(pkey.as_ptr());
        match spec {
            spec::RSA_2048 | spec::RSA_3072 | spec::RSA_4096 => {
                let expect = 2048 + 1024 * i32::from(spec - spec::RSA_2048);
                let rsa = lc::EVP_PKEY_get0_RSA(pkey.as_ptr());
                id == lc::EVP_PKEY_RSA
                    && bits == expect
                    && !rsa.is_null()
                    && (!private || lc::RSA_check_key(rsa) == 1)
            }
            spec::ECC_NIST_EDWARDS25519 => id == lc::EVP_PKEY_ED25519,
            _ => match super::ec::curve_nid(spec) {
                Some(nid) if id == lc::EVP_PKEY_EC => {
                    let key = lc::EVP_PKEY_get0_EC_KEY(pkey.as_ptr());
                    !key.is_null()
                        && lc::EC_GROUP_get_curve_name(lc::EC_KEY_get0_group(key)) == nid
                        && lc::EC_KEY_check_key(key) == 1
                }
                _ => false,
            },
        }
    }
}
