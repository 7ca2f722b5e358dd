//! The executor: reads descriptors, checks every span, runs the jobs, writes status and length.
use super::import_jobs::import_key;
use super::keygen_jobs::{generate_key, generate_key_pair};
use super::layout::{
    DESCRIPTOR_BYTES, FRAME_MAGIC, HEADER_BYTES, MAX_JOBS_PER_FRAME, SEAL_OVERHEAD_BYTES, Status,
    alg, field, op, spec,
};
use super::making_jobs::Pairs;
use super::signing;
use crate::arena::{self, KeyBody};
use crate::ffi::{self, AsymmetricKey, Hash};
use crate::secrecy::wipe_stack;
use crate::sm2::Sm2Key;
#[cfg(target_arch = "x86_64")]
use crate::symmetric::small::Kernels;
use crate::symmetric::{self, MAC_MAX, RandomPool, SECRET_MAX, SecretKey};
use crate::{ec, rsa, sigv4};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

/// One job, its spans checked: inputs and output are disjoint parts of the frame.
pub(super) struct Job<'a> {
    /// Its place in the frame.
    pub index: usize,
    pub op: u16,
    pub alg: u16,
    pub param: u32,
    pub key: (u32, u32),
    pub key2: (u32, u32),
    pub in0: &'a [u8],
    pub in1: &'a [u8],
    pub in2: &'a [u8],
    pub out: &'a mut [u8],
}

pub(super) fn word(frame: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([frame[at], frame[at + 1], frame[at + 2], frame[at + 3]])
}

fn put_word(frame: &mut [u8], at: usize, value: u32) {
    frame[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

/// What runs the short messages of frames on this CPU.
pub fn short_messages() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    if let Some(kernels) = Kernels::get() {
        return kernels.name();
    }
    "AWS-LC"
}

/// Runs every job of a frame in place. A frame whose header is wrong is left as it is, and
/// `BadFrame` is returned; otherwise each job has its own status. Never panics.
#[cfg(target_arch = "x86_64")]
pub fn run_frame(frame: &mut [u8]) -> Status {
    run_frame_with(frame, Kernels::get())
}

#[cfg(not(target_arch = "x86_64"))]
pub fn run_frame(frame: &mut [u8]) -> Status {
    let Some(count) = header(frame) else { return Status::BadFrame };
    run_jobs(frame, count).wipe();
    Status::Ok
}

#[cfg(not(target_arch = "x86_64"))]
#[inline(never)]
fn run_jobs(frame: &mut [u8], count: usize) -> Depth {
    let mut random = RandomPool::new(expected_random(frame, count));
    let pairs = catch_unwind(AssertUnwindSafe(|| Pairs::make(frame, count)));
    run_one_by_one(frame, &mut random, &mut pairs.unwrap_or_default(), &vec![false; count])
}

/// As `run_frame`, with the kernels given for short messages, or none.
#[cfg(target_arch = "x86_64")]
pub(super) fn run_frame_with(frame: &mut [u8], kernels: Option<Kernels>) -> Status {
    let Some(count) = header(frame) else { return Status::BadFrame };
    run_jobs(frame, count, kernels).wipe();
    Status::Ok
}

/// How deep a stack with secrets jobs leave, this file's own frames included; kernels wipe theirs. Found with frame/remains_tests.rs, and some.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Depth {
    Nothing,
    /// One symmetric job after the other: 27 KiB were seen.
    Symmetric,
    /// What is around batches, AWS-LC's single operations on asymmetric keys, keys read and written:
    /// 33 KiB were seen, in one run of many.
    Asymmetric,
}

impl Depth {
    fn of(operation: u16) -> Self {
        match operation {
            op::VERIFY | op::LOAD_PUBLIC_KEY | op::DIGEST => Depth::Nothing,
            op::RANDOM..=op::MAC_VERIFY | op::SIGV4 | op::WRAP => Depth::Symmetric,
            _ => Depth::Asymmetric,
        }
    }

