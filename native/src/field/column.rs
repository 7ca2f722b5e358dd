//! What products need of a register: a whole batch of eight lanes, or a part of one where eight lanes
//! would not leave enough registers (four, for AVX2).
use crate::vec::{Multiply, Vector};
#[cfg(target_arch = "x86_64")]
use crate::vec::{Quad, Register};

/// A register of 64-bit columns.
pub trait Column: Multiply {
    /// A constant in every lane; `_proof` shows that the CPU has what the register needs.
    fn constant(_proof: Self, x: u64) -> Self;
    fn plus(self, b: Self) -> Self;
    fn minus(self, b: Self) -> Self;
    fn masked(self, mask: Self) -> Self;
    /// The bits from RADIX up.
    fn high(self) -> Self;
    /// Bit RADIX - 1, for a digit.
    fn top_bit(self) -> Self;
    /// self * k modulo 2^RADIX.
    fn times_low(self, k: u64) -> Self::Digit;
    /// `mac`, in a form that leaves the compiler no room to spill, where that pays.
    #[inline(always)]
    fn mac_long(lo: &mut Self, hi: &mut Self, a: Self::Digit, b: Self::Digit) {
        Self::mac(lo, hi, a, b);
    }
}

impl<V: Vector + Multiply> Column for V {
    #[inline(always)]
    fn constant(_proof: V, x: u64) -> V {
        // SAFETY: a value of V exists, hence the CPU has what V needs.
        unsafe { V::splat(x) }
    }
    #[inline(always)]
    fn plus(self, b: V) -> V {
        self.add(b)
    }
    #[inline(always)]
    fn minus(self, b: V) -> V {
        self.sub(b)
    }
    #[inline(always)]
    fn masked(self, mask: V) -> V {
        self.and(mask)
    }
    #[inline(always)]
    fn high(self) -> V {
        if V::RADIX == 52 { self.shr::<52>() } else { self.shr::<51>() }
    }
    #[inline(always)]
    fn top_bit(self) -> V {
        if V::RADIX == 52 { self.shr::<51>() } else { self.shr::<50>() }
    }
    #[inline(always)]
    fn times_low(self, k: u64) -> V::Digit {
        if V::RADIX == 52 {
            V::constant(self, 0).mac_lo(self, V::constant(self, k)).digit()
        } else {
            let biased = self.add(V::constant(self, V::BIAS_QUOTIENT));
            biased.quotient(V::constant(self, k).digit())
        }
    }
}

#[cfg(target_arch = "x86_64")]
impl Column for Quad {
    #[inline(always)]
    fn constant(_proof: Quad, x: u64) -> Quad {
        // SAFETY: a Quad exists, hence the CPU has AVX2 and FMA.
        unsafe { <Quad as Register>::splat(x) }
    }
    #[inline(always)]
    fn plus(self, b: Quad) -> Quad {
        Register::add(self, b)
    }
    #[inline(always)]
    fn minus(self, b: Quad) -> Quad {
        self.sub(b)
    }
    #[inline(always)]
    fn masked(self, mask: Quad) -> Quad {
        self.and(mask)
    }
    #[inline(always)]
    fn high(self) -> Quad {
        self.carry()
    }
    #[inline(always)]
    fn top_bit(self) -> Quad {
        self.shr::<50>()
    }
    #[inline(always)]
    fn times_low(self, k: u64) -> <Quad as Multiply>::Digit {
        self.quotient(Self::constant(self, k).digit())
    }
    #[inline(always)]
    fn mac_long(
        lo: &mut Quad,
        hi: &mut Quad,
        a: <Quad as Multiply>::Digit,
        b: <Quad as Multiply>::Digit,
    ) {
        // SAFETY: as in `constant`.
        unsafe { Quad::mac_tight(lo, hi, a, b) }
    }
}
