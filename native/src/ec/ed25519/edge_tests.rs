//! Keys, signatures and scalars at the edges: points of small and mixed order, encodings that are not
//! canonical, against AWS-LC and against plain big numbers.
use super::point::{BX, BY, D, ROOT, from_bytes, to_bytes};
use super::tests::{Key, L, bytes, decoded, hex, small, verifies};
use super::*;
use crate::ec::batch::Kernels;
use crate::ffi::Hash;
use crate::field::tests::{Random, modulo, times};
use crate::field::{P25519, WORDS, Words, bits, subtract, sum};
use crate::frame::Status;

/// A point in extended coordinates, as plain numbers: slow, and written anew from RFC 8032, 5.1.4.
#[derive(Clone, Copy)]
struct Plain([Words; 4]);

impl Plain {
    fn new(x: Words, y: Words) -> Self {
        Self([x, y, small(1), times(&x, &y, &P25519)])
    }

    fn add(&self, q: &Self) -> Self {
        let p = &P25519;
        let mul = |a: &Words, b: &Words| times(a, b, p);
        let add = |a: &Words, b: &Words| modulo(sum(a, b), p);
        let sub = |a: &Words, b: &Words| modulo(subtract(&sum(a, p), b).0, p);
        let (Plain([x1, y1, z1, t1]), Plain([x2, y2, z2, t2])) = (self, q);
        let a = mul(&sub(y1, x1), &sub(y2, x2));
        let b = mul(&add(y1, x1), &add(y2, x2));
        let c = mul(&mul(&add(t1, t1), &D), t2);
        let d = mul(&add(z1, z1), z2);
        let (e, f, g, h) = (sub(&b, &a), sub(&d, &c), add(&d, &c), add(&b, &a));
        Plain([mul(&e, &f), mul(&g, &h), mul(&f, &g), mul(&e, &h)])
    }

    fn times(&self, k: &Words) -> Self {
        let mut out = Plain::new(small(0), small(1));
        for i in (0..256).rev() {
            out = out.add(&out);
            if bits(k, i, 1) == 1 {
                out = out.add(self);
            }
        }
        out
    }

    fn encoded(&self) -> [u8; 32] {
        let p = &P25519;
        let (exponent, _) = subtract(p, &small(2));
        let mut inverse = small(1);
        for i in (0..255).rev() {
            inverse = times(&inverse, &inverse, p);
            if bits(&exponent, i, 1) == 1 {
                inverse = times(&inverse, &self.0[2], p);
            }
        }
        let mut y = times(&self.0[1], &inverse, p);
        y[3] |= times(&self.0[0], &inverse, p)[0] << 63;
        to_bytes(&y)
    }
}

/// The eight points whose order divides 8.
fn torsion() -> Vec<Plain> {
    // A point of order 8: all others are its multiples.
    let encoded = hex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a");
    let [x, y] = decoded(&encoded.try_into().expect("32 bytes")).point.expect("a point");
    let first = Plain::new(x, y);
    let mut all = vec![Plain::new(small(0), small(1))];
    for _ in 1..8 {
        all.push(all[all.len() - 1].add(&first));
    }
    assert_eq!(all[7].add(&first).encoded(), all[0].encoded());
    assert_ne!(all[4].encoded(), all[0].encoded());
    all
}

/// Encodings at the edges: y from p - 3 up to 2^255 - 1, small and large y, either sign.
fn edge_encodings() -> Vec<[u8; 32]> {
    let mut ys: Vec<Words> = (0..24).map(small).collect();
    let (from, _) = subtract(&P25519, &small(24));
    ys.extend((0..43).map(|i| sum(&from, &small(i))));
    ys.push(ROOT);
    ys.push(BY);
    let mut all: Vec<[u8; 32]> = ys
        .iter()
        .flat_map(|y| [0, 1u64 << 63].map(|sign| (y, sign)))
        .map(|(y, sign)| {
            let mut y = *y;
            y[3] |= sign;
            to_bytes(&y)
        })
        .collect();
    all.extend(torsion().iter().map(Plain::encoded));
    all
}

