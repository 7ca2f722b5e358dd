//! Multiples of the base point and of given points, eight lanes.
use super::point::{Affine, BX, BY, Cached, D2, Element, Extended};
use super::scalar::Order25519;
use crate::ec::comb::{Table, index_and_sign};
use crate::ec::scalar::recode;
use crate::field::{Element25519, Field25519, Prime, Task, Words, invert_all_25519};
use crate::vec::LANES;

/// Bits of a window over the base point's multiples; a table has 2^(w - 1) entries.
pub const WIDTH: u32 = 6;
const ENTRIES: usize = 1 << (WIDTH - 1);
pub const WINDOWS: usize = Order25519::BITS.div_ceil(WIDTH) as usize;
/// Bits of a window over a given point's multiples, of which 2^(w - 1) are kept.
pub const POINT_WIDTH: u32 = 5;
const POINT_ENTRIES: usize = 1 << (POINT_WIDTH - 1);
/// With what is lifted, 2^255 at most.
pub const POINT_WINDOWS: usize = 51;
/// Words of a coordinate of all entries of a window.
const COORDINATE: usize = 5 * ENTRIES;

pub type Digits = [[u64; LANES]; WINDOWS];

/// Digits of odd numbers below L for `BaseMultiples`.
pub fn recode_base(odd: &[Words; LANES], digits: &mut Digits) {
    recode(odd, WIDTH, digits);
}

/// Builds the table of odd multiples of 2^(6i) * B, by window, coordinate, digit and entry: once.
pub struct BuildTable<V: Field25519>(pub V);

impl<V: Field25519> Task for BuildTable<V> {
    type Out = Table;
    #[inline(always)]
    fn run(self) -> Table {
        let proof = self.0;
        let mut table = Table::new(3 * COORDINATE, WINDOWS);
        let mut base = Extended::<V>::from_words(proof, &[BX; LANES], &[BY; LANES]);
        let mut bases = Vec::with_capacity(WINDOWS);
        for _ in 0..WINDOWS {
            bases.push([base.x.store(), base.y.store(), base.z.store(), base.t.store()]);
            base = base.double_times(WIDTH);
        }
        for (chunk, some) in bases.chunks(LANES).enumerate() {
            // One window per lane; lanes beyond the last repeat the first.
            let mut bits = [[[0; LANES]; 5]; 4];
            for (c, bits) in bits.iter_mut().enumerate() {
                for (i, row) in bits.iter_mut().enumerate() {
                    for lane in 0..LANES {
                        row[lane] = some.get(lane).unwrap_or(&some[0])[c][i][lane];
                    }
                }
            }
            let first = Extended::<V> {
                x: Element::<V>::load(proof, &bits[0]),
                y: Element::<V>::load(proof, &bits[1]),
                z: Element::<V>::load(proof, &bits[2]),
                t: Element::<V>::load(proof, &bits[3]),
            };
            let twice = first.double_times(1).cached();
            let mut multiples = vec![first];
            for i in 1..ENTRIES {
                multiples.push(multiples[i - 1].add(&twice));
            }
            let mut inverses = [first.z; ENTRIES];
            for i in 0..ENTRIES {
                inverses[i] = multiples[i].z;
            }
            invert_all_25519::<V>(&mut inverses);
            for entry in 0..ENTRIES {
                let (m, inverse) = (&multiples[entry], &inverses[entry]);
                let affine = affine_of::<V>(&m.x.mul(inverse), &m.y.mul(inverse));
                let parts = [affine.plus.store(), affine.minus.store(), affine.t2d.store()];
                for lane in 0..some.len() {
                    let window = table.window_mut(chunk * LANES + lane);
                    for (c, part) in parts.iter().enumerate() {
                        for i in 0..5 {
                            window[c * COORDINATE + i * ENTRIES + entry] = part[i][lane];
                        }
                    }
                }
            }
        }
        table
    }
}

#[inline(always)]
fn affine_of<V: Field25519>(x: &Element<V>, y: &Element<V>) -> Affine<V> {
    let d2 = Element::<V>::splat(x.proof(), &D2);
    Affine { plus: y.add(x).tight(), minus: y.sub(x).tight(), t2d: x.mul(y).mul(&d2) }
}

/// Entry `index` of a window, each lane its own; every entry is read. (No closures in kernels: they
/// would be compiled apart, without the class's features.)
#[inline(always)]
fn affine_entry<V: Field25519>(window: &[u64], index: V) -> Affine<V> {
    let (plus, rest) = window.split_at(COORDINATE);
    let (minus, t2d) = rest.split_at(COORDINATE);
    Affine {
        plus: Element::<V>::lookup(plus, ENTRIES, index),
        minus: Element::<V>::lookup(minus, ENTRIES, index),
        t2d: Element::<V>::lookup(t2d, ENTRIES, index),
    }
}

/// k * B for the recoded odd scalars of some groups, in constant time.
pub struct BaseMultiples<'a, V: Field25519> {
    pub proof: V,
    pub table: &'a Table,
    pub digits: &'a [Digits],
    pub out: &'a mut [Extended<V>],
}

impl<V: Field25519> Task for BaseMultiples<'_, V> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        // Window by window over all groups, so that a window's entries are read once into the cache.
        for window in 0..WINDOWS {
            let entries = self.table.window(window);
            for (digits, sum) in self.digits.iter().zip(self.out.iter_mut()) {
                let (index, negative) = index_and_sign(self.proof, &digits[window]);
                let entry = affine_entry::<V>(entries, index).negate_where(negative);
                *sum = if window == 0 { entry.extended() } else { sum.add_affine(&entry) };
            }
        }
    }
}

/// k * P for eight points and digits of `recode_signed`.
pub struct PointMultiple<'a, V: Field25519> {
    pub point: &'a Extended<V>,
    pub digits: &'a [[u64; LANES]; POINT_WINDOWS],
}

impl<V: Field25519> Task for PointMultiple<'_, V> {
    type Out = Extended<V>;
    #[inline(always)]
    fn run(self) -> Extended<V> {
        let first = self.point.cached();
        let mut table = [first; POINT_ENTRIES];
        let mut multiple = *self.point;
        for entry in table.iter_mut().skip(1) {
            multiple = multiple.add(&first);
            *entry = multiple.cached();
        }
        let mut sum = Extended::identity(self.point.proof());
        for window in (0..POINT_WINDOWS).rev() {
            if window + 1 < POINT_WINDOWS {
                sum = sum.double_times(POINT_WIDTH);
            }
            sum = sum.add(&V::outline(sum.proof(), Entry(&table, &self.digits[window])));
        }
        sum
    }
}

struct Entry<'a, V: Field25519>(&'a [Cached<V>; POINT_ENTRIES], &'a [u64; LANES]);

impl<V: Field25519> Task for Entry<'_, V> {
    type Out = Cached<V>;
    /// The entry of a digit, each lane its own; the neutral element for 0.
    #[inline(always)]
    fn run(self) -> Cached<V> {
        let (table, digits) = (self.0, self.1);
        let (index, negative) = index_and_sign(table[0].plus.proof(), digits);
        let mut found = Cached::identity(index);
        for (i, entry) in table.iter().enumerate() {
            // SAFETY: a value of V exists.
            let hit = index.xor(unsafe { V::splat(i as u64 + 1) }).is_zero();
            found = Cached::select(hit, entry, &found);
        }
        found.negate_where(negative)
    }
}
