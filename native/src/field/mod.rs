//! Arithmetic modulo the primes of the curves (fields and group orders), eight lanes at once, in
//! Montgomery form with as many spare bits as the digits leave.
//!
//! One text for every prime and class: `prime` derives the constants of a modulus for a radix,
//! `product` multiplies, `element` adds and keeps the bounds.
#![allow(clippy::absurd_extreme_comparisons, reason = "`each!` compares constants, 0 among them")]
mod class;
mod column;
mod element;
mod f25519;
mod prime;
mod product;
#[cfg(test)]
pub(crate) mod tests;

pub use class::{Class, Task};
pub use element::{Fe, Sum, wipe};
pub use f25519::{Element25519, Field25519, P25519, invert_all as invert_all_25519};
pub use prime::{Modulus, Prime, WORDS, Words, bits, subtract, sum, words};
