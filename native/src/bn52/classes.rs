//! The products compiled for each class and size of modulus.
use super::power::power;
use super::product::{Operands, add, montgomery};
use super::{Limb, Modulus, Montgomery};
#[cfg(target_arch = "x86_64")]
use crate::vec::{Ifma, Quad};
use crate::vec::{LANES, Word};
use std::mem::MaybeUninit;

/// One class and size: block B, W = 2B, groups of lanes, whether columns are split, window, limbs
/// that a table scan holds in registers.
macro_rules! class {
    ($r:ty, $n:literal, $b:literal, $w:literal, $groups:literal, $split:literal, $window:literal,
     $chunk:literal, [$($attribute:tt)*]) => {
        impl Montgomery<$n> for $r {
            const WINDOW: u32 = $window;

            $($attribute)*
            unsafe fn mul(
                out: &mut [Limb; $n],
                a: &[Limb; $n],
                b: &[Limb; $n],
                modulus: &Modulus<$n>,
            ) {
                let mut q = MaybeUninit::<[Limb; $n]>::uninit();
                let operands = Operands {
                    out: out.as_mut_ptr().cast(),
                    a: a.as_ptr().cast(),
                    b: b.as_ptr().cast(),
                    m: modulus.m.as_ptr().cast(),
                    k0: modulus.k0.0.as_ptr(),
                    q: q.as_mut_ptr().cast(),
                };
                // SAFETY: the caller vouches for the class; limbs are aligned to 64 bytes.
                unsafe { montgomery::<$r, $n, $b, $w, $groups, false, $split>(operands) }
            }

            $($attribute)*
            unsafe fn square(a: &mut [Limb; $n], modulus: &Modulus<$n>, times: u32) {
                let mut q = MaybeUninit::<[Limb; $n]>::uninit();
                let operands = Operands {
                    out: a.as_mut_ptr().cast(),
                    a: a.as_ptr().cast(),
                    b: a.as_ptr().cast(),
                    m: modulus.m.as_ptr().cast(),
                    k0: modulus.k0.0.as_ptr(),
                    q: q.as_mut_ptr().cast(),
                };
                for _ in 0..times {
                    // SAFETY: as above.
                    unsafe { montgomery::<$r, $n, $b, $w, $groups, true, $split>(operands) }
                }
            }

            $($attribute)*
            unsafe fn power(
                out: &mut [Limb; $n],
                base: &[Limb; $n],
                one: &[Limb; $n],
                exponents: &[Limb],
                modulus: &Modulus<$n>,
            ) {
                // SAFETY: as above.
                unsafe { power::<$r, $n, $chunk>(out, base, one, exponents, modulus) }
            }

            $($attribute)*
            unsafe fn sum(out: &mut [Limb; $n], a: &[Limb; $n], b: &[Limb; $n]) {
                let (a, b) = (a.as_ptr().cast(), b.as_ptr().cast());
                // SAFETY: as above.
                unsafe { add::<$r, $n>(out.as_mut_ptr().cast(), a, b) }
            }
        }
    };
}

macro_rules! ifma {
    ($n:literal, $window:literal, $chunk:literal) => {
        class!(Ifma, $n, 5, 10, 1, true, $window, $chunk, [
            #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma")]
        ]);
    };
}

macro_rules! quad {
    ($n:literal, $b:literal, $w:literal, $window:literal, $chunk:literal) => {
        class!(Quad, $n, $b, $w, 2, false, $window, $chunk, [
            #[target_feature(enable = "avx2,fma")]
        ]);
    };
}

macro_rules! word {
    ($n:literal, $window:literal) => {
        class!(Word, $n, 5, 10, 8, false, $window, 5, []);
    };
}

const _: () = assert!(LANES == 8);

// Halves of RSA-2048, 3072 and 4096 moduli, and the moduli themselves.
#[cfg(target_arch = "x86_64")]
ifma!(20, 4, 20);
#[cfg(target_arch = "x86_64")]
ifma!(30, 4, 15);
#[cfg(target_arch = "x86_64")]
ifma!(40, 4, 20);
#[cfg(target_arch = "x86_64")]
ifma!(60, 5, 20);
#[cfg(target_arch = "x86_64")]
ifma!(80, 5, 20);

// 51 bits to the digit take one digit more, rounded up to a multiple of the block.
#[cfg(target_arch = "x86_64")]
quad!(21, 3, 6, 4, 7);
#[cfg(target_arch = "x86_64")]
quad!(32, 4, 8, 4, 8);
#[cfg(target_arch = "x86_64")]
quad!(42, 3, 6, 5, 7);
#[cfg(target_arch = "x86_64")]
quad!(63, 3, 6, 5, 9);
#[cfg(target_arch = "x86_64")]
quad!(81, 3, 6, 5, 9);

word!(20, 5);
word!(30, 5);
word!(40, 5);
word!(60, 5);
word!(80, 5);
