//! RSA over AWS-LC (RFC 8017). The private operations of AWS-LC are blinded, and verify a CRT
//! result with the public exponent before it is released.
use super::pkey::{AsymmetricKey, GeneratedPair, Pkey};
use super::{Hash, clear_errors};
use crate::frame::Status;
use crate::rsa::lane_key::{Components, Kernel, PrivateLanes, PublicLanes};
use aws_lc_sys as lc;
use zeroize::Zeroizing;

fn rsa(key: &AsymmetricKey) -> Result<*mut lc::RSA, Status> {
    // SAFETY: a read of a live key; the pointer lives as long as `key`.
    let rsa = unsafe { lc::EVP_PKEY_get0_RSA(key.pkey.as_ptr()) };
    if rsa.is_null() { Err(Status::BadKey) } else { Ok(rsa) }
}

fn modulus_len(rsa: *const lc::RSA) -> usize {
    // SAFETY: a read of a live key.
    unsafe { lc::RSA_size(rsa) as usize }
}

fn nid(hash: Hash) -> i32 {
    // SAFETY: a read of a static table.
    unsafe { lc::EVP_MD_type(hash.md()) }
}

/// RSASSA-PKCS1-v1_5 over a digest; returns the bytes written.
pub fn rsa_sign_pkcs1(
    key: &AsymmetricKey,
    hash: Hash,
    digest: &[u8],
    out: &mut [u8],
) -> Result<usize, Status> {
    let rsa = rsa(key)?;
    if out.len() < modulus_len(rsa) {
        return Err(Status::OutTooSmall);
    }
    let mut len = 0u32;
    // SAFETY: `out` has room for a signature.
    let ok = unsafe {
        lc::RSA_sign(nid(hash), digest.as_ptr(), digest.len(), out.as_mut_ptr(), &mut len, rsa)
    };
    clear_errors();
    if ok == 1 { Ok(len as usize) } else { Err(Status::Fault) }
}

/// RSASSA-PSS over a digest, MGF1 with the same hash, salt as long as the digest.
pub fn rsa_sign_pss(
    key: &AsymmetricKey,
    hash: Hash,
    digest: &[u8],
    out: &mut [u8],
) -> Result<usize, Status> {
    let rsa = rsa(key)?;
    if out.len() < modulus_len(rsa) {
        return Err(Status::OutTooSmall);
    }
    let mut len = 0;
    // SAFETY: `out` is given with its length.
    let ok = unsafe {
        lc::RSA_sign_pss_mgf1(
            rsa,
            &mut len,
            out.as_mut_ptr(),
            out.len(),
            digest.as_ptr(),
            digest.len(),
            hash.md(),
            hash.md(),
            lc::RSA_PSS_SALTLEN_DIGEST,
        )
    };
    clear_errors();
    if ok == 1 { Ok(len) } else { Err(Status::Fault) }
}

pub fn rsa_verify_pkcs1(
    key: &AsymmetricKey,
    hash: Hash,
    digest: &[u8],
    signature: &[u8],
) -> Result<(), Status> {
    let rsa = rsa(key)?;
    // SAFETY: pointers come with their lengths.
    let ok = unsafe {
        lc::RSA_verify(
            nid(hash),
            digest.as_ptr(),
            digest.len(),
            signature.as_ptr(),
            signature.len(),
            rsa,
        )
    };
    clear_errors();
    if ok == 1 { Ok(()) } else { Err(Status::InvalidSignature) }
}

pub fn rsa_verify_pss(
    key: &AsymmetricKey,
    hash: Hash,
    digest: &[u8],
    signature: &[u8],
) -> Result<(), Status> {
    let rsa = rsa(key)?;
    // SAFETY: pointers come with their lengths.
    let ok = unsafe {
        lc::RSA_verify_pss_mgf1(
            rsa,
            digest.as_ptr(),
            digest.len(),
            hash.md(),
            hash.md(),
            lc::RSA_PSS_SALTLEN_DIGEST,
            signature.as_ptr(),
            signature.len(),
        )
    };
    clear_errors();
    if ok == 1 { Ok(()) } else { Err(Status::InvalidSignature) }
}

/// An EVP_PKEY_CTX set up for OAEP.
struct Oaep(*mut lc::EVP_PKEY_CTX);

impl Oaep {
    fn new(
        key: &AsymmetricKey,
        hash: Hash,
        init: unsafe extern "C" fn(*mut lc::EVP_PKEY_CTX) -> i32,
    ) -> Result<Self, Status> {
        // SAFETY: the context takes its own reference to the key.
        unsafe {
            let context = Self(lc::EVP_PKEY_CTX_new(key.pkey.as_ptr(), std::ptr::null_mut()));
            let ok = !context.0.is_null()
                && init(context.0) == 1
                && lc::EVP_PKEY_CTX_set_rsa_padding(context.0, lc::RSA_PKCS1_OAEP_PADDING) == 1
                && lc::EVP_PKEY_CTX_set_rsa_oaep_md(context.0, hash.md()) == 1
                && lc::EVP_PKEY_CTX_set_rsa_mgf1_md(context.0, hash.md()) == 1;
            if ok { Ok(context) } else { Err(Status::Internal) }
        }
    }
}

