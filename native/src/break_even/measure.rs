//! Measures a row on this CPU: one operation by AWS-LC or libsecp256k1 against a batch of eight and
//! against several. The keys are public ones or fresh; no secret of a user has a part in it.
use super::{BreakEven, Row, forced, keys};
use crate::ec::{self, EcJob};
use crate::ffi::{self, AsymmetricKey, GeneratedPair};
use crate::frame::{Status, alg, spec};
use crate::keygen;
use crate::rsa::{self, RsaJob};
use crate::selftest;
use crate::vec::LANES;
use std::time::{Duration, Instant};

/// Groups of the long batch.
const GROUPS: usize = 4;
/// A row is measured so often, or as often as fits into `ENOUGH`, but not once only: the shortest
/// time counts, because whatever else the machine does makes times longer.
const ROUNDS: usize = 5;
const ENOUGH: Duration = Duration::from_millis(8);

/// Measures a row, and gives what follows; nothing is set. None where a job fails, or where no kernels
/// are in force.
pub fn measure(row: Row) -> Option<BreakEven> {
    if super::rows().is_empty() {
        return None;
    }
    use Use::{Agree, Sign, Verify};
    match row {
        Row::Rsa2048Private => rsa_row(2048, true),
        Row::Rsa2048Public => rsa_row(2048, false),
        Row::Rsa3072Private => rsa_row(3072, true),
        Row::Rsa3072Public => rsa_row(3072, false),
        Row::Rsa4096Private => rsa_row(4096, true),
        Row::Rsa4096Public => rsa_row(4096, false),
        Row::P256Sign => curve_row(&P256, Sign),
        Row::P256Verify => curve_row(&P256, Verify),
        Row::P256Agree => curve_row(&P256, Agree),
        Row::P256Make => making_row(P256.spec),
        Row::P384Sign => curve_row(&P384, Sign),
        Row::P384Verify => curve_row(&P384, Verify),
        Row::P384Agree => curve_row(&P384, Agree),
        Row::P384Make => making_row(P384.spec),
        Row::P521Sign => curve_row(&P521, Sign),
        Row::P521Verify => curve_row(&P521, Verify),
        Row::P521Agree => curve_row(&P521, Agree),
        Row::P521Make => making_row(P521.spec),
        Row::Secp256k1Sign => curve_row(&SECP256K1, Sign),
        Row::Secp256k1Verify => curve_row(&SECP256K1, Verify),
        Row::Secp256k1Make => making_row(SECP256K1.spec),
        Row::Ed25519Sign => curve_row(&ED25519, Sign),
        Row::Ed25519Verify => curve_row(&ED25519, Verify),
        Row::Ed25519Make => making_row(ED25519.spec),
    }
}

/// Time that this thread had a CPU, so that a busy machine spoils nothing.
fn cpu_seconds() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writes to `time`; this clock exists wherever threads do.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// Times `work` on so many jobs: one, a group, and `groups` groups where they share anything.
pub(super) fn decide(groups: usize, mut work: impl FnMut(usize) -> bool) -> Option<BreakEven> {
    let mut time = |jobs: usize, how: BreakEven| {
        let start = cpu_seconds();
        let good = forced(how, || work(jobs));
        good.then(|| cpu_seconds() - start)
    };
    // Tables are made by the first batch.
    time(LANES, BreakEven::ALWAYS)?;
    let mut best = [f64::INFINITY; 3];
    let start = Instant::now();
    for round in 0..ROUNDS {
        if round > 1 && start.elapsed() > ENOUGH {
            break;
        }
        best[0] = best[0].min(time(1, BreakEven::NEVER)?);
        best[1] = best[1].min(time(LANES, BreakEven::ALWAYS)?);
        if groups > 1 {
            best[2] = best[2].min(time(groups * LANES, BreakEven::ALWAYS)?);
        }
    }
    Some(BreakEven::decide(best[0], best[1], best[2], groups))
}

