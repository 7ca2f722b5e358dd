//! Multiples of the generator and of given points, eight lanes, in constant time.
//!
//! Why no addition but the last can meet P = Q or P = -Q, for odd k in [1, n): generator, windows from
//! the lowest: the partial sum's multiplier is odd and below 2^(w*i) in size, the next one d * 2^(w*i)
//! with |d| >= 1, and their sum and difference are below n for all but the top window. Given point,
//! windows from the top: 2^w * A and d differ in size, as 1 <= A and |d| < 2^w, and 2^w * A + |d| < n
//! before the last window. The last addition may meet P = Q (k = n - 2|d|), so it is complete.
use super::curve::Curve;
use super::point::{Affine, Field, Jacobian, invert_all};
use super::scalar::{self, windows};
use crate::field::{Class, Fe, Task, wipe};
use crate::vec::LANES;

/// Bits of a window over the generator's multiples; a table has 2^(w - 1) entries. Wider ones for the
/// larger curves would fill the cache.
pub const fn width<V: Class, C: Curve>() -> u32 {
    if C::LEN == 32 { V::COMB_WIDTH_256 } else { 6 }
}

/// Entries of a window's table.
const fn entries<V: Class, C: Curve>() -> usize {
    1 << (width::<V, C>() - 1)
}

/// Most entries that are made with one inversion.
const INVERTED: usize = 32;
/// Most windows: P-521.
pub const WINDOWS_MAX: usize = 87;
/// Bits of a window over a given point's multiples.
pub const POINT_WIDTH: u32 = 5;
const POINT_ENTRIES: usize = 1 << (POINT_WIDTH - 1);
pub const POINT_WINDOWS_MAX: usize = 105;
/// Most groups of eight jobs that one pass takes.
pub const GROUPS_MAX: usize = 8;

/// Odd multiples of 2^(w * i) * G in Montgomery form: by window, coordinate, digit, entry.
pub struct Table {
    words: Vec<u64>,
    /// The first word on a cache line.
    start: usize,
    window: usize,
}

impl Table {
    pub(super) fn new(window: usize, windows: usize) -> Self {
        let words = vec![0u64; window * windows + 8];
        let start = words.as_ptr().align_offset(64).min(8);
        Self { words, start, window }
    }

    #[inline(always)]
    pub(super) fn window(&self, i: usize) -> &[u64] {
        &self.words[self.start + i * self.window..self.start + (i + 1) * self.window]
    }

    pub(super) fn window_mut(&mut self, i: usize) -> &mut [u64] {
        &mut self.words[self.start + i * self.window..self.start + (i + 1) * self.window]
    }
}

/// Builds the table of a curve for a class: a few milliseconds, once.
pub struct BuildTable<V: Class, C: Curve, const N: usize>(pub V, pub std::marker::PhantomData<C>);

impl<V: Class, C: Curve, const N: usize> Task for BuildTable<V, C, N> {
    type Out = Table;
    #[inline(always)]
    fn run(self) -> Table {
        let proof = self.0;
        let (count, entries) = (windows::<C>(width::<V, C>()), entries::<V, C>());
        let mut table = Table::new(2 * N * entries, count);
        let mut base = Jacobian::<V, C, N> {
            x: Fe::from_words(proof, &[C::GX; LANES]).to_montgomery(),
            y: Fe::from_words(proof, &[C::GY; LANES]).to_montgomery(),
            z: Fe::one(proof),
        };
        let mut bases = Vec::with_capacity(count);
        for _ in 0..count {
            bases.push([base.x.store(), base.y.store(), base.z.store()]);
            base = base.double_times(width::<V, C>());
        }
        for (chunk, some) in bases.chunks(LANES).enumerate() {
            // One window per lane; lanes beyond the last repeat the first.
            let mut digits = [[[0; LANES]; N]; 3];
            for (c, digits) in digits.iter_mut().enumerate() {
                for i in 0..N {
                    for lane in 0..LANES {
                        digits[i][lane] = some.get(lane).unwrap_or(&some[0])[c][i][lane];
                    }
                }
            }
            let first = Jacobian::<V, C, N> {
                x: Fe::load(proof, &digits[0]),
                y: Fe::load(proof, &digits[1]),
                z: Fe::load(proof, &digits[2]),
            };
            let twice = first.double_times(1);
            let mut multiples = vec![first];
            for i in 1..entries {
                multiples.push(multiples[i - 1].add(&twice));
            }
            let mut inverses: Vec<_> = multiples.iter().map(|multiple| multiple.z).collect();
            inverses.chunks_mut(INVERTED).for_each(|some| invert_all(some));
            for entry in 0..entries {
                let (m, inverse) = (&multiples[entry], &inverses[entry]);
                let square = inverse.square();
                let x = m.x.mul(&square).less_p().store();
                let y = m.y.mul(&square.mul(inverse)).less_p().store();
                for lane in 0..some.len() {
                    let at = table.start + (chunk * LANES + lane) * table.window;
                    for i in 0..N {
                        table.words[at + i * entries + entry] = x[i][lane];
                        table.words[at + (N + i) * entries + entry] = y[i][lane];
                    }
                }
            }
        }
        table
    }
}

