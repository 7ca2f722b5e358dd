//! Every class of CPU against the portable twin, primitive by primitive, on the same inputs.
//!
//! Three uses of one program:
//! * `cargo test`: the classes that this CPU has; `-- --ignored` runs the long version.
//! * `--write-answers FILE`: the portable twin's results, one hash per job;
//!   `--read-answers FILE CLASS`: a class against them, also the twin itself on another CPU or in Miri.
//! * as process 1 of an emulated machine (see scripts/native-emulated.sh): the IFMA kernels against
//!   the answers, which lie in `/answers`. There the twin would take hours.
//!
//! SEED=n repeats a run; AGREEMENT_JOBS=n sets the number of jobs of each primitive.
mod ec;
mod ed25519;
mod machine;
mod random;
mod rsa;
mod vector;

use keystrel_native::cpu;
use machine::{Machine, PortableMachine};
use random::Random;
use std::io::Write;
use std::time::Instant;

type Run = fn(&mut Random, usize) -> Vec<u64>;

/// A class's name, whether this CPU has it, and the primitive on it.
type ClassRun = (&'static str, fn() -> bool, Run);

struct Primitive {
    name: &'static str,
    /// Jobs in the normal, the slow and the emulated suite.
    jobs: [usize; 3],
    portable: Run,
    classes: &'static [ClassRun],
}

macro_rules! primitive {
    ($name:literal, $run:path, $normal:literal, $slow:literal, $emulated:literal) => {{
        use $run as run;
        Primitive {
            name: $name,
            jobs: [$normal, $slow, $emulated],
            portable: run::<PortableMachine>,
            classes: &[
                #[cfg(target_arch = "x86_64")]
                (
                    machine::IfmaMachine::NAME,
                    machine::IfmaMachine::is_here,
                    run::<machine::IfmaMachine>,
                ),
                #[cfg(target_arch = "x86_64")]
                (
                    machine::Avx2Machine::NAME,
                    machine::Avx2Machine::is_here,
                    run::<machine::Avx2Machine>,
                ),
            ],
        }
    }};
}

/// One line per primitive: name, function, jobs in the normal, slow and emulated suite. The twin sets the
/// pace; the million of each family is compared with AWS-LC, in tests/differential.
fn all() -> Vec<Primitive> {
    vec![
        primitive!("vector", vector::run, 20_000, 1_000_000, 20_000),
        primitive!("products", vector::products, 20_000, 1_000_000, 20_000),
        primitive!("rsa2048-public", rsa::public_2048, 20_000, 200_000, 2_000),
        primitive!("rsa3072-public", rsa::public_3072, 2_000, 100_000, 2_000),
        primitive!("rsa4096-public", rsa::public_4096, 2_000, 50_000, 2_000),
        primitive!("rsa2048-private", rsa::private_2048, 2_000, 20_000, 2_000),
        primitive!("rsa3072-private", rsa::private_3072, 200, 4_000, 2_000),
        primitive!("rsa4096-private", rsa::private_4096, 200, 2_000, 2_000),
        primitive!("p256-sign", ec::sign_p256, 8_000, 100_000, 2_000),
        primitive!("p256-verify", ec::verify_p256, 8_000, 100_000, 2_000),
        primitive!("p256-agree", ec::agree_p256, 8_000, 100_000, 2_000),
        primitive!("p256-public", ec::public_p256, 8_000, 100_000, 2_000),
        primitive!("k256-sign", ec::sign_k256, 8_000, 100_000, 2_000),
        primitive!("k256-verify", ec::verify_k256, 8_000, 100_000, 2_000),
        primitive!("k256-agree", ec::agree_k256, 8_000, 100_000, 2_000),
        primitive!("k256-public", ec::public_k256, 8_000, 100_000, 2_000),
        primitive!("ed25519-sign", ed25519::sign, 20_000, 200_000, 2_000),
        primitive!("ed25519-verify", ed25519::verify, 8_000, 100_000, 2_000),
        primitive!("ed25519-public", ed25519::public, 20_000, 200_000, 2_000),
        primitive!("p384-sign", ec::sign_p384, 3_000, 30_000, 2_000),
        primitive!("p384-verify", ec::verify_p384, 3_000, 30_000, 2_000),
        primitive!("p384-agree", ec::agree_p384, 3_000, 30_000, 2_000),
        primitive!("p384-public", ec::public_p384, 3_000, 30_000, 2_000),
        primitive!("p521-sign", ec::sign_p521, 1_000, 10_000, 2_000),
        primitive!("p521-verify", ec::verify_p521, 1_000, 10_000, 2_000),
        primitive!("p521-agree", ec::agree_p521, 1_000, 10_000, 2_000),
        primitive!("p521-public", ec::public_p521, 1_000, 10_000, 2_000),
    ]
}

/// Those that can run here: Miri has no foreign functions, which RSA keys and curves need.
fn primitives() -> Vec<Primitive> {
    all().into_iter().filter(|p| !cfg!(miri) || matches!(p.name, "vector" | "products")).collect()
}

#[derive(Clone, Copy, PartialEq)]
enum Suite {
    Normal,
    Slow,
    Emulated,
}

#[derive(Default)]
struct Tally {
    passed: usize,
    failed: usize,
}

impl Tally {
    /// Prints one line per primitive and class. `passed` and `failed` count those lines.
    fn compare(&mut self, what: [&str; 3], want: &[u64], got: &[u64], since: Instant) {
        let [primitive, class, how] = what;
        let wrong: Vec<usize> = (0..want.len()).filter(|&i| got.get(i) != Some(&want[i])).collect();
        let ok = wrong.is_empty() && want.len() == got.len() && !want.is_empty();
        let verdict = if ok { "ok" } else { "FAILED" };
        println!(
            "class agreement {primitive}: {class} ({how}) against portable, {} jobs, {} failed ... {verdict} ({:.1} s)",
            want.len(),
            wrong.len(),
            since.elapsed().as_secs_f64(),
        );
        if let Some(first) = wrong.first() {
            println!("  first failed job: {first}");
        }
        if ok {
            self.passed += 1;
        } else {
            self.failed += 1;
        }
    }

    fn close(&self, since: Instant) {
        let verdict = if self.failed == 0 { "ok" } else { "FAILED" };
        println!(
            "\ntest result: {verdict}. {} passed; {} failed; 0 ignored; 0 measured; 0 filtered out; \
             finished in {:.2}s",
            self.passed,
            self.failed,
            since.elapsed().as_secs_f64(),
        );
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Name and class of the CPU.
fn cpu_text() -> String {
    format!("{}, class {}", cpu::brand(), cpu::class().0.name())
}

fn seed() -> u64 {
    number("SEED").unwrap_or_else(|| {
        std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(1, |t| t.as_nanos() as u64 >> 10)
    })
}

fn jobs(primitive: &Primitive, suite: Suite) -> usize {
    number("AGREEMENT_JOBS").map_or(primitive.jobs[suite as usize], |n| n as usize)
}

/// Runs what this CPU has; says what it has not.
fn natively(suite: Suite, filters: &[String]) -> Tally {
    let (seed, mut tally) = (seed(), Tally::default());
    println!("class agreement on {}: SEED={seed}", cpu_text());
    for primitive in primitives() {
        let name = format!("slow_{}", primitive.name);
        if !filters.is_empty() && !filters.iter().any(|f| name.contains(f.as_str())) {
            continue;
        }
        let jobs = jobs(&primitive, suite);
        let since = Instant::now();
        let want = (primitive.portable)(&mut Random::new(seed, primitive.name), jobs);
        println!(
            "class agreement {}: {jobs} jobs of the portable twin ({:.1} s)",
            primitive.name,
            since.elapsed().as_secs_f64()
        );
        for (class, is_here, run) in primitive.classes {
            if is_here() {
                let since = Instant::now();
                let got = run(&mut Random::new(seed, primitive.name), jobs);
                tally.compare([primitive.name, class, "natively"], &want, &got, since);
            } else {
                println!("class agreement {}: {class} is not on this CPU", primitive.name);
            }
        }
    }
    tally
}

/// Answers: the seed, then for each primitive its number of jobs and their hashes.
fn write_answers(path: &str) -> std::io::Result<()> {
    let seed = seed();
    let mut file = std::io::BufWriter::new(std::fs::File::create(path)?);
    file.write_all(&seed.to_le_bytes())?;
    for primitive in primitives() {
        let jobs = jobs(&primitive, Suite::Emulated);
        let answers = (primitive.portable)(&mut Random::new(seed, primitive.name), jobs);
        file.write_all(&(jobs as u64).to_le_bytes())?;
        for answer in answers {
            file.write_all(&answer.to_le_bytes())?;
        }
    }
    println!("answers of {} primitives: SEED={seed}", primitives().len());
    file.flush()
}

impl Primitive {
    fn of_class(&self, name: &str) -> Option<(fn() -> bool, Run)> {
        if name == PortableMachine::NAME {
            return Some((PortableMachine::is_here, self.portable));
        }
        self.classes.iter().find(|c| c.0 == name).map(|c| (c.1, c.2))
    }
}

/// Runs a class against the answers.
fn against_answers(path: &str, class: &str, how: &str) -> std::io::Result<Tally> {
    let bytes = std::fs::read(path)?;
    let mut words = bytes.as_chunks::<8>().0.iter().map(|b| u64::from_le_bytes(*b));
    let seed = words.next().unwrap_or_default();
    println!("class agreement on {}: SEED={seed}", cpu_text());
    let mut tally = Tally::default();
    for primitive in primitives() {
        let jobs = words.next().unwrap_or_default() as usize;
        let want: Vec<u64> = words.by_ref().take(jobs).collect();
        let Some((is_here, run)) = primitive.of_class(class) else { continue };
        let since = Instant::now();
        let got = if is_here() {
            run(&mut Random::new(seed, primitive.name), jobs)
        } else {
            println!("{class} is not on this CPU");
            Vec::new()
        };
        tally.compare([primitive.name, class, how], &want, &got, since);
    }
    Ok(tally)
}

const EMULATED: &str = "emulated";

/// Ends the emulated machine. The pause lets the serial line run dry.
#[cfg(target_os = "linux")]
fn halt() -> ! {
    std::thread::sleep(std::time::Duration::from_millis(300));
    // SAFETY: process 1 of an emulated machine, which has nothing to lose.
    unsafe { libc::reboot(libc::RB_HALT_SYSTEM) };
    loop {
        std::thread::sleep(std::time::Duration::from_secs(1));
    }
}

fn main() {
    let since = Instant::now();
    #[cfg(target_os = "linux")]
    if std::process::id() == 1 {
        match against_answers("/answers", "ifma", EMULATED) {
            Ok(tally) => tally.close(since),
            Err(error) => println!("no answers: {error}"),
        }
        halt();
    }
    let args: Vec<String> = std::env::args().skip(1).collect();
    let tally = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--write-answers", path] => {
            write_answers(path).expect("the file of answers can be written");
            return;
        }
        ["--read-answers", path, class] => {
            against_answers(path, class, "natively").expect("the file of answers can be read")
        }
        _ => {
            let suite =
                if args.iter().any(|a| a == "--ignored") { Suite::Slow } else { Suite::Normal };
            let filters: Vec<String> = args
                .into_iter()
                .filter(|a| !a.starts_with('-') && a.parse::<u32>().is_err())
                .collect();
            natively(suite, &filters)
        }
    };
    tally.close(since);
    std::process::exit(i32::from(tally.failed > 0));
}
