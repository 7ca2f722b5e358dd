//! AVX-512 IFMA.
use super::multiply::{Multiply, Register};
use super::{LANES, MASK52, Vector, note_multiplies};
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
        note_multiplies(1);
        unsafe { Ifma(_mm512_madd52lo_epu64(self.0, a.0, b.0)) }
    }
    #[inline(always)]
    fn mac_hi(self, a: Self, b: Self) -> Self {
        note_multiplies(1);
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
            macro_rules! entry {
                ($group:expr) => {{
                    let at = p.add(2 * $group);
                    let hit = _mm512_cmpeq_epi64_mask(high, _mm512_set1_epi64($group as i64));
                    let (low, high) = (_mm512_loadu_si512(at), _mm512_loadu_si512(at.add(1)));
                    _mm512_maskz_permutex2var_epi64(hit, low, index.0, high)
                }};
            }
            for g in (0..groups / 2).map(|pair| 2 * pair) {
                out = _mm512_ternarylogic_epi64::<0xfe>(out, entry!(g), entry!(g + 1));
            }
            if groups % 2 == 1 {
                out = _mm512_or_si512(out, entry!(groups - 1));
            }
            Ifma(out)
        }
    }
}

impl Multiply for Ifma {
    const RADIX: u32 = 52;
    const BIAS_LO: u64 = 0;
    const BIAS_HI: u64 = 0;
    const BIAS_QUOTIENT: u64 = MASK52;
    const SPLIT: bool = true;
    /// vpmadd52 reads the low 52 bits of a lane only: what stands above them does no harm.
    type Digit = Ifma;

    #[inline(always)]
    fn digit(self) -> Ifma {
        self
    }
    #[inline(always)]
    fn integer(digit: Ifma) -> Self {
        unsafe { Ifma(_mm512_and_si512(digit.0, _mm512_set1_epi64(MASK52 as i64))) }
    }
    #[inline(always)]
    fn mac(lo: &mut Self, hi: &mut Self, a: Ifma, b: Ifma) {
        *lo = lo.mac_lo(a, b);
        *hi = hi.mac_hi(a, b);
    }
    /// The column is one too small modulo 2^52: k0 makes up for it.
    #[inline(always)]
    fn quotient(self, k0: Ifma) -> Ifma {
        k0.mac_lo(self, k0)
    }
    /// The low half of q * m0 is 0 where that of the column is, else what it wants to 2^52: with
    /// 2^52 - 1 in the column already, no product is needed to know the carry.
    #[inline(always)]
    fn cancel(self, lo: &mut Self, hi: &mut Self, q: Ifma, m0: Ifma) {
        *lo = Vector::add(*lo, self.carry());
        *hi = hi.mac_hi(q, m0);
    }
    #[inline(always)]
    fn encode(x: u64) -> u64 {
        x
    }
    #[inline(always)]
    fn decode(bits: u64) -> u64 {
        bits & MASK52
    }
}

impl Register for Ifma {
    const WIDTH: usize = LANES;
    type Mask = __mmask8;

    #[inline(always)]
    unsafe fn load(at: *const u64) -> Self {
        unsafe { Ifma(_mm512_load_si512(at.cast())) }
    }
    #[inline(always)]
    unsafe fn store(self, at: *mut u64) {
        unsafe { _mm512_store_si512(at.cast(), self.0) }
    }
    #[inline(always)]
    unsafe fn load_digit(at: *const u64) -> Ifma {
        unsafe { <Ifma as Register>::load(at) }
    }
    #[inline(always)]
    unsafe fn store_digit(digit: Ifma, at: *mut u64) {
        unsafe { <Ifma as Register>::store(digit, at) }
    }
    #[inline(always)]
    unsafe fn splat(x: u64) -> Self {
        unsafe { Ifma(_mm512_set1_epi64(x as i64)) }
    }
    #[inline(always)]
    fn add(self, b: Self) -> Self {
        Vector::add(self, b)
    }
    #[inline(always)]
    fn carry(self) -> Self {
        self.shr::<52>()
    }
    #[inline(always)]
    fn equal(self, b: Self) -> __mmask8 {
        unsafe { _mm512_cmpeq_epi64_mask(self.0, b.0) }
    }
    #[inline(always)]
    fn pick(self, mask: __mmask8, b: Self) -> Self {
        unsafe { Ifma(_mm512_mask_mov_epi64(self.0, mask, b.0)) }
    }
}
