//! AES-256-GCM (FIPS 197, SP 800-38D) for sixteen short messages under sixteen keys: key expansion,
//! CTR and GHASH run on them side by side, two registers of messages at a time, because each of these
//! is bound by latency alone.
use super::lanes::{Blocks, Four, One, Two};
use core::arch::x86_64::*;

/// Messages of a batch.
pub const BATCH: usize = 16;
/// Blocks of 16 bytes of a message's text, at most.
pub const TEXT_BLOCKS: usize = 16;
/// Blocks of additional data, at most.
pub const AAD_BLOCKS: usize = 16;
/// Blocks that GHASH absorbs, at most: additional data, ciphertext, lengths.
pub const HASH_BLOCKS: usize = AAD_BLOCKS + TEXT_BLOCKS + 1;

const GROUPS: usize = 2;
const ROUNDS: usize = 14;

/// One block of each message of a batch.
pub type Row = [[u8; 16]; BATCH];

/// What goes into and comes out of the kernels. All but `hash` is secret: see `wipe`.
#[repr(C, align(64))]
pub struct Scratch {
    /// In: the AES-256 keys, first and second half.
    pub key: [Row; 2],
    /// Out: the hash key, in POLYVAL's form.
    hash_key: Row,
    /// Out: the block that masks the tag.
    mask: Row,
    /// Out: the key stream from counter 2 on.
    pub stream: [Row; TEXT_BLOCKS],
    /// Out: the tags.
    pub tag: Row,
    /// In: IV | 00000001.
    pub counter: Row,
    /// In: what GHASH absorbs; shorter messages begin with zero blocks, which change nothing.
    pub hash: [Row; HASH_BLOCKS],
}

impl Scratch {
    pub const EMPTY: Self = Self {
        key: [[[0; 16]; BATCH]; 2],
        hash_key: [[0; 16]; BATCH],
        mask: [[0; 16]; BATCH],
        stream: [[[0; 16]; BATCH]; TEXT_BLOCKS],
        tag: [[0; 16]; BATCH],
        counter: [[0; 16]; BATCH],
        hash: [[[0; 16]; BATCH]; HASH_BLOCKS],
    };

    pub fn wipe(&mut self) {
        crate::ffi::wipe(self.key.as_flattened_mut().as_flattened_mut());
        crate::ffi::wipe(self.hash_key.as_flattened_mut());
        crate::ffi::wipe(self.mask.as_flattened_mut());
        crate::ffi::wipe(self.stream.as_flattened_mut().as_flattened_mut());
        crate::ffi::wipe(self.tag.as_flattened_mut());
    }
}

/// Which instantiation runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// AES-NI, one block per register.
    One,
    /// VAES, two blocks.
    Two,
    /// VAES and AVX-512, four blocks.
    Four,
}

impl Width {
    /// The widest that this CPU has, up to `most`.
    pub fn detect(most: Width) -> Option<Width> {
        let common = is_x86_feature_detected!("aes")
            && is_x86_feature_detected!("pclmulqdq")
            && is_x86_feature_detected!("ssse3")
            && is_x86_feature_detected!("sse4.1");
        let vaes = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("vaes")
            && is_x86_feature_detected!("vpclmulqdq");
        let wide = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl");
        match most {
            _ if !common => None,
            Width::Four if vaes && wide => Some(Width::Four),
            Width::Four | Width::Two if vaes => Some(Width::Two),
            _ => Some(Width::One),
        }
    }
}

/// Expands the keys; makes hash keys, tag masks and `blocks` blocks of key stream, of the first
/// `lanes` messages.
///
/// # Safety
/// `width` came from `Width::detect`.
pub unsafe fn prepare(width: Width, scratch: &mut Scratch, lanes: usize, blocks: usize) {
    debug_assert!(lanes <= BATCH && blocks <= TEXT_BLOCKS);
    match width {
        // SAFETY: the caller vouches for the features.
        Width::One => unsafe { prepare_one(scratch, lanes, blocks) },
        Width::Two => unsafe { prepare_two(scratch, lanes, blocks) },
        Width::Four => unsafe { prepare_four(scratch, lanes, blocks) },
    }
}

