//! The curves on the kernels in force: scalar 1 (for Ed25519 one seed) against random ones, eight jobs of
//! one class. Nonces are hedged, so that signatures, which are public, are as random in both classes.
use crate::{Choose, Random, Target};
use keystrel_native::cpu;
use keystrel_native::ec::batch::{self, CurveName, Kernels};
use keystrel_native::ec::curve::{Curve, NistP256, NistP384, NistP521, Secp256k1};
use keystrel_native::ec::{AgreeJob, Nonces, PublicJob, SignJob, ed25519};
use keystrel_native::field::{Prime, WORDS, Words};
use keystrel_native::vec::LANES;
use std::hint::black_box;

type Named = (&'static str, Box<dyn Target>, bool);

pub fn targets() -> Vec<Named> {
    let Some(kernels) = Kernels::of_class(cpu::class().0) else { return Vec::new() };
    let mut all = of_curve::<NistP256>(
        kernels,
        CurveName::P256,
        ["P-256 ECDSA sign, key 1", "P-256 public key, scalar 1", "P-256 ECDH, scalar 1"],
    );
    all.extend(of_curve::<NistP384>(
        kernels,
        CurveName::P384,
        ["P-384 ECDSA sign, key 1", "P-384 public key, scalar 1", "P-384 ECDH, scalar 1"],
    ));
    all.extend(of_curve::<NistP521>(
        kernels,
        CurveName::P521,
        ["P-521 ECDSA sign, key 1", "P-521 public key, scalar 1", "P-521 ECDH, scalar 1"],
    ));
    all.extend(of_curve::<Secp256k1>(
        kernels,
        CurveName::Secp256k1,
        [
            "secp256k1 ECDSA sign, key 1",
            "secp256k1 public key, scalar 1",
            "secp256k1 ECDH, scalar 1",
        ],
    ));
    for (name, operation) in [
        ("Ed25519 sign, one seed", Edwards::sign as fn(&Edwards)),
        ("Ed25519 public key, one seed", Edwards::public),
    ] {
        all.push((name, Box::new(Edwards::new(kernels, operation)), false));
    }
    all
}

fn of_curve<C: Curve>(kernels: Kernels, curve: CurveName, names: [&'static str; 3]) -> Vec<Named> {
    let operations: [fn(&Scalars); 3] = [Scalars::sign, Scalars::public, Scalars::agree];
    names
        .into_iter()
        .zip(operations)
        .map(|(name, operation)| {
            let target = Scalars {
                kernels,
                curve,
                operation,
                scalars: [[0; WORDS]; LANES],
                bits: C::Order::BITS - 1,
                digest: vec![0x5a; C::HASH.digest_len()],
                generator: [C::GX, C::GY],
            };
            (name, Box::new(target) as Box<dyn Target>, false)
        })
        .collect()
}

struct Scalars {
    kernels: Kernels,
    curve: CurveName,
    operation: fn(&Scalars),
    scalars: [Words; LANES],
    /// Random scalars have so many bits, so that they are below the order.
    bits: u32,
    digest: Vec<u8>,
    generator: [Words; 2],
}

impl Scalars {
    fn sign(&self) {
        let mut jobs = self.scalars.each_ref().map(|d| SignJob::new(d, &self.digest));
        batch::sign(self.kernels, self.curve, Nonces::Hedged, &mut jobs);
        black_box(&jobs);
    }

    fn public(&self) {
        let mut jobs = self.scalars.each_ref().map(PublicJob::new);
        batch::public(self.kernels, self.curve, &mut jobs);
        black_box(&jobs);
    }

    fn agree(&self) {
        let mut jobs = self.scalars.each_ref().map(|d| AgreeJob::new(d, &self.generator));
        batch::agree(self.kernels, self.curve, &mut jobs);
        black_box(&jobs);
    }
}

impl Target for Scalars {
    fn prepare(&mut self, fixed: bool, random: &mut Random) {
        for scalar in &mut self.scalars {
            let other = std::array::from_fn(|i| {
                let word = random.next_word();
                match self.bits.saturating_sub(64 * i as u32) {
                    0 => 0,
                    left if left < 64 => word & ((1 << left) - 1),
                    _ => word,
                }
            });
            let one = std::array::from_fn(|i| u64::from(i == 0));
            *scalar = Choose::choose(fixed, one, other);
        }
    }
    #[inline(never)]
    fn run(&mut self) {
        (self.operation)(self);
    }
}

struct Edwards {
    kernels: Kernels,
    operation: fn(&Edwards),
    keys: [ed25519::Expanded; LANES],
}

impl Edwards {
    fn new(kernels: Kernels, operation: fn(&Edwards)) -> Self {
        Self { kernels, operation, keys: std::array::from_fn(|_| ed25519::Expanded::default()) }
    }

    fn sign(&self) {
        let (public, message) = ([7; 32], [0x5a; 40]);
        let mut jobs = self
            .keys
            .each_ref()
            .map(|key| ed25519::SignJob::new(key, &public, ed25519::Variant::Pure, &message));
        ed25519::batch::sign(self.kernels, &mut jobs);
        black_box(&jobs);
    }

    fn public(&self) {
        let mut jobs = self.keys.each_ref().map(ed25519::PublicJob::new);
        ed25519::batch::public(self.kernels, &mut jobs);
        black_box(&jobs);
    }
}

impl Target for Edwards {
    fn prepare(&mut self, fixed: bool, random: &mut Random) {
        for key in &mut self.keys {
            let mut other = [0u8; 32];
            random.fill(&mut other);
            key.set(&Choose::choose(fixed, [0; 32], other));
        }
    }
    #[inline(never)]
    fn run(&mut self) {
        (self.operation)(self);
    }
}
