//! The native engine of Keystrel: keys live in an arena of locked memory; JavaScript hands over
//! frames of jobs and never sees key material.
pub mod arena;
pub mod bn52;
pub mod break_even;
pub mod cpu;
pub mod ec;
pub mod ffi;
pub mod field;
pub mod frame;
pub mod keygen;
#[cfg(all(test, feature = "count", target_arch = "x86_64"))]
mod multiply_counts;
#[cfg(feature = "napi")]
pub mod napi;
pub mod rsa;
pub mod secrecy;
pub mod selftest;
pub mod sigv4;
pub mod sm2;
pub mod symmetric;
pub mod vault;
pub mod vec;
