//! SHA-384 and SHA-512 (FIPS 180-4) in the lanes of a vector, on eight messages of one length.
use crate::ffi::Hash;
use crate::field::{Class, Task, wipe};
use crate::symmetric::{SHA384_START, SHA512_START};
use crate::vec::LANES;
use crate::vec::sha_rounds::ROUNDS;

/// Bytes of a block.
pub const BLOCK: usize = 128;

/// States of eight lanes: `words[i][lane]`.
#[derive(Clone, Copy)]
pub struct States(pub [[u64; LANES]; 8]);

/// The initial states of SHA-384 or SHA-512.
pub fn start(hash: Hash) -> States {
    let words = if hash == Hash::Sha384 { SHA384_START } else { SHA512_START };
    States(words.map(|word| [word; LANES]))
}

/// Absorbs blocks: `data[lane]` holds whole blocks in its first `len` bytes.
pub fn absorb<V: Class, const M: usize>(
    proof: V,
    states: &mut States,
    data: &[[u8; M]; LANES],
    len: usize,
) {
    debug_assert!(len.is_multiple_of(BLOCK) && len <= M);
    let mut words = [[0u64; LANES]; 16];
    for at in (0..len).step_by(BLOCK) {
        for (i, word) in words.iter_mut().enumerate() {
            for lane in 0..LANES {
                let bytes = data[lane][at + 8 * i..].first_chunk::<8>();
                word[lane] = u64::from_be_bytes(*bytes.unwrap_or(&[0; 8]));
            }
        }
        V::outline(proof, Compress { proof, states: &mut *states, words: &words });
    }
    // SAFETY: integers.
    unsafe { wipe(&mut words) };
}

/// The digests: 64 bytes per lane, of which SHA-384 has 48.
pub fn finish(states: &States) -> [[u8; 64]; LANES] {
    let mut out = [[0; 64]; LANES];
    for lane in 0..LANES {
        for i in 0..8 {
            out[lane][8 * i..8 * i + 8].copy_from_slice(&states.0[i][lane].to_be_bytes());
        }
    }
    out
}

/// The compression function of SHA-512 on one block per lane: `words[i][lane]`.
#[inline(always)]
pub fn compress<V: Class>(proof: V, states: &mut States, words: &[[u64; LANES]; 16]) {
    V::outline(proof, Compress { proof, states, words });
}

struct Compress<'a, V> {
    proof: V,
    states: &'a mut States,
    words: &'a [[u64; LANES]; 16],
}

macro_rules! rotate {
    ($x:expr, $right:literal, $left:literal) => {
        $x.shr::<$right>().or($x.shl::<$left>())
    };
}

impl<V: Class> Task for Compress<'_, V> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        let mut w = [self.proof; 16];
        let mut s = [self.proof; 8];
        for i in 0..16 {
            // SAFETY: a value of V exists.
            w[i] = unsafe { V::load(&self.words[i]) };
        }
        for i in 0..8 {
            // SAFETY: as above.
            s[i] = unsafe { V::load(&self.states.0[i]) };
        }
        let start = s;
        for chunk in 0..5 {
            for i in 0..16 {
                if chunk > 0 {
                    let (x, y) = (w[(i + 1) % 16], w[(i + 14) % 16]);
                    let x = rotate!(x, 1, 63).xor(rotate!(x, 8, 56)).xor(x.shr::<7>());
                    let y = rotate!(y, 19, 45).xor(rotate!(y, 61, 3)).xor(y.shr::<6>());
                    w[i] = w[i].add(x).add(w[(i + 9) % 16]).add(y);
                }
                let [a, b, c, d, e, f, g, h] = s;
                // SAFETY: as above.
                let k = unsafe { V::splat(ROUNDS[16 * chunk + i]) };
                let big1 = rotate!(e, 14, 50).xor(rotate!(e, 18, 46)).xor(rotate!(e, 41, 23));
                let choice = g.xor(e.and(f.xor(g)));
                let t = h.add(big1).add(choice).add(k).add(w[i]);
                let big0 = rotate!(a, 28, 36).xor(rotate!(a, 34, 30)).xor(rotate!(a, 39, 25));
                let majority = a.and(b).or(c.and(a.or(b)));
                s = [t.add(big0).add(majority), a, b, c, d.add(t), e, f, g];
            }
        }
        for i in 0..8 {
            self.states.0[i] = s[i].add(start[i]).store();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vec::{Portable, Vector};

    #[test]
    fn lanes_hash_as_the_library_does() {
        for hash in [Hash::Sha384, Hash::Sha512] {
            let mut data = [[0u8; 256]; LANES];
            let mut expect = [[0u8; 64]; LANES];
            for lane in 0..LANES {
                let message: Vec<u8> = (0..100).map(|i| (i * 7 + lane * 31) as u8).collect();
                hash.digest(&message, &mut expect[lane]);
                data[lane][..100].copy_from_slice(&message);
                data[lane][100] = 0x80;
                data[lane][126..128].copy_from_slice(&800u16.to_be_bytes());
            }
            let mut states = start(hash);
            // SAFETY: the portable class needs nothing.
            let proof = unsafe { Portable::splat(0) };
            absorb(proof, &mut states, &data, 128);
            let got = finish(&states);
            for lane in 0..LANES {
                let len = hash.digest_len();
                assert_eq!(got[lane][..len], expect[lane][..len], "{hash:?} lane {lane}");
            }
        }
    }
}
