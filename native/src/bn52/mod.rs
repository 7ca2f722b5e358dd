//! Multi-precision arithmetic on eight lanes: Montgomery products with eight different moduli.
//!
//! A number below 2^(RADIX * N) stands in N limbs of eight lanes, digit i of each lane side by side,
//! in the memory form of the class's digits. Products are "almost Montgomery" (Gueron, Efficient
//! software implementations of modular exponentiation, 2012): with R = 2^(RADIX * N) >= 2^16 * m and
//! operands below 2^7 * m the result a * b / R mod m stays below 2m, and nothing is ever subtracted.
//!
//! Inside a product no carry is propagated but into quotient digits: 64-bit columns collect the low
//! and high halves of digit products (at most 162 of each), and one pass of carries ends it. The
//! quotient digits of a block are a chain of dependent instructions; the products that do not wait
//! for them stand behind it, so that the multiplier has work meanwhile.
//!
//! Everything here takes the same time and touches the same memory whatever the lanes hold.
mod classes;
mod convert;
mod power;
mod product;
#[cfg(test)]
mod tests;
mod tile;

pub use convert::{digit_bits, from_digits, negative_inverse, to_digits};

use crate::vec::{LANES, Register};

/// One digit of each lane.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub struct Limb(pub [u64; LANES]);

impl Limb {
    pub const ZERO: Self = Limb([0; LANES]);
}

/// Eight odd moduli.
pub struct Modulus<const N: usize> {
    pub m: [Limb; N],
    /// -1 / m mod 2^RADIX.
    pub k0: Limb,
}

/// Products modulo eight moduli of N digits, compiled for the class of `Self`.
pub trait Montgomery<const N: usize>: Register {
    /// Bits of a window of `power`.
    const WINDOW: u32;

    /// out = a * b / R mod m: below 2m where a, b < 2^7 * m; below 3m where a < R, b < 2m.
    ///
    /// # Safety
    /// The CPU has the class of `Self`.
    unsafe fn mul(out: &mut [Limb; N], a: &[Limb; N], b: &[Limb; N], modulus: &Modulus<N>);

    /// a = a * a / R mod m, `times` times over.
    ///
    /// # Safety
    /// As `mul`.
    unsafe fn square(a: &mut [Limb; N], modulus: &Modulus<N>, times: u32);

    /// out = base^exponent with base, out and `one` (R mod m) in Montgomery form; lane i of
    /// `exponents` holds the exponent of lane i in words of 64 bits, the lowest first. Constant time
    /// for all but the number of words.
    ///
    /// # Safety
    /// As `mul`.
    unsafe fn power(
        out: &mut [Limb; N],
        base: &[Limb; N],
        one: &[Limb; N],
        exponents: &[Limb],
        modulus: &Modulus<N>,
    );

    /// out = a + b, carried, where the sum is below R.
    ///
    /// # Safety
    /// As `mul`.
    unsafe fn sum(out: &mut [Limb; N], a: &[Limb; N], b: &[Limb; N]);
}

/// Wipes secrets that no longer have an owner.
pub fn wipe(limbs: &mut [Limb]) {
    if !crate::secrecy::wipes() {
        return;
    }
    limbs.fill(Limb::ZERO);
    // The compiler must assume that somebody reads the zeros.
    std::hint::black_box(limbs);
}
