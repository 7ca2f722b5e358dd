//! Blocks of 16 bytes side by side in one register, for AES (FIPS 197) and GHASH (SP 800-38D): the
//! same text runs one block per register (AES-NI), two (VAES, 256 bits) or four (VAES, 512 bits).
use core::arch::x86_64::*;

/// `LANES` independent blocks of 16 bytes. All operations are constant-time instructions.
///
/// # Safety
/// Every function: the CPU has the features of the implementation; pointers are valid for
/// `16 * LANES` bytes.
pub trait Blocks: Copy {
    const LANES: usize;
    unsafe fn load(from: *const u8) -> Self;
    unsafe fn store(self, to: *mut u8);
    /// The same block in every lane.
    unsafe fn splat(block: __m128i) -> Self;
    unsafe fn xor(self, b: Self) -> Self;
    unsafe fn and(self, b: Self) -> Self;
    unsafe fn add32(self, b: Self) -> Self;
    unsafe fn aesenc(self, key: Self) -> Self;
    unsafe fn aesenclast(self, key: Self) -> Self;
    unsafe fn shuffle8(self, by: Self) -> Self;
    unsafe fn shuffle32<const BY: i32>(self) -> Self;
    unsafe fn shift_left_bytes<const N: i32>(self) -> Self;
    unsafe fn shift_right_bytes<const N: i32>(self) -> Self;
    unsafe fn shift_left64<const N: i32>(self) -> Self;
    unsafe fn shift_right64<const N: i32>(self) -> Self;
    /// Each 32-bit word filled with its top bit.
    unsafe fn sign32(self) -> Self;
    unsafe fn clmul<const IMM: i32>(self, b: Self) -> Self;
}

/// One block is its own splat.
#[inline(always)]
unsafe fn same(block: __m128i) -> __m128i {
    block
}

/// `_mm512_srai_epi32` counts in u32, unlike its smaller kin.
#[inline(always)]
unsafe fn srai512<const N: i32>(v: __m512i) -> __m512i {
    const { assert!(N == 31) };
    // SAFETY: the caller has AVX-512.
    unsafe { _mm512_srai_epi32::<31>(v) }
}

macro_rules! blocks {
    (
        $(#[$doc:meta])* $name:ident, $inner:ty, $lanes:literal, $pointer:ty, $load:ident, $store:ident, $splat:ident,
        $xor:ident, $and:ident, $add:ident, $enc:ident, $last:ident, $shuffle8:ident,
        $shuffle32:ident, $left:ident, $right:ident, $left64:ident, $right64:ident, $sign:ident,
        $clmul:ident
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub struct $name($inner);

        // SAFETY (whole impl): the trait's contract.
        impl Blocks for $name {
            const LANES: usize = $lanes;
            #[inline(always)]
            unsafe fn load(from: *const u8) -> Self {
                unsafe { Self($load(from.cast::<$pointer>())) }
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut u8) {
                unsafe { $store(to.cast::<$pointer>(), self.0) }
            }
            #[inline(always)]
            unsafe fn splat(block: __m128i) -> Self {
                unsafe { Self($splat(block)) }
            }
            #[inline(always)]
            unsafe fn xor(self, b: Self) -> Self {
                unsafe { Self($xor(self.0, b.0)) }
            }
            #[inline(always)]
            unsafe fn and(self, b: Self) -> Self {
                unsafe { Self($and(self.0, b.0)) }
            }
            #[inline(always)]
            unsafe fn add32(self, b: Self) -> Self {
                unsafe { Self($add(self.0, b.0)) }
            }
            #[inline(always)]
            unsafe fn aesenc(self, key: Self) -> Self {
                unsafe { Self($enc(self.0, key.0)) }
            }
            #[inline(always)]
            unsafe fn aesenclast(self, key: Self) -> Self {
                unsafe { Self($last(self.0, key.0)) }
            }
            #[inline(always)]
            unsafe fn shuffle8(self, by: Self) -> Self {
                unsafe { Self($shuffle8(self.0, by.0)) }
            }
            #[inline(always)]
            unsafe fn shuffle32<const BY: i32>(self) -> Self {
                unsafe { Self($shuffle32::<BY>(self.0)) }
            }
            #[inline(always)]
            unsafe fn shift_left_bytes<const N: i32>(self) -> Self {
                unsafe { Self($left::<N>(self.0)) }
            }
            #[inline(always)]
            unsafe fn shift_right_bytes<const N: i32>(self) -> Self {
                unsafe { Self($right::<N>(self.0)) }
            }
            #[inline(always)]
            unsafe fn shift_left64<const N: i32>(self) -> Self {
                unsafe { Self($left64(self.0, _mm_cvtsi32_si128(N))) }
            }
            #[inline(always)]
            unsafe fn shift_right64<const N: i32>(self) -> Self {
                unsafe { Self($right64(self.0, _mm_cvtsi32_si128(N))) }
            }
            #[inline(always)]
            unsafe fn sign32(self) -> Self {
                unsafe { Self($sign::<31>(self.0)) }
            }
            #[inline(always)]
            unsafe fn clmul<const IMM: i32>(self, b: Self) -> Self {
                unsafe { Self($clmul::<IMM>(self.0, b.0)) }
            }
        }
    };
}

blocks!(
    /// AES-NI and PCLMULQDQ.
    One, __m128i, 1,
    __m128i, _mm_loadu_si128, _mm_storeu_si128, same,
    _mm_xor_si128, _mm_and_si128, _mm_add_epi32, _mm_aesenc_si128, _mm_aesenclast_si128,
    _mm_shuffle_epi8, _mm_shuffle_epi32, _mm_bslli_si128, _mm_bsrli_si128,
    _mm_sll_epi64, _mm_srl_epi64,
    _mm_srai_epi32,
    _mm_clmulepi64_si128
);

blocks!(
    /// VAES and VPCLMULQDQ on 256 bits.
    Two, __m256i, 2,
    __m256i, _mm256_loadu_si256, _mm256_storeu_si256, _mm256_broadcastsi128_si256,
    _mm256_xor_si256, _mm256_and_si256, _mm256_add_epi32, _mm256_aesenc_epi128,
    _mm256_aesenclast_epi128, _mm256_shuffle_epi8, _mm256_shuffle_epi32, _mm256_bslli_epi128,
    _mm256_bsrli_epi128,
    _mm256_sll_epi64, _mm256_srl_epi64,
    _mm256_srai_epi32,
    _mm256_clmulepi64_epi128
);

blocks!(
    /// VAES and VPCLMULQDQ on 512 bits.
    Four, __m512i, 4,
    __m512i, _mm512_loadu_si512, _mm512_storeu_si512, _mm512_broadcast_i32x4,
    _mm512_xor_si512, _mm512_and_si512, _mm512_add_epi32, _mm512_aesenc_epi128,
    _mm512_aesenclast_epi128, _mm512_shuffle_epi8, _mm512_shuffle_epi32, _mm512_bslli_epi128,
    _mm512_bsrli_epi128,
    _mm512_sll_epi64, _mm512_srl_epi64,
    srai512,
    _mm512_clmulepi64_epi128
);
