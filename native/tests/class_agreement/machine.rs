//! The classes of CPU as types, so that one text of a test is compiled for each.
use keystrel_native::vec::{Portable, Vector};

/// Work that is compiled for a class: `run` and all it calls must be `inline(always)`.
pub trait Task {
    type Out;
    fn run<M: Machine>(self) -> Self::Out;
}

pub trait Machine {
    const NAME: &'static str;
    type V: Vector;
    /// True where this CPU (real or emulated) runs the class.
    fn is_here() -> bool;
    /// # Safety
    /// `is_here()`.
    unsafe fn enter<T: Task>(task: T) -> T::Out;
}

pub struct PortableMachine;

impl Machine for PortableMachine {
    const NAME: &'static str = "portable";
    type V = Portable;
    fn is_here() -> bool {
        true
    }
    unsafe fn enter<T: Task>(task: T) -> T::Out {
        task.run::<Self>()
    }
}

#[cfg(target_arch = "x86_64")]
pub struct IfmaMachine;

#[cfg(target_arch = "x86_64")]
impl Machine for IfmaMachine {
    const NAME: &'static str = "ifma";
    type V = keystrel_native::vec::Ifma;
    fn is_here() -> bool {
        is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512ifma")
    }
    unsafe fn enter<T: Task>(task: T) -> T::Out {
        #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma")]
        fn compiled<T: Task>(task: T) -> T::Out {
            task.run::<IfmaMachine>()
        }
        // SAFETY: the caller vouches for the features.
        unsafe { compiled(task) }
    }
}
