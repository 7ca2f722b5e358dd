//! Classes of CPU as types: each gives the generic text a place to be compiled for its features.
#[cfg(target_arch = "x86_64")]
use crate::vec::{Avx2, Ifma};
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
