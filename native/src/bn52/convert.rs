//! Between numbers in words of 64 bits and one lane of digits. Constant time.
use super::Limb;
use crate::vec::Multiply;

/// Bits of a digit of the class.
pub const fn digit_bits<R: Multiply>() -> usize {
    R::RADIX as usize
}

/// Writes the number in `words` (lowest first) into one lane; what does not fit must be zero.
pub fn to_digits<R: Multiply>(limbs: &mut [Limb], lane: usize, words: &[u64]) {
    let mask = (1u64 << R::RADIX) - 1;
    for (i, limb) in limbs.iter_mut().enumerate() {
        let at = i * digit_bits::<R>();
        let (word, shift) = (at / 64, at % 64);
        let mut x = words.get(word).map_or(0, |w| w >> shift);
        if shift > 0 {
            x |= words.get(word + 1).map_or(0, |w| w << (64 - shift));
        }
        limb.0[lane] = R::encode(x & mask);
    }
}

/// Reads one lane into `words` (lowest first); bits above them are dropped.
pub fn from_digits<R: Multiply>(words: &mut [u64], limbs: &[Limb], lane: usize) {
    words.fill(0);
    for (i, limb) in limbs.iter().enumerate() {
        let at = i * digit_bits::<R>();
        let (word, shift) = (at / 64, at % 64);
        let x = R::decode(limb.0[lane]);
        if let Some(w) = words.get_mut(word) {
            *w |= x << shift;
        }
        if shift + digit_bits::<R>() > 64
            && let Some(w) = words.get_mut(word + 1)
        {
            *w |= x >> (64 - shift);
        }
    }
}

/// -1 / m mod 2^RADIX for an odd modulus with the lowest word `m`.
pub fn negative_inverse<R: Multiply>(m: u64) -> u64 {
    // Newton's iteration doubles the right bits each time; m is its own inverse modulo 8.
    let mut inverse = m;
    for _ in 0..5 {
        inverse = inverse.wrapping_mul(2u64.wrapping_sub(m.wrapping_mul(inverse)));
    }
    inverse.wrapping_neg() & ((1 << R::RADIX) - 1)
}
