//! Frames end to end: known answers, round trips, refusals, and frames of rubbish.
use super::test_frames::{One, run_all};
use super::*;
use crate::arena::{self, Handle, KeyBody};
use crate::symmetric::SecretKey;
use hex_literal::hex;
use proptest::prelude::*;

impl One<'_> {
    pub(super) fn run(&self) -> (u32, Vec<u8>) {
        run_all(std::slice::from_ref(self)).remove(0)
    }
}

pub(super) fn secret(spec: u16, bytes: &[u8]) -> Handle {
    let key = SecretKey::load(spec, bytes).expect("a good secret");
    arena::insert(KeyBody::Secret(key)).expect("room")
}

pub(super) fn job<'a>(op: u16, alg: u16, key: Option<Handle>, inputs: [&'a [u8]; 3]) -> One<'a> {
    One { op, alg, key, key2: None, param: 0, inputs, cap: 8192 }
}

pub(super) const OK: u32 = Status::Ok as u32;

#[test]
fn hmac_rfc_4231_case_5_size_keys() {
    // RFC 4231 test case 2 uses a short key; here its message under a full-size key, checked
    // against the vectors of test case 1 extended to the spec's size by AWS-LC itself.
    for (spec, len) in [
        (spec::HMAC_224, 28usize),
        (spec::HMAC_256, 32),
        (spec::HMAC_384, 48),
        (spec::HMAC_512, 64),
    ] {
        let key = secret(spec, &vec![0x0b; len]);
        for size in [0usize, 1, 8, 55, 56, 63, 64, 65, 111, 112, 119, 127, 128, 129, 255, 4096] {
            let message: Vec<u8> = (0..size).map(|i| i as u8).collect();
            let (status, mac) = job(op::MAC, 0, Some(key), [&message, &[], &[]]).run();
            assert_eq!(status, OK);
            assert_eq!(mac, reference_hmac(spec, &vec![0x0b; len], &message), "{spec} {size}");
            let (good, _) = job(op::MAC_VERIFY, 0, Some(key), [&message, &mac, &[]]).run();
            assert_eq!(good, OK);
            let mut bad = mac.clone();
            bad[len - 1] ^= 1;
            let (refused, _) = job(op::MAC_VERIFY, 0, Some(key), [&message, &bad, &[]]).run();
            assert_eq!(refused, Status::InvalidMac as u32);
            let (short, _) =
                job(op::MAC_VERIFY, 0, Some(key), [&message, &mac[..len - 1], &[]]).run();
            assert_eq!(short, Status::InvalidMac as u32);
        }
        arena::free(key.slot, key.generation);
    }
}

fn reference_hmac(spec: u16, key: &[u8], message: &[u8]) -> Vec<u8> {
    use aws_lc_sys as lc;
    let mut out = [0u8; 64];
    let mut len = 0;
    // SAFETY: test code; pointers with their lengths.
    unsafe {
        let md = match spec {
            spec::HMAC_224 => lc::EVP_sha224(),
            spec::HMAC_384 => lc::EVP_sha384(),
            spec::HMAC_512 => lc::EVP_sha512(),
            _ => lc::EVP_sha256(),
        };
        let (data, size) = (message.as_ptr(), message.len());
        lc::HMAC(md, key.as_ptr().cast(), key.len(), data, size, out.as_mut_ptr(), &mut len);
    }
    out[..len as usize].to_vec()
}

