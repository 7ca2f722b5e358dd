//! The vector trait: eight lanes of 64 bits, and the 52-bit multiply-accumulate that all
//! multi-buffer arithmetic is written over.
//!
//! Radix 2^52. `mac_lo(acc, a, b)` adds the low 52 bits of a*b, `mac_hi` the bits from 52 up; a and b
//! are below 2^52. Every operation takes the same time whatever the lanes hold.

/// Number of lanes of every vector.
pub const LANES: usize = 8;
/// The limb mask 2^52 - 1.
pub const MASK52: u64 = (1 << 52) - 1;

/// Notes `number` multiply instructions of a vector class, where the crate counts them.
#[inline(always)]
pub(crate) fn note_multiplies(number: i64) {
    #[cfg(feature = "count")]
    count::add(number);
    #[cfg(not(feature = "count"))]
    let _ = number;
}

/// Eight u64 lanes. Constructors are `unsafe`: a value may be made only where the CPU has what the
/// implementation needs; all else is then safe, because a value is the proof.
pub trait Vector: Copy {
    /// # Safety
    /// The CPU has the features of this implementation.
    unsafe fn splat(x: u64) -> Self;
    /// # Safety
    /// As `splat`.
    unsafe fn load(lanes: &[u64; LANES]) -> Self;
    fn store(self) -> [u64; LANES];
    fn add(self, b: Self) -> Self;
    fn sub(self, b: Self) -> Self;
    fn and(self, b: Self) -> Self;
    fn or(self, b: Self) -> Self;
    fn xor(self, b: Self) -> Self;
    fn shl<const BITS: u32>(self) -> Self;
    fn shr<const BITS: u32>(self) -> Self;
    /// Arithmetic shift right.
    fn sar<const BITS: u32>(self) -> Self;
    fn mac_lo(self, a: Self, b: Self) -> Self;
    fn mac_hi(self, a: Self, b: Self) -> Self;
    /// `mask` is all ones or all zeros per lane: ones take `a`.
    fn select(mask: Self, a: Self, b: Self) -> Self;
    /// All ones in the lanes that are zero.
    fn is_zero(self) -> Self;
    /// Entry `index` (per lane) of a table of 16, 32 or 64 u64; touches every entry.
    fn lookup(table: &[u64], index: Self) -> Self;
}

#[cfg(target_arch = "x86_64")]
pub mod avx2;
#[cfg(feature = "count")]
pub mod count;
#[cfg(target_arch = "x86_64")]
pub mod ifma;
pub mod multiply;
pub mod portable;
#[cfg(target_arch = "x86_64")]
pub mod quad;
pub mod sha256;
pub mod sha_rounds;
#[cfg(test)]
mod tests;
pub mod word;

#[cfg(target_arch = "x86_64")]
pub use avx2::Avx2;
#[cfg(target_arch = "x86_64")]
pub use ifma::Ifma;
pub use multiply::{Multiply, Register};
pub use portable::Portable;
#[cfg(target_arch = "x86_64")]
pub use quad::Quad;
pub use word::Word;
