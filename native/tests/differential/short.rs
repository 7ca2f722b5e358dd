//! Frames of short messages on the kernels in force: AES-256-GCM under derived keys, and HMAC, against
//! AWS-LC's HMAC and AES-GCM put together here anew (SP 800-108, SP 800-38D).
use crate::lc::hmac as reference_hmac;
use crate::random::Random;
use crate::{Class, Done};
use aws_lc_sys as lc;
use keystrel_native::arena::{self, Handle, KeyBody};
use keystrel_native::ffi::Aes256Gcm;
use keystrel_native::frame::{
    DESCRIPTOR_BYTES, FRAME_MAGIC, HEADER_BYTES, Status, field, op, run_frame, spec,
};
use keystrel_native::symmetric::SecretKey;
use test_frames::{One, run_all};

#[path = "../../src/frame/test_frames.rs"]
mod test_frames;

fn bytes(random: &mut Random, len: usize) -> Vec<u8> {
    (0..len).map(|_| random.word() as u8).collect()
}

fn below(random: &mut Random, n: usize) -> usize {
    (random.word() >> 20) as usize % n
}

struct Key {
    spec: u16,
    secret: Vec<u8>,
    handle: Handle,
}

impl Key {
    fn new(random: &mut Random, spec: u16, len: usize) -> Self {
        let secret = match random.word() % 16 {
            0 => vec![0; len],
            1 => vec![0xff; len],
            _ => bytes(random, len),
        };
        let key = SecretKey::load(spec, &secret).expect("a good secret");
        let handle = arena::insert(KeyBody::Secret(key)).expect("room");
        Self { spec, secret, handle }
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        arena::free(self.handle.slot, self.handle.generation);
    }
}

struct Job<'a> {
    op: u16,
    key: &'a Key,
    inputs: [Vec<u8>; 3],
    param: u32,
    cap: usize,
}

