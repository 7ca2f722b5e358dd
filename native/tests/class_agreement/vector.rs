//! Every operation of `Vector` on random and extreme lanes.
use crate::machine::{Machine, Task};
use crate::random::{Random, hash};
use keystrel_native::vec::{LANES, Multiply, Vector};

type Lanes = [u64; LANES];

struct Operations<'a> {
    a: Lanes,
    b: Lanes,
    table: &'a [u64; 64],
}

impl Task for Operations<'_> {
    type Out = [u64; LANES];
    #[inline(always)]
    fn run<M: Machine>(self) -> [u64; LANES] {
        // SAFETY: `Machine::enter` was called where the class is.
        let (x, y, index) = unsafe {
            (M::V::load(&self.a), M::V::load(&self.b), M::V::load(&self.a.map(|w| w % 64)))
        };
        let zero = x.sub(x);
        let mask = x.sar::<63>();
        let results = [
            x.add(y),
            x.sub(y),
            x.and(y),
            x.or(y),
            x.xor(y),
            x.shl::<1>(),
            x.shl::<13>(),
            x.shr::<12>(),
            x.shr::<52>(),
            x.sar::<1>(),
            x.sar::<52>(),
            zero.mac_lo(x, y),
            zero.mac_hi(x, y),
            x.mac_lo(y, y),
            y.mac_hi(x, x),
            x.is_zero(),
            index.is_zero(),
            mask,
            M::V::select(mask, x, y),
            M::V::lookup(self.table, index),
            M::V::lookup(&self.table[..32], index.shr::<1>()),
            M::V::lookup(&self.table[..16], index.shr::<2>()),
        ];
        let mut out = [0u64; LANES];
        for result in results {
            for (h, lane) in out.iter_mut().zip(result.store()) {
                *h = hash(*h, lane);
            }
        }
        out
    }
}

/// Sums of products by `mac`, whatever the class's digits are: of operands below 2^51, so that
/// all classes have them, read back as integers. And the way into digits and out of them.
struct Products {
    a: Lanes,
    b: Lanes,
}

impl Task for Products {
    type Out = [u64; LANES];
    #[inline(always)]
    fn run<M: Machine>(self) -> [u64; LANES] {
        let settled = M::V::settled;
        // SAFETY: `Machine::enter` was called where the class is.
        let (x, y, mut lo, mut hi) = unsafe {
            let low = M::V::splat((1 << 51) - 1);
            let (x, y) = (M::V::load(&self.a).and(low), M::V::load(&self.b).and(low));
            // 27 products of each half.
            (x, y, M::V::splat(settled(27, 0)), M::V::splat(settled(0, 27)))
        };
        let mut out = M::V::integer(x.digit()).store();
        for _ in 0..9 {
            M::V::mac(&mut lo, &mut hi, x.digit(), y.digit());
            M::V::mac(&mut lo, &mut hi, x.digit(), x.digit());
            M::V::mac(&mut lo, &mut hi, y.digit(), x.shr::<7>().digit());
        }
        let (lo, hi) = (lo.store(), hi.store());
        for lane in 0..LANES {
            let sum = (i128::from(hi[lane] as i64) << M::V::RADIX) + i128::from(lo[lane] as i64);
            out[lane] = hash(hash(out[lane], sum as u64), (sum >> 64) as u64);
        }
        out
    }
}

pub fn products<M: Machine>(random: &mut Random, jobs: usize) -> Vec<u64> {
    let mut out = Vec::with_capacity(jobs + LANES);
    while out.len() < jobs {
        let a = std::array::from_fn(|_| random.edge_word());
        let b = std::array::from_fn(|_| random.edge_word());
        // SAFETY: the caller asked `is_here`.
        out.extend(unsafe { M::enter(Products { a, b }) });
    }
    out.truncate(jobs);
    out
}

pub fn run<M: Machine>(random: &mut Random, jobs: usize) -> Vec<u64> {
    let mut out = Vec::with_capacity(jobs);
    let mut table = [0u64; 64];
    while out.len() < jobs {
        for entry in &mut table {
            *entry = random.edge_word();
        }
        for _ in 0..32 {
            let a = std::array::from_fn(|_| random.edge_word());
            let b = std::array::from_fn(|_| random.edge_word());
            // SAFETY: the caller asked `is_here`.
            out.extend(unsafe { M::enter(Operations { a, b, table: &table }) });
        }
    }
    out.truncate(jobs);
    out
}
