//! Exponentiation with a fixed window: the same products and the same memory for every exponent.
use super::{Limb, Modulus, Montgomery, wipe};
use crate::vec::{LANES, Register};

/// Entries of the largest table.
const ENTRIES_MAX: usize = 32;

/// Bits `at .. at + WINDOW` of each lane's exponent.
#[inline(always)]
fn window(exponents: &[Limb], at: usize, bits: u32) -> Limb {
    let (word, shift) = (at / 64, at % 64);
    let mut out = Limb::ZERO;
    for lane in 0..LANES {
        let mut x = exponents[word].0[lane] >> shift;
        if shift + bits as usize > 64 && word + 1 < exponents.len() {
            x |= exponents[word + 1].0[lane] << (64 - shift);
        }
        out.0[lane] = x & ((1 << bits) - 1);
    }
    out
}

/// out = table[index], each lane with its own index; every entry is read.
///
/// # Safety
/// The CPU has the class of `R`.
#[inline(always)]
unsafe fn scan<R: Register, const N: usize, const CHUNK: usize>(
    out: &mut [Limb; N],
    table: &[[Limb; N]],
    index: &Limb,
) {
    const { assert!(N.is_multiple_of(CHUNK)) }
    // SAFETY: the caller vouches for the class; all offsets lie within N limbs.
    unsafe {
        for lane in (0..LANES).step_by(R::WIDTH) {
            let index = R::load(index.0.as_ptr().add(lane));
            for from in (0..N).step_by(CHUNK) {
                let mut picked = [R::splat(0); CHUNK];
                for (j, entry) in table.iter().enumerate() {
                    let mask = index.equal(R::splat(j as u64));
                    let entry = entry.as_ptr().cast::<u64>().add(from * LANES + lane);
                    for i in 0..CHUNK {
                        picked[i] = picked[i].pick(mask, R::load(entry.add(i * LANES)));
                    }
                }
                for i in 0..CHUNK {
                    let to = out.as_mut_ptr().cast::<u64>().add((from + i) * LANES + lane);
                    picked[i].store(to);
                }
            }
        }
    }
}

/// See `Montgomery::power`.
///
/// # Safety
/// The CPU has the class of `R`.
#[inline(always)]
pub unsafe fn power<R: Montgomery<N>, const N: usize, const CHUNK: usize>(
    out: &mut [Limb; N],
    base: &[Limb; N],
    one: &[Limb; N],
    exponents: &[Limb],
    modulus: &Modulus<N>,
) {
    let entries = 1 << R::WINDOW;
    let mut table = [[Limb::ZERO; N]; ENTRIES_MAX];
    let table = &mut table[..entries];
    let mut factor = [Limb::ZERO; N];
    // SAFETY: the caller vouches for the class.
    unsafe {
        table[0] = *one;
        table[1] = *base;
        for i in 2..entries {
            let (known, new) = table.split_at_mut(i);
            if i.is_multiple_of(2) {
                new[0] = known[i / 2];
                R::square(&mut new[0], modulus, 1);
            } else {
                R::mul(&mut new[0], &known[i - 1], base, modulus);
            }
        }
        let bits = exponents.len() * 64;
        let mut at = (bits - 1) / R::WINDOW as usize * R::WINDOW as usize;
        scan::<R, N, CHUNK>(out, table, &window(exponents, at, R::WINDOW));
        while at > 0 {
            at -= R::WINDOW as usize;
            R::square(out, modulus, R::WINDOW);
            scan::<R, N, CHUNK>(&mut factor, table, &window(exponents, at, R::WINDOW));
            let x = *out;
            R::mul(out, &x, &factor, modulus);
        }
    }
    wipe(table.as_flattened_mut());
    wipe(&mut factor);
}
