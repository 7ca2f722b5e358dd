//! The field of 2^255 - 19 (RFC 7748, 4.1), eight lanes, in plain form: no Montgomery, for a product
//! folds by 2^255 = 19.
//!
//! Two representations, each five digits: `Unsigned` (52 bits, IFMA and the portable twin), whose
//! sums settle their carries at once, and `Balanced` (51 bits of either sign, AVX2 + FMA), where a
//! sum is just a sum of doubles. Formulas above are written once and keep the rules of both:
//!
//! * A product, a square and whatever `tight` was called on has size 1; a sum or difference has the
//!   sum of the sizes of its parts. The sizes of the two factors of a product multiply to at most 3;
//!   what is squared has size 1. (`Balanced`: digits stay below size * (2^50 + 2^13).)
//! * What is subtracted has size at most 2, and a chain of sums takes at most three subtractions
//!   before the next product. (`Unsigned`: values stay below 2^259.)
#![allow(clippy::out_of_bounds_indexing, reason = "`each!` has branches that are never taken")]
#[cfg(target_arch = "x86_64")]
mod balanced;
#[cfg(test)]
mod tests;
mod unsigned;

use super::class::{Class, Task};
use super::column::Column;
use super::prime::{WORDS, Words, words};
#[cfg(target_arch = "x86_64")]
use crate::vec::{Avx2, Ifma};
use crate::vec::{LANES, Portable};

/// Digits of an element.
pub const DIGITS: usize = 5;

/// 2^255 - 19.
pub const P25519: Words = words("7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed");

/// A class with the field of 2^255 - 19.
pub trait Field25519: Class {
    type Element: Element25519<Self>;
}

impl Field25519 for Portable {
    type Element = unsigned::Unsigned<Portable>;
}

#[cfg(target_arch = "x86_64")]
impl Field25519 for Ifma {
    type Element = unsigned::Unsigned<Ifma>;
}

#[cfg(target_arch = "x86_64")]
impl Field25519 for Avx2 {
    type Element = balanced::Balanced;
}

/// Eight elements. Everything is constant time.
pub trait Element25519<V: Class>: Copy {
    /// A value of the class, which proves that the CPU has its features.
    fn proof(&self) -> V;
    /// From the memory form: `bits[digit][lane]`.
    fn load(proof: V, bits: &[[u64; LANES]; DIGITS]) -> Self;
    /// The memory form, which depends on the class.
    fn store(&self) -> [[u64; LANES]; DIGITS];
    /// Entries `index` of a table of `len` (16, 32 or 64) memory forms, digit by digit.
    fn lookup(table: &[u64], len: usize, index: V) -> Self;
    /// Numbers below 2^255, size 1.
    fn from_words(proof: V, values: &[Words; LANES]) -> Self;
    /// The numbers, below p.
    fn to_words(&self) -> [Words; LANES];
    fn mul(&self, b: &Self) -> Self;
    fn square(&self) -> Self;
    /// Squared `times` times.
    fn square_times(&self, times: u32) -> Self;
    fn add(&self, b: &Self) -> Self;
    fn sub(&self, b: &Self) -> Self;
    /// self + 2 * b.
    fn add_twice(&self, b: &Self) -> Self;
    /// Size 1 again.
    fn tight(&self) -> Self;
    /// `a` where the mask is ones, else `b`.
    fn select(mask: V, a: &Self, b: &Self) -> Self;

    /// The same number below 2^255 in every lane.
    #[inline(always)]
    fn splat(proof: V, value: &Words) -> Self {
        Self::from_words(proof, &[*value; LANES])
    }

    #[inline(always)]
    fn small(proof: V, value: u64) -> Self {
        let mut words = [0; WORDS];
        words[0] = value;
        Self::splat(proof, &words)
    }

    /// -self, of the same size.
    #[inline(always)]
    fn negated(&self) -> Self {
        Self::small(self.proof(), 0).sub(self)
    }

    /// All ones in the lanes where the value is 0.
    #[inline(always)]
    fn is_zero(&self) -> V {
        let words = self.to_words();
        let mut any = [0; LANES];
        for lane in 0..LANES {
            any[lane] = words[lane].iter().fold(0, |any, word| any | word);
        }
        // SAFETY: a value of V exists.
        unsafe { V::load(&any) }.is_zero()
    }