/// Splits a row of digits into index and sign mask.
#[inline(always)]
pub(super) fn index_and_sign<V: Class>(proof: V, row: &[u64; LANES]) -> (V, V) {
    // SAFETY: a value of V exists.
    let (digit, mask) = unsafe { (V::load(row), V::splat(0xff)) };
    let zero = proof.sub(proof);
    (digit.and(mask), zero.sub(digit.shr::<8>()))
}

/// k * G for the recoded odd scalars of some groups: `digits[group][window][lane]`.
pub struct BaseMultiples<'a, V: Class, C: Curve, const N: usize> {
    pub proof: V,
    pub table: &'a Table,
    pub digits: &'a [[[u64; LANES]; WINDOWS_MAX]],
    pub out: &'a mut [Jacobian<V, C, N>],
}

impl<V: Class, C: Curve, const N: usize> Task for BaseMultiples<'_, V, C, N> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        let count = windows::<C>(width::<V, C>());
        let entries = entries::<V, C>();
        let zero = Fe::zero(self.proof);
        // Window by window over all groups, so that a window's entries are read once into the cache.
        for window in 0..count {
            let (xs, ys) = self.table.window(window).split_at(N * entries);
            for (digits, sum) in self.digits.iter().zip(self.out.iter_mut()) {
                let (index, negative) = index_and_sign(self.proof, &digits[window]);
                let x = Field::<V, C, N>::lookup(xs, entries, index);
                let y = Field::<V, C, N>::lookup(ys, entries, index);
                let y = Fe::select(negative, &zero.sub(&y, 1), &y);
                if window == 0 {
                    *sum = Jacobian { x, y, z: Fe::one(self.proof) };
                } else if window + 1 < count {
                    sum.add_mixed(&Affine { x, y });
                } else {
                    let last = Jacobian { x, y, z: Fe::one(self.proof) };
                    *sum = sum.add_complete(&last);
                }
            }
        }
    }
}

/// The entry of a digit, each lane its own; every entry is read.
#[inline(always)]
fn entry<V: Class, C: Curve, const N: usize>(
    table: &[Jacobian<V, C, N>; POINT_ENTRIES],
    digits: &[u64; LANES],
) -> Jacobian<V, C, N> {
    let (index, negative) = index_and_sign(table[0].x.proof(), digits);
    let mut found = table[0];
    for i in 1..POINT_ENTRIES {
        // SAFETY: a value of V exists.
        let hit = index.xor(unsafe { V::splat(i as u64) }).is_zero();
        found = Jacobian::select(hit, &table[i], &found);
    }
    found.negate_where(negative)
}

/// k * P for eight points of order n and recoded odd scalars.
pub struct PointMultiple<'a, V: Class, C: Curve, const N: usize> {
    pub point: &'a Affine<V, C, N>,
    pub digits: &'a [[u64; LANES]; POINT_WINDOWS_MAX],
}

impl<V: Class, C: Curve, const N: usize> Task for PointMultiple<'_, V, C, N> {
    type Out = Jacobian<V, C, N>;
    #[inline(always)]
    fn run(self) -> Self::Out {
        let proof = self.point.x.proof();
        let first = Jacobian::<V, C, N> { x: self.point.x, y: self.point.y, z: Fe::one(proof) };
        let twice = first.double_times(1);
        let mut table = [first; POINT_ENTRIES];
        for i in 1..POINT_ENTRIES {
            table[i] = table[i - 1].add(&twice);
        }
        let count = windows::<C>(POINT_WIDTH);
        let mut sum = entry(&table, &self.digits[count - 1]);
        for window in (0..count - 1).rev() {
            sum = sum.double_times(POINT_WIDTH);
            let next = entry(&table, &self.digits[window]);
            sum = if window > 0 { sum.add(&next) } else { sum.add_complete(&next) };
        }
        // SAFETY: vectors of integers.
        unsafe { wipe(&mut table) };
        sum
    }
}

/// x / z^2 and y / z^3 as numbers below p.
#[inline(always)]
pub fn affine_words<V: Class, C: Curve, const N: usize>(
    point: &Jacobian<V, C, N>,
    inverse: &Field<V, C, N>,
) -> [[crate::field::Words; LANES]; 2] {
    let square = inverse.square();
    let x = point.x.mul(&square).canonical().to_words();
    let y = point.y.mul(&square.mul(inverse)).canonical().to_words();
    [x, y]
}

/// Recodes scalars below n; ones where n - k was taken.
pub fn recode<C: Curve>(
    scalars: &[crate::field::Words; LANES],
    width: u32,
    digits: &mut [[u64; LANES]],
) -> [u64; LANES] {
    let mut odd = scalars.map(|k| scalar::make_odd::<C>(&k));
    let words = odd.map(|(k, _)| k);
    scalar::recode(&words, width, &mut digits[..windows::<C>(width)]);
    let signs = odd.map(|(_, sign)| sign);
    for (k, _) in &mut odd {
        zeroize::Zeroize::zeroize(k);
    }
    signs
}
