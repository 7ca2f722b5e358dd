//! RSA on eight lanes (RFC 8017, 5.1 and 5.2): eight keys of one size, one key per lane.
//!
//! The private operation works by CRT; each result is verified with the public exponent before it
//! is released, so that a fault in one half gives `Fault` for that job instead of a signature that
//! would betray a prime. No blinding: exponentiations run the same instructions on the same addresses
//! whatever base, exponent and modulus are (`bn52`), and so does the arithmetic around them; what
//! blinding hides, a time that depends on base and key, is not there.
use super::lane_key::{HALF_MAX, Half, Kernel, PrivateLanes, PublicLanes, WORDS_MAX, with_kernel};
use super::words;
use crate::bn52::{Limb, Modulus, Montgomery, from_digits, to_digits, wipe};
use crate::ec::batch::wipe_stack;
use crate::frame::Status;
use crate::secrecy::declassify;
#[cfg(target_arch = "x86_64")]
use crate::vec::{Ifma, Quad};
use crate::vec::{LANES, Word};
use zeroize::Zeroize;

/// One number of each lane, in words.
pub type Numbers = [[u64; WORDS_MAX]; LANES];

/// Raises `input` to the private exponent. Keys beyond `keys.len()` are filled up with the first; all
/// have one kernel, size and public exponent; inputs are below the moduli. Lanes that fail their
/// check are zero in `out` and true in the answer.
pub fn private(
    keys: &[&PrivateLanes],
    input: &Numbers,
    out: &mut Numbers,
) -> Result<[bool; LANES], Status> {
    let failed = private_unwiped(keys, input, out);
    wipe_stack();
    failed
}

/// In frames of its own, so that they lie where the stack is wiped.
#[inline(never)]
fn private_unwiped(
    keys: &[&PrivateLanes],
    input: &Numbers,
    out: &mut Numbers,
) -> Result<[bool; LANES], Status> {
    let first = keys.first().ok_or(Status::Internal)?;
    debug_assert!(keys.iter().all(|k| {
        k.public.kernel == first.public.kernel
            && k.public.bits == first.public.bits
            && k.public.e == first.public.e
    }));
    let lanes: [&PrivateLanes; LANES] =
        std::array::from_fn(|lane| keys.get(lane).copied().unwrap_or(first));
    with_kernel!(first.public.kernel, first.public.bits, private_lanes(&lanes, input, out))
}

/// Raises `input` to the public exponent; as `private`.
pub fn public(keys: &[&PublicLanes], input: &Numbers, out: &mut Numbers) -> Result<(), Status> {
    let first = keys.first().ok_or(Status::Internal)?;
    let lanes: [&PublicLanes; LANES] =
        std::array::from_fn(|lane| keys.get(lane).copied().unwrap_or(first));
    with_kernel!(first.kernel, first.bits, public_lanes(&lanes, input, out))
}

unsafe fn private_lanes<R, const H: usize, const F: usize>(
    keys: &[&PrivateLanes; LANES],
    input: &Numbers,
    out: &mut Numbers,
) -> Result<[bool; LANES], Status>
where
    R: Montgomery<H> + Montgomery<F>,
{
    let len = keys[0].public.n.len() / 2;
    let mut mp = [[0u64; WORDS_MAX]; LANES];
    let mut mq = [[0u64; WORDS_MAX]; LANES];
    // SAFETY: the caller vouches for the class (also below).
    unsafe {
        half_power::<R, H>(&keys.map(|k| &k.p), input, &mut mp, len);
        half_power::<R, H>(&keys.map(|k| &k.q), input, &mut mq, len);
        recombine::<R, H>(keys, &mut mp, &mq, out, len);
    }
    let mut check = [[0u64; WORDS_MAX]; LANES];
    // SAFETY: as above.
    unsafe { public_lanes::<R, H, F>(&keys.map(|k| &k.public), out, &mut check)? };
    let mut failed = [false; LANES];
    for lane in 0..LANES {
        // But for a fault this is the public input.
        failed[lane] = declassify(check[lane]) != input[lane];
        if failed[lane] {
            out[lane].zeroize();
        }
    }
    mp.zeroize();
    mq.zeroize();
    Ok(failed)
}

/// Loads the modulus of one prime of each lane.
fn load<const H: usize>(halves: &[&Half; LANES]) -> Modulus<H> {
    let mut modulus = Modulus::<H> { m: [Limb::ZERO; H], k0: Limb::ZERO };
    for (lane, half) in halves.iter().enumerate() {
        for i in 0..H {
            modulus.m[i].0[lane] = half.m.0[i];
        }
        modulus.k0.0[lane] = half.m.0[H];
    }
    modulus
}

/// The digit 1 in each lane: a product with it leaves Montgomery form.
fn unit<R: Montgomery<N>, const N: usize>() -> [Limb; N] {
    let mut one = [Limb::ZERO; N];
    one[0] = Limb([R::encode(1); LANES]);
    one
}

