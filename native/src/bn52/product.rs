//! Montgomery product and square, by blocks of columns, over `tile.rs`.
use super::tile::{Columns, later, quotients, squares, tile, triangle};
use crate::vec::{LANES, Register};

/// What a Montgomery product works on: pointers to limbs.
#[derive(Clone, Copy)]
pub struct Operands {
    /// The result, N limbs; may be `a` or `b`.
    pub out: *mut u64,
    pub a: *const u64,
    pub b: *const u64,
    /// The modulus, N limbs.
    pub m: *const u64,
    /// -1 / m mod 2^RADIX, one limb.
    pub k0: *const u64,
    /// Scratch for the quotient digits, N limbs.
    pub q: *mut u64,
}

impl Operands {
    /// The same numbers from lane `lane` on.
    #[inline(always)]
    fn at_lane(self, lane: usize) -> Self {
        // SAFETY: a limb has more lanes than that.
        unsafe {
            Self {
                out: self.out.add(lane),
                a: self.a.add(lane),
                b: self.b.add(lane),
                m: self.m.add(lane),
                k0: self.k0.add(lane),
                q: self.q.add(lane),
            }
        }
    }
}

/// Most columns of a product.
const COLUMNS_MAX: usize = 162;

/// What the columns start from so that they hold their true sums when they are complete, and are
/// never negative then: 2^60 in each, which its carry takes to the next, where it is made up for.
struct Settle<R, const N: usize>(R);

impl<R: Register, const N: usize> Settle<R, N> {
    const NEEDED: bool = R::BIAS_LO != 0 || R::BIAS_HI != 0;
    const TABLE: [u64; COLUMNS_MAX] = {
        let mut table = [0; COLUMNS_MAX];
        let mut before = 0u64;
        let mut k = 0;
        while k < 2 * N {
            // Pairs of digits i + j = k, once for a * b and once for q * m.
            let pairs = 2 * (if k < N { k + 1 } else { 2 * N - 1 - k }) as u64;
            table[k] = 0u64
                .wrapping_sub(R::BIAS_LO.wrapping_mul(pairs))
                .wrapping_sub(R::BIAS_HI.wrapping_mul(before));
            if k + 1 < 2 * N {
                table[k] = table[k].wrapping_add(1 << 60);
            }
            if k > 0 {
                table[k] = table[k].wrapping_sub(1 << (60 - R::RADIX));
            }
            before = pairs;
            k += 1;
        }
        table
    };
}

/// out = a * b / 2^(RADIX * N) mod m, or a * a / ... if SQUARE. B divides N; G groups of lanes.
/// SPLIT: the class waits for chains of products on one column.
///
/// # Safety
/// The CPU has the class of `R`; the pointers are valid as `Operands` says, aligned to 64 bytes.
#[inline(always)]
pub unsafe fn montgomery<
    R: Register,
    const N: usize,
    const B: usize,
    const W: usize,
    const G: usize,
    const SQUARE: bool,
    const SPLIT: bool,
>(
    operands: Operands,
) {
    const { assert!(W == 2 * B && N.is_multiple_of(B) && G * R::WIDTH == LANES) }
    let (blocks, step) = (N / B, B * LANES);
    // SAFETY: block i of a number of N limbs starts at limb i * B and i < N / B.
    unsafe {
        let zero = R::splat(0);
        let bias = R::splat(R::BIAS_QUOTIENT);
        // The columns of the blocks s and s + 1. One tile of cross products at a time stands between
        // other work, so those need not be split.
        let mut accs = [Columns::<R, W, SPLIT>::new(zero); G];
        let mut cross = [Columns::<R, W, false>::new(zero); G];
        for g in 0..G {
            accs[g].advance(bias);
            accs[g].advance(bias);
            if SQUARE {
                cross_products::<R, B, W>(
                    &mut cross[g],
                    operands.at_lane(g * R::WIDTH).a,
                    0,
                    blocks,
                );
                add_twice(&mut accs[g], &mut cross[g], 0);
            }
        }
        for s in 0..blocks {
            for g in 0..G {
                let p = operands.at_lane(g * R::WIDTH);
                let acc = &mut accs[g];
                products::<R, B, W, SQUARE, SPLIT>(acc, &mut cross[g], p, s, blocks);
                // The last quotient digits may still be on their way: all else comes first.
                for i in 1..s {
                    let (q, m) = (p.q.add((i - 1) * step), p.m.add((s - i + 1) * step));
                    tile::<R, B, W, SPLIT>(acc, q, m);
                }
            }
            for g in 0..G {
                let p = operands.at_lane(g * R::WIDTH);
                let acc = &mut accs[g];
                if s > 0 {
                    let q = p.q.add((s - 1) * step);
                    later::<R, B, W, SPLIT>(acc, q, p.m);
                    tile::<R, B, W, SPLIT>(acc, q, p.m.add(step));
                }
                for t in 0..B {
                    acc.lo[t] = acc.lo[t].add_settled::<N>(s * B + t);
                }
            }
            let p = operands;
            quotients::<R, B, W, G, SPLIT>(&mut accs, p.q.add(s * step), p.m, p.k0);
            for g in 0..G {
                accs[g].advance(if s + 2 < blocks { bias } else { zero });
            }
        }
        let mut carry = [zero; G];
        for s in blocks..2 * blocks {
            for g in 0..G {
                let p = operands.at_lane(g * R::WIDTH);
                let acc = &mut accs[g];
                products::<R, B, W, SQUARE, SPLIT>(acc, &mut cross[g], p, s, blocks);
                if s == blocks {
                    later::<R, B, W, SPLIT>(acc, p.q.add((s - 1) * step), p.m);
                }
                for i in s - blocks + 1..blocks {
                    tile::<R, B, W, SPLIT>(acc, p.q.add(i * step), p.m.add((s - i) * step));
                }
                for t in 0..B {
                    let x = acc.get(t).add(carry[g]).add_settled::<N>(s * B + t);
                    R::store_digit(x.digit(), p.out.add(((s - blocks) * B + t) * LANES));
                    carry[g] = x.carry();
                }
                acc.advance(zero);
            }
        }
    }
}

