//! The short messages of a frame, up to sixteen at a time through `symmetric::small`. A job that is
//! odd in any way (unknown key, no room, long text) is left to the executor, which answers it.
use super::exec::{Spans, descriptor, finish};
use super::layout::{DESCRIPTOR_BYTES, HEADER_BYTES, SEAL_OVERHEAD_BYTES, Status, field, op, spec};
use crate::arena::{self, KeyBody};
use crate::symmetric::RandomPool;
use crate::symmetric::small::{self, BATCH, Kernels, MacJob, MacScratch, Pads, Row, Scratch};
use std::sync::Arc;
use subtle::ConstantTimeEq;

const NONCE: usize = 16;
const IV: usize = 12;
const TAG: usize = 16;
const TEXT_MAX: usize = 16 * small::TEXT_BLOCKS;
const AAD_MAX: usize = 16 * small::AAD_BLOCKS;

type Span = (usize, usize);

/// A message to seal or to open. Offsets count from the start of the frame.
struct Message {
    /// Its descriptor.
    at: usize,
    job: usize,
    key: usize,
    opens: bool,
    header: Span,
    context: Span,
    /// Plaintext or ciphertext.
    text: Span,
    /// Where the nonce stands or will stand.
    sealed: usize,
    /// Where the result begins, and its length.
    out: Span,
}

/// A MAC to make or to check.
struct Mac {
    at: usize,
    job: usize,
    key: usize,
    message: Span,
    /// The MAC to check; the whole of `out` is for the MAC made.
    given: Option<Span>,
    out: usize,
}

/// The keys of a frame's jobs, looked up once for a run of jobs under one key.
struct Keys {
    bodies: Vec<Arc<KeyBody>>,
    last: (u32, u32),
}

impl Keys {
    fn find(&mut self, handle: (u32, u32)) -> Option<usize> {
        if self.bodies.is_empty() || self.last != handle {
            self.bodies.push(arena::get(handle.0, handle.1).ok()?);
            self.last = handle;
        }
        Some(self.bodies.len() - 1)
    }
}

/// Runs what it can of a frame's jobs; `done[i]` tells which have their status.
pub(super) fn run(kernels: Kernels, frame: &mut [u8], random: &mut RandomPool, done: &mut [bool]) {
    let mut keys = Keys { bodies: Vec::new(), last: (0, 0) };
    let mut messages = Vec::new();
    let mut macs = Vec::new();
    for job in 0..done.len() {
        let at = HEADER_BYTES + job * DESCRIPTOR_BYTES;
        let words = descriptor(frame, at);
        match words[field::op / 4] as u16 {
            op::ENCRYPT | op::DECRYPT | op::GENERATE_DATA_KEY | op::WRAP => {
                if messages.is_empty() {
                    messages.reserve_exact(done.len() - job);
                }
                messages.extend(message(frame, &words, done.len(), job, &mut keys));
            }
            op::MAC | op::MAC_VERIFY => {
                if macs.is_empty() {
                    macs.reserve_exact(done.len() - job);
                }
                macs.extend(mac(frame, &words, done.len(), job, &mut keys));
            }
            _ => {}
        }
    }
    if messages.is_empty() && macs.is_empty() {
        return;
    }
    let mut work = MacScratch::EMPTY;
    if !messages.is_empty() {
        let mut scratch = Scratch::EMPTY;
        for batch in messages.chunks(BATCH) {
            run_messages(kernels, frame, batch, &keys.bodies, random, &mut scratch, &mut work);
            batch.iter().for_each(|m| done[m.job] = true);
        }
        scratch.wipe();
    }
    // Neighbours with as many blocks run side by side.
    let blocks = |m: &Mac| small::blocks_of(m.message.1);
    if !macs.is_sorted_by_key(blocks) {
        macs.sort_by_key(blocks);
    }
    for batch in macs.chunks(BATCH) {
        run_macs(kernels, frame, batch, &keys.bodies, &mut work);
        batch.iter().for_each(|m| done[m.job] = true);
    }
    work.wipe();
    small::burn_stack();
}

type Descriptor = [u32; DESCRIPTOR_BYTES / 4];

fn handle(words: &Descriptor) -> (u32, u32) {
    (words[field::keySlot / 4], words[field::keyGen / 4])
}

