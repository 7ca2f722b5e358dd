//! Numbers modulo the order L of edwards25519's base point, eight lanes.
use crate::ec::scalar::make_odd_below;
use crate::ec::sha_lanes::States;
use crate::field::{Class, Fe, Prime, WORDS, Words, bits, subtract, sum, words};
use crate::vec::LANES;

/// L = 2^252 + 27742317777372353535851937790883648493.
#[derive(Clone, Copy)]
pub struct Order25519;

impl Prime for Order25519 {
    const VALUE: Words = words("1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed");
    const BITS: u32 = 253;
}

/// 2^256 mod L.
const TWO_256: Words = {
    let mut x = [0; WORDS];
    x[4] = 1;
    let mut i = 0;
    while i < 15 {
        (x, _) = subtract(&x, &Order25519::VALUE);
        i += 1;
    }
    x
};

/// A scalar in Montgomery form.
pub type Scalar<V, const N: usize> = Fe<V, Order25519, N>;

/// SHA-512 digests as little-endian numbers modulo L; below 4L.
#[inline(always)]
pub fn from_digests<V: Class, const N: usize>(proof: V, digests: &States) -> Scalar<V, N> {
    let mut halves = [[[0; WORDS]; LANES]; 2];
    for (i, row) in digests.0.iter().enumerate() {
        for lane in 0..LANES {
            halves[i / 4][lane][i % 4] = row[lane].swap_bytes();
        }
    }
    // Each half is below 16 L.
    let (low, high): (Scalar<V, N>, Scalar<V, N>) =
        (from_words(proof, &halves[0]), from_words(proof, &halves[1]));
    zeroize::Zeroize::zeroize(&mut halves);
    let shift = from_words(proof, &[TWO_256; LANES]);
    low.add(&high.mul(&shift))
}

/// Numbers below 2^256 into Montgomery form; below 2L.
#[inline(always)]
pub fn from_words<V: Class, const N: usize>(proof: V, values: &[Words; LANES]) -> Scalar<V, N> {
    Fe::from_words(proof, values).to_montgomery()
}

/// k or L - k, whichever is odd, and ones where it is L - k; k < L.
pub fn make_odd(k: &[Words; LANES]) -> ([Words; LANES], [u64; LANES]) {
    let (mut odd, mut signs) = ([[0; WORDS]; LANES], [0; LANES]);
    for lane in 0..LANES {
        (odd[lane], signs[lane]) = make_odd_below(&Order25519::VALUE, &k[lane]);
    }
    (odd, signs)
}

/// Digits in [-2^(width-1), 2^(width-1)) of eight public numbers below 2^253: index |d|, and 1 << 8
/// where d is negative.
pub fn recode_signed(k: &[Words; LANES], width: u32, out: &mut [[u64; LANES]]) {
    let half = 1u64 << (width - 1);
    // Half a window is added to every window, and taken away again from each digit.
    let mut halves = [0; WORDS];
    for i in 0..out.len() as u32 {
        let at = width * i + width - 1;
        halves[(at / 64) as usize] |= 1 << (at % 64);
    }
    for lane in 0..LANES {
        let lifted = sum(&k[lane], &halves);
        for (i, row) in out.iter_mut().enumerate() {
            let u = bits(&lifted, width * i as u32, width);
            row[lane] = if u >= half { u - half } else { (half - u) | 1 << 8 };
        }
    }
}
