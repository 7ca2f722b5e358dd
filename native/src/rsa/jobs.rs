//! RSA jobs of a frame, many at a time: grouped by key size and exponent, eight to a batch. Those
//! too few to pay run one by one through AWS-LC, with the same results.
use super::batch::{self, Numbers};
use super::lane_key::{Kernel, PrivateLanes, PublicLanes, WORDS_MAX};
use super::padding::{self, MODULUS_MAX};
use super::{Padding, digest_of, encryption, signing, words};
use crate::break_even::Row;
use crate::cpu::Class;
use crate::ffi::{self, AsymmetricKey};
use crate::frame::Status;
use crate::vec::LANES;
use zeroize::Zeroizing;

/// What the kernels keep of a key, made when it is loaded.
pub enum LaneKey {
    /// No kernel serves the key.
    None,
    Private(Box<PrivateLanes>),
    Public(Box<PublicLanes>),
}

impl LaneKey {
    pub fn new(key: &AsymmetricKey) -> Self {
        match Kernel::in_force() {
            Some(kernel) => Self::for_kernel(key, kernel),
            None => LaneKey::None,
        }
    }

    pub fn for_kernel(key: &AsymmetricKey, kernel: Kernel) -> Self {
        if key.is_private() {
            ffi::private_lanes(key, kernel).map_or(LaneKey::None, |k| LaneKey::Private(Box::new(k)))
        } else {
            ffi::public_lanes(key, kernel).map_or(LaneKey::None, |k| LaneKey::Public(Box::new(k)))
        }
    }

    fn private(&self) -> Option<&PrivateLanes> {
        match self {
            LaneKey::Private(key) => Some(key),
            _ => None,
        }
    }

    fn public(&self) -> Option<&PublicLanes> {
        match self {
            LaneKey::None => None,
            LaneKey::Private(key) => Some(&key.public),
            LaneKey::Public(key) => Some(key),
        }
    }
}

/// One RSA job; `result` says how many bytes of `out` were written.
pub struct RsaJob<'a> {
    pub key: &'a AsymmetricKey,
    pub lanes: &'a LaneKey,
    /// Algorithm number of the frame.
    pub algorithm: u16,
    /// Message, digest, plaintext or ciphertext.
    pub input: &'a [u8],
    pub is_digest: bool,
    /// Of `verify_batch` alone.
    pub signature: &'a [u8],
    pub out: &'a mut [u8],
    pub result: Result<usize, Status>,
}