/// Runs a frame; status and output of each job.
fn run(jobs: &[Job<'_>]) -> Vec<(u32, Vec<u8>)> {
    let ones: Vec<One<'_>> = jobs
        .iter()
        .map(|job| One {
            op: job.op,
            alg: 0,
            key: Some(job.key.handle),
            key2: None,
            param: job.param,
            inputs: job.inputs.each_ref().map(Vec::as_slice),
            cap: job.cap,
        })
        .collect();
    run_all(&ones)
}

fn sha256() -> *const lc::EVP_MD {
    // SAFETY: a static table.
    unsafe { lc::EVP_sha256() }
}

/// The one-time key of a nonce: KDF in counter mode, one block.
fn cipher(key: &Key, nonce: &[u8]) -> Aes256Gcm {
    let input = [&[0, 0, 0, 1][..], b"keystrel/enc/v1", &[0], nonce, &[0, 0, 1, 0]].concat();
    let derived = reference_hmac(sha256(), &key.secret, &input);
    Aes256Gcm::new(&derived.try_into().expect("32 bytes")).expect("a cipher")
}

/// header | nonce | IV | ciphertext | tag.
fn seal(random: &mut Random, key: &Key, header: &[u8], context: &[u8], text: &[u8]) -> Vec<u8> {
    let (nonce, iv) = (bytes(random, 16), bytes(random, 12));
    let mut body = vec![0u8; text.len() + 16];
    let aad = [header, context].concat();
    let iv_array = iv[..].try_into().expect("12 bytes");
    cipher(key, &nonce).seal(iv_array, &aad, text, &mut body).expect("sealed");
    [header, &nonce, &iv, &body].concat()
}

fn open(key: &Key, header: &[u8], context: &[u8], blob: &[u8]) -> Option<Vec<u8>> {
    let sealed = blob.strip_prefix(header)?;
    let (nonce, rest) = sealed.split_at_checked(16)?;
    let (iv, body) = rest.split_first_chunk::<12>()?;
    let mut out = vec![0u8; body.len().checked_sub(16)?];
    let aad = [header, context].concat();
    cipher(key, nonce).open(iv, &aad, body, &mut out).ok()?;
    Some(out)
}

/// Mostly short, some around the bounds of the kernels, a few long.
fn length(random: &mut Random) -> usize {
    match random.word() % 32 {
        0 => 0,
        1 => 4096 + below(random, 3) - 1,
        2..=5 => [15, 16, 17, 31, 32, 33, 255, 256, 257][below(random, 9)],
        6 | 7 => below(random, 1500),
        _ => below(random, 300),
    }
}

fn spoil(random: &mut Random, blob: &mut Vec<u8>) {
    let at = below(random, blob.len());
    match random.word() % 12 {
        0 | 1 => blob[at] ^= 1 << (random.word() % 8),
        2 => blob.truncate(at),
        3 => blob.push(0),
        _ => {}
    }
}

pub fn aes_gcm(random: &mut Random, _: Class, jobs: usize) -> Done {
    const SPECS: [u16; 2] = [spec::SYMMETRIC_DEFAULT, spec::DOMAIN];
    let keys: Vec<Key> = (0..8).map(|i| Key::new(random, SPECS[i % 2], 32)).collect();
    let mut done = Done::default();
    while done.jobs < jobs {
        let mut frame: Vec<Job<'_>> = Vec::new();
        for _ in 0..crate::ed25519::some(random, 64) {
            let key = &keys[below(random, keys.len())];
            let (header_len, context_len) = (below(random, 60), length(random).min(700));
            let (header, context) = (bytes(random, header_len), bytes(random, context_len));
            let text_len = length(random);
            let text = bytes(random, text_len);
            let data_key = 1 + below(random, 1024) as u32;
            frame.push(match random.word() % 8 {
                0 => Job {
                    op: op::GENERATE_DATA_KEY,
                    key,
                    inputs: [vec![], context, header],
                    param: data_key,
                    cap: 4096,
                },
                1..=3 => {
                    let cap = text.len() + 200;
                    Job { op: op::ENCRYPT, key, inputs: [text, context, header], param: 0, cap }
                }
                _ => {
                    let mut blob = seal(random, key, &header, &context, &text);
                    spoil(random, &mut blob);
                    let cap = text.len() + 200;
                    Job { op: op::DECRYPT, key, inputs: [blob, context, header], param: 0, cap }
                }
            });
        }
        for (job, (status, out)) in frame.iter().zip(run(&frame)) {
            let [input, context, header] = &job.inputs;
            match job.op {
                op::DECRYPT => {
                    let want = open(job.key, header, context, input);
                    let refused = Status::InvalidCiphertext as u32;
                    let status_wanted = if want.is_some() { Status::Ok as u32 } else { refused };
                    assert_eq!(status, status_wanted);
                    done.refused += usize::from(want.is_none());
                    assert_eq!(out, want.unwrap_or_default());
                }
                op::ENCRYPT => {
                    assert_eq!(status, Status::Ok as u32);
                    assert_eq!(open(job.key, header, context, &out).as_ref(), Some(input));
                }
                _ => {
                    assert_eq!(status, Status::Ok as u32);
                    let (plain, blob) = out.split_at(job.param as usize);
                    assert_eq!(open(job.key, header, context, blob).as_deref(), Some(plain));
                }
            }
        }
        done.jobs += frame.len();
    }
    done
}

fn digest(spec: u16) -> *const lc::EVP_MD {
    // SAFETY: static tables.
    unsafe {
        match spec {
            spec::HMAC_224 => lc::EVP_sha224(),
            spec::HMAC_384 => lc::EVP_sha384(),
            spec::HMAC_512 => lc::EVP_sha512(),
            _ => lc::EVP_sha256(),
        }
    }
}

pub fn hmac(random: &mut Random, _: Class, jobs: usize) -> Done {
    // The kernels are of HMAC-SHA-256; the others go the other way through the same frames.
    let kinds =
        [(spec::HMAC_256, 32), (spec::HMAC_224, 28), (spec::HMAC_384, 48), (spec::HMAC_512, 64)];
    let keys: Vec<Key> = (0..12)
        .map(|i| {
            let (spec, len) = if i < 9 { kinds[0] } else { kinds[i - 8] };
            Key::new(random, spec, len)
        })
        .collect();
    let mut done = Done::default();
    while done.jobs < jobs {
        let mut frame: Vec<Job<'_>> = Vec::new();
        let mut want = Vec::new();
        for _ in 0..crate::ed25519::some(random, 64) {
            let key = &keys[below(random, keys.len())];
            let len = length(random);
            let message = bytes(random, len);
            let mac = reference_hmac(digest(key.spec), &key.secret, &message);
            if random.word().is_multiple_of(2) {
                want.push((Status::Ok as u32, mac));
                let inputs = [message, vec![], vec![]];
                frame.push(Job { op: op::MAC, key, inputs, param: 0, cap: 64 });
            } else {
                let mut given = mac.clone();
                spoil(random, &mut given);
                let good = given == mac;
                let status = if good { Status::Ok } else { Status::InvalidMac };
                want.push((status as u32, vec![]));
                done.refused += usize::from(!good);
                let inputs = [message, given, vec![]];
                frame.push(Job { op: op::MAC_VERIFY, key, inputs, param: 0, cap: 0 });
            }
        }
        assert_eq!(run(&frame), want);
        done.jobs += frame.len();
    }
    done
}
