//! Counts the multiply instructions of an operation, for the fraction of the multiply limit that
//! `scripts/bench engine` prints; and checks that bench/engine/multiply-counts.txt has them.
//!
//!   cargo test --release --no-default-features --features count --lib multiply_counts
//!
//! with UPDATE_COUNTS=1 to rewrite the file, on a CPU of the class `ifma`, which has both classes.
//! Counted is what the kernels' text executes, vpmadd52 on 512 bits and FMA on 256 bits; key loading,
//! padding and tables made once are left out. Key generation depends on chance: a mean.
use crate::cpu::Class;
use crate::ec::batch::{self, CurveName, Kernels};
use crate::ec::{self, Nonces, ed25519};
use crate::ffi::{self, AsymmetricKey};
use crate::field::WORDS;
use crate::frame::{Status, spec};
use crate::keygen::generate_pairs;
use crate::rsa::batch as rsa;
use crate::rsa::lane_key::{Kernel, PrivateLanes, WORDS_MAX};
use crate::vec::LANES;
use crate::vec::count::take;
use std::fmt::Write;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../bench/engine/multiply-counts.txt");
const HEADER: &str = "\
# Multiply instructions per operation: class, operation, jobs of the batch, number.
# Written by native/src/multiply_counts.rs, which says how.
";
/// Batches that are counted; inversions are shared by the jobs of a batch.
const BATCHES: [usize; 2] = [8, 64];
const KEY_PAIRS: usize = 64;

struct Counts {
    class: &'static str,
    lines: String,
}

impl Counts {
    /// The multiply instructions of `run`, by job. The first run makes tables and is not counted.
    fn count(&mut self, operation: &str, jobs: usize, mut run: impl FnMut()) {
        run();
        take();
        run();
        self.note(operation, jobs, jobs);
    }

    fn note(&mut self, operation: &str, jobs: usize, operations: usize) {
        let number = take() as f64 / operations as f64;
        writeln!(self.lines, "{} {operation} {jobs} {number:.1}", self.class).expect("a string");
    }
}

fn count_rsa(counts: &mut Counts, kernel: Kernel) {
    for (name, spec, bits) in [
        ("rsa2048", spec::RSA_2048, 2048),
        ("rsa3072", spec::RSA_3072, 3072),
        ("rsa4096", spec::RSA_4096, 4096),
    ] {
        let pair = ffi::generate_rsa(bits).expect("a key");
        let key = AsymmetricKey::from_pkcs8(spec, &pair.pkcs8).expect("own key");
        let key = ffi::private_lanes(&key, kernel).expect("a usual key");
        let (input, mut out) = ([[5; WORDS_MAX]; LANES], [[0; WORDS_MAX]; LANES]);
        let mut below = input;
        for number in &mut below {
            number[key.public.n.len() - 1] = 1;
            number[key.public.n.len()..].fill(0);
        }
        let keys: [&PrivateLanes; LANES] = [&key; LANES];
        counts.count(&format!("{name}-sign"), LANES, || {
            assert_eq!(rsa::private(&keys, &below, &mut out), Ok([false; LANES]));
        });
        counts.count(&format!("{name}-verify"), LANES, || {
            rsa::public(&keys.map(|k| &k.public), &below, &mut out).expect("a kernel");
        });
    }
    take();
    for _ in 0..KEY_PAIRS {
        generate_pairs(kernel, 2048, 1).expect("a pair");
    }
    counts.note("rsa2048-keygen", 1, KEY_PAIRS);
}