/// Absorbs the first `rows` rows of `hash`; gives the tags of the first `lanes` messages.
///
/// # Safety
/// `width` came from `Width::detect`; `prepare` ran before.
pub unsafe fn authenticate(width: Width, scratch: &mut Scratch, lanes: usize, rows: usize) {
    debug_assert!(lanes <= BATCH && rows <= HASH_BLOCKS);
    match width {
        // SAFETY: the caller vouches for the features.
        Width::One => unsafe { authenticate_one(scratch, lanes, rows) },
        Width::Two => unsafe { authenticate_two(scratch, lanes, rows) },
        Width::Four => unsafe { authenticate_four(scratch, lanes, rows) },
    }
}

macro_rules! instantiate {
    ($prepare:ident, $authenticate:ident, $blocks:ty, $features:literal) => {
        #[target_feature(enable = $features)]
        unsafe fn $prepare(scratch: &mut Scratch, lanes: usize, blocks: usize) {
            for first in (0..lanes).step_by(<$blocks>::LANES * GROUPS) {
                // SAFETY: the features are those of the blocks.
                unsafe { prepare_lanes::<$blocks>(scratch, first, blocks) }
            }
        }
        #[target_feature(enable = $features)]
        unsafe fn $authenticate(scratch: &mut Scratch, lanes: usize, rows: usize) {
            for first in (0..lanes).step_by(<$blocks>::LANES * GROUPS) {
                // SAFETY: the features are those of the blocks.
                unsafe { authenticate_lanes::<$blocks>(scratch, first, rows) }
            }
        }
    };
}

instantiate!(prepare_one, authenticate_one, One, "aes,pclmulqdq,ssse3,sse4.1");
instantiate!(prepare_two, authenticate_two, Two, "aes,pclmulqdq,ssse3,sse4.1,avx2,vaes,vpclmulqdq");
instantiate!(
    prepare_four,
    authenticate_four,
    Four,
    "aes,pclmulqdq,ssse3,sse4.1,avx2,vaes,vpclmulqdq,avx512f,avx512bw,avx512vl"
);

/// # Safety
/// As `Blocks`; `row` has `BATCH` lanes and `first + B::LANES * GROUPS <= BATCH`.
#[inline(always)]
unsafe fn load<B: Blocks>(row: &Row, first: usize) -> [B; GROUPS] {
    // No closures here: they would not have the features that their caller is compiled for.
    // SAFETY: within the row.
    unsafe {
        let from = row.as_ptr().add(first);
        [B::load(from.cast()), B::load(from.add(B::LANES).cast())]
    }
}

/// # Safety
/// As `load`.
#[inline(always)]
unsafe fn store<B: Blocks>(row: &mut Row, first: usize, values: [B; GROUPS]) {
    // SAFETY: within the row.
    unsafe {
        let to = row.as_mut_ptr().add(first);
        values[0].store(to.cast());
        values[1].store(to.add(B::LANES).cast());
    }
}

/// k ^= k << 32, twice over: each word becomes the XOR of itself and those before it.
#[inline(always)]
unsafe fn fold<B: Blocks>(k: B, with: B) -> B {
    unsafe {
        let k = k.xor(k.shift_left_bytes::<4>());
        k.xor(k.shift_left_bytes::<8>()).xor(with)
    }
}

/// FIPS 197, 5.2, through AESENCLAST: with four equal columns ShiftRows moves nothing, so it is
/// SubWord, plus the round constant.
#[inline(always)]
unsafe fn expand<B: Blocks>(scratch: &Scratch, first: usize) -> [[B; GROUPS]; ROUNDS + 1] {
    unsafe {
        let rotate = B::splat(_mm_set1_epi32(0x0c0f_0e0d));
        let zero = B::splat(_mm_setzero_si128());
        let mut low = load::<B>(&scratch.key[0], first);
        let mut high = load::<B>(&scratch.key[1], first);
        let mut keys = [low; ROUNDS + 1];
        keys[1] = high;
        for round in 1..=7 {
            let constant = B::splat(_mm_set1_epi32(1 << (round - 1)));
            for g in 0..GROUPS {
                let word = high[g].shuffle8(rotate).aesenclast(constant);
                low[g] = fold(low[g], word);
            }
            keys[2 * round] = low;
            if round < 7 {
                for g in 0..GROUPS {
                    let word = low[g].shuffle32::<0xff>().aesenclast(zero);
                    high[g] = fold(high[g], word);
                }
                keys[2 * round + 1] = high;
            }
        }
        keys
    }
}

