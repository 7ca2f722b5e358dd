//! Key pairs against the criteria of FIPS 186-5 and AWS-LC's own tests; single rounds of
//! Miller-Rabin against known primes and composites.
use super::primes;
use super::*;
use crate::cpu;
use crate::ffi::AsymmetricKey;
use aws_lc_sys as lc;

fn kernels() -> Vec<Kernel> {
    let mut kernels = vec![Kernel::Portable];
    if cpu::best() != cpu::Class::Generic {
        kernels.push(Kernel::Avx2);
    }
    if cpu::best() == cpu::Class::Ifma {
        kernels.push(Kernel::Ifma);
    }
    kernels
}

fn spec_of(bits: usize) -> u16 {
    spec::RSA_2048 + ((bits - 2048) / 1024) as u16
}

/// Numbers of AWS-LC that a test makes, freed at its end.
struct Numbers(Vec<*mut lc::BIGNUM>, *mut lc::BN_CTX);

impl Numbers {
    fn new() -> Self {
        // SAFETY: freed in `drop`.
        Numbers(Vec::new(), unsafe { lc::BN_CTX_new() })
    }
    fn fresh(&mut self) -> *mut lc::BIGNUM {
        // SAFETY: as above.
        self.0.push(unsafe { lc::BN_new() });
        self.0[self.0.len() - 1]
    }
}

impl Drop for Numbers {
    fn drop(&mut self) {
        // SAFETY: ours.
        unsafe {
            self.0.iter().for_each(|n| lc::BN_free(*n));
            lc::BN_CTX_free(self.1);
        }
    }
}

/// Every criterion, with AWS-LC's arithmetic.
fn check(bits: usize, pair: &GeneratedPair) {
    let key = AsymmetricKey::from_pkcs8(spec_of(bits), &pair.pkcs8).expect("a good private key");
    AsymmetricKey::from_spki(spec_of(bits), &pair.spki).expect("a good public key");
    let mut numbers = Numbers::new();
    let [x, y, t, g] = std::array::from_fn(|_| numbers.fresh());
    let ctx = numbers.1;
    // SAFETY: live numbers throughout.
    unsafe {
        let rsa = lc::EVP_PKEY_get0_RSA(key.raw());
        let (p, q, d) = (lc::RSA_get0_p(rsa), lc::RSA_get0_q(rsa), lc::RSA_get0_d(rsa));
        assert_eq!(lc::BN_get_word(lc::RSA_get0_e(rsa)), 65537);
        assert_eq!(lc::BN_num_bits(lc::RSA_get0_n(rsa)) as usize, bits);
        for prime in [p, q] {
            assert_eq!(lc::BN_num_bits(prime) as usize, bits / 2);
            let mut is_prime = 0;
            lc::BN_primality_test(&mut is_prime, prime, 32, ctx, 1, std::ptr::null_mut());
            assert_eq!(is_prime, 1);
            // prime^2 >= 2^(bits - 1)
            lc::BN_mul(x, prime, prime, ctx);
            assert_eq!(lc::BN_num_bits(x) as usize, bits);
        }
        lc::BN_sub(x, p, q);
        assert!(lc::BN_num_bits(x) as usize > bits / 2 - 100);
        assert!(lc::BN_num_bits(d) as usize > bits / 2);
        // d is the inverse of e modulo lcm(p - 1, q - 1).
        lc::BN_sub(x, p, lc::BN_value_one());
        lc::BN_sub(y, q, lc::BN_value_one());
        lc::BN_gcd(g, x, y, ctx);
        lc::BN_mul(t, x, y, ctx);
        lc::BN_div(x, y, t, g, ctx);
        assert!(lc::BN_is_zero(y) == 1 && lc::BN_cmp(d, x) < 0);
        lc::BN_mod_mul(t, d, lc::RSA_get0_e(rsa), x, ctx);
        assert_eq!(lc::BN_is_one(t), 1);
    }
}

#[test]
fn pairs_meet_fips_186_5() {
    let mut made = 0;
    for kernel in kernels() {
        for (bits, count) in [(2048, 3), (3072, 1), (4096, 1)] {
            // Portable words take seconds for the larger ones.
            if kernel == Kernel::Portable && bits > 2048 {
                continue;
            }
            let pairs = generate_pairs(kernel, bits, count).expect("primes");
            assert_eq!(pairs.len(), count);
            pairs.iter().for_each(|pair| check(bits, pair));
            made += count;
        }
    }
    println!("{made} RSA key pairs, kernels {:?}", kernels());
}

#[test]
fn miller_rabin_knows_primes_from_composites() {
    let mut numbers = Numbers::new();
    for bits in [2048usize, 3072, 4096] {
        let len = bits / 128;
        let mut lanes = Vec::new();
        for lane in 0..8 {
            let (a, b, n) = (numbers.fresh(), numbers.fresh(), numbers.fresh());
            let mut bytes = vec![0u8; len * 8];
            // SAFETY: live numbers; the buffer is given with its length.
            unsafe {
                if lane % 2 == 0 {
                    // 1 modulo 4 in one lane, so that -1 comes after a square.
                    let null = std::ptr::null_mut();
                    loop {
                        lc::BN_generate_prime_ex(n, bits as i32 / 2, 0, null, null, null.cast());
                        if lane != 4 || lc::BN_mod_word(n, 8) == 1 {
                            break;
                        }
                    }
                } else {
                    let (half, null) = (bits as i32 / 4, std::ptr::null_mut());
                    lc::BN_generate_prime_ex(a, half, 0, null, null, null.cast());
                    lc::BN_generate_prime_ex(b, half, 0, null, null, null.cast());
                    lc::BN_mul(n, a, if lane == 1 { a } else { b }, numbers.1);
                }
                lc::BN_bn2le_padded(bytes.as_mut_ptr(), bytes.len(), n);
            }
            let words = bytes.chunks(8).map(|c| u64::from_le_bytes(c.try_into().expect("eight")));
            lanes.push(words.collect::<Vec<u64>>());
        }
        assert!(lanes.iter().all(|n| n[len - 1] >> 63 == 1), "AWS-LC sets two top bits");
        for kernel in kernels() {
            let refs: [&[u64]; 8] = std::array::from_fn(|i| &lanes[i][..]);
            let passes = primes::round(kernel, bits, &refs).expect("a kernel");
            assert_eq!(passes, [true, false, true, false, true, false, true, false]);
        }
    }
}
