//! HMAC and its comparison, the KDF with AES-256-GCM, and SigV4, under secret keys.
use crate::{Checks, Expect};
use keystrel_native::ffi::Hash;
use keystrel_native::frame::spec;
use keystrel_native::secrecy::{classify, declassify, declassify_all};
use keystrel_native::symmetric::{HmacState, MAC_MAX, RandomPool, SecretKey, open, seal};
use keystrel_native::{arena::LockedBox, sigv4};
use std::hint::black_box;
use subtle::ConstantTimeEq;

fn key(spec: u16, len: usize) -> LockedBox<SecretKey> {
    let bytes: [u8; 64] = classify(black_box([7; 64]));
    SecretKey::load(spec, &bytes[..len]).expect("a key of the right length")
}

fn hmac(hash: Hash) {
    let secret: [u8; 64] = classify(black_box(std::array::from_fn(|i| i as u8)));
    let mut state = HmacState::EMPTY;
    state.set_key(hash, &secret);
    for len in [0, 55, 64, 200] {
        let message = vec![0x61; len];
        let mut mac = [0u8; MAC_MAX];
        state.mac(&message, &mut mac);
        let given = [0x55; MAC_MAX];
        let equal = mac[..hash.digest_len()].ct_eq(&given[..hash.digest_len()]);
        assert_eq!(declassify(equal.unwrap_u8()), 0);
    }
}

fn sealing() {
    let key = key(spec::SYMMETRIC_DEFAULT, 32);
    for len in [0, 1, 32, 200, 4096] {
        let plaintext = vec![0x61; len];
        let mut blob = vec![0u8; len + 44 + 8];
        let mut random = RandomPool::new(28);
        seal(&key, &mut random, b"header", b"context", &plaintext, &mut blob).expect("it fits");
        declassify_all(&mut blob);
        black_box(&blob);
    }
}

/// The tag is right: only the verdict, which is AWS-LC's own branch, depends on the key.
fn opening() {
    let clear = SecretKey::load(spec::SYMMETRIC_DEFAULT, &[7; 32]).expect("a key");
    let mut blob = vec![0u8; 100 + 44];
    seal(&clear, &mut RandomPool::new(28), b"", b"context", &[0x61; 100], &mut blob)
        .expect("it fits");
    let mut out = [0u8; 100];
    let opened = open(&key(spec::SYMMETRIC_DEFAULT, 32), b"", b"context", &blob, &mut out);
    assert_eq!(declassify(opened), Ok(100));
}

fn signature() {
    let key = key(spec::SIGV4_SECRET, 40);
    let scope = "20260101/eu-west-1/kms/aws4_request";
    let tail = format!("{}20260101T000000Z\n{scope}\n", "0".repeat(64));
    let mut out = [0u8; 64];
    let verdict = sigv4::verify((1, 1), &key, b"POST\n/\n\n", b"{}", tail.as_bytes(), &mut out);
    assert!(verdict.is_err());
}

pub fn run(checks: &mut Checks) {
    for (name, hash) in [
        ("HMAC-SHA-224 and comparison", Hash::Sha224),
        ("HMAC-SHA-256 and comparison", Hash::Sha256),
        ("HMAC-SHA-384 and comparison", Hash::Sha384),
        ("HMAC-SHA-512 and comparison", Hash::Sha512),
    ] {
        checks.check(name, Expect::Nothing, || hmac(hash));
    }
    checks.check("KDF and AES-256-GCM, seal", Expect::Nothing, sealing);
    checks.check("KDF and AES-256-GCM, open", Expect::Verdicts(1), opening);
    checks.check("SigV4", Expect::Nothing, signature);
}
