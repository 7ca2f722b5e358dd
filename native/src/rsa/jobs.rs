//! RSA jobs of a frame, many at a time: grouped by key size and exponent, eight to a batch. Groups
//! too small to pay run one by one through AWS-LC, with the same results.
use super::batch::{self, Numbers};
use super::lane_key::{Kernel, PrivateLanes, PublicLanes, WORDS_MAX};
use super::padding::{self, MODULUS_MAX};
use super::{Padding, digest_of, encryption, signing, words};
use crate::ffi::{self, AsymmetricKey};
use crate::frame::Status;
use crate::vec::LANES;
use zeroize::Zeroize;

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

/// Fewest jobs that a batch of eight lanes is worth.
const fn break_even(kernel: Kernel, private: bool) -> usize {
    match (kernel, private) {
        (Kernel::Ifma, true) => 3,
        (Kernel::Ifma, false) => 2,
        (Kernel::Avx2, _) => 5,
        (Kernel::Portable, _) => 1,
    }
}

/// Hands out the jobs of `waiting` in groups that can share a batch, then one by one what is left.
fn grouped(
    mut waiting: Vec<(usize, (Kernel, usize, u64))>,
    private: bool,
    mut batch: impl FnMut(&[usize]) -> bool,
    mut single: impl FnMut(usize),
) {
    waiting.sort_by_key(|(_, (kernel, bits, e))| (*kernel as usize, *bits, *e));
    for group in waiting.chunk_by(|a, b| a.1 == b.1) {
        for chunk in group.chunks(LANES) {
            let mut jobs = [0; LANES];
            for (to, (job, _)) in jobs.iter_mut().zip(chunk) {
                *to = *job;
            }
            let jobs = &jobs[..chunk.len()];
            if chunk.len() < break_even(chunk[0].1.0, private) || !batch(jobs) {
                jobs.iter().for_each(|job| single(*job));
            }
        }
    }
}

fn class_of(key: &PublicLanes) -> (Kernel, usize, u64) {
    (key.kernel, key.bits, key.e)
}

