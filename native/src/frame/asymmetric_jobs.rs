//! The asymmetric jobs of a frame, many at a time: RSA through `rsa::*_batch`, elliptic curves through
//! `ec::*_batch`. A job that is alone of its kind is left to the executor, and so is one that is odd
//! in any way (unknown key, wrong kind, bad span).
use super::exec::{Depth, Span, Spans, descriptor, finish};
use super::layout::{DESCRIPTOR_BYTES, HEADER_BYTES, Status, field, form, op, spec};
use crate::arena::{self, KeyBody};
use crate::cpu;
use crate::ec::{self, EcJob};
use crate::ffi::AsymmetricKey;
use crate::rsa::{self, RsaJob};
use std::ops::RangeInclusive;
use std::sync::Arc;
use zeroize::Zeroizing;

/// What runs the jobs of one operation and family.
#[derive(Clone, Copy)]
enum Batch {
    Rsa(fn(&mut [RsaJob<'_>])),
    Ec(fn(&mut [EcJob<'_>])),
}

impl Batch {
    fn specs(self) -> RangeInclusive<u16> {
        match self {
            Batch::Rsa(_) => spec::RSA_2048..=spec::RSA_4096,
            Batch::Ec(_) => spec::ECC_NIST_P256..=spec::ECC_NIST_EDWARDS25519,
        }
    }

    /// Bytes of the longest output: a number of RSA-4096, a signature of P-521.
    fn out_max(self) -> usize {
        match self {
            Batch::Rsa(_) => 512,
            Batch::Ec(_) => 144,
        }
    }
}

const BATCHES: [(u16, Batch); 7] = [
    (op::SIGN, Batch::Rsa(rsa::sign_batch)),
    (op::VERIFY, Batch::Rsa(rsa::verify_batch)),
    (op::RSA_ENCRYPT, Batch::Rsa(rsa::encrypt_batch)),
    (op::RSA_DECRYPT, Batch::Rsa(rsa::decrypt_batch)),
    (op::SIGN, Batch::Ec(ec::sign_batch)),
    (op::VERIFY, Batch::Ec(ec::verify_batch)),
    (op::ECDH, Batch::Ec(ec::ecdh_batch)),
];

/// A job whose spans and key were found good.
struct Found {
    job: usize,
    /// Its place in `BATCHES`.
    batch: usize,
    alg: u16,
    is_digest: bool,
    body: Arc<KeyBody>,
    in0: Span,
    in1: Span,
    out: Span,
}

/// Runs the asymmetric jobs of a frame; `done[i]` tells which have their status. Says how
/// much they left on the stack.
pub(super) fn run(frame: &mut [u8], done: &mut [bool]) -> Depth {
    let mut depth = Depth::Nothing;
    if cpu::class().0 == cpu::Class::Generic {
        return depth;
    }
    let mut found = Vec::new();
    for job in 0..done.len() {
        found.extend(find(frame, job, done.len()));
    }
    found.sort_by_key(|f: &Found| f.batch);
    for chosen in found.chunk_by(|a, b| a.batch == b.batch).filter(|chosen| chosen.len() > 1) {
        run_batch(frame, chosen, BATCHES[chosen[0].batch].1);
        chosen.iter().for_each(|f| done[f.job] = true);
        if BATCHES[chosen[0].batch].0 != op::VERIFY {
            depth = Depth::Asymmetric;
        }
    }
    depth
}

/// The job, when it is one for the kernels.
fn find(frame: &[u8], job: usize, count: usize) -> Option<Found> {
    let words = descriptor(frame, HEADER_BYTES + job * DESCRIPTOR_BYTES);
    let operation = words[field::op / 4] as u16;
    if !matches!(operation, op::SIGN..=op::ECDH) || words[field::param / 4] > form::DIGEST {
        return None;
    }
    let Spans { inputs: [in0, in1, _], out } = Spans::read(frame, &words, count).ok()?;
    let body = arena::get(words[field::keySlot / 4], words[field::keyGen / 4]).ok()?;
    let serves =
        |(op, batch): &(u16, Batch)| *op == operation && batch.specs().contains(&body.spec());
    Some(Found {
        job,
        batch: BATCHES.iter().position(serves)?,
        alg: (words[field::op / 4] >> 16) as u16,
        is_digest: words[field::param / 4] == form::DIGEST,
        body,
        in0,
        in1,
        out,
    })
}

const _: () = assert!(op::SIGN + 4 == op::ECDH);

/// A job as the families see it.
struct Parts<'a> {
    found: &'a Found,
    key: &'a AsymmetricKey,
    in0: &'a [u8],
    in1: &'a [u8],
    out: &'a mut [u8],
}

fn run_batch(frame: &mut [u8], chosen: &[Found], batch: Batch) {
    let out_max = batch.out_max();
    // Outputs gather apart, because the frame's own areas are still being read.
    let mut outs = Zeroizing::new(vec![0u8; chosen.len() * out_max]);
    let view = &*frame;
    let slice = |(at, len): Span| &view[at..at + len];
    let parts = chosen.iter().zip(outs.chunks_exact_mut(out_max)).filter_map(|(found, out)| {
        // `find` took asymmetric keys only.
        let key = found.body.asymmetric().ok()?;
        let out = &mut out[..found.out.1.min(out_max)];
        Some(Parts { found, key, in0: slice(found.in0), in1: slice(found.in1), out })
    });
    let results: Vec<Result<usize, Status>> = match batch {
        Batch::Rsa(run) => {
            let mut jobs: Vec<_> = parts.map(rsa_job).collect();
            run(&mut jobs);
            jobs.iter().map(|job| job.result).collect()
        }
        Batch::Ec(run) => {
            let mut jobs: Vec<_> = parts.map(ec_job).collect();
            run(&mut jobs);
            jobs.iter().map(|job| job.result).collect()
        }
    };
    for ((found, out), result) in chosen.iter().zip(outs.chunks_exact(out_max)).zip(results) {
        if let Ok(len) = result {
            frame[found.out.0..found.out.0 + len].copy_from_slice(&out[..len]);
        }
        finish(frame, HEADER_BYTES + found.job * DESCRIPTOR_BYTES, result);
    }
}

fn rsa_job(parts: Parts<'_>) -> RsaJob<'_> {
    RsaJob {
        key: parts.key,
        lanes: parts.key.rsa_lanes(),
        algorithm: parts.found.alg,
        input: parts.in0,
        is_digest: parts.found.is_digest,
        signature: parts.in1,
        out: parts.out,
        result: Err(Status::Internal),
    }
}

fn ec_job(parts: Parts<'_>) -> EcJob<'_> {
    EcJob {
        key: parts.key,
        algorithm: parts.found.alg,
        input: parts.in0,
        is_digest: parts.found.is_digest,
        signature: parts.in1,
        out: parts.out,
        result: Err(Status::Internal),
    }
}
