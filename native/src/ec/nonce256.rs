//! RFC 6979 with HMAC-SHA-256 for orders of 256 bits: sixteen nonces at once, whose messages are one
//! length. All of it is kept by words, `row[lane]`, as the compression function wants it.
use super::curve::Curve;
use super::nonce::{EXTRA_LEN, Inputs};
use super::scalar;
use crate::ffi::sha256_blocks;
use crate::field::{Class, Task, WORDS, Words, wipe};
use crate::vec::LANES;
use crate::vec::sha256::{LANES32, Row};
use std::sync::OnceLock;

const START: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];
/// Groups of eight jobs that a pass takes.
const GROUPS: usize = LANES32 / LANES;
/// Words of x, h1 and k' together.
const TAIL_MAX: usize = 24;
/// Words of the longest message with its padding: V, a byte, the tail; three blocks.
const MESSAGE_MAX: usize = 48;
/// Bits of a block that HMAC puts before the message.
const PAD_BITS: u32 = 512;

/// A digest per lane, or a state of the hash.
type Digest = [Row; 8];

/// Fills `k`, as `nonce::nonces` does.
pub fn nonces<V: Class, C: Curve>(proof: V, inputs: &Inputs<'_>, k: &mut [[Words; LANES]]) {
    for (pass, k) in k.chunks_mut(GROUPS).enumerate() {
        let groups = pass * GROUPS..pass * GROUPS + k.len();
        let inputs = Inputs {
            x: &inputs.x[groups.clone()],
            h1: &inputs.h1[groups.clone()],
            extra: inputs.extra.map(|extra| &extra[groups]),
        };
        V::outline(proof, Pass::<V, C> { proof, inputs, k, curve: std::marker::PhantomData });
    }
}

struct Pass<'a, V: Class, C: Curve> {
    proof: V,
    inputs: Inputs<'a>,
    k: &'a mut [[Words; LANES]],
    curve: std::marker::PhantomData<C>,
}

/// What a pass keeps in memory; all of it is wiped.
struct Scratch {
    tail: [Row; TAIL_MAX],
    message: [Row; MESSAGE_MAX],
    inner: Digest,
    outer: Digest,
    value: Digest,
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // SAFETY: integers alone.
        unsafe { wipe(self) };
    }
}

/// The hash on the lanes in use.
#[derive(Clone, Copy)]
struct Hash<V> {
    proof: V,
    lanes: usize,
}

impl<V: Class> Hash<V> {
    #[inline(always)]
    fn compress(self, states: &mut Digest, words: &[Row; 16]) {
        if V::sha256(self.proof, states, words) {
            return;
        }
        let mut block = [0u8; 64];
        let mut state = [0u32; 8];
        for lane in 0..self.lanes {
            for i in 0..16 {
                block[4 * i..4 * i + 4].copy_from_slice(&words[i][lane].to_be_bytes());
            }
            for i in 0..8 {
                state[i] = states[i][lane];
            }
            sha256_blocks(&mut state, &block);
            for i in 0..8 {
                states[i][lane] = state[i];
            }
        }
        // SAFETY: integers.
        unsafe {
            wipe(&mut block);
            wipe(&mut state);
        }
    }

    /// `state` after the message of `len` words, whose last one may have begun the padding; `bits`
    /// are its own.
    #[inline(always)]
    fn absorb(self, state: &mut Digest, message: &mut [Row; MESSAGE_MAX], len: usize, bits: u32) {
        let blocks = (len + 2).div_ceil(16);
        message[len..16 * blocks].fill([0; LANES32]);
        message[16 * blocks - 1] = [PAD_BITS + bits; LANES32];
        for block in message.as_chunks::<16>().0.iter().take(blocks) {
            self.compress(state, block);
        }
    }

    /// HMAC of what `s.message` holds, into `s.value`; as `absorb`.
    #[inline(always)]
    fn mac(self, s: &mut Scratch, len: usize, bits: u32) {
        s.value = s.inner;
        self.absorb(&mut s.value, &mut s.message, len, bits);
        s.message[..8].copy_from_slice(&s.value);
        s.message[8] = [0x8000_0000; LANES32];
        s.value = s.outer;
        self.absorb(&mut s.value, &mut s.message, 9, 256);
    }

