//! SHA-256 (FIPS 180-4, 6.2.2) on sixteen independent streams, one per 32-bit lane of AVX-512: twice
//! the speed of SHA-NI where there are enough streams. Rotations and functions of three inputs are
//! one instruction each; the state and the sixteen words of a block stay in registers.
//!
//! All functions but `available`: safe to call where that is true.
use super::sha256_ni::K;
use super::{MacJob, Pads, Row, blocks_of};
use crate::symmetric::seal::NONCE_WORD;
use core::arch::x86_64::*;

/// Streams that run at once.
pub const LANES: usize = 16;

/// Words of all streams: `[w][n]` is word `w` of stream `n`.
#[repr(C, align(64))]
struct Columns<const N: usize>([[u32; LANES]; N]);

/// Working memory; all of it but `padding` is secret.
pub struct Work {
    inner: Columns<8>,
    outer: Columns<8>,
    block: Columns<16>,
    /// What the rounds of a last block add that holds padding alone, and the message's length.
    padding: [u32; 64],
    padding_of: usize,
}

impl Work {
    pub fn empty() -> Self {
        Self {
            inner: Columns([[0; LANES]; 8]),
            outer: Columns([[0; LANES]; 8]),
            block: Columns([[0; LANES]; 16]),
            padding: [0; 64],
            padding_of: usize::MAX,
        }
    }

    pub fn wipe(&mut self) {
        crate::ffi::wipe_u32(self.inner.0.as_flattened_mut());
        crate::ffi::wipe_u32(self.outer.0.as_flattened_mut());
        crate::ffi::wipe_u32(self.block.0.as_flattened_mut());
    }
}

/// True where the CPU has what the functions below need.
pub fn available() -> bool {
    is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw")
}

impl<const N: usize> Columns<N> {
    #[target_feature(enable = "avx512f")]
    #[inline]
    fn get(&self, word: usize) -> __m512i {
        // SAFETY: a column is 64 bytes, and aligned.
        unsafe { _mm512_load_si512(self.0[word].as_ptr().cast()) }
    }

    #[target_feature(enable = "avx512f")]
    #[inline]
    fn set(&mut self, word: usize, value: __m512i) {
        // SAFETY: as above.
        unsafe { _mm512_store_si512(self.0[word].as_mut_ptr().cast(), value) }
    }

    #[target_feature(enable = "avx512f")]
    #[inline]
    fn all(&self) -> [__m512i; N] {
        let mut words = [_mm512_setzero_si512(); N];
        for (w, word) in words.iter_mut().enumerate() {
            *word = self.get(w);
        }
        words
    }
}

/// `$round!` for each of sixteen rounds, whose numbers must be known to the compiler.
macro_rules! sixteen {
    ($round:ident) => {
        $round!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15)
    };
}

/// A round that adds `input` = word + constant. The names of the eight words turn with `i`, so that
/// no word has to move.
///
/// # Safety
/// The CPU has AVX-512F.
#[inline(always)]
unsafe fn round(s: &mut [__m512i; 8], i: usize, input: __m512i) {
    // SAFETY: the caller's word.
    unsafe {
        let at = |name: usize| (name + 16 - i) % 8;
        let (a, b, c, e) = (s[at(0)], s[at(1)], s[at(2)], s[at(4)]);
        let choice = _mm512_ternarylogic_epi32::<0xca>(e, s[at(5)], s[at(6)]);
        let sum1 = _mm512_ternarylogic_epi32::<0x96>(
            _mm512_ror_epi32::<6>(e),
            _mm512_ror_epi32::<11>(e),
            _mm512_ror_epi32::<25>(e),
        );
        let majority = _mm512_ternarylogic_epi32::<0xe8>(a, b, c);
        let sum0 = _mm512_ternarylogic_epi32::<0x96>(
            _mm512_ror_epi32::<2>(a),
            _mm512_ror_epi32::<13>(a),
            _mm512_ror_epi32::<22>(a),
        );
        let t = _mm512_add_epi32(_mm512_add_epi32(s[at(7)], input), choice);
        let t = _mm512_add_epi32(t, sum1);
        s[at(3)] = _mm512_add_epi32(s[at(3)], t);
        s[at(7)] = _mm512_add_epi32(_mm512_add_epi32(t, majority), sum0);
    }
}