/// An operation on many jobs: how it stands around the power.
struct Operation {
    private: bool,
    /// One job, by AWS-LC.
    single: fn(&RsaJob<'_>, &mut [u8]) -> Result<usize, Status>,
    /// Fills the big-endian number of a job, or says why it cannot.
    encode: fn(&RsaJob<'_>, &mut [u8]) -> Result<(), Status>,
    /// Takes the result.
    release: fn(&mut RsaJob<'_>, &mut [u8]) -> Result<usize, Status>,
    /// What is said of a number that is not below the modulus.
    above: Status,
}

/// As `rsa::sign`.
const SIGN: Operation = Operation {
    private: true,
    single: |job, out| super::sign(job.key, job.algorithm, job.input, job.is_digest, out),
    encode: |job, em| {
        let (padding, hash) = signing(job.algorithm)?;
        let (digest, len) = digest_of(hash, job.input, job.is_digest)?;
        if job.out.len() < em.len() {
            return Err(Status::OutTooSmall);
        }
        match padding {
            Padding::Pkcs1 => padding::pkcs1(em, hash, &digest[..len]),
            Padding::Pss => {
                let mut salt = [0u8; 64];
                ffi::random(&mut salt[..len]);
                padding::pss(em, hash, &digest[..len], &salt[..len])
            }
        }
    },
    release: write_out,
    above: Status::Internal,
};

/// As `rsa::verify`, without output.
const VERIFY: Operation = Operation {
    private: false,
    single: |job, _| {
        super::verify(job.key, job.algorithm, job.input, job.is_digest, job.signature).map(|()| 0)
    },
    encode: |job, em| {
        let (_, hash) = signing(job.algorithm)?;
        if job.is_digest && job.input.len() != hash.digest_len() {
            return Err(Status::BadInput);
        }
        if job.signature.len() != em.len() {
            return Err(Status::InvalidSignature);
        }
        em.copy_from_slice(job.signature);
        Ok(())
    },
    release: |job, em| {
        let (padding, hash) = signing(job.algorithm)?;
        let (digest, len) = digest_of(hash, job.input, job.is_digest)?;
        let good = match padding {
            Padding::Pkcs1 => {
                let mut expected = [0u8; MODULUS_MAX];
                padding::pkcs1(&mut expected[..em.len()], hash, &digest[..len])?;
                expected[..em.len()] == *em
            }
            Padding::Pss => padding::pss_matches(em, hash, &digest[..len]),
        };
        if good { Ok(0) } else { Err(Status::InvalidSignature) }
    },
    above: Status::InvalidSignature,
};

/// RSAES-OAEP: as `rsa::encrypt`.
const ENCRYPT: Operation = Operation {
    private: false,
    single: |job, out| super::encrypt(job.key, job.algorithm, job.input, out),
    encode: |job, em| {
        let hash = encryption(job.algorithm)?;
        if job.input.len() + 2 * hash.digest_len() + 2 > em.len() {
            return Err(Status::BadInput);
        }
        if job.out.len() < em.len() {
            return Err(Status::OutTooSmall);
        }
        padding::oaep(em, hash, job.input);
        Ok(())
    },
    release: write_out,
    above: Status::Internal,
};

/// RSAES-OAEP: as `rsa::decrypt`.
const DECRYPT: Operation = Operation {
    private: true,
    single: |job, out| super::decrypt(job.key, job.algorithm, job.input, out),
    encode: |job, em| {
        encryption(job.algorithm)?;
        if job.input.len() != em.len() {
            return Err(Status::InvalidCiphertext);
        }
        if job.out.len() < em.len() {
            return Err(Status::OutTooSmall);
        }
        em.copy_from_slice(job.input);
        Ok(())
    },
    release: |job, em| padding::oaep_open(em, encryption(job.algorithm)?, job.out),
    above: Status::InvalidCiphertext,
};

fn write_out(job: &mut RsaJob<'_>, em: &mut [u8]) -> Result<usize, Status> {
    job.out.get_mut(..em.len()).ok_or(Status::OutTooSmall)?.copy_from_slice(em);
    Ok(em.len())
}

/// Sign: as `rsa::sign` for each job.
pub fn sign_batch(jobs: &mut [RsaJob<'_>]) {
    run(jobs, &SIGN);
}

/// Verify: as `rsa::verify` for each job, which has no output.
pub fn verify_batch(jobs: &mut [RsaJob<'_>]) {
    run(jobs, &VERIFY);
}

/// RSAES-OAEP encryption: as `rsa::encrypt` for each job.
pub fn encrypt_batch(jobs: &mut [RsaJob<'_>]) {
    run(jobs, &ENCRYPT);
}

/// RSAES-OAEP decryption: as `rsa::decrypt` for each job.
pub fn decrypt_batch(jobs: &mut [RsaJob<'_>]) {
    run(jobs, &DECRYPT);
}

/// What jobs of one batch have in common.
type Kind = (Kernel, usize, u64);

/// Runs jobs in groups that can share a batch, and one by one those that no kernel serves or that are
/// too few.
fn run(jobs: &mut [RsaJob<'_>], operation: &Operation) {
    let mut waiting: Vec<(usize, Kind)> = Vec::with_capacity(jobs.len());
    for (i, job) in jobs.iter_mut().enumerate() {
        match operation.key(job) {
            Some(key) => waiting.push((i, (key.kernel, key.bits, key.e))),
            None => run_single(job, operation),
        }
    }
    waiting.sort_by_key(|(_, (kernel, bits, e))| (*kernel as usize, *bits, *e));
    for group in waiting.chunk_by(|a, b| a.1 == b.1) {
        let (kernel, bits, _) = group[0].1;
        let (many, few) = group.split_at(batched(kernel, bits, operation.private, group.len()));
        for eight in many.chunks(LANES) {
            if !run_eight(jobs, eight, operation) {
                eight.iter().for_each(|(i, _)| run_single(&mut jobs[*i], operation));
            }
        }
        few.iter().for_each(|(i, _)| run_single(&mut jobs[*i], operation));
    }
}

/// How many of `count` jobs are worth batches.
fn batched(kernel: Kernel, bits: usize, private: bool, count: usize) -> usize {
    let class = match kernel {
        Kernel::Ifma => Class::Ifma,
        Kernel::Avx2 => Class::Avx2,
        // In tests alone.
        Kernel::Portable => return count,
    };
    Row::rsa(bits, private).map_or(0, |row| row.break_even(class).batched(count))
}

impl Operation {
    /// The public part of a key that can serve the job.
    fn key<'a>(&self, job: &RsaJob<'a>) -> Option<&'a PublicLanes> {
        if self.private { job.lanes.private().map(|key| &key.public) } else { job.lanes.public() }
    }
}

fn run_single(job: &mut RsaJob<'_>, operation: &Operation) {
    let out = std::mem::take(&mut job.out);
    job.result = (operation.single)(job, out);
    job.out = out;
}

/// Up to eight jobs at a time; false where the kernels would not.
fn run_eight(jobs: &mut [RsaJob<'_>], chosen: &[(usize, Kind)], operation: &Operation) -> bool {
    let mut input: Zeroizing<Numbers> = Zeroizing::new([[0; WORDS_MAX]; LANES]);
    let mut out: Zeroizing<Numbers> = Zeroizing::new([[0; WORDS_MAX]; LANES]);
    let mut em = Zeroizing::new([0u8; MODULUS_MAX]);
    let mut lanes = [usize::MAX; LANES];
    let mut count = 0;
    for (i, _) in chosen {
        let job = &mut jobs[*i];
        let Some(key) = operation.key(job) else { return false };
        let len = key.bits / 8;
        let encoded = (operation.encode)(job, &mut em[..len]).and_then(|()| {
            words::from_be(&mut input[count], &em[..len]);
            let below = words::less_vartime(&input[count][..key.n.len()], &key.n);
            if below { Ok(()) } else { Err(operation.above) }
        });
        match encoded {
            Ok(()) => {
                lanes[count] = *i;
                count += 1;
            }
            Err(status) => job.result = Err(status),
        }
    }
    let lanes = &lanes[..count];
    if count == 0 {
        return true;
    }
    for lane in count..LANES {
        input[lane] = input[0];
    }
    let Ok(failed) = power(jobs, lanes, operation, &input, &mut out) else { return false };
    for (lane, &i) in lanes.iter().enumerate() {
        let job = &mut jobs[i];
        if failed[lane] {
            job.result = Err(Status::Fault);
            continue;
        }
        let len = operation.key(job).map_or(0, |key| key.bits / 8);
        words::to_be(&mut em[..len], &out[lane]);
        job.result = (operation.release)(job, &mut em[..len]);
    }
    true
}

/// Raises the numbers of `lanes`; true in the answer where a result failed its check.
fn power(
    jobs: &[RsaJob<'_>],
    lanes: &[usize],
    operation: &Operation,
    input: &Numbers,
    out: &mut Numbers,
) -> Result<[bool; LANES], Status> {
    if operation.private {
        let mut keys = Vec::with_capacity(LANES);
        keys.extend(lanes.iter().filter_map(|i| jobs[*i].lanes.private()));
        batch::private(&keys, input, out)
    } else {
        let mut keys = Vec::with_capacity(LANES);
        keys.extend(lanes.iter().filter_map(|i| jobs[*i].lanes.public()));
        batch::public(&keys, input, out).map(|()| [false; LANES])
    }
}