    fn wipe(self) {
        match self {
            Depth::Nothing => {}
            Depth::Symmetric => wipe_stack::<{ 40 << 10 }>(),
            Depth::Asymmetric => wipe_stack::<{ 64 << 10 }>(),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[inline(never)]
fn run_jobs(frame: &mut [u8], count: usize, kernels: Option<Kernels>) -> Depth {
    let mut random = RandomPool::new(expected_random(frame, count));
    let mut done = vec![false; count];
    if let Some(kernels) = kernels {
        // What a panic leaves undone runs below.
        let ran = catch_unwind(AssertUnwindSafe(|| {
            super::short_jobs::run(kernels, frame, &mut random, &mut done);
        }));
        debug_assert!(ran.is_ok());
        if done.iter().all(|done| *done) {
            return Depth::Nothing;
        }
    }
    let ran = catch_unwind(AssertUnwindSafe(|| super::asymmetric_jobs::run(frame, &mut done)));
    debug_assert!(ran.is_ok());
    let depth = ran.unwrap_or(Depth::Asymmetric);
    let pairs = catch_unwind(AssertUnwindSafe(|| Pairs::make(frame, count)));
    debug_assert!(pairs.is_ok());
    run_one_by_one(frame, &mut random, &mut pairs.unwrap_or_default(), &done).max(depth)
}

/// Runs the jobs that are not done.
fn run_one_by_one(
    frame: &mut [u8],
    random: &mut RandomPool,
    pairs: &mut Pairs,
    done: &[bool],
) -> Depth {
    let mut depth = Depth::Nothing;
    for i in 0..done.len() {
        if done[i] {
            continue;
        }
        let at = HEADER_BYTES + i * DESCRIPTOR_BYTES;
        depth = depth.max(Depth::of(word(frame, at + field::op) as u16));
        let ran = catch_unwind(AssertUnwindSafe(|| run_at(frame, i, done.len(), random, pairs)));
        finish(frame, at, ran.unwrap_or(Err(Status::Internal)));
    }
    depth
}

/// Writes what became of the job whose descriptor is at `at`.
pub(super) fn finish(frame: &mut [u8], at: usize, outcome: Result<usize, Status>) {
    let (status, len) = match outcome {
        Ok(len) => (Status::Ok, len),
        Err(status) => (status, 0),
    };
    put_word(frame, at + field::status, status as u32);
    put_word(frame, at + field::outLen, len as u32);
}

/// The number of jobs, when the header fits.
fn header(frame: &[u8]) -> Option<usize> {
    if frame.len() < HEADER_BYTES || word(frame, 0) != FRAME_MAGIC {
        return None;
    }
    let count = word(frame, 4) as usize;
    let used = word(frame, 8) as usize;
    let fits = count <= MAX_JOBS_PER_FRAME
        && used <= frame.len()
        && used >= HEADER_BYTES + count * DESCRIPTOR_BYTES
        && word(frame, 12) == 0;
    fits.then_some(count)
}

/// Bytes of nonces and data keys that the frame will want.
fn expected_random(frame: &[u8], count: usize) -> usize {
    (0..count)
        .map(|i| {
            let at = HEADER_BYTES + i * DESCRIPTOR_BYTES;
            match u16::from_le_bytes([frame[at], frame[at + 1]]) {
                op::ENCRYPT | op::WRAP | op::REWRAP => 28,
                op::GENERATE_DATA_KEY => 28 + word(frame, at + field::param).min(1024) as usize,
                op::RANDOM => word(frame, at + field::param).min(1024) as usize,
                _ => 0,
            }
        })
        .sum()
}

/// The 16 words of the descriptor at `at`.
pub(super) fn descriptor(frame: &[u8], at: usize) -> [u32; DESCRIPTOR_BYTES / 4] {
    let mut words = [0u32; DESCRIPTOR_BYTES / 4];
    let bytes = &frame[at..at + DESCRIPTOR_BYTES];
    for (word, bytes) in words.iter_mut().zip(bytes.as_chunks::<4>().0) {
        *word = u32::from_le_bytes(*bytes);
    }
    words
}

/// Where bytes begin in the frame, and how many they are.
pub(super) type Span = (usize, usize);

/// The spans of a job, checked: they lie in the payload area, the output apart from the inputs.
pub(super) struct Spans {
    pub inputs: [Span; 3],
    pub out: Span,
}

impl Spans {
    /// `words`: the job's descriptor.
    #[inline]
    pub fn read(
        frame: &[u8],
        words: &[u32; DESCRIPTOR_BYTES / 4],
        count: usize,
    ) -> Result<Self, Status> {
        let used = word(frame, 8) as usize;
        let payload = HEADER_BYTES + count * DESCRIPTOR_BYTES;
        // An empty span is always right, wherever it points.
        let span = |field: usize| {
            let (offset, len) = (words[field / 4] as usize, words[field / 4 + 1] as usize);
            if len == 0 { (payload, 0) } else { (offset, len) }
        };
        let inputs = [span(field::in0), span(field::in1), span(field::in2)];
        let out = span(field::out);
        // Offsets and lengths are below 2^32 each: no sum overflows.
        let inside = |(at, len): (usize, usize)| at >= payload && at + len <= used;
        let apart = |a: (usize, usize)| a.1 == 0 || a.0 + a.1 <= out.0 || out.0 + out.1 <= a.0;
        let good = inputs.iter().all(|span| inside(*span) && (out.1 == 0 || apart(*span)));
        if good && inside(out) { Ok(Self { inputs, out }) } else { Err(Status::BadFrame) }
    }
}

const _: () = assert!(usize::BITS >= 64);

fn run_at(
    frame: &mut [u8],
    index: usize,
    count: usize,
    random: &mut RandomPool,
    pairs: &mut Pairs,
) -> Result<usize, Status> {
    let words = descriptor(frame, HEADER_BYTES + index * DESCRIPTOR_BYTES);
    let Spans { inputs, out } = Spans::read(frame, &words, count)?;
    let (op, alg) = (words[field::op / 4] as u16, (words[field::op / 4] >> 16) as u16);
    let param = words[field::param / 4];
    let key = (words[field::keySlot / 4], words[field::keyGen / 4]);
    let key2 = (words[field::key2Slot / 4], words[field::key2Gen / 4]);
    let base = frame.as_mut_ptr();
    // SAFETY: every span lies within the frame (checked by `span`), and the output is disjoint from
    // the inputs (checked above); `frame` is borrowed mutably and not used until these are gone.
    let job = unsafe {
        let input = |(offset, len)| std::slice::from_raw_parts(base.add(offset).cast_const(), len);
        Job {
            index,
            op,
            alg,
            param,
            key,
            key2,
            in0: input(inputs[0]),
            in1: input(inputs[1]),
            in2: input(inputs[2]),
            out: std::slice::from_raw_parts_mut(base.add(out.0), out.1),
        }
    };
    run_job(job, random, pairs)
}

fn run_job(job: Job<'_>, random: &mut RandomPool, pairs: &mut Pairs) -> Result<usize, Status> {
    match job.op {
        op::RANDOM => random_bytes(job),
        op::DIGEST => digest(job),
        op::LOAD_PUBLIC_KEY if job.alg == spec::SM2 => {
            write_handle(KeyBody::Sm2(Sm2Key::from_spki(job.in0)?), job.out)
        }
        op::LOAD_PUBLIC_KEY => {
            let key = AsymmetricKey::from_spki(job.alg, job.in0)?;
            write_handle(KeyBody::Asymmetric(key), job.out)
        }
        _ => {
            let key = arena::get(job.key.0, job.key.1)?;
            run_keyed(&key, job, random, pairs)
        }
    }
}

fn run_keyed(
    key: &Arc<KeyBody>,
    job: Job<'_>,
    random: &mut RandomPool,
    pairs: &mut Pairs,
) -> Result<usize, Status> {
    if let KeyBody::Sm2(key) = &**key {
        return super::sm2_jobs::run(key, job, random);
    }
    match job.op {
        op::ENCRYPT => {
            symmetric::seal(key.encryption_key()?, random, job.in2, job.in1, job.in0, job.out)
        }
        op::DECRYPT => symmetric::open(key.encryption_key()?, job.in2, job.in1, job.in0, job.out),
        op::GENERATE_DATA_KEY => generate_data_key(key.encryption_key()?, job, random),
        op::MAC | op::MAC_VERIFY => mac(key.mac_key()?, job),
        op::SIGN => signing::sign(key.asymmetric()?, job),
        op::VERIFY => signing::verify(key.asymmetric()?, &job).map(|()| 0),
        op::RSA_ENCRYPT => rsa::encrypt(key.asymmetric()?, job.alg, job.in0, job.out),
        op::RSA_DECRYPT => rsa::decrypt(key.asymmetric()?, job.alg, job.in0, job.out),
        op::ECDH => ec::ecdh(key.asymmetric()?, job.in0, job.out),
        op::ENCAPSULATE | op::DECAPSULATE => encapsulation(key.asymmetric()?, job),
        op::GENERATE_KEY => generate_key(key.encryption_key()?, job, random, pairs),
        op::IMPORT_KEY => import_key(key.asymmetric()?, job, random),
        op::GENERATE_KEY_PAIR => generate_key_pair(key.encryption_key()?, job, random, pairs),
        op::LOAD_KEY => load_key(key.encryption_key()?, job),
        op::WRAP => symmetric::seal(key.encryption_key()?, random, &[], job.in1, job.in0, job.out),
        op::REWRAP => rewrap(key.encryption_key()?, job, random),
        op::SIGV4 => match &**key {
            KeyBody::Secret(secret) if secret.spec == spec::SIGV4_SECRET => {
                sigv4::verify(job.key, secret, job.in0, job.in1, job.in2, job.out)
            }
            _ => Err(Status::BadKey),
        },
        _ => Err(Status::Unsupported),
    }
}

fn random_bytes(job: Job<'_>) -> Result<usize, Status> {
    let len = job.param as usize;
    let out = job.out.get_mut(..len).ok_or(Status::OutTooSmall)?;
    symmetric::fill(out);
    Ok(len)
}

fn digest(job: Job<'_>) -> Result<usize, Status> {
    let hash = match job.alg {
        1 => Hash::Sha1,
        2 => Hash::Sha256,
        3 => Hash::Sha384,
        4 => Hash::Sha512,
        _ => return Err(Status::Unsupported),
    };
    let mut digest = [0u8; 64];
    hash.digest(job.in0, &mut digest);
    job.out
        .get_mut(..hash.digest_len())
        .ok_or(Status::OutTooSmall)?
        .copy_from_slice(&digest[..hash.digest_len()]);
    Ok(hash.digest_len())
}

fn generate_data_key(
    key: &SecretKey,
    job: Job<'_>,
    random: &mut RandomPool,
) -> Result<usize, Status> {
    let len = job.param as usize;
    if !(1..=1024).contains(&len) {
        return Err(Status::BadInput);
    }
    if job.out.len() < len + job.in2.len() + len + SEAL_OVERHEAD_BYTES {
        return Err(Status::OutTooSmall);
    }
    let (plaintext, blob) = job.out.split_at_mut(len);
    random.take(plaintext);
    match symmetric::seal(key, random, job.in2, job.in1, plaintext, blob) {
        Ok(blob) => Ok(len + blob),
        Err(status) => {
            plaintext.zeroize();
            Err(status)
        }
    }
}

fn encapsulation(key: &AsymmetricKey, job: Job<'_>) -> Result<usize, Status> {
    match (job.alg, job.op) {
        (alg::ML_KEM, op::ENCAPSULATE) => ffi::ml_kem_encapsulate(key, job.out),
        (alg::ML_KEM, _) => ffi::ml_kem_decapsulate(key, job.in0, job.out),
        _ => Err(Status::Unsupported),
    }
}

fn mac(key: &SecretKey, job: Job<'_>) -> Result<usize, Status> {
    let len = key.hmac().mac_len();
    let mut mac = [0u8; MAC_MAX];
    key.hmac().mac(job.in0, &mut mac);
    if job.op == op::MAC_VERIFY {
        let equal = job.in1.len() == len && bool::from(mac[..len].ct_eq(job.in1));
        mac.zeroize();
        return if equal { Ok(0) } else { Err(Status::InvalidMac) };
    }
    job.out.get_mut(..len).ok_or(Status::OutTooSmall)?.copy_from_slice(&mac[..len]);
    Ok(len)
}

/// The longest wrapped key: PKCS#8 of RSA-4096 (2,376 bytes) with room to spare.
const WRAPPED_MAX: usize = 4096;

fn load_key(wrapping: &SecretKey, job: Job<'_>) -> Result<usize, Status> {
    if job.in0.len() > WRAPPED_MAX {
        return Err(Status::InvalidCiphertext);
    }
    let mut plain = Zeroizing::new([0u8; WRAPPED_MAX]);
    let len = symmetric::open(wrapping, &[], job.in1, job.in0, &mut plain[..])?;
    let body = match job.alg {
        spec::SM2 => Sm2Key::from_pkcs8(&plain[..len]).map(KeyBody::Sm2),
        spec::RSA_2048..=spec::ML_KEM_1024 => {
            AsymmetricKey::from_pkcs8(job.alg, &plain[..len]).map(KeyBody::Asymmetric)
        }
        spec::SYMMETRIC_DEFAULT..=spec::HMAC_512 | spec::DOMAIN | spec::SIGV4_SECRET
            if len <= SECRET_MAX =>
        {
            SecretKey::load(job.alg, &plain[..len]).map(KeyBody::Secret)
        }
        _ => Err(Status::Unsupported),
    };
    // What was authenticated but does not parse was not wrapped for this spec.
    let body = body.map_err(|status| match status {
        Status::BadInput => Status::InvalidCiphertext,
        other => other,
    })?;
    write_handle(body, job.out)
}

/// Opens what `wrapping` wrapped, and wraps it under the job's second key.
fn rewrap(wrapping: &SecretKey, job: Job<'_>, random: &mut RandomPool) -> Result<usize, Status> {
    if job.in0.len() > WRAPPED_MAX {
        return Err(Status::InvalidCiphertext);
    }
    let next = arena::get(job.key2.0, job.key2.1)?;
    let next = next.encryption_key()?;
    let mut plain = Zeroizing::new([0u8; WRAPPED_MAX]);
    let len = symmetric::open(wrapping, &[], job.in1, job.in0, &mut plain[..])?;
    symmetric::seal(next, random, &[], job.in2, &plain[..len], job.out)
}

fn write_handle(body: KeyBody, out: &mut [u8]) -> Result<usize, Status> {
    let out = out.get_mut(..8).ok_or(Status::OutTooSmall)?;
    let handle = arena::insert(body)?;
    out[..4].copy_from_slice(&handle.slot.to_le_bytes());
    out[4..].copy_from_slice(&handle.generation.to_le_bytes());
    Ok(8)
}
