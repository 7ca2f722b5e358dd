//! The vector class of this CPU: table lookups and products, on zero and on random lanes.
use crate::{Choose, Random, Target};
use keystrel_native::vec::{LANES, MASK52, Portable, Vector};
use std::hint::black_box;

struct Lanes {
    operation: fn(&Lanes),
    a: [u64; LANES],
    b: [u64; LANES],
    table: [u64; 64],
}

impl Target for Lanes {
    fn prepare(&mut self, fixed: bool, random: &mut Random) {
        for lanes in [&mut self.a, &mut self.b] {
            let other = std::array::from_fn(|_| random.next_word() & MASK52);
            *lanes = Choose::choose(fixed, [0; LANES], other);
        }
    }
    fn run(&mut self) {
        (self.operation)(self);
    }
}

/// # Safety
/// The CPU has the class.
#[inline(always)]
unsafe fn lookups<V: Vector>(lanes: &Lanes) {
    // SAFETY: the caller vouches for the class.
    let (a, low) = unsafe { (V::load(&lanes.a), V::splat(63)) };
    let mut index = a.and(low);
    for _ in 0..16 {
        // The next index depends on the entry, so that the lookups are one chain.
        index = V::lookup(&lanes.table, index).xor(a).and(low);
    }
    black_box(index.store());
}

/// # Safety
/// The CPU has the class.
#[inline(always)]
unsafe fn products<V: Vector>(lanes: &Lanes) {
    // SAFETY: the caller vouches for the class.
    let (mut a, mut b) = unsafe { (V::load(&lanes.a), V::load(&lanes.b)) };
    for _ in 0..64 {
        (a, b) = (V::mac_lo(b, a, b), V::mac_hi(a, a, b));
        b = V::select(a.is_zero(), a, b);
    }
    black_box((a.store(), b.store()));
}

macro_rules! class {
    ($module:ident, $class:ty, [$($attribute:tt)*]) => {
        mod $module {
            use super::*;
            $($attribute)*
            fn lookup(lanes: &Lanes) {
                // SAFETY: called where the CPU has the class.
                unsafe { lookups::<$class>(lanes) }
            }
            $($attribute)*
            fn product(lanes: &Lanes) {
                // SAFETY: as above.
                unsafe { products::<$class>(lanes) }
            }
            pub fn targets(names: [&'static str; 2]) -> Vec<(&'static str, Box<dyn Target>, bool)> {
                // SAFETY: the caller has asked whether the CPU has the class.
                #[allow(unused_unsafe)]
                let operations: [fn(&Lanes); 2] =
                    [|lanes| unsafe { lookup(lanes) }, |lanes| unsafe { product(lanes) }];
                let table = std::array::from_fn(|i| (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
                names
                    .into_iter()
                    .zip(operations)
                    .map(|(name, operation)| {
                        let lanes = Lanes { operation, a: [0; LANES], b: [0; LANES], table };
                        (name, Box::new(lanes) as Box<dyn Target>, false)
                    })
                    .collect()
            }
        }
    };
}

class!(portable, Portable, []);
#[cfg(target_arch = "x86_64")]
class!(ifma, keystrel_native::vec::Ifma, [
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma")]
]);

pub fn targets() -> Vec<(&'static str, Box<dyn Target>, bool)> {
    let mut all = Vec::new();
    all.extend(portable::targets(["vector lookups, portable", "vector products, portable"]));
    #[cfg(target_arch = "x86_64")]
    if keystrel_native::cpu::best() == keystrel_native::cpu::Class::Ifma {
        all.extend(ifma::targets(["vector lookups, ifma", "vector products, ifma"]));
    }
    all
}
