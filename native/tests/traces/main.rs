//! What operations leave behind: flags of denormal numbers.
#![cfg(target_arch = "x86_64")]
mod denormals;
