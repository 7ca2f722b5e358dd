//! Batches of any length over the kernels: the class and the curve are chosen here, once per batch.
use super::agree::{Agree, AgreeJob, Public, PublicJob};
use super::comb::{BuildTable, GROUPS_MAX, Table};
use super::curve::{Curve, NistP256, NistP384, NistP521, Secp256k1};
use super::scalar::is_in_range;
use super::sign::{Nonces, Sign, SignJob};
use super::verify::{Verify, VerifyJob};
use crate::cpu;
use crate::field::{Class, Field25519, Words};
use crate::frame::spec;
#[cfg(target_arch = "x86_64")]
use crate::vec::{Avx2, Ifma};
use crate::vec::{LANES, Portable, Vector};
use std::marker::PhantomData;
use std::sync::OnceLock;

/// Jobs of one pass.
const PASS: usize = LANES * GROUPS_MAX;

/// The curves, numbered as their tables are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CurveName {
    P256,
    P384,
    P521,
    Secp256k1,
}

impl CurveName {
    pub const ALL: [CurveName; 4] =
        [CurveName::P256, CurveName::P384, CurveName::P521, CurveName::Secp256k1];

    pub fn of_spec(spec: u16) -> Option<Self> {
        match spec {
            spec::ECC_NIST_P256 => Some(CurveName::P256),
            spec::ECC_NIST_P384 => Some(CurveName::P384),
            spec::ECC_NIST_P521 => Some(CurveName::P521),
            spec::ECC_SECG_P256K1 => Some(CurveName::Secp256k1),
            _ => None,
        }
    }

    /// Bytes of a coordinate and of a scalar.
    pub fn coordinate_len(self) -> usize {
        match self {
            CurveName::P256 => NistP256::LEN,
            CurveName::P384 => NistP384::LEN,
            CurveName::P521 => NistP521::LEN,
            CurveName::Secp256k1 => Secp256k1::LEN,
        }
    }

    /// True for 1 <= k < n. Constant time but for the answer.
    pub fn has_scalar(self, k: &Words) -> bool {
        match self {
            CurveName::P256 => is_in_range::<NistP256>(k),
            CurveName::P384 => is_in_range::<NistP384>(k),
            CurveName::P521 => is_in_range::<NistP521>(k),
            CurveName::Secp256k1 => is_in_range::<Secp256k1>(k),
        }
    }
}

/// A class of kernels that this CPU can run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kernels(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    #[cfg(target_arch = "x86_64")]
    Ifma,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    Portable,
}

impl Kernels {
    /// Those of a CPU class; None where this CPU lacks it, and for `generic`, where AWS-LC does
    /// better than the portable twin.
    pub fn of_class(class: cpu::Class) -> Option<Self> {
        match class {
            #[cfg(target_arch = "x86_64")]
            cpu::Class::Ifma if cpu::best() == cpu::Class::Ifma => Some(Self(Kind::Ifma)),
            #[cfg(target_arch = "x86_64")]
            cpu::Class::Avx2 if cpu::best() != cpu::Class::Generic => Some(Self(Kind::Avx2)),
            _ => None,
        }
    }

    /// The portable twin.
    pub fn portable() -> Self {
        Self(Kind::Portable)
    }

    /// The CPU class that the kernels are of.
    pub fn class(self) -> cpu::Class {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kind::Ifma => cpu::Class::Ifma,
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => cpu::Class::Avx2,
            Kind::Portable => cpu::Class::Generic,
        }
    }

    /// All that run on this CPU.
    pub fn all() -> Vec<Self> {
        let classes = [cpu::Class::Ifma, cpu::Class::Avx2];
        let mut all: Vec<_> = classes.into_iter().filter_map(Self::of_class).collect();
        all.push(Self::portable());
        all
    }

    pub fn name(self) -> &'static str {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kind::Ifma => Ifma::NAME,
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => Avx2::NAME,
            Kind::Portable => Portable::NAME,
        }
    }
}

/// An operation that is generic over the class; N are the digits of numbers of 256 bits.
pub(super) trait ByClass {
    fn run<V: Field25519, const N: usize>(self, proof: V);
}

impl Kernels {
    /// The number of the class among tables.
    pub(super) fn number(self) -> usize {
        self.0 as usize
    }

    pub(super) fn run(self, operation: impl ByClass) {
        // SAFETY: `Kernels` is made only where the CPU has the class.
        unsafe {
            match self.0 {
                #[cfg(target_arch = "x86_64")]
                Kind::Ifma => operation.run::<Ifma, 5>(Vector::splat(0)),
                #[cfg(target_arch = "x86_64")]
                Kind::Avx2 => operation.run::<Avx2, 6>(Vector::splat(0)),
                Kind::Portable => operation.run::<Portable, 5>(Vector::splat(0)),
            }
        }
    }
}

/// More than the frames of a kernel take: P-521's scratch of eight groups, RSA-4096's table of powers, and
/// what they call.
const STACK_BYTES: usize = 160 * 1024;

