//! AVX2 + FMA: eight lanes as two groups of four.
use super::multiply::{Multiply, Register};
use super::quad::Quad;
use super::{LANES, Vector};
use core::arch::x86_64::*;

/// AVX2 + FMA: two ymm registers. Kernels with many live values do better with one `Quad` at a time.
#[derive(Clone, Copy)]
pub struct Avx2(Quad, Quad);

macro_rules! pairwise {
    ($a:expr, $b:expr, $f:path) => {
        Avx2($f($a.0, $b.0), $f($a.1, $b.1))
    };
}

// SAFETY (whole impl): a value of `Avx2` exists only where the caller of an unsafe constructor has
// vouched for avx2 and fma.
impl Vector for Avx2 {
    #[inline(always)]
    unsafe fn splat(x: u64) -> Self {
        unsafe { Avx2(Quad::splat(x), Quad::splat(x)) }
    }
    #[inline(always)]
    unsafe fn load(lanes: &[u64; LANES]) -> Self {
        unsafe {
            let at = lanes.as_ptr().cast::<__m256i>();
            Avx2(Quad(_mm256_loadu_si256(at)), Quad(_mm256_loadu_si256(at.add(1))))
        }
    }
    #[inline(always)]
    fn store(self) -> [u64; LANES] {
        let mut out = [0u64; LANES];
        unsafe {
            let at = out.as_mut_ptr().cast::<__m256i>();
            _mm256_storeu_si256(at, self.0.0);
            _mm256_storeu_si256(at.add(1), self.1.0);
        }
        out
    }
    #[inline(always)]
    fn add(self, b: Self) -> Self {
        pairwise!(self, b, Quad::add)
    }
    #[inline(always)]
    fn sub(self, b: Self) -> Self {
        pairwise!(self, b, Quad::sub)
    }
    #[inline(always)]
    fn and(self, b: Self) -> Self {
        pairwise!(self, b, Quad::and)
    }
    #[inline(always)]
    fn or(self, b: Self) -> Self {
        pairwise!(self, b, Quad::or)
    }
    #[inline(always)]
    fn xor(self, b: Self) -> Self {
        pairwise!(self, b, Quad::xor)
    }
    #[inline(always)]
    fn shl<const BITS: u32>(self) -> Self {
        Avx2(self.0.shl::<BITS>(), self.1.shl::<BITS>())
    }
    #[inline(always)]
    fn shr<const BITS: u32>(self) -> Self {
        Avx2(self.0.shr::<BITS>(), self.1.shr::<BITS>())
    }
    #[inline(always)]
    fn sar<const BITS: u32>(self) -> Self {
        Avx2(self.0.sar::<BITS>(), self.1.sar::<BITS>())
    }
    /// Exact on unsigned 52-bit lanes, and slow: kernels for speed use `mac`.
    #[inline(always)]
    fn mac_lo(self, a: Self, b: Self) -> Self {
        let low = Avx2(Quad::halves52(a.0, b.0).0, Quad::halves52(a.1, b.1).0);
        Vector::add(self, low)
    }
    #[inline(always)]
    fn mac_hi(self, a: Self, b: Self) -> Self {
        let high = Avx2(Quad::halves52(a.0, b.0).1, Quad::halves52(a.1, b.1).1);
        Vector::add(self, high)
    }
    #[inline(always)]
    fn select(mask: Self, a: Self, b: Self) -> Self {
        Avx2(Quad::select(mask.0, a.0, b.0), Quad::select(mask.1, a.1, b.1))
    }
    #[inline(always)]
    fn is_zero(self) -> Self {
        Avx2(self.0.is_zero(), self.1.is_zero())
    }
    #[inline(always)]
    fn lookup(table: &[u64], index: Self) -> Self {
        Avx2(Quad::lookup(table, index.0), Quad::lookup(table, index.1))
    }
}

impl Multiply for Avx2 {
    const RADIX: u32 = Quad::RADIX;
    const BIAS_LO: u64 = Quad::BIAS_LO;
    const BIAS_HI: u64 = Quad::BIAS_HI;
    const BIAS_QUOTIENT: u64 = Quad::BIAS_QUOTIENT;
    const SPLIT: bool = Quad::SPLIT;
    type Digit = [__m256d; 2];

    #[inline(always)]
    fn digit(self) -> Self::Digit {
        [self.0.digit(), self.1.digit()]
    }
    #[inline(always)]
    fn integer(digit: Self::Digit) -> Self {
        Avx2(Quad::integer(digit[0]), Quad::integer(digit[1]))
    }
    #[inline(always)]
    fn mac(lo: &mut Self, hi: &mut Self, a: Self::Digit, b: Self::Digit) {
        Quad::mac(&mut lo.0, &mut hi.0, a[0], b[0]);
        Quad::mac(&mut lo.1, &mut hi.1, a[1], b[1]);
    }
    #[inline(always)]
    fn quotient(self, k0: Self::Digit) -> Self::Digit {
        [self.0.quotient(k0[0]), self.1.quotient(k0[1])]
    }
    #[inline(always)]
    fn cancel(self, lo: &mut Self, hi: &mut Self, q: Self::Digit, m0: Self::Digit) {
        self.0.cancel(&mut lo.0, &mut hi.0, q[0], m0[0]);
        self.1.cancel(&mut lo.1, &mut hi.1, q[1], m0[1]);
    }
    #[inline(always)]
    fn encode(x: u64) -> u64 {
        Quad::encode(x)
    }
    #[inline(always)]
    fn decode(bits: u64) -> u64 {
        Quad::decode(bits)
    }
}
