//! Probable primes for RSA (FIPS 186-5, A.1.3 and B.3.1), eight tests at a time.
//!
//! Every candidate is a fresh random number; one that trial division does not reject takes a lane of
//! the next batch of Miller-Rabin tests. Candidates that passed a test come first in the batch after,
//! once for each round that they still need, each with a fresh random base.
use super::trial_division::{mod_65537, survives};
use crate::bn52::{Limb, Modulus, Montgomery, from_digits, to_digits, wipe};
use crate::frame::Status;
use crate::rsa::lane_key::{Kernel, r2, with_kernel};
use crate::rsa::words;
use crate::symmetric::RandomPool;
#[cfg(target_arch = "x86_64")]
use crate::vec::{Ifma, Quad};
use crate::vec::{LANES, Word};
use zeroize::Zeroizing;

/// Words of the largest prime.
pub const PRIME_MAX: usize = 32;
/// A prime in `PRIME_MAX` words, the lowest first; on the heap, so that moving one leaves no copy.
pub type Prime = Zeroizing<Vec<u64>>;

pub fn zero() -> Prime {
    Zeroizing::new(vec![0; PRIME_MAX])
}

/// Rounds of Miller-Rabin for primes of half of so many bits (FIPS 186-5, table B.1).
fn rounds(bits: usize) -> usize {
    if bits == 2048 { 5 } else { 4 }
}

/// A candidate and the rounds that it has passed.
struct Candidate {
    number: Prime,
    passed: usize,
}

/// `count` primes for moduli of `bits` bits (2048, 3072 or 4096) with e = 65537.
pub fn generate(kernel: Kernel, bits: usize, count: usize) -> Result<Vec<Prime>, Status> {
    if !kernel.is_available() {
        return Err(Status::Unsupported);
    }
    with_kernel!(kernel, bits, search(bits, count))
}

unsafe fn search<R, const H: usize, const F: usize>(
    bits: usize,
    count: usize,
) -> Result<Vec<Prime>, Status>
where
    R: Montgomery<H> + Montgomery<F>,
{
    let len = bits / 128;
    let rounds = rounds(bits);
    let mut random = RandomPool::new(usize::MAX);
    let mut promising: Vec<Candidate> = Vec::new();
    let mut primes = Vec::with_capacity(count + LANES);
    // A prime is found every 40 candidates or so; FIPS 186-5 gives up after 5 * bits of them.
    for _ in 0..count.saturating_mul(5 * bits) {
        let mut lanes: Vec<Candidate> = Vec::with_capacity(LANES);
        for candidate in &promising {
            for _ in candidate.passed..rounds {
                if lanes.len() < LANES {
                    lanes.push(Candidate { number: candidate.number.clone(), passed: usize::MAX });
                }
            }
        }
        while lanes.len() < LANES {
            lanes.push(Candidate { number: fresh(len, &mut random), passed: 0 });
        }
        let numbers: [&[u64]; LANES] = std::array::from_fn(|i| &lanes[i].number[..len]);
        // SAFETY: the caller vouches for the class.
        let passes = unsafe { miller_rabin::<R, H>(&numbers, &mut random) };
        let mut still: Vec<Candidate> = Vec::new();
        for (lane, candidate) in lanes.into_iter().enumerate() {
            if candidate.passed == 0 {
                if passes[lane] {
                    still.push(Candidate { number: candidate.number, passed: 1 });
                }
                continue;
            }
            // A further round of one that stands in `promising`.
            let known = promising.iter_mut().find(|c| *c.number == *candidate.number);
            if let Some(known) = known {
                known.passed =
                    if passes[lane] { known.passed.saturating_add(1) } else { usize::MAX };
            }
        }
        for candidate in std::mem::take(&mut promising) {
            if candidate.passed == rounds {
                primes.push(candidate.number);
            } else if candidate.passed < rounds {
                still.push(candidate);
            }
        }
        promising = still;
        if primes.len() >= count {
            primes.truncate(count);
            return Ok(primes);
        }
    }
    Err(Status::Internal)
}

/// A random odd number of `len` words, at least sqrt(2) * 2^(64 * len - 1), without small factors,
/// whose predecessor is prime to 65537.
fn fresh(len: usize, random: &mut RandomPool) -> Prime {
    /// The highest word of the square root of 2.
    const ROOT: u64 = 0xb504_f333_f9de_6484;
    let mut number = zero();
    let mut bytes = Zeroizing::new([0u8; PRIME_MAX * 8]);
    loop {
        random.take(&mut bytes[..len * 8]);
        for (word, chunk) in number.iter_mut().zip(bytes[..len * 8].chunks_exact(8)) {
            *word = chunk.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
        }
        // Numbers below 2^(bits - 1) would be refused anyway: draw only among the others.
        number[len - 1] |= 1 << 63;
        number[0] |= 1;
        let fits = number[len - 1] > ROOT && mod_65537(&number[..len]) != 1;
        if fits && survives(&number[..len]) {
            return number;
        }
    }
}

