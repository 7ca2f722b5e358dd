//! A statistical test of constant time: Welch's t between times on a fixed secret and on random ones
//! (after Reparaz, Balasch, Verbauwhede, Dude, is my code constant time?, 2017), on the kernels of
//! this CPU. A control that leaks must be found.
//!
//! A target leaks when |t| passes 4.5 in every one of three rounds, with one sign, and the difference
//! is at least a tenth of a tick: less than that, over millions of runs, is what the machine does
//! (a branch mispredicted, or a line missed, in one run of a hundred is more). What a run could not
//! have seen is printed: the least difference that would have passed 4.5 (`resolution`).
//! TIMING_SECONDS=n sets the time per target (10); SEED=n the inputs; arguments choose targets.
mod curves;
mod rsa;
mod small_messages;
mod targets;
mod vectors;
mod welch;

use std::hint::black_box;
use std::time::{Duration, Instant};
use welch::Welch;

const ROUNDS: usize = 3;
const THRESHOLD: f64 = 4.5;
/// Smallest mean difference that counts, in ticks.
const DIFFERENCE_MIN: f64 = 0.1;
/// Untimed runs first, which also tell what is an outlier.
const WARM_UP: usize = 2_000;

/// Something that is timed on a secret. Both classes of inputs go through the same memory.
pub trait Target {
    /// Puts the fixed secret, or a fresh random one, in place.
    fn prepare(&mut self, fixed: bool, random: &mut Random);
    fn run(&mut self);
}

/// xorshift64*: inputs and the order of classes.
pub struct Random(u64);

impl Random {
    pub fn next_word(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub fn fill(&mut self, out: &mut [u8]) {
        for chunk in out.chunks_mut(8) {
            chunk.copy_from_slice(&self.next_word().to_le_bytes()[..chunk.len()]);
        }
    }
}

/// A value that both classes take the same way into place: no branch tells them apart.
pub trait Choose: Sized {
    fn choose(fixed: bool, value: Self, other: Self) -> Self;
}

macro_rules! choose {
    ($($word:ty),*) => {
        $(impl<const N: usize> Choose for [$word; N] {
            #[inline(never)]
            fn choose(fixed: bool, value: Self, other: Self) -> Self {
                let mask = black_box(<$word>::from(fixed).wrapping_neg());
                std::array::from_fn(|i| (value[i] & mask) | (other[i] & !mask))
            }
        })*
    };
}
choose!(u8, u32, u64);

/// Ticks of the time-stamp counter, or nanoseconds.
#[cfg(target_arch = "x86_64")]
fn ticks() -> u64 {
    use core::arch::x86_64::{_mm_lfence, _rdtsc};
    // SAFETY: every x86-64 CPU has both.
    unsafe {
        _mm_lfence();
        let t = _rdtsc();
        _mm_lfence();
        t
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn ticks() -> u64 {
    use std::sync::OnceLock;
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_nanos() as u64
}

/// Waits until the stores of `prepare` have reached the cache, so that no load of `run` meets them.
fn settle() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every x86-64 CPU has it.
    unsafe {
        core::arch::x86_64::_mm_mfence()
    };
}

fn measure(target: &mut dyn Target, fixed: bool, random: &mut Random) -> u64 {
    target.prepare(fixed, random);
    settle();
    let from = ticks();
    black_box(&mut *target).run();
    ticks() - from
}

/// One round: times of both classes in random order, without the slowest tenth.
fn round(target: &mut dyn Target, random: &mut Random, length: Duration) -> Welch {
    let start = Instant::now();
    let mut first: Vec<u64> = Vec::with_capacity(WARM_UP);
    while first.len() < WARM_UP && (first.len() < 100 || start.elapsed() < length / 4) {
        let fixed = random.next_word() >> 63 == 1;
        first.push(measure(target, fixed, random));
    }
    first.sort_unstable();
    // Interrupts and other programs: far above what any operand could cost.
    let most = first[first.len() * 9 / 10];
    let mut welch = Welch::default();
    while start.elapsed() < length {
        let fixed = random.next_word() >> 63 == 1;
        let time = measure(target, fixed, random);
        if time <= most {
            welch.add(fixed, time as f64);
        }
    }
    welch
}

/// True where the target leaks.
fn leaks(name: &str, target: &mut dyn Target, random: &mut Random, length: Duration) -> bool {
    let rounds: Vec<Welch> = (0..ROUNDS).map(|_| round(target, random, length / 3)).collect();
    let ts: Vec<f64> = rounds.iter().map(Welch::t).collect();
    let counts = |w: &Welch, sign: f64| {
        sign * w.t() > THRESHOLD && sign * w.t() * w.error() >= DIFFERENCE_MIN
    };
    let above = [1.0, -1.0].iter().any(|sign| rounds.iter().all(|w| counts(w, *sign)));
    let best = rounds.iter().map(|w| w.error()).fold(f64::INFINITY, f64::min);
    let mean = rounds[0].mean();
    let differences: Vec<String> =
        rounds.iter().map(|w| format!("{:+.2}", w.t() * w.error())).collect();
    println!(
        "timing {name}: t = {} ({} ticks); {} times of {mean:.0} ticks, resolution {:.2} ticks \
         ({:.3} %)",
        ts.iter().map(|t| format!("{t:+.1}")).collect::<Vec<_>>().join(" "),
        differences.join(" "),
        rounds.iter().map(Welch::count).sum::<usize>(),
        THRESHOLD * best,
        100.0 * THRESHOLD * best / mean,
    );
    above
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn main() {
    let seed = number("SEED").unwrap_or_else(|| {
        std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(1, |t| t.as_nanos() as u64 | 1)
    });
    let length = Duration::from_secs(number("TIMING_SECONDS").unwrap_or(10));
    let filters: Vec<String> = std::env::args().skip(1).collect();
    let (cpu, reason) = keystrel_native::cpu::class();
    println!(
        "timing on {}, class {}{}: SEED={seed}",
        keystrel_native::cpu::brand(),
        cpu.name(),
        reason.map_or(String::new(), |r| format!(" ({r})")),
    );
    let mut random = Random(seed | 1);
    let (mut passed, mut failed) = (0, 0);
    for (name, mut target, must_leak) in targets::all() {
        if !must_leak && !filters.is_empty() && !filters.iter().any(|f| name.contains(f.as_str())) {
            continue;
        }
        let leaks = leaks(name, &mut *target, &mut random, length);
        let verdict = if leaks == must_leak { "ok" } else { "FAILED" };
        println!(
            "timing {name}: {} ... {verdict}",
            match (leaks, must_leak) {
                (true, true) => "the control leaks, as it must",
                (false, true) => "the control was not found to leak",
                (true, false) => "LEAKS",
                (false, false) => "no difference found",
            }
        );
        if leaks == must_leak {
            passed += 1;
        } else {
            failed += 1;
        }
    }
    let verdict = if failed == 0 { "ok" } else { "FAILED" };
    println!("\ntest result: {verdict}. {passed} passed; {failed} failed; 0 ignored");
    std::process::exit(i32::from(failed > 0));
}
