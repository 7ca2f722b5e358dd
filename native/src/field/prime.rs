//! Primes, and the constants of Montgomery's method for them, computed when the crate is compiled.
//!
//! A modulus is used in the form M = -K + sum over j >= 1 of T[j] * 2^(RADIX * j), where M is p, or
//! -p for P-384, whose negative is the sparser of the two. One step of the reduction adds q * M to
//! the columns with q = c0 / K mod 2^RADIX, so that the lowest column vanishes. For P-256, P-521 and
//! 2^521 - 1 alike, K is 1 and q is the column itself; sparse T cost two multiplications per digit.
use crate::vec::Multiply;
use std::marker::PhantomData;

/// Words of the largest number here: 576 bits.
pub const WORDS: usize = 9;
/// A number, little-endian.
pub type Words = [u64; WORDS];

/// An odd prime of at most 521 bits.
pub trait Prime: Copy + 'static {
    const VALUE: Words;
    const BITS: u32;
    /// Products are compiled into the text that uses them, where the class gains by it.
    const IS_HOT: bool = false;
    /// Where not empty: M is -p, and these are its terms from 2^RADIX up, (exponent, is negative).
    const NEGATED: &'static [(u32, bool)] = &[];
}

/// Big-endian hexadecimal digits as a number.
pub const fn words(hex: &str) -> Words {
    let hex = hex.as_bytes();
    let mut out = [0; WORDS];
    let mut i = 0;
    while i < hex.len() {
        let c = hex[hex.len() - 1 - i];
        let digit = if c <= b'9' { c - b'0' } else { (c | 0x20) - b'a' + 10 };
        out[i / 16] |= (digit as u64) << (4 * (i % 16));
        i += 1;
    }
    out
}

/// `len` bits (at most 63) of a number from bit `at` up.
pub const fn bits(value: &Words, at: u32, len: u32) -> u64 {
    let (word, shift) = ((at / 64) as usize, at % 64);
    if word >= WORDS {
        return 0;
    }
    let mut out = value[word] >> shift;
    if shift != 0 && word + 1 < WORDS {
        out |= value[word + 1] << (64 - shift);
    }
    out & ((1 << len) - 1)
}

/// Digits of a number below 2^(radix * N).
pub const fn digits<const N: usize>(value: &Words, radix: u32) -> [u64; N] {
    let mut out = [0; N];
    let mut i = 0;
    while i < N {
        out[i] = bits(value, radix * i as u32, radix);
        i += 1;
    }
    out
}

/// a - b, and whether that is negative.
pub const fn subtract(a: &Words, b: &Words) -> (Words, bool) {
    let mut out = [0; WORDS];
    let mut borrow = false;
    let mut i = 0;
    while i < WORDS {
        let (x, b1) = a[i].overflowing_sub(b[i]);
        let (x, b2) = x.overflowing_sub(borrow as u64);
        out[i] = x;
        borrow = b1 || b2;
        i += 1;
    }
    (out, borrow)
}

/// a + b; the sum has at most 576 bits.
pub const fn sum(a: &Words, b: &Words) -> Words {
    let mut out = [0; WORDS];
    let mut carry = 0u128;
    let mut i = 0;
    while i < WORDS {
        carry += a[i] as u128 + b[i] as u128;
        out[i] = carry as u64;
        carry >>= 64;
        i += 1;
    }
    out
}

/// 2^exponent mod p, by doubling; for constants alone.
const fn power_of_two(p: &Words, exponent: u32) -> Words {
    let mut x = [0; WORDS];
    x[0] = 1;
    let mut i = 0;
    while i < exponent {
        x = sum(&x, &x);
        let (less, negative) = subtract(&x, p);
        if !negative {
            x = less;
        }
        i += 1;
    }
    x
}

/// Bits by which the columns of a sum are lifted, so that none is negative.
const LIFT_SUM: u32 = 56;

/// The constants of prime P for N digits of the radix of V.
pub struct Modulus<V, P, const N: usize>(PhantomData<(V, P)>);

impl<V: Multiply, P: Prime, const N: usize> Modulus<V, P, N> {
    pub const R: u32 = V::RADIX;
    /// M is -p.
    pub const IS_NEGATED: bool = !P::NEGATED.is_empty();
    pub const DIGITS: [u64; N] = digits(&P::VALUE, V::RADIX);
    pub const K: u64 =
        if Self::IS_NEGATED { Self::DIGITS[0] } else { (1 << V::RADIX) - Self::DIGITS[0] };
    /// 1 / K mod 2^RADIX.
    pub const K0: u64 = inverse(Self::K) & ((1 << V::RADIX) - 1);
    pub const T: [i64; N] =
        if Self::IS_NEGATED { terms(P::NEGATED, V::RADIX) } else { rest(&Self::DIGITS, V::RADIX) };
    /// R mod p, the Montgomery form of 1, where R = 2^(RADIX * N).
    pub const ONE: [u64; N] = digits(&power_of_two(&P::VALUE, V::RADIX * N as u32), V::RADIX);
    /// R^2 mod p.
    pub const SQUARE: [u64; N] =
        digits(&power_of_two(&P::VALUE, 2 * V::RADIX * N as u32), V::RADIX);
    /// There are so many spare bits above p that no sum needs a reduction.
    pub const IS_ROOMY: bool = V::RADIX * N as u32 >= P::BITS + 16;

    /// Digit i of k * p with lifted columns: no smaller than anything that is subtracted. The
    /// multiple of a digit needs no carry, for columns have 64 bits.
    #[inline(always)]
    pub const fn lifted(k: u64, i: usize) -> u64 {
        let up = if i + 1 < N { 1 << LIFT_SUM } else { 0 };
        let down = if i > 0 { 1 << (LIFT_SUM - V::RADIX) } else { 0 };
        (k * Self::DIGITS[i] + up).wrapping_sub(down)
    }
}

/// 1 / x mod 2^64 for odd x (Newton).
const fn inverse(x: u64) -> u64 {
    let mut y = x;
    let mut i = 0;
    while i < 6 {
        y = y.wrapping_mul(2u64.wrapping_sub(x.wrapping_mul(y)));
        i += 1;
    }
    y
}

/// T of p itself: 1 is carried out of digit 0, which is 2^radix - K.
const fn rest<const N: usize>(digits: &[u64; N], radix: u32) -> [i64; N] {
    let mut out = [0; N];
    let mut carry = 1;
    let mut i = 1;
    while i < N {
        let x = digits[i] + carry;
        // The top digit keeps what it has: there is none above it.
        let keep = if i + 1 < N { x & ((1 << radix) - 1) } else { x };
        out[i] = keep as i64;
        carry = if i + 1 < N { x >> radix } else { 0 };
        i += 1;
    }
    out
}

const fn terms<const N: usize>(terms: &[(u32, bool)], radix: u32) -> [i64; N] {
    let mut out = [0; N];
    let mut i = 0;
    while i < terms.len() {
        let (exponent, negative) = terms[i];
        let value = 1i64 << (exponent % radix);
        out[(exponent / radix) as usize] += if negative { -value } else { value };
        i += 1;
    }
    out
}
