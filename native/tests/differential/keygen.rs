//! Key pairs made eight candidates at a time, each number of them checked by AWS-LC: both primes by 32
//! rounds of its own test of Miller and Rabin, the bounds of FIPS 186-5, and that d inverts e.
use crate::lc::{Arithmetic, Bn, RawRsa};
use crate::random::Random;
use crate::{Class, Done};
use aws_lc_sys as lc;
use keystrel_native::ffi::AsymmetricKey;
use keystrel_native::frame::spec;
use keystrel_native::keygen::generate_pairs;

fn bits_of(n: &Bn) -> usize {
    // SAFETY: a live number.
    unsafe { lc::BN_num_bits(n.0) as usize }
}

/// A copy of a number of a live key.
fn copy(number: *const lc::BIGNUM) -> Bn {
    let out = Bn::new();
    // SAFETY: live numbers.
    assert!(!unsafe { lc::BN_copy(out.0, number) }.is_null());
    out
}

fn check(bits: usize, pkcs8: &[u8], a: &Arithmetic) {
    let raw = RawRsa::from_pkcs8(pkcs8);
    let rsa = raw.rsa();
    // SAFETY: reads of a live key.
    let [n, e, d, p, q] = unsafe {
        [
            lc::RSA_get0_n(rsa),
            lc::RSA_get0_e(rsa),
            lc::RSA_get0_d(rsa),
            lc::RSA_get0_p(rsa),
            lc::RSA_get0_q(rsa),
        ]
    }
    .map(copy);
    assert_eq!((bits_of(&n), bits_of(&e)), (bits, 17));
    for prime in [&p, &q] {
        assert_eq!(bits_of(prime), bits / 2);
        assert_eq!(bits_of(&a.mul(prime, prime)), bits, "at least sqrt(2) * 2^(bits / 2 - 1)");
        assert!(a.is_prime(prime, 32));
    }
    // SAFETY: live numbers.
    assert_eq!(unsafe { lc::BN_cmp(a.mul(&p, &q).0, n.0) }, 0);
    assert!(bits_of(&a.sub(&p, &q)) > bits / 2 - 100);
    assert!(bits_of(&d) > bits / 2);
    let one = Bn::of(1);
    for prime in [&p, &q] {
        let product = a.mod_mul(&d, &e, &a.sub(prime, &one));
        // SAFETY: a live number.
        assert_eq!(unsafe { lc::BN_is_one(product.0) }, 1);
    }
}

/// A job is a prime.
fn primes(bits: usize, class: Class, jobs: usize) -> Done {
    let a = Arithmetic::new();
    let spec = spec::RSA_2048 + ((bits - 2048) / 1024) as u16;
    let pairs = generate_pairs(class.rsa(), bits, jobs.div_ceil(2)).expect("key pairs");
    assert_eq!(pairs.len(), jobs.div_ceil(2));
    for pair in &pairs {
        check(bits, &pair.pkcs8, &a);
        AsymmetricKey::from_spki(spec, &pair.spki).expect("its public key");
    }
    Done { jobs: 2 * pairs.len(), refused: 0 }
}

pub fn primes_2048(_: &mut Random, class: Class, jobs: usize) -> Done {
    primes(2048, class, jobs)
}

pub fn primes_3072(_: &mut Random, class: Class, jobs: usize) -> Done {
    primes(3072, class, jobs)
}

pub fn primes_4096(_: &mut Random, class: Class, jobs: usize) -> Done {
    primes(4096, class, jobs)
}