    /// V = HMAC_K(V).
    #[inline(always)]
    fn step(self, s: &mut Scratch) {
        s.message[..8].copy_from_slice(&s.value);
        s.message[8] = [0x8000_0000; LANES32];
        self.mac(s, 9, 256);
    }

    /// K = `key`, as the pads that it makes.
    #[inline(always)]
    fn set_key(self, s: &mut Scratch, key: &Digest) {
        for pad in [0x3636_3636, 0x5c5c_5c5c] {
            let block = &mut s.message.as_chunks_mut::<16>().0[0];
            for i in 0..16 {
                for lane in 0..LANES32 {
                    block[i][lane] = pad ^ if i < 8 { key[i][lane] } else { 0 };
                }
            }
            let mut state = START.map(|word| [word; LANES32]);
            self.compress(&mut state, block);
            if pad == 0x3636_3636 {
                s.inner = state;
            } else {
                s.outer = state;
            }
        }
    }

    /// K = HMAC_K(V || round || tail), where the tail has `words` words; V = HMAC_K(V).
    #[inline(always)]
    fn update(self, s: &mut Scratch, round: u32, words: usize) {
        let mut value = s.value;
        s.message[..8].copy_from_slice(&value);
        let mut before = [round; LANES32];
        for i in 0..words {
            for lane in 0..LANES32 {
                s.message[8 + i][lane] = before[lane] << 24 | s.tail[i][lane] >> 8;
            }
            before = s.tail[i];
        }
        for lane in 0..LANES32 {
            s.message[8 + words][lane] = before[lane] << 24 | 0x0080_0000;
        }
        self.mac(s, 8 + words + 1, 32 * (8 + words) as u32 + 8);
        let mut key = s.value;
        self.set_key(s, &key);
        s.value = value;
        self.step(s);
        // SAFETY: integers.
        unsafe {
            wipe(&mut value);
            wipe(&mut before);
            wipe(&mut key);
        }
    }
}

/// The pads of the key that is all zeros, with which RFC 6979 starts.
fn zero_pads() -> [Digest; 2] {
    static PADS: OnceLock<[[u32; 8]; 2]> = OnceLock::new();
    let pads = PADS.get_or_init(|| {
        [0x36, 0x5c].map(|pad| {
            let mut state = START;
            sha256_blocks(&mut state, &[pad; 64]);
            state
        })
    });
    pads.map(|state| state.map(|word| [word; LANES32]))
}

/// The words of numbers, highest first; lanes of a group that is not there repeat the last one.
#[inline(always)]
fn rows_of(numbers: &[[Words; LANES]], rows: &mut [Row]) {
    for lane in 0..LANES32 {
        let number = &numbers[(lane / LANES).min(numbers.len() - 1)][lane % LANES];
        for i in 0..8 {
            rows[i][lane] = (number[3 - i / 2] >> (32 * (1 - i % 2))) as u32;
        }
    }
}

