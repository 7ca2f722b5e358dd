//! Kernels for the short messages of a frame: KDF, AES-256-GCM and HMAC-SHA-256 of several jobs at
//! once. Long messages and other CPUs take AWS-LC; both give the same bytes.
mod aes_gcm;
mod lanes;
mod sha256_ni;

pub use aes_gcm::{AAD_BLOCKS, BATCH, HASH_BLOCKS, Row, Scratch, TEXT_BLOCKS, Width};

use super::hmac::HmacState;
use super::seal::kdf_words;
use crate::cpu::{self, Class};
use sha256_ni::{STREAMS, Words};
use std::sync::OnceLock;

/// Longest message whose HMAC is worth a kernel: AWS-LC is as fast on longer ones.
pub const MAC_MESSAGE_MAX: usize = 4096;

/// The states after HMAC's pads.
pub type Pads<'a> = (&'a [u32; 8], &'a [u32; 8]);

/// The kernels that run here. A value is the proof that the CPU has what they need.
#[derive(Clone, Copy, Debug)]
pub struct Kernels {
    width: Width,
}

impl Kernels {
    /// The kernels of the CPU class in force; None where it is `generic` or lacks SHA-NI or AES-NI.
    pub fn get() -> Option<Kernels> {
        static KERNELS: OnceLock<Option<Kernels>> = OnceLock::new();
        *KERNELS.get_or_init(|| match cpu::class().0 {
            Class::Generic => None,
            Class::Avx2 => Kernels::up_to(Width::Two),
            Class::Ifma => Kernels::up_to(Width::Four),
        })
    }

    /// The widest kernels that the CPU has, up to `most`.
    pub fn up_to(most: Width) -> Option<Kernels> {
        let width = Width::detect(most)?;
        sha256_ni::available().then_some(Kernels { width })
    }

