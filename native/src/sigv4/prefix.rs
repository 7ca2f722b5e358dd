//! The SHA-256 of a canonical request, whose text is the same in all requests of one kind that a
//! client makes within a second, up to the hash of the body at its end: the state after that text
//! is kept. Nothing here is secret.
use crate::symmetric::{SHA256_START, absorb_rest, state_bytes};
use std::cell::RefCell;

/// Texts kept on each thread, a power of two, and the longest of them in bytes.
const KEPT: usize = 64;
const TEXT_MAX: usize = 4_096;
const BLOCK: usize = 64;

/// Whole blocks of a text, and the state after them.
struct Prefix {
    text: Vec<u8>,
    state: [u32; 8],
}

thread_local! {
    static PREFIXES: RefCell<[Prefix; KEPT]> = const {
        RefCell::new([const { Prefix { text: Vec::new(), state: [0; 8] } }; KEPT])
    };
}

/// SHA-256 of `text` followed by `end`, 64 bytes.
pub fn digest(text: &[u8], end: &[u8; 64], out: &mut [u8; 32]) {
    let (whole, rest) = text.split_at(text.len() / BLOCK * BLOCK);
    let mut state = state_after(whole);
    let mut tail = [0u8; 2 * BLOCK];
    tail[..rest.len()].copy_from_slice(rest);
    tail[rest.len()..rest.len() + end.len()].copy_from_slice(end);
    absorb_rest(&mut state, whole.len(), &tail[..rest.len() + end.len()]);
    state_bytes(&state, out);
}

fn state_after(blocks: &[u8]) -> [u32; 8] {
    if blocks.is_empty() || blocks.len() > TEXT_MAX {
        return hashed(blocks);
    }
    // The last block holds the target and the names of the signed headers; its middle differs from
    // operation to operation.
    let last = &blocks[blocks.len() - BLOCK..];
    let place = blocks.len() / BLOCK + usize::from(last[20]) + 3 * usize::from(last[40]);
    PREFIXES.with_borrow_mut(|prefixes| {
        let kept = &mut prefixes[place % KEPT];
        if kept.text != blocks {
            kept.state = hashed(blocks);
            kept.text.clear();
            kept.text.extend_from_slice(blocks);
        }
        kept.state
    })
}

fn hashed(blocks: &[u8]) -> [u32; 8] {
    let mut state = SHA256_START;
    crate::ffi::sha256_blocks(&mut state, blocks);
    state
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ffi::Hash;

    /// Against AWS-LC's whole hash: every length around the borders of blocks and of what is kept,
    /// texts that share a place, and the same text again.
    #[test]
    fn is_the_hash_of_the_whole() {
        let mut checked = 0;
        for length in (0..700).chain(TEXT_MAX - 70..TEXT_MAX + 140) {
            for (round, salt) in [1u8, 1, 2, 1, 255].into_iter().enumerate() {
                let text: Vec<u8> =
                    (0..length).map(|i| (i as u8).wrapping_mul(31) ^ salt).collect();
                let end: [u8; 64] = core::array::from_fn(|i| b'0' + (i + round) as u8 % 10);
                let mut whole = text.clone();
                whole.extend_from_slice(&end);
                let mut expected = [0u8; 64];
                Hash::Sha256.digest(&whole, &mut expected);
                let mut found = [0u8; 32];
                digest(&text, &end, &mut found);
                assert_eq!(found, expected[..32], "length {length}, round {round}");
                checked += 1;
            }
        }
        assert_eq!(checked, 5 * 910);
    }
}
