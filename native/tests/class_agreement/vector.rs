//! Every operation of `Vector` on random and extreme lanes.
use crate::machine::{Machine, Task};
use crate::random::{Random, hash};
use keystrel_native::vec::{LANES, Vector};

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
