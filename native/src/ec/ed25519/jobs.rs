//! Ed25519 jobs of a frame, many at a time; numbers too small to pay run one by one through AWS-LC, with
//! the same outcomes.
use super::{DecodeJob, Expanded, PublicKey, SignJob, Variant, VerifyJob, batch};
use crate::arena::LockedBox;
use crate::break_even::Row;
use crate::ec::EcJob;
use crate::ec::batch::Kernels;
use crate::ffi::{self, Ed25519, Hash};
use crate::frame::{Status, alg};
use std::sync::OnceLock;

const DIGEST_BYTES: usize = 64;
const SIGNATURE_BYTES: usize = 64;

/// What the kernels keep of a key.
pub struct LaneKey {
    /// In locked memory; None for a public key.
    expanded: Option<LockedBox<Expanded>>,
    encoded: [u8; 32],
    /// Decoded when a batch wants it first.
    public: OnceLock<PublicKey>,
}

impl LaneKey {
    pub fn new(key: &Ed25519) -> Result<Self, Status> {
        let seed = key.seed().and_then(|seed| seed.first_chunk::<32>());
        let expanded = match seed {
            Some(seed) => {
                let fill = |expanded: &mut Expanded| expanded.set(seed);
                Some(LockedBox::new_with(fill).ok_or(Status::Exhausted)?)
            }
            None => None,
        };
        Ok(Self { expanded, encoded: *key.public(), public: OnceLock::new() })
    }

    fn public(&self, kernels: Kernels) -> &PublicKey {
        self.public.get_or_init(|| {
            let mut jobs = [DecodeJob::new(&self.encoded)];
            batch::decode(kernels, &mut jobs);
            PublicKey { encoded: self.encoded, point: jobs[0].point }
        })
    }
}

/// How many of `count` jobs are worth the kernels.
fn batched(kernels: Kernels, row: Row, count: usize) -> usize {
    row.break_even(kernels.class()).batched(count)
}

/// AWS KMS has Ed25519ph take a digest of 64 bytes and hash it once more, as it would any message.
fn variant(job: &EcJob<'_>) -> Result<Variant, Status> {
    match (job.algorithm, job.is_digest) {
        (alg::ED25519_SHA_512, false) => Ok(Variant::Pure),
        (alg::ED25519_PH_SHA_512, true) if job.input.len() == DIGEST_BYTES => {
            Ok(Variant::Prehashed)
        }
        (alg::ED25519_SHA_512 | alg::ED25519_PH_SHA_512, _) => Err(Status::BadInput),
        _ => Err(Status::Unsupported),
    }
}

fn library(variant: Variant) -> ffi::Variant {
    match variant {
        Variant::Pure => ffi::Variant::Pure,
        Variant::Prehashed => ffi::Variant::Ph,
    }
}

fn sign_one(job: &mut EcJob<'_>) {
    job.result = if job.key.is_private() {
        variant(job).and_then(|v| ffi::ed25519_sign(job.key, library(v), job.input, job.out))
    } else {
        Err(Status::BadKey)
    };
}

fn verify_one(job: &mut EcJob<'_>) {
    job.result = variant(job)
        .and_then(|v| ffi::ed25519_verify(job.key, library(v), job.input, job.signature))
        .map(|()| 0);
}

/// Jobs whose keys all are Ed25519's; the same outcomes as one by one.
pub fn sign(kernels: Option<Kernels>, jobs: &mut [&mut EcJob<'_>]) {
    let count = kernels.map_or(0, |kernels| batched(kernels, Row::Ed25519Sign, jobs.len()));
    let (many, few) = jobs.split_at_mut(count);
    if let (Some(kernels), false) = (kernels, many.is_empty()) {
        sign_many(kernels, many);
    }
    few.iter_mut().for_each(|job| sign_one(job));
}

/// As `sign`.
pub fn verify(kernels: Option<Kernels>, jobs: &mut [&mut EcJob<'_>]) {
    let count = kernels.map_or(0, |kernels| batched(kernels, Row::Ed25519Verify, jobs.len()));
    let (many, few) = jobs.split_at_mut(count);
    if let (Some(kernels), false) = (kernels, many.is_empty()) {
        verify_many(kernels, many);
    }
    few.iter_mut().for_each(|job| verify_one(job));
}

/// What Ed25519ph signs; nothing for `Pure`.
fn prehash(variant: Variant, input: &[u8]) -> [u8; 64] {
    let mut digest = [0; 64];
    if variant == Variant::Prehashed {
        Hash::Sha512.digest(input, &mut digest);
    }
    digest
}

fn message<'a>(variant: Variant, input: &'a [u8], digest: &'a [u8; 64]) -> &'a [u8] {
    match variant {
        Variant::Pure => input,
        Variant::Prehashed => digest,
    }
}

fn sign_many(kernels: Kernels, jobs: &mut [&mut EcJob<'_>]) {
    let mut ready = Vec::with_capacity(jobs.len());
    for (i, job) in jobs.iter_mut().enumerate() {
        let key = job.key.lanes().ed25519();
        let expanded = key.and_then(|key| Some((key, key.expanded.as_ref()?)));
        match expanded.ok_or(Status::BadKey).and_then(|key| Ok((key, variant(job)?))) {
            Ok(_) if job.out.len() < SIGNATURE_BYTES => job.result = Err(Status::OutTooSmall),
            Ok(((key, expanded), variant)) => {
                ready.push((i, key, expanded, variant, job.input, prehash(variant, job.input)));
            }
            Err(status) => job.result = Err(status),
        }
    }
    let mut lanes: Vec<_> = ready
        .iter()
        .map(|(_, key, expanded, variant, input, digest)| {
            SignJob::new(expanded, &key.encoded, *variant, message(*variant, input, digest))
        })
        .collect();
    batch::sign(kernels, &mut lanes);
    for ((i, ..), lane) in ready.iter().zip(&lanes) {
        let job = &mut *jobs[*i];
        job.result = Err(lane.status);
        if lane.status == Status::Ok {
            job.out[..SIGNATURE_BYTES].copy_from_slice(&lane.signature);
            job.result = Ok(SIGNATURE_BYTES);
        }
    }
}

fn verify_many(kernels: Kernels, jobs: &mut [&mut EcJob<'_>]) {
    let mut ready = Vec::with_capacity(jobs.len());
    for (i, job) in jobs.iter_mut().enumerate() {
        let key = job.key.lanes().ed25519().ok_or(Status::BadKey);
        match key.and_then(|key| Ok((key.public(kernels), variant(job)?))) {
            Ok((key, variant)) => {
                let digest = prehash(variant, job.input);
                ready.push((i, key, variant, job.input, job.signature, digest));
            }
            Err(status) => job.result = Err(status),
        }
    }
    let mut lanes: Vec<_> = ready
        .iter()
        .map(|(_, key, variant, input, signature, digest)| {
            VerifyJob::new(key, *variant, message(*variant, input, digest), signature)
        })
        .collect();
    batch::verify(kernels, &mut lanes);
    for ((i, ..), lane) in ready.iter().zip(&lanes) {
        jobs[*i].result = if lane.status == Status::Ok { Ok(0) } else { Err(lane.status) };
    }
}