fn count_curves(counts: &mut Counts, kernels: Kernels, jobs: usize) {
    for (name, curve, digest) in [
        ("p256", CurveName::P256, 32),
        ("p384", CurveName::P384, 48),
        ("p521", CurveName::P521, 64),
        ("secp256k1", CurveName::Secp256k1, 32),
    ] {
        let digest = vec![9; digest];
        let scalars: Vec<_> = (0..jobs as u64)
            .map(|i| {
                let mut scalar = [0; WORDS];
                scalar[..4].copy_from_slice(&[i + 3, 0x1234_5678_9abc_def1, i << 40, i + 77]);
                scalar
            })
            .collect();
        let mut public: Vec<_> = scalars.iter().map(ec::PublicJob::new).collect();
        batch::public(kernels, curve, &mut public);
        let points: Vec<_> = public.iter().map(|job| job.point).collect();
        let mut sign: Vec<_> = scalars.iter().map(|d| ec::SignJob::new(d, &digest)).collect();
        counts.count(&format!("{name}-sign"), jobs, || {
            batch::sign(kernels, curve, Nonces::Hedged, &mut sign);
        });
        let mut verify: Vec<_> = (sign.iter().zip(&points))
            .map(|(job, point)| ec::VerifyJob::new(point, &digest, &job.signature[..job.len]))
            .collect();
        counts.count(&format!("{name}-verify"), jobs, || {
            batch::verify(kernels, curve, &mut verify);
        });
        assert!(verify.iter().all(|job| job.status == Status::Ok));
        if curve == CurveName::Secp256k1 {
            continue;
        }
        let mut agree: Vec<_> =
            scalars.iter().zip(&points).map(|(d, peer)| ec::AgreeJob::new(d, peer)).collect();
        counts.count(&format!("{name}-ecdh"), jobs, || {
            batch::agree(kernels, curve, &mut agree);
        });
        assert!(agree.iter().all(|job| job.status == Status::Ok));
    }
}

fn count_ed25519(counts: &mut Counts, kernels: Kernels, jobs: usize) {
    let message = [3; 64];
    let keys: Vec<_> = (0..jobs)
        .map(|i| {
            let mut key = ed25519::Expanded::default();
            key.set(&[i as u8; 32]);
            key
        })
        .collect();
    let mut public: Vec<_> = keys.iter().map(ed25519::PublicJob::new).collect();
    ed25519::batch::public(kernels, &mut public);
    let mut decoded: Vec<_> =
        public.iter().map(|job| ed25519::DecodeJob::new(&job.public)).collect();
    ed25519::batch::decode(kernels, &mut decoded);
    let points: Vec<_> = decoded
        .iter()
        .map(|job| ed25519::PublicKey { encoded: *job.encoded, point: job.point })
        .collect();
    let variant = ed25519::Variant::Pure;
    let mut sign: Vec<_> = keys
        .iter()
        .zip(&points)
        .map(|(key, public)| ed25519::SignJob::new(key, &public.encoded, variant, &message))
        .collect();
    counts.count("ed25519-sign", jobs, || ed25519::batch::sign(kernels, &mut sign));
    let mut verify: Vec<_> = (points.iter().zip(&sign))
        .map(|(key, job)| ed25519::VerifyJob::new(key, variant, &message, &job.signature))
        .collect();
    counts.count("ed25519-verify", jobs, || ed25519::batch::verify(kernels, &mut verify));
    assert!(verify.iter().all(|job| job.status == Status::Ok));
}

#[test]
fn multiply_counts_are_those_of_the_file() {
    let known = std::fs::read_to_string(FILE).unwrap_or_default();
    let mut all = HEADER.to_owned();
    for (class, kernel) in [(Class::Ifma, Kernel::Ifma), (Class::Avx2, Kernel::Avx2)] {
        let Some(kernels) = Kernels::of_class(class) else { continue };
        let mut counts = Counts { class: class.name(), lines: String::new() };
        count_rsa(&mut counts, kernel);
        for jobs in BATCHES {
            count_curves(&mut counts, kernels, jobs);
            count_ed25519(&mut counts, kernels, jobs);
        }
        print!("{}", counts.lines);
        all += &counts.lines;
        if std::env::var_os("UPDATE_COUNTS").is_none() {
            for line in counts.lines.lines().filter(|line| !line.contains("keygen")) {
                assert!(known.lines().any(|other| other == line), "not in {FILE}: {line}");
            }
        }
    }
    if std::env::var_os("UPDATE_COUNTS").is_some() {
        std::fs::write(FILE, all).expect("the file");
    }
}