#[test]
fn digests_fips_180_4() {
    let (status, out) = job(op::DIGEST, 2, None, [b"abc", &[], &[]]).run();
    assert_eq!(status, OK);
    assert_eq!(out, hex!("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
    let (status, _) = job(op::DIGEST, 9, None, [b"abc", &[], &[]]).run();
    assert_eq!(status, Status::Unsupported as u32);
}

#[test]
fn any_flipped_bit_of_a_blob_is_refused() {
    let key = secret(spec::SYMMETRIC_DEFAULT, &[7; 32]);
    let header = b"header-of-38-bytes";
    let (status, blob) = job(op::ENCRYPT, 0, Some(key), [b"secret", b"ctx", header]).run();
    assert_eq!(status, OK);
    assert_eq!(blob.len(), header.len() + 6 + SEAL_OVERHEAD_BYTES);
    let (status, plain) = job(op::DECRYPT, 0, Some(key), [&blob, b"ctx", header]).run();
    assert_eq!((status, plain.as_slice()), (OK, b"secret".as_slice()));
    for bit in 0..8 * blob.len() {
        let mut bad = blob.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        let (status, out) = job(op::DECRYPT, 0, Some(key), [&bad, b"ctx", header]).run();
        assert_eq!((status, out.len()), (Status::InvalidCiphertext as u32, 0));
    }
    for len in 0..blob.len() {
        let (status, _) = job(op::DECRYPT, 0, Some(key), [&blob[..len], b"ctx", header]).run();
        assert_eq!(status, Status::InvalidCiphertext as u32);
    }
    let (status, _) = job(op::DECRYPT, 0, Some(key), [&blob, b"other", header]).run();
    assert_eq!(status, Status::InvalidCiphertext as u32);
}

#[test]
fn every_spec_is_generated_wrapped_loaded_and_used() {
    let root = secret(spec::ROOT, &[1; 32]);
    let signing = [
        (spec::ECC_NIST_P256, alg::ECDSA_SHA_256),
        (spec::ECC_NIST_P384, alg::ECDSA_SHA_384),
        (spec::ECC_NIST_P521, alg::ECDSA_SHA_512),
        (spec::ECC_SECG_P256K1, alg::ECDSA_SHA_256),
        (spec::RSA_2048, alg::RSASSA_PSS_SHA_256),
        (spec::RSA_2048, alg::RSASSA_PKCS1_V1_5_SHA_512),
    ];
    for (spec, algorithm) in signing {
        let (status, made) = job(op::GENERATE_KEY, spec, Some(root), [b"id", b"aad", &[]]).run();
        assert_eq!(status, OK);
        let wrapped_len = u32::from_le_bytes(made[32..36].try_into().expect("4")) as usize;
        let wrapped = &made[40..40 + wrapped_len];
        let spki = &made[40 + wrapped_len..];
        let load =
            |aad: &[u8], spec: u16| job(op::LOAD_KEY, spec, Some(root), [wrapped, aad, &[]]).run();
        assert_eq!(load(b"other", spec).0, Status::InvalidCiphertext as u32);
        assert_eq!(load(b"aad", spec::RSA_3072).0, Status::InvalidCiphertext as u32);
        let private = handle(&load(b"aad", spec).1);
        let public = handle(&job(op::LOAD_PUBLIC_KEY, spec, None, [spki, &[], &[]]).run().1);
        let (status, signature) =
            job(op::SIGN, algorithm, Some(private), [b"message", &[], &[]]).run();
        assert_eq!(status, OK);
        let check = |message: &[u8], signature: &[u8]| {
            job(op::VERIFY, algorithm, Some(public), [message, signature, &[]]).run().0
        };
        assert_eq!(check(b"message", &signature), OK);
        assert_eq!(check(b"massage", &signature), Status::InvalidSignature as u32);
        let (status, _) = job(op::SIGN, algorithm, Some(public), [b"m", &[], &[]]).run();
        assert_eq!(status, Status::BadKey as u32);
    }
}

fn handle(out: &[u8]) -> Handle {
    let word = |at: usize| u32::from_le_bytes(out[at..at + 4].try_into().expect("4 bytes"));
    Handle { slot: word(0), generation: word(4) }
}

#[test]
fn material_is_wrapped_anew_for_another_domain() {
    let from = secret(spec::DOMAIN, &[1; 32]);
    let to = secret(spec::DOMAIN, &[2; 32]);
    for spec in [spec::SYMMETRIC_DEFAULT, spec::HMAC_512, spec::ECC_NIST_P256, spec::RSA_2048] {
        let (status, made) = job(op::GENERATE_KEY, spec, Some(from), [b"id", b"a", &[]]).run();
        assert_eq!(status, OK);
        let wrapped_len = u32::from_le_bytes(made[32..36].try_into().expect("4")) as usize;
        let wrapped = &made[40..40 + wrapped_len];
        let rewrap = |aad, key2, cap| One {
            key2,
            cap,
            ..job(op::REWRAP, 0, Some(from), [wrapped, aad, b"b"])
        };
        let (status, again) = rewrap(b"a", Some(to), wrapped_len).run();
        assert_eq!((status, again.len()), (OK, wrapped_len));
        assert_ne!(again, wrapped);
        let load = |key, aad: &[u8], bytes: &[u8]| {
            job(op::LOAD_KEY, spec, Some(key), [bytes, aad, &[]]).run().0
        };
        assert_eq!(load(to, b"b", &again), OK);
        for (key, aad) in [(from, b"b"), (to, b"a"), (from, b"a")] {
            assert_eq!(load(key, aad, &again), Status::InvalidCiphertext as u32);
        }
        // Back again it is the same material: what it was named after has not changed.
        let back = One { key2: Some(from), ..job(op::REWRAP, 0, Some(to), [&again, b"b", b"a"]) };
        assert_eq!(load(from, b"a", &back.run().1), OK);
        let refused = |one: One<'_>| {
            let (status, out) = one.run();
            assert!(out.is_empty());
            status
        };
        let cap = wrapped_len;
        assert_eq!(refused(rewrap(b"x", Some(to), cap)), Status::InvalidCiphertext as u32);
        assert_eq!(refused(rewrap(b"a", None, cap)), Status::BadKey as u32);
        let hmac = secret(spec::HMAC_256, &[9; 32]);
        assert_eq!(refused(rewrap(b"a", Some(hmac), cap)), Status::BadKey as u32);
        assert_eq!(refused(rewrap(b"a", Some(to), cap - 1)), Status::OutTooSmall as u32);
    }
    let (status, _) =
        One { key2: Some(to), ..job(op::REWRAP, 0, Some(from), [&[0u8; 4097], &[], &[]]) }.run();
    assert_eq!(status, Status::InvalidCiphertext as u32);
}

#[test]
fn freed_and_stale_handles_are_refused() {
    let key = secret(spec::SYMMETRIC_DEFAULT, &[9; 32]);
    assert!(arena::free(key.slot, key.generation));
    assert!(!arena::free(key.slot, key.generation));
    let (status, _) = job(op::ENCRYPT, 0, Some(key), [b"x", &[], &[]]).run();
    assert_eq!(status, Status::BadKey as u32);
    let (status, _) = job(op::ENCRYPT, 0, None, [b"x", &[], &[]]).run();
    assert_eq!(status, Status::BadKey as u32);
    let hmac = secret(spec::HMAC_256, &[9; 32]);
    let (status, _) = job(op::ENCRYPT, 0, Some(hmac), [b"x", &[], &[]]).run();
    assert_eq!(status, Status::BadKey as u32);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]
    /// Whatever stands in a frame, it ends with a status; nothing is read or written outside.
    #[test]
    fn rubbish_never_crashes(
        mut bytes in proptest::collection::vec(any::<u8>(), 0..400),
        jobs in 0u32..5, op in 0u16..24, small in any::<bool>(),
    ) {
        // Key generation takes time and is no matter of spans.
        let op = if op == op::GENERATE_KEY || op == op::GENERATE_KEY_PAIR { op::RANDOM } else { op };
        if bytes.len() >= HEADER_BYTES {
            bytes[..4].copy_from_slice(&FRAME_MAGIC.to_le_bytes());
            bytes[4..8].copy_from_slice(&jobs.to_le_bytes());
            let used = bytes.len() as u32;
            bytes[8..12].copy_from_slice(&used.to_le_bytes());
            bytes[12..16].fill(0);
        }
        for i in 0..jobs as usize {
            let at = HEADER_BYTES + i * DESCRIPTOR_BYTES;
            if at + DESCRIPTOR_BYTES <= bytes.len() {
                bytes[at..at + 2].copy_from_slice(&op.to_le_bytes());
                if small {
                    for word in (24..64).step_by(4) {
                        bytes[at + word + 1] &= 1;
                        bytes[at + word + 2..at + word + 4].fill(0);
                    }
                }
            }
        }
        run_frame(&mut bytes);
    }
}
