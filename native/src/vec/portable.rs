//! The portable twin.
use super::multiply::Multiply;
use super::{LANES, MASK52, Vector};
use core::hint::black_box;

/// Portable twin of the vector kernels: for other CPUs, valgrind, Miri and sanitizers.
#[derive(Clone, Copy)]
pub struct Portable([u64; LANES]);

macro_rules! lanewise {
    ($a:expr, $b:expr, $f:expr) => {{
        let mut out = [0u64; LANES];
        for i in 0..LANES {
            out[i] = $f($a.0[i], $b.0[i]);
        }
        Portable(out)
    }};
}

impl Vector for Portable {
    #[inline(always)]
    unsafe fn splat(x: u64) -> Self {
        Portable([x; LANES])
    }
    #[inline(always)]
    unsafe fn load(lanes: &[u64; LANES]) -> Self {
        Portable(*lanes)
    }
    #[inline(always)]
    fn store(self) -> [u64; LANES] {
        self.0
    }
    #[inline(always)]
    fn add(self, b: Self) -> Self {
        lanewise!(self, b, u64::wrapping_add)
    }
    #[inline(always)]
    fn sub(self, b: Self) -> Self {
        lanewise!(self, b, u64::wrapping_sub)
    }
    #[inline(always)]
    fn and(self, b: Self) -> Self {
        lanewise!(self, b, |x: u64, y: u64| x & y)
    }
    #[inline(always)]
    fn or(self, b: Self) -> Self {
        lanewise!(self, b, |x: u64, y: u64| x | y)
    }
    #[inline(always)]
    fn xor(self, b: Self) -> Self {
        lanewise!(self, b, |x: u64, y: u64| x ^ y)
    }
    #[inline(always)]
    fn shl<const BITS: u32>(self) -> Self {
        lanewise!(self, self, |x: u64, _| x << BITS)
    }
    #[inline(always)]
    fn shr<const BITS: u32>(self) -> Self {
        lanewise!(self, self, |x: u64, _| x >> BITS)
    }
    #[inline(always)]
    fn sar<const BITS: u32>(self) -> Self {
        lanewise!(self, self, |x: u64, _| ((x as i64) >> BITS) as u64)
    }
    #[inline(always)]
    fn mac_lo(self, a: Self, b: Self) -> Self {
        let p = lanewise!(a, b, |x: u64, y: u64| {
            (u128::from(x & MASK52) * u128::from(y & MASK52)) as u64 & MASK52
        });
        self.add(p)
    }
    #[inline(always)]
    fn mac_hi(self, a: Self, b: Self) -> Self {
        let p = lanewise!(a, b, |x: u64, y: u64| {
            ((u128::from(x & MASK52) * u128::from(y & MASK52)) >> 52) as u64
        });
        self.add(p)
    }
    #[inline(always)]
    fn select(mask: Self, a: Self, b: Self) -> Self {
        // The barriers here and below keep the compiler from making branches of masks; it did, in
        // scans of tables (found by the constant-time check).
        let mask = black_box(mask);
        a.and(mask).or(lanewise!(mask, b, |m: u64, y: u64| !m & y))
    }
    #[inline(always)]
    fn is_zero(self) -> Self {
        black_box(lanewise!(self, self, |x: u64, _| {
            ((x | x.wrapping_neg()) >> 63).wrapping_sub(1)
        }))
    }
    #[inline(always)]
    fn lookup(table: &[u64], index: Self) -> Self {
        let mut out = [0u64; LANES];
        for (j, entry) in table.iter().enumerate() {
            let masks: [u64; LANES] = black_box(std::array::from_fn(|i| {
                let diff = index.0[i] ^ j as u64;
                ((diff | diff.wrapping_neg()) >> 63).wrapping_sub(1)
            }));
            for i in 0..LANES {
                out[i] |= entry & masks[i];
            }
        }
        Portable(out)
    }
}

impl Multiply for Portable {
    const RADIX: u32 = 52;
    const BIAS_LO: u64 = 0;
    const BIAS_HI: u64 = 0;
    const BIAS_QUOTIENT: u64 = 0;
    const SPLIT: bool = false;
    type Digit = Portable;

    #[inline(always)]
    fn digit(self) -> Portable {
        Portable(self.0.map(|x| x & MASK52))
    }
    #[inline(always)]
    fn integer(digit: Portable) -> Self {
        digit
    }
    #[inline(always)]
    fn mac(lo: &mut Self, hi: &mut Self, a: Portable, b: Portable) {
        *lo = lo.mac_lo(a, b);
        *hi = hi.mac_hi(a, b);
    }
    #[inline(always)]
    fn quotient(self, k0: Portable) -> Portable {
        Portable([0; LANES]).mac_lo(self, k0)
    }
    #[inline(always)]
    fn cancel(mut self, lo: &mut Self, hi: &mut Self, q: Portable, m0: Portable) {
        Self::mac(&mut self, hi, q, m0);
        *lo = lo.add(self.shr::<52>());
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
