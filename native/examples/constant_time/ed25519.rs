//! Ed25519 with secret keys on the classes that valgrind runs: the nonces come of the key and so are
//! secret too; signatures and public keys are public when they are made.
use crate::{Checks, Expect};
use keystrel_native::cpu;
use keystrel_native::ec::batch::Kernels;
use keystrel_native::ec::ed25519::{Expanded, PublicJob, SignJob, Variant, batch};
use keystrel_native::frame::Status;
use keystrel_native::secrecy::classify;
use std::hint::black_box;

/// One job more than a register of lanes holds.
const JOBS: usize = 9;

/// Expanded from secret seeds.
fn keys() -> [Expanded; JOBS] {
    std::array::from_fn(|job| {
        let mut key = Expanded::default();
        key.set(&classify([1 + job as u8; 32]));
        key
    })
}

fn sign(kernels: Kernels) {
    let (keys, message) = (keys(), [0x5a; 200]);
    let mut jobs: Vec<_> = keys
        .iter()
        .enumerate()
        .map(|(i, key)| {
            let variant = if i == 3 { Variant::Prehashed } else { Variant::Pure };
            let len = if i == 3 { 64 } else { 20 * i };
            SignJob::new(key, &[7; 32], variant, &message[..len])
        })
        .collect();
    batch::sign(kernels, &mut jobs);
    for job in &jobs {
        assert!(job.status == Status::Ok && job.signature != [0; 64]);
    }
}

fn public(kernels: Kernels) {
    let keys = keys();
    let mut jobs: Vec<_> = keys.iter().map(PublicJob::new).collect();
    batch::public(kernels, &mut jobs);
    for job in &jobs {
        assert!(job.status == Status::Ok && job.public != [0; 32]);
    }
}

pub fn run(checks: &mut Checks) {
    let mut classes = vec![(Kernels::portable(), "portable")];
    classes.extend(Kernels::of_class(cpu::Class::Avx2).map(|kernels| (kernels, "avx2")));
    for (kernels, class) in classes {
        checks.check(&format!("Ed25519 sign, {class}"), Expect::Nothing, || sign(kernels));
        checks.check(&format!("Ed25519 public key, {class}"), Expect::Nothing, || public(kernels));
    }
    checks.check("branch on an Ed25519 key", Expect::Leak, || {
        if black_box(keys())[0].scalar[0] & 8 == 8 {
            println!("odd");
        }
    });
}
