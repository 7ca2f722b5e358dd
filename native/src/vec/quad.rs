//! AVX2 + FMA: four lanes in a ymm register, exact products by fused multiply-add on doubles.
use super::multiply::{Multiply, Register};
use super::{MASK52, note_multiplies};
use core::arch::x86_64::*;

const MASK51: i64 = (1 << 51) - 1;
/// 2^52 as a double: its mantissa holds integers below 2^52.
const TWO52: i64 = 0x4330_0000_0000_0000;
/// 1.5 * 2^52, 1.5 * 2^103, and their sum, exact because 2^51 is a unit in the last place of 2^103.
const C_LO: f64 = 6_755_399_441_055_744.0;
const C_HI: f64 = 1.5 * (1u128 << 103) as f64;
const C_SUM: f64 = C_HI + C_LO;
/// 2^104: here a unit in the last place is 2^52.
const C_52: f64 = (1u128 << 104) as f64;

/// Four lanes of 64 bits. A value exists only where the caller of an unsafe constructor has vouched
/// for avx2 and fma; that is the reason why each block below is sound.
#[derive(Clone, Copy)]
pub struct Quad(pub(super) __m256i);

impl Quad {
    #[inline(always)]
    fn constant(x: i64) -> __m256i {
        unsafe { _mm256_set1_epi64x(x) }
    }
    #[inline(always)]
    fn double(x: f64) -> __m256d {
        unsafe { _mm256_set1_pd(x) }
    }
    #[inline(always)]
    pub(crate) fn sub(self, b: Self) -> Self {
        unsafe { Quad(_mm256_sub_epi64(self.0, b.0)) }
    }
    #[inline(always)]
    pub(crate) fn and(self, b: Self) -> Self {
        unsafe { Quad(_mm256_and_si256(self.0, b.0)) }
    }
    #[inline(always)]
    pub(super) fn or(self, b: Self) -> Self {
        unsafe { Quad(_mm256_or_si256(self.0, b.0)) }
    }
    #[inline(always)]
    pub(super) fn xor(self, b: Self) -> Self {
        unsafe { Quad(_mm256_xor_si256(self.0, b.0)) }
    }
    #[inline(always)]
    pub(crate) fn shl<const BITS: u32>(self) -> Self {
        unsafe { Quad(_mm256_sll_epi64(self.0, _mm_cvtsi32_si128(BITS as i32))) }
    }
    #[inline(always)]
    pub(crate) fn shr<const BITS: u32>(self) -> Self {
        unsafe { Quad(_mm256_srl_epi64(self.0, _mm_cvtsi32_si128(BITS as i32))) }
    }
    /// AVX2 has no arithmetic shift of 64-bit lanes: shift with the sign bit flipped, flip it back.
    #[inline(always)]
    pub(super) fn sar<const BITS: u32>(self) -> Self {
        let sign = Quad(Self::constant(i64::MIN));
        let moved = Quad(Self::constant((1u64 << 63 >> BITS) as i64));
        self.xor(sign).shr::<BITS>().sub(moved)
    }
    #[inline(always)]
    pub(super) fn is_zero(self) -> Self {
        unsafe { Quad(_mm256_cmpeq_epi64(self.0, _mm256_setzero_si256())) }
    }
    #[inline(always)]
    pub(super) fn select(mask: Self, a: Self, b: Self) -> Self {
        unsafe { Quad(_mm256_blendv_epi8(b.0, a.0, mask.0)) }
    }
    /// Four entries are in a register at a time: the two low bits of the index choose among them by
    /// permutation, the higher ones the register by mask. Every entry is read.
    #[inline(always)]
    pub(super) fn lookup(table: &[u64], index: Self) -> Self {
        debug_assert!(table.len().is_multiple_of(4));
        unsafe {
            let low = index.and(Quad(Self::constant(3))).shl::<1>();
            // The words 2i and 2i + 1 of entry i.
            let words = low.or(low.shl::<32>()).or(Quad(Self::constant(1 << 32))).0;
            let high = index.shr::<2>().0;
            let mut out = _mm256_setzero_si256();
            for (j, entries) in table.as_chunks::<4>().0.iter().enumerate() {
                let entry =
                    _mm256_permutevar8x32_epi32(_mm256_loadu_si256(entries.as_ptr().cast()), words);
                let hit = _mm256_cmpeq_epi64(high, Self::constant(j as i64));
                out = _mm256_or_si256(out, _mm256_and_si256(hit, entry));
            }
            Quad(out)
        }
    }

