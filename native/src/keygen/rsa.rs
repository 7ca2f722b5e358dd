//! RSA key pairs from batches of primes (FIPS 186-5, A.1.1 and A.1.3; e = 65537).
use super::primes::{PRIME_MAX, Prime, generate, zero};
use super::trial_division::mod_65537;
use crate::ec::batch::wipe_stack;
use crate::ffi::{self, GeneratedPair, RsaParts};
use crate::frame::Status;
use crate::rsa::lane_key::{Kernel, WORDS_MAX};
use crate::rsa::words;
use std::hint::black_box;
use zeroize::Zeroizing;

const E: u64 = 65537;

/// `count` key pairs of `bits` bits (2048, 3072 or 4096).
pub fn generate_pairs(
    kernel: Kernel,
    bits: usize,
    count: usize,
) -> Result<Vec<GeneratedPair>, Status> {
    let pairs = pairs_unwiped(kernel, bits, count);
    wipe_stack();
    pairs
}

/// In frames of its own, so that they lie where the stack is wiped.
#[inline(never)]
fn pairs_unwiped(kernel: Kernel, bits: usize, count: usize) -> Result<Vec<GeneratedPair>, Status> {
    let mut pairs = Vec::with_capacity(count);
    // Primes too close to each other, or a private exponent too small, happen never; try twice.
    for _ in 0..2 {
        let primes = generate(kernel, bits, 2 * (count - pairs.len()))?;
        for two in primes.chunks_exact(2) {
            pairs.extend(assemble(bits, &two[0], &two[1])?);
        }
        if pairs.len() == count {
            return Ok(pairs);
        }
    }
    Err(Status::Internal)
}

/// None where FIPS 186-5 wants other primes.
fn assemble(bits: usize, p: &Prime, q: &Prime) -> Result<Option<GeneratedPair>, Status> {
    let len = bits / 128;
    let (p, q) = (&p[..len], &q[..len]);
    if !far_apart(p, q) {
        return Ok(None);
    }
    let mut n = Zeroizing::new([0u64; WORDS_MAX]);
    words::mul_add(&mut n[..2 * len], p, q, &[]);
    let less_one = |prime: &[u64]| {
        let mut x = zero();
        x[..len].copy_from_slice(prime);
        x[0] -= 1;
        x
    };
    let (p1, q1) = (less_one(p), less_one(q));
    let (p1, q1) = (&p1[..len], &q1[..len]);
    let lambda = lcm(p1, q1);
    let d = inverse_of_e(&lambda[..2 * len]);
    // d > 2^(bits / 2)
    if d[len..2 * len].iter().fold(0, |x, w| x | w) == 0 {
        return Ok(None);
    }
    let parts = RsaParts {
        n: &n[..2 * len],
        e: E,
        d: &d[..2 * len],
        p,
        q,
        dp: &inverse_of_e(p1)[..len],
        dq: &inverse_of_e(q1)[..len],
    };
    ffi::rsa_from_parts(&parts).map(Some)
}

/// |p - q| > 2^(64 * len - 100).
fn far_apart(p: &[u64], q: &[u64]) -> bool {
    let len = p.len();
    let mut difference = zero();
    let difference = &mut difference[..len];
    difference.copy_from_slice(p);
    let borrow = words::sub(difference, q);
    // The absolute value: all bits flipped, up to one in the last place.
    let flip = borrow.wrapping_neg();
    let top = difference[len - 1] ^ flip;
    let next = (difference[len - 2] ^ flip) >> 28;
    top | next != 0
}

