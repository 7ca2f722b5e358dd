//! Products, squares and powers of every class against AWS-LC's big numbers.
use super::*;
use crate::vec::Word;
#[cfg(target_arch = "x86_64")]
use crate::vec::{Ifma, Quad};
use aws_lc_sys as lc;
use proptest::prelude::*;

/// A big number of AWS-LC.
struct Bn(*mut lc::BIGNUM);

impl Drop for Bn {
    fn drop(&mut self) {
        // SAFETY: ours.
        unsafe { lc::BN_free(self.0) }
    }
}

impl Bn {
    fn new(words: &[u64]) -> Self {
        let bytes: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
        // SAFETY: the bytes come with their length.
        unsafe { Bn(lc::BN_le2bn(bytes.as_ptr(), bytes.len(), std::ptr::null_mut())) }
    }
    fn words(&self, len: usize) -> Vec<u64> {
        let mut bytes = vec![0u8; len * 8];
        // SAFETY: as above.
        assert_eq!(unsafe { lc::BN_bn2le_padded(bytes.as_mut_ptr(), bytes.len(), self.0) }, 1);
        bytes.chunks(8).map(|c| u64::from_le_bytes(c.try_into().unwrap())).collect()
    }
    fn with<T>(&self, f: impl FnOnce(*mut lc::BIGNUM, *mut lc::BN_CTX) -> T) -> T {
        // SAFETY: the context is freed here.
        unsafe {
            let ctx = lc::BN_CTX_new();
            let out = f(self.0, ctx);
            lc::BN_CTX_free(ctx);
            out
        }
    }
    /// self^e mod m.
    fn power(&self, e: &Bn, m: &Bn) -> Bn {
        let out = Bn::new(&[0]);
        // SAFETY: live numbers.
        self.with(|a, ctx| assert_eq!(unsafe { lc::BN_mod_exp(out.0, a, e.0, m.0, ctx) }, 1));
        out
    }
    fn mul(&self, b: &Bn, m: &Bn) -> Bn {
        let out = Bn::new(&[0]);
        // SAFETY: live numbers.
        self.with(|a, ctx| assert_eq!(unsafe { lc::BN_mod_mul(out.0, a, b.0, m.0, ctx) }, 1));
        out
    }
    fn reduced(&self, m: &Bn) -> Bn {
        self.mul(&Bn::new(&[1]), m)
    }
    fn two_to(bits: usize) -> Bn {
        let mut words = vec![0u64; bits / 64 + 1];
        words[bits / 64] = 1 << (bits % 64);
        Bn::new(&words)
    }
}

fn lanes<R: Register, const N: usize>(numbers: &[Vec<u64>]) -> [Limb; N] {
    let mut limbs = [Limb::ZERO; N];
    for (lane, words) in numbers.iter().enumerate() {
        to_digits::<R>(&mut limbs, lane, words);
    }
    limbs
}

fn modulus<R: Register, const N: usize>(moduli: &[Vec<u64>]) -> Modulus<N> {
    let mut k0 = Limb::ZERO;
    for (lane, words) in moduli.iter().enumerate() {
        k0.0[lane] = R::encode(negative_inverse::<R>(words[0]));
    }
    Modulus { m: lanes::<R, N>(moduli), k0 }
}

