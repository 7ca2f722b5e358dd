//! Kernels for the short messages of a frame: KDF, AES-256-GCM and HMAC-SHA-256 of several jobs at
//! once. Long messages and other CPUs take AWS-LC; both give the same bytes.
mod aes_gcm;
mod lanes;
mod sha256_ni;
mod sha256_x16;

pub use aes_gcm::{AAD_BLOCKS, BATCH, HASH_BLOCKS, Row, Scratch, TEXT_BLOCKS, Width};

use super::hmac::HmacState;
use super::seal::kdf_words;
use crate::cpu::{self, Class};
use sha256_ni::{STREAMS, Words};
use std::mem::MaybeUninit;
use std::sync::OnceLock;

/// Longest message whose HMAC is worth a kernel: AWS-LC is as fast on longer ones.
pub const MAC_MESSAGE_MAX: usize = 4096;

/// From this number of streams on, sixteen lanes (870 cycles a block) are faster than SHA-NI on pairs
/// (220 cycles a block of each).
const WIDE_FROM: usize = 7;

/// The states after HMAC's pads.
pub type Pads<'a> = (&'a [u32; 8], &'a [u32; 8]);

/// A message and the key for its MAC.
#[derive(Clone, Copy)]
pub struct MacJob<'a> {
    pub pads: Pads<'a>,
    /// At most `MAC_MESSAGE_MAX` bytes.
    pub message: &'a [u8],
}