impl Drop for Oaep {
    fn drop(&mut self) {
        // SAFETY: ours, or null.
        unsafe { lc::EVP_PKEY_CTX_free(self.0) }
    }
}

/// RSAES-OAEP with an empty label. `BadInput` when the plaintext is too long for the modulus.
pub fn oaep_encrypt(
    key: &AsymmetricKey,
    hash: Hash,
    plaintext: &[u8],
    out: &mut [u8],
) -> Result<usize, Status> {
    let size = modulus_len(rsa(key)?);
    if plaintext.len() + 2 * hash.digest_len() + 2 > size {
        return Err(Status::BadInput);
    }
    if out.len() < size {
        return Err(Status::OutTooSmall);
    }
    let context = Oaep::new(key, hash, lc::EVP_PKEY_encrypt_init)?;
    let mut len = out.len();
    // SAFETY: `out` is given with its length.
    let ok = unsafe {
        lc::EVP_PKEY_encrypt(
            context.0,
            out.as_mut_ptr(),
            &mut len,
            plaintext.as_ptr(),
            plaintext.len(),
        )
    };
    clear_errors();
    if ok == 1 { Ok(len) } else { Err(Status::Internal) }
}

/// RSAES-OAEP decryption; every failure is the one status `InvalidCiphertext`. `out` must have the
/// modulus's length, whatever the plaintext's.
pub fn oaep_decrypt(
    key: &AsymmetricKey,
    hash: Hash,
    ciphertext: &[u8],
    out: &mut [u8],
) -> Result<usize, Status> {
    let size = modulus_len(rsa(key)?);
    if ciphertext.len() != size {
        return Err(Status::InvalidCiphertext);
    }
    if out.len() < size {
        return Err(Status::OutTooSmall);
    }
    let context = Oaep::new(key, hash, lc::EVP_PKEY_decrypt_init)?;
    let mut len = size;
    // SAFETY: `out` has `size` bytes.
    let ok = unsafe {
        lc::EVP_PKEY_decrypt(
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
        zeroize::Zeroize::zeroize(&mut out[..size]);
        Err(Status::InvalidCiphertext)
    }
}

/// Rounds of Miller and Rabin's test: a composite number passes with probability 2^-64 at most.
const PRIMALITY_ROUNDS: i32 = 32;

/// Checks of a private key made elsewhere what reading it has not: e = 65537, and two primes of half
/// the modulus's length each. `BadInput` otherwise.
pub(super) fn require_sound(key: &AsymmetricKey) -> Result<(), Status> {
    let rsa = rsa(key)?;
    let half = 4 * modulus_len(rsa) as u32;
    // SAFETY: reads of a live key; the context is ours, and freed here.
    let sound = unsafe {
        let context = lc::BN_CTX_new();
        let mut exponent = 0;
        let is_prime = |number: *const lc::BIGNUM| {
            let mut prime = 0;
            !number.is_null()
                && lc::BN_num_bits(number) == half
                && lc::BN_primality_test(
                    &mut prime,
                    number,
                    PRIMALITY_ROUNDS,
                    context,
                    1,
                    std::ptr::null_mut(),
                ) == 1
                && prime == 1
        };
        let sound = !context.is_null()
            && lc::BN_get_u64(lc::RSA_get0_e(rsa), &mut exponent) == 1
            && exponent == 65537
            && is_prime(lc::RSA_get0_p(rsa))
            && is_prime(lc::RSA_get0_q(rsa));
        lc::BN_CTX_free(context);
        sound
    };
    clear_errors();
    if sound { Ok(()) } else { Err(Status::BadInput) }
}

/// A key pair by FIPS 186-5 (e = 65537).
pub fn generate_rsa(bits: i32) -> Result<GeneratedPair, Status> {
    // SAFETY: everything made here is freed here or owned by `Pkey`.
    unsafe {
        let rsa = lc::RSA_new();
        let e = lc::BN_new();
        let pkey = Pkey::from_raw(lc::EVP_PKEY_new());
        let ok = !rsa.is_null()
            && !e.is_null()
            && lc::BN_set_word(e, 65537) == 1
            && lc::RSA_generate_key_ex(rsa, bits, e, std::ptr::null_mut()) == 1
            && pkey.as_ref().is_some_and(|k| lc::EVP_PKEY_set1_RSA(k.as_ptr(), rsa) == 1);
        lc::BN_free(e);
        lc::RSA_free(rsa);
        clear_errors();
        match (ok, pkey) {
            (true, Some(key)) => Ok(GeneratedPair { pkcs8: key.pkcs8()?, spki: key.spki()? }),
            _ => Err(Status::Internal),
        }
    }
}

/// Big-endian bytes of a number that is part of a live key; empty for null.
fn be_bytes(number: *const lc::BIGNUM) -> Zeroizing<Vec<u8>> {
    // SAFETY: null, or a number of a live key; the buffer has the number's length.
    unsafe {
        if number.is_null() {
            return Zeroizing::default();
        }
        let mut bytes = Zeroizing::new(vec![0; lc::BN_num_bytes(number) as usize]);
        lc::BN_bn2bin(number, bytes.as_mut_ptr());
        bytes
    }
}

/// What the multi-buffer kernels want of a public key.
pub fn public_lanes(key: &AsymmetricKey, kernel: Kernel) -> Result<PublicLanes, Status> {
    let rsa = rsa(key)?;
    // SAFETY: reads of a live key.
    let (n, e) = unsafe { (lc::RSA_get0_n(rsa), lc::RSA_get0_e(rsa)) };
    PublicLanes::new(kernel, &be_bytes(n), small(e)?)
}

/// What the multi-buffer kernels want of a private key.
pub fn private_lanes(key: &AsymmetricKey, kernel: Kernel) -> Result<PrivateLanes, Status> {
    let rsa = rsa(key)?;
    // SAFETY: reads of a live key.
    let (numbers, e) = unsafe {
        let numbers = [
            lc::RSA_get0_n(rsa),
            lc::RSA_get0_p(rsa),
            lc::RSA_get0_q(rsa),
            lc::RSA_get0_dmp1(rsa),
            lc::RSA_get0_dmq1(rsa),
            lc::RSA_get0_iqmp(rsa),
        ];
        (numbers.map(be_bytes), lc::RSA_get0_e(rsa))
    };
    let [n, p, q, dp, dq, qinv] = &numbers;
    PrivateLanes::from_components(kernel, &Components { n, e: small(e)?, p, q, dp, dq, qinv })
}

fn small(e: *const lc::BIGNUM) -> Result<u64, Status> {
    let mut value = 0;
    // SAFETY: null, or a number of a live key.
    let ok = !e.is_null() && unsafe { lc::BN_get_u64(e, &mut value) } == 1;
    if ok { Ok(value) } else { Err(Status::Unsupported) }
}

/// The numbers of a new private key in words of 64 bits, the lowest first.
pub struct RsaParts<'a> {
    pub n: &'a [u64],
    pub e: u64,
    pub d: &'a [u64],
    pub p: &'a [u64],
    pub q: &'a [u64],
    pub dp: &'a [u64],
    pub dq: &'a [u64],
}

