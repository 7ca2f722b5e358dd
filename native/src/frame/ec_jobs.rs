//! The elliptic-curve jobs of a frame, eight at a time through `ec::*_batch`. A frame with a single
//! one is left to the executor, and so is a job that is odd in any way (unknown key, wrong kind, bad
//! span).
use super::exec::{Spans, descriptor, finish};
use super::layout::{DESCRIPTOR_BYTES, HEADER_BYTES, Status, field, form, op, spec};
use crate::arena::{self, KeyBody};
use crate::ec::{self, EcJob};
use std::sync::Arc;
use zeroize::Zeroizing;

/// Bytes of the longest output: a signature of P-521 has 139.
const OUT_MAX: usize = 144;

type Span = (usize, usize);

/// A job whose spans and key were found good.
struct Found {
    job: usize,
    op: u16,
    alg: u16,
    is_digest: bool,
    body: Arc<KeyBody>,
    in0: Span,
    in1: Span,
    out: Span,
}

/// Runs the elliptic-curve jobs of a frame; `done[i]` tells which have their status.
pub(super) fn run(frame: &mut [u8], done: &mut [bool]) {
    let mut found = Vec::new();
    for job in 0..done.len() {
        found.extend(find(frame, job, done.len()));
    }
    if found.len() < 2 {
        return;
    }
    for (operation, batch) in [
        (op::SIGN, ec::sign_batch as fn(&mut [EcJob<'_>])),
        (op::VERIFY, ec::verify_batch),
        (op::ECDH, ec::ecdh_batch),
    ] {
        let chosen: Vec<&Found> = found.iter().filter(|f| f.op == operation).collect();
        run_batch(frame, &chosen, batch);
        chosen.iter().for_each(|f| done[f.job] = true);
    }
}

/// The job, when it is one for the curves' kernels.
fn find(frame: &[u8], job: usize, count: usize) -> Option<Found> {
    let words = descriptor(frame, HEADER_BYTES + job * DESCRIPTOR_BYTES);
    let operation = words[field::op / 4] as u16;
    if !matches!(operation, op::SIGN | op::VERIFY | op::ECDH) {
        return None;
    }
    if words[field::param / 4] > form::DIGEST {
        return None;
    }
    let Spans { inputs: [in0, in1, _], out } = Spans::read(frame, &words, count).ok()?;
    let body = arena::get(words[field::keySlot / 4], words[field::keyGen / 4]).ok()?;
    (spec::ECC_NIST_P256..=spec::ECC_NIST_EDWARDS25519).contains(&body.spec()).then_some(Found {
        job,
        op: operation,
        alg: (words[field::op / 4] >> 16) as u16,
        is_digest: words[field::param / 4] == form::DIGEST,
        body,
        in0,
        in1,
        out,
    })
}

fn run_batch(frame: &mut [u8], chosen: &[&Found], batch: fn(&mut [EcJob<'_>])) {
    if chosen.is_empty() {
        return;
    }
    // Outputs gather apart, because the frame's own areas are still being read.
    let mut outs = Zeroizing::new(vec![0u8; chosen.len() * OUT_MAX]);
    let mut results = Vec::with_capacity(chosen.len());
    {
        let view = &*frame;
        let slice = |(at, len): Span| &view[at..at + len];
        let mut jobs = Vec::with_capacity(chosen.len());
        for (found, out) in chosen.iter().zip(outs.chunks_exact_mut(OUT_MAX)) {
            // `find` took keys of elliptic curves only.
            let Ok(key) = found.body.asymmetric() else { continue };
            jobs.push(EcJob {
                key,
                algorithm: found.alg,
                input: slice(found.in0),
                is_digest: found.is_digest,
                signature: slice(found.in1),
                out: &mut out[..found.out.1.min(OUT_MAX)],
                result: Err(Status::Internal),
            });
        }
        batch(&mut jobs);
        results.extend(jobs.iter().map(|job| job.result));
    }
    for ((found, out), result) in chosen.iter().zip(outs.chunks_exact(OUT_MAX)).zip(results) {
        if let Ok(len) = result {
            frame[found.out.0..found.out.0 + len].copy_from_slice(&out[..len]);
        }
        finish(frame, HEADER_BYTES + found.job * DESCRIPTOR_BYTES, result);
    }
}
