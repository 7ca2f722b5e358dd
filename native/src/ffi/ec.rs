//! Elliptic curves over AWS-LC: P-256, P-384, P-521 in full; secp256k1 for encoding only (its
//! operations run in libsecp256k1).
use super::clear_errors;
use super::pkey::{AsymmetricKey, GeneratedPair, Pkey};
use crate::frame::{Status, spec};
use aws_lc_sys as lc;
use zeroize::Zeroizing;

/// AWS-LC's number of a spec's curve.
pub(super) fn curve_nid(spec: u16) -> Option<i32> {
    match spec {
        spec::ECC_NIST_P256 => Some(lc::NID_X9_62_prime256v1),
        spec::ECC_NIST_P384 => Some(lc::NID_secp384r1),
        spec::ECC_NIST_P521 => Some(lc::NID_secp521r1),
        spec::ECC_SECG_P256K1 => Some(lc::NID_secp256k1),
        _ => None,
    }
}

fn ec_key(pkey: &Pkey) -> Result<*const lc::EC_KEY, Status> {
    // SAFETY: a read of a live key; the pointer lives as long as `pkey`.
    let key = unsafe { lc::EVP_PKEY_get0_EC_KEY(pkey.as_ptr()) };
    if key.is_null() { Err(Status::BadKey) } else { Ok(key) }
}

/// Bytes of a field element of the key's curve.
fn field_len(key: *const lc::EC_KEY) -> usize {
    // SAFETY: reads of a live key.
    unsafe { (lc::EC_GROUP_get_degree(lc::EC_KEY_get0_group(key)) as usize).div_ceil(8) }
}

/// The private scalar, big-endian, as long as the group order.
pub(super) fn scalar_bytes(pkey: &Pkey) -> Result<Zeroizing<Vec<u8>>, Status> {
    let key = ec_key(pkey)?;
    // SAFETY: the buffer is given with its length.
    unsafe {
        let scalar = lc::EC_KEY_get0_private_key(key);
        if scalar.is_null() {
            return Err(Status::BadKey);
        }
        let bits = lc::EC_GROUP_order_bits(lc::EC_KEY_get0_group(key)) as usize;
        let mut out = Zeroizing::new(vec![0u8; bits.div_ceil(8)]);
        if lc::BN_bn2bin_padded(out.as_mut_ptr(), out.len(), scalar) == 1 {
            Ok(out)
        } else {
            Err(Status::Internal)
        }
    }
}

/// The public point, uncompressed (SEC 1, 2.3.3): 04 | x | y.
pub(super) fn point_bytes(pkey: &Pkey) -> Result<Vec<u8>, Status> {
    let key = ec_key(pkey)?;
    let mut out = vec![0u8; 1 + 2 * field_len(key)];
    // SAFETY: the buffer is given with its length.
    let len = unsafe {
        lc::EC_POINT_point2oct(
            lc::EC_KEY_get0_group(key),
            lc::EC_KEY_get0_public_key(key),
            lc::point_conversion_form_t::POINT_CONVERSION_UNCOMPRESSED,
            out.as_mut_ptr(),
            out.len(),
            std::ptr::null_mut(),
        )
    };
    if len == out.len() { Ok(out) } else { Err(Status::Internal) }
}

/// The private scalar of a key, for the multi-buffer kernels.
pub fn private_scalar(key: &AsymmetricKey) -> Result<Zeroizing<Vec<u8>>, Status> {
    scalar_bytes(&key.pkey)
}

/// The public point of a key, 04 | x | y.
pub fn public_point(key: &AsymmetricKey) -> Result<Vec<u8>, Status> {
    point_bytes(&key.pkey)
}

/// Makes a key that was read in another form be written as generated ones are: with its public key,
/// uncompressed. `BadKey` for any other key.
pub(super) fn write_in_full(key: &AsymmetricKey) -> Result<(), Status> {
    // SAFETY: a read of a live key, then changes of how it is written; the caller holds the only
    // reference to a key that no other thread has seen yet.
    unsafe {
        let ec = lc::EVP_PKEY_get0_EC_KEY(key.pkey.as_ptr());
        if ec.is_null() {
            return Err(Status::BadKey);
        }
        lc::EC_KEY_set_enc_flags(ec, 0);
        lc::EC_KEY_set_conv_form(ec, lc::point_conversion_form_t::POINT_CONVERSION_UNCOMPRESSED);
    }
    Ok(())
}

/// ECDSA over a digest; DER (RFC 3279).
pub fn ecdsa_sign(key: &AsymmetricKey, digest: &[u8], out: &mut [u8]) -> Result<usize, Status> {
    if let Some(k256) = &key.k256 {
        return k256.sign(digest, out);
    }
    let ec = ec_key(&key.pkey)?;
    let mut len = 0u32;
    // SAFETY: the size of a signature is checked before it is written.
    unsafe {
        if out.len() < lc::ECDSA_size(ec) {
            return Err(Status::OutTooSmall);
        }
        let ok = lc::ECDSA_sign(0, digest.as_ptr(), digest.len(), out.as_mut_ptr(), &mut len, ec);
        clear_errors();
        if ok == 1 { Ok(len as usize) } else { Err(Status::Internal) }
    }
}

pub fn ecdsa_verify(key: &AsymmetricKey, digest: &[u8], signature: &[u8]) -> Result<(), Status> {
    if let Some(k256) = &key.k256 {
        return k256.verify(digest, signature);
    }
    let ec = ec_key(&key.pkey)?;
    // SAFETY: pointers come with their lengths.
    let ok = unsafe {
        lc::ECDSA_verify(0, digest.as_ptr(), digest.len(), signature.as_ptr(), signature.len(), ec)
    };
    clear_errors();
    if ok == 1 { Ok(()) } else { Err(Status::InvalidSignature) }
}

/// ECDH (SP 800-56A 5.7.1.2): the x coordinate, as long as the field.
pub fn ecdh(key: &AsymmetricKey, peer: &AsymmetricKey, out: &mut [u8]) -> Result<usize, Status> {
    let own = ec_key(&key.pkey)?;
    let other = ec_key(&peer.pkey)?;
    let len = field_len(own);
    if out.len() < len {
        return Err(Status::OutTooSmall);
    }
    // SAFETY: `out` has `len` bytes; both keys are alive and of one curve (checked by the caller).
    let written = unsafe {
        lc::ECDH_compute_key(
            out.as_mut_ptr().cast(),
            len,
            lc::EC_KEY_get0_public_key(other),
            own,
            None,
        )
    };
    clear_errors();
    if written as usize == len && written > 0 { Ok(len) } else { Err(Status::BadPeerKey) }
}

pub fn generate_ec(spec: u16) -> Result<GeneratedPair, Status> {
    let nid = curve_nid(spec).ok_or(Status::Unsupported)?;
    // SAFETY: everything made here is freed here or owned by `Pkey`.
    unsafe {
        let key = lc::EC_KEY_new_by_curve_name(nid);
        let pkey = Pkey::from_raw(lc::EVP_PKEY_new());
        let ok = !key.is_null()
            && lc::EC_KEY_generate_key(key) == 1
            && pkey.as_ref().is_some_and(|k| lc::EVP_PKEY_set1_EC_KEY(k.as_ptr(), key) == 1);
        lc::EC_KEY_free(key);
        clear_errors();
        match (ok, pkey) {
            (true, Some(key)) => Ok(GeneratedPair { pkcs8: key.pkcs8()?, spki: key.spki()? }),
            _ => Err(Status::Internal),
        }
    }
}
