//! Classes of CPU as types: each gives the generic text a place to be compiled for its features.
use super::prime::Prime;
use super::product;
use crate::vec::sha256::Row;
#[cfg(target_arch = "x86_64")]
use crate::vec::{Avx2, Ifma, Quad, sha256};
use crate::vec::{Multiply, Portable, Vector};

/// A piece of generic text that is compiled as one function of a class, with everything that it
/// calls inlined, up to the next `outline`.
pub trait Task {
    type Out;
    fn run(self) -> Self::Out;
}

/// A vector class. `outline` runs a task in a function of its own, compiled for the class.
pub trait Class: Vector + Multiply + 'static {
    const NAME: &'static str;
    /// A product of 256 bits is so short that a call would cost too much.
    const INLINES: bool = false;
    /// Bits of a window over the generator's multiples for orders of 256 bits: what a lookup among
    /// 2^(bits - 1) entries costs, against the additions that it saves.
    const COMB_WIDTH_256: u32 = 6;
    /// The product of `product::product`, in the registers that suit the class.
    #[inline(always)]
    fn product<P: Prime, const N: usize>(a: &[Self; N], b: &[Self; N]) -> [Self; N] {
        product::product::<Self, P, N>(a, b)
    }

    /// As `product`, of a number with itself.
    #[inline(always)]
    fn squared<P: Prime, const N: usize>(a: &[Self; N]) -> [Self; N] {
        product::square::<Self, P, N>(a)
    }

    /// SHA-256's compression function on sixteen lanes (see `vec::sha256`), where the class has one
    /// that is faster than the CPU's own instructions lane by lane; else false, and nothing is done.
    #[inline(always)]
    fn sha256(_proof: Self, _states: &mut [Row; 8], _words: &[Row; 16]) -> bool {
        false
    }

    /// # Safety
    /// The CPU has the features of the class.
    unsafe fn enter<T: Task>(task: T) -> T::Out;

    /// As `enter`; `_proof` shows that the CPU has the features.
    #[inline(always)]
    fn outline<T: Task>(_proof: Self, task: T) -> T::Out {
        // SAFETY: a value of the class exists.
        unsafe { Self::enter(task) }
    }
}

impl Class for Portable {
    const NAME: &'static str = "portable";
    #[inline(never)]
    unsafe fn enter<T: Task>(task: T) -> T::Out {
        task.run()
    }
}

#[cfg(target_arch = "x86_64")]
impl Class for Ifma {
    const NAME: &'static str = "ifma";
    const INLINES: bool = true;
    const COMB_WIDTH_256: u32 = 8;

    #[inline(always)]
    fn sha256(_proof: Self, states: &mut [Row; 8], words: &[Row; 16]) -> bool {
        // SAFETY: a value of the class exists.
        unsafe { sha256::compress(states, words) };
        true
    }

    #[inline(always)]
    unsafe fn enter<T: Task>(task: T) -> T::Out {
        #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma")]
        #[inline(never)]
        fn compiled<T: Task>(task: T) -> T::Out {
            task.run()
        }
        // SAFETY: the caller vouches for the features.
        unsafe { compiled(task) }
    }
}

#[cfg(target_arch = "x86_64")]
impl Class for Avx2 {
    const NAME: &'static str = "avx2";

    #[inline(always)]
    fn product<P: Prime, const N: usize>(a: &[Self; N], b: &[Self; N]) -> [Self; N] {
        // Sixteen registers hold no row of both groups; below 11 digits the pairs still win.
        if N <= 8 {
            return product::product::<Self, P, N>(a, b);
        }
        let mut out = *a;
        let mut parts = [[a[0].halves()[0]; N]; 2];
        for (half, part) in parts.iter_mut().enumerate() {
            *part = product::product::<Quad, P, N>(&half_of(a, half), &half_of(b, half));
        }
        for i in 0..N {
            out[i] = Avx2::of_halves(parts[0][i], parts[1][i]);
        }
        out
    }

    #[inline(always)]
    fn squared<P: Prime, const N: usize>(a: &[Self; N]) -> [Self; N] {
        if N <= 8 {
            return product::square::<Self, P, N>(a);
        }
        let mut out = *a;
        let mut parts = [[a[0].halves()[0]; N]; 2];
        for (half, part) in parts.iter_mut().enumerate() {
            *part = product::square::<Quad, P, N>(&half_of(a, half));
        }
        for i in 0..N {
            out[i] = Avx2::of_halves(parts[0][i], parts[1][i]);
        }
        out
    }

    #[inline(always)]
    unsafe fn enter<T: Task>(task: T) -> T::Out {
        #[target_feature(enable = "avx2,fma")]
        #[inline(never)]
        fn compiled<T: Task>(task: T) -> T::Out {
            task.run()
        }
        // SAFETY: the caller vouches for the features.
        unsafe { compiled(task) }
    }
}

/// Four of the eight lanes.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn half_of<const N: usize>(a: &[Avx2; N], half: usize) -> [Quad; N] {
    let mut out = [a[0].halves()[half]; N];
    for i in 0..N {
        out[i] = a[i].halves()[half];
    }
    out
}
