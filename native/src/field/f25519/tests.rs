//! Both representations against plain big numbers, at random and extreme values and sizes.
use super::*;
use crate::cpu;
use crate::field::subtract;
use crate::field::sum;
use crate::field::tests::{Random, modulo, times};
use std::marker::PhantomData;

fn small(x: u64) -> Words {
    let mut out = [0; WORDS];
    out[0] = x;
    out
}

/// Numbers below 2^255: extreme ones, then random ones.
fn samples(random: &mut Random, count: usize) -> Vec<Words> {
    let mut all: Vec<Words> = (0..3).map(small).collect();
    all.extend((0..40).map(|i| {
        let (less, _) = subtract(&P25519, &small(20));
        sum(&less, &small(i))
    }));
    for bit in (0..255).filter(|i| i % 51 < 2 || i % 52 < 2 || i % 51 == 50 || *i > 250) {
        let mut x = [0; WORDS];
        x[bit / 64] = 1 << (bit % 64);
        all.push(subtract(&x, &small(1)).0);
        all.push(subtract(&P25519, &x).0);
        all.push(x);
    }
    // Digits of half a unit, where rounding to nearest decides.
    for delta in 0..3 {
        let mut x = [0; WORDS];
        for i in 0..5u32 {
            let at = 51 * i + 50;
            let mut y = small(0);
            y[(at / 64) as usize] = 1 << (at % 64);
            x = sum(&x, &y);
        }
        all.push(subtract(&sum(&x, &small(delta)), &small(1)).0);
    }
    while all.len() < count {
        let mut x: Words = std::array::from_fn(|i| if i < 4 { random.word() } else { 0 });
        x[3] >>= 1;
        all.push(x);
    }
    all.retain(|x| x[3] >> 63 == 0);
    all
}

struct Check<'a, V>(&'a [[Words; LANES]; 3], PhantomData<V>);

impl<V: Field25519> Task for Check<'_, V> {
    type Out = ();
    fn run(self) {
        // SAFETY: the caller has checked the class.
        let proof = unsafe { V::splat(0) };
        let p = &P25519;
        let [x, y, z] = self.0;
        let [a, b, c] = self.0.map(|values| V::Element::from_words(proof, &values));
        let check = |name: &str, out: V::Element, expect: &dyn Fn(usize) -> Words| {
            let got = out.to_words();
            for lane in 0..LANES {
                let want = modulo(expect(lane), p);
                assert_eq!(got[lane], want, "{} {name} {:x?} {:x?}", V::NAME, x[lane], y[lane]);
            }
        };
        let minus = |u: &Words, v: &Words| {
            let four = sum(&sum(p, p), &sum(p, p));
            modulo(subtract(&sum(u, &four), v).0, p)
        };
        check("words", a, &|i| x[i]);
        check("memory", V::Element::load(proof, &a.store()), &|i| x[i]);
        check("mul", a.mul(&b), &|i| times(&x[i], &y[i], p));
        check("square", a.square(), &|i| times(&x[i], &x[i], p));
        check("add", a.add(&b), &|i| sum(&x[i], &y[i]));
        check("sub", a.sub(&b), &|i| minus(&x[i], &y[i]));
        check("sub sum", c.sub(&a.add(&b)), &|i| minus(&z[i], &sum(&x[i], &y[i])));
        check("add twice", a.add_twice(&b), &|i| sum(&x[i], &sum(&y[i], &y[i])));
        check("negated", a.negated(), &|i| minus(&small(0), &x[i]));
        // Size 3 times size 1.
        let wide = a.sub(&b).sub(&c);
        let expect = |i: usize| minus(&minus(&x[i], &y[i]), &z[i]);
        check("size 3", wide, &expect);
        check("tight", wide.tight(), &expect);
        check("3 * 1", wide.mul(&b), &|i| times(&expect(i), &y[i], p));
        check("1 * 3", a.mul(&wide), &|i| times(&expect(i), &x[i], p));
        check("tight square", wide.tight().square(), &|i| times(&expect(i), &expect(i), p));
        check("2 * 1", a.add(&a).mul(&a), &|i| times(&sum(&x[i], &x[i]), &x[i], p));
        let four = a.sub(&b).add_twice(&c);
        let expect = |i: usize| sum(&minus(&x[i], &y[i]), &sum(&z[i], &z[i]));
        check("size 4, tight", four.tight().mul(&a), &|i| times(&expect(i), &x[i], p));
        let product = a.mul(&b);
        check("product of products", product.mul(&product), &|i| {
            let t = times(&x[i], &y[i], p);
            times(&t, &t, p)
        });
        let zero = a.sub(&a).is_zero().store();
        assert_eq!(zero, [u64::MAX; LANES]);
        let zero = a.is_zero().store();
        for lane in 0..LANES {
            assert_eq!(zero[lane] != 0, modulo(x[lane], p) == [0; WORDS]);
        }
        let index: [u64; LANES] = std::array::from_fn(|i| i as u64 & 1);
        // SAFETY: as above.
        let odd = unsafe { V::load(&index) }.is_zero();
        check("select", V::Element::select(odd, &a, &b), &|i| if i % 2 == 0 { x[i] } else { y[i] });
    }
}

struct Invert<V>([Words; LANES], PhantomData<V>);

impl<V: Field25519> Task for Invert<V> {
    type Out = ();
    fn run(self) {
        // SAFETY: the caller has checked the class.
        let proof = unsafe { V::splat(0) };
        let a = V::Element::from_words(proof, &self.0);
        let product = a.invert().mul(&a).to_words();
        for lane in 0..LANES {
            let zero = modulo(self.0[lane], &P25519) == [0; WORDS];
            assert_eq!(product[lane], small(u64::from(!zero)));
        }
        let two = V::Element::small(proof, 2);
        let three = V::Element::small(proof, 3);
        let mut all = [two, three, a.square().add(&two).tight()];
        let values = all;
        invert_all::<V>(&mut all);
        for (value, inverse) in values.iter().zip(&all) {
            assert_eq!(value.mul(inverse).to_words(), [small(1); LANES]);
        }
    }
}

fn check_class<V: Field25519>(random: &mut Random) {
    let values = samples(random, 300);
    let mut count = 0;
    let pick = |at: usize| values[at % values.len()];
    for round in 0..120 {
        let x = std::array::from_fn(|i| pick(round * LANES + i));
        let y = std::array::from_fn(|_| pick(random.word() as usize >> 1));
        let z = std::array::from_fn(|_| pick(random.word() as usize >> 1));
        // SAFETY: the caller has checked the class.
        unsafe { V::enter(Check::<V>(&[x, y, z], PhantomData)) };
        count += LANES;
    }
    let x = std::array::from_fn(|i| if i == 0 { small(0) } else { pick(40 + 3 * i) });
    // SAFETY: as above.
    unsafe { V::enter(Invert::<V>(x, PhantomData)) };
    println!("2^255 - 19, {}: {count} lanes agree", V::NAME);
}

#[test]
fn both_representations_agree_with_plain_numbers() {
    let mut random = Random::new("f25519");
    check_class::<Portable>(&mut random);
    #[cfg(target_arch = "x86_64")]
    {
        if cpu::best() == cpu::Class::Ifma {
            check_class::<Ifma>(&mut random);
        }
        if cpu::best() != cpu::Class::Generic {
            check_class::<Avx2>(&mut random);
        }
    }
}
