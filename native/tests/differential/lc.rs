//! AWS-LC for the tests: numbers, raw RSA keys, curves, HMAC. Everything is freed when it is dropped.
use aws_lc_sys as lc;
use keystrel_native::field::{WORDS, Words};
use std::ptr::{null, null_mut};

/// A number.
pub struct Bn(pub *mut lc::BIGNUM);

impl Drop for Bn {
    fn drop(&mut self) {
        // SAFETY: ours.
        unsafe { lc::BN_free(self.0) }
    }
}

impl Bn {
    pub fn new() -> Self {
        // SAFETY: freed in `drop`.
        Self(unsafe { lc::BN_new() })
    }

    pub fn from_be(bytes: &[u8]) -> Self {
        // SAFETY: the bytes are given with their length.
        Self(unsafe { lc::BN_bin2bn(bytes.as_ptr(), bytes.len(), null_mut()) })
    }

    pub fn from_words(words: &[u64]) -> Self {
        let bytes: Vec<u8> = words.iter().rev().flat_map(|w| w.to_be_bytes()).collect();
        Self::from_be(&bytes)
    }

    pub fn of(word: u64) -> Self {
        Self::from_words(&[word])
    }

    pub fn to_be(&self, len: usize) -> Vec<u8> {
        let mut out = vec![0u8; len];
        // SAFETY: the buffer is given with its length.
        assert_eq!(unsafe { lc::BN_bn2bin_padded(out.as_mut_ptr(), len, self.0) }, 1);
        out
    }

    pub fn words(&self) -> Words {
        let bytes = self.to_be(8 * WORDS);
        let mut out = [0; WORDS];
        for (word, bytes) in out.iter_mut().rev().zip(bytes.as_chunks::<8>().0) {
            *word = u64::from_be_bytes(*bytes);
        }
        out
    }

    pub fn power_of_two(bits: i32) -> Self {
        let out = Self::new();
        // SAFETY: a live number.
        assert_eq!(unsafe { lc::BN_set_bit(out.0, bits) }, 1);
        out
    }
}

/// Arithmetic with one context.
pub struct Arithmetic(pub *mut lc::BN_CTX);

impl Drop for Arithmetic {
    fn drop(&mut self) {
        // SAFETY: ours.
        unsafe { lc::BN_CTX_free(self.0) }
    }
}

impl Arithmetic {
    pub fn new() -> Self {
        // SAFETY: freed in `drop`.
        Self(unsafe { lc::BN_CTX_new() })
    }

    pub fn mul(&self, a: &Bn, b: &Bn) -> Bn {
        let out = Bn::new();
        // SAFETY: live numbers (as in all of these).
        assert_eq!(unsafe { lc::BN_mul(out.0, a.0, b.0, self.0) }, 1);
        out
    }

    pub fn modulo(&self, a: &Bn, m: &Bn) -> Bn {
        let out = Bn::new();
        // SAFETY: as above.
        assert_eq!(unsafe { lc::BN_nnmod(out.0, a.0, m.0, self.0) }, 1);
        out
    }

    pub fn mod_mul(&self, a: &Bn, b: &Bn, m: &Bn) -> Bn {
        let out = Bn::new();
        // SAFETY: as above.
        assert_eq!(unsafe { lc::BN_mod_mul(out.0, a.0, b.0, m.0, self.0) }, 1);
        out
    }

    /// None where there is no inverse.
    pub fn inverse(&self, a: &Bn, m: &Bn) -> Option<Bn> {
        let out = Bn::new();
        // SAFETY: as above.
        let found = unsafe { lc::BN_mod_inverse(out.0, a.0, m.0, self.0) };
        // SAFETY: no arguments.
        unsafe { lc::ERR_clear_error() };
        if found.is_null() { None } else { Some(out) }
    }

    pub fn sub(&self, a: &Bn, b: &Bn) -> Bn {
        let out = Bn::new();
        // SAFETY: as above.
        assert_eq!(unsafe { lc::BN_sub(out.0, a.0, b.0) }, 1);
        out
    }

    pub fn add(&self, a: &Bn, b: &Bn) -> Bn {
        let out = Bn::new();
        // SAFETY: as above.
        assert_eq!(unsafe { lc::BN_add(out.0, a.0, b.0) }, 1);
        out
    }