fn rsa_row(bits: usize, private: bool) -> Option<BreakEven> {
    let (spec, pkcs8) = match bits {
        2048 => (spec::RSA_2048, selftest::RSA_PKCS8),
        3072 => (spec::RSA_3072, keys::RSA_3072_PKCS8),
        _ => (spec::RSA_4096, keys::RSA_4096_PKCS8),
    };
    let key = AsymmetricKey::from_pkcs8(spec, &selftest::hex(pkcs8)).ok()?;
    let algorithm = alg::RSASSA_PKCS1_V1_5_SHA_256;
    let mut signature = vec![0u8; bits / 8];
    rsa::sign(&key, algorithm, &[7; 32], true, &mut signature).ok()?;
    let mut outs = vec![[0u8; 512]; LANES];
    let batch = if private { rsa::sign_batch } else { rsa::verify_batch };
    // Batches of RSA share nothing.
    decide(1, |count| {
        let mut jobs: Vec<_> = outs[..count]
            .iter_mut()
            .map(|out| RsaJob {
                key: &key,
                lanes: key.rsa_lanes(),
                algorithm,
                input: &[7; 32],
                is_digest: true,
                signature: &signature,
                out,
                result: Err(Status::Pending),
            })
            .collect();
        batch(&mut jobs);
        jobs.iter().all(|job| job.result.is_ok())
    })
}

/// What the jobs of a curve are made of.
struct Subject {
    spec: u16,
    algorithm: u16,
    /// Bytes of what is signed: a digest, or Ed25519's message.
    len: usize,
}

const P256: Subject = Subject { spec: spec::ECC_NIST_P256, algorithm: alg::ECDSA_SHA_256, len: 32 };
const P384: Subject = Subject { spec: spec::ECC_NIST_P384, algorithm: alg::ECDSA_SHA_384, len: 48 };
const P521: Subject = Subject { spec: spec::ECC_NIST_P521, algorithm: alg::ECDSA_SHA_512, len: 64 };
const SECP256K1: Subject =
    Subject { spec: spec::ECC_SECG_P256K1, algorithm: alg::ECDSA_SHA_256, len: 32 };
const ED25519: Subject =
    Subject { spec: spec::ECC_NIST_EDWARDS25519, algorithm: alg::ED25519_SHA_512, len: 64 };

fn pair(key_spec: u16) -> Result<GeneratedPair, Status> {
    match key_spec {
        spec::ECC_NIST_EDWARDS25519 => ffi::generate_ed25519(),
        _ => ffi::generate_ec(key_spec),
    }
}

/// What is done with a curve's keys.
enum Use {
    Sign,
    Verify,
    Agree,
}

fn curve_row(subject: &Subject, what: Use) -> Option<BreakEven> {
    let Subject { spec, algorithm, len } = *subject;
    let made = pair(spec).ok()?;
    let key = AsymmetricKey::from_pkcs8(spec, &made.pkcs8).ok()?;
    let message = &[7u8; 64][..len];
    let is_digest = spec != spec::ECC_NIST_EDWARDS25519;
    let (batch, input, is_digest) = match what {
        Use::Sign => (ec::sign_batch as fn(&mut [EcJob<'_>]), message, is_digest),
        Use::Verify => (ec::verify_batch as fn(&mut [EcJob<'_>]), message, is_digest),
        Use::Agree => (ec::ecdh_batch as fn(&mut [EcJob<'_>]), &made.spki[..], false),
    };
    let mut signature = [0u8; 144];
    let mut used = 0;
    if let Use::Verify = what {
        let mut jobs = [job(&key, algorithm, (input, is_digest), &[], &mut signature)];
        ec::sign_batch(&mut jobs);
        used = jobs[0].result.ok()?;
    }
    let mut outs = vec![[0u8; 144]; GROUPS * LANES];
    decide(GROUPS, |count| {
        let signature = &signature[..used];
        let mut jobs: Vec<_> = outs[..count]
            .iter_mut()
            .map(|out| job(&key, algorithm, (input, is_digest), signature, out))
            .collect();
        batch(&mut jobs);
        jobs.iter().all(|job| job.result.is_ok())
    })
}

fn job<'a>(
    key: &'a AsymmetricKey,
    algorithm: u16,
    (input, is_digest): (&'a [u8], bool),
    signature: &'a [u8],
    out: &'a mut [u8],
) -> EcJob<'a> {
    EcJob { key, algorithm, input, is_digest, signature, out, result: Err(Status::Pending) }
}

fn making_row(key_spec: u16) -> Option<BreakEven> {
    decide(GROUPS, |count| {
        keygen::generate_many(key_spec, count).into_iter().all(|pair| pair.is_ok())
    })
}
