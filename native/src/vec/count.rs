//! A counter of multiply instructions (vpmadd52 on 512 bits, FMA on 256 bits), per thread. Built with
//! the feature `count` alone: it makes the kernels slow.
use std::cell::Cell;

thread_local! {
    static MULTIPLIES: Cell<i64> = const { Cell::new(0) };
}

/// Adds to the thread's counter.
#[inline(always)]
pub(super) fn add(number: i64) {
    MULTIPLIES.with(|counter| counter.set(counter.get() + number));
}

/// What the thread has counted since it was asked last.
pub fn take() -> i64 {
    MULTIPLIES.with(|counter| counter.replace(0))
}
