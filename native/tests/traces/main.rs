//! What operations leave behind: flags of denormal numbers, secrets on the stack.
#![cfg(target_arch = "x86_64")]
mod denormals;
mod wiped;
