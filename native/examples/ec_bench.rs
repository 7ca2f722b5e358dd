//! Kernels of the curves against AWS-LC and libsecp256k1 in one process: interleaved medians.
//!
//! `cargo run --release --no-default-features --example ec_bench [filter] [batch] [class]`
use keystrel_native::ec::batch::{self, CurveName, Kernels};
use keystrel_native::ec::{AgreeJob, Nonces, PublicJob, SignJob, VerifyJob, scalar};
use keystrel_native::ffi::{self, AsymmetricKey};
use keystrel_native::frame::spec;
use std::hint::black_box;

/// CPU time of this thread in seconds: other processes on the core do not count.
fn cpu_time() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the clock writes into `time`.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

const ROUNDS: usize = 9;

fn median(mut x: Vec<f64>) -> f64 {
    x.sort_by(f64::total_cmp);
    x[x.len() / 2]
}

/// Seconds per operation of each contender, rounds interleaved.
fn race(jobs: usize, contenders: &mut [(&str, Box<dyn FnMut() + '_>)]) -> Vec<f64> {
    let mut times = vec![Vec::new(); contenders.len()];
    let mut repeats = vec![1usize; contenders.len()];
    for (i, (_, run)) in contenders.iter_mut().enumerate() {
        run();
        let start = cpu_time();
        run();
        repeats[i] = (0.02 / (cpu_time() - start)).ceil() as usize;
    }
    for _ in 0..ROUNDS {
        for (i, (_, run)) in contenders.iter_mut().enumerate() {
            let start = cpu_time();
            for _ in 0..repeats[i] {
                run();
            }
            times[i].push((cpu_time() - start) / (repeats[i] * jobs) as f64);
        }
    }
    times.into_iter().map(median).collect()
}

fn report(name: &str, contenders: &[&str], times: &[f64]) {
    let mut line = format!("{name:18}");
    for (name, time) in contenders.iter().zip(times) {
        line += &format!(" {name} {:9.0}/s", 1.0 / time);
    }
    for time in &times[1..] {
        line += &format!("  x{:.2}", times[0] / time);
    }
    println!("{line}");
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let filter = arguments.first().cloned().unwrap_or_default();
    let size = arguments.get(1).and_then(|n| n.parse().ok()).unwrap_or(64);
    let only = arguments.get(2).cloned().unwrap_or_default();
    let kernels: Vec<Kernels> = Kernels::all()
        .into_iter()
        .filter(|k| k.name() != "portable" && (only.is_empty() || only == k.name()))
        .collect();
    println!(
        "{}; batches of {size}; operations per second, one core",
        keystrel_native::cpu::brand()
    );
    let curves = [
        ("p256", CurveName::P256, spec::ECC_NIST_P256, 32),
        ("p384", CurveName::P384, spec::ECC_NIST_P384, 48),
        ("p521", CurveName::P521, spec::ECC_NIST_P521, 64),
        ("secp256k1", CurveName::Secp256k1, spec::ECC_SECG_P256K1, 32),
    ];
    let mut names = vec!["library"];
    names.extend(kernels.iter().map(|k| k.name()));
    for (name, curve, spec, digest_len) in curves {
        let wanted = |operation: &str| format!("{name}-{operation}").contains(&filter);
        if !["sign", "verify", "ecdh", "public"].into_iter().any(wanted) {
            continue;
        }
        let keys: Vec<AsymmetricKey> = (0..size)
            .map(|_| {
                let pair = ffi::generate_ec(spec).expect("a pair");
                AsymmetricKey::from_pkcs8(spec, &pair.pkcs8).expect("a key")
            })
            .collect();
        let scalars: Vec<_> = keys
            .iter()
            .map(|key| scalar::from_bytes(&ffi::private_scalar(key).expect("a scalar")))
            .collect();
        let points: Vec<_> = keys
            .iter()
            .map(|key| {
                let bytes = ffi::public_point(key).expect("a point");
                let len = (bytes.len() - 1) / 2;
                [scalar::from_bytes(&bytes[1..=len]), scalar::from_bytes(&bytes[1 + len..])]
            })
            .collect();
        let digest = vec![7u8; digest_len];
        let mut signatures = vec![Vec::new(); size];
        for (key, signature) in keys.iter().zip(&mut signatures) {
            let mut out = [0; 160];
            let len = ffi::ecdsa_sign(key, &digest, &mut out).expect("a signature");
            signature.extend_from_slice(&out[..len]);
        }
        let mut contenders: Vec<(&str, Box<dyn FnMut() + '_>)> = vec![(
            "library",
            Box::new(|| {
                for key in &keys {
                    black_box(ffi::ecdsa_sign(key, &digest, &mut [0; 160])).expect("a signature");
                }
            }),
        )];
        for k in &kernels {
            contenders.push((
                k.name(),
                Box::new(|| {
                    let mut jobs: Vec<_> =
                        scalars.iter().map(|d| SignJob::new(d, &digest)).collect();
                    batch::sign(*k, curve, Nonces::Hedged, &mut jobs);
                    black_box(&jobs);
                }),
            ));
        }
        if wanted("sign") {
            report(&format!("{name}-sign"), &names, &race(size, &mut contenders));
        }
        let mut contenders: Vec<(&str, Box<dyn FnMut() + '_>)> = vec![(
            "library",
            Box::new(|| {
                for (key, signature) in keys.iter().zip(&signatures) {
                    ffi::ecdsa_verify(key, &digest, signature).expect("a good signature");
                }
            }),
        )];
        for k in &kernels {
            contenders.push((
                k.name(),
                Box::new(|| {
                    let mut jobs: Vec<_> = points
                        .iter()
                        .zip(&signatures)
                        .map(|(p, s)| VerifyJob::new(p, &digest, s))
                        .collect();
                    batch::verify(*k, curve, &mut jobs);
                    black_box(&jobs);
                }),
            ));
        }
        if wanted("verify") {
            report(&format!("{name}-verify"), &names, &race(size, &mut contenders));
        }
        let mut contenders: Vec<(&str, Box<dyn FnMut() + '_>)> = vec![(
            "library",
            Box::new(|| {
                for (i, key) in keys.iter().enumerate() {
                    black_box(ffi::ecdh(key, &keys[(i + 1) % size], &mut [0; 66]))
                        .expect("a secret");
                }
            }),
        )];
        for k in &kernels {
            contenders.push((
                k.name(),
                Box::new(|| {
                    let mut jobs: Vec<_> =
                        scalars.iter().zip(&points).map(|(d, p)| AgreeJob::new(d, p)).collect();
                    batch::agree(*k, curve, &mut jobs);
                    black_box(&jobs);
                }),
            ));
        }
        if wanted("ecdh") {
            report(&format!("{name}-ecdh"), &names, &race(size, &mut contenders));
        }
        let mut contenders: Vec<(&str, Box<dyn FnMut() + '_>)> = vec![(
            "library",
            Box::new(|| {
                for _ in 0..size {
                    black_box(ffi::generate_ec(spec)).expect("a pair");
                }
            }),
        )];
        for k in &kernels {
            contenders.push((
                k.name(),
                Box::new(|| {
                    let mut jobs: Vec<_> = scalars.iter().map(PublicJob::new).collect();
                    batch::public(*k, curve, &mut jobs);
                    black_box(&jobs);
                }),
            ));
        }
        if wanted("public") {
            report(&format!("{name}-public"), &names, &race(size, &mut contenders));
        }
    }
}