#[test]
fn keys_at_the_edges_are_judged_as_aws_lc_does() {
    let mut random = Random::new("ed25519 edges");
    let (edges, torsion) = (edge_encodings(), torsion());
    let key = Key::random(&mut random);
    let s = modulo(key.expanded.scalar, &L);
    let [x, y] = key.public.point.expect("a point");
    let s_b = Plain::new(x, y);
    assert_eq!(s_b.encoded(), key.public.encoded);
    // s * B + T for every T of small order: for a key of small order one of them may be right.
    let rs: Vec<[u8; 32]> = torsion.iter().map(|t| s_b.add(t).encoded()).collect();
    let mut cases: Vec<([u8; 32], Vec<u8>, Vec<u8>)> = Vec::new();
    for public in &edges {
        for r in rs.iter().chain(edges.iter().step_by(7)) {
            let signature = [&r[..], &to_bytes(&s)].concat();
            cases.push((*public, bytes::<8>(&mut random).to_vec(), signature));
        }
        // s = 0, and R of small order.
        for t in &torsion {
            let signature = [&t.encoded()[..], &[0; 32]].concat();
            cases.push((*public, bytes::<8>(&mut random).to_vec(), signature));
        }
    }
    // Keys with a part of small order: right where that part vanishes.
    for t in torsion.iter().cycle().take(64) {
        let public = s_b.add(t).encoded();
        let nonce = Key::random(&mut random);
        let message = bytes::<5>(&mut random).to_vec();
        let (r, r_scalar) = (nonce.public.encoded, modulo(nonce.expanded.scalar, &L));
        let mut digest = [0; 64];
        Hash::Sha512.digest(&[&r[..], &public, &message].concat(), &mut digest);
        let mut k = [0; WORDS];
        for (word, bytes) in k.iter_mut().zip(digest.as_chunks::<8>().0) {
            *word = u64::from_le_bytes(*bytes);
        }
        let s = modulo(sum(&times(&modulo(k, &L), &s, &L), &r_scalar), &L);
        cases.push((public, message, [&r[..], &to_bytes(&s)].concat()));
    }
    let good = cases.iter().filter(|c| verifies(&c.0, Variant::Pure, &c.1, &c.2) == Status::Ok);
    let good = good.count();
    assert!(good > 20 && good < cases.len() - 100, "{good} of {}", cases.len());
    for kernels in Kernels::all() {
        let mut decodings: Vec<_> = cases.iter().map(|c| DecodeJob::new(&c.0)).collect();
        batch::decode(kernels, &mut decodings);
        let keys: Vec<_> = decodings
            .iter()
            .map(|job| PublicKey { encoded: *job.encoded, point: job.point })
            .collect();
        let mut jobs: Vec<_> = cases
            .iter()
            .zip(&keys)
            .map(|(c, key)| VerifyJob::new(key, Variant::Pure, &c.1, &c.2))
            .collect();
        batch::verify(kernels, &mut jobs);
        for (job, case) in jobs.iter().zip(&cases) {
            let expect = verifies(&case.0, Variant::Pure, &case.1, &case.2);
            assert_eq!(job.status, expect, "{} {:x?} {:x?}", kernels.name(), case.0, case.2);
        }
        println!("ed25519 edges, {}: {good} of {} good", kernels.name(), cases.len());
    }
}

#[test]
fn decoded_points_are_on_the_curve() {
    let mut random = Random::new("ed25519 decode");
    let mut all = edge_encodings();
    all.extend((0..300).map(|_| bytes::<32>(&mut random)));
    let expect: Vec<bool> = all.iter().map(is_point).collect();
    for kernels in Kernels::all() {
        let mut jobs: Vec<_> = all.iter().map(DecodeJob::new).collect();
        batch::decode(kernels, &mut jobs);
        let mut good = 0;
        for (job, ok) in jobs.iter().zip(&expect) {
            assert_eq!(job.point.is_some(), *ok, "{} {:x?}", kernels.name(), job.encoded);
            if let Some([x, y]) = job.point {
                assert_eq!(Plain::new(x, y).encoded(), *job.encoded);
                good += 1;
            }
        }
        assert!(good > 150 && good < all.len() - 150);
    }
}

/// RFC 8032, 5.1.3, by Euler's criterion: y is reduced, x^2 = u / v has a root, and 0 has no sign.
fn is_point(encoded: &[u8; 32]) -> bool {
    let p = &P25519;
    let mut y = from_bytes(encoded);
    let odd = y[3] >> 63 == 1;
    y[3] &= u64::MAX >> 1;
    let y2 = times(&y, &y, p);
    let u = modulo(subtract(&sum(&y2, p), &small(1)).0, p);
    let product = times(&u, &modulo(sum(&times(&D, &y2, p), &small(1)), p), p);
    let mut power = small(1);
    // (p - 1) / 2 = 2^254 - 10.
    let (exponent, _) = subtract(p, &small(1));
    for i in (1..255).rev() {
        power = times(&power, &power, p);
        if bits(&exponent, i, 1) == 1 {
            power = times(&power, &product, p);
        }
    }
    let root = power == small(1) || (u == small(0) && !odd);
    subtract(&y, p).1 && root
}

#[test]
fn multiples_of_the_base_point_at_the_edges() {
    let base = Plain::new(BX, BY);
    let mut scalars: Vec<Words> = (0..4).map(small).collect();
    for i in 0..3 {
        scalars.push(subtract(&L, &small(i)).0);
        scalars.push(sum(&L, &small(i)));
        scalars.push(subtract(&sum(&L, &L), &small(i)).0);
    }
    for bit in [5, 6, 51, 52, 63, 64, 127, 128, 251, 252, 254] {
        let mut x = [0; WORDS];
        x[bit / 64] = 1 << (bit % 64);
        scalars.push(x);
        scalars.push(subtract(&x, &small(1)).0);
    }
    let mut ones = [0; WORDS];
    ones[..4].fill(u64::MAX);
    ones[3] >>= 1;
    scalars.push(ones);
    let expect: Vec<_> = scalars.iter().map(|k| base.times(k).encoded()).collect();
    let keys: Vec<_> = scalars.iter().map(|k| Expanded { scalar: *k, prefix: [0; 32] }).collect();
    for kernels in Kernels::all() {
        let mut jobs: Vec<_> = keys.iter().map(PublicJob::new).collect();
        batch::public(kernels, &mut jobs);
        for (i, job) in jobs.iter().enumerate() {
            assert_eq!(job.status, Status::Ok);
            assert_eq!(job.public, expect[i], "{} {:x?}", kernels.name(), scalars[i]);
        }
    }
}
