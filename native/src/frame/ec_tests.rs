//! Elliptic-curve jobs in frames: batches must answer as the executor does for a frame of one.
use super::test_frames::{One, run_all};
use super::*;
use crate::arena::{self, Handle, KeyBody};
use crate::ffi::{self, AsymmetricKey};

struct Want<'a> {
    op: u16,
    alg: u16,
    key: Handle,
    /// A digest in place of a message.
    is_digest: bool,
    inputs: [&'a [u8]; 2],
    cap: usize,
}

impl<'a> Want<'a> {
    fn one(&self) -> One<'a> {
        let [first, second] = self.inputs;
        One {
            op: self.op,
            alg: self.alg,
            key: Some(self.key),
            key2: None,
            param: self.is_digest.into(),
            inputs: [first, second, &[]],
            cap: self.cap,
        }
    }
}

/// Runs the jobs as one frame; status and output of each.
fn run(jobs: &[Want<'_>]) -> Vec<(u32, Vec<u8>)> {
    run_all(&jobs.iter().map(Want::one).collect::<Vec<_>>())
}

/// A private key's handle and its SPKI.
fn key(spec: u16) -> (Handle, Vec<u8>) {
    let made = ffi::generate_ec(spec).expect("a key");
    let key = AsymmetricKey::from_pkcs8(spec, &made.pkcs8).expect("own key");
    (arena::insert(KeyBody::Asymmetric(key)).expect("room"), made.spki)
}

const CURVES: [(u16, u16); 4] = [
    (spec::ECC_NIST_P256, alg::ECDSA_SHA_256),
    (spec::ECC_NIST_P384, alg::ECDSA_SHA_384),
    (spec::ECC_NIST_P521, alg::ECDSA_SHA_512),
    (spec::ECC_SECG_P256K1, alg::ECDSA_SHA_256),
];

#[test]
fn frames_of_curve_jobs_answer_as_single_ones_do() {
    let keys: Vec<_> = CURVES.iter().map(|(spec, alg)| (key(*spec), *alg)).collect();
    let (gone, _) = key(spec::ECC_NIST_P256);
    arena::free(gone.slot, gone.generation);
    let message = b"frames of curve jobs".as_slice();
    let signs: Vec<Want<'_>> = (0..50)
        .map(|i| Want {
            op: op::SIGN,
            alg: if i == 5 { alg::ECDSA_SHA_512 } else { keys[i % 4].1 },
            key: if i == 9 { gone } else { keys[i % 4].0.0 },
            is_digest: false,
            inputs: [message, &[]],
            cap: if i == 8 { 16 } else { 160 },
        })
        .collect();
    let signed = run(&signs);
    for (i, (job, got)) in signs.iter().zip(&signed).enumerate() {
        // Signatures are random; their outcomes are not.
        assert_eq!(got.0, run(std::slice::from_ref(job))[0].0, "job {i}");
    }
    assert_eq!(signed.iter().filter(|(status, _)| *status == 0).count(), 47);
    let mut spoiled: Vec<Vec<u8>> = signed.iter().map(|(_, signature)| signature.clone()).collect();
    for signature in spoiled.iter_mut().skip(1).step_by(5).filter(|s| !s.is_empty()) {
        signature[20] ^= 4;
    }
    let mut peers: Vec<Vec<u8>> = (0..50).map(|i| keys[i % 4].0.1.clone()).collect();
    peers[1][40] ^= 1;
    peers[2].truncate(50);
    peers[4].push(0);
    peers[5] = keys[0].0.1.clone();
    let mut mixed = Vec::new();
    for i in 0..50 {
        let (key, alg) = (keys[i % 4].0.0, keys[i % 4].1);
        let inputs = [message, &spoiled[i]];
        mixed.push(Want { op: op::VERIFY, alg, key, is_digest: false, inputs, cap: 0 });
        let cap = if i == 12 { 5 } else { 66 };
        let inputs = [&peers[i], [].as_slice()];
        mixed.push(Want { op: op::ECDH, alg: 0, key, is_digest: false, inputs, cap });
    }
    let mut good = 0;
    for (i, (job, got)) in mixed.iter().zip(run(&mixed)).enumerate() {
        assert_eq!(got, run(std::slice::from_ref(job))[0], "job {i}");
        good += usize::from(got.0 == 0);
    }
    // Of 50 verifications three have no signature and nine a spoiled one; of 50 agreements twelve
    // are asked of secp256k1, four peers are bad, and one has no room.
    println!("{good} of {} jobs were good", mixed.len());
    assert!((60..80).contains(&good));
}

#[test]
fn frames_of_ed25519_jobs_answer_as_single_ones_do() {
    let spec = spec::ECC_NIST_EDWARDS25519;
    let keys: Vec<(Handle, Handle)> = (0..5)
        .map(|_| {
            let made = ffi::generate_ed25519().expect("a key");
            let private = AsymmetricKey::from_pkcs8(spec, &made.pkcs8).expect("own key");
            let public = AsymmetricKey::from_spki(spec, &made.spki).expect("own key");
            let [private, public] =
                [private, public].map(|key| arena::insert(KeyBody::Asymmetric(key)).expect("room"));
            (private, public)
        })
        .collect();
    let texts: Vec<Vec<u8>> = (0..70u8).map(|i| vec![i; 7 * usize::from(i)]).collect();
    for size in [1, 2, 3, 5, 7, 8, 9, 12, 15, 16, 64, 70] {
        // Pure and prehashed; some that are asked in a wrong form, of a public key, with no room.
        let signs: Vec<Want<'_>> = (0..size)
            .map(|i| Want {
                op: op::SIGN,
                alg: if i % 3 == 1 { alg::ED25519_PH_SHA_512 } else { alg::ED25519_SHA_512 },
                key: if i == 11 { keys[i % 5].1 } else { keys[i % 5].0 },
                is_digest: (i % 3 == 1) != (i == 6),
                inputs: [if i % 3 == 1 { &[9; 64] } else { &texts[i] }, &[]],
                cap: if i == 14 { 63 } else { 64 },
            })
            .collect();
        let signed = run(&signs);
        for (i, (job, got)) in signs.iter().zip(&signed).enumerate() {
            // Deterministic: the very same bytes.
            assert_eq!(*got, run(std::slice::from_ref(job))[0], "{size} {i}");
        }
        let bad = [6, 11, 14].iter().filter(|i| **i < size).count();
        assert_eq!(signed.iter().filter(|(status, _)| *status == 0).count(), size - bad);
        let mut given: Vec<Vec<u8>> = signed.into_iter().map(|(_, signature)| signature).collect();
        for signature in given.iter_mut().skip(2).step_by(4).filter(|s| !s.is_empty()) {
            signature[40] ^= 1;
        }
        let verifies: Vec<Want<'_>> = signs
            .iter()
            .zip(&given)
            .enumerate()
            .map(|(i, (job, signature))| Want {
                op: op::VERIFY,
                alg: job.alg,
                key: keys[i % 5].1,
                is_digest: job.is_digest,
                inputs: [job.inputs[0], signature],
                cap: 0,
            })
            .collect();
        for (i, (job, got)) in verifies.iter().zip(run(&verifies)).enumerate() {
            assert_eq!(got, run(std::slice::from_ref(job))[0], "{size} {i}");
            let good = !given[i].is_empty() && i % 4 != 2 && ![6, 11, 14].contains(&i);
            assert_eq!(got.0 == 0, good, "{size} {i}");
        }
    }
}
