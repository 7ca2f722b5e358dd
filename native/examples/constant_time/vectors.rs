//! Every operation of the vector trait on secret lanes.
use crate::{Checks, Expect};
use keystrel_native::cpu;
use keystrel_native::secrecy::classify;
#[cfg(target_arch = "x86_64")]
use keystrel_native::vec::Avx2;
use keystrel_native::vec::{LANES, MASK52, Multiply, Portable, Vector};
use std::hint::black_box;

fn lanes(seed: u64) -> [u64; LANES] {
    classify(std::array::from_fn(|i| {
        (seed + i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) & MASK52
    }))
}

/// # Safety
/// The CPU has the class.
#[inline(always)]
unsafe fn operations<V: Vector>() {
    let table: [u64; 64] = std::array::from_fn(|i| i as u64 * 3);
    let secret_table: [u64; 64] = classify(black_box(table));
    // SAFETY: the caller vouches for the class.
    let (a, b, one) =
        unsafe { (V::load(&lanes(black_box(1))), V::load(&lanes(black_box(2))), V::splat(63)) };
    let index = a.and(one);
    let results = [
        a.add(b),
        a.sub(b),
        a.and(b),
        a.or(b),
        a.xor(b),
        a.shl::<13>(),
        a.shr::<7>(),
        a.sar::<52>(),
        a.mac_lo(a, b),
        b.mac_hi(a, b),
        V::select(a.sar::<63>(), a, b),
        V::select(index.is_zero(), a, b),
        V::lookup(&table, index),
        V::lookup(&secret_table[..32], index.shr::<1>()),
        V::lookup(&secret_table[..16], index.shr::<2>()),
    ];
    for result in results {
        black_box(result.store());
    }
}

/// Products of secret digits.
///
/// # Safety
/// The CPU has the class.
#[inline(always)]
unsafe fn products<V: Vector + Multiply>() {
    // SAFETY: the caller vouches for the class.
    let (a, b, mut lo, mut hi) = unsafe {
        let (a, b) = (V::load(&lanes(black_box(3))), V::load(&lanes(black_box(4))));
        (a, b, V::splat(V::settled(1, 0)), V::splat(V::settled(0, 1)))
    };
    V::mac(&mut lo, &mut hi, a.digit(), b.digit());
    black_box((lo.store(), hi.store(), V::integer(a.quotient(b.digit())).store()));
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2() {
    // SAFETY: the caller vouches for the class.
    unsafe {
        operations::<Avx2>();
        products::<Avx2>();
    }
}

pub fn run(checks: &mut Checks) {
    // SAFETY: the portable class needs nothing.
    checks.check("vector, portable", Expect::Nothing, || unsafe {
        operations::<Portable>();
        products::<Portable>();
    });
    #[cfg(target_arch = "x86_64")]
    if cpu::best() != cpu::Class::Generic {
        // SAFETY: the CPU has the class.
        checks.check("vector, avx2", Expect::Nothing, || unsafe { avx2() });
    }
}
