//! Scalars: bytes, numbers, and their signed odd digits.
//!
//! An odd k of `windows` windows of w bits is the sum of d_i * 2^(w*i), all d_i odd and |d_i| < 2^w:
//! with k_i = (k >> w*i) | 1, d_i = (k_i mod 2^(w+1)) - 2^w, and the last is k_i itself (Joye and
//! Tunstall, 2009). No digit is zero, so that no addition is skipped; an even k is replaced by n - k.
use super::curve::Curve;
use crate::field::{Prime, WORDS, Words, bits, subtract};
use crate::secrecy::declassify;
use crate::vec::LANES;
use std::hint::black_box;

/// Big-endian bytes (at most 72) as a number.
pub fn from_bytes(bytes: &[u8]) -> Words {
    let mut out = [0; WORDS];
    read_bytes(bytes, &mut out);
    out
}

/// As `from_bytes`, in place.
pub fn read_bytes(bytes: &[u8], out: &mut Words) {
    *out = [0; WORDS];
    for (i, byte) in bytes.iter().rev().enumerate() {
        out[i / 8] |= u64::from(*byte) << (8 * (i % 8));
    }
}

/// The low `out.len()` bytes of a number, big-endian.
pub fn to_bytes(value: &Words, out: &mut [u8]) {
    for (i, byte) in out.iter_mut().rev().enumerate() {
        *byte = (value[i / 8] >> (8 * (i % 8))) as u8;
    }
}

/// All ones where the condition holds, hidden from the optimiser.
fn mask(condition: bool) -> u64 {
    black_box(u64::from(condition)).wrapping_neg()
}

fn select(mask: u64, a: &Words, b: &Words) -> Words {
    std::array::from_fn(|i| (a[i] & mask) | (b[i] & !mask))
}

/// True for 1 <= k < n. Constant time but for the answer.
pub fn is_in_range<C: Curve>(k: &Words) -> bool {
    let any = k.iter().fold(0, |any, word| any | word);
    let (_, less) = subtract(k, &C::Order::VALUE);
    declassify(mask(less) & mask(any != 0)) != 0
}

/// k mod n for k < 2n.
pub fn reduce_once<C: Curve>(k: &Words) -> Words {
    let (less, negative) = subtract(k, &C::Order::VALUE);
    select(mask(negative), k, &less)
}

/// The digest's leftmost bits as a number mod n (FIPS 186-5, 6.4.1). The curves' hashes are no longer
/// than their orders, but for other lengths the rule is kept.
pub fn from_digest<C: Curve>(digest: &[u8]) -> Words {
    let digest = &digest[..digest.len().min(C::LEN)];
    let mut e = from_bytes(digest);
    let excess = (8 * digest.len() as u32).saturating_sub(C::Order::BITS);
    if excess > 0 {
        for i in 0..WORDS {
            let above = if i + 1 < WORDS { e[i + 1] << (64 - excess) } else { 0 };
            e[i] = e[i] >> excess | above;
        }
    }
    reduce_once::<C>(&e)
}

/// As `make_odd_below`, for the order of a curve.
pub fn make_odd<C: Curve>(k: &Words) -> (Words, u64) {
    make_odd_below(&C::Order::VALUE, k)
}

/// k or n - k, whichever is odd, and ones where it is n - k; k < n, and n is odd.
pub fn make_odd_below(n: &Words, k: &Words) -> (Words, u64) {
    let (opposite, _) = subtract(n, k);
    let even = mask(k[0] & 1 == 0);
    (select(even, &opposite, k), even)
}

/// The smaller of s and n - s, which are public.
pub fn low<C: Curve>(s: &Words) -> Words {
    let (other, _) = subtract(&C::Order::VALUE, s);
    if subtract(s, &other).1 { *s } else { other }
}

/// Windows of `width` bits that cover the scalars of a curve.
pub const fn windows<C: Curve>(width: u32) -> usize {
    C::Order::BITS.div_ceil(width) as usize
}

/// Digit `at` of an odd k: index of |d| among the odd numbers, and 1 << 8 where d is negative.
pub fn digit(k: &Words, width: u32, at: usize, windows: usize) -> u64 {
    let top = u64::from(at + 1 == windows) << width;
    let u = bits(k, width * at as u32, width + 1) | 1 | top;
    let negative = (u >> width & 1).wrapping_sub(1);
    ((u ^ negative) & ((1 << width) - 1)) >> 1 | (negative & 1) << 8
}

/// Digits of eight odd scalars, window by window: `out[window][lane]`.
pub fn recode(k: &[Words; LANES], width: u32, out: &mut [[u64; LANES]]) {
    let windows = out.len();
    for (at, row) in out.iter_mut().enumerate() {
        for lane in 0..LANES {
            row[lane] = digit(&k[lane], width, at, windows);
        }
    }
}