/// The schedule's next word: `w` holds the sixteen before it in a ring that begins at `i`.
///
/// # Safety
/// The CPU has AVX-512F.
#[inline(always)]
unsafe fn next(w: &[__m512i; 16], i: usize) -> __m512i {
    // SAFETY: the caller's word.
    unsafe {
        let (x, y) = (w[(i + 1) % 16], w[(i + 14) % 16]);
        let sigma0 = _mm512_ternarylogic_epi32::<0x96>(
            _mm512_ror_epi32::<7>(x),
            _mm512_ror_epi32::<18>(x),
            _mm512_srli_epi32::<3>(x),
        );
        let sigma1 = _mm512_ternarylogic_epi32::<0x96>(
            _mm512_ror_epi32::<17>(y),
            _mm512_ror_epi32::<19>(y),
            _mm512_srli_epi32::<10>(y),
        );
        let old = _mm512_add_epi32(w[i], w[(i + 9) % 16]);
        _mm512_add_epi32(old, _mm512_add_epi32(sigma0, sigma1))
    }
}

/// Runs the compression function on each stream's state with its block.
#[target_feature(enable = "avx512f")]
#[inline(never)]
fn compress(state: &mut Columns<8>, block: &Columns<16>) {
    let mut s = state.all();
    let mut w = block.all();
    macro_rules! first {
        ($($i:literal)*) => {$(
            let input = _mm512_add_epi32(w[$i], _mm512_set1_epi32(K[$i] as i32));
            // SAFETY: this function has the feature.
            unsafe { round(&mut s, $i, input) };
        )*};
    }
    sixteen!(first);
    for k in K[16..].as_chunks::<16>().0 {
        macro_rules! rest {
            ($($i:literal)*) => {$(
                // SAFETY: this function has the feature.
                w[$i] = unsafe { next(&w, $i) };
                let input = _mm512_add_epi32(w[$i], _mm512_set1_epi32(k[$i] as i32));
                // SAFETY: as above.
                unsafe { round(&mut s, $i, input) };
            )*};
        }
        sixteen!(rest);
    }
    for (i, word) in s.into_iter().enumerate() {
        state.set(i, _mm512_add_epi32(state.get(i), word));
    }
}

/// As `compress`, where the block is the same for all streams: `inputs` are its scheduled words, with
/// the rounds' constants added.
#[target_feature(enable = "avx512f")]
#[inline(never)]
fn compress_same(state: &mut Columns<8>, inputs: &[u32; 64]) {
    let mut s = state.all();
    for inputs in inputs.as_chunks::<16>().0 {
        macro_rules! each {
            ($($i:literal)*) => {$(
                // SAFETY: this function has the feature.
                unsafe { round(&mut s, $i, _mm512_set1_epi32(inputs[$i] as i32)) };
            )*};
        }
        sixteen!(each);
    }
    for (i, word) in s.into_iter().enumerate() {
        state.set(i, _mm512_add_epi32(state.get(i), word));
    }
}

/// What the 64 rounds of a block add: its scheduled words and the constants.
fn round_inputs(block: &[u32; 16]) -> [u32; 64] {
    let mut w = [0u32; 64];
    w[..16].copy_from_slice(block);
    for i in 16..64 {
        let (x, y) = (w[i - 15], w[i - 2]);
        let sigma0 = x.rotate_right(7) ^ x.rotate_right(18) ^ x >> 3;
        let sigma1 = y.rotate_right(17) ^ y.rotate_right(19) ^ y >> 10;
        w[i] = w[i - 16].wrapping_add(w[i - 7]).wrapping_add(sigma0).wrapping_add(sigma1);
    }
    for (word, k) in w.iter_mut().zip(K) {
        *word = word.wrapping_add(k);
    }
    w
}

