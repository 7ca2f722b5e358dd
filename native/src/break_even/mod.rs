//! From how many jobs on eight lanes are faster than that many single operations, for each primitive
//! and key size.
//!
//! The numbers depend on the CPU: a batch costs the same however full, and what it is weighed against
//! is AWS-LC's (for secp256k1 libsecp256k1's) single operation. Constants stand here for both classes
//! of CPU; the program measures its own CPU once (`measure`) and sets what it found.
mod keys;
mod measure;
#[cfg(test)]
mod tests;

pub use measure::measure;

use crate::cpu::{self, Class};
use crate::frame::spec;
use crate::vec::LANES;
use std::cell::Cell;
use std::sync::atomic::{AtomicU16, Ordering};

/// No number of jobs makes a batch faster.
const NEVER: u8 = u8::MAX;
/// Most jobs that `BreakEven::first` may ask for, short of `NEVER`.
pub const FIRST_MAX: u8 = 64;

/// When a batch is worth it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakEven {
    /// Jobs from which any run on the lanes; `NEVER` where none do.
    first: u8,
    /// Jobs from which those left over after whole groups of eight do too, 1 to 9.
    further: u8,
}

impl BreakEven {
    pub const NEVER: Self = Self { first: NEVER, further: LANES as u8 + 1 };
    pub const ALWAYS: Self = Self { first: 1, further: 1 };

    const fn new(first: u8, further: u8) -> Self {
        Self { first, further }
    }

    /// None where the numbers are out of their bounds; 0 for `first` is never.
    pub fn checked(first: u32, further: u32) -> Option<Self> {
        match (first, further) {
            (0, _) => Some(Self::NEVER),
            (1..=64, 1..=9) => Some(Self::new(first as u8, further as u8)),
            _ => None,
        }
    }

    /// As `checked` takes them.
    pub fn numbers(self) -> (u32, u32) {
        if self.first == NEVER { (0, 9) } else { (u32::from(self.first), u32::from(self.further)) }
    }

    /// How many of `count` jobs run on the lanes, the first ones; the others run one by one.
    pub fn batched(self, count: usize) -> usize {
        if self.first == NEVER || count < usize::from(self.first) {
            return 0;
        }
        let rest = count % LANES;
        if rest >= usize::from(self.further) { count } else { count - rest }
    }

    /// What follows from times: `single` of one operation, `group` of a batch of eight, `groups` of
    /// one of `count` groups, whose jobs share inversions.
    ///
    /// n jobs on the lanes cost `fixed` and `each` per group, those left over the cheaper way; what
    /// they save grows with n, so that the first n that saves anything is the answer.
    pub fn decide(single: f64, group: f64, groups: f64, count: usize) -> Self {
        let each = if count > 1 { (groups - group) / (count - 1) as f64 } else { group };
        let each = each.clamp(0.0, group);
        let fixed = group - each;
        let saved = |n: usize| {
            let (whole, rest) = ((n / LANES) as f64, (n % LANES) as f64);
            whole * (LANES as f64 * single - each) + (rest * single - each).max(0.0) - fixed
        };
        let first = (1..=usize::from(FIRST_MAX)).find(|n| saved(*n) > 0.0);
        let further = (1..=LANES).find(|n| *n as f64 * single > each);
        match (first, further) {
            (Some(first), Some(further)) => Self::new(first as u8, further as u8),
            _ => Self::NEVER,
        }
    }
}

macro_rules! rows {
    ($($row:ident $name:literal $ifma:expr, $avx2:expr;)*) => {
        /// An operation of one key size.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Row { $($row),* }

        /// The rows with their names, and the constants of the classes ifma and avx2.
        const ROWS: &[(Row, &str, BreakEven, BreakEven)] = &[$(
            (Row::$row, $name, BreakEven::new($ifma.0, $ifma.1), BreakEven::new($avx2.0, $avx2.1)),
        )*];
    };
}