/// The kernels that run here. A value is the proof that the CPU has what they need.
#[derive(Clone, Copy, Debug)]
pub struct Kernels {
    width: Width,
    /// SHA-256 in sixteen lanes.
    wide: bool,
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
        let wide = most == Width::Four && sha256_x16::available();
        sha256_ni::available().then_some(Kernels { width, wide })
    }

    /// Their name, for status: what runs AES and what runs SHA-256.
    pub fn name(self) -> &'static str {
        match (self.width, self.wide) {
            (Width::One, false) => "AES-NI, SHA-NI",
            (Width::One, true) => "AES-NI, AVX-512 and SHA-NI",
            (Width::Two, false) => "VAES-256, SHA-NI",
            (Width::Two, true) => "VAES-256, AVX-512 and SHA-NI",
            (Width::Four, false) => "VAES-512, SHA-NI",
            (Width::Four, true) => "VAES-512, AVX-512 and SHA-NI",
        }
    }

    fn compress(self, states: &mut [[u32; 8]; STREAMS], blocks: &[Words; STREAMS]) {
        // SAFETY: `self` proves that the CPU has the features.
        unsafe { sha256_ni::compress(states, blocks) }
    }

    /// K' of the first `pads.len()` lanes (see `seal`) into `scratch.key`.
    pub fn derive(
        self,
        pads: &[Pads<'_>],
        nonces: &Row,
        scratch: &mut Scratch,
        work: &mut MacScratch,
    ) {
        debug_assert!((1..=BATCH).contains(&pads.len()));
        if self.wide && pads.len() >= WIDE_FROM {
            let pads = core::array::from_fn(|n| pads[if n < pads.len() { n } else { 0 }]);
            let fixed = kdf_words(&[0; 16]);
            let wide = work.wide.get_or_insert_with(sha256_x16::Work::empty);
            // SAFETY: `wide` proves that the CPU has the features.
            unsafe { sha256_x16::derive(&pads, nonces, &fixed, wide, &mut scratch.key) }
            return;
        }
        let MacScratch { states, blocks, .. } = work;
        for (i, pair) in pads.chunks(STREAMS).enumerate() {
            let pads: [Pads<'_>; STREAMS] =
                core::array::from_fn(|n| *pair.get(n).unwrap_or(&pair[0]));
            let first = STREAMS * i;
            for n in 0..STREAMS {
                blocks[n] = kdf_words(&nonces[first + n]);
                states[n] = *pads[n].0;
            }
            self.compress(states, blocks);
            self.finish(states, pads.map(|p| p.1), blocks);
            for n in 0..STREAMS {
                let (low, high) = states[n].split_at(4);
                put_words(low, &mut scratch.key[0][first + n]);
                put_words(high, &mut scratch.key[1][first + n]);
            }
        }
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

    /// HMAC-SHA-256 of up to `BATCH` messages into `work.macs`; cheapest when neighbours have as many
    /// blocks.
    pub fn hmac256(self, jobs: &[MacJob<'_>], work: &mut MacScratch) {
        debug_assert!((1..=BATCH).contains(&jobs.len()));
        debug_assert!(jobs.iter().all(|job| job.message.len() <= MAC_MESSAGE_MAX));
        if self.wide && jobs.len() >= WIDE_FROM {
            let padded;
            let jobs = if let Ok(all) = jobs.try_into() {
                all
            } else {
                padded = core::array::from_fn(|n| jobs[if n < jobs.len() { n } else { 0 }]);
                &padded
            };
            let wide = work.wide.get_or_insert_with(sha256_x16::Work::empty);
            // SAFETY: `wide` proves that the CPU has the features.
            unsafe { sha256_x16::hmac(jobs, wide, &mut work.macs) }
            return;
        }
        for (i, pair) in jobs.chunks(STREAMS).enumerate() {
            let jobs = [pair[0], *pair.get(1).unwrap_or(&pair[0])];
            self.hmac256_pair(jobs, work);
            for n in 0..STREAMS {
                put_words(&work.states[n], &mut work.macs[STREAMS * i + n]);
            }
        }
    }

    /// The MACs, as words in `work.states`.
    fn hmac256_pair(self, jobs: [MacJob<'_>; STREAMS], work: &mut MacScratch) {
        let MacScratch { states, blocks, .. } = work;
        let counts = jobs.map(|job| blocks_of(job.message.len()));
        *states = jobs.map(|job| *job.pads.0);
        for i in 0..counts[0].max(counts[1]) {
            for n in 0..STREAMS {
                padded_block(jobs[n].message, i, &mut blocks[n]);
            }
            let before = *states;
            self.compress(states, blocks);
            for n in 0..STREAMS {
                if i >= counts[n] {
                    states[n] = before[n];
                }
            }
        }
        self.finish(states, jobs.map(|job| job.pads.1), blocks);
    }

    /// See `aes_gcm::prepare`.
    pub fn prepare(self, scratch: &mut Scratch, lanes: usize, blocks: usize) {
        // SAFETY: `self` proves that the CPU has the features.
        unsafe { aes_gcm::prepare(self.width, scratch, lanes, blocks) }
    }

    /// See `aes_gcm::authenticate`.
    pub fn authenticate(self, scratch: &mut Scratch, lanes: usize, rows: usize) {
        // SAFETY: `self` proves that the CPU has the features.
        unsafe { aes_gcm::authenticate(self.width, scratch, lanes, rows) }
    }
}

/// Working memory of `derive` and `hmac256`; all of it is secret.
pub struct MacScratch {
    states: [[u32; 8]; STREAMS],
    blocks: [Words; STREAMS],
    /// None until it is used: most frames are small.
    wide: Option<sha256_x16::Work>,
    /// Out: the MACs.
    pub macs: [[u8; 32]; BATCH],
}

impl MacScratch {
    pub const EMPTY: Self = Self {
        states: [[0; 8]; STREAMS],
        blocks: [[0; 16]; STREAMS],
        wide: None,
        macs: [[0; 32]; BATCH],
    };

    pub fn wipe(&mut self) {
        crate::ffi::wipe_u32(self.states.as_flattened_mut());
        crate::ffi::wipe_u32(self.blocks.as_flattened_mut());
        if let Some(wide) = &mut self.wide {
            wide.wipe();
        }
        crate::ffi::wipe(self.macs.as_flattened_mut());
    }
}

const _: () = assert!(sha256_x16::LANES == BATCH && BATCH.is_multiple_of(STREAMS));

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

/// Overwrites what the kernels may have left on the stack below their caller: spilled round keys.
#[inline(never)]
pub fn burn_stack() {
    let mut burn = [MaybeUninit::uninit(); 8192];
    crate::ffi::wipe_uninit(&mut burn);
}

/// The pads of a key, where its HMAC is over SHA-256.
pub fn pads(hmac: &HmacState) -> Option<Pads<'_>> {
    hmac.narrow_states()
}
