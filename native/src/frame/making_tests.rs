//! Jobs that make key pairs, in frames: every pair is opened, loaded and used; mixed specs, partial
//! batches, and bad jobs between good ones.
use super::test_frames::{One, run_all};
use super::*;
use crate::arena::{self, Handle, KeyBody};
use crate::break_even::{BreakEven, forced};
use crate::ffi::{self, AsymmetricKey};
use crate::symmetric::SecretKey;
use crate::{ec, rsa};

struct Want {
    op: u16,
    spec: u16,
    key: Handle,
    /// Plaintext private keys of GENERATE_KEY_PAIR.
    param: u32,
    cap: usize,
}

const AAD: &[u8] = b"aad";
const HEADER: &[u8] = b"header";
const KEY_ID: &[u8] = b"key id";

/// Runs the jobs as one frame; status and output of each.
fn run(jobs: &[Want]) -> Vec<(u32, Vec<u8>)> {
    let one = |job: &Want| -> One<'static> {
        One {
            op: job.op,
            alg: job.spec,
            key: Some(job.key),
            key2: None,
            param: job.param,
            inputs: match job.op {
                op::GENERATE_KEY => [KEY_ID, AAD, &[]],
                _ => [&[], AAD, HEADER],
            },
            cap: job.cap,
        }
    };
    run_all(&jobs.iter().map(one).collect::<Vec<_>>())
}

fn secret(spec: u16) -> Handle {
    let key = SecretKey::load(spec, &[7; 32]).expect("a good secret");
    arena::insert(KeyBody::Secret(key)).expect("room")
}

fn open(wrapping: Handle, header: &[u8], sealed: &[u8]) -> Vec<u8> {
    run_single(op::DECRYPT, wrapping, [sealed, AAD, header], 4096).expect("sealed by this key")
}

fn word_at(bytes: &[u8], at: usize) -> usize {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("4 bytes")) as usize
}

/// The private and the public key that a job made.
fn pair(job: &Want, output: &[u8]) -> (Vec<u8>, Vec<u8>) {
    if job.op == op::GENERATE_KEY {
        let (wrapped, spki) = (word_at(output, 32), word_at(output, 36));
        assert_eq!(output.len(), 40 + wrapped + spki);
        let private = open(job.key, &[], &output[40..40 + wrapped]);
        return (private, output[40 + wrapped..].to_vec());
    }
    let [private, spki, blob] = [0, 4, 8].map(|at| word_at(output, at));
    assert_eq!(output.len(), 12 + private + spki + blob);
    let opened = open(job.key, HEADER, &output[12 + private + spki..]);
    assert_eq!(private, if job.param == 1 { opened.len() } else { 0 });
    assert!(private == 0 || output[12..12 + private] == opened);
    (opened, output[12 + private..12 + private + spki].to_vec())
}

/// AWS-LC takes both halves, one undoes what the other does, and writes them as they are.
fn check(spec: u16, private: &[u8], public: &[u8]) {
    let own = AsymmetricKey::from_pkcs8(spec, private).expect("a good private key");
    let other = AsymmetricKey::from_spki(spec, public).expect("a good public key");
    assert_eq!(ffi::encodings(&own).expect("marshalled").0, private);
    assert_eq!(ffi::encodings(&own).expect("marshalled").1, public);
    let mut out = [0u8; 512];
    match spec {
        spec::RSA_2048..=spec::RSA_4096 => {
            let algorithm = alg::RSASSA_PSS_SHA_256;
            let len = rsa::sign(&own, algorithm, b"text", false, &mut out).expect("signed");
            rsa::verify(&other, algorithm, b"text", false, &out[..len]).expect("verified");
            let mut sealed = [0u8; 512];
            let oaep = alg::RSAES_OAEP_SHA_256;
            let len = rsa::encrypt(&other, oaep, b"text", &mut sealed).expect("encrypted");
            let len = rsa::decrypt(&own, oaep, &sealed[..len], &mut out).expect("decrypted");
            assert_eq!(&out[..len], b"text");
        }
        spec::ECC_NIST_EDWARDS25519 => {
            let variant = ffi::Variant::Pure;
            let len = ffi::ed25519_sign(&own, variant, b"text", &mut out).expect("signed");
            ffi::ed25519_verify(&other, variant, b"text", &out[..len]).expect("verified");
        }
        _ => {
            let algorithm = match spec {
                spec::ECC_NIST_P384 => alg::ECDSA_SHA_384,
                spec::ECC_NIST_P521 => alg::ECDSA_SHA_512,
                _ => alg::ECDSA_SHA_256,
            };
            let len = ec::sign(&own, algorithm, b"text", false, &mut out).expect("signed");
            ec::verify(&other, algorithm, b"text", false, &out[..len]).expect("verified");
        }
    }
}