    /// Their name, for status: what runs AES and what runs SHA-256.
    pub fn name(self) -> &'static str {
        match self.width {
            Width::One => "AES-NI, SHA-NI",
            Width::Two => "VAES-256, SHA-NI",
            Width::Four => "VAES-512, SHA-NI",
        }
    }

    fn compress(self, states: &mut [[u32; 8]; STREAMS], blocks: &[Words; STREAMS]) {
        // SAFETY: `self` proves that the CPU has the features.
        unsafe { sha256_ni::compress(states, blocks) }
    }

    /// K' of every lane (see `seal`) into `scratch.key`.
    pub fn derive(self, pads: &[Pads<'_>; BATCH], nonces: &Row, scratch: &mut Scratch) {
        let mut blocks = [[0u32; 16]; STREAMS];
        let mut states = [[0u32; 8]; STREAMS];
        for first in (0..BATCH).step_by(STREAMS) {
            for n in 0..STREAMS {
                blocks[n] = kdf_words(&nonces[first + n]);
                states[n] = *pads[first + n].0;
            }
            self.compress(&mut states, &blocks);
            self.finish(&mut states, core::array::from_fn(|n| pads[first + n].1), &mut blocks);
            for n in 0..STREAMS {
                let (low, high) = states[n].split_at(4);
                put_words(low, &mut scratch.key[0][first + n]);
                put_words(high, &mut scratch.key[1][first + n]);
            }
        }
        wipe_words(&mut states, &mut blocks);
    }

    /// The outer hash: `states` are digests of the inner one, and become MACs.
    fn finish(
        self,
        states: &mut [[u32; 8]; STREAMS],
        outer: [&[u32; 8]; STREAMS],
        blocks: &mut [Words; STREAMS],
    ) {
        for n in 0..STREAMS {
            blocks[n] = [0; 16];
            blocks[n][..8].copy_from_slice(&states[n]);
            blocks[n][8] = 0x8000_0000;
            blocks[n][15] = 8 * (64 + 32);
            states[n] = *outer[n];
        }
        self.compress(states, blocks);
    }

    /// HMAC-SHA-256 of two messages; cheapest when both have as many blocks.
    pub fn hmac256(
        self,
        pads: [Pads<'_>; STREAMS],
        messages: [&[u8]; STREAMS],
        work: &mut MacScratch,
    ) {
        let MacScratch { states, blocks, macs } = work;
        let counts = messages.map(|m| blocks_of(m.len()));
        *states = pads.map(|p| *p.0);
        for i in 0..counts[0].max(counts[1]) {
            for n in 0..STREAMS {
                padded_block(messages[n], i, &mut blocks[n]);
            }
            let before = *states;
            self.compress(states, blocks);
            for n in 0..STREAMS {
                if i >= counts[n] {
                    states[n] = before[n];
                }
            }
        }
        self.finish(states, pads.map(|p| p.1), blocks);
        for n in 0..STREAMS {
            put_words(&states[n], &mut macs[n]);
        }
    }

    /// See `aes_gcm::prepare`.
    pub fn prepare(self, scratch: &mut Scratch, blocks: usize) {
        // SAFETY: `self` proves that the CPU has the features.
        unsafe { aes_gcm::prepare(self.width, scratch, blocks) }
    }

    /// See `aes_gcm::authenticate`.
    pub fn authenticate(self, scratch: &mut Scratch, rows: usize) {
        // SAFETY: `self` proves that the CPU has the features.
        unsafe { aes_gcm::authenticate(self.width, scratch, rows) }
    }
}

/// Working memory of `hmac256`; all of it is secret.
#[derive(Default)]
pub struct MacScratch {
    states: [[u32; 8]; STREAMS],
    blocks: [Words; STREAMS],
    /// Out: the MACs.
    pub macs: [[u8; 32]; STREAMS],
}

impl MacScratch {
    pub fn wipe(&mut self) {
        wipe_words(&mut self.states, &mut self.blocks);
        crate::ffi::wipe(self.macs.as_flattened_mut());
    }
}

/// Blocks of a message of `len` bytes with its padding.
pub fn blocks_of(len: usize) -> usize {
    (len + 9).div_ceil(64)
}

/// Block `i` of a message that follows one block of pad, with FIPS 180-4 padding.
fn padded_block(message: &[u8], i: usize, words: &mut Words) {
    let rest = message.get(64 * i..).unwrap_or_default();
    if let Some(block) = rest.first_chunk::<64>() {
        return get_words(block, words);
    }
    *words = [0; 16];
    let (whole, tail) = rest.as_chunks::<4>();
    for (word, bytes) in words.iter_mut().zip(whole) {
        *word = u32::from_be_bytes(*bytes);
    }
    if 64 * i <= message.len() {
        // Up to three bytes, then the bit that ends the message.
        let last = tail.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte));
        words[whole.len()] = (last << 8 | 0x80) << (24 - 8 * tail.len());
    }
    if i + 1 == blocks_of(message.len()) {
        let bits = 8 * (64 + message.len()) as u64;
        words[14] = (bits >> 32) as u32;
        words[15] = bits as u32;
    }
}

fn get_words(block: &[u8; 64], words: &mut Words) {
    for (word, bytes) in words.iter_mut().zip(block.as_chunks::<4>().0) {
        *word = u32::from_be_bytes(*bytes);
    }
}

fn put_words(words: &[u32], out: &mut [u8]) {
    for (word, bytes) in words.iter().zip(out.as_chunks_mut::<4>().0) {
        *bytes = word.to_be_bytes();
    }
}

fn wipe_words(states: &mut [[u32; 8]; STREAMS], blocks: &mut [Words; STREAMS]) {
    crate::ffi::wipe_u32(states.as_flattened_mut());
    crate::ffi::wipe_u32(blocks.as_flattened_mut());
}

/// Overwrites what the kernels may have left on the stack below their caller: spilled round keys.
#[inline(never)]
pub fn burn_stack() {
    let mut burn = [0u8; 4096];
    crate::ffi::wipe(&mut burn);
}

/// The pads of a key, where its HMAC is over SHA-256.
pub fn pads(hmac: &HmacState) -> Option<Pads<'_>> {
    hmac.narrow_states()
}