/// Splits jobs into those that a kernel serves and the rest, which `single` runs at once.
fn split(
    jobs: &mut [RsaJob<'_>],
    private: bool,
    single: fn(&RsaJob<'_>, &mut [u8]) -> Result<usize, Status>,
) -> Vec<(usize, (Kernel, usize, u64))> {
    let mut waiting = Vec::with_capacity(jobs.len());
    for (i, job) in jobs.iter_mut().enumerate() {
        let key = if private { job.lanes.private().map(|k| &k.public) } else { job.lanes.public() };
        match key {
            Some(key) => waiting.push((i, class_of(key))),
            None => run_single(job, single),
        }
    }
    waiting
}

fn run_single(job: &mut RsaJob<'_>, single: fn(&RsaJob<'_>, &mut [u8]) -> Result<usize, Status>) {
    let out = std::mem::take(&mut job.out);
    job.result = single(job, out);
    job.out = out;
}

/// Runs the private operation on encoded numbers of up to eight jobs. `encode` fills the big-endian
/// number of a job, or says why it cannot; `release` takes the result.
fn private_batch(
    jobs: &mut [RsaJob<'_>],
    chosen: &[usize],
    encode: impl Fn(&RsaJob<'_>, &mut [u8]) -> Result<(), Status>,
    release: impl Fn(&mut RsaJob<'_>, &mut [u8]) -> Result<usize, Status>,
) -> bool {
    let (mut input, mut out): (Numbers, Numbers) = ([[0; WORDS_MAX]; 8], [[0; WORDS_MAX]; 8]);
    let mut em = [0u8; MODULUS_MAX];
    let mut lanes = [usize::MAX; LANES];
    let mut count = 0;
    for &i in chosen {
        let Some(key) = jobs[i].lanes.private() else { return false };
        let len = key.public.bits / 8;
        let n = &key.public.n;
        let encoded = encode(&jobs[i], &mut em[..len]).and_then(|()| {
            words::from_be(&mut input[count], &em[..len]);
            let below = words::less_vartime(&input[count][..n.len()], n);
            if below { Ok(()) } else { Err(Status::InvalidCiphertext) }
        });
        match encoded {
            Ok(()) => {
                lanes[count] = i;
                count += 1;
            }
            Err(status) => jobs[i].result = Err(status),
        }
    }
    let lanes = &lanes[..count];
    if count == 0 {
        return true;
    }
    for lane in count..LANES {
        input[lane] = input[0];
    }
    let ran = {
        let mut keys = Vec::with_capacity(LANES);
        keys.extend(lanes.iter().filter_map(|i| jobs[*i].lanes.private()));
        batch::private(&keys, &input, &mut out)
    };
    let Ok(failed) = ran else { return false };
    for (lane, &i) in lanes.iter().enumerate() {
        if failed[lane] {
            jobs[i].result = Err(Status::Fault);
            continue;
        }
        let len = jobs[i].lanes.private().map_or(0, |k| k.public.bits / 8);
        words::to_be(&mut em[..len], &out[lane]);
        jobs[i].result = release(&mut jobs[i], &mut em[..len]);
    }
    em.zeroize();
    input.zeroize();
    out.zeroize();
    true
}

fn public_batch(
    jobs: &mut [RsaJob<'_>],
    chosen: &[usize],
    encode: impl Fn(&RsaJob<'_>, &mut [u8]) -> Result<(), Status>,
    release: impl Fn(&mut RsaJob<'_>, &mut [u8]) -> Result<usize, Status>,
    above: Status,
) -> bool {
    let (mut input, mut out): (Numbers, Numbers) = ([[0; WORDS_MAX]; 8], [[0; WORDS_MAX]; 8]);
    let mut em = [0u8; MODULUS_MAX];
    let mut lanes = [usize::MAX; LANES];
    let mut count = 0;
    for &i in chosen {
        let Some(key) = jobs[i].lanes.public() else { return false };
        let len = key.bits / 8;
        let encoded = encode(&jobs[i], &mut em[..len]).and_then(|()| {
            words::from_be(&mut input[count], &em[..len]);
            let below = words::less_vartime(&input[count][..key.n.len()], &key.n);
            if below { Ok(()) } else { Err(above) }
        });
        match encoded {
            Ok(()) => {
                lanes[count] = i;
                count += 1;
            }
            Err(status) => jobs[i].result = Err(status),
        }
    }
    let lanes = &lanes[..count];
    if count == 0 {
        return true;
    }
    for lane in count..LANES {
        input[lane] = input[0];
    }
    let ran = {
        let mut keys = Vec::with_capacity(LANES);
        keys.extend(lanes.iter().filter_map(|i| jobs[*i].lanes.public()));
        batch::public(&keys, &input, &mut out)
    };
    if ran.is_err() {
        return false;
    }
    for (lane, &i) in lanes.iter().enumerate() {
        let len = jobs[i].lanes.public().map_or(0, |k| k.bits / 8);
        words::to_be(&mut em[..len], &out[lane]);
        jobs[i].result = release(&mut jobs[i], &mut em[..len]);
    }
    em.zeroize();
    input.zeroize();
    true
}

fn write_out(job: &mut RsaJob<'_>, em: &mut [u8]) -> Result<usize, Status> {
    job.out.get_mut(..em.len()).ok_or(Status::OutTooSmall)?.copy_from_slice(em);
    Ok(em.len())
}

/// Sign: as `rsa::sign` for each job.
pub fn sign_batch(jobs: &mut [RsaJob<'_>]) {
    let single = |job: &RsaJob<'_>, out: &mut [u8]| {
        super::sign(job.key, job.algorithm, job.input, job.is_digest, out)
    };
    let waiting = split(jobs, true, single);
    let jobs = std::cell::RefCell::new(jobs);
    grouped(
        waiting,
        true,
        |chosen| {
            let encode = |job: &RsaJob<'_>, em: &mut [u8]| {
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
            };
            private_batch(&mut jobs.borrow_mut(), chosen, encode, write_out)
        },
        |i| run_single(&mut jobs.borrow_mut()[i], single),
    );
}

/// Verify: as `rsa::verify` for each job; 0 bytes of output.
pub fn verify_batch(jobs: &mut [RsaJob<'_>]) {
    let single = |job: &RsaJob<'_>, _: &mut [u8]| {
        super::verify(job.key, job.algorithm, job.input, job.is_digest, job.signature).map(|()| 0)
    };
    let waiting = split(jobs, false, single);
    let jobs = std::cell::RefCell::new(jobs);
    grouped(
        waiting,
        false,
        |chosen| {
            let encode = |job: &RsaJob<'_>, em: &mut [u8]| {
                let (_, hash) = signing(job.algorithm)?;
                if job.is_digest && job.input.len() != hash.digest_len() {
                    return Err(Status::BadInput);
                }
                if job.signature.len() != em.len() {
                    return Err(Status::InvalidSignature);
                }
                em.copy_from_slice(job.signature);
                Ok(())
            };
            let release = |job: &mut RsaJob<'_>, em: &mut [u8]| {
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
            };
            let above = Status::InvalidSignature;
            public_batch(&mut jobs.borrow_mut(), chosen, encode, release, above)
        },
        |i| run_single(&mut jobs.borrow_mut()[i], single),
    );
}

/// RSAES-OAEP encryption: as `rsa::encrypt` for each job.
pub fn encrypt_batch(jobs: &mut [RsaJob<'_>]) {
    let single =
        |job: &RsaJob<'_>, out: &mut [u8]| super::encrypt(job.key, job.algorithm, job.input, out);
    let waiting = split(jobs, false, single);
    let jobs = std::cell::RefCell::new(jobs);
    grouped(
        waiting,
        false,
        |chosen| {
            let encode = |job: &RsaJob<'_>, em: &mut [u8]| {
                let hash = encryption(job.algorithm)?;
                if job.input.len() + 2 * hash.digest_len() + 2 > em.len() {
                    return Err(Status::BadInput);
                }
                if job.out.len() < em.len() {
                    return Err(Status::OutTooSmall);
                }
                padding::oaep(em, hash, job.input);
                Ok(())
            };
            public_batch(&mut jobs.borrow_mut(), chosen, encode, write_out, Status::Internal)
        },
        |i| run_single(&mut jobs.borrow_mut()[i], single),
    );
}

/// RSAES-OAEP decryption: as `rsa::decrypt` for each job.
pub fn decrypt_batch(jobs: &mut [RsaJob<'_>]) {
    let single =
        |job: &RsaJob<'_>, out: &mut [u8]| super::decrypt(job.key, job.algorithm, job.input, out);
    let waiting = split(jobs, true, single);
    let jobs = std::cell::RefCell::new(jobs);
    grouped(
        waiting,
        true,
        |chosen| {
            let encode = |job: &RsaJob<'_>, em: &mut [u8]| {
                encryption(job.algorithm)?;
                if job.input.len() != em.len() {
                    return Err(Status::InvalidCiphertext);
                }
                if job.out.len() < em.len() {
                    return Err(Status::OutTooSmall);
                }
                em.copy_from_slice(job.input);
                Ok(())
            };
            let release = |job: &mut RsaJob<'_>, em: &mut [u8]| {
                let hash = encryption(job.algorithm)?;
                padding::oaep_open(em, hash, job.out)
            };
            private_batch(&mut jobs.borrow_mut(), chosen, encode, release)
        },
        |i| run_single(&mut jobs.borrow_mut()[i], single),
    );
}
