//! Frames: packed batches of jobs, one native call each.
mod exec;
mod keygen_jobs;
mod layout;
#[cfg(test)]
mod tests;

pub use exec::run_frame;
pub use layout::*;