const CURVES: [u16; 5] = [
    spec::ECC_NIST_P256,
    spec::ECC_NIST_P384,
    spec::ECC_NIST_P521,
    spec::ECC_SECG_P256K1,
    spec::ECC_NIST_EDWARDS25519,
];

#[test]
fn pairs_of_curves_are_made_in_every_partial_batch() {
    let (domain, own) = (secret(spec::DOMAIN), secret(spec::SYMMETRIC_DEFAULT));
    let mut made = std::collections::HashSet::new();
    let mut total = 0;
    for spec in CURVES {
        for count in (1..=9).chain([16, 23]) {
            let jobs: Vec<Want> = (0..count)
                .map(|i| match i % 3 {
                    0 => Want { op: op::GENERATE_KEY, spec, key: domain, param: 0, cap: 4096 },
                    n => {
                        Want { op: op::GENERATE_KEY_PAIR, spec, key: own, param: n - 1, cap: 8192 }
                    }
                })
                .collect();
            let outcomes = forced(BreakEven::ALWAYS, || run(&jobs));
            for (job, (status, output)) in jobs.iter().zip(&outcomes) {
                assert_eq!(*status, 0);
                let (private, public) = pair(job, output);
                check(spec, &private, &public);
                made.insert(private);
                total += 1;
            }
        }
    }
    assert_eq!(made.len(), total);
    println!("{total} pairs of curves");
}

#[test]
fn specs_mix_and_bad_jobs_spoil_no_other() {
    let (domain, own) = (secret(spec::DOMAIN), secret(spec::SYMMETRIC_DEFAULT));
    let gone = secret(spec::DOMAIN);
    arena::free(gone.slot, gone.generation);
    let mac = {
        let key = SecretKey::load(spec::HMAC_256, &[7; 32]).expect("a good secret");
        arena::insert(KeyBody::Secret(key)).expect("room")
    };
    let specs = [CURVES.as_slice(), &[spec::RSA_2048, spec::HMAC_256, spec::ML_KEM_512]].concat();
    let mut jobs: Vec<Want> = (0..40)
        .map(|i| {
            let spec = specs[i % specs.len()];
            // Pairs are of asymmetric specs alone.
            let single = spec == spec::HMAC_256 || i % 2 == 0;
            let (op, key) =
                if single { (op::GENERATE_KEY, domain) } else { (op::GENERATE_KEY_PAIR, own) };
            Want { op, spec, key, param: (i as u32 / 8) % 2, cap: 8192 }
        })
        .collect();
    jobs[5].key = gone;
    jobs[8].key = mac;
    jobs[9].cap = 60;
    jobs[13].cap = 300;
    jobs[16].spec = 77;
    jobs[17].spec = spec::ROOT;
    let outcomes = run(&jobs);
    let mut good = 0;
    for (i, (job, (status, output))) in jobs.iter().zip(&outcomes).enumerate() {
        let expected = match i {
            5 | 8 => Status::BadKey,
            9 | 13 => Status::OutTooSmall,
            16 | 17 => Status::Unsupported,
            _ => Status::Ok,
        };
        assert_eq!(*status, expected as u32, "job {i}");
        if expected != Status::Ok {
            assert!(output.is_empty());
            continue;
        }
        good += 1;
        let (private, public) = pair(job, output);
        if CURVES.contains(&job.spec) || job.spec == spec::RSA_2048 {
            check(job.spec, &private, &public);
        }
    }
    assert_eq!(good, 34);
}

#[test]
fn rsa_pairs_of_one_frame_share_batches() {
    let own = secret(spec::SYMMETRIC_DEFAULT);
    let jobs: Vec<Want> = [spec::RSA_2048, spec::RSA_3072, spec::RSA_2048, spec::RSA_2048]
        .into_iter()
        .map(|spec| Want { op: op::GENERATE_KEY_PAIR, spec, key: own, param: 1, cap: 8192 })
        .collect();
    for (job, (status, output)) in jobs.iter().zip(run(&jobs)) {
        assert_eq!(status, 0);
        let (private, public) = pair(job, &output);
        check(job.spec, &private, &public);
    }
}
