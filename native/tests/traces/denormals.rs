//! No denormal number occurs in the products of the class AVX2 + FMA, whatever the digits are: an
//! instruction that meets or makes one sets a flag of MXCSR that stays (Intel SDM, 10.2.3). Why it
//! cannot happen: docs/side-channels.md.
use keystrel_native::cpu;
use keystrel_native::ec::batch::{self as curves, CurveName, Kernels};
use keystrel_native::ec::curve::{Curve, NistP256, NistP384, NistP521, Secp256k1};
use keystrel_native::ec::ed25519::{self, DecodeJob, Expanded, PublicKey, SignJob, VerifyJob};
use keystrel_native::ec::{self, Nonces};
use keystrel_native::ffi::{self, AsymmetricKey};
use keystrel_native::field::WORDS;
use keystrel_native::frame::{Status, spec};
use keystrel_native::rsa::batch::{self, Numbers};
use keystrel_native::rsa::lane_key::{Kernel, WORDS_MAX};
use keystrel_native::vec::{Avx2, LANES, Multiply, Vector};
use std::arch::asm;
use std::hint::black_box;

/// Denormal operand, and underflow: a result too small to be normal.
const DENORMAL_FLAGS: u32 = 1 << 1 | 1 << 4;

fn flags() -> u32 {
    let mut mxcsr = 0u32;
    // SAFETY: stores MXCSR.
    unsafe { asm!("stmxcsr [{}]", in(reg) &raw mut mxcsr, options(nostack, preserves_flags)) };
    mxcsr & DENORMAL_FLAGS
}

fn has_avx2() -> bool {
    let has = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    if !has {
        println!("no AVX2 and FMA on {}: the class was not run", cpu::brand());
    }
    has
}

/// A thread of its own, whose flags nothing else sets.
fn in_thread(run: fn()) {
    std::thread::spawn(run).join().expect("the thread ends well");
}

#[target_feature(enable = "avx2,fma")]
unsafe fn products(a: [u64; LANES], b: [u64; LANES]) {
    // SAFETY: the caller has the class.
    unsafe {
        let (x, y) = (Avx2::load(&a), Avx2::load(&b));
        let (mut lo, mut hi) = (Avx2::splat(0), Avx2::splat(0));
        Avx2::mac(&mut lo, &mut hi, x.digit(), y.digit());
        Avx2::mac(&mut lo, &mut hi, y.digit(), y.digit());
        let q = x.quotient(y.digit());
        x.cancel(&mut lo, &mut hi, q, y.digit());
        let exact = x.mac_lo(x, y).add(y.mac_hi(x, y));
        black_box((lo.store(), hi.store(), Avx2::integer(q).store(), exact.store()));
    }
}

#[test]
fn the_flags_show_a_denormal() {
    in_thread(|| {
        let smallest = black_box(f64::from_bits(1));
        let product = black_box(smallest * black_box(3.0));
        assert!(product > 0.0);
        assert_ne!(flags(), 0, "the control");
    });
}

#[test]
fn no_digit_makes_a_denormal() {
    if !has_avx2() {
        return;
    }
    in_thread(|| {
        assert_eq!(flags(), 0);
        let mut edges = vec![0u64, u64::MAX, 3, (1 << 51) - 2];
        for bit in 0..64 {
            edges.extend([1u64 << bit, (1u64 << bit) - 1, (1u64 << bit) + 1]);
        }
        let mut x = 0x9e37_79b9_7f4a_7c15u64;
        let mut random = || {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            x
        };
        for &a in &edges {
            for b in edges.chunks(LANES) {
                let b = std::array::from_fn(|i| b.get(i).copied().unwrap_or(a));
                // SAFETY: the CPU has the class.
                unsafe { products([a; LANES], b) };
            }
        }
        for _ in 0..200_000 {
            let (a, b) = (std::array::from_fn(|_| random()), std::array::from_fn(|_| random()));
            // SAFETY: the CPU has the class.
            unsafe { products(a, b) };
        }
        assert_eq!(flags(), 0, "a denormal operand or result");
    });
}

#[test]
fn no_rsa_operation_makes_a_denormal() {
    if !has_avx2() {
        return;
    }
    in_thread(|| {
        let der: &[u8] = include_bytes!("../class_agreement/keys/rsa_2048.der");
        let len = 4 + 256 * usize::from(der[2]) + usize::from(der[3]);
        let key = AsymmetricKey::from_pkcs8(spec::RSA_2048, &der[..len]).expect("a key");
        let key = ffi::private_lanes(&key, Kernel::Avx2).expect("a kernel serves it");
        let before = flags();
        assert_eq!(before, 0);
        let mut input: Numbers = [[0; WORDS_MAX]; LANES];
        for (lane, number) in input.iter_mut().enumerate() {
            // 0, 1, sparse and dense numbers below the modulus.
            number[..31].fill([0, 0, u64::MAX, 1 << 63][lane % 4]);
            number[0] = lane as u64;
        }
        let mut out: Numbers = [[0; WORDS_MAX]; LANES];
        let failed = batch::private(&[&key; LANES], &input, &mut out).expect("a kernel");
        assert_eq!(failed, [false; LANES]);
        assert_eq!(flags(), 0, "a denormal operand or result");
    });
}

