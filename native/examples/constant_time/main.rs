//! The constant-time check: runs code on secrets that valgrind holds for undefined, and asks it how
//! many branches and addresses depended on them. `scripts/native-constant-time.sh` starts it.
//!
//! Two leaks are planted: a run in which valgrind does not report them has proved nothing, and fails.
//! What this cannot see: instructions whose time depends on their operands, and AVX-512 code, which
//! valgrind does not run.
mod ec;
mod ed25519;
mod rsa;
mod secret_keys;
mod vectors;

use keystrel_native::secrecy;
use std::hint::black_box;

/// What a check is to give.
#[derive(Clone, Copy, PartialEq)]
pub enum Expect {
    Nothing,
    /// So many branches on a verdict, inside a library that does not mark it as public.
    Verdicts(usize),
    /// The planted ones.
    Leak,
}

#[derive(Default)]
pub struct Checks {
    passed: usize,
    failed: usize,
    filters: Vec<String>,
}

impl Checks {
    /// Runs `code`, which marks its secrets itself.
    pub fn check(&mut self, name: &str, expect: Expect, code: impl FnOnce()) {
        if !self.filters.is_empty()
            && expect != Expect::Leak
            && !self.filters.iter().any(|f| name.contains(f.as_str()))
        {
            return;
        }
        let before = secrecy::errors_reported().unwrap_or_default();
        code();
        let reports = secrecy::errors_reported().unwrap_or_default() - before;
        let (ok, wanted) = match expect {
            Expect::Nothing => (reports == 0, String::new()),
            Expect::Verdicts(n) => (reports == n, format!(" ({n} verdicts)")),
            Expect::Leak => (reports > 0, " (planted leak)".to_owned()),
        };
        println!(
            "constant time {name}{wanted}: {reports} reports ... {}",
            if ok { "ok" } else { "FAILED" }
        );
        if ok {
            self.passed += 1;
        } else {
            self.failed += 1;
        }
    }
}

fn planted_branch() {
    let secret = secrecy::classify(black_box(0x5a_u64));
    if black_box(secret) & 1 == 1 {
        println!("odd");
    }
}

fn planted_index() {
    let table: [u64; 64] = std::array::from_fn(|i| i as u64);
    let secret = secrecy::classify(black_box(17_usize));
    black_box(black_box(&table)[secret & 63]);
}

fn main() {
    if secrecy::errors_reported().is_none() {
        eprintln!("this program proves nothing without valgrind: scripts/native-constant-time.sh");
        std::process::exit(1);
    }
    println!("constant time: CPU class {} under valgrind", keystrel_native::cpu::best().name());
    let mut checks = Checks { filters: std::env::args().skip(1).collect(), ..Checks::default() };
    checks.check("branch", Expect::Leak, planted_branch);
    checks.check("index", Expect::Leak, planted_index);
    secret_keys::run(&mut checks);
    vectors::run(&mut checks);
    rsa::run(&mut checks);
    ec::run(&mut checks);
    ed25519::run(&mut checks);
    let verdict = if checks.failed == 0 { "ok" } else { "FAILED" };
    println!(
        "\ntest result: {verdict}. {} passed; {} failed; 0 ignored",
        checks.passed, checks.failed
    );
    std::process::exit(i32::from(checks.failed > 0));
}
