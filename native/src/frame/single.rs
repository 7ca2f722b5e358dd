//! A frame of one job, for self-tests.
use super::exec::run_frame;
use super::layout::{DESCRIPTOR_BYTES, FRAME_MAGIC, HEADER_BYTES, Status, alg, field};
use crate::arena::Handle;

/// Runs one job without algorithm and parameter; gives its output (at most `cap` bytes), or its
/// status.
pub fn run_single(op: u16, key: Handle, inputs: [&[u8]; 3], cap: usize) -> Result<Vec<u8>, u32> {
    run_single_with(op, alg::NONE, 0, key, inputs, cap)
}

/// As `run_single`, with algorithm and parameter.
pub fn run_single_with(
    op: u16,
    alg: u16,
    param: u32,
    key: Handle,
    inputs: [&[u8]; 3],
    cap: usize,
) -> Result<Vec<u8>, u32> {
    let payload: usize = inputs.iter().map(|input| input.len()).sum();
    let mut frame = vec![0u8; HEADER_BYTES + DESCRIPTOR_BYTES + payload + cap];
    let mut put = |at: usize, value: usize| {
        frame[at..at + 4].copy_from_slice(&(value as u32).to_le_bytes());
    };
    let d = HEADER_BYTES;
    put(0, FRAME_MAGIC as usize);
    put(4, 1);
    put(8, HEADER_BYTES + DESCRIPTOR_BYTES + payload + cap);
    put(d + field::op, usize::from(op) | usize::from(alg) << 16);
    put(d + field::param, param as usize);
    put(d + field::status, Status::Pending as usize);
    put(d + field::keySlot, key.slot as usize);
    put(d + field::keyGen, key.generation as usize);
    put(d + field::out, HEADER_BYTES + DESCRIPTOR_BYTES + payload);
    put(d + field::outCap, cap);
    let mut at = HEADER_BYTES + DESCRIPTOR_BYTES;
    for (i, input) in inputs.iter().enumerate() {
        put(d + field::in0 + 8 * i, at);
        put(d + field::in0 + 8 * i + 4, input.len());
        at += input.len();
    }
    at = HEADER_BYTES + DESCRIPTOR_BYTES;
    for input in inputs {
        frame[at..at + input.len()].copy_from_slice(input);
        at += input.len();
    }
    if run_frame(&mut frame) != Status::Ok {
        return Err(Status::BadFrame as u32);
    }
    let read =
        |at: usize| u32::from_le_bytes([frame[at], frame[at + 1], frame[at + 2], frame[at + 3]]);
    let (status, len) = (read(d + field::status), read(d + field::outLen) as usize);
    if status == Status::Ok as u32 { Ok(frame[at..at + len].to_vec()) } else { Err(status) }
}