/// out = input^d mod p, below p, in `len` words, for one prime of each lane.
unsafe fn half_power<R: Montgomery<H>, const H: usize>(
    halves: &[&Half; LANES],
    input: &Numbers,
    out: &mut Numbers,
    len: usize,
) {
    let mut modulus = load::<H>(halves);
    let mut r2 = [Limb::ZERO; H];
    let mut split = [[Limb::ZERO; H]; 2];
    let mut exponents = [Limb::ZERO; HALF_MAX];
    for (lane, half) in halves.iter().enumerate() {
        for i in 0..H {
            r2[i].0[lane] = half.r2.0[i];
        }
        for (i, word) in half.exponent(len).iter().enumerate() {
            exponents[i].0[lane] = *word;
        }
        to_digits::<R>(split.as_flattened_mut(), lane, &input[lane][..2 * len]);
    }
    let unit = unit::<R, H>();
    let [mut low, mut high, mut base, mut one] = [[Limb::ZERO; H]; 4];
    // SAFETY: the caller vouches for the class.
    unsafe {
        // input = low + high * R; times R: low * R^2 / R + high * R^3 / R, below 6m.
        R::mul(&mut low, &split[0], &r2, &modulus);
        R::mul(&mut one, &r2, &r2, &modulus);
        R::mul(&mut high, &split[1], &one, &modulus);
        R::sum(&mut base, &low, &high);
        R::mul(&mut one, &r2, &unit, &modulus);
        R::power(&mut low, &base, &one, &exponents[..len], &modulus);
        R::mul(&mut high, &low, &unit, &modulus);
    }
    for (lane, half) in halves.iter().enumerate() {
        from_digits::<R>(&mut out[lane], &high, lane);
        words::reduce_once(&mut out[lane][..len], half.prime(len));
    }
    for limbs in [&mut low, &mut high, &mut base, &mut one, &mut r2, &mut modulus.m] {
        wipe(limbs);
    }
    wipe(split.as_flattened_mut());
    wipe(&mut exponents);
}

/// out = mq + q * ((mp - mq) / q mod p): Garner's formula. Uses up `mp`.
unsafe fn recombine<R: Montgomery<H>, const H: usize>(
    keys: &[&PrivateLanes; LANES],
    mp: &mut Numbers,
    mq: &Numbers,
    out: &mut Numbers,
    len: usize,
) {
    let mut modulus = load::<H>(&keys.map(|k| &k.p));
    let [mut difference, mut qinv, mut h] = [[Limb::ZERO; H]; 3];
    for (lane, key) in keys.iter().enumerate() {
        // mp - mq + 2p: above zero, because both primes have the same number of bits.
        let p = key.p.prime(len);
        let x = &mut mp[lane][..len + 1];
        words::add(x, p);
        words::add(x, p);
        words::sub(x, &mq[lane][..len]);
        to_digits::<R>(&mut difference, lane, x);
        for i in 0..H {
            qinv[i].0[lane] = key.qinv.0[i];
        }
    }
    // SAFETY: the caller vouches for the class.
    unsafe { R::mul(&mut h, &difference, &qinv, &modulus) };
    for (lane, key) in keys.iter().enumerate() {
        let x = &mut mp[lane];
        from_digits::<R>(x, &h, lane);
        words::reduce_once(&mut x[..len + 1], key.p.prime(len));
        out[lane] = [0; WORDS_MAX];
        let product = &mut out[lane][..2 * len];
        words::mul_add(product, &x[..len], key.q.prime(len), &mq[lane][..len]);
    }
    for limbs in [&mut difference, &mut qinv, &mut h, &mut modulus.m] {
        wipe(limbs);
    }
}

/// out = input^e mod n. Input may be secret (a result on its way out), so nothing depends on it.
unsafe fn public_lanes<R, const H: usize, const F: usize>(
    keys: &[&PublicLanes; LANES],
    input: &Numbers,
    out: &mut Numbers,
) -> Result<(), Status>
where
    R: Montgomery<H> + Montgomery<F>,
{
    let (len, e) = (keys[0].n.len(), keys[0].e);
    let mut modulus = Modulus::<F> { m: [Limb::ZERO; F], k0: Limb::ZERO };
    let [mut x, mut r2, mut form] = [[Limb::ZERO; F]; 3];
    for (lane, key) in keys.iter().enumerate() {
        for i in 0..F {
            modulus.m[i].0[lane] = key.m[i];
            r2[i].0[lane] = key.r2[i];
        }
        modulus.k0.0[lane] = key.k0;
        to_digits::<R>(&mut x, lane, &input[lane][..len]);
    }
    // SAFETY: the caller vouches for the class (also below).
    unsafe { R::mul(&mut form, &x, &r2, &modulus) };
    let mut acc = form;
    // SAFETY: as above.
    unsafe {
        // From the bit below the top one; e is odd, and its last factor stands outside Montgomery
        // form, so that the result does too.
        let mut squares = 0;
        for bit in (0..u64::BITS - 1 - e.leading_zeros()).rev() {
            squares += 1;
            if e >> bit & 1 == 1 {
                R::square(&mut acc, &modulus, squares);
                squares = 0;
                let y = acc;
                R::mul(&mut acc, &y, if bit == 0 { &x } else { &form }, &modulus);
            }
        }
    }
    for (lane, key) in keys.iter().enumerate() {
        let mut wide = [0u64; WORDS_MAX + 1];
        from_digits::<R>(&mut wide[..len + 1], &acc, lane);
        words::reduce_once(&mut wide[..len + 1], &key.n);
        out[lane] = [0; WORDS_MAX];
        out[lane][..len].copy_from_slice(&wide[..len]);
    }
    wipe(&mut x);
    wipe(&mut form);
    wipe(&mut acc);
    Ok(())
}
