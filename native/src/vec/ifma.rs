//! AVX-512 IFMA.
use super::{LANES, Vector};
use core::arch::x86_64::*;

/// AVX-512 IFMA: one zmm register.
#[derive(Clone, Copy)]
pub struct Ifma(__m512i);

// SAFETY (whole impl): a value of `Ifma` exists only where the caller of an unsafe constructor
// has vouched for avx512f, avx512dq, avx512vl and avx512ifma.
impl Vector for Ifma {
    #[inline(always)]
    unsafe fn splat(x: u64) -> Self {
        unsafe { Ifma(_mm512_set1_epi64(x as i64)) }
    }
    #[inline(always)]
    unsafe fn load(lanes: &[u64; LANES]) -> Self {
        unsafe { Ifma(_mm512_loadu_si512(lanes.as_ptr().cast())) }
    }
    #[inline(always)]
    fn store(self) -> [u64; LANES] {
        let mut out = [0u64; LANES];
        unsafe { _mm512_storeu_si512(out.as_mut_ptr().cast(), self.0) };
        out
    }
    #[inline(always)]
    fn add(self, b: Self) -> Self {
        unsafe { Ifma(_mm512_add_epi64(self.0, b.0)) }
    }
    #[inline(always)]
    fn sub(self, b: Self) -> Self {
        unsafe { Ifma(_mm512_sub_epi64(self.0, b.0)) }
    }
    #[inline(always)]
    fn and(self, b: Self) -> Self {
        unsafe { Ifma(_mm512_and_si512(self.0, b.0)) }
    }
    #[inline(always)]
    fn or(self, b: Self) -> Self {
        unsafe { Ifma(_mm512_or_si512(self.0, b.0)) }
    }
    #[inline(always)]
    fn xor(self, b: Self) -> Self {
        unsafe { Ifma(_mm512_xor_si512(self.0, b.0)) }
    }
    #[inline(always)]
    fn shl<const BITS: u32>(self) -> Self {
        unsafe { Ifma(_mm512_slli_epi64::<BITS>(self.0)) }
    }
    #[inline(always)]
    fn shr<const BITS: u32>(self) -> Self {
        unsafe { Ifma(_mm512_srli_epi64::<BITS>(self.0)) }
    }
    #[inline(always)]
    fn sar<const BITS: u32>(self) -> Self {
        unsafe { Ifma(_mm512_srai_epi64::<BITS>(self.0)) }
    }
    #[inline(always)]
    fn mac_lo(self, a: Self, b: Self) -> Self {
        unsafe { Ifma(_mm512_madd52lo_epu64(self.0, a.0, b.0)) }
    }
    #[inline(always)]
    fn mac_hi(self, a: Self, b: Self) -> Self {
        unsafe { Ifma(_mm512_madd52hi_epu64(self.0, a.0, b.0)) }
    }
    #[inline(always)]
    fn select(mask: Self, a: Self, b: Self) -> Self {
        unsafe { Ifma(_mm512_ternarylogic_epi64::<0xca>(mask.0, a.0, b.0)) }
    }
    #[inline(always)]
    fn is_zero(self) -> Self {
        unsafe {
            let m = _mm512_testn_epi64_mask(self.0, self.0);
            Ifma(_mm512_maskz_set1_epi64(m, -1))
        }
    }
    #[inline(always)]
    fn lookup(table: &[u64], index: Self) -> Self {
        debug_assert!(table.len().is_multiple_of(16));
        unsafe {
            let p = table.as_ptr().cast::<__m512i>();
            let groups = table.len() / 16;
            let high = _mm512_srli_epi64::<4>(index.0);
            let mut out = _mm512_setzero_si512();
            // vpermi2q reads 4 bits of the index; higher bits choose between groups by mask.
            for g in 0..groups {
                let t = _mm512_permutex2var_epi64(
                    _mm512_loadu_si512(p.add(2 * g)),
                    index.0,
                    _mm512_loadu_si512(p.add(2 * g + 1)),
                );
                let m = _mm512_cmpeq_epi64_mask(high, _mm512_set1_epi64(g as i64));
                out = _mm512_mask_mov_epi64(out, m, t);
            }
            Ifma(out)
        }
    }
}
