//! Elliptic-curve jobs of a frame, many at a time: grouped by curve. Those too few to pay run one
//! by one through AWS-LC or libsecp256k1, with the same outcomes.
use super::batch::{self, CurveName, Kernels};
use super::{AgreeJob, Nonces, SignJob, VerifyJob, ed25519, hash_of, scalar};
use crate::arena::LockedBox;
use crate::break_even::Row;
use crate::cpu;
use crate::ffi::{self, AsymmetricKey};
use crate::field::{WORDS, Words, wipe};
use crate::frame::{Status, spec};
use crate::rsa::digest_of;

/// What the multi-buffer kernels keep of a key, made once when the key is loaded.
pub enum LaneKey {
    /// The key has no kernel.
    None,
    Ec(Box<EcLaneKey>),
    Ed25519(Box<ed25519::jobs::LaneKey>),
}

/// A key as numbers.
pub struct EcLaneKey {
    curve: CurveName,
    /// The private scalar, in locked memory.
    scalar: Option<LockedBox<Words>>,
    /// x and y.
    point: [Words; 2],
}

impl LaneKey {
    pub fn new(key: &AsymmetricKey) -> Result<Self, Status> {
        if key.spec() == spec::ECC_NIST_EDWARDS25519 {
            return Ok(LaneKey::Ed25519(Box::new(ed25519::jobs::LaneKey::new(key.ed25519()?)?)));
        }
        let Some(curve) = CurveName::of_spec(key.spec()) else { return Ok(LaneKey::None) };
        let bytes = ffi::public_point(key)?;
        let point = point_from(&bytes).ok_or(Status::Internal)?;
        let scalar = if key.is_private() {
            let bytes = ffi::private_scalar(key)?;
            let fill = |words: &mut Words| {
                let mut value = scalar::from_bytes(&bytes);
                words.copy_from_slice(&value);
                // SAFETY: integers.
                unsafe { wipe(&mut value) };
            };
            Some(LockedBox::new_with(fill).ok_or(Status::Exhausted)?)
        } else {
            None
        };
        Ok(LaneKey::Ec(Box::new(EcLaneKey { curve, scalar, point })))
    }

    fn ec(&self) -> Option<&EcLaneKey> {
        match self {
            LaneKey::Ec(key) => Some(key),
            _ => None,
        }
    }

    pub(super) fn ed25519(&self) -> Option<&ed25519::jobs::LaneKey> {
        match self {
            LaneKey::Ed25519(key) => Some(key),
            _ => None,
        }
    }
}

/// x and y of 04 | x | y.
fn point_from(bytes: &[u8]) -> Option<[Words; 2]> {
    let (4, rest) = bytes.split_first().map(|(tag, rest)| (*tag, rest))? else { return None };
    let (x, y) = rest.split_at(rest.len() / 2);
    Some([scalar::from_bytes(x), scalar::from_bytes(y)])
}

/// One elliptic-curve job; `result` says how many bytes of `out` were written.
pub struct EcJob<'a> {
    pub key: &'a AsymmetricKey,
    /// Algorithm number of the frame; of no account for ECDH.
    pub algorithm: u16,
    /// Message or digest; for ECDH the peer's DER SPKI.
    pub input: &'a [u8],
    pub is_digest: bool,
    /// What is verified.
    pub signature: &'a [u8],
    pub out: &'a mut [u8],
    pub result: Result<usize, Status>,
}

#[derive(Clone, Copy)]
enum Operation {
    Sign,
    Verify,
    Agree,
}

/// The row of an operation's break-even; none for what has no kernel.
fn row(operation: Operation, curve: CurveName) -> Option<Row> {
    Some(match (operation, curve) {
        (Operation::Sign, CurveName::P256) => Row::P256Sign,
        (Operation::Sign, CurveName::P384) => Row::P384Sign,
        (Operation::Sign, CurveName::P521) => Row::P521Sign,
        (Operation::Sign, CurveName::Secp256k1) => Row::Secp256k1Sign,
        (Operation::Verify, CurveName::P256) => Row::P256Verify,
        (Operation::Verify, CurveName::P384) => Row::P384Verify,
        (Operation::Verify, CurveName::P521) => Row::P521Verify,
        (Operation::Verify, CurveName::Secp256k1) => Row::Secp256k1Verify,
        (Operation::Agree, CurveName::P256) => Row::P256Agree,
        (Operation::Agree, CurveName::P384) => Row::P384Agree,
        (Operation::Agree, CurveName::P521) => Row::P521Agree,
        (Operation::Agree, CurveName::Secp256k1) => return None,
    })
}

/// How many of `count` jobs are worth the kernels.
fn batched(kernels: Kernels, operation: Operation, curve: CurveName, count: usize) -> usize {
    row(operation, curve).map_or(0, |row| row.break_even(kernels.class()).batched(count))
}

