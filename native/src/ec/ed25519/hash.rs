//! SHA-512 of eight messages, each of its own length, given in parts.
use crate::ec::sha_lanes::{States, compress, start};
use crate::ffi::Hash;
use crate::field::{Class, wipe};
use crate::vec::LANES;

const BLOCK: usize = 128;

/// A message: its parts, one after the other.
#[derive(Clone, Copy, Default)]
pub struct Message<'a>(pub [&'a [u8]; 4]);

impl Message<'_> {
    fn len(&self) -> usize {
        self.0.iter().map(|part| part.len()).sum()
    }

    /// Blocks with the padding: a byte, and the length in 16.
    fn blocks(&self) -> usize {
        (self.len() + 17).div_ceil(BLOCK)
    }

    /// The block that begins at byte `at`, padded where the message ends.
    #[inline(always)]
    fn block(&self, at: usize, out: &mut [u8; BLOCK]) {
        out.fill(0);
        let mut begin = 0;
        for part in self.0 {
            let end = begin + part.len();
            let (from, to) = (at.max(begin), end.min(at + BLOCK));
            if from < to {
                out[from - at..to - at].copy_from_slice(&part[from - begin..to - begin]);
            }
            begin = end;
        }
        if (at..at + BLOCK).contains(&begin) {
            out[begin - at] = 0x80;
        }
        if at + BLOCK >= begin + 17 {
            let bits = 8 * begin as u128;
            out[BLOCK - 16..].copy_from_slice(&bits.to_be_bytes());
        }
    }
}

/// The digests, as the states that hold them. As many compressions as the longest message has blocks.
pub fn sha512<V: Class>(proof: V, messages: &[Message<'_>; LANES]) -> States {
    let mut states = start(Hash::Sha512);
    let mut out = states;
    let blocks = messages.map(|message| message.blocks());
    let count = blocks.iter().fold(0, |most, n| most.max(*n));
    let mut words = [[0u64; LANES]; 16];
    let mut block = [0u8; BLOCK];
    for at in 0..count {
        for lane in 0..LANES {
            if at >= blocks[lane] {
                continue;
            }
            messages[lane].block(at * BLOCK, &mut block);
            for (word, bytes) in words.iter_mut().zip(block.as_chunks::<8>().0) {
                word[lane] = u64::from_be_bytes(*bytes);
            }
        }
        compress(proof, &mut states, &words);
        for lane in 0..LANES {
            if at + 1 == blocks[lane] {
                for i in 0..8 {
                    out.0[i][lane] = states.0[i][lane];
                }
            }
        }
    }
    // SAFETY: integers.
    unsafe {
        wipe(&mut states);
        wipe(&mut words);
        wipe(&mut block);
    }
    out
}