/// An operation, generic over class and curve.
trait Operation {
    fn run<V: Class, C: Curve, const N: usize>(self, proof: V, table: &'static OnceLock<Table>);
}

static TABLES: [[OnceLock<Table>; 4]; 3] = [const { [const { OnceLock::new() }; 4] }; 3];

fn dispatch(kernels: Kernels, curve: CurveName, operation: impl Operation) {
    let tables = &TABLES[kernels.0 as usize];
    let table = &tables[curve as usize];
    macro_rules! curves {
        ($class:ty, $narrow:literal) => {{
            // SAFETY: `Kernels` is made only where the CPU has the class.
            let proof = unsafe { <$class as Vector>::splat(0) };
            match curve {
                CurveName::P256 => operation.run::<$class, NistP256, $narrow>(proof, table),
                CurveName::P384 => operation.run::<$class, NistP384, 8>(proof, table),
                CurveName::P521 => operation.run::<$class, NistP521, 11>(proof, table),
                CurveName::Secp256k1 => operation.run::<$class, Secp256k1, $narrow>(proof, table),
            }
        }};
    }
    match kernels.0 {
        #[cfg(target_arch = "x86_64")]
        Kind::Ifma => curves!(Ifma, 5),
        #[cfg(target_arch = "x86_64")]
        Kind::Avx2 => curves!(Avx2, 6),
        Kind::Portable => curves!(Portable, 5),
    }
}

fn table_of<V: Class, C: Curve, const N: usize>(
    proof: V,
    table: &'static OnceLock<Table>,
) -> &'static Table {
    table.get_or_init(|| V::outline(proof, BuildTable::<V, C, N>(proof, PhantomData)))
}

struct SignAll<'a, 'j>(&'a mut [SignJob<'j>], Nonces);
struct VerifyAll<'a, 'j>(&'a mut [VerifyJob<'j>]);
struct AgreeAll<'a, 'j>(&'a mut [AgreeJob<'j>]);
struct PublicAll<'a, 'j>(&'a mut [PublicJob<'j>]);

impl Operation for SignAll<'_, '_> {
    fn run<V: Class, C: Curve, const N: usize>(self, proof: V, table: &'static OnceLock<Table>) {
        let table = table_of::<V, C, N>(proof, table);
        for jobs in self.0.chunks_mut(PASS) {
            let curve = PhantomData::<C>;
            V::outline(proof, Sign::<V, C, N> { proof, table, nonces: self.1, jobs, curve });
        }
    }
}

impl Operation for VerifyAll<'_, '_> {
    fn run<V: Class, C: Curve, const N: usize>(self, proof: V, table: &'static OnceLock<Table>) {
        let table = table_of::<V, C, N>(proof, table);
        for jobs in self.0.chunks_mut(PASS) {
            V::outline(proof, Verify::<V, C, N> { proof, table, jobs, curve: PhantomData });
        }
    }
}

impl Operation for AgreeAll<'_, '_> {
    fn run<V: Class, C: Curve, const N: usize>(self, proof: V, _table: &'static OnceLock<Table>) {
        for jobs in self.0.chunks_mut(PASS) {
            V::outline(proof, Agree::<V, C, N> { proof, jobs, curve: PhantomData });
        }
    }
}

impl Operation for PublicAll<'_, '_> {
    fn run<V: Class, C: Curve, const N: usize>(self, proof: V, table: &'static OnceLock<Table>) {
        let table = table_of::<V, C, N>(proof, table);
        for jobs in self.0.chunks_mut(PASS) {
            V::outline(proof, Public::<V, C, N> { proof, table, jobs, curve: PhantomData });
        }
    }
}

/// Signs any number of jobs; each gets its own status.
pub fn sign(kernels: Kernels, curve: CurveName, nonces: Nonces, jobs: &mut [SignJob<'_>]) {
    dispatch(kernels, curve, SignAll(jobs, nonces));
    wipe_stack();
}

/// Verifies any number of jobs; each gets its own status.
pub fn verify(kernels: Kernels, curve: CurveName, jobs: &mut [VerifyJob<'_>]) {
    dispatch(kernels, curve, VerifyAll(jobs));
}

/// Agrees on any number of secrets; each job gets its own status.
pub fn agree(kernels: Kernels, curve: CurveName, jobs: &mut [AgreeJob<'_>]) {
    dispatch(kernels, curve, AgreeAll(jobs));
    wipe_stack();
}

/// Computes public keys; each job gets its own status.
pub fn public(kernels: Kernels, curve: CurveName, jobs: &mut [PublicJob<'_>]) {
    dispatch(kernels, curve, PublicAll(jobs));
    wipe_stack();
}

/// Overwrites the stack that a kernel has used: what the compiler spilled from registers is not
/// reached by wiping variables.
pub(crate) fn wipe_stack() {
    crate::secrecy::wipe_stack::<STACK_BYTES>();
}