fn in_force() -> Option<Kernels> {
    Kernels::of_class(cpu::class().0)
}

/// Runs each curve's jobs: those that `run` takes by the batch, the others singly; and Ed25519's.
fn by_curve<'a>(
    jobs: &mut [EcJob<'a>],
    operation: Operation,
    kernels: Option<Kernels>,
    single: fn(&mut EcJob<'a>),
    run: fn(Kernels, CurveName, &mut [&mut EcJob<'a>]),
) {
    for curve in CurveName::ALL {
        let mut chosen: Vec<&mut EcJob<'a>> = jobs
            .iter_mut()
            .filter(|job| job.key.lanes().ec().is_some_and(|key| key.curve == curve))
            .collect();
        let count = kernels.map_or(0, |k| batched(k, operation, curve, chosen.len()));
        let (many, few) = chosen.split_at_mut(count);
        if let (Some(kernels), false) = (kernels, many.is_empty()) {
            run(kernels, curve, many);
        }
        few.iter_mut().for_each(|job| single(job));
    }
    for job in jobs.iter_mut().filter(|job| matches!(job.key.lanes(), LaneKey::None)) {
        single(job);
    }
    let mut edwards: Vec<_> =
        jobs.iter_mut().filter(|job| job.key.lanes().ed25519().is_some()).collect();
    match operation {
        Operation::Sign => ed25519::jobs::sign(kernels, &mut edwards),
        Operation::Verify => ed25519::jobs::verify(kernels, &mut edwards),
        Operation::Agree => edwards.into_iter().for_each(single),
    }
}

/// ECDSA; the same outcomes as `sign`, job by job.
pub fn sign_batch(jobs: &mut [EcJob<'_>]) {
    sign_batch_with(in_force(), jobs);
}

/// ECDSA; the same outcomes as `verify`, job by job.
pub fn verify_batch(jobs: &mut [EcJob<'_>]) {
    verify_batch_with(in_force(), jobs);
}

/// ECDH; the same outcomes as `ecdh`, job by job.
pub fn ecdh_batch(jobs: &mut [EcJob<'_>]) {
    ecdh_batch_with(in_force(), jobs);
}

pub(super) fn sign_batch_with(kernels: Option<Kernels>, jobs: &mut [EcJob<'_>]) {
    by_curve(jobs, Operation::Sign, kernels, sign_one, sign_many);
}

pub(super) fn verify_batch_with(kernels: Option<Kernels>, jobs: &mut [EcJob<'_>]) {
    by_curve(jobs, Operation::Verify, kernels, verify_one, verify_many);
}

pub(super) fn ecdh_batch_with(kernels: Option<Kernels>, jobs: &mut [EcJob<'_>]) {
    by_curve(jobs, Operation::Agree, kernels, agree_one, agree_many);
}

fn sign_one(job: &mut EcJob<'_>) {
    job.result = super::sign(job.key, job.algorithm, job.input, job.is_digest, job.out);
}

fn verify_one(job: &mut EcJob<'_>) {
    job.result =
        super::verify(job.key, job.algorithm, job.input, job.is_digest, job.signature).map(|()| 0);
}

fn agree_one(job: &mut EcJob<'_>) {
    job.result = super::ecdh(job.key, job.input, job.out);
}

fn digest(job: &EcJob<'_>) -> Result<([u8; 64], usize), Status> {
    digest_of(hash_of(job.key, job.algorithm)?, job.input, job.is_digest)
}

/// Room that a signature must have, whatever its length: as AWS-LC asks, and nothing for secp256k1.
fn room(curve: CurveName) -> usize {
    match curve {
        CurveName::P256 => 72,
        CurveName::P384 => 104,
        CurveName::P521 => 139,
        CurveName::Secp256k1 => 0,
    }
}

fn sign_many(kernels: Kernels, curve: CurveName, jobs: &mut [&mut EcJob<'_>]) {
    let mut ready = Vec::with_capacity(jobs.len());
    let mut digests = Vec::with_capacity(jobs.len());
    for (i, job) in jobs.iter_mut().enumerate() {
        let key = job.key.lanes().ec().and_then(|key| key.scalar.as_ref());
        match key.ok_or(Status::BadKey).and_then(|key| Ok((key, digest(job)?))) {
            Ok(_) if job.out.len() < room(curve) => job.result = Err(Status::OutTooSmall),
            Ok((key, digest)) => {
                ready.push((i, &**key));
                digests.push(digest);
            }
            Err(status) => job.result = Err(status),
        }
    }
    let mut lanes: Vec<_> = ready
        .iter()
        .zip(&digests)
        .map(|((_, key), (digest, len))| SignJob::new(key, &digest[..*len]))
        .collect();
    batch::sign(kernels, curve, Nonces::Hedged, &mut lanes);
    for ((i, _), lane) in ready.iter().zip(&lanes) {
        let job = &mut *jobs[*i];
        let signature = &lane.signature[..lane.len];
        match (lane.status, job.out.get_mut(..signature.len())) {
            (Status::Ok, Some(out)) => {
                out.copy_from_slice(signature);
                job.result = Ok(signature.len());
            }
            (Status::Ok, None) => job.result = Err(Status::OutTooSmall),
            // r or s was zero, which has the odds of guessing the key.
            (Status::Internal, _) => sign_one(job),
            (status, _) => job.result = Err(status),
        }
    }
}

fn verify_many(kernels: Kernels, curve: CurveName, jobs: &mut [&mut EcJob<'_>]) {
    let mut ready = Vec::with_capacity(jobs.len());
    let mut digests = Vec::with_capacity(jobs.len());
    for (i, job) in jobs.iter_mut().enumerate() {
        match (job.key.lanes().ec(), digest(job)) {
            (Some(key), Ok(digest)) => {
                ready.push((i, &key.point, job.signature));
                digests.push(digest);
            }
            (None, _) => job.result = Err(Status::BadKey),
            (_, Err(status)) => job.result = Err(status),
        }
    }
    let mut lanes: Vec<_> = ready
        .iter()
        .zip(&digests)
        .map(|((_, point, signature), (digest, len))| {
            VerifyJob::new(point, &digest[..*len], signature)
        })
        .collect();
    batch::verify(kernels, curve, &mut lanes);
    for ((i, ..), lane) in ready.iter().zip(&lanes) {
        jobs[*i].result = if lane.status == Status::Ok { Ok(0) } else { Err(lane.status) };
    }
}

fn agree_many(kernels: Kernels, curve: CurveName, jobs: &mut [&mut EcJob<'_>]) {
    let mut ready = Vec::with_capacity(jobs.len());
    let mut points = Vec::with_capacity(jobs.len());
    for (i, job) in jobs.iter_mut().enumerate() {
        let scalar = job.key.lanes().ec().and_then(|key| key.scalar.as_ref());
        // As `ecdh` does: no agreement on secp256k1.
        let scalar = scalar.filter(|_| curve != CurveName::Secp256k1);
        match scalar.ok_or(Status::BadKey).and_then(|s| Ok((s, peer_point(curve, job)?))) {
            Ok(_) if job.out.len() < curve.coordinate_len() => {
                job.result = Err(Status::OutTooSmall)
            }
            Ok((scalar, point)) => {
                ready.push((i, &**scalar));
                points.push(point);
            }
            Err(status) => job.result = Err(status),
        }
    }
    let mut lanes: Vec<_> = ready
        .iter()
        .zip(&points)
        .map(|((_, scalar), point)| AgreeJob::new(scalar, point))
        .collect();
    batch::agree(kernels, curve, &mut lanes);
    for ((i, _), lane) in ready.iter().zip(&lanes) {
        let job = &mut *jobs[*i];
        job.result = Err(lane.status);
        if lane.status == Status::Ok {
            job.out[..curve.coordinate_len()]
                .copy_from_slice(&lane.shared[..curve.coordinate_len()]);
            job.result = Ok(curve.coordinate_len());
        }
    }
}

/// DER before the point of an uncompressed SPKI with a named curve (RFC 5480).
fn spki_head(curve: CurveName) -> &'static [u8] {
    match curve {
        CurveName::P256 => &[
            0x30, 0x59, 0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86,
            0x48, 0xce, 0x3d, 3, 1, 7, 3, 0x42, 0,
        ],
        CurveName::P384 => &[
            0x30, 0x76, 0x30, 0x10, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 5, 0x2b, 0x81, 4,
            0, 34, 3, 0x62, 0,
        ],
        CurveName::P521 => &[
            0x30, 0x81, 0x9b, 0x30, 0x10, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 5, 0x2b,
            0x81, 4, 0, 35, 3, 0x81, 0x86, 0,
        ],
        CurveName::Secp256k1 => &[],
    }
}

/// The peer's point. The usual form is read here, and the kernel checks that it is on the curve; any
/// other form is AWS-LC's to judge.
fn peer_point(curve: CurveName, job: &EcJob<'_>) -> Result<[Words; 2], Status> {
    let usual = job.input.strip_prefix(spki_head(curve));
    if let Some(point) =
        usual.filter(|p| p.len() == 1 + 2 * curve.coordinate_len()).and_then(point_from)
    {
        return Ok(point);
    }
    let peer = AsymmetricKey::from_spki(job.key.spec(), job.input)?;
    peer.lanes().ec().map(|key| key.point).ok_or(Status::BadPeerKey)
}

const _: () = assert!(WORDS * 8 >= 66);
