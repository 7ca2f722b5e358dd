//! Hash compressions of eight lanes with messages of one length, for HMAC inside RFC 6979.
//!
//! SHA-384 and SHA-512 (FIPS 180-4) run in the lanes of a vector. SHA-256 runs lane after lane in
//! AWS-LC, whose SHA extensions are faster than eight 32-bit lanes would be.
use crate::ffi::{Hash, sha256_blocks};
use crate::field::{Class, Task, wipe};
use crate::vec::LANES;

/// States of eight lanes: `words[i][lane]`; SHA-256 uses the low halves.
#[derive(Clone, Copy)]
pub struct States(pub [[u64; LANES]; 8]);

const SHA256: [u64; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];
const SHA384: [u64; 8] = [
    0xcbbb_9d5d_c105_9ed8,
    0x629a_292a_367c_d507,
    0x9159_015a_3070_dd17,
    0x152f_ecd8_f70e_5939,
    0x6733_2667_ffc0_0b31,
    0x8eb4_4a87_6858_1511,
    0xdb0c_2e0d_64f9_8fa7,
    0x47b5_481d_befa_4fa4,
];
const SHA512: [u64; 8] = [
    0x6a09_e667_f3bc_c908,
    0xbb67_ae85_84ca_a73b,
    0x3c6e_f372_fe94_f82b,
    0xa54f_f53a_5f1d_36f1,
    0x510e_527f_ade6_82d1,
    0x9b05_688c_2b3e_6c1f,
    0x1f83_d9ab_fb41_bd6b,
    0x5be0_cd19_137e_2179,
];

/// Round constants: the first 64 bits of the fractional parts of the cube roots of the first 80
/// primes, computed here from that definition.
const ROUNDS: [u64; 80] = rounds();

const fn rounds() -> [u64; 80] {
    let mut out = [0; 80];
    let mut found = 0;
    let mut candidate = 2u64;
    while found < 80 {
        let mut divisor = 2;
        let mut prime = true;
        while divisor * divisor <= candidate {
            if candidate.is_multiple_of(divisor) {
                prime = false;
            }
            divisor += 1;
        }
        if prime {
            out[found] = cube_root_fraction(candidate);
            found += 1;
        }
        candidate += 1;
    }
    out
}

/// floor(2^64 * cbrt(prime)) mod 2^64, bit by bit: the largest x with x^3 <= prime * 2^192.
const fn cube_root_fraction(prime: u64) -> u64 {
    // x has 67 bits at most; x^3 is compared in 32-bit limbs.
    let mut x = 0u128;
    let mut bit = 67;
    while bit > 0 {
        bit -= 1;
        let y = x | 1 << bit;
        if cube_is_at_most(y, prime) {
            x = y;
        }
    }
    x as u64
}

/// y^3 <= prime * 2^192, for y below 2^68.
const fn cube_is_at_most(y: u128, prime: u64) -> bool {
    let limbs = [y as u64 & 0xffff_ffff, (y >> 32) as u64 & 0xffff_ffff, (y >> 64) as u64];
    let mut square = [0u64; 8];
    let mut cube = [0u64; 8];
    multiply_into(&mut square, &[limbs[0], limbs[1], limbs[2], 0, 0, 0], &limbs);
    let six = [square[0], square[1], square[2], square[3], square[4], square[5]];
    multiply_into(&mut cube, &six, &limbs);
    let top = cube[6] | cube[7] << 32;
    let low = cube[0] | cube[1] | cube[2] | cube[3] | cube[4] | cube[5];
    top < prime || (top == prime && low == 0)
}

const fn multiply_into(out: &mut [u64; 8], a: &[u64; 6], b: &[u64; 3]) {
    let mut i = 0;
    while i < 6 {
        let mut carry = 0;
        let mut j = 0;
        while i + j < 8 && (j < 3 || carry != 0) {
            let x = out[i + j] + carry + if j < 3 { a[i] * b[j] } else { 0 };
            out[i + j] = x & 0xffff_ffff;
            carry = x >> 32;
            j += 1;
        }
        i += 1;
    }
}

/// Bytes of a block.
pub const fn block_len(hash: Hash) -> usize {
    match hash {
        Hash::Sha384 | Hash::Sha512 => 128,
        _ => 64,
    }
}

/// The initial states of SHA-256, SHA-384 or SHA-512.
pub fn start(hash: Hash) -> States {
    let words = match hash {
        Hash::Sha384 => SHA384,
        Hash::Sha512 => SHA512,
        _ => SHA256,
    };
    States(words.map(|word| [word; LANES]))
}

/// Absorbs blocks: `data[lane]` holds whole blocks in its first `len` bytes.
pub fn absorb<V: Class, const M: usize>(
    proof: V,
    hash: Hash,
    states: &mut States,
    data: &[[u8; M]; LANES],
    len: usize,
) {
    let block = block_len(hash);
    debug_assert!(len.is_multiple_of(block) && len <= M);
    if block == 64 {
        for lane in 0..LANES {
            let mut state: [u32; 8] = std::array::from_fn(|i| states.0[i][lane] as u32);
            sha256_blocks(&mut state, &data[lane][..len]);
            for i in 0..8 {
                states.0[i][lane] = u64::from(state[i]);
            }
            // SAFETY: integers.
            unsafe { wipe(&mut state) };
        }
        return;
    }
    let mut words = [[0u64; LANES]; 16];
    for at in (0..len).step_by(128) {
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

/// The digests: `hash.digest_len()` bytes per lane.
pub fn finish(hash: Hash, states: &States) -> [[u8; 64]; LANES] {
    let mut out = [[0; 64]; LANES];
    for lane in 0..LANES {
        for i in 0..8 {
            let word = states.0[i][lane];
            if block_len(hash) == 64 {
                out[lane][4 * i..4 * i + 4].copy_from_slice(&(word as u32).to_be_bytes());
            } else {
                out[lane][8 * i..8 * i + 8].copy_from_slice(&word.to_be_bytes());
            }
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
        for hash in [Hash::Sha256, Hash::Sha384, Hash::Sha512] {
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
            absorb(proof, hash, &mut states, &data, 128);
            let got = finish(hash, &states);
            for lane in 0..LANES {
                let len = hash.digest_len();
                assert_eq!(got[lane][..len], expect[lane][..len], "{hash:?} lane {lane}");
            }
        }
    }
}