/// A base between 1 and w - 1, uniformly.
fn base(w: &[u64], out: &mut [u64], random: &mut RandomPool) {
    let mut bytes = Zeroizing::new([0u8; PRIME_MAX * 8]);
    loop {
        random.take(&mut bytes[..w.len() * 8]);
        for (word, chunk) in out.iter_mut().zip(bytes.chunks_exact(8)) {
            *word = chunk.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
        }
        let mut above = Zeroizing::new([0u64; PRIME_MAX]);
        above[..w.len()].copy_from_slice(out);
        words::add(&mut above[..w.len()], &[1]);
        let small = out[1..].iter().all(|x| *x == 0) && out[0] < 2;
        // A base that is refused says nothing about those that are not.
        if !small && words::less_vartime(&above[..w.len()], w) {
            return;
        }
    }
}

/// One round for each of eight numbers of one size, for tests.
#[cfg(test)]
pub fn round(
    kernel: Kernel,
    bits: usize,
    numbers: &[&[u64]; LANES],
) -> Result<[bool; LANES], Status> {
    unsafe fn run<R, const H: usize, const F: usize>(
        numbers: &[&[u64]; LANES],
    ) -> Result<[bool; LANES], Status>
    where
        R: Montgomery<H> + Montgomery<F>,
    {
        // SAFETY: the caller vouches for the class.
        Ok(unsafe { miller_rabin::<R, H>(numbers, &mut RandomPool::new(usize::MAX)) })
    }
    with_kernel!(kernel, bits, run(numbers))
}

/// One round for each lane: true where the number passes, that is where it is prime or the base is
/// one of few bad ones. The numbers are odd and have their top bits set.
unsafe fn miller_rabin<R: Montgomery<H>, const H: usize>(
    numbers: &[&[u64]; LANES],
    random: &mut RandomPool,
) -> [bool; LANES] {
    let len = numbers[0].len();
    let mut modulus = Modulus::<H> { m: [Limb::ZERO; H], k0: Limb::ZERO };
    // SAFETY: the caller vouches for the class (also below).
    let mut square = unsafe { r2::<R, H>(&mut modulus, numbers) };
    let mut exponents = [Limb::ZERO; PRIME_MAX];
    let [mut x, mut y, mut one, mut unit] = [[Limb::ZERO; H]; 4];
    unit[0] = Limb([R::encode(1); LANES]);
    let mut twos = [0u32; LANES];
    for lane in 0..LANES {
        let w = numbers[lane];
        let mut b = Zeroizing::new([0u64; PRIME_MAX]);
        base(w, &mut b[..len], random);
        to_digits::<R>(&mut x, lane, &b[..len]);
        // w - 1 = m * 2^twos, shifted by the low word alone: more than 63 twos do not happen.
        let low = w[0] & !1;
        twos[lane] = low.trailing_zeros().min(63);
        for i in 0..len {
            let (this, next) = (if i == 0 { low } else { w[i] }, w.get(i + 1).unwrap_or(&0));
            exponents[i].0[lane] = this >> twos[lane] | next << (63 - twos[lane]) << 1;
        }
    }
    // SAFETY: as above.
    unsafe {
        R::mul(&mut y, &x, &square, &modulus);
        R::mul(&mut one, &square, &unit, &modulus);
        R::power(&mut x, &y, &one, &exponents[..len], &modulus);
    }
    // b^m = 1, or one of its first squares is -1. Numbers with up to eight twos look alike here.
    let most = twos.iter().copied().max().unwrap_or(1).max(8);
    let mut pass = [false; LANES];
    for step in 0..most {
        // SAFETY: as above.
        unsafe { R::mul(&mut y, &x, &unit, &modulus) };
        for lane in 0..LANES {
            let mut value = Zeroizing::new([0u64; PRIME_MAX]);
            from_digits::<R>(&mut value[..len], &y, lane);
            let w = numbers[lane];
            let is = |low: u64, rest: &[u64]| {
                value[0] ^ low | value[1..len].iter().zip(rest).fold(0, |d, (a, b)| d | a ^ b)
            };
            let minus_one = is(w[0] - 1, &w[1..]) == 0;
            let is_one = is(1, &[0; PRIME_MAX]) == 0;
            pass[lane] |= (minus_one & (step < twos[lane])) | (is_one & (step == 0));
        }
        // SAFETY: as above.
        unsafe { R::square(&mut x, &modulus, 1) };
    }
    for limbs in [&mut modulus.m, &mut square, &mut x, &mut y, &mut one] {
        wipe(limbs);
    }
    wipe(&mut exponents);
    pass
}
