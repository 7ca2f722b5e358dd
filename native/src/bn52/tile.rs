//! Straight-line pieces of a product: tiles of partial products, and one block of quotient digits.
//!
//! A number is `N` limbs of eight lanes (64 bytes each, see `Limb`); pointers go to the first word
//! of the group of lanes that a register holds. W = 2B columns, which stay in registers, cover a
//! tile of B by B digits.
use crate::vec::{LANES, Register};
use std::sync::atomic::{Ordering, compiler_fence};

/// The columns of two neighbouring blocks. With SPLIT, high halves gather in columns of their own,
/// because a tile adds up to 2B - 1 products to one column, one after the other.
#[derive(Clone, Copy)]
pub struct Columns<R, const W: usize, const SPLIT: bool> {
    pub lo: [R; W],
    pub hi: [R; W],
}

impl<R: Register, const W: usize, const SPLIT: bool> Columns<R, W, SPLIT> {
    #[inline(always)]
    pub fn new(zero: R) -> Self {
        Self { lo: [zero; W], hi: [zero; W] }
    }

    /// Columns `at` and `at + 1` += a * b.
    ///
    /// # Safety
    /// The CPU has the class of `R`.
    #[inline(always)]
    unsafe fn mac(&mut self, at: usize, a: R::Digit, b: R::Digit) {
        // SAFETY: the caller vouches for the class.
        unsafe {
            if SPLIT {
                R::mac_tight(&mut self.lo[at], &mut self.hi[at + 1], a, b);
            } else {
                let (lo, hi) = self.lo.split_at_mut(at + 1);
                R::mac_tight(&mut lo[at], &mut hi[0], a, b);
            }
        }
    }

    #[inline(always)]
    pub fn get(&self, at: usize) -> R {
        if SPLIT { self.lo[at].add(self.hi[at]) } else { self.lo[at] }
    }

    /// Moves on by a block: the upper columns become the lower ones, and new ones start at `bias`.
    #[inline(always)]
    pub fn advance(&mut self, bias: R) {
        // SAFETY: `bias` is a proof of the class.
        let zero = unsafe { R::splat(0) };
        self.lo.copy_within(W / 2.., 0);
        self.lo[W / 2..].fill(if SPLIT { zero } else { bias });
        self.hi.copy_within(W / 2.., 0);
        self.hi[W / 2..].fill(if SPLIT { bias } else { zero });
    }
}

/// B digits of a number.
///
/// # Safety
/// The CPU has the class of `R`; `at` points to B limbs, aligned for `R`.
#[inline(always)]
unsafe fn digits<R: Register, const B: usize>(at: *const u64) -> [R::Digit; B] {
    // SAFETY: the caller vouches for the class and the pointer.
    unsafe {
        // Without it the compiler would keep digits that it has seen before, and spill them.
        compiler_fence(Ordering::SeqCst);
        let mut x = [R::load_digit(at); B];
        for i in 1..B {
            x[i] = R::load_digit(at.add(i * LANES));
        }
        x
    }
}

/// acc += a[0..B] * b[0..B].
///
/// # Safety
/// The CPU has the class of `R`; `a` and `b` point to B limbs, aligned for `R`.
#[inline(always)]
pub unsafe fn tile<R: Register, const B: usize, const W: usize, const SPLIT: bool>(
    acc: &mut Columns<R, W, SPLIT>,
    a: *const u64,
    b: *const u64,
) {
    // SAFETY: the caller vouches for the class and the pointers.
    unsafe {
        let x = digits::<R, B>(a);
        for i in 0..B {
            let y = R::load_digit(b.add(i * LANES));
            for j in 0..B {
                acc.mac(i + j, x[j], y);
            }
        }
    }
}

/// acc += the products a[i] * a[j] with i < j of one block of B digits.
///
/// # Safety
/// As `tile`.
#[inline(always)]
pub unsafe fn triangle<R: Register, const B: usize, const W: usize, const SPLIT: bool>(
    acc: &mut Columns<R, W, SPLIT>,
    a: *const u64,
) {
    // SAFETY: the caller vouches for the class and the pointers.
    unsafe {
        let x = digits::<R, B>(a);
        for i in 0..B {
            for j in i + 1..B {
                acc.mac(i + j, x[i], x[j]);
            }
        }
    }
}

/// acc += the squares a[i] * a[i] of one block of B digits.
///
/// # Safety
/// As `tile`.
#[inline(always)]
pub unsafe fn squares<R: Register, const B: usize, const W: usize, const SPLIT: bool>(
    acc: &mut Columns<R, W, SPLIT>,
    a: *const u64,
) {
    // SAFETY: the caller vouches for the class and the pointers.
    unsafe {
        for i in 0..B {
            let x = R::load_digit(a.add(i * LANES));
            acc.mac(2 * i, x, x);
        }
    }
}

/// Makes B quotient digits from the lower columns, which are complete, and adds what of q * m[0..B]
/// the next digits wait for; the carry out of them goes to column B. `later` adds the rest.
///
/// # Safety
/// As `tile`; `q` (written) and `m` point to B limbs.
#[inline(always)]
pub unsafe fn quotients<
    R: Register,
    const B: usize,
    const W: usize,
    const G: usize,
    const SPLIT: bool,
>(
    accs: &mut [Columns<R, W, SPLIT>; G],
    q: *mut u64,
    m: *const u64,
    k0: *const u64,
) {
    // SAFETY: the caller vouches for the class and the pointers.
    unsafe {
        for i in 0..B {
            for g in 0..G {
                let acc = &mut accs[g];
                let lane = g * R::WIDTH;
                let column = acc.get(i);
                let digit = column.quotient(R::load_digit(k0.add(lane)));
                R::store_digit(digit, q.add(i * LANES + lane));
                let m0 = R::load_digit(m.add(lane));
                if SPLIT {
                    column.cancel(&mut acc.lo[i + 1], &mut acc.hi[i + 1], digit, m0);
                } else {
                    let mut carry = R::splat(0);
                    column.cancel(&mut carry, &mut acc.lo[i + 1], digit, m0);
                    acc.lo[i + 1] = acc.lo[i + 1].add(carry);
                }
                for j in 1..B - i {
                    acc.mac(i + j, R::load_digit(m.add(j * LANES + lane)), digit);
                }
            }
        }
    }
}

/// Adds, to the columns one block further on, the products q * m[0..B] that `quotients` left out.
///
/// # Safety
/// As `tile`; `q` and `m` point to B limbs.
#[inline(always)]
pub unsafe fn later<R: Register, const B: usize, const W: usize, const SPLIT: bool>(
    acc: &mut Columns<R, W, SPLIT>,
    q: *const u64,
    m: *const u64,
) {
    // SAFETY: the caller vouches for the class and the pointers.
    unsafe {
        let m = digits::<R, B>(m);
        for i in 1..B {
            let y = R::load_digit(q.add(i * LANES));
            for j in B - i..B {
                acc.mac(i + j - B, m[j], y);
            }
        }
    }
}