/// Turns the bytes of each word.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn turn(v: __m512i) -> __m512i {
    let order = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
    _mm512_shuffle_epi8(v, _mm512_broadcast_i32x4(order))
}

/// In each 128-bit part: element `j` of the four values becomes the part of result `j`.
#[target_feature(enable = "avx512f")]
#[inline]
fn transpose4(r: [__m512i; 4]) -> [__m512i; 4] {
    let (a, b) = (_mm512_unpacklo_epi32(r[0], r[1]), _mm512_unpackhi_epi32(r[0], r[1]));
    let (c, d) = (_mm512_unpacklo_epi32(r[2], r[3]), _mm512_unpackhi_epi32(r[2], r[3]));
    [
        _mm512_unpacklo_epi64(a, c),
        _mm512_unpackhi_epi64(a, c),
        _mm512_unpacklo_epi64(b, d),
        _mm512_unpackhi_epi64(b, d),
    ]
}

/// Rows of sixteen words become columns.
#[target_feature(enable = "avx512f")]
#[inline]
fn transpose16(rows: &[__m512i; 16]) -> [__m512i; 16] {
    let mut columns = [_mm512_setzero_si512(); 16];
    let quads = [
        transpose4([rows[0], rows[1], rows[2], rows[3]]),
        transpose4([rows[4], rows[5], rows[6], rows[7]]),
        transpose4([rows[8], rows[9], rows[10], rows[11]]),
        transpose4([rows[12], rows[13], rows[14], rows[15]]),
    ];
    for k in 0..4 {
        let [a, b, c, d] = [quads[0][k], quads[1][k], quads[2][k], quads[3][k]];
        // Parts 0 and 2, then 1 and 3, of two rows of quads.
        let even = [_mm512_shuffle_i32x4::<0x88>(a, b), _mm512_shuffle_i32x4::<0x88>(c, d)];
        let odd = [_mm512_shuffle_i32x4::<0xdd>(a, b), _mm512_shuffle_i32x4::<0xdd>(c, d)];
        columns[k] = _mm512_shuffle_i32x4::<0x88>(even[0], even[1]);
        columns[4 + k] = _mm512_shuffle_i32x4::<0x88>(odd[0], odd[1]);
        columns[8 + k] = _mm512_shuffle_i32x4::<0xdd>(even[0], even[1]);
        columns[12 + k] = _mm512_shuffle_i32x4::<0xdd>(odd[0], odd[1]);
    }
    columns
}

/// The states of each stream's key.
#[target_feature(enable = "avx512f")]
#[inline]
fn load_pads(pads: &[Pads<'_>; LANES], work: &mut Work) {
    let (inner, outer) = pads[0];
    if pads.iter().all(|p| core::ptr::eq(p.0, inner) && core::ptr::eq(p.1, outer)) {
        for w in 0..8 {
            work.inner.set(w, _mm512_set1_epi32(inner[w] as i32));
            work.outer.set(w, _mm512_set1_epi32(outer[w] as i32));
        }
        return;
    }
    let mut rows = [_mm512_setzero_si512(); 16];
    for (row, (inner, outer)) in rows.iter_mut().zip(pads) {
        // SAFETY: each is 32 bytes.
        let (low, high) = unsafe {
            (_mm256_loadu_si256(inner.as_ptr().cast()), _mm256_loadu_si256(outer.as_ptr().cast()))
        };
        *row = _mm512_inserti64x4::<1>(_mm512_castsi256_si512(low), high);
    }
    let columns = transpose16(&rows);
    for w in 0..8 {
        work.inner.set(w, columns[w]);
        work.outer.set(w, columns[8 + w]);
    }
}

/// The outer hash: `inner` holds digests; `outer` becomes MACs.
#[target_feature(enable = "avx512f")]
#[inline]
fn finish(work: &mut Work) {
    for w in 0..8 {
        work.block.set(w, work.inner.get(w));
        work.block.set(8 + w, _mm512_setzero_si512());
    }
    work.block.set(8, _mm512_set1_epi32(i32::MIN));
    work.block.set(15, _mm512_set1_epi32(8 * (64 + 32)));
    compress(&mut work.outer, &work.block);
}

/// The states as bytes: streams `n`, `4 + n`, `8 + n`, `12 + n` in the parts of the values `n` of the
/// two results, which are the first and the second half of each.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn digests(state: &Columns<8>) -> [[__m512i; 4]; 2] {
    let s = state.all();
    let halves = [transpose4([s[0], s[1], s[2], s[3]]), transpose4([s[4], s[5], s[6], s[7]])];
    let mut out = halves;
    for (half, values) in out.iter_mut().zip(halves) {
        for (to, value) in half.iter_mut().zip(values) {
            *to = turn(value);
        }
    }
    out
}