/// An owned number; AWS-LC wipes it when it is freed.
struct Number(*mut lc::BIGNUM);

impl Number {
    fn new(words: &[u64]) -> Self {
        let mut bytes = Zeroizing::new(vec![0u8; words.len() * 8]);
        for (chunk, word) in bytes.chunks_exact_mut(8).zip(words) {
            chunk.copy_from_slice(&word.to_le_bytes());
        }
        // SAFETY: the bytes are given with their length.
        Self(unsafe { lc::BN_le2bn(bytes.as_ptr(), bytes.len(), std::ptr::null_mut()) })
    }
}

impl Drop for Number {
    fn drop(&mut self) {
        // SAFETY: ours, or null.
        unsafe { lc::BN_clear_free(self.0) }
    }
}

/// Makes a key pair of its numbers; AWS-LC checks that they belong together. `Fault` if they do not.
pub fn rsa_from_parts(parts: &RsaParts<'_>) -> Result<GeneratedPair, Status> {
    let [n, d, p, q, dp, dq] =
        [parts.n, parts.d, parts.p, parts.q, parts.dp, parts.dq].map(Number::new);
    let e = Number::new(&[parts.e]);
    let mut exponent: Zeroizing<Vec<u64>> = Zeroizing::new(parts.p.to_vec());
    // p is odd and larger than 2.
    exponent[0] -= if exponent[0] >= 2 { 2 } else { 0 };
    if exponent[0] & 1 == 0 {
        return Err(Status::Fault);
    }
    let (exponent, qinv) = (Number::new(&exponent), Number::new(&[0]));
    // SAFETY: all numbers are live; what is made here is freed here or owned by `Pkey`.
    unsafe {
        let context = lc::BN_CTX_new();
        let pkey = Pkey::from_raw(lc::EVP_PKEY_new());
        let reduced = Number::new(&[0]);
        // 1 / q mod p = q^(p - 2) mod p, in constant time; q is below 2p.
        let mut ok = !context.is_null()
            && lc::BN_nnmod(reduced.0, q.0, p.0, context) == 1
            && lc::BN_mod_exp_mont_consttime(
                qinv.0,
                reduced.0,
                exponent.0,
                p.0,
                context,
                std::ptr::null(),
            ) == 1;
        lc::BN_CTX_free(context);
        let rsa = if ok {
            lc::RSA_new_private_key(n.0, e.0, d.0, p.0, q.0, dp.0, dq.0, qinv.0)
        } else {
            std::ptr::null_mut()
        };
        ok = !rsa.is_null()
            && lc::RSA_check_key(rsa) == 1
            && pkey.as_ref().is_some_and(|k| lc::EVP_PKEY_set1_RSA(k.as_ptr(), rsa) == 1);
        lc::RSA_free(rsa);
        clear_errors();
        match (ok, pkey) {
            (true, Some(key)) => Ok(GeneratedPair { pkcs8: key.pkcs8()?, spki: key.spki()? }),
            _ => Err(Status::Fault),
        }
    }
}
