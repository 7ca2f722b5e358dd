//! What the multi-buffer kernels keep of an RSA key: digits of the class in force, and Montgomery's
//! constants, made once when the key is loaded. Secret numbers live in cells of locked memory and are
//! wiped with the key.
use super::words;
use crate::arena::LockedBox;
use crate::bn52::{Limb, Modulus, Montgomery, digit_bits, negative_inverse, to_digits, wipe};
use crate::cpu;
use crate::frame::Status;
use crate::vec::Word;
#[cfg(target_arch = "x86_64")]
use crate::vec::{Ifma, Quad};

/// Most words of a modulus, and of half a modulus.
pub const WORDS_MAX: usize = 64;
pub const HALF_MAX: usize = 32;

/// The kernels that a key was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kernel {
    Ifma,
    Avx2,
    /// Plain words: for tests, and where a kernel is asked for on other CPUs.
    Portable,
}

impl Kernel {
    /// The kernels of the class in force; none for `generic`.
    pub fn in_force() -> Option<Self> {
        match cpu::class().0 {
            cpu::Class::Ifma => Some(Kernel::Ifma),
            cpu::Class::Avx2 => Some(Kernel::Avx2),
            cpu::Class::Generic => None,
        }
    }

    /// True where the CPU has what the kernels need. Keys are made for no others.
    pub fn is_available(self) -> bool {
        match self {
            Kernel::Ifma => cpu::best() == cpu::Class::Ifma,
            Kernel::Avx2 => cpu::best() != cpu::Class::Generic,
            Kernel::Portable => true,
        }
    }
}

/// Calls a generic function with the register, the digits of half a modulus and of a modulus.
/// The caller made sure, by `Kernel`, that the CPU has the class.
macro_rules! with_kernel {
    ($kernel:expr, $bits:expr, $function:ident($($argument:expr),*)) => {
        // SAFETY: keys are made for kernels that the CPU has, and candidates tested by those alone.
        unsafe {
            match ($kernel, $bits) {
                #[cfg(target_arch = "x86_64")]
                (Kernel::Ifma, 2048) => $function::<Ifma, 20, 40>($($argument),*),
                #[cfg(target_arch = "x86_64")]
                (Kernel::Ifma, 3072) => $function::<Ifma, 30, 60>($($argument),*),
                #[cfg(target_arch = "x86_64")]
                (Kernel::Ifma, 4096) => $function::<Ifma, 40, 80>($($argument),*),
                #[cfg(target_arch = "x86_64")]
                (Kernel::Avx2, 2048) => $function::<Quad, 21, 42>($($argument),*),
                #[cfg(target_arch = "x86_64")]
                (Kernel::Avx2, 3072) => $function::<Quad, 32, 63>($($argument),*),
                #[cfg(target_arch = "x86_64")]
                (Kernel::Avx2, 4096) => $function::<Quad, 42, 81>($($argument),*),
                (Kernel::Portable, 2048) => $function::<Word, 20, 40>($($argument),*),
                (Kernel::Portable, 3072) => $function::<Word, 30, 60>($($argument),*),
                (Kernel::Portable, 4096) => $function::<Word, 40, 80>($($argument),*),
                _ => Err(Status::Unsupported),
            }
        }
    };
}
pub(crate) use with_kernel;

/// A secret number: digits or words, the rest zero. Fills a cell.
pub struct Number(pub [u64; 64]);

impl Default for Number {
    fn default() -> Self {
        Self([0; 64])
    }
}

pub type Secret = LockedBox<Number>;

fn secret(fill: impl FnOnce(&mut [u64; 64])) -> Result<Secret, Status> {
    LockedBox::new_with(|n: &mut Number| fill(&mut n.0)).ok_or(Status::Exhausted)
}