/// Adds the digit products of `a` and `b` that complete the columns of block s.
#[inline(always)]
unsafe fn products<
    R: Register,
    const B: usize,
    const W: usize,
    const SQUARE: bool,
    const SPLIT: bool,
>(
    acc: &mut Columns<R, W, SPLIT>,
    cross: &mut Columns<R, W, false>,
    p: Operands,
    s: usize,
    blocks: usize,
) {
    let step = B * LANES;
    // SAFETY: as in `montgomery`.
    unsafe {
        if SQUARE {
            // One block ahead: there the columns are empty still.
            cross_products::<R, B, W>(cross, p.a, s + 1, blocks);
            add_twice(acc, cross, B);
            if s.is_multiple_of(2) {
                squares::<R, B, W, SPLIT>(acc, p.a.add(s / 2 * step));
            }
        } else {
            for i in (s + 1).saturating_sub(blocks)..(s + 1).min(blocks) {
                tile::<R, B, W, SPLIT>(acc, p.a.add(i * step), p.b.add((s - i) * step));
            }
        }
    }
}

/// Makes a settled column of one that is complete.
trait AddSettled: Register {
    fn add_settled<const N: usize>(self, column: usize) -> Self;
}

impl<R: Register> AddSettled for R {
    #[inline(always)]
    fn add_settled<const N: usize>(self, column: usize) -> Self {
        if Settle::<R, N>::NEEDED {
            // SAFETY: `self` is a proof of the class.
            self.add(unsafe { R::splat(Settle::<R, N>::TABLE[column]) })
        } else {
            self
        }
    }
}

/// Adds the products of different digits that complete the columns of block s, each once.
#[inline(always)]
unsafe fn cross_products<R: Register, const B: usize, const W: usize>(
    cross: &mut Columns<R, W, false>,
    a: *const u64,
    s: usize,
    blocks: usize,
) {
    let step = B * LANES;
    // SAFETY: as in `montgomery`.
    unsafe {
        for i in (s + 1).saturating_sub(blocks)..s.div_ceil(2) {
            tile::<R, B, W, false>(cross, a.add(i * step), a.add((s - i) * step));
        }
        if s.is_multiple_of(2) && s < 2 * blocks {
            triangle::<R, B, W, false>(cross, a.add(s / 2 * step));
        }
    }
}

/// Moves the complete columns of `cross`, doubled, to the columns of `acc` from `at` on.
#[inline(always)]
fn add_twice<R: Register, const W: usize, const SPLIT: bool>(
    acc: &mut Columns<R, W, SPLIT>,
    cross: &mut Columns<R, W, false>,
    at: usize,
) {
    for t in 0..W / 2 {
        let x = cross.get(t);
        acc.lo[at + t] = acc.lo[at + t].add(x.add(x));
    }
    // SAFETY: the columns are a proof of the class.
    cross.advance(unsafe { R::splat(0) });
}

/// out = a + b, carried; N limbs each.
///
/// # Safety
/// As `montgomery`.
#[inline(always)]
pub unsafe fn add<R: Register, const N: usize>(out: *mut u64, a: *const u64, b: *const u64) {
    // SAFETY: the caller vouches for the class and the pointers.
    unsafe {
        for lane in (0..LANES).step_by(R::WIDTH) {
            let mut carry = R::splat(0);
            for i in 0..N {
                let at = i * LANES + lane;
                let (x, y) = (R::load_digit(a.add(at)), R::load_digit(b.add(at)));
                let sum = R::integer(x).add(R::integer(y)).add(carry);
                R::store_digit(sum.digit(), out.add(at));
                carry = sum.carry();
            }
        }
    }
}