/// Checks one group of lanes: a * b, a * a five times, a^e.
fn check<R: Montgomery<N>, const N: usize>(
    bits: usize,
    a: &[Vec<u64>],
    b: &[Vec<u64>],
    moduli: &[Vec<u64>],
    exponents: &[Vec<u64>],
) {
    let words = bits / 64;
    let m = modulus::<R, N>(moduli);
    let radix = Bn::two_to(digit_bits::<R>() * N);
    let (x, y) = (lanes::<R, N>(a), lanes::<R, N>(b));
    let mut product = [Limb::ZERO; N];
    let mut squared = x;
    let mut sum = [Limb::ZERO; N];
    let mut powered = [Limb::ZERO; N];
    let ones: Vec<Vec<u64>> =
        moduli.iter().map(|m| radix.reduced(&Bn::new(m)).words(words)).collect();
    let mut e = vec![Limb::ZERO; exponents[0].len()];
    for (lane, words) in exponents.iter().enumerate() {
        for (i, w) in words.iter().enumerate() {
            e[i].0[lane] = *w;
        }
    }
    // SAFETY: the caller runs classes that the CPU has.
    unsafe {
        R::mul(&mut product, &x, &y, &m);
        R::square(&mut squared, &m, 5);
        R::sum(&mut sum, &x, &y);
        R::power(&mut powered, &x, &lanes::<R, N>(&ones), &e, &m);
    }
    for lane in 0..8 {
        let read = |limbs: &[Limb; N]| {
            let mut out = vec![0; words + 2];
            from_digits::<R>(&mut out, limbs, lane);
            Bn::new(&out)
        };
        let (bm, ba, bb) = (Bn::new(&moduli[lane]), Bn::new(&a[lane]), Bn::new(&b[lane]));
        let twice = Bn::new(&[2]);
        for limbs in [&product, &squared, &powered] {
            let double = Bn::new(&[0]);
            // SAFETY: live numbers.
            unsafe {
                assert_eq!(lc::BN_add(double.0, bm.0, bm.0), 1);
                assert!(lc::BN_cmp(read(limbs).0, double.0) < 0, "below 2m");
            }
        }
        let _ = twice;
        // product * R = a * b
        let left = read(&product).mul(&radix, &bm).words(words);
        assert_eq!(left, ba.mul(&bb, &bm).words(words), "product, lane {lane}");
        // squared * R^31 = a^32
        let left = read(&squared).mul(&radix.power(&Bn::new(&[31]), &bm), &bm).words(words);
        assert_eq!(left, ba.power(&Bn::new(&[32]), &bm).words(words), "square, lane {lane}");
        // powered = (a / R)^e * R
        let inverse = Bn::new(&[0]);
        let base = bm.with(|m, ctx| {
            // SAFETY: live numbers; R is prime to the odd modulus.
            unsafe { lc::BN_mod_inverse(inverse.0, radix.reduced(&bm).0, m, ctx) };
            ba.mul(&inverse, &bm)
        });
        let right = base.power(&Bn::new(&exponents[lane]), &bm).mul(&radix, &bm).words(words);
        assert_eq!(read(&powered).reduced(&bm).words(words), right, "power, lane {lane}");
        let expected: Vec<u64> = {
            let out = Bn::new(&[0]);
            // SAFETY: live numbers.
            unsafe { lc::BN_add(out.0, ba.0, bb.0) };
            out.words(words + 2)
        };
        assert_eq!(read(&sum).words(words + 2), expected, "sum, lane {lane}");
    }
}

/// All classes that this CPU has.
fn check_all(bits: usize, a: &[Vec<u64>], b: &[Vec<u64>], m: &[Vec<u64>], e: &[Vec<u64>]) {
    macro_rules! classes {
        ($r:ty, $($bits:literal => $n:literal),*) => {
            match bits {
                $($bits => check::<$r, $n>(bits, a, b, m, e),)*
                _ => unreachable!(),
            }
        };
    }
    classes!(Word, 1024 => 20, 1536 => 30, 2048 => 40, 3072 => 60, 4096 => 80);
    #[cfg(target_arch = "x86_64")]
    {
        if crate::cpu::best() == crate::cpu::Class::Ifma {
            classes!(Ifma, 1024 => 20, 1536 => 30, 2048 => 40, 3072 => 60, 4096 => 80);
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            classes!(Quad, 1024 => 21, 1536 => 32, 2048 => 42, 3072 => 63, 4096 => 81);
        }
    }
}

const SIZES: [usize; 5] = [1024, 1536, 2048, 3072, 4096];