    /// self^(2^252 - 3), and self^11 on the way (the chain of Bernstein's ref10).
    #[inline(always)]
    fn power_252_3(&self) -> (Self, Self) {
        let z2 = self.square();
        let z9 = z2.square_times(2).mul(self);
        let z11 = z9.mul(&z2);
        let z5 = z11.square().mul(&z9); // 2^5 - 1
        let z10 = z5.square_times(5).mul(&z5);
        let z20 = z10.square_times(10).mul(&z10);
        let z40 = z20.square_times(20).mul(&z20);
        let z50 = z40.square_times(10).mul(&z10);
        let z100 = z50.square_times(50).mul(&z50);
        let z200 = z100.square_times(100).mul(&z100);
        let z250 = z200.square_times(50).mul(&z50);
        (z250.square_times(2).mul(self), z11)
    }

    /// 1 / self (Fermat), and 0 for 0; self has size 1.
    #[inline(always)]
    fn invert(&self) -> Self {
        // (2^252 - 3) * 8 + 3 = 2^255 - 21.
        let (power, _) = self.power_252_3();
        power.square_times(3).mul(&self.square().mul(self))
    }
}

/// Most values that share one inversion.
pub const INVERSIONS_MAX: usize = 32;

struct InvertAll<'a, E>(&'a mut [E]);

impl<V: Field25519<Element = E>, E: Element25519<V>> Task for (V, InvertAll<'_, E>) {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        let values = self.1.0;
        let mut prefix = [values[0]; INVERSIONS_MAX];
        let mut product = values[0];
        for i in 1..values.len() {
            prefix[i] = product;
            product = product.mul(&values[i]);
        }
        let mut inverse = product.invert();
        for i in (1..values.len()).rev() {
            let value = values[i];
            values[i] = inverse.mul(&prefix[i]);
            inverse = inverse.mul(&value);
        }
        values[0] = inverse;
        // SAFETY: vectors of numbers.
        unsafe { super::element::wipe(&mut prefix) };
    }
}

/// Replaces each value by its inverse, all by one power (Montgomery's trick). A zero would spoil its
/// lane of every value: callers leave none.
#[inline(always)]
pub fn invert_all<V: Field25519>(values: &mut [V::Element]) {
    if let Some(first) = values.first() {
        let proof = first.proof();
        V::outline(proof, (proof, InvertAll(values)));
    }
}

/// The digits of a number below 2^258, none negative and each below 2^62, as those of the number below
/// p that it is equal to.
#[inline(always)]
fn freeze<V: Class>(mut x: [V; DIGITS]) -> [V; DIGITS] {
    let proof = x[0];
    let mask = V::constant(proof, (1 << V::RADIX) - 1);
    let top_mask = V::constant(proof, (1 << top_bits::<V>()) - 1);
    let (nineteen, zero) = (V::constant(proof, 19), V::constant(proof, 0));
    // Twice, so that the first digit's carry cannot be left over.
    for _ in 0..2 {
        for i in 0..DIGITS - 1 {
            x[i + 1] = x[i + 1].add(V::high(x[i]));
            x[i] = x[i].and(mask);
        }
        let top = above(x[4]);
        x[4] = x[4].and(top_mask);
        x[0] = x[0].add(zero.mac_lo(top, nineteen));
    }
    // Now below 2^255 + 19 * 2^11: whether x + 19 reaches 2^255 tells whether x reaches p.
    let mut t = x;
    t[0] = t[0].add(nineteen);
    for i in 0..DIGITS - 1 {
        t[i + 1] = t[i + 1].add(V::high(t[i]));
    }
    x[0] = x[0].add(zero.mac_lo(above(t[4]), nineteen));
    for i in 0..DIGITS - 1 {
        x[i + 1] = x[i + 1].add(V::high(x[i]));
        x[i] = x[i].and(mask);
    }
    x[4] = x[4].and(top_mask);
    x
}

/// Bits of the top digit below 2^255.
const fn top_bits<V: Class>() -> u32 {
    255 - 4 * V::RADIX
}

/// What the top digit holds from 2^255 up.
#[inline(always)]
fn above<V: Class>(top: V) -> V {
    if V::RADIX == 52 { top.shr::<47>() } else { top.shr::<51>() }
}
