//! The fused multiply-accumulate of the multi-buffer kernels, and registers of lanes.
//!
//! A number is a row of digits of `RADIX` bits; a product of two digits is added, in two halves, to
//! two 64-bit columns: `mac(lo, hi, a, b)` leaves lo + hi * 2^RADIX larger by a * b. How a product
//! is split is the class's affair:
//!
//! * AVX-512 IFMA and the portable twin: unsigned digits of 52 bits, low and high half exact.
//! * AVX2 + FMA: digits are doubles, |digit| <= 2^51; the high half is a * b / 2^51 rounded to
//!   nearest, the low half signed. The bit patterns of the doubles are added as they are, so that
//!   each product adds `BIAS_LO` to `lo` and `BIAS_HI` to `hi` besides: a column starts at minus
//!   the sum of its biases (`settled`), modulo 2^64, which nothing else can disturb.
//!
//! No operand or result of a floating-point instruction is ever denormal: digits are integers, the
//! sums lie near 1.5 * 2^103, 1.5 * 2^52 or are integral multiples of 2^51. So no instruction here
//! takes a time that depends on its data.

/// What multiplication needs of a vector (or word) of lanes.
pub trait Multiply: Copy {
    /// Bits of a digit.
    const RADIX: u32;
    /// What `mac` adds to `lo` besides the product.
    const BIAS_LO: u64;
    /// What `mac` adds to `hi` besides the product.
    const BIAS_HI: u64;
    /// A multiplicand; 64 bits per lane in memory, see `encode`.
    type Digit: Copy;

    /// The low RADIX bits as a digit.
    fn digit(self) -> Self::Digit;
    /// The lanes of a digit as integers.
    fn integer(digit: Self::Digit) -> Self;
    /// lo + hi * 2^RADIX += a * b.
    fn mac(lo: &mut Self, hi: &mut Self, a: Self::Digit, b: Self::Digit);
    /// True where a chain of `mac` on one column waits for the multiplier.
    const SPLIT: bool;
    /// What a column holds besides its value when it meets `quotient` and `cancel`.
    const BIAS_QUOTIENT: u64;
    /// The quotient digit of Montgomery's method: column * k0 modulo 2^RADIX.
    fn quotient(self, k0: Self::Digit) -> Self::Digit;
    /// Adds (column + q * m0) / 2^RADIX, which is exact, to `lo` + `hi`. The column is settled but
    /// for BIAS_QUOTIENT, and not negative.
    fn cancel(self, lo: &mut Self, hi: &mut Self, q: Self::Digit, m0: Self::Digit);

    /// The memory form of a digit with the value `x`, below 2^RADIX.
    fn encode(x: u64) -> u64;
    /// The value of a digit from its memory form.
    fn decode(bits: u64) -> u64;

    /// What a column must start from that takes `lo` low and `hi` high halves.
    #[inline(always)]
    fn settled(lo: u64, hi: u64) -> u64 {
        0u64.wrapping_sub(
            Self::BIAS_LO.wrapping_mul(lo).wrapping_add(Self::BIAS_HI.wrapping_mul(hi)),
        )
    }
}

/// One machine register of lanes.
pub trait Register: Multiply {
    /// Lanes of a register; a batch of eight takes `8 / WIDTH` registers per digit.
    const WIDTH: usize;
    /// Lanes chosen by `equal`.
    type Mask: Copy;

    /// # Safety
    /// The CPU has the features of this implementation (also below); `at` is readable for WIDTH
    /// words and aligned to their size.
    unsafe fn load(at: *const u64) -> Self;
    /// # Safety
    /// As `load`, writable.
    unsafe fn store(self, at: *mut u64);
    /// # Safety
    /// As `load`.
    unsafe fn load_digit(at: *const u64) -> Self::Digit;
    /// # Safety
    /// As `store`.
    unsafe fn store_digit(digit: Self::Digit, at: *mut u64);
    /// # Safety
    /// The CPU has the features of this implementation.
    unsafe fn splat(x: u64) -> Self;
    /// `mac`, kept together where the compiler would move its parts about and spill.
    ///
    /// # Safety
    /// The CPU has the features of this implementation.
    #[inline(always)]
    unsafe fn mac_tight(lo: &mut Self, hi: &mut Self, a: Self::Digit, b: Self::Digit) {
        Self::mac(lo, hi, a, b);
    }
    fn add(self, b: Self) -> Self;
    /// Logical shift right by RADIX.
    fn carry(self) -> Self;
    fn equal(self, b: Self) -> Self::Mask;
    /// `b` in the lanes of the mask, else `self`; constant time.
    fn pick(self, mask: Self::Mask, b: Self) -> Self;
}
