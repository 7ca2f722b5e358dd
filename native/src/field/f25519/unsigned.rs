//! Five unsigned digits of 52 bits: IFMA and its portable twin.
//!
//! A product collects the halves of 25 digit products in ten columns; the upper five are settled and
//! come back times 608 = 19 * 2^5, as 2^260 = 608; what then stands above 2^255 comes back times 19.
//!
//! Bounds: digits below 2^52, values below 2^259, so that the ninth column is below 2^51. The result
//! is below 2^255 + 2^214: the top digit gets 47 bits and one carry, from a column below 2^56.
use super::{DIGITS, Element25519, freeze};
use crate::field::class::{Class, Task};
use crate::field::column::Column;
use crate::field::element::{digits_of_words, words_of_digits};
use crate::field::prime::Words;
use crate::field::product::each;
use crate::vec::LANES;

#[derive(Clone, Copy)]
pub struct Unsigned<V>([V; DIGITS]);

const FOLD: u64 = 19 << 5;
const MASK: u64 = (1 << 52) - 1;
const TOP_BITS: u32 = 47;
const TOP_MASK: u64 = (1 << TOP_BITS) - 1;
const COLUMNS: usize = 2 * DIGITS;

#[inline(always)]
fn mac<V: Class>(c: &mut [V; COLUMNS], k: usize, a: V, b: V) {
    c[k] = c[k].mac_lo(a, b);
    c[k + 1] = c[k + 1].mac_hi(a, b);
}

/// The number of ten columns modulo p.
#[inline(always)]
fn reduce<V: Class>(mut c: [V; COLUMNS]) -> [V; DIGITS] {
    let proof = c[0];
    let fold = V::constant(proof, FOLD);
    // `mac` reads the low 52 bits alone: what stands above has gone to the next column.
    for k in DIGITS..COLUMNS - 1 {
        c[k + 1] = c[k + 1].add(c[k].shr::<52>());
    }
    let mut out = [c[0], c[1], c[2], c[3], c[4]];
    for k in 0..DIGITS {
        out[k] = out[k].mac_lo(c[DIGITS + k], fold);
    }
    for k in 0..DIGITS - 1 {
        out[k + 1] = out[k + 1].mac_hi(c[DIGITS + k], fold);
    }
    let over = V::constant(proof, 0).mac_hi(c[COLUMNS - 1], fold);
    let above = out[4].shr::<TOP_BITS>().add(over.shl::<5>());
    out[4] = out[4].and(V::constant(proof, TOP_MASK));
    out[0] = out[0].mac_lo(above, V::constant(proof, 19));
    carry(out)
}

/// Settles the carries of digits that are not negative; the last keeps what it has.
#[inline(always)]
fn carry<V: Class>(mut x: [V; DIGITS]) -> [V; DIGITS] {
    let mask = V::constant(x[0], MASK);
    for i in 0..DIGITS - 1 {
        x[i + 1] = x[i + 1].add(x[i].shr::<52>());
        x[i] = x[i].and(mask);
    }
    x
}

#[inline(always)]
fn product<V: Class>(a: &[V; DIGITS], b: &[V; DIGITS]) -> [V; DIGITS] {
    let mut c = [V::constant(a[0], 0); COLUMNS];
    each!(I < DIGITS, {
        each!(J < DIGITS, { mac(&mut c, I + J, a[I], b[J]) });
    });
    reduce(c)
}

#[inline(always)]
fn square<V: Class>(a: &[V; DIGITS]) -> [V; DIGITS] {
    let mut c = [V::constant(a[0], 0); COLUMNS];
    each!(I < DIGITS, {
        each!(J < DIGITS, {
            if I < J {
                mac(&mut c, I + J, a[I], a[J]);
            }
        });
    });
    for k in 1..COLUMNS - 1 {
        c[k] = c[k].add(c[k]);
    }
    each!(I < DIGITS, { mac(&mut c, 2 * I, a[I], a[I]) });
    reduce(c)
}