// Measured on one core with examples/ec_bench.rs, ed25519_bench.rs and rsa_batch.rs; what makes key
// pairs with `measure`.
rows! {
    Rsa2048Private "rsa2048-private" (3, 3), (5, 5);
    Rsa2048Public "rsa2048-public" (2, 2), (5, 5);
    P256Sign "p256-sign" (4, 2), (24, 5);
    P256Verify "p256-verify" (2, 2), (32, 8);
    P256Agree "p256-agree" (2, 2), (NEVER, 9);
    P256Make "p256-make" (2, 1), (6, 4);
    Ed25519Sign "ed25519-sign" (4, 2), (6, 4);
    Ed25519Verify "ed25519-verify" (2, 2), (6, 5);
    Ed25519Make "ed25519-make" (3, 1), (5, 3);
    Secp256k1Sign "secp256k1-sign" (3, 1), (12, 4);
    Secp256k1Verify "secp256k1-verify" (4, 3), (NEVER, 9);
    Secp256k1Make "secp256k1-make" (1, 1), (1, 1);
    P384Sign "p384-sign" (2, 1), (6, 3);
    P384Verify "p384-verify" (2, 2), (8, 7);
    P384Agree "p384-agree" (3, 2), (16, 7);
    P384Make "p384-make" (2, 1), (5, 4);
    P521Sign "p521-sign" (2, 1), (5, 2);
    P521Verify "p521-verify" (2, 2), (7, 6);
    P521Agree "p521-agree" (3, 2), (8, 7);
    P521Make "p521-make" (2, 1), (5, 3);
    Rsa3072Private "rsa3072-private" (3, 3), (5, 5);
    Rsa3072Public "rsa3072-public" (2, 2), (5, 5);
    Rsa4096Private "rsa4096-private" (3, 3), (5, 5);
    Rsa4096Public "rsa4096-public" (2, 2), (5, 5);
}

/// What was set, `first | further << 8`; 0 where the constants stand.
static SET: [AtomicU16; ROWS.len()] = [const { AtomicU16::new(0) }; ROWS.len()];

thread_local! {
    static FORCED: Cell<Option<BreakEven>> = const { Cell::new(None) };
}

impl Row {
    /// None for what has no kernels.
    pub fn rsa(bits: usize, private: bool) -> Option<Self> {
        Some(match (bits, private) {
            (2048, true) => Row::Rsa2048Private,
            (2048, false) => Row::Rsa2048Public,
            (3072, true) => Row::Rsa3072Private,
            (3072, false) => Row::Rsa3072Public,
            (4096, true) => Row::Rsa4096Private,
            (4096, false) => Row::Rsa4096Public,
            _ => return None,
        })
    }

    /// What makes key pairs of a curve.
    pub fn make(key_spec: u16) -> Option<Self> {
        Some(match key_spec {
            spec::ECC_NIST_P256 => Row::P256Make,
            spec::ECC_NIST_P384 => Row::P384Make,
            spec::ECC_NIST_P521 => Row::P521Make,
            spec::ECC_SECG_P256K1 => Row::Secp256k1Make,
            spec::ECC_NIST_EDWARDS25519 => Row::Ed25519Make,
            _ => return None,
        })
    }

    pub fn named(name: &str) -> Option<Self> {
        ROWS.iter().find(|row| row.1 == name).map(|row| row.0)
    }

    pub fn name(self) -> &'static str {
        ROWS[self as usize].1
    }

    /// What counts now, for kernels of a class.
    pub fn break_even(self, class: Class) -> BreakEven {
        if let Some(forced) = FORCED.get() {
            return forced;
        }
        if class == cpu::class().0 {
            let [first, further] = SET[self as usize].load(Ordering::Relaxed).to_le_bytes();
            if first != 0 {
                return BreakEven::new(first, further);
            }
        }
        let (_, _, ifma, avx2) = ROWS[self as usize];
        match class {
            Class::Ifma => ifma,
            Class::Avx2 => avx2,
            Class::Generic => BreakEven::NEVER,
        }
    }

    /// Replaces the constant of the class in force, for every thread.
    pub fn set(self, to: BreakEven) {
        SET[self as usize].store(u16::from_le_bytes([to.first, to.further]), Ordering::Relaxed);
    }
}

/// The rows; none where no kernels are in force.
pub fn rows() -> Vec<Row> {
    if cpu::class().0 == Class::Generic {
        return Vec::new();
    }
    ROWS.iter().map(|row| row.0).collect()
}

/// Runs `work` with one answer for every row, on this thread: for measuring, and for tests.
pub fn forced<T>(to: BreakEven, work: impl FnOnce() -> T) -> T {
    let before = FORCED.replace(Some(to));
    let out = work();
    FORCED.set(before);
    out
}
