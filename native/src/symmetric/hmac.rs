//! HMAC (FIPS 198-1) from cached pads: the state after the inner and the outer pad is kept, so that
//! a short message costs two compressions in place of four.
use crate::ffi::{Hash, sha256_blocks, sha512_block};
use zeroize::Zeroize;

/// Bytes of the longest MAC.
pub const MAC_MAX: usize = 64;

/// Initial states (FIPS 180-4, 5.3).
const SHA224: [u32; 8] = [
    0xc105_9ed8,
    0x367c_d507,
    0x3070_dd17,
    0xf70e_5939,
    0xffc0_0b31,
    0x6858_1511,
    0x64f9_8fa7,
    0xbefa_4fa4,
];
pub const SHA256: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];
pub const SHA384: [u64; 8] = [
    0xcbbb_9d5d_c105_9ed8,
    0x629a_292a_367c_d507,
    0x9159_015a_3070_dd17,
    0x152f_ecd8_f70e_5939,
    0x6733_2667_ffc0_0b31,
    0x8eb4_4a87_6858_1511,
    0xdb0c_2e0d_64f9_8fa7,
    0x47b5_481d_befa_4fa4,
];
pub const SHA512: [u64; 8] = [
    0x6a09_e667_f3bc_c908,
    0xbb67_ae85_84ca_a73b,
    0x3c6e_f372_fe94_f82b,
    0xa54f_f53a_5f1d_36f1,
    0x510e_527f_ade6_82d1,
    0x9b05_688c_2b3e_6c1f,
    0x1f83_d9ab_fb41_bd6b,
    0x5be0_cd19_137e_2179,
];

/// A hash state after one block.
#[derive(Clone, Copy)]
enum Pad {
    Narrow([u32; 8]),
    Wide([u64; 8]),
}

/// HMAC under one key.
pub struct HmacState {
    hash: Hash,
    inner: Pad,
    outer: Pad,
}

impl Zeroize for HmacState {
    fn zeroize(&mut self) {
        for pad in [&mut self.inner, &mut self.outer] {
            match pad {
                Pad::Narrow(s) => s.zeroize(),
                Pad::Wide(s) => s.zeroize(),
            }
        }
    }
}

impl HmacState {
    pub const EMPTY: Self =
        Self { hash: Hash::Sha256, inner: Pad::Narrow([0; 8]), outer: Pad::Narrow([0; 8]) };

    /// Absorbs the pads of `key`.
    pub fn set_key(&mut self, hash: Hash, key: &[u8]) {
        let block = match hash {
            Hash::Sha384 | Hash::Sha512 => 128,
            _ => 64,
        };
        let mut padded = [0u8; 128];
        if key.len() <= block {
            padded[..key.len()].copy_from_slice(key);
        } else {
            let mut digest = [0u8; 64];
            hash.digest(key, &mut digest);
            padded[..64].copy_from_slice(&digest);
            padded[hash.digest_len()..].fill(0);
            digest.zeroize();
        }
        self.hash = hash;
        padded.iter_mut().for_each(|b| *b ^= 0x36);
        self.inner = start(hash, &padded);
        padded.iter_mut().for_each(|b| *b ^= 0x36 ^ 0x5c);
        self.outer = start(hash, &padded);
        padded.zeroize();
    }

    /// Bytes of a MAC.
    pub fn mac_len(&self) -> usize {
        self.hash.digest_len()
    }

    /// The states after the pads, where the hash is SHA-256: for the interleaved kernels.
    pub fn narrow_states(&self) -> Option<(&[u32; 8], &[u32; 8])> {
        match (&self.inner, &self.outer) {
            (Pad::Narrow(inner), Pad::Narrow(outer)) if self.hash == Hash::Sha256 => {
                Some((inner, outer))
            }
            _ => None,
        }
    }