#[test]
fn edge_moduli_and_operands() {
    for bits in SIZES {
        let words = bits / 64;
        let mut top = vec![0u64; words];
        (top[0], top[words - 1]) = (1, 1 << 63);
        let mut sparse = top.clone();
        sparse[0] = u64::MAX;
        let ones = vec![u64::MAX; words];
        let mut low = ones.clone();
        low[0] = 1;
        let zero = vec![0u64; words];
        let mut one = zero.clone();
        one[0] = 1;
        let minus = |m: &Vec<u64>| {
            let mut x = m.clone();
            x[0] -= 1;
            x
        };
        let moduli: Vec<Vec<u64>> =
            [&top, &sparse, &ones, &low, &ones, &top, &ones, &sparse].map(Vec::clone).to_vec();
        let a: Vec<Vec<u64>> = vec![
            minus(&top),
            minus(&sparse),
            minus(&ones),
            minus(&low),
            zero.clone(),
            one.clone(),
            one.clone(),
            minus(&sparse),
        ];
        let b: Vec<Vec<u64>> = vec![
            minus(&top),
            one.clone(),
            minus(&ones),
            minus(&low),
            minus(&ones),
            zero.clone(),
            one.clone(),
            minus(&sparse),
        ];
        let e: Vec<Vec<u64>> = [0, 1, 2, 3, u64::MAX, 65537, 1 << 63, 31]
            .iter()
            .map(|x| vec![*x, if *x == 2 { u64::MAX } else { 0 }])
            .collect();
        check_all(bits, &a, &b, &moduli, &e);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn random_moduli_and_operands(
        size in 0usize..5,
        seed in proptest::collection::vec(any::<u64>(), 8 * (3 * 64 + 2)),
    ) {
        let bits = SIZES[size];
        let words = bits / 64;
        let mut rest = seed.iter().copied();
        let mut take = |n: usize| -> Vec<u64> { (0..n).map(|_| rest.next().unwrap()).collect() };
        let (mut a, mut b, mut m, mut e) = (vec![], vec![], vec![], vec![]);
        for _ in 0..8 {
            let mut modulus = take(words);
            modulus[0] |= 1;
            modulus[words - 1] |= 1 << 63;
            let mut less = || { let mut x = take(words); x[words - 1] >>= 1; x };
            a.push(less());
            b.push(less());
            m.push(modulus);
            e.push(take(2));
        }
        check_all(bits, &a, &b, &m, &e);
    }
}

/// No foreign code: what Miri can run (with isolation off it takes a minute).
#[test]
fn identities_hold_in_plain_words() {
    const N: usize = 20;
    let mut state = 7u64;
    let mut number = |low: u64, top: u64| -> Vec<u64> {
        let mut words: Vec<u64> = (0..16)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                state ^ state >> 33
            })
            .collect();
        words[0] |= low;
        words[15] = words[15] >> 1 | top;
        words
    };
    let moduli: Vec<Vec<u64>> = (0..8).map(|_| number(1, 1 << 63)).collect();
    let (a, b): (Vec<_>, Vec<_>) = (0..8).map(|_| (number(0, 0), number(0, 0))).unzip();
    let refs: Vec<&[u64]> = moduli.iter().map(|m| &m[..]).collect();
    let mut m = Modulus::<N> { m: [Limb::ZERO; N], k0: Limb::ZERO };
    let (x, y) = (lanes::<Word, N>(&a), lanes::<Word, N>(&b));
    let [mut form, mut xy, mut yx, mut one, mut back] = [[Limb::ZERO; N]; 5];
    let mut unit = [Limb::ZERO; N];
    unit[0] = Limb([1; LANES]);
    let exponents = [Limb([5; LANES])];
    // SAFETY: plain words need no feature.
    unsafe {
        let r2 = crate::rsa::lane_key::r2::<Word, N>(&mut m, &refs);
        Word::mul(&mut form, &x, &r2, &m);
        Word::mul(&mut back, &form, &unit, &m);
        assert!((0..N).all(|i| back[i].0 == x[i].0), "out of Montgomery form comes what went in");
        Word::mul(&mut xy, &form, &y, &m);
        Word::mul(&mut yx, &y, &form, &m);
        assert!((0..N).all(|i| xy[i].0 == yx[i].0));
        Word::mul(&mut one, &r2, &unit, &m);
        Word::power(&mut back, &form, &one, &exponents, &m);
        let mut fifth = form;
        Word::square(&mut fifth, &m, 2);
        let x4 = fifth;
        Word::mul(&mut fifth, &x4, &form, &m);
        let [mut left, mut right] = [[Limb::ZERO; N]; 2];
        Word::mul(&mut left, &back, &unit, &m);
        Word::mul(&mut right, &fifth, &unit, &m);
        assert!((0..N).all(|i| left[i].0 == right[i].0), "the fifth power");
    }
}
