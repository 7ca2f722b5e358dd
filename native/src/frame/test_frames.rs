//! Frames of tests: built from jobs, run, and read. Unit tests share this with tests/differential.
use super::{DESCRIPTOR_BYTES, FRAME_MAGIC, HEADER_BYTES, Handle, Status, field, run_frame};

/// A job of a frame to be.
#[derive(Clone, Copy)]
pub struct One<'a> {
    pub op: u16,
    /// Algorithm, or key spec.
    pub alg: u16,
    pub key: Option<Handle>,
    pub key2: Option<Handle>,
    pub param: u32,
    pub inputs: [&'a [u8]; 3],
    /// Room for the output, bytes.
    pub cap: usize,
}

/// A frame of the jobs, their statuses not yet set.
pub fn build(jobs: &[One<'_>]) -> Vec<u8> {
    let mut frame = vec![0u8; HEADER_BYTES + jobs.len() * DESCRIPTOR_BYTES];
    let put = |frame: &mut Vec<u8>, at: usize, value: u32| {
        frame[at..at + 4].copy_from_slice(&value.to_le_bytes());
    };
    put(&mut frame, 0, FRAME_MAGIC);
    put(&mut frame, 4, jobs.len() as u32);
    for (n, job) in jobs.iter().enumerate() {
        let d = HEADER_BYTES + n * DESCRIPTOR_BYTES;
        put(&mut frame, d + field::op, u32::from(job.op) | u32::from(job.alg) << 16);
        put(&mut frame, d + field::status, 1);
        if let Some(key) = job.key {
            put(&mut frame, d + field::keySlot, key.slot);
            put(&mut frame, d + field::keyGen, key.generation);
        }
        if let Some(key) = job.key2 {
            put(&mut frame, d + field::key2Slot, key.slot);
            put(&mut frame, d + field::key2Gen, key.generation);
        }
        for (i, input) in job.inputs.iter().enumerate() {
            let at = frame.len() as u32;
            put(&mut frame, d + field::in0 + 8 * i, at);
            put(&mut frame, d + field::in0 + 8 * i + 4, input.len() as u32);
            frame.extend_from_slice(input);
        }
        let at = frame.len();
        put(&mut frame, d + field::out, at as u32);
        put(&mut frame, d + field::outCap, job.cap as u32);
        put(&mut frame, d + field::param, job.param);
        frame.resize(at + job.cap, 0);
    }
    let used = frame.len() as u32;
    put(&mut frame, 8, used);
    frame
}

/// Status and output of each job of a frame that has run.
pub fn read(frame: &[u8]) -> Vec<(u32, Vec<u8>)> {
    let word = |at: usize| u32::from_le_bytes(frame[at..at + 4].try_into().expect("4 bytes"));
    (0..word(4) as usize)
        .map(|n| {
            let d = HEADER_BYTES + n * DESCRIPTOR_BYTES;
            let (at, len) = (word(d + field::out) as usize, word(d + field::outLen) as usize);
            (word(d + field::status), frame[at..at + len].to_vec())
        })
        .collect()
}

/// Builds and runs a frame of the jobs; gives status and output of each.
pub fn run_all(jobs: &[One<'_>]) -> Vec<(u32, Vec<u8>)> {
    let mut frame = build(jobs);
    assert_eq!(run_frame(&mut frame), Status::Ok);
    read(&frame)
}
