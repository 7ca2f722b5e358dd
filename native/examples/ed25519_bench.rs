//! Ed25519 kernels against AWS-LC in one process: interleaved rounds, medians of CPU time.
//!
//! `cargo run --release --no-default-features --example ed25519_bench [batch]`
use aws_lc_sys as lc;
use keystrel_native::ec::batch::Kernels;
use keystrel_native::ec::ed25519::{
    DecodeJob, Expanded, PublicKey, SignJob, Variant, VerifyJob, batch,
};
use std::hint::black_box;

const ROUNDS: usize = 15;
const MESSAGE: [u8; 64] = [7; 64];

/// CPU time of this thread in seconds: other processes on the core do not count.
fn cpu_time() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the clock writes into `time`.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

struct Key {
    private: [u8; 64],
    expanded: Expanded,
    public: PublicKey,
    signature: [u8; 64],
}

fn key(number: usize) -> Key {
    let seed = std::array::from_fn(|i| (number >> (8 * (i % 4))) as u8);
    let (mut public, mut private, mut signature) = ([0u8; 32], [0u8; 64], [0u8; 64]);
    // SAFETY: the buffers have the lengths that the functions want.
    unsafe {
        lc::ED25519_keypair_from_seed(public.as_mut_ptr(), private.as_mut_ptr(), seed.as_ptr());
        let (text, len) = (MESSAGE.as_ptr(), MESSAGE.len());
        lc::ED25519_sign(signature.as_mut_ptr(), text, len, private.as_ptr());
    }
    let mut expanded = Expanded::default();
    expanded.set(&seed);
    let mut jobs = [DecodeJob::new(&public)];
    batch::decode(Kernels::portable(), &mut jobs);
    let point = jobs[0].point;
    Key { private, expanded, public: PublicKey { encoded: public, point }, signature }
}

/// A name, and what is timed.
type Contender<'a> = (String, Box<dyn FnMut() + 'a>);

fn sign_contenders<'a>(keys: &'a [Key], kernels: &[Kernels]) -> Vec<Contender<'a>> {
    let library = move || {
        for key in keys {
            let mut out = [0u8; 64];
            let (text, len) = (MESSAGE.as_ptr(), MESSAGE.len());
            // SAFETY: as above.
            unsafe { lc::ED25519_sign(out.as_mut_ptr(), text, len, key.private.as_ptr()) };
            black_box(out);
        }
    };
    let mut all: Vec<Contender<'a>> = vec![("sign, AWS-LC".to_owned(), Box::new(library))];
    for kernels in kernels.iter().copied() {
        let run = move || {
            let mut jobs: Vec<_> = keys
                .iter()
                .map(|k| SignJob::new(&k.expanded, &k.public.encoded, Variant::Pure, &MESSAGE))
                .collect();
            batch::sign(kernels, &mut jobs);
            black_box(&jobs);
        };
        all.push((format!("sign, {}", kernels.name()), Box::new(run)));
    }
    all
}

fn verify_contenders<'a>(keys: &'a [Key], kernels: &[Kernels]) -> Vec<Contender<'a>> {
    let library = move || {
        for key in keys {
            let (text, len) = (MESSAGE.as_ptr(), MESSAGE.len());
            let (signature, public) = (key.signature.as_ptr(), key.public.encoded.as_ptr());
            // SAFETY: as above.
            assert_eq!(unsafe { lc::ED25519_verify(text, len, signature, public) }, 1);
        }
    };
    let mut all: Vec<Contender<'a>> = vec![("verify, AWS-LC".to_owned(), Box::new(library))];
    for kernels in kernels.iter().copied() {
        let run = move || {
            let mut jobs: Vec<_> = keys
                .iter()
                .map(|k| VerifyJob::new(&k.public, Variant::Pure, &MESSAGE, &k.signature))
                .collect();
            batch::verify(kernels, &mut jobs);
            black_box(&jobs);
        };
        all.push((format!("verify, {}", kernels.name()), Box::new(run)));
    }
    all
}

fn race(jobs: usize, contenders: &mut [Contender<'_>]) {
    let mut times = vec![Vec::with_capacity(ROUNDS); contenders.len()];
    let mut repeats = Vec::with_capacity(contenders.len());
    for (_, run) in contenders.iter_mut() {
        run();
        let start = cpu_time();
        run();
        repeats.push((0.005 / (cpu_time() - start)).ceil() as usize);
    }
    for _ in 0..ROUNDS {
        for (i, (_, run)) in contenders.iter_mut().enumerate() {
            let start = cpu_time();
            for _ in 0..repeats[i] {
                run();
            }
            times[i].push((cpu_time() - start) * 1e6 / (repeats[i] * jobs) as f64);
        }
    }
    let mut library = 0.0;
    for (i, (name, _)) in contenders.iter().enumerate() {
        times[i].sort_by(f64::total_cmp);
        let median = times[i][ROUNDS / 2];
        if i == 0 {
            library = median;
        }
        println!(
            "{name:18} {median:8.3} µs, a batch {:9.2} µs, x{:.2}",
            median * jobs as f64,
            library / median
        );
    }
}

fn main() {
    let size = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(64);
    println!("{}; batches of {size}; µs of one core per job", keystrel_native::cpu::brand());
    let keys: Vec<Key> = (0..size).map(key).collect();
    let kernels = Kernels::all();
    race(size, &mut sign_contenders(&keys, &kernels));
    race(size, &mut verify_contenders(&keys, &kernels));
}
