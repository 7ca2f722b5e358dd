//! RSA jobs per second on one core: batches of 64 jobs through the multi-buffer kernels, and the same
//! jobs one by one through AWS-LC, in interleaved rounds; medians.
//!
//! `cargo run --release --no-default-features --example rsa_batch [portable|avx2|ifma] [bits]`
use keystrel_native::ffi::{self, AsymmetricKey};
use keystrel_native::frame::{Status, alg, spec};
use keystrel_native::keygen::generate_pairs;
use keystrel_native::rsa::{self, LaneKey, RsaJob, lane_key::Kernel};

/// CPU time of this thread: other processes on the core do not count.
struct Clock(f64);

impl Clock {
    fn seconds() -> f64 {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: `time` is writable.
        unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
        time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
    }
    fn now() -> Self {
        Clock(Self::seconds())
    }
    fn elapsed(&self) -> f64 {
        Self::seconds() - self.0
    }
}

const JOBS: usize = 64;

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}

fn main() {
    let kernel = match std::env::args().nth(1).as_deref() {
        Some("portable") => Kernel::Portable,
        Some("avx2") => Kernel::Avx2,
        _ => Kernel::in_force().unwrap_or(Kernel::Portable),
    };
    println!("{}, kernels {kernel:?}", keystrel_native::cpu::brand());
    let only: Option<i32> = std::env::args().nth(2).and_then(|bits| bits.parse().ok());
    for spec in [spec::RSA_2048, spec::RSA_3072, spec::RSA_4096] {
        let bits = 2048 + 1024 * i32::from(spec - spec::RSA_2048);
        if only.is_some_and(|only| only != bits) {
            continue;
        }
        let keys: Vec<(AsymmetricKey, LaneKey)> = (0..4)
            .map(|_| {
                let pair = ffi::generate_rsa(bits).expect("a key");
                let key = AsymmetricKey::from_pkcs8(spec, &pair.pkcs8).expect("own key");
                let lanes = LaneKey::for_kernel(&key, kernel);
                (key, lanes)
            })
            .collect();
        let digest = [9u8; 32];
        let mut signatures = vec![vec![0u8; bits as usize / 8]; JOBS];
        let mut nothing = vec![Vec::new(); JOBS];
        let (mut batch, mut single, mut check, mut check_single) = (vec![], vec![], vec![], vec![]);
        for _ in 0..15 {
            let mut jobs: Vec<RsaJob<'_>> = signatures
                .iter_mut()
                .enumerate()
                .map(|(i, out)| job(&keys[i % 4], &digest, &[], out))
                .collect();
            let start = Clock::now();
            rsa::sign_batch(&mut jobs);
            batch.push(JOBS as f64 / start.elapsed());
            assert!(jobs.iter().all(|j| j.result.is_ok()));
            let start = Clock::now();
            let mut out = vec![0u8; bits as usize / 8];
            for key in &keys {
                rsa::sign(&key.0, alg::RSASSA_PKCS1_V1_5_SHA_256, &digest, true, &mut out)
                    .expect("a signature");
            }
            single.push(4.0 / start.elapsed());
            let start = Clock::now();
            for _ in 0..20 {
                let mut jobs: Vec<RsaJob<'_>> = nothing
                    .iter_mut()
                    .enumerate()
                    .map(|(i, out)| job(&keys[i % 4], &digest, &signatures[i], out))
                    .collect();
                rsa::verify_batch(&mut jobs);
                assert!(jobs.iter().all(|j| j.result.is_ok()));
            }
            check.push(20.0 * JOBS as f64 / start.elapsed());
            let start = Clock::now();
            for (i, signature) in signatures.iter().enumerate() {
                let key = &keys[i % 4].0;
                rsa::verify(key, alg::RSASSA_PKCS1_V1_5_SHA_256, &digest, true, signature)
                    .expect("good");
            }
            check_single.push(JOBS as f64 / start.elapsed());
        }
        let [batch, single, check, check_single] = [batch, single, check, check_single].map(median);
        println!(
            "RSA-{bits}: sign {batch:.0}/s (AWS-LC {single:.0}, {:.2}x), verify {check:.0}/s \
             (AWS-LC {check_single:.0}, {:.2}x)",
            batch / single,
            check / check_single
        );
        let (mut made, mut made_single) = (vec![], vec![]);
        for _ in 0..if bits == 2048 { 60 } else { 12 } {
            let start = Clock::now();
            generate_pairs(kernel, bits as usize, 1).expect("a pair");
            made.push(start.elapsed());
            let start = Clock::now();
            ffi::generate_rsa(bits).expect("a pair");
            made_single.push(start.elapsed());
        }
        let mean = |x: &[f64]| x.len() as f64 / x.iter().sum::<f64>();
        let start = Clock::now();
        generate_pairs(kernel, bits as usize, 16).expect("pairs");
        println!(
            "RSA-{bits}: key generation {:.1}/s, 16 together {:.1}/s (AWS-LC {:.1}/s)",
            mean(&made),
            16.0 / start.elapsed(),
            mean(&made_single)
        );
    }
}

fn job<'a>(
    key: &'a (AsymmetricKey, LaneKey),
    digest: &'a [u8],
    signature: &'a [u8],
    out: &'a mut [u8],
) -> RsaJob<'a> {
    RsaJob {
        key: &key.0,
        lanes: &key.1,
        algorithm: alg::RSASSA_PKCS1_V1_5_SHA_256,
        input: digest,
        is_digest: true,
        signature,
        out,
        result: Err(Status::Pending),
    }
}