    /// The same where the hash is SHA-384 or SHA-512.
    #[cfg(test)]
    pub fn wide_states(&self) -> Option<(&[u64; 8], &[u64; 8])> {
        match (&self.inner, &self.outer) {
            (Pad::Wide(inner), Pad::Wide(outer)) => Some((inner, outer)),
            _ => None,
        }
    }

    /// The MAC of `message`, in the first `mac_len()` bytes of `out`.
    pub fn mac(&self, message: &[u8], out: &mut [u8; MAC_MAX]) {
        match (self.inner, self.outer) {
            (Pad::Narrow(mut inner), Pad::Narrow(mut outer)) => {
                narrow(&mut inner, 64, message);
                let mut digest = [0u8; 32];
                narrow_bytes(&inner, &mut digest);
                narrow(&mut outer, 64, &digest[..self.hash.digest_len().min(32)]);
                narrow_bytes(&outer, &mut digest);
                out[..32].copy_from_slice(&digest);
                inner.zeroize();
                outer.zeroize();
                digest.zeroize();
            }
            (Pad::Wide(mut inner), Pad::Wide(mut outer)) => {
                wide(&mut inner, message);
                let mut digest = [0u8; 64];
                wide_bytes(&inner, &mut digest);
                wide(&mut outer, &digest[..self.hash.digest_len()]);
                wide_bytes(&outer, out);
                inner.zeroize();
                outer.zeroize();
                digest.zeroize();
            }
            _ => unreachable!("both pads are of one hash"),
        }
    }
}

fn start(hash: Hash, padded: &[u8; 128]) -> Pad {
    match hash {
        Hash::Sha384 | Hash::Sha512 => {
            let mut state = if hash == Hash::Sha384 { SHA384 } else { SHA512 };
            sha512_block(&mut state, padded);
            Pad::Wide(state)
        }
        _ => {
            let mut state = if hash == Hash::Sha224 { SHA224 } else { SHA256 };
            sha256_blocks(&mut state, &padded[..64]);
            Pad::Narrow(state)
        }
    }
}

/// Absorbs the rest of a message of which `before` bytes went before, with FIPS 180-4 padding.
pub fn narrow(state: &mut [u32; 8], before: usize, message: &[u8]) {
    let whole = message.len() / 64 * 64;
    sha256_blocks(state, &message[..whole]);
    let rest = &message[whole..];
    let mut tail = [0u8; 128];
    tail[..rest.len()].copy_from_slice(rest);
    tail[rest.len()] = 0x80;
    let end = if rest.len() < 56 { 64 } else { 128 };
    let bits = 8 * (before + message.len()) as u64;
    tail[end - 8..end].copy_from_slice(&bits.to_be_bytes());
    sha256_blocks(state, &tail[..end]);
    tail.zeroize();
}

fn wide(state: &mut [u64; 8], message: &[u8]) {
    let (blocks, rest) = message.as_chunks::<128>();
    for block in blocks {
        sha512_block(state, block);
    }
    let mut tail = [[0u8; 128]; 2];
    let flat = tail.as_flattened_mut();
    flat[..rest.len()].copy_from_slice(rest);
    flat[rest.len()] = 0x80;
    let blocks = if rest.len() < 112 { 1 } else { 2 };
    let bits = 8 * (128 + message.len()) as u64;
    flat[128 * blocks - 8..128 * blocks].copy_from_slice(&bits.to_be_bytes());
    for block in &tail[..blocks] {
        sha512_block(state, block);
    }
    tail.zeroize();
}

pub fn narrow_bytes(state: &[u32; 8], out: &mut [u8; 32]) {
    for (word, bytes) in state.iter().zip(out.as_chunks_mut::<4>().0) {
        *bytes = word.to_be_bytes();
    }
}

fn wide_bytes(state: &[u64; 8], out: &mut [u8; 64]) {
    for (word, bytes) in state.iter().zip(out.as_chunks_mut::<8>().0) {
        *bytes = word.to_be_bytes();
    }
}
