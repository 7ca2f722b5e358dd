//! The kernels of every class that this CPU has against AWS-LC (for secp256k1: libsecp256k1), on random
//! jobs with edge cases among them: scalars 0, 1, n - 1, n, n + 1, short ones, all ones; infinity, equal
//! and opposite points; extreme moduli; batches of every size; good jobs beside bad ones.
//!
//! `cargo test` runs the usual numbers of jobs, `-- --ignored` the long ones; other arguments choose
//! families by a part of their names. Work is cut into units, each with a random stream of its own, so
//! that the outcome does not depend on the number of threads. SEED=n repeats a run, JOBS=n sets the
//! number of jobs of each primitive, THREADS=n the number of threads.
mod curves;
mod ed25519;
mod edge_keys;
mod keygen;
mod lc;
#[path = "../class_agreement/random.rs"]
#[allow(dead_code, reason = "shared; one program does not use all of it")]
mod random;
mod rsa;
mod rsa_keys;
mod short;

use keystrel_native::cpu;
use keystrel_native::ec::batch::Kernels;
use keystrel_native::rsa::lane_key::Kernel;
use random::Random;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// A class of kernels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Class {
    Ifma,
    Avx2,
    Portable,
}

impl Class {
    fn name(self) -> &'static str {
        match self {
            Class::Ifma => "ifma",
            Class::Avx2 => "avx2",
            Class::Portable => "portable",
        }
    }

    fn is_here(self) -> bool {
        self.rsa().is_available()
    }

    pub fn rsa(self) -> Kernel {
        match self {
            Class::Ifma => Kernel::Ifma,
            Class::Avx2 => Kernel::Avx2,
            Class::Portable => Kernel::Portable,
        }
    }

    pub fn ec(self) -> Kernels {
        let class = match self {
            Class::Ifma => cpu::Class::Ifma,
            Class::Avx2 => cpu::Class::Avx2,
            Class::Portable => return Kernels::portable(),
        };
        Kernels::of_class(class).expect("the CPU has the class")
    }
}

/// What a unit has compared.
#[derive(Clone, Copy, Default)]
pub struct Done {
    pub jobs: usize,
    /// Jobs that both sides refused.
    pub refused: usize,
}

/// Runs at least so many jobs of a class; panics where the two sides differ.
type Run = fn(&mut Random, Class, usize) -> Done;

struct Primitive {
    /// The family and the member of it.
    name: [&'static str; 2],
    against: &'static str,
    run: Run,
    /// Jobs of the vector classes in the usual suite and in the slow one; of the portable twin.
    jobs: [usize; 2],
    portable: [usize; 2],
    /// Jobs of one unit.
    unit: usize,
}

fn all() -> Vec<Primitive> {
    let row = |family, member, run: Run, jobs, portable, unit| {
        let against = match (family, member) {
            (_, "secp256k1") => "libsecp256k1",
            _ => "AWS-LC",
        };
        Primitive { name: [family, member], against, run, jobs, portable, unit }
    };
    vec![
        row("RSA private", "2048", rsa::private_2048, [16_000, 800_000], [500, 5_000], 500),
        row("RSA private", "3072", rsa::private_3072, [2_500, 120_000], [100, 1_000], 100),
        row("RSA private", "4096", rsa::private_4096, [1_600, 80_000], [60, 600], 60),
        row("RSA public", "2048", rsa::public_2048, [12_000, 600_000], [1_000, 20_000], 1_000),
        row("RSA public", "3072", rsa::public_3072, [4_500, 225_000], [500, 10_000], 500),
        row("RSA public", "4096", rsa::public_4096, [4_500, 225_000], [500, 10_000], 500),
        row("ECDSA sign", "P-256", curves::sign_p256, [8_000, 400_000], [1_000, 20_000], 1_000),
        row("ECDSA sign", "P-384", curves::sign_p384, [4_000, 200_000], [500, 10_000], 500),
        row("ECDSA sign", "P-521", curves::sign_p521, [3_000, 150_000], [300, 6_000], 300),
        row("ECDSA sign", "secp256k1", curves::sign_k256, [6_000, 300_000], [1_000, 20_000], 1_000),
        row("ECDSA verify", "P-256", curves::verify_p256, [8_000, 400_000], [500, 10_000], 500),
        row("ECDSA verify", "P-384", curves::verify_p384, [4_000, 200_000], [200, 4_000], 200),
        row("ECDSA verify", "P-521", curves::verify_p521, [3_000, 150_000], [150, 3_000], 150),
        row("ECDSA verify", "secp256k1", curves::verify_k256, [6_000, 300_000], [500, 10_000], 500),
        row("ECDH", "P-256", curves::agree_p256, [9_000, 450_000], [500, 10_000], 500),
        row("ECDH", "P-384", curves::agree_p384, [4_500, 225_000], [200, 4_000], 200),
        row("ECDH", "P-521", curves::agree_p521, [3_500, 175_000], [150, 3_000], 150),
        row("ECDH", "secp256k1", curves::agree_k256, [4_000, 200_000], [500, 10_000], 500),
        row("EC key pairs", "P-256", curves::public_p256, [8_000, 400_000], [1_000, 20_000], 1_000),
        row("EC key pairs", "P-384", curves::public_p384, [4_000, 200_000], [500, 10_000], 500),
        row("EC key pairs", "P-521", curves::public_p521, [3_000, 150_000], [300, 6_000], 300),
        row(
            "EC key pairs",
            "secp256k1",
            curves::public_k256,
            [6_000, 300_000],
            [1_000, 20_000],
            1_000,
        ),
        row("Ed25519 sign", "", ed25519::sign, [20_000, 1_000_000], [2_000, 40_000], 2_000),
        row("Ed25519 verify", "", ed25519::verify, [20_000, 1_000_000], [1_000, 20_000], 1_000),
        row("Ed25519 key pairs", "", ed25519::public, [20_000, 1_000_000], [2_000, 40_000], 2_000),
        row("AES-256-GCM frames", "", short::aes_gcm, [20_000, 1_000_000], [0, 0], 2_000),
        row("HMAC frames", "", short::hmac, [20_000, 1_000_000], [0, 0], 2_000),
        row("RSA primes", "2048", keygen::primes_2048, [128, 20_000], [16, 160], 16),
        row("RSA primes", "3072", keygen::primes_3072, [32, 1_000], [0, 0], 16),
        row("RSA primes", "4096", keygen::primes_4096, [16, 500], [0, 0], 16),
    ]
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// One primitive on one class, on all threads. The failed unit's message, or what was done.
fn run(primitive: &Primitive, class: Class, jobs: usize, seed: u64) -> Result<Done, String> {
    let units = jobs.div_ceil(primitive.unit);
    let each = jobs.div_ceil(units);
    let next = AtomicUsize::new(0);
    let [family, member] = primitive.name;
    let work = || {
        let mut done = Done::default();
        loop {
            let unit = next.fetch_add(1, Ordering::Relaxed);
            if unit >= units {
                return Ok(done);
            }
            let name = format!("{family} {member} {} {unit}", class.name());
            let mut random = Random::new(seed, &name);
            let run = || (primitive.run)(&mut random, class, each);
            match catch_unwind(AssertUnwindSafe(run)) {
                Ok(some) => {
                    done.jobs += some.jobs;
                    done.refused += some.refused;
                }
                Err(_) => {
                    next.store(units, Ordering::Relaxed);
                    return Err(format!("unit {unit} of {name}"));
                }
            }
        }
    };
    let threads = number("THREADS").map_or_else(
        || std::thread::available_parallelism().map_or(1, usize::from),
        |n| n as usize,
    );
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_fold(Done::default(), |sum, worker| {
            let done = worker.join().expect("panics are caught")?;
            Ok(Done { jobs: sum.jobs + done.jobs, refused: sum.refused + done.refused })
        })
    })
}