    /// A lane below 2^52 as a double.
    #[inline(always)]
    fn double52(self) -> __m256d {
        unsafe {
            let bits = _mm256_or_si256(
                _mm256_and_si256(self.0, Self::constant(MASK52 as i64)),
                Self::constant(TWO52),
            );
            _mm256_sub_pd(_mm256_castsi256_pd(bits), Self::double((1u64 << 52) as f64))
        }
    }
    /// The exact halves (low 52 bits, bits from 52 up) of a product of unsigned 52-bit lanes.
    #[inline(always)]
    pub(super) fn halves52(a: Self, b: Self) -> (Self, Self) {
        note_multiplies(2);
        unsafe {
            let (a, b) = (a.double52(), b.double52());
            let high = _mm256_fmadd_pd(a, b, Self::double(C_52));
            // The high half was rounded to nearest: the rest is between -2^51 and 2^51.
            let rest = _mm256_fmadd_pd(a, b, _mm256_sub_pd(Self::double(C_52), high));
            let rest = _mm256_castpd_si256(_mm256_add_pd(rest, Self::double(C_LO)));
            let rest = Quad(_mm256_sub_epi64(rest, Self::constant(C_LO.to_bits() as i64)));
            let high = Quad(_mm256_castpd_si256(high));
            let high = high.sub(Quad(Self::constant(C_52.to_bits() as i64)));
            let borrow = Quad(_mm256_cmpgt_epi64(_mm256_setzero_si256(), rest.0));
            (rest.and(Quad(Self::constant(MASK52 as i64))), high.add(borrow))
        }
    }
}

/// Balanced digits: doubles that hold integers of either sign. `mac` is exact where the product of two
/// is at most 2^102 in size, sums and differences where the result is below 2^53.
impl Quad {
    /// The digit's bit pattern.
    #[inline(always)]
    pub(crate) fn bits_of(digit: __m256d) -> Self {
        unsafe { Quad(_mm256_castpd_si256(digit)) }
    }
    #[inline(always)]
    pub(crate) fn digit_of_bits(self) -> __m256d {
        unsafe { _mm256_castsi256_pd(self.0) }
    }
    #[inline(always)]
    pub(crate) fn digit_plus(a: __m256d, b: __m256d) -> __m256d {
        unsafe { _mm256_add_pd(a, b) }
    }
    #[inline(always)]
    pub(crate) fn digit_minus(a: __m256d, b: __m256d) -> __m256d {
        unsafe { _mm256_sub_pd(a, b) }
    }
    /// The multiple of 2^51 that is nearest to the digit, and the rest, at most 2^50 in size.
    #[inline(always)]
    pub(crate) fn digit_split(a: __m256d) -> (__m256d, __m256d) {
        unsafe {
            let big = Self::double(C_HI);
            let multiple = _mm256_sub_pd(_mm256_add_pd(a, big), big);
            (multiple, _mm256_sub_pd(a, multiple))
        }
    }
    /// a * times / 2^51 + b for a multiple a of 2^51.
    #[inline(always)]
    pub(crate) fn digit_carry(a: __m256d, times: u32, b: __m256d) -> __m256d {
        note_multiplies(1);
        unsafe {
            let unit = Self::double(f64::from(times) / (1u64 << 51) as f64);
            _mm256_fmadd_pd(a, unit, b)
        }
    }
    /// a * times + b.
    #[inline(always)]
    pub(crate) fn digit_times_plus(a: __m256d, times: u32, b: __m256d) -> __m256d {
        note_multiplies(1);
        unsafe { _mm256_fmadd_pd(a, Self::double(f64::from(times)), b) }
    }
    /// The low 51 bits, less 2^50.
    #[inline(always)]
    pub(crate) fn balanced_digit(self) -> __m256d {
        unsafe {
            let low = _mm256_and_si256(self.0, Self::constant(MASK51));
            let bits = _mm256_or_si256(low, Self::constant(TWO52));
            let offset = Self::double(((1u64 << 52) + (1 << 50)) as f64);
            _mm256_sub_pd(_mm256_castsi256_pd(bits), offset)
        }
    }
    /// A lane below 2^52, less `offset`.
    #[inline(always)]
    pub(crate) fn digit_less(self, offset: u64) -> __m256d {
        unsafe {
            let bits = _mm256_or_si256(self.0, Self::constant(TWO52));
            let offset = Self::double(((1u64 << 52) + offset) as f64);
            _mm256_sub_pd(_mm256_castsi256_pd(bits), offset)
        }
    }
}

impl Multiply for Quad {
    const RADIX: u32 = 51;
    const BIAS_LO: u64 = C_LO.to_bits();
    const BIAS_HI: u64 = C_HI.to_bits();
    const BIAS_QUOTIENT: u64 = 0;
    const SPLIT: bool = false;
    type Digit = __m256d;

