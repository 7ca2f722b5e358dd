//! Extreme RSA keys: of the two largest primes of their size and of the two smallest ones that FIPS
//! 186-5 allows, so that moduli are nearly all ones and nearly a power of two.
use crate::lc::{Arithmetic, Bn};
use keystrel_native::ffi::{RsaParts, rsa_from_parts};

/// Primes of half a modulus of so many bits: 2^h less these numbers, and the odd number behind
/// sqrt(2^(2h - 1)) plus these.
const PRIMES: [(usize, [u64; 2], [u64; 2]); 3] = [
    (2048, [105, 179], [36, 558]),
    (3072, [3453, 4977], [1688, 1744]),
    (4096, [1557, 2543], [3426, 4514]),
];

/// The least odd number whose square is at least 2^(2h - 1), by bisection.
fn least(a: &Arithmetic, half: i32) -> Bn {
    let (mut low, mut high) = (Bn::power_of_two(half - 1), Bn::power_of_two(half));
    let square = Bn::power_of_two(2 * half - 1);
    let one = Bn::of(1);
    loop {
        let mut middle = a.add(&low, &high);
        // SAFETY: a live number.
        unsafe { aws_lc_sys::BN_rshift1(middle.0, middle.0) };
        // SAFETY: live numbers.
        if unsafe { aws_lc_sys::BN_cmp(middle.0, low.0) } == 0 {
            // SAFETY: as above.
            return if unsafe { aws_lc_sys::BN_is_odd(high.0) } == 1 {
                high
            } else {
                a.add(&high, &one)
            };
        }
        // SAFETY: as above.
        let above = unsafe { aws_lc_sys::BN_cmp(a.mul(&middle, &middle).0, square.0) } >= 0;
        std::mem::swap(if above { &mut high } else { &mut low }, &mut middle);
    }
}

fn words(n: &Bn, len: usize) -> Vec<u64> {
    n.to_be(8 * len).rchunks(8).map(|b| u64::from_be_bytes(b.try_into().expect("eight"))).collect()
}

/// PKCS#8 of both keys of a size.
pub fn all(bits: usize) -> Vec<Vec<u8>> {
    let a = Arithmetic::new();
    let (_, below, above) = PRIMES.iter().find(|row| row.0 == bits).expect("a size");
    let half = bits / 2;
    let top = Bn::power_of_two(half as i32);
    let bottom = least(&a, half as i32);
    let large = below.map(|offset| a.sub(&top, &Bn::of(offset)));
    let small = above.map(|offset| a.add(&bottom, &Bn::of(offset)));
    [large, small]
        .map(|[p, q]| {
            let one = Bn::of(1);
            let (p1, q1) = (a.sub(&p, &one), a.sub(&q, &one));
            let e = Bn::of(65537);
            let inverse = |m: &Bn| a.inverse(&e, m).expect("e is prime to it");
            let (len, half) = (bits / 64, half / 64);
            let made = rsa_from_parts(&RsaParts {
                n: &words(&a.mul(&p, &q), len),
                e: 65537,
                d: &words(&inverse(&a.mul(&p1, &q1)), len),
                p: &words(&p, half),
                q: &words(&q, half),
                dp: &words(&inverse(&p1), half),
                dq: &words(&inverse(&q1), half),
            });
            made.expect("a good key").pkcs8.to_vec()
        })
        .to_vec()
}
