//! Curves with secret scalars on the classes that valgrind runs: ECDSA with hedged nonces, which come
//! of the key and so are secret too, ECDH, and key pairs.
use crate::{Checks, Expect};
use keystrel_native::cpu;
use keystrel_native::ec::batch::{self, CurveName, Kernels};
use keystrel_native::ec::curve::{Curve, NistP256, NistP384, NistP521, Secp256k1};
use keystrel_native::ec::{AgreeJob, Nonces, PublicJob, SignJob};
use keystrel_native::field::{WORDS, Words};
use keystrel_native::frame::Status;
use keystrel_native::secrecy::{classify, declassify, declassify_all};
use std::hint::black_box;

/// One job more than a register of lanes holds.
const JOBS: usize = 9;

fn scalars(curve: CurveName) -> [Words; JOBS] {
    let words = curve.coordinate_len() / 8;
    classify(std::array::from_fn(|job| {
        std::array::from_fn(|i| {
            let word = (1 + job + 16 * i) as u64;
            if i < words && i < WORDS { word.wrapping_mul(0x1234_5678_9abc_def1) >> 1 } else { 0 }
        })
    }))
}

fn sign(kernels: Kernels, curve: CurveName, hash_len: usize) {
    let scalars = scalars(curve);
    let digest = [0x5a; 64];
    let mut jobs: Vec<_> = scalars.iter().map(|d| SignJob::new(d, &digest[..hash_len])).collect();
    batch::sign(kernels, curve, Nonces::Hedged, &mut jobs);
    assert!(jobs.iter().all(|job| job.status == Status::Ok));
}

fn public(kernels: Kernels, curve: CurveName) {
    let scalars = scalars(curve);
    let mut jobs: Vec<_> = scalars.iter().map(PublicJob::new).collect();
    batch::public(kernels, curve, &mut jobs);
    for job in &mut jobs {
        assert!(job.status == Status::Ok);
        declassify_all(&mut job.point);
        black_box(&job.point);
    }
}

/// The x coordinates, still secret.
fn agree(kernels: Kernels, curve: CurveName, generator: [Words; 2]) -> Vec<[u8; 66]> {
    let scalars = scalars(curve);
    let mut jobs: Vec<_> = scalars.iter().map(|d| AgreeJob::new(d, &generator)).collect();
    batch::agree(kernels, curve, &mut jobs);
    assert!(jobs.iter().all(|job| job.status == Status::Ok));
    jobs.iter().map(|job| job.shared).collect()
}

fn curve<C: Curve>(checks: &mut Checks, kernels: Kernels, class: &str, curve: CurveName) {
    let generator = [C::GX, C::GY];
    let title = |what: &str| format!("{curve:?} {what}, {class}");
    let hash_len = C::HASH.digest_len();
    checks.check(&title("sign"), Expect::Nothing, || sign(kernels, curve, hash_len));
    checks.check(&title("public key"), Expect::Nothing, || public(kernels, curve));
    checks.check(&title("ECDH"), Expect::Nothing, || {
        for shared in agree(kernels, curve, generator) {
            black_box(declassify(shared));
        }
    });
    checks.check(&title("branch on an ECDH result"), Expect::Leak, || {
        if black_box(agree(kernels, curve, generator))[0][0] & 1 == 1 {
            println!("odd");
        }
    });
}

pub fn run(checks: &mut Checks) {
    let mut classes = vec![(Kernels::portable(), "portable")];
    classes.extend(Kernels::of_class(cpu::Class::Avx2).map(|kernels| (kernels, "avx2")));
    for (kernels, class) in classes {
        curve::<NistP256>(checks, kernels, class, CurveName::P256);
        curve::<NistP384>(checks, kernels, class, CurveName::P384);
        curve::<NistP521>(checks, kernels, class, CurveName::P521);
        curve::<Secp256k1>(checks, kernels, class, CurveName::Secp256k1);
    }
}