/// Block `i` of every message, with FIPS 180-4 padding; a message that has ended gives anything.
/// `last` are the streams whose block is the last one, `bits` the lengths of what is hashed.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn load_block(jobs: &[MacJob<'_>; LANES], i: usize, last: u16, bits: __m512i, work: &mut Work) {
    let mut rows = [_mm512_setzero_si512(); 16];
    for (row, job) in rows.iter_mut().zip(jobs) {
        let message = job.message;
        *row = turn(match message.len().checked_sub(64 * i) {
            // SAFETY: the message has 64 bytes more.
            Some(64..) => unsafe { _mm512_loadu_si512(message.as_ptr().add(64 * i).cast()) },
            Some(left) => {
                let end = 1u64 << left;
                // SAFETY: the bytes that are left, and no others, are read.
                let rest = unsafe {
                    _mm512_maskz_loadu_epi8(end - 1, message.as_ptr().add(64 * i).cast())
                };
                _mm512_mask_mov_epi8(rest, end, _mm512_set1_epi8(i8::MIN))
            }
            None => _mm512_setzero_si512(),
        });
    }
    let mut columns = transpose16(&rows);
    // Lengths are below 2^32 bits, and the last block of each is zero there.
    columns[15] = _mm512_mask_mov_epi32(columns[15], last, bits);
    for (w, column) in columns.into_iter().enumerate() {
        work.block.set(w, column);
    }
}

/// HMAC-SHA-256 of sixteen messages, each below 2^28 bytes; the time is that of the longest.
#[target_feature(enable = "avx512f,avx512bw")]
pub fn hmac(jobs: &[MacJob<'_>; LANES], work: &mut Work, macs: &mut [[u8; 32]; LANES]) {
    load_pads(&jobs.each_ref().map(|job| job.pads), work);
    let len = jobs[0].message.len();
    if jobs.iter().all(|job| job.message.len() == len) {
        absorb_same_length(jobs, work);
    } else {
        absorb(jobs, work);
    }
    finish(work);
    let [low, high] = digests(&work.outer);
    for n in 0..4 {
        // Both halves of two streams beside each other.
        let first = _mm512_set_epi64(11, 10, 3, 2, 9, 8, 1, 0);
        let second = _mm512_set_epi64(15, 14, 7, 6, 13, 12, 5, 4);
        let pairs = [first, second].map(|by| _mm512_permutex2var_epi64(low[n], by, high[n]));
        for (i, pair) in pairs.into_iter().enumerate() {
            let (a, b) = (_mm512_castsi512_si256(pair), _mm512_extracti64x4_epi64::<1>(pair));
            // SAFETY: a MAC is 32 bytes.
            unsafe {
                _mm256_storeu_si256(macs[8 * i + n].as_mut_ptr().cast(), a);
                _mm256_storeu_si256(macs[8 * i + 4 + n].as_mut_ptr().cast(), b);
            }
        }
    }
}

/// The inner hash of messages of one length: a last block that holds padding alone is scheduled once.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn absorb_same_length(jobs: &[MacJob<'_>; LANES], work: &mut Work) {
    let len = jobs[0].message.len();
    let bits = 8 * (64 + len) as u32;
    let count = blocks_of(len);
    let with_message = len.div_ceil(64);
    for i in 0..with_message {
        let last = if i + 1 == count { u16::MAX } else { 0 };
        load_block(jobs, i, last, _mm512_set1_epi32(bits as i32), work);
        compress(&mut work.inner, &work.block);
    }
    if with_message < count {
        if work.padding_of != len {
            let mut block = [0; 16];
            block[0] = if len.is_multiple_of(64) { 1 << 31 } else { 0 };
            block[15] = bits;
            work.padding = round_inputs(&block);
            work.padding_of = len;
        }
        compress_same(&mut work.inner, &work.padding);
    }
}