/// Components of a private key, big-endian (RFC 8017, A.1.2). The caller checked that they belong
/// together.
pub struct Components<'a> {
    pub n: &'a [u8],
    pub e: u64,
    pub p: &'a [u8],
    pub q: &'a [u8],
    pub dp: &'a [u8],
    pub dq: &'a [u8],
    pub qinv: &'a [u8],
}

/// A public key.
pub struct PublicLanes {
    pub kernel: Kernel,
    pub bits: usize,
    pub e: u64,
    /// Words of the modulus.
    pub n: Vec<u64>,
    pub k0: u64,
    /// Digits of the modulus, and of R^2 modulo it.
    pub m: Vec<u64>,
    pub r2: Vec<u64>,
}

/// One prime.
pub struct Half {
    /// In digits: the prime, -1 / prime mod 2^RADIX behind it.
    pub m: Secret,
    pub r2: Secret,
    /// In words: the prime in the lower half, the exponent in the upper one.
    pub words: Secret,
}

impl Half {
    pub fn prime(&self, len: usize) -> &[u64] {
        &self.words.0[..len]
    }
    pub fn exponent(&self, len: usize) -> &[u64] {
        &self.words.0[HALF_MAX..HALF_MAX + len]
    }
}

/// A private key with two primes of one size.
pub struct PrivateLanes {
    pub public: PublicLanes,
    pub p: Half,
    pub q: Half,
    /// q^-1 * R mod p, in digits.
    pub qinv: Secret,
}

impl PublicLanes {
    /// `Unsupported` where no kernel serves a modulus of that size, or the exponent.
    pub fn new(kernel: Kernel, n: &[u8], e: u64) -> Result<Self, Status> {
        let bits = n.len() * 8;
        let odd = |n: &[u8]| n.last().is_some_and(|b| b & 1 == 1);
        if !kernel.is_available() || e < 3 || e & 1 == 0 || !odd(n) || n[0] >> 7 == 0 {
            return Err(Status::Unsupported);
        }
        with_kernel!(kernel, bits, new_public(kernel, n, e))
    }
}

impl PrivateLanes {
    /// `Unsupported` where no kernel serves the key (size, exponent, primes of different sizes).
    pub fn from_components(kernel: Kernel, key: &Components<'_>) -> Result<Self, Status> {
        let half = key.n.len() / 2;
        let full = |x: &[u8]| half > 0 && x.len() == half && x[0] >> 7 == 1 && x[half - 1] & 1 == 1;
        let fits = |x: &[u8]| x.len() <= half;
        if !full(key.p) || !full(key.q) || !fits(key.dp) || !fits(key.dq) || !fits(key.qinv) {
            return Err(Status::Unsupported);
        }
        let public = PublicLanes::new(kernel, key.n, key.e)?;
        with_kernel!(kernel, public.bits, new_private(public, key))
    }
}

unsafe fn new_public<R, const H: usize, const F: usize>(
    kernel: Kernel,
    modulus: &[u8],
    e: u64,
) -> Result<PublicLanes, Status>
where
    R: Montgomery<H> + Montgomery<F>,
{
    let mut n = vec![0; modulus.len() / 8];
    words::from_be(&mut n, modulus);
    let mut m = Modulus::<F> { m: [Limb::ZERO; F], k0: Limb::ZERO };
    // SAFETY: the caller vouches for the class.
    let r2 = unsafe { r2::<R, F>(&mut m, &[&n]) };
    let lane = |limbs: &[Limb]| limbs.iter().map(|l| l.0[0]).collect();
    Ok(PublicLanes {
        kernel,
        bits: modulus.len() * 8,
        e,
        k0: m.k0.0[0],
        m: lane(&m.m),
        r2: lane(&r2),
        n,
    })
}