    #[inline(always)]
    fn digit(self) -> __m256d {
        unsafe {
            let low = _mm256_and_si256(self.0, Self::constant(MASK51));
            let bits = _mm256_or_si256(low, Self::constant(TWO52));
            _mm256_sub_pd(_mm256_castsi256_pd(bits), Self::double((1u64 << 52) as f64))
        }
    }
    #[inline(always)]
    fn integer(digit: __m256d) -> Self {
        unsafe {
            let bits = _mm256_castpd_si256(_mm256_add_pd(digit, Self::double(C_LO)));
            Quad(_mm256_sub_epi64(bits, Self::constant(C_LO.to_bits() as i64)))
        }
    }
    #[inline(always)]
    fn mac(lo: &mut Self, hi: &mut Self, a: __m256d, b: __m256d) {
        note_multiplies(2);
        unsafe {
            let high = _mm256_fmadd_pd(a, b, Self::double(C_HI));
            let rest = _mm256_sub_pd(Self::double(C_SUM), high);
            let low = _mm256_fmadd_pd(a, b, rest);
            hi.0 = _mm256_add_epi64(hi.0, _mm256_castpd_si256(high));
            lo.0 = _mm256_add_epi64(lo.0, _mm256_castpd_si256(low));
        }
    }
    #[inline(always)]
    fn quotient(self, k0: __m256d) -> __m256d {
        note_multiplies(2);
        unsafe {
            let a = self.digit();
            let high = _mm256_fmadd_pd(a, k0, Self::double(C_HI));
            let low = _mm256_fmadd_pd(a, k0, _mm256_sub_pd(Self::double(C_SUM), high));
            // The mantissa is 2^51 + low half, hence right modulo 2^51.
            Quad(_mm256_castpd_si256(low)).digit()
        }
    }
    #[inline(always)]
    fn cancel(mut self, lo: &mut Self, hi: &mut Self, q: __m256d, m0: __m256d) {
        Self::mac(&mut self, hi, q, m0);
        *lo = lo.add(self.carry());
    }
    #[inline(always)]
    fn encode(x: u64) -> u64 {
        (x as f64).to_bits()
    }
    #[inline(always)]
    fn decode(bits: u64) -> u64 {
        f64::from_bits(bits) as u64
    }
}

impl Register for Quad {
    const WIDTH: usize = 4;
    type Mask = __m256i;

    #[inline(always)]
    unsafe fn load(at: *const u64) -> Self {
        unsafe { Quad(_mm256_load_si256(at.cast())) }
    }
    #[inline(always)]
    unsafe fn store(self, at: *mut u64) {
        unsafe { _mm256_store_si256(at.cast(), self.0) }
    }
    #[inline(always)]
    unsafe fn load_digit(at: *const u64) -> __m256d {
        unsafe { _mm256_load_pd(at.cast()) }
    }
    #[inline(always)]
    unsafe fn store_digit(digit: __m256d, at: *mut u64) {
        unsafe { _mm256_store_pd(at.cast(), digit) }
    }
    #[inline(always)]
    unsafe fn splat(x: u64) -> Self {
        Quad(Self::constant(x as i64))
    }
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    unsafe fn mac_tight(lo: &mut Self, hi: &mut Self, a: __m256d, b: __m256d) {
        note_multiplies(2);
        // SAFETY: registers only.
        unsafe {
            let (_high, _low): (__m256d, __m256d);
            core::arch::asm!(
                "vmovapd {high}, {c_hi}",
                "vfmadd231pd {high}, {a}, {b}",
                "vsubpd {low}, {c_sum}, {high}",
                "vpaddq {hi}, {hi}, {high}",
                "vfmadd231pd {low}, {a}, {b}",
                "vpaddq {lo}, {lo}, {low}",
                high = out(ymm_reg) _high,
                low = out(ymm_reg) _low,
                c_hi = in(ymm_reg) Self::double(C_HI),
                c_sum = in(ymm_reg) Self::double(C_SUM),
                a = in(ymm_reg) a,
                b = in(ymm_reg) b,
                lo = inout(ymm_reg) lo.0,
                hi = inout(ymm_reg) hi.0,
                options(pure, nomem, nostack, preserves_flags),
            );
        }
    }
    #[inline(always)]
    fn add(self, b: Self) -> Self {
        unsafe { Quad(_mm256_add_epi64(self.0, b.0)) }
    }
    #[inline(always)]
    fn carry(self) -> Self {
        unsafe { Quad(_mm256_srli_epi64::<51>(self.0)) }
    }
    #[inline(always)]
    fn equal(self, b: Self) -> __m256i {
        unsafe { _mm256_cmpeq_epi64(self.0, b.0) }
    }
    #[inline(always)]
    fn pick(self, mask: __m256i, b: Self) -> Self {
        unsafe { Quad(_mm256_blendv_epi8(self.0, b.0, mask)) }
    }
}