/// The inner hash of messages of any lengths.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn absorb(jobs: &[MacJob<'_>; LANES], work: &mut Work) {
    let counts = jobs.each_ref().map(|job| blocks_of(job.message.len()) as u32);
    let bits = jobs.each_ref().map(|job| 8 * (64 + job.message.len()) as u32);
    // SAFETY: sixteen words each.
    let (counts, bits) = unsafe {
        (_mm512_loadu_si512(counts.as_ptr().cast()), _mm512_loadu_si512(bits.as_ptr().cast()))
    };
    let (least, most) = (_mm512_reduce_min_epu32(counts), _mm512_reduce_max_epu32(counts));
    for i in 0..most {
        let done = _mm512_set1_epi32(i as i32 + 1);
        let last = _mm512_cmpeq_epi32_mask(counts, done);
        load_block(jobs, i as usize, last, bits, work);
        if i < least {
            compress(&mut work.inner, &work.block);
            continue;
        }
        let before = work.inner.all();
        compress(&mut work.inner, &work.block);
        let ended = _mm512_cmplt_epu32_mask(counts, done);
        for (w, before) in before.into_iter().enumerate() {
            work.inner.set(w, _mm512_mask_mov_epi32(work.inner.get(w), ended, before));
        }
    }
}

/// K' of each stream (see `seal`) in two rows of halves. `fixed` is the KDF's block with a nonce of
/// zeros.
#[target_feature(enable = "avx512f,avx512bw")]
pub fn derive(
    pads: &[Pads<'_>; LANES],
    nonces: &Row,
    fixed: &[u32; 16],
    work: &mut Work,
    key: &mut [Row; 2],
) {
    // Loaded as they stand and transposed in parts of four, lane 4 i + q is message 4 q + i;
    // `digests` turns that back.
    load_pads(&core::array::from_fn(|lane| pads[4 * (lane % 4) + lane / 4]), work);
    for (w, word) in fixed.iter().enumerate() {
        work.block.set(w, _mm512_set1_epi32(*word as i32));
    }
    let mut rows = [_mm512_setzero_si512(); 4];
    for (row, nonces) in rows.iter_mut().zip(nonces.as_chunks::<4>().0) {
        // SAFETY: four nonces are 64 bytes.
        *row = turn(unsafe { _mm512_loadu_si512(nonces.as_ptr().cast()) });
    }
    for (w, column) in transpose4(rows).into_iter().enumerate() {
        work.block.set(NONCE_WORD + w, column);
    }
    compress(&mut work.inner, &work.block);
    finish(work);
    for (half, values) in key.iter_mut().zip(digests(&work.outer)) {
        for (to, value) in half.as_chunks_mut::<4>().0.iter_mut().zip(values) {
            // SAFETY: four halves are 64 bytes.
            unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), value) }
        }
    }
}