/// The job as a message; None when it is none for the kernels.
fn message(
    frame: &[u8],
    words: &Descriptor,
    count: usize,
    job: usize,
    keys: &mut Keys,
) -> Option<Message> {
    let at = HEADER_BYTES + job * DESCRIPTOR_BYTES;
    let Spans { inputs: [in0, in1, in2], out } = Spans::read(frame, words, count).ok()?;
    let operation = words[field::op / 4] as u16;
    let opens = operation == op::DECRYPT;
    let header = if operation == op::WRAP { (0, 0) } else { in2 };
    let (text, sealed, result) = match operation {
        op::DECRYPT => {
            let len = in0.1.checked_sub(header.1 + SEAL_OVERHEAD_BYTES)?;
            let own = &frame[in0.0..in0.0 + header.1];
            if *own != frame[header.0..header.0 + header.1] || out.1 < len {
                return None;
            }
            let sealed = in0.0 + header.1;
            ((sealed + NONCE + IV, len), sealed, (out.0, len))
        }
        op::GENERATE_DATA_KEY => {
            let len = words[field::param / 4] as usize;
            let total = 2 * len.min(TEXT_MAX) + header.1 + SEAL_OVERHEAD_BYTES;
            if len == 0 || out.1 < total {
                return None;
            }
            ((out.0, len), out.0 + len + header.1, (out.0, total))
        }
        _ => {
            let total = header.1 + in0.1 + SEAL_OVERHEAD_BYTES;
            if out.1 < total {
                return None;
            }
            (in0, out.0 + header.1, (out.0, total))
        }
    };
    if text.1 > TEXT_MAX || header.1 + in1.1 > AAD_MAX {
        return None;
    }
    let key = keys.find(handle(words))?;
    keys.bodies[key].encryption_key().ok()?;
    Some(Message { at, job, key, opens, header, context: in1, text, sealed, out: result })
}

fn mac(frame: &[u8], words: &Descriptor, count: usize, job: usize, keys: &mut Keys) -> Option<Mac> {
    let at = HEADER_BYTES + job * DESCRIPTOR_BYTES;
    let Spans { inputs, out } = Spans::read(frame, words, count).ok()?;
    let verifies = words[field::op / 4] as u16 == op::MAC_VERIFY;
    if inputs[0].1 > small::MAC_MESSAGE_MAX || (!verifies && out.1 < 32) {
        return None;
    }
    let key = keys.find(handle(words))?;
    if keys.bodies[key].spec() != spec::HMAC_256 {
        return None;
    }
    let given = verifies.then_some(inputs[1]);
    Some(Mac { at, job, key, message: inputs[0], given, out: out.0 })
}

fn pads(body: &KeyBody) -> Pads<'_> {
    match body {
        KeyBody::Secret(key) => small::pads(key.hmac()),
        KeyBody::Asymmetric(_) | KeyBody::Sm2(_) => None,
    }
    .expect("checked when the job was read")
}

/// In a frame of its own, so that it lies where `run` wipes the stack.
#[inline(never)]
fn run_messages(
    kernels: Kernels,
    frame: &mut [u8],
    batch: &[Message],
    keys: &[Arc<KeyBody>],
    random: &mut RandomPool,
    scratch: &mut Scratch,
    work: &mut MacScratch,
) {
    let mut nonces: Row = [[0; NONCE]; BATCH];
    for (lane, m) in batch.iter().enumerate() {
        let (nonce, iv): ([u8; NONCE], [u8; IV]);
        if m.opens {
            nonce = array(frame, m.sealed);
            iv = array(frame, m.sealed + NONCE);
        } else {
            // The text of a data key is its own, fresh output.
            if m.text.0 == m.out.0 {
                random.take(&mut frame[m.text.0..m.text.0 + m.text.1]);
            }
            (nonce, iv) = (random.take_array(), random.take_array());
            frame.copy_within(m.header.0..m.header.0 + m.header.1, m.sealed - m.header.1);
            frame[m.sealed..m.sealed + NONCE].copy_from_slice(&nonce);
            frame[m.sealed + NONCE..m.sealed + NONCE + IV].copy_from_slice(&iv);
        }
        nonces[lane] = nonce;
        scratch.counter[lane][..IV].copy_from_slice(&iv);
        scratch.counter[lane][IV..].copy_from_slice(&[0, 0, 0, 1]);
    }
    let own: [Pads<'_>; BATCH] =
        core::array::from_fn(|i| pads(&keys[batch[if i < batch.len() { i } else { 0 }].key]));
    kernels.derive(&own[..batch.len()], &nonces, scratch, work);
    let blocks = batch.iter().map(|m| m.text.1.div_ceil(16)).max().unwrap_or(0);
    kernels.prepare(scratch, batch.len(), blocks);
    let rows = batch.iter().map(rows_of).max().unwrap_or(0);
    for (lane, m) in batch.iter().enumerate() {
        lay_out(frame, m, lane, rows, scratch);
    }
    kernels.authenticate(scratch, batch.len(), rows);
    for (lane, m) in batch.iter().enumerate() {
        let end = m.sealed + NONCE + IV + m.text.1;
        let outcome = if !m.opens {
            frame[end..end + TAG].copy_from_slice(&scratch.tag[lane]);
            Ok(m.out.1)
        } else if bool::from(scratch.tag[lane].ct_eq(&frame[end..end + TAG])) {
            for (i, stream) in scratch.stream[..m.text.1.div_ceil(16)].iter().enumerate() {
                let (at, len) = (16 * i, (m.text.1 - 16 * i).min(16));
                let block = xor(&frame[m.text.0 + at..m.text.0 + at + len], &stream[lane]);
                frame[m.out.0 + at..m.out.0 + at + len].copy_from_slice(&block[..len]);
            }
            Ok(m.out.1)
        } else {
            Err(Status::InvalidCiphertext)
        };
        finish(frame, m.at, outcome);
    }
}

/// `N` bytes of `frame`, which holds them.
fn array<const N: usize>(frame: &[u8], at: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&frame[at..at + N]);
    out
}