struct Mul<'a, V>(&'a [V; DIGITS], &'a [V; DIGITS]);
struct Square<'a, V>(&'a [V; DIGITS], u32);

impl<V: Class> Task for Mul<'_, V> {
    type Out = [V; DIGITS];
    #[inline(always)]
    fn run(self) -> [V; DIGITS] {
        product(self.0, self.1)
    }
}

impl<V: Class> Task for Square<'_, V> {
    type Out = [V; DIGITS];
    #[inline(always)]
    fn run(self) -> [V; DIGITS] {
        let mut x = *self.0;
        for _ in 0..self.1 {
            x = square(&x);
        }
        x
    }
}

impl<V: Class> Element25519<V> for Unsigned<V> {
    #[inline(always)]
    fn proof(&self) -> V {
        self.0[0]
    }
    #[inline(always)]
    fn load(proof: V, bits: &[[u64; LANES]; DIGITS]) -> Self {
        let mut out = [proof; DIGITS];
        // SAFETY: a value of V exists.
        each!(I < DIGITS, { out[I] = unsafe { V::load(&bits[I]) } });
        Self(out)
    }
    #[inline(always)]
    fn store(&self) -> [[u64; LANES]; DIGITS] {
        let mut out = [[0; LANES]; DIGITS];
        each!(I < DIGITS, { out[I] = self.0[I].store() });
        out
    }
    #[inline(always)]
    fn lookup(table: &[u64], len: usize, index: V) -> Self {
        let mut out = [index; DIGITS];
        each!(I < DIGITS, { out[I] = V::lookup(&table[I * len..(I + 1) * len], index) });
        Self(out)
    }
    #[inline(always)]
    fn from_words(proof: V, values: &[Words; LANES]) -> Self {
        Self::load(proof, &digits_of_words(values, 52))
    }
    #[inline(always)]
    fn to_words(&self) -> [Words; LANES] {
        words_of_digits(&Self(freeze(self.0)).store(), 52)
    }
    #[inline(always)]
    fn mul(&self, b: &Self) -> Self {
        if V::INLINES {
            Self(product(&self.0, &b.0))
        } else {
            Self(V::outline(self.0[0], Mul(&self.0, &b.0)))
        }
    }
    #[inline(always)]
    fn square(&self) -> Self {
        if V::INLINES { Self(square(&self.0)) } else { self.square_times(1) }
    }
    #[inline(always)]
    fn square_times(&self, times: u32) -> Self {
        Self(V::outline(self.0[0], Square(&self.0, times)))
    }
    #[inline(always)]
    fn add(&self, b: &Self) -> Self {
        let mut x = self.0;
        each!(I < DIGITS, { x[I] = x[I].add(b.0[I]) });
        Self(carry(x))
    }
    /// self - b + 4p: digits may be negative until their carries are settled, the number is not.
    #[inline(always)]
    fn sub(&self, b: &Self) -> Self {
        let mut x = self.0;
        each!(I < DIGITS, { x[I] = x[I].sub(b.0[I]) });
        let mask = V::constant(x[0], MASK);
        x[0] = x[0].sub(V::constant(x[0], 4 * 19));
        x[4] = x[4].add(V::constant(x[0], 4 << TOP_BITS));
        for i in 0..DIGITS - 1 {
            x[i + 1] = x[i + 1].add(x[i].sar::<52>());
            x[i] = x[i].and(mask);
        }
        Self(x)
    }
    #[inline(always)]
    fn add_twice(&self, b: &Self) -> Self {
        let mut x = self.0;
        each!(I < DIGITS, { x[I] = x[I].add(b.0[I].shl::<1>()) });
        Self(carry(x))
    }
    #[inline(always)]
    fn tight(&self) -> Self {
        *self
    }
    #[inline(always)]
    fn select(mask: V, a: &Self, b: &Self) -> Self {
        let mut out = a.0;
        each!(I < DIGITS, { out[I] = V::select(mask, a.0[I], b.0[I]) });
        Self(out)
    }
}
