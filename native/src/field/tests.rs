//! Every field and class against a plain big-number reference, at random and extreme values.
use super::*;
use crate::cpu;
use crate::ec::curve::{K256, L256, N256, N384, N521, P256, P384, P521};
#[cfg(target_arch = "x86_64")]
use crate::vec::{Avx2, Ifma};
use crate::vec::{LANES, Portable};
use std::marker::PhantomData;

/// xorshift64*, seeded by SEED= or the clock; the seed is printed.
pub struct Random(u64);

impl Random {
    pub fn new(name: &str) -> Self {
        let seed = match std::env::var("SEED").ok().and_then(|s| s.parse().ok()) {
            Some(seed) => seed,
            None => std::time::SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)
                .map_or(1, |t| t.as_nanos() as u64 | 1),
        };
        println!("{name}: SEED={seed}");
        Self(seed)
    }

    pub fn word(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
}

pub fn modulo(mut x: Words, p: &Words) -> Words {
    // Shift p up as far as 576 bits allow, then subtract on the way down.
    let mut shifted = vec![*p];
    while shifted[shifted.len() - 1][WORDS - 1] >> 63 == 0 {
        let last = shifted[shifted.len() - 1];
        shifted.push(sum(&last, &last));
    }
    for s in shifted.iter().rev() {
        let (less, negative) = subtract(&x, s);
        if !negative {
            x = less;
        }
    }
    x
}

pub fn times(a: &Words, b: &Words, p: &Words) -> Words {
    let (a, b) = (modulo(*a, p), modulo(*b, p));
    let mut out = [0; WORDS];
    let below = |x: Words| match subtract(&x, p) {
        (_, true) => x,
        (less, false) => less,
    };
    for i in (0..576).rev() {
        out = below(sum(&out, &out));
        if bits(&b, i, 1) == 1 {
            out = below(sum(&out, &a));
        }
    }
    out
}

fn power_of_two(exponent: u32, p: &Words) -> Words {
    let mut x = [0; WORDS];
    x[0] = 1;
    for _ in 0..exponent {
        x = modulo(sum(&x, &x), p);
    }
    x
}

/// k * p, or with `minus` k * p - minus.
fn multiple(p: &Words, k: u64, minus: u64) -> Words {
    let mut x = [0; WORDS];
    for _ in 0..k {
        x = sum(&x, p);
    }
    let mut m = [0; WORDS];
    m[0] = minus;
    subtract(&x, &m).0
}

/// Values below k * p: extreme ones, then random ones.
fn samples(random: &mut Random, p: &Words, k: u64, count: usize) -> Vec<Words> {
    let mut one = [0; WORDS];
    one[0] = 1;
    let mut all = vec![[0; WORDS], one, multiple(p, 1, 1), *p, multiple(p, k, 1)];
    for i in [51, 52, 102, 104, 153, 156, 204, 208, 224, 255] {
        let mut x = [0; WORDS];
        x[i / 64] = 1 << (i % 64);
        all.push(subtract(&x, &one).0);
        all.push(subtract(p, &x).0);
        all.push(x);
    }
    let limit = multiple(p, k, 0);
    all.retain(|x| subtract(x, &limit).1);
    while all.len() < count {
        let x = std::array::from_fn(|_| random.word());
        let mut x = modulo(x, p);
        for _ in 0..random.word() % k {
            x = sum(&x, p);
        }
        all.push(x);
    }
    all
}

struct Check<'a, V, P, const N: usize>(&'a [[Words; LANES]; 2], bool, PhantomData<(V, P)>);

