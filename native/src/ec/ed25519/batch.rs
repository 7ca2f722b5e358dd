//! Batches of any length over the kernels; the class is chosen here, once per batch.
use super::comb::BuildTable;
use super::decode::{Decode, DecodeJob};
use super::sign::{Public, PublicJob, Sign, SignJob};
use super::verify::{Verify, VerifyJob};
use crate::ec::batch::{ByClass, Kernels, wipe_stack};
use crate::ec::comb::{GROUPS_MAX, Table};
use crate::field::Field25519;
use crate::vec::LANES;
use std::sync::OnceLock;

/// Jobs of one pass.
const PASS: usize = LANES * GROUPS_MAX;

static TABLES: [OnceLock<Table>; 3] = [const { OnceLock::new() }; 3];

struct SignAll<'a, 'j>(Kernels, &'a mut [SignJob<'j>]);
struct VerifyAll<'a, 'j>(Kernels, &'a mut [VerifyJob<'j>]);
struct PublicAll<'a, 'j>(Kernels, &'a mut [PublicJob<'j>]);
struct DecodeAll<'a, 'j>(&'a mut [DecodeJob<'j>]);

fn table_of<V: Field25519>(kernels: Kernels, proof: V) -> &'static Table {
    TABLES[kernels.number()].get_or_init(|| V::outline(proof, BuildTable(proof)))
}

impl ByClass for SignAll<'_, '_> {
    fn run<V: Field25519, const N: usize>(self, proof: V) {
        let table = table_of(self.0, proof);
        // Lanes of one length waste no compression.
        let mut jobs: Vec<_> = self.1.iter_mut().collect();
        jobs.sort_by_key(|job| job.message.len());
        for jobs in jobs.chunks_mut(PASS) {
            V::outline(proof, Sign::<V, N> { proof, table, jobs });
        }
    }
}

impl ByClass for VerifyAll<'_, '_> {
    fn run<V: Field25519, const N: usize>(self, proof: V) {
        let table = table_of(self.0, proof);
        let mut jobs: Vec<_> = self.1.iter_mut().collect();
        jobs.sort_by_key(|job| job.message.len());
        for jobs in jobs.chunks_mut(PASS) {
            V::outline(proof, Verify::<V, N> { proof, table, jobs });
        }
    }
}

impl ByClass for PublicAll<'_, '_> {
    fn run<V: Field25519, const N: usize>(self, proof: V) {
        let table = table_of(self.0, proof);
        for jobs in self.1.chunks_mut(PASS) {
            V::outline(proof, Public::<V, N> { proof, table, jobs });
        }
    }
}

impl ByClass for DecodeAll<'_, '_> {
    fn run<V: Field25519, const N: usize>(self, proof: V) {
        for jobs in self.0.chunks_mut(LANES) {
            V::outline(proof, Decode { proof, jobs });
        }
    }
}

/// Signs any number of jobs; each gets its own status.
pub fn sign(kernels: Kernels, jobs: &mut [SignJob<'_>]) {
    kernels.run(SignAll(kernels, jobs));
    wipe_stack();
}

/// Verifies any number of jobs; each gets its own status.
pub fn verify(kernels: Kernels, jobs: &mut [VerifyJob<'_>]) {
    kernels.run(VerifyAll(kernels, jobs));
}

/// Computes public keys; each job gets its own status.
pub fn public(kernels: Kernels, jobs: &mut [PublicJob<'_>]) {
    kernels.run(PublicAll(kernels, jobs));
    wipe_stack();
}

/// Decodes public keys.
pub fn decode(kernels: Kernels, jobs: &mut [DecodeJob<'_>]) {
    kernels.run(DecodeAll(jobs));
}
