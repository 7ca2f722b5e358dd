//! The classes of CPU as types, so that one text of a test is compiled for each.
use keystrel_native::cpu::Class;
use keystrel_native::ec::batch::Kernels;
use keystrel_native::rsa::lane_key::Kernel;
use keystrel_native::vec::{Multiply, Portable, Vector};

/// Work that is compiled for a class: `run` and all it calls must be `inline(always)`.
pub trait Task {
    type Out;
    fn run<M: Machine>(self) -> Self::Out;
}

pub trait Machine {
    const NAME: &'static str;
    /// The class in the batches of RSA.
    const KERNEL: Kernel;
    type V: Vector + Multiply;
    /// The class in the batches of curves; where it is.
    fn ec_kernels() -> Kernels;
    /// True where this CPU (real or emulated) runs the class.
    fn is_here() -> bool;
    /// # Safety
    /// `is_here()`.
    unsafe fn enter<T: Task>(task: T) -> T::Out;
}

pub struct PortableMachine;

impl Machine for PortableMachine {
    const NAME: &'static str = "portable";
    const KERNEL: Kernel = Kernel::Portable;
    type V = Portable;
    fn ec_kernels() -> Kernels {
        Kernels::portable()
    }
    fn is_here() -> bool {
        true
    }
    unsafe fn enter<T: Task>(task: T) -> T::Out {
        task.run::<Self>()
    }
}

#[cfg(target_arch = "x86_64")]
macro_rules! machine {
    ($name:ident, $text:literal, $kernel:ident, $vector:ident, $features:literal, $is_here:expr) => {
        pub struct $name;

        impl Machine for $name {
            const NAME: &'static str = $text;
            const KERNEL: Kernel = Kernel::$kernel;
            type V = keystrel_native::vec::$vector;
            fn ec_kernels() -> Kernels {
                Kernels::of_class(Class::$kernel).expect("the CPU has the class")
            }
            fn is_here() -> bool {
                $is_here
            }
            unsafe fn enter<T: Task>(task: T) -> T::Out {
                #[target_feature(enable = $features)]
                fn compiled<T: Task>(task: T) -> T::Out {
                    task.run::<$name>()
                }
                // SAFETY: the caller vouches for the features.
                unsafe { compiled(task) }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
machine!(
    IfmaMachine,
    "ifma",
    Ifma,
    Ifma,
    "avx512f,avx512dq,avx512vl,avx512ifma",
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512ifma")
);

#[cfg(target_arch = "x86_64")]
machine!(
    Avx2Machine,
    "avx2",
    Avx2,
    Avx2,
    "avx2,fma",
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
);