unsafe fn new_private<R, const H: usize, const F: usize>(
    public: PublicLanes,
    key: &Components<'_>,
) -> Result<PrivateLanes, Status>
where
    R: Montgomery<H> + Montgomery<F>,
{
    let len = public.n.len() / 2;
    let half_words = |prime: &[u8], exponent: &[u8]| {
        secret(|out| {
            words::from_be(&mut out[..HALF_MAX], prime);
            words::from_be(&mut out[HALF_MAX..], exponent);
        })
    };
    let (p, q) = (half_words(key.p, key.dp)?, half_words(key.q, key.dq)?);
    let mut m = Modulus::<H> { m: [Limb::ZERO; H], k0: Limb::ZERO };
    // SAFETY: the caller vouches for the class.
    let mut r2 = unsafe { r2::<R, H>(&mut m, &[&p.0[..len], &q.0[..len]]) };
    let mut qinv = [Limb::ZERO; H];
    let inverse = secret(|out| words::from_be(out, key.qinv))?;
    to_digits::<R>(&mut qinv, 0, &inverse.0);
    let mut product = [Limb::ZERO; H];
    // SAFETY: as above.
    unsafe { R::mul(&mut product, &qinv, &r2, &m) };
    let lane = |limbs: &[Limb], lane: usize| {
        secret(|out| {
            for (to, limb) in out.iter_mut().zip(limbs) {
                *to = limb.0[lane];
            }
        })
    };
    let with_k0 = |i: usize| {
        let mut all = [Limb::ZERO; 64];
        all[..H].copy_from_slice(&m.m);
        all[H] = m.k0;
        let out = lane(&all, i);
        wipe(&mut all);
        out
    };
    let made = PrivateLanes {
        public,
        p: Half { m: with_k0(0)?, r2: lane(&r2, 0)?, words: p },
        q: Half { m: with_k0(1)?, r2: lane(&r2, 1)?, words: q },
        qinv: lane(&product, 0)?,
    };
    for limbs in [&mut m.m, &mut r2, &mut qinv, &mut product] {
        wipe(limbs);
    }
    Ok(made)
}

/// Sets up up to eight odd moduli, whose top bit is set, and gives R^2 modulo each. Unused lanes
/// have the modulus of the first.
///
/// # Safety
/// The CPU has the class of `R`.
pub unsafe fn r2<R: Montgomery<N>, const N: usize>(
    modulus: &mut Modulus<N>,
    moduli: &[&[u64]],
) -> [Limb; N] {
    let mut power = [Limb::ZERO; N];
    for lane in 0..8 {
        let m = moduli[if lane < moduli.len() { lane } else { 0 }];
        to_digits::<R>(&mut modulus.m, lane, m);
        modulus.k0.0[lane] = R::encode(negative_inverse::<R>(m[0]));
        // R mod m, which is 1 in Montgomery form: 2^bits - m, doubled as often as R has more bits.
        let mut one = [0u64; WORDS_MAX];
        let one = &mut one[..m.len()];
        words::sub(one, m);
        for _ in m.len() * 64..digit_bits::<R>() * N {
            words::double_mod(one, m);
        }
        to_digits::<R>(&mut power, lane, one);
        zeroize::Zeroize::zeroize(one);
    }
    // 2^(RADIX * N) in Montgomery form is R^2.
    let exponent = digit_bits::<R>() * N;
    for bit in (0..usize::BITS - exponent.leading_zeros()).rev() {
        // SAFETY: the caller vouches for the class.
        unsafe {
            R::square(&mut power, modulus, 1);
            if exponent >> bit & 1 == 1 {
                let x = power;
                R::sum(&mut power, &x, &x);
            }
        }
    }
    let one = {
        let mut one = [Limb::ZERO; N];
        one[0] = Limb([R::encode(1); 8]);
        one
    };
    // Once more below 2m: times R, divided by R.
    let mut r1 = [Limb::ZERO; N];
    let mut out = [Limb::ZERO; N];
    // SAFETY: as above.
    unsafe {
        R::mul(&mut r1, &power, &one, modulus);
        R::mul(&mut out, &power, &r1, modulus);
    }
    wipe(&mut power);
    wipe(&mut r1);
    out
}