impl<V: Class, P: Prime, const N: usize> Task for Check<'_, V, P, N> {
    type Out = ();
    fn run(self) {
        // SAFETY: the caller has checked the class.
        let proof = unsafe { V::splat(0) };
        let p = &P::VALUE;
        let [x, y] = self.0;
        let (a, b) = (Fe::<V, P, N>::from_words(proof, x), Fe::from_words(proof, y));
        assert_eq!((a.to_words(), b.to_words()), (*x, *y));
        let r = power_of_two(V::RADIX * N as u32, p);
        let check = |name: &str, out: Fe<V, P, N>, expect: &dyn Fn(usize) -> Words, below: u64| {
            let (full, raw) = (out.canonical().to_words(), out.to_words());
            for lane in 0..LANES {
                // `canonical` takes a factor R away.
                let got = times(&full[lane], &r, p);
                let context = || format!("{} {name} {:x?} {:x?}", V::NAME, x[lane], y[lane]);
                assert!(subtract(&full[lane], p).1, "not canonical {}", context());
                assert!(subtract(&raw[lane], &multiple(p, below, 0)).1, "bound {}", context());
                assert_eq!(got, modulo(expect(lane), p), "{}", context());
            }
        };
        let product = |u: &Words, v: &Words, out: &Words| {
            assert_eq!(times(out, &r, p), times(u, v, p), "{} {u:x?} {v:x?}", V::NAME);
        };
        for (out, left, right) in [(a.mul(&b), x, y), (b.mul(&a), y, x), (a.square(), x, x)] {
            let raw = out.to_words();
            for lane in 0..LANES {
                assert!(subtract(&raw[lane], &multiple(p, 2, 0)).1, "product not below 2p");
                product(&left[lane], &right[lane], &modulo(raw[lane], p));
            }
        }
        check("add", a.add(&b), &|i| sum(&x[i], &y[i]), 8);
        let minus = |i: usize| subtract(&sum(&x[i], &multiple(p, 4, 0)), &y[i]).0;
        check("sub", a.sub(&b, 4), &minus, 8);
        check("select", Fe::select(a.is_same(&a), &a, &b), &|i| x[i], 4);
        check("select", Fe::select(a.is_same(&a.add(&Fe::one(proof))), &a, &b), &|i| y[i], 4);
        let wide = a.sum().tripled().shifted::<1>().minus(b.sum().shifted::<1>(), 8);
        if self.1 {
            // 6a - 2b + 8p, below 14p for a below p.
            let expect = |i: usize| {
                let mut t = multiple(p, 8, 0);
                for _ in 0..6 {
                    t = modulo(sum(&t, &x[i]), p);
                }
                t = sum(&t, &multiple(p, 8, 0));
                subtract(&subtract(&t, &y[i]).0, &y[i]).0
            };
            let below = if Modulus::<V, P, N>::IS_ROOMY { 15 } else { 3 };
            check("low", wide.carry_low(), &expect, below);
        }
        let zero = a.sub(&a, 4).is_zero().store();
        assert_eq!(zero, [u64::MAX; LANES]);
        let zero = a.is_zero().store();
        for lane in 0..LANES {
            assert_eq!(zero[lane] != 0, modulo(x[lane], p) == [0; WORDS]);
        }
    }
}

struct Invert<V, P, const N: usize>([Words; LANES], PhantomData<(V, P)>);

impl<V: Class, P: Prime, const N: usize> Task for Invert<V, P, N> {
    type Out = ();
    fn run(self) {
        // SAFETY: the caller has checked the class.
        let proof = unsafe { V::splat(0) };
        let a = Fe::<V, P, N>::from_words(proof, &self.0).to_montgomery();
        let product = a.invert().mul(&a).canonical().to_words();
        for lane in 0..LANES {
            let zero = modulo(self.0[lane], &P::VALUE) == [0; WORDS];
            assert_eq!(product[lane], std::array::from_fn(|i| u64::from(i == 0 && !zero)));
        }
    }
}

/// Number of lanes checked.
fn check_field<V: Class, P: Prime, const N: usize>(random: &mut Random, low: bool) -> usize {
    let (values, small) = (samples(random, &P::VALUE, 4, 160), samples(random, &P::VALUE, 1, 160));
    let mut count = 0;
    for (values, low) in [(values, false), (small, low)] {
        for round in 0..30 {
            let pick = |random: &mut Random| -> [Words; LANES] {
                std::array::from_fn(|_| values[(random.word() % values.len() as u64) as usize])
            };
            let x = if round * LANES + LANES <= values.len() {
                std::array::from_fn(|i| values[round * LANES + i])
            } else {
                pick(random)
            };
            let pair = [x, pick(random)];
            // SAFETY: the caller has checked the class.
            unsafe { V::enter(Check::<V, P, N>(&pair, low, PhantomData)) };
            count += LANES;
        }
    }
    let x = std::array::from_fn(|i| values_at(random, i, &P::VALUE));
    // SAFETY: as above.
    unsafe { V::enter(Invert::<V, P, N>(x, PhantomData)) };
    count + LANES
}

fn values_at(random: &mut Random, i: usize, p: &Words) -> Words {
    match i {
        0 => [0; WORDS],
        1 => *p,
        2 => multiple(p, 1, 1),
        _ => modulo(std::array::from_fn(|_| random.word()), p),
    }
}

fn check_class<V: Class, const N: usize>(random: &mut Random) {
    let mut count = 0;
    count += check_field::<V, P256, N>(random, true);
    count += check_field::<V, K256, N>(random, true);
    count += check_field::<V, N256, N>(random, false);
    count += check_field::<V, L256, N>(random, false);
    count += check_field::<V, P384, 8>(random, true);
    count += check_field::<V, N384, 8>(random, false);
    count += check_field::<V, P521, 11>(random, true);
    count += check_field::<V, N521, 11>(random, false);
    println!("field arithmetic, {}: {count} lanes over 8 moduli agree", V::NAME);
}

#[test]
fn fields_agree_with_plain_numbers() {
    let mut random = Random::new("field");
    check_class::<Portable, 5>(&mut random);
    #[cfg(target_arch = "x86_64")]
    {
        if cpu::best() == cpu::Class::Ifma {
            check_class::<Ifma, 5>(&mut random);
        }
        if cpu::best() != cpu::Class::Generic {
            check_class::<Avx2, 6>(&mut random);
        }
    }
}
