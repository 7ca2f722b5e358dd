//! Arithmetic modulo the primes of the curves (fields and group orders), eight lanes at once, in
//! Montgomery form with as many spare bits as the digits leave.
//!
//! One text for every prime and class: `prime` derives the constants of a modulus for a radix,
//! `product` multiplies, `element` adds and keeps the bounds.
mod class;
mod element;
mod prime;
mod product;
#[cfg(test)]
pub(crate) mod tests;

pub use class::{Class, Task};
pub use element::{Fe, Sum, wipe};
pub use prime::{Modulus, Prime, WORDS, Words, bits, subtract, sum, words};