/// The inverse of 65537 modulo `m`, which is prime to it. Constant time.
fn inverse_of_e(m: &[u64]) -> Zeroizing<[u64; WORDS_MAX]> {
    // m * k = -1 mod e, so that 1 + m * k is a multiple of e: k = -1 / m, by Fermat.
    let residue = mod_65537(m);
    let mut inverse = 1u64;
    let mut power = residue;
    for bit in 0..16 {
        // The exponent e - 2 = 65535 has all of its 16 bits set.
        let _ = bit;
        inverse = inverse * power % E;
        power = power * power % E;
    }
    let k = E - inverse;
    let mut out = Zeroizing::new([0u64; WORDS_MAX]);
    let mut wide = Zeroizing::new([0u64; WORDS_MAX + 1]);
    words::mul_add(&mut wide[..m.len() + 1], m, &[k], &[1]);
    // Exact division, from the lowest word up.
    let e_inverse = {
        let mut x = E;
        for _ in 0..5 {
            x = x.wrapping_mul(2u64.wrapping_sub(E.wrapping_mul(x)));
        }
        x
    };
    let mut borrow = 0u64;
    for i in 0..m.len() {
        let (x, under) = wide[i].overflowing_sub(borrow);
        out[i] = x.wrapping_mul(e_inverse);
        borrow = ((u128::from(out[i]) * u128::from(E)) >> 64) as u64 + u64::from(under);
    }
    out
}

/// a = mask ? b : a.
fn choose(a: &mut [u64], b: &[u64], mask: u64) {
    for (x, y) in a.iter_mut().zip(b) {
        *x ^= (*x ^ y) & mask;
    }
}

/// a >>= 1 where `mask` is all ones.
fn halve(a: &mut [u64], mask: u64) {
    for i in 0..a.len() {
        let next = a.get(i + 1).copied().unwrap_or(0);
        let half = a[i] >> 1 | next << 63;
        a[i] ^= (a[i] ^ half) & mask;
    }
}

/// All ones where the lowest bit of `x` is zero.
fn even(x: u64) -> u64 {
    black_box((x & 1).wrapping_sub(1))
}

/// The least common multiple of two even numbers of one length. Constant time: a binary greatest
/// common divisor of so many steps as the longest takes, and an exact division.
fn lcm(a: &[u64], b: &[u64]) -> Zeroizing<[u64; WORDS_MAX]> {
    let len = a.len();
    let steps = 2 * 64 * len;
    let mut store = Zeroizing::new([[0u64; PRIME_MAX]; 4]);
    let [u, v, t, s] = &mut *store;
    let (u, v, t, s) = (&mut u[..len], &mut v[..len], &mut t[..len], &mut s[..len]);
    u.copy_from_slice(a);
    v.copy_from_slice(b);
    // The product, divided by the powers of two that both have, as they are found.
    let mut product = Zeroizing::new([0u64; WORDS_MAX]);
    words::mul_add(&mut product[..2 * len], a, b, &[]);
    for _ in 0..steps {
        let both_odd = !even(u[0]) & !even(v[0]);
        t.copy_from_slice(u);
        let less = words::sub(t, v).wrapping_neg();
        s.copy_from_slice(v);
        words::sub(s, u);
        choose(u, t, both_odd & !less);
        choose(v, s, both_odd & less);
        let (u_even, v_even) = (even(u[0]), even(v[0]));
        halve(u, u_even);
        halve(v, v_even);
        halve(&mut product[..2 * len], u_even & v_even);
    }
    // One of the two is zero now, the other the odd part of the divisor.
    for (x, y) in u.iter_mut().zip(v.iter()) {
        *x |= y;
    }
    divide_exactly(&mut product[..2 * len], u);
    product
}

/// a /= b, where b is odd and divides a. Constant time.
fn divide_exactly(a: &mut [u64], b: &[u64]) {
    let mut inverse = b[0];
    for _ in 0..5 {
        inverse = inverse.wrapping_mul(2u64.wrapping_sub(b[0].wrapping_mul(inverse)));
    }
    for i in 0..a.len() {
        let digit = a[i].wrapping_mul(inverse);
        let mut borrow = 0u64;
        for (j, word) in a[i..].iter_mut().enumerate() {
            let product =
                u128::from(digit) * u128::from(b.get(j).copied().unwrap_or(0)) + u128::from(borrow);
            let (x, under) = word.overflowing_sub(product as u64);
            *word = x;
            borrow = (product >> 64) as u64 + u64::from(under);
        }
        a[i] = digit;
    }
}
