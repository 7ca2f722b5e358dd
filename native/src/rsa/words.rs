//! Numbers in words of 64 bits, the lowest first, for what happens once per operation. Constant
//! time for numbers of one length.
use std::hint::black_box;

/// a - b - borrow and the new borrow.
fn sbb(a: u64, b: u64, borrow: u64) -> (u64, u64) {
    let (x, under) = a.overflowing_sub(b);
    let (x, under2) = x.overflowing_sub(borrow);
    (x, u64::from(under | under2))
}

/// a + b + carry and the new carry.
fn adc(a: u64, b: u64, carry: u64) -> (u64, u64) {
    let sum = u128::from(a) + u128::from(b) + u128::from(carry);
    (sum as u64, (sum >> 64) as u64)
}

/// a += b (b may be shorter); the carry out.
pub fn add(a: &mut [u64], b: &[u64]) -> u64 {
    let mut carry = 0;
    for (i, x) in a.iter_mut().enumerate() {
        (*x, carry) = adc(*x, b.get(i).copied().unwrap_or(0), carry);
    }
    carry
}

/// a -= b (b may be shorter); the borrow out.
pub fn sub(a: &mut [u64], b: &[u64]) -> u64 {
    let mut borrow = 0;
    for (i, x) in a.iter_mut().enumerate() {
        (*x, borrow) = sbb(*x, b.get(i).copied().unwrap_or(0), borrow);
    }
    borrow
}

/// a -= m where a >= m (m may be shorter).
pub fn reduce_once(a: &mut [u64], m: &[u64]) {
    let mut borrow = 0;
    for (i, x) in a.iter().enumerate() {
        (_, borrow) = sbb(*x, m.get(i).copied().unwrap_or(0), borrow);
    }
    // The barrier keeps the compiler from making a branch of it.
    let keep = black_box(borrow.wrapping_neg());
    let mut borrow = 0;
    for (i, x) in a.iter_mut().enumerate() {
        (*x, borrow) = sbb(*x, m.get(i).copied().unwrap_or(0) & !keep, borrow);
    }
}

/// out = a * b + c; `out` has the length of a and b together, c at most that.
pub fn mul_add(out: &mut [u64], a: &[u64], b: &[u64], c: &[u64]) {
    out.fill(0);
    out[..c.len()].copy_from_slice(c);
    for (i, x) in a.iter().enumerate() {
        let mut carry = 0u64;
        for (j, y) in b.iter().enumerate() {
            let t = u128::from(*x) * u128::from(*y) + u128::from(out[i + j]) + u128::from(carry);
            out[i + j] = t as u64;
            carry = (t >> 64) as u64;
        }
        for word in &mut out[i + b.len()..] {
            (*word, carry) = adc(*word, carry, 0);
        }
    }
}

/// a = 2a mod m, where a < m and both have one length.
pub fn double_mod(a: &mut [u64], m: &[u64]) {
    let mut top = 0;
    for x in a.iter_mut() {
        let next = *x >> 63;
        *x = *x << 1 | top;
        top = next;
    }
    // With the top bit out, 2a is above m for certain.
    let mut borrow = 0;
    for (i, x) in a.iter().enumerate() {
        (_, borrow) = sbb(*x, m[i], borrow);
    }
    let (_, borrow) = sbb(top, 0, borrow);
    let keep = black_box(borrow.wrapping_neg());
    let mut borrow = 0;
    for (i, x) in a.iter_mut().enumerate() {
        (*x, borrow) = sbb(*x, m[i] & !keep, borrow);
    }
}

/// True where a < b. For public numbers of one length.
pub fn less_vartime(a: &[u64], b: &[u64]) -> bool {
    a.iter().rev().lt(b.iter().rev())
}

/// From big-endian bytes; `out` has room for them.
pub fn from_be(out: &mut [u64], bytes: &[u8]) {
    out.fill(0);
    for (i, byte) in bytes.iter().rev().enumerate() {
        out[i / 8] |= u64::from(*byte) << (8 * (i % 8));
    }
}

/// To big-endian bytes; what does not fit is dropped.
pub fn to_be(out: &mut [u8], words: &[u64]) {
    for (chunk, word) in out.rchunks_mut(8).zip(words) {
        let bytes = word.to_be_bytes();
        chunk.copy_from_slice(&bytes[8 - chunk.len()..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carries_cross_words() {
        let mut a = [u64::MAX, u64::MAX];
        assert_eq!(add(&mut a, &[1]), 1);
        assert_eq!(a, [0, 0]);
        assert_eq!(sub(&mut a, &[1]), 1);
        assert_eq!(a, [u64::MAX, u64::MAX]);
        let mut out = [0; 4];
        mul_add(&mut out, &a, &a, &a);
        // (2^128 - 1)^2 + 2^128 - 1 = 2^128 * (2^128 - 1)
        assert_eq!(out, [0, 0, u64::MAX, u64::MAX]);
        let m = [5, 1 << 63];
        let mut x = [7, 1 << 63];
        reduce_once(&mut x, &m);
        assert_eq!(x, [2, 0]);
        reduce_once(&mut x, &m);
        assert_eq!(x, [2, 0]);
        let mut x = [4, 1 << 63];
        double_mod(&mut x, &m);
        assert_eq!(x, [3, 1 << 63]);
        assert!(less_vartime(&[9, 1], &[0, 2]) && !less_vartime(&[0, 2], &[0, 2]));
        let mut bytes = [0; 9];
        to_be(&mut bytes, &[0x0102_0304_0506_0708, 9]);
        assert_eq!(bytes, [9, 1, 2, 3, 4, 5, 6, 7, 8]);
        from_be(&mut x, &bytes);
        assert_eq!(x, [0x0102_0304_0506_0708, 9]);
    }
}
