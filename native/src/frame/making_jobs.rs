//! Key pairs for the jobs of a frame that make some, many at a time: candidates for RSA's primes and
//! the curves' scalars of all of them share batches. Sealing each is the executor's.
use super::exec::{Spans, descriptor};
use super::layout::{DESCRIPTOR_BYTES, HEADER_BYTES, Status, field, op};
use crate::arena;
use crate::ffi::GeneratedPair;
use crate::keygen;

/// Pairs by job.
#[derive(Default)]
pub(super) struct Pairs(Vec<(usize, Result<GeneratedPair, Status>)>);

impl Pairs {
    /// Makes the pairs of a frame of `count` jobs. A job that is odd in any way gets none, and so does
    /// one that is alone of its spec: the executor answers it.
    pub fn make(frame: &[u8], count: usize) -> Self {
        let mut wanted: Vec<(u16, usize)> =
            (0..count).filter_map(|job| Some((spec_of(frame, job, count)?, job))).collect();
        wanted.sort_unstable();
        let mut pairs = Vec::new();
        for group in wanted.chunk_by(|a, b| a.0 == b.0).filter(|group| group.len() > 1) {
            let made = keygen::generate_many(group[0].0, group.len());
            pairs.extend(group.iter().map(|(_, job)| *job).zip(made));
        }
        Self(pairs)
    }

    /// The pair of a job, or a fresh one; once.
    pub fn take(&mut self, job: usize, spec: u16) -> Result<GeneratedPair, Status> {
        match self.0.iter().position(|(of, _)| *of == job) {
            Some(at) => self.0.swap_remove(at).1,
            None => keygen::generate(spec),
        }
    }
}

/// The spec of the pair that a job will make, where nothing that can be seen now is wrong with it.
fn spec_of(frame: &[u8], job: usize, count: usize) -> Option<u16> {
    let words = descriptor(frame, HEADER_BYTES + job * DESCRIPTOR_BYTES);
    let operation = words[field::op / 4] as u16;
    if !matches!(operation, op::GENERATE_KEY | op::GENERATE_KEY_PAIR) {
        return None;
    }
    let spec = (words[field::op / 4] >> 16) as u16;
    Spans::read(frame, &words, count).ok()?;
    let key = arena::get(words[field::keySlot / 4], words[field::keyGen / 4]).ok()?;
    key.encryption_key().ok()?;
    keygen::is_batched(spec).then_some(spec)
}
