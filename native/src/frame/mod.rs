//! Frames: packed batches of jobs, one native call each.
#[cfg(target_arch = "x86_64")]
mod asymmetric_jobs;
#[cfg(test)]
mod ec_tests;
mod exec;
mod import_jobs;
#[cfg(test)]
mod import_tests;
mod keygen_jobs;
mod layout;
mod making_jobs;
#[cfg(test)]
mod making_tests;
#[cfg(test)]
mod remains_secrets;
#[cfg(test)]
mod remains_tests;
#[cfg(test)]
mod rsa_tests;
#[cfg(target_arch = "x86_64")]
mod short_jobs;
#[cfg(all(test, target_arch = "x86_64"))]
mod short_tests;
mod signing;
mod single;
mod sm2_jobs;
#[cfg(test)]
mod test_frames;
#[cfg(test)]
mod tests;

#[cfg(test)]
use crate::arena::Handle;
pub use exec::{run_frame, short_messages};
pub use layout::*;
pub use single::{run_single, run_single_with};