#[inline(always)]
unsafe fn encrypt<B: Blocks, const N: usize>(
    keys: &[[B; GROUPS]; ROUNDS + 1],
    mut states: [[B; GROUPS]; N],
) -> [[B; GROUPS]; N] {
    unsafe {
        for state in &mut states {
            for g in 0..GROUPS {
                state[g] = state[g].xor(keys[0][g]);
            }
        }
        for key in &keys[1..ROUNDS] {
            for state in &mut states {
                for g in 0..GROUPS {
                    state[g] = state[g].aesenc(key[g]);
                }
            }
        }
        for state in &mut states {
            for g in 0..GROUPS {
                state[g] = state[g].aesenclast(keys[ROUNDS][g]);
            }
        }
        states
    }
}

#[inline(always)]
unsafe fn prepare_lanes<B: Blocks>(scratch: &mut Scratch, first: usize, blocks: usize) {
    unsafe {
        let keys = expand::<B>(scratch, first);
        // The counter is big-endian in the last word and stays below 256.
        let one = B::splat(_mm_set_epi32(1 << 24, 0, 0, 0));
        let zero = [B::splat(_mm_setzero_si128()); GROUPS];
        let c1: [B; GROUPS] = load(&scratch.counter, first);
        let c2 = [c1[0].add32(one), c1[1].add32(one)];
        let mut last = [c2[0].add32(one), c2[1].add32(one)];
        let [h, mask, s0, s1] = encrypt(&keys, [zero, c1, c2, last]);
        store(&mut scratch.hash_key, first, [to_polyval(h[0]), to_polyval(h[1])]);
        store(&mut scratch.mask, first, mask);
        store(&mut scratch.stream[0], first, s0);
        store(&mut scratch.stream[1], first, s1);
        let mut done = 2;
        while done < blocks {
            let a = [last[0].add32(one), last[1].add32(one)];
            last = [a[0].add32(one), a[1].add32(one)];
            let [s0, s1] = encrypt(&keys, [a, last]);
            store(&mut scratch.stream[done], first, s0);
            store(&mut scratch.stream[done + 1], first, s1);
            done += 2;
        }
    }
}

#[inline(always)]
unsafe fn reverse<B: Blocks>(block: B) -> B {
    unsafe {
        block.shuffle8(B::splat(_mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)))
    }
}

/// x^128 + x^127 + x^126 + x^121 + 1, without its top bit.
#[inline(always)]
unsafe fn polynomial<B: Blocks>() -> B {
    unsafe { B::splat(_mm_set_epi64x(0xc2 << 56, 1)) }
}

/// GHASH's key for POLYVAL: reversed, times x (RFC 8452, appendix A).
#[inline(always)]
unsafe fn to_polyval<B: Blocks>(h: B) -> B {
    unsafe {
        let h = reverse(h);
        let carry = h.shift_right64::<63>().shift_left_bytes::<8>();
        let doubled = h.shift_left64::<1>().xor(carry);
        let overflow = h.sign32().shuffle32::<0xff>();
        doubled.xor(overflow.and(polynomial()))
    }
}

/// a * b * x^-128 (RFC 8452, 3), with Gueron's reduction in two steps of 64 bits.
#[inline(always)]
unsafe fn multiply<B: Blocks>(a: B, b: B) -> B {
    unsafe {
        let middle = a.clmul::<0x10>(b).xor(a.clmul::<0x01>(b));
        let low = a.clmul::<0x00>(b).xor(middle.shift_left_bytes::<8>());
        let high = a.clmul::<0x11>(b).xor(middle.shift_right_bytes::<8>());
        let poly = polynomial::<B>();
        let low = low.shuffle32::<78>().xor(low.clmul::<0x10>(poly));
        let low = low.shuffle32::<78>().xor(low.clmul::<0x10>(poly));
        high.xor(low)
    }
}

#[inline(always)]
unsafe fn authenticate_lanes<B: Blocks>(scratch: &mut Scratch, first: usize, rows: usize) {
    unsafe {
        let key = load::<B>(&scratch.hash_key, first);
        let mut sum = [B::splat(_mm_setzero_si128()); GROUPS];
        for row in &scratch.hash[..rows] {
            let block = load::<B>(row, first);
            for g in 0..GROUPS {
                sum[g] = multiply(sum[g].xor(reverse(block[g])), key[g]);
            }
        }
        let mask = load::<B>(&scratch.mask, first);
        let tag = [reverse(sum[0]).xor(mask[0]), reverse(sum[1]).xor(mask[1])];
        store(&mut scratch.tag, first, tag);
    }
}
