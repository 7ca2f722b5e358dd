//! Product and squaring: columns of digit products, then Montgomery's reduction for the prime's form.
//!
//! Columns are 64-bit sums of digit products' halves. Where a half may be negative (the class avx2),
//! or something is subtracted, every column starts from 2^58, which the next one gives back as
//! 2^(58 - RADIX): then no column is ever negative and shifts may be logical. Column sums stay below
//! 2^59: at most 4 * 11 halves below 2^52, and 2^58.
//!
//! Bound: for a < x * p and b < y * p with x * y * p <= R the result is below 2p, for it is at most
//! a * b / R + p. Digits of the operands are below 2^RADIX, and so are those of the result.
use super::column::Column;
use super::prime::{Modulus, Prime};
use crate::vec::note_multiplies;

const LIFT: u32 = 58;
/// Columns of the widest product, and one above.
const COLUMNS: usize = 23;

/// Runs the body for i in 0..N, unrolled in the text: array indices are then constants.
macro_rules! each {
    ($i:ident < $n:expr, $body:block) => {
        each!(@ $i, $n, $body, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
    };
    (@ $i:ident, $n:expr, $body:block, $($v:literal),*) => {
        $(if $v < $n {
            #[allow(non_upper_case_globals)]
            const $i: usize = $v;
            $body
        })*
    };
}
pub(super) use each;

/// Settles the carries of columns that are not negative; the last one keeps what it has.
#[inline(always)]
pub(super) fn carry<V: Column, const N: usize>(mut x: [V; N]) -> [V; N] {
    let mask = V::constant(x[0], (1 << V::RADIX) - 1);
    for i in 0..N - 1 {
        x[i + 1] = x[i + 1].plus(V::high(x[i]));
        x[i] = x[i].masked(mask);
    }
    x
}

struct Plan<V, P, const N: usize>(std::marker::PhantomData<(V, P)>);

impl<V: Column, P: Prime, const N: usize> Plan<V, P, N> {
    const IS_LIFTED: bool =
        V::BIAS_LO != 0 || Modulus::<V, P, N>::K != 1 || Modulus::<V, P, N>::IS_NEGATED;

    /// Products in column k, in halves: the pair i = j counts `square`, each of (i, j) and (j, i)
    /// counts `cross`.
    const fn pairs(k: usize, square: u64, cross: u64) -> u64 {
        let mut count = 0;
        let mut i = 0;
        while i < N {
            if k >= i && k - i < N {
                count += if 2 * i == k { square } else { cross };
            }
            i += 1;
        }
        count / 2
    }

    /// What column k starts from: minus the biases of the products that it will take, the lift, and
    /// p in the upper half where the result could be negative.
    const fn start(k: usize, square: u64, cross: u64, reduction: bool) -> u64 {
        let mut lo = Self::pairs(k, square, cross);
        let mut hi = if k > 0 { Self::pairs(k - 1, square, cross) } else { 0 };
        let mut x = 0u64;
        if reduction {
            let mut j = 1;
            while j < N {
                if Modulus::<V, P, N>::T[j] > 0 {
                    lo += (k >= j && k - j < N) as u64;
                    hi += (k > j && k - j - 1 < N) as u64;
                }
                j += 1;
            }
            if Modulus::<V, P, N>::IS_NEGATED && k >= N && k < 2 * N {
                x = Modulus::<V, P, N>::DIGITS[k - N];
            }
            if Self::IS_LIFTED {
                if k + 1 < 2 * N {
                    x = x.wrapping_add(1 << LIFT);
                }
                if k > 0 {
                    x = x.wrapping_sub(1 << (LIFT - V::RADIX));
                }
            }
        }
        x.wrapping_sub(V::BIAS_LO.wrapping_mul(lo)).wrapping_sub(V::BIAS_HI.wrapping_mul(hi))
    }
}

/// `mac` on two neighbouring columns of numbers of N digits.
#[inline(always)]
fn mac_at<V: Column, const N: usize>(c: &mut [V; COLUMNS], k: usize, a: V::Digit, b: V::Digit) {
    let (mut lo, mut hi) = (c[k], c[k + 1]);
    if N > 6 {
        V::mac_long(&mut lo, &mut hi, a, b);
    } else {
        V::mac(&mut lo, &mut hi, a, b);
    }
    c[k] = lo;
    c[k + 1] = hi;
}

/// Makes column i vanish by a multiple of the modulus.
#[inline(always)]
fn reduce<V: Column, P: Prime, const N: usize>(c: &mut [V; COLUMNS], i: usize) {
    let unit = Modulus::<V, P, N>::K == 1;
    let q = if unit { c[i].digit() } else { c[i].times_low(Modulus::<V, P, N>::K0) };
    if unit {
        c[i + 1] = c[i + 1].plus(V::high(c[i]));
    } else {
        let (mut lo, mut hi) =
            (V::constant(c[i], V::settled(1, 0)), V::constant(c[i], V::settled(0, 1)));
        V::mac(&mut lo, &mut hi, q, V::constant(c[i], Modulus::<V, P, N>::K).digit());
        // With unsigned halves the low one is the column's own low half: the shift drops it, and the
        // compiler the product.
        if V::BIAS_LO == 0 {
            note_multiplies(-1);
        }
        let rest = if V::BIAS_LO == 0 { c[i] } else { c[i].minus(lo) };
        c[i + 1] = c[i + 1].plus(V::high(rest)).minus(hi);
    }
    each!(J < N, {
        let t = Modulus::<V, P, N>::T[J];
        let digit = V::constant(c[i], t.unsigned_abs()).digit();
        if t > 0 {
            mac_at::<V, N>(c, i + J, q, digit);
        }
        if t < 0 {
            let (mut lo, mut hi) =
                (V::constant(c[i], V::settled(1, 0)), V::constant(c[i], V::settled(0, 1)));
            V::mac(&mut lo, &mut hi, q, digit);
            c[i + J] = c[i + J].minus(lo);
            c[i + J + 1] = c[i + J + 1].minus(hi);
        }
    });
}

/// The upper half of the columns, as digits.
#[inline(always)]
fn settle<V: Column, const N: usize>(c: &[V; COLUMNS]) -> [V; N] {
    let mut out = [c[0]; N];
    each!(I < N, { out[I] = c[N + I] });
    carry(out)
}

#[inline(always)]
fn digits_of<V: Column, const N: usize>(a: &[V; N]) -> [V::Digit; N] {
    let mut out = [a[0].digit(); N];
    each!(I < N, { out[I] = a[I].digit() });
    out
}

/// a * b / R mod p; see the bound above.
#[inline(always)]
pub(super) fn product<V: Column, P: Prime, const N: usize>(a: &[V; N], b: &[V; N]) -> [V; N] {
    let (x, y) = (digits_of(a), digits_of(b));
    let mut c = [V::constant(a[0], 0); COLUMNS];
    each!(I < N, {
        c[2 * I] = V::constant(a[0], const { Plan::<V, P, N>::start(2 * I, 2, 2, true) });
        c[2 * I + 1] = V::constant(a[0], const { Plan::<V, P, N>::start(2 * I + 1, 2, 2, true) });
    });
    // Few digits: all products first, for more independent work. Many: row by row, for registers.
    let by_row = N > 6;
    each!(I < N, {
        each!(J < N, { mac_at::<V, N>(&mut c, I + J, x[I], y[J]) });
        if by_row {
            reduce::<V, P, N>(&mut c, I);
        }
    });
    if !by_row {
        each!(I < N, { reduce::<V, P, N>(&mut c, I) });
    }
    settle(&c)
}

/// a^2 / R mod p: the products of different digits once, doubled.
#[inline(always)]
pub(super) fn square<V: Column, P: Prime, const N: usize>(a: &[V; N]) -> [V; N] {
    if N > 6 { square_by_row::<V, P, N>(a) } else { square_by_column::<V, P, N>(a) }
}

/// Many digits, with room above the prime: row i is a_i * (a_i + 2 * (a_i+1 ...)), so that few columns
/// are live at a time. The digits of twice the tail are those of 2a, but for the lowest, into which
/// nothing is carried. 2a fits, since 16 bits are spare.
#[inline(always)]
fn square_by_row<V: Column, P: Prime, const N: usize>(a: &[V; N]) -> [V; N] {
    let x = digits_of(a);
    // No digit is carried out of RADIX bits here: `digit` drops what stands above.
    let mut twice = x;
    each!(I < N, {
        if I >= 2 {
            twice[I] = a[I].plus(a[I]).plus(a[I - 1].top_bit()).digit();
        }
    });
    let mut c = [V::constant(a[0], 0); COLUMNS];
    each!(I < N, {
        c[2 * I] = V::constant(a[0], const { Plan::<V, P, N>::start(2 * I, 2, 1, true) });
        c[2 * I + 1] = V::constant(a[0], const { Plan::<V, P, N>::start(2 * I + 1, 2, 1, true) });
    });
    each!(I < N, {
        mac_at::<V, N>(&mut c, 2 * I, x[I], x[I]);
        if I + 1 < N {
            mac_at::<V, N>(&mut c, 2 * I + 1, x[I], a[I + 1].plus(a[I + 1]).digit());
        }
        each!(J < N, {
            if J > I + 1 {
                mac_at::<V, N>(&mut c, I + J, x[I], twice[J]);
            }
        });
        // Column I is complete: its last product came from row I / 2.
        reduce::<V, P, N>(&mut c, I);
    });
    settle(&c)
}

#[inline(always)]
fn square_by_column<V: Column, P: Prime, const N: usize>(a: &[V; N]) -> [V; N] {
    let x = digits_of(a);
    let mut c = [V::constant(a[0], 0); COLUMNS];
    each!(I < N, {
        c[2 * I] = V::constant(a[0], const { Plan::<V, P, N>::start(2 * I, 0, 1, false) });
        c[2 * I + 1] = V::constant(a[0], const { Plan::<V, P, N>::start(2 * I + 1, 0, 1, false) });
    });
    each!(I < N, {
        each!(J < N, {
            if I < J {
                mac_at::<V, N>(&mut c, I + J, x[I], x[J]);
            }
        });
    });
    each!(I < N, {
        let start = const {
            [
                Plan::<V, P, N>::start(2 * I, 2, 0, true),
                Plan::<V, P, N>::start(2 * I + 1, 2, 0, true),
            ]
        };
        for h in 0..2 {
            c[2 * I + h] = c[2 * I + h].plus(c[2 * I + h]);
            if start[h] != 0 {
                c[2 * I + h] = c[2 * I + h].plus(V::constant(a[0], start[h]));
            }
        }
        mac_at::<V, N>(&mut c, 2 * I, x[I], x[I]);
    });
    each!(I < N, { reduce::<V, P, N>(&mut c, I) });
    settle(&c)
}