/// The classes of a primitive, and how each runs. What works on frames has the class in force alone.
fn classes(primitive: &Primitive) -> Vec<(Class, &'static str)> {
    if primitive.name[0].ends_with("frames") {
        return match cpu::class() {
            (cpu::Class::Ifma, _) => vec![(Class::Ifma, "natively")],
            (cpu::Class::Avx2, None) => vec![(Class::Avx2, "natively")],
            (cpu::Class::Avx2, Some(_)) => vec![(Class::Avx2, "forced")],
            (cpu::Class::Generic, _) => Vec::new(),
        };
    }
    [Class::Ifma, Class::Avx2, Class::Portable]
        .into_iter()
        .filter(|class| class.is_here())
        .map(|class| (class, "natively"))
        .collect()
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let suite = usize::from(args.iter().any(|a| a == "--ignored" || a == "--include-ignored"));
    let filters: Vec<&String> =
        args.iter().filter(|a| !a.starts_with('-') && a.parse::<u32>().is_err()).collect();
    let seed = number("SEED").unwrap_or_else(|| {
        std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(1, |t| t.as_nanos() as u64 >> 10)
    });
    println!("differential test on {}: SEED={seed}", cpu::brand());
    for class in [Class::Ifma, Class::Avx2].into_iter().filter(|class| !class.is_here()) {
        println!("class {}: not on this CPU", class.name());
    }
    let (mut passed, mut failed) = (0, 0);
    let mut totals: Vec<(&str, &str, usize)> = Vec::new();
    for primitive in all() {
        let [family, member] = primitive.name;
        let kind = if family.ends_with("frames") { "frame::" } else { "" };
        let name = format!("slow_ {kind} {family} {member}");
        if !filters.is_empty() && !filters.iter().any(|f| name.contains(f.as_str())) {
            continue;
        }
        for (class, how) in classes(&primitive) {
            let usual = if class == Class::Portable { primitive.portable } else { primitive.jobs };
            let jobs = number("JOBS").map_or(usual[suite], |n| n as usize);
            if jobs == 0 {
                continue;
            }
            let since = Instant::now();
            let outcome = run(&primitive, class, jobs, seed);
            let (text, verdict) = match &outcome {
                Ok(d) => (format!("{} jobs, {} refused by both", d.jobs, d.refused), "ok"),
                Err(unit) => (format!("differs in {unit}, SEED={seed}"), "FAILED"),
            };
            println!(
                "differential {family} {member}: {} ({how}) against {}, {text} ... {verdict} ({:.1} s)",
                class.name(),
                primitive.against,
                since.elapsed().as_secs_f64()
            );
            match outcome {
                Ok(done) => {
                    passed += 1;
                    match totals.iter_mut().find(|t| t.0 == family && t.1 == class.name()) {
                        Some(total) => total.2 += done.jobs,
                        None => totals.push((family, class.name(), done.jobs)),
                    }
                }
                Err(_) => failed += 1,
            }
        }
    }
    for (family, class, jobs) in totals {
        println!("differential family {family}: {jobs} jobs, {class}");
    }
    let verdict = if failed == 0 { "ok" } else { "FAILED" };
    println!("\ntest result: {verdict}. {passed} passed; {failed} failed; 0 ignored");
    std::process::exit(i32::from(failed > 0));
}
