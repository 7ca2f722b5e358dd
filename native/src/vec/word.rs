//! One lane in a machine word: the portable twin of the vector registers.
use super::MASK52;
use super::multiply::{Multiply, Register};

/// A lane as a u64, for other CPUs, valgrind, Miri and sanitizers.
#[derive(Clone, Copy)]
pub struct Word(u64);

impl Multiply for Word {
    const RADIX: u32 = 52;
    const BIAS_LO: u64 = 0;
    const BIAS_HI: u64 = 0;
    const BIAS_QUOTIENT: u64 = 0;
    const SPLIT: bool = false;
    type Digit = Word;

    #[inline(always)]
    fn digit(self) -> Word {
        Word(self.0 & MASK52)
    }
    #[inline(always)]
    fn integer(digit: Word) -> Self {
        digit
    }
    #[inline(always)]
    fn mac(lo: &mut Self, hi: &mut Self, a: Word, b: Word) {
        let product = u128::from(a.0) * u128::from(b.0);
        lo.0 = lo.0.wrapping_add(product as u64 & MASK52);
        hi.0 = hi.0.wrapping_add((product >> 52) as u64);
    }
    #[inline(always)]
    fn quotient(self, k0: Word) -> Word {
        Word(self.0.wrapping_mul(k0.0) & MASK52)
    }
    #[inline(always)]
    fn cancel(mut self, lo: &mut Self, hi: &mut Self, q: Word, m0: Word) {
        Self::mac(&mut self, hi, q, m0);
        *lo = lo.add(self.carry());
    }
    #[inline(always)]
    fn encode(x: u64) -> u64 {
        x
    }
    #[inline(always)]
    fn decode(bits: u64) -> u64 {
        bits
    }
}

impl Register for Word {
    const WIDTH: usize = 1;
    type Mask = u64;

    #[inline(always)]
    unsafe fn load(at: *const u64) -> Self {
        // SAFETY: the caller vouches for `at`.
        Word(unsafe { at.read() })
    }
    #[inline(always)]
    unsafe fn store(self, at: *mut u64) {
        // SAFETY: as above.
        unsafe { at.write(self.0) }
    }
    #[inline(always)]
    unsafe fn load_digit(at: *const u64) -> Word {
        // SAFETY: as above.
        unsafe { Self::load(at) }
    }
    #[inline(always)]
    unsafe fn store_digit(digit: Word, at: *mut u64) {
        // SAFETY: as above.
        unsafe { digit.store(at) }
    }
    #[inline(always)]
    unsafe fn splat(x: u64) -> Self {
        Word(x)
    }
    #[inline(always)]
    fn add(self, b: Self) -> Self {
        Word(self.0.wrapping_add(b.0))
    }
    #[inline(always)]
    fn carry(self) -> Self {
        Word(self.0 >> 52)
    }
    #[inline(always)]
    fn equal(self, b: Self) -> u64 {
        let diff = self.0 ^ b.0;
        // The barrier keeps the compiler from turning `pick` into a branch.
        core::hint::black_box(((diff | diff.wrapping_neg()) >> 63).wrapping_sub(1))
    }
    #[inline(always)]
    fn pick(self, mask: u64, b: Self) -> Self {
        Word(self.0 ^ (mask & (self.0 ^ b.0)))
    }
}