impl<V: Class, C: Curve> Task for Pass<'_, V, C> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        debug_assert!(C::LEN == 32);
        let Pass { proof, inputs, k, .. } = self;
        let hash = Hash { proof, lanes: k.len() * LANES };
        let [inner, outer] = zero_pads();
        let mut s = Scratch {
            tail: [[0; LANES32]; TAIL_MAX],
            message: [[0; LANES32]; MESSAGE_MAX],
            inner,
            outer,
            value: [[0x0101_0101; LANES32]; 8],
        };
        rows_of(inputs.x, &mut s.tail[..8]);
        rows_of(inputs.h1, &mut s.tail[8..16]);
        let mut words = 16;
        if let Some(extra) = inputs.extra {
            const { assert!(EXTRA_LEN == 32) }
            for lane in 0..LANES32 {
                let bytes = &extra[(lane / LANES).min(extra.len() - 1)][lane % LANES];
                for (i, bytes) in bytes.as_chunks::<4>().0.iter().enumerate() {
                    s.tail[16 + i][lane] = u32::from_be_bytes(*bytes);
                }
            }
            words = TAIL_MAX;
        }
        hash.update(&mut s, 0, words);
        hash.update(&mut s, 1, words);
        let mut missing = [true; LANES32];
        missing[hash.lanes..].fill(false);
        loop {
            hash.step(&mut s);
            for lane in 0..hash.lanes {
                let mut candidate = [0; WORDS];
                for i in 0..8 {
                    candidate[3 - i / 2] |= u64::from(s.value[i][lane]) << (32 * (1 - i % 2));
                }
                // Whether a candidate is refused says nothing about the one that is taken.
                if missing[lane] && scalar::is_in_range::<C>(&candidate) {
                    k[lane / LANES][lane % LANES] = candidate;
                    missing[lane] = false;
                }
                // SAFETY: integers.
                unsafe { wipe(&mut candidate) };
            }
            if !missing.contains(&true) {
                break;
            }
            // K = HMAC_K(V || 0), V = HMAC_K(V).
            hash.update(&mut s, 0, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ffi;
    use crate::field::tests::Random;
    #[cfg(target_arch = "x86_64")]
    use crate::vec::{Avx2, Ifma};
    use crate::vec::{Portable, Vector};

    /// HMAC-SHA-256 by its definition (RFC 2104) over AWS-LC's hash.
    fn hmac(key: &[u8; 32], message: &[u8]) -> [u8; 32] {
        let mut digest = [0u8; 64];
        let mut text = message.to_vec();
        for pad in [0x36, 0x5c] {
            let mut padded = vec![pad; 64];
            for (byte, key) in padded.iter_mut().zip(key) {
                *byte ^= key;
            }
            padded.extend_from_slice(&text);
            ffi::Hash::Sha256.digest(&padded, &mut digest);
            text = digest[..32].to_vec();
        }
        digest[..32].try_into().expect("32 bytes")
    }

    fn bytes_of(rows: &[Row], lane: usize) -> Vec<u8> {
        rows.iter().flat_map(|row| row[lane].to_be_bytes()).collect()
    }

    struct Check<'a, V>(V, &'a mut Random);

    impl<V: Class> Task for Check<'_, V> {
        type Out = ();
        fn run(self) {
            let hash = Hash { proof: self.0, lanes: LANES32 };
            let mut rows = || std::array::from_fn(|_| self.1.word() as u32);
            // The updates of a nonce with and without k', and the one after a refused candidate.
            for (round, words) in [(0, 24), (1, 24), (0, 16), (1, 16), (0, 0)] {
                let key: Digest = std::array::from_fn(|_| rows());
                let mut s = Scratch {
                    tail: std::array::from_fn(|_| rows()),
                    message: std::array::from_fn(|_| rows()),
                    inner: std::array::from_fn(|_| rows()),
                    outer: std::array::from_fn(|_| rows()),
                    value: std::array::from_fn(|_| rows()),
                };
                let value = s.value;
                hash.set_key(&mut s, &key);
                hash.update(&mut s, round, words);
                for lane in 0..LANES32 {
                    let key = bytes_of(&key, lane).try_into().expect("32 bytes");
                    let value = bytes_of(&value, lane);
                    let mut message = value.clone();
                    message.push(round as u8);
                    message.extend(bytes_of(&s.tail[..words], lane));
                    let next = hmac(&hmac(&key, &message), &value);
                    assert_eq!(bytes_of(&s.value, lane), next, "{} {words} {lane}", V::NAME);
                }
            }
        }
    }

    #[test]
    fn updates_are_those_of_rfc_6979() {
        let mut random = Random::new("nonce256");
        // SAFETY: each class runs where the CPU has it.
        unsafe {
            Portable::enter(Check(Portable::splat(0), &mut random));
            #[cfg(target_arch = "x86_64")]
            if crate::cpu::best() == crate::cpu::Class::Ifma {
                Ifma::enter(Check(<Ifma as Vector>::splat(0), &mut random));
            }
            #[cfg(target_arch = "x86_64")]
            if crate::cpu::best() != crate::cpu::Class::Generic {
                Avx2::enter(Check(Avx2::splat(0), &mut random));
            }
        }
    }
}