#[test]
fn no_ed25519_operation_makes_a_denormal() {
    let Some(kernels) = Kernels::of_class(cpu::Class::Avx2) else {
        println!("no class avx2 on {}: it was not run", cpu::brand());
        return;
    };
    std::thread::spawn(move || {
        assert_eq!(flags(), 0);
        // 0, 1, sparse and dense scalars; a decoded point with small coordinates among others.
        let mut keys: Vec<Expanded> = (0..64).map(|_| Expanded::default()).collect();
        for (i, key) in keys.iter_mut().enumerate() {
            key.scalar[..3].fill([0, 0, u64::MAX, 1 << 63][i % 4]);
            key.scalar[0] ^= i as u64;
        }
        let encoded: Vec<[u8; 32]> =
            (0..64u8).map(|i| std::array::from_fn(|at| if at == 0 { i } else { 0 })).collect();
        let (message, pure) = (b"denormal", ed25519::Variant::Pure);
        let mut jobs: Vec<_> =
            keys.iter().zip(&encoded).map(|(k, p)| SignJob::new(k, p, pure, message)).collect();
        ed25519::batch::sign(kernels, &mut jobs);
        let signatures: Vec<[u8; 64]> = jobs.iter().map(|job| job.signature).collect();
        let mut jobs: Vec<_> = encoded.iter().map(DecodeJob::new).collect();
        ed25519::batch::decode(kernels, &mut jobs);
        let keys: Vec<_> =
            jobs.iter().map(|job| PublicKey { encoded: *job.encoded, point: job.point }).collect();
        assert!(keys.iter().filter(|key| key.point.is_some()).count() > 20);
        let mut jobs: Vec<_> = keys
            .iter()
            .zip(&signatures)
            .map(|(key, s)| VerifyJob::new(key, pure, message, s))
            .collect();
        ed25519::batch::verify(kernels, &mut jobs);
        assert_eq!(flags(), 0, "a denormal operand or result");
    })
    .join()
    .expect("the thread ends well");
}

/// Every operation of a curve on extreme scalars and points, its digits 0, small, sparse and dense.
fn curve<C: Curve>(kernels: Kernels, name: CurveName) {
    let mut scalars = vec![[0; WORDS]; 64];
    for (i, scalar) in scalars.iter_mut().enumerate() {
        scalar[..C::LEN / 8].fill([0, 0, u64::MAX, 1 << 63][i % 4]);
        scalar[C::LEN / 8 - 1] >>= 1;
        scalar[0] ^= i as u64 / 2 + 1;
    }
    let digests: Vec<Vec<u8>> =
        (0..64).map(|i| vec![[0, 0xff, 0x80, i as u8][i % 4]; C::HASH.digest_len()]).collect();
    let mut jobs: Vec<_> =
        scalars.iter().zip(&digests).map(|(d, e)| ec::SignJob::new(d, e)).collect();
    curves::sign(kernels, name, Nonces::Deterministic, &mut jobs);
    assert!(jobs.iter().all(|job| job.status == Status::Ok));
    let signatures: Vec<Vec<u8>> =
        jobs.iter().map(|job| job.signature[..job.len].to_vec()).collect();
    let mut jobs: Vec<_> = scalars.iter().map(ec::PublicJob::new).collect();
    curves::public(kernels, name, &mut jobs);
    let points: Vec<_> = jobs.iter().map(|job| job.point).collect();
    let mut jobs: Vec<_> =
        (0..64).map(|i| ec::VerifyJob::new(&points[i], &digests[i], &signatures[i])).collect();
    curves::verify(kernels, name, &mut jobs);
    assert!(jobs.iter().all(|job| job.status == Status::Ok));
    // Points that are on no curve too, with coordinates 0 and the largest.
    let strange = [[[0; WORDS]; 2], [[u64::MAX; WORDS]; 2], [C::GX, C::GY], [C::GX, [0; WORDS]]];
    let mut jobs: Vec<_> = (0..64)
        .map(|i| {
            let point = if i % 3 == 0 { &strange[i % 4] } else { &points[63 - i] };
            ec::AgreeJob::new(&scalars[i], point)
        })
        .collect();
    curves::agree(kernels, name, &mut jobs);
    assert!(jobs.iter().filter(|job| job.status == Status::Ok).count() > 40);
    assert_eq!(flags(), 0, "a denormal operand or result: {name:?}");
}

#[test]
fn no_operation_of_a_curve_makes_a_denormal() {
    let Some(kernels) = Kernels::of_class(cpu::Class::Avx2) else {
        println!("no class avx2 on {}: it was not run", cpu::brand());
        return;
    };
    std::thread::spawn(move || {
        assert_eq!(flags(), 0);
        curve::<NistP256>(kernels, CurveName::P256);
        curve::<NistP384>(kernels, CurveName::P384);
        curve::<NistP521>(kernels, CurveName::P521);
        curve::<Secp256k1>(kernels, CurveName::Secp256k1);
    })
    .join()
    .expect("the thread ends well");
}