    pub fn is_prime(&self, n: &Bn, rounds: i32) -> bool {
        let mut prime = 0;
        // SAFETY: as above.
        let ok = unsafe { lc::BN_primality_test(&mut prime, n.0, rounds, self.0, 1, null_mut()) };
        ok == 1 && prime == 1
    }
}

/// An RSA private key.
pub struct RawRsa(*mut lc::EVP_PKEY);

// SAFETY: AWS-LC's keys may be used by many threads once they are made.
unsafe impl Send for RawRsa {}
// SAFETY: as above.
unsafe impl Sync for RawRsa {}

impl Drop for RawRsa {
    fn drop(&mut self) {
        // SAFETY: ours.
        unsafe { lc::EVP_PKEY_free(self.0) }
    }
}

impl RawRsa {
    pub fn from_pkcs8(der: &[u8]) -> Self {
        let mut cbs = std::mem::MaybeUninit::<lc::CBS>::zeroed();
        // SAFETY: the CBS borrows `der`, which outlives it.
        let key = unsafe {
            lc::CBS_init(cbs.as_mut_ptr(), der.as_ptr(), der.len());
            lc::EVP_parse_private_key(cbs.as_mut_ptr())
        };
        assert!(!key.is_null());
        Self(key)
    }

    pub fn rsa(&self) -> *mut lc::RSA {
        // SAFETY: a read of a live key.
        unsafe { lc::EVP_PKEY_get0_RSA(self.0) }
    }

    /// input^e mod n, both big-endian and as long as the modulus.
    pub fn public(&self, input: &[u8]) -> Vec<u8> {
        let (mut out, mut len) = (vec![0u8; input.len()], 0);
        // SAFETY: buffers with their lengths.
        let ok = unsafe {
            lc::RSA_encrypt(
                self.rsa(),
                &mut len,
                out.as_mut_ptr(),
                out.len(),
                input.as_ptr(),
                input.len(),
                lc::RSA_NO_PADDING,
            )
        };
        assert!(ok == 1 && len == input.len());
        out
    }
}

/// A curve of AWS-LC's.
pub struct Group {
    group: *const lc::EC_GROUP,
    context: Arithmetic,
}

impl Group {
    pub fn new(nid: i32) -> Self {
        // SAFETY: a static object.
        let group = unsafe { lc::EC_GROUP_new_by_curve_name(nid) };
        assert!(!group.is_null());
        Self { group, context: Arithmetic::new() }
    }

    /// scalar * point, or scalar * G; None for points that are not on the curve, and for infinity.
    pub fn multiple(&self, scalar: &Words, point: Option<&[Words; 2]>) -> Option<[Words; 2]> {
        let (k, x, y) = (Bn::from_words(scalar), Bn::new(), Bn::new());
        let (group, context) = (self.group, self.context.0);
        // SAFETY: everything is live; points are freed here.
        unsafe {
            let (from, out) = (lc::EC_POINT_new(group), lc::EC_POINT_new(group));
            let ok = match point {
                None => lc::EC_POINT_mul(group, out, k.0, null(), null(), context) == 1,
                Some([px, py]) => {
                    let (px, py) = (Bn::from_words(px), Bn::from_words(py));
                    lc::EC_POINT_set_affine_coordinates_GFp(group, from, px.0, py.0, context) == 1
                        && lc::EC_POINT_mul(group, out, null(), from, k.0, context) == 1
                }
            };
            let ok =
                ok && lc::EC_POINT_get_affine_coordinates_GFp(group, out, x.0, y.0, context) == 1;
            lc::EC_POINT_free(from);
            lc::EC_POINT_free(out);
            lc::ERR_clear_error();
            ok.then(|| [x.words(), y.words()])
        }
    }
}

/// HMAC (FIPS 198-1).
pub fn hmac(md: *const lc::EVP_MD, key: &[u8], message: &[u8]) -> Vec<u8> {
    let (mut out, mut len) = ([0u8; 64], 0u32);
    // SAFETY: `out` has room for the longest MAC; the others come with their lengths.
    let made = unsafe {
        lc::HMAC(
            md,
            key.as_ptr().cast(),
            key.len(),
            message.as_ptr(),
            message.len(),
            out.as_mut_ptr(),
            &mut len,
        )
    };
    assert!(!made.is_null());
    out[..len as usize].to_vec()
}
