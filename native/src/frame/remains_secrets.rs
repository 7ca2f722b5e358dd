//! Secrets that tests of remains look for, and material wrapped for import, by AWS-LC.
use crate::ffi::AsymmetricKey;
use aws_lc_sys as lc;

/// The nonce of an ECDSA signature, k = (e + r * d) / s, and its opposite.
pub fn nonces(key: &AsymmetricKey, digest: &[u8], signature: &[u8]) -> [Vec<u8>; 2] {
    // SAFETY: live numbers, freed at the end; buffers come with their lengths.
    unsafe {
        let ec = lc::EVP_PKEY_get0_EC_KEY(key.raw());
        let n = lc::EC_GROUP_get0_order(lc::EC_KEY_get0_group(ec));
        let (d, ctx) = (lc::EC_KEY_get0_private_key(ec), lc::BN_CTX_new());
        let parsed = lc::ECDSA_SIG_from_bytes(signature.as_ptr(), signature.len());
        let (mut r, mut s) = (std::ptr::null(), std::ptr::null());
        lc::ECDSA_SIG_get0(parsed, &raw mut r, &raw mut s);
        let [k, e, t] = std::array::from_fn(|_| lc::BN_new());
        lc::BN_bin2bn(digest.as_ptr(), digest.len(), e);
        lc::BN_mod_mul(t, r, d, n, ctx);
        lc::BN_mod_add(t, t, e, n, ctx);
        lc::BN_mod_inverse(k, s, n, ctx);
        lc::BN_mod_mul(k, k, t, n, ctx);
        lc::BN_sub(t, n, k);
        let out = [k, t].map(|number| {
            let mut bytes = vec![0u8; lc::BN_num_bytes(n) as usize];
            assert_eq!(lc::BN_bn2bin_padded(bytes.as_mut_ptr(), bytes.len(), number), 1);
            bytes
        });
        for number in [k, e, t] {
            lc::BN_clear_free(number);
        }
        lc::ECDSA_SIG_free(parsed);
        lc::BN_CTX_free(ctx);
        out
    }
}

/// RFC 5649, by AWS-LC.
pub fn wrapped_padded(kek: &[u8; 32], material: &[u8; 32]) -> Vec<u8> {
    let mut out = vec![0u8; 48];
    let mut len = 0;
    // SAFETY: buffers with their lengths.
    unsafe {
        let mut key = std::mem::zeroed::<lc::AES_KEY>();
        assert_eq!(lc::AES_set_encrypt_key(kek.as_ptr(), 256, &raw mut key), 0);
        let (to, room) = (out.as_mut_ptr(), out.len());
        let ok =
            lc::AES_wrap_key_padded(&raw const key, to, &raw mut len, room, material.as_ptr(), 32);
        assert_eq!(ok, 1);
    }
    out.truncate(len);
    out
}