fn rows_of(m: &Message) -> usize {
    (m.header.1 + m.context.1).div_ceil(16) + m.text.1.div_ceil(16) + 1
}

/// Up to 16 bytes, XORed with as many of `stream`; zeros after them.
fn xor(bytes: &[u8], stream: &[u8; 16]) -> [u8; 16] {
    if let Ok(block) = <[u8; 16]>::try_from(bytes) {
        return (u128::from_ne_bytes(block) ^ u128::from_ne_bytes(*stream)).to_ne_bytes();
    }
    let mut out = [0u8; 16];
    for (o, (a, b)) in out.iter_mut().zip(bytes.iter().zip(stream)) {
        *o = a ^ b;
    }
    out
}

/// Cuts byte strings that follow each other into blocks of 16 bytes, in registers: through memory,
/// every load would wait for stores that it does not match.
struct Joined {
    carry: u128,
    /// Bytes in `carry`, below 16.
    fill: u32,
}

impl Joined {
    fn push(&mut self, part: &[u8], mut take: impl FnMut(u128)) {
        let (blocks, rest) = part.as_chunks::<16>();
        for block in blocks {
            let block = u128::from_le_bytes(*block);
            take(self.carry | block << (8 * self.fill));
            self.carry = if self.fill == 0 { 0 } else { block >> (8 * (16 - self.fill)) };
        }
        if rest.is_empty() {
            return;
        }
        let len = rest.len() as u32;
        let block = match part.last_chunk::<16>() {
            Some(last) => u128::from_le_bytes(*last) >> (8 * (16 - len)),
            None => rest.iter().rev().fold(0, |sum, byte| sum << 8 | u128::from(*byte)),
        };
        self.carry |= block << (8 * self.fill);
        self.fill += len;
        if self.fill >= 16 {
            take(self.carry);
            self.fill -= 16;
            self.carry = if self.fill == 0 { 0 } else { block >> (8 * (len - self.fill)) };
        }
    }
}

/// Puts what GHASH absorbs of a message into the last rows of its lane; encrypts on the way.
fn lay_out(frame: &mut [u8], m: &Message, lane: usize, rows: usize, scratch: &mut Scratch) {
    let mut row = rows - rows_of(m);
    for leading in &mut scratch.hash[..row] {
        leading[lane] = [0; 16];
    }
    let len = m.header.1 + m.context.1;
    let mut aad = Joined { carry: 0, fill: 0 };
    for part in [m.header, m.context] {
        aad.push(&frame[part.0..part.0 + part.1], |block| {
            scratch.hash[row][lane] = block.to_le_bytes();
            row += 1;
        });
    }
    if aad.fill > 0 {
        scratch.hash[row][lane] = aad.carry.to_le_bytes();
        row += 1;
    }
    let body = m.sealed + NONCE + IV;
    for i in 0..m.text.1.div_ceil(16) {
        let (at, len) = (16 * i, (m.text.1 - 16 * i).min(16));
        let text = &frame[m.text.0 + at..m.text.0 + at + len];
        let block = if m.opens { xor(text, &[0; 16]) } else { xor(text, &scratch.stream[i][lane]) };
        if !m.opens {
            frame[body + at..body + at + len].copy_from_slice(&block[..len]);
        }
        scratch.hash[row][lane] = block;
        row += 1;
    }
    let lengths = ((8 * len as u128) << 64) | (8 * m.text.1 as u128);
    scratch.hash[row][lane] = lengths.to_be_bytes();
}

/// As `run_messages`.
#[inline(never)]
fn run_macs(
    kernels: Kernels,
    frame: &mut [u8],
    batch: &[Mac],
    keys: &[Arc<KeyBody>],
    work: &mut MacScratch,
) {
    let jobs: [MacJob<'_>; BATCH] = core::array::from_fn(|i| {
        let m = &batch[if i < batch.len() { i } else { 0 }];
        let message = &frame[m.message.0..m.message.0 + m.message.1];
        MacJob { pads: pads(&keys[m.key]), message }
    });
    kernels.hmac256(&jobs[..batch.len()], work);
    for (m, mac) in batch.iter().zip(&work.macs) {
        let outcome = match m.given {
            Some((at, len)) => {
                let equal = len == 32 && bool::from(mac.ct_eq(&frame[at..at + len]));
                if equal { Ok(0) } else { Err(Status::InvalidMac) }
            }
            None => {
                frame[m.out..m.out + 32].copy_from_slice(mac);
                Ok(32)
            }
        };
        finish(frame, m.at, outcome);
    }
}
