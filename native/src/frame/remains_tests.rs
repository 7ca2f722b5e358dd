//! What jobs leave in memory: after a frame, neither the stack of its thread nor any block of the heap
//! that it freed holds eight bytes in a row of a secret (keys as they came and as the kernels keep
//! them, derived keys, nonces, plaintexts). Each kind of job runs twice more as a control: with a secret
//! planted on the stack and in a freed block, which must be found; and with our own wiping turned off,
//! where the batches of RSA and curves must have left something.
//!
//! Not seen: registers, and what AWS-LC frees, which it overwrites itself (OPENSSL_free).
use super::remains_secrets::{nonces, wrapped_padded};
use super::test_frames::{One, build, read};
use super::*;
use crate::arena::{self, Handle, KeyBody};
use crate::break_even::{BreakEven, forced};
use crate::cpu;
use crate::ec;
use crate::ffi::{self, AsymmetricKey};
use crate::secrecy::remains::{self, Needles};
use crate::symmetric::{MAC_MAX, SecretKey};
use aws_lc_sys as lc;

struct Want {
    op: u16,
    alg: u16,
    param: u32,
    key: Handle,
    key2: Handle,
    inputs: [Vec<u8>; 3],
    cap: usize,
}

const NONE: Handle = Handle { slot: 0, generation: 0 };
/// A group of eight, and one job that is left over.
const JOBS: usize = 9;

fn want(op: u16, key: Handle, inputs: [&[u8]; 3], cap: usize) -> Want {
    Want { op, alg: 0, param: 0, key, key2: NONE, inputs: inputs.map(<[u8]>::to_vec), cap }
}

/// A frame of `count` such jobs.
fn frame(job: &Want, count: usize) -> Vec<u8> {
    let one = One {
        op: job.op,
        alg: job.alg,
        key: Some(job.key),
        key2: Some(job.key2),
        param: job.param,
        inputs: job.inputs.each_ref().map(Vec::as_slice),
        cap: job.cap,
    };
    build(&vec![one; count])
}

/// The outputs of a frame whose jobs all went well.
fn outputs(frame: &[u8]) -> Vec<Vec<u8>> {
    let ended = read(frame).into_iter().enumerate();
    ended
        .map(|(i, (status, output))| {
            assert_eq!(status, 0, "job {i}");
            output
        })
        .collect()
}

/// Whether a kind's own wiping can be turned off: not where `zeroize` or AWS-LC does it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Control {
    Unwiped,
    Planted,
}

/// Runs frames of nine jobs on the lanes and of one by AWS-LC; then, as controls, with a secret planted,
/// and nine jobs with wiping turned off. `make` gives a job under fresh keys, and what looks for its
/// secrets once its outputs are known.
fn check<F: Fn(&[Vec<u8>]) -> Needles>(kind: &str, control: Control, make: impl Fn() -> (Want, F)) {
    let places = |count, how, wiping, planted: Option<[u8; 32]>| {
        let (job, secrets) = make();
        let mut bytes = frame(&job, count);
        let ((), left) = remains::run(wiping, || {
            assert_eq!(forced(how, || run_frame(&mut bytes)), Status::Ok);
            planted.iter().for_each(remains::plant);
        });
        let mut needles = secrets(&outputs(&bytes));
        planted.iter().for_each(|secret| needles.bytes(secret));
        needles.found(&left)
    };
    let (lanes, alone) = (BreakEven::ALWAYS, BreakEven::NEVER);
    let clean = [places(JOBS, lanes, true, None), places(1, alone, true, None)];
    let planted = places(1, alone, true, Some(fresh()));
    let unwiped = places(JOBS, lanes, false, None);
    println!("{kind}: {} unwiped, {} planted", unwiped.len(), planted.len());
    for (places, jobs) in clean.iter().zip([JOBS, 1]) {
        assert!(places.is_empty(), "{kind}, {jobs} jobs: {} {places:?}", places.len());
    }
    assert!(planted.iter().any(|place| place.starts_with("stack")), "{kind}: {planted:?}");
    assert!(planted.iter().any(|place| place.starts_with("a block")), "{kind}: {planted:?}");
    // Of a class with fewer registers, or AWS-LC's alone, nothing may be left to find.
    let expected = control == Control::Unwiped && cpu::class().0 == cpu::Class::Ifma;
    assert!(!expected || !unwiped.is_empty(), "{kind}: the control found nothing");
}

fn fresh<const N: usize>() -> [u8; N] {
    let mut bytes = [0u8; N];
    ffi::random(&mut bytes);
    bytes
}

fn insert(body: KeyBody) -> Handle {
    arena::insert(body).expect("room")
}

/// A secret key, and what holds its bytes as they are kept.
fn secret(spec: u16, bytes: &[u8]) -> (Handle, Needles) {
    let key = SecretKey::load(spec, bytes).expect("a good secret");
    let mut needles = Needles::default();
    // A whole SecretKey has bytes that are nobody's.
    if let Some((inner, outer)) = key.hmac().narrow_states() {
        needles.memory(inner);
        needles.memory(outer);
    }
    if let Some((inner, outer)) = key.hmac().wide_states() {
        needles.memory(inner);
        needles.memory(outer);
    }
    needles.bytes(bytes);
    (insert(KeyBody::Secret(key)), needles)
}

/// K' of a sealed message (header not included).
fn derived(key: &[u8; 32], sealed: &[u8]) -> Vec<u8> {
    let key = SecretKey::load(spec::DOMAIN, key).expect("a good secret");
    let mut mac = [0u8; MAC_MAX];
    let input = crate::symmetric::kdf_input(sealed[..16].try_into().expect("a nonce"));
    key.hmac().mac(&input, &mut mac);
    mac[..32].to_vec()
}

#[test]
fn of_sealing_and_opening() {
    for len in [32, 3000] {
        check(&format!("Encrypt {len} bytes"), Control::Planted, || {
            let bytes = fresh::<32>();
            let (key, _) = secret(spec::SYMMETRIC_DEFAULT, &bytes);
            let text = [fresh::<32>(); 100].as_flattened()[..len].to_vec();
            let job = want(op::ENCRYPT, key, [&text, b"context", b"header"], len + 60);
            (job, move |outputs: &[Vec<u8>]| {
                let (_, mut needles) = secret(spec::SYMMETRIC_DEFAULT, &bytes);
                outputs.iter().for_each(|out| needles.bytes(&derived(&bytes, &out[6..])));
                needles.bytes(&text);
                needles
            })
        });
        check(&format!("Decrypt {len} bytes"), Control::Planted, || {
            let bytes = fresh::<32>();
            let (key, _) = secret(spec::SYMMETRIC_DEFAULT, &bytes);
            let text = [fresh::<32>(); 100].as_flattened()[..len].to_vec();
            let inputs = [&text[..], b"context", b"header"];
            let blob = run_single(op::ENCRYPT, key, inputs, len + 60).expect("sealed");
            let job = want(op::DECRYPT, key, [&blob, b"context", b"header"], len);
            (job, move |_: &[Vec<u8>]| {
                let (_, mut needles) = secret(spec::SYMMETRIC_DEFAULT, &bytes);
                needles.bytes(&derived(&bytes, &blob[6..]));
                needles.bytes(&text);
                needles
            })
        });
    }
    check("GenerateDataKey", Control::Planted, || {
        let bytes = fresh::<32>();
        let (key, _) = secret(spec::SYMMETRIC_DEFAULT, &bytes);
        let mut job = want(op::GENERATE_DATA_KEY, key, [b"", b"context", b"header"], 200);
        job.param = 32;
        (job, move |outputs: &[Vec<u8>]| {
            let (_, mut needles) = secret(spec::SYMMETRIC_DEFAULT, &bytes);
            for out in outputs {
                needles.bytes(&out[..32]);
                needles.bytes(&derived(&bytes, &out[38..]));
            }
            needles
        })
    });
    check("Rewrap", Control::Planted, || {
        let (one, two, text) = (fresh::<32>(), fresh::<32>(), fresh::<64>());
        let ((key, _), (key2, _)) = (secret(spec::DOMAIN, &one), secret(spec::DOMAIN, &two));
        let wrapped = run_single(op::WRAP, key, [&text, b"aad", b""], 200).expect("wrapped");
        let mut job = want(op::REWRAP, key, [&wrapped, b"aad", b"other"], 200);
        job.key2 = key2;
        (job, move |outputs: &[Vec<u8>]| {
            let mut needles = secret(spec::DOMAIN, &one).1;
            needles.bytes(&text);
            needles.bytes(&derived(&one, &wrapped));
            outputs.iter().for_each(|out| needles.bytes(&derived(&two, out)));
            needles
        })
    });
}

#[test]
fn of_macs() {
    for (spec, len) in [(spec::HMAC_256, 32), (spec::HMAC_384, 48), (spec::HMAC_512, 64)] {
        for text in [64, 5000] {
            check(&format!("HMAC_{} of {text} bytes", len * 8), Control::Planted, || {
                let bytes = fresh::<64>()[..len].to_vec();
                let (key, _) = secret(spec, &bytes);
                let job = want(op::MAC, key, [&vec![7; text], b"", b""], 64);
                (job, move |outputs: &[Vec<u8>]| {
                    let mut needles = secret(spec, &bytes).1;
                    outputs.iter().for_each(|out| needles.except(out));
                    needles
                })
            });
        }
    }
}

/// Secrets of a private key: its encoding but for what is public, and what the kernels keep.
fn private(spec: u16, pkcs8: &[u8], spki: &[u8]) -> (AsymmetricKey, Needles) {
    let key = AsymmetricKey::from_pkcs8(spec, pkcs8).expect("a good key");
    let mut needles = Needles::default();
    match spec {
        spec::RSA_2048..=spec::RSA_4096 => {
            // SAFETY: reads of a live key.
            unsafe {
                let rsa = lc::EVP_PKEY_get0_RSA(key.raw());
                for n in [
                    lc::RSA_get0_p(rsa),
                    lc::RSA_get0_q(rsa),
                    lc::RSA_get0_d(rsa),
                    lc::RSA_get0_dmp1(rsa),
                    lc::RSA_get0_dmq1(rsa),
                    lc::RSA_get0_iqmp(rsa),
                ] {
                    let mut bytes = vec![0u8; lc::BN_num_bytes(n) as usize];
                    lc::BN_bn2bin(n, bytes.as_mut_ptr());
                    needles.number(&bytes);
                }
            }
            if let crate::rsa::LaneKey::Private(lanes) = key.rsa_lanes() {
                for half in [&lanes.p, &lanes.q] {
                    needles.memory(&*half.m);
                    needles.memory(&*half.r2);
                    needles.memory(&*half.words);
                }
                needles.memory(&*lanes.qinv);
            }
        }
        spec::ECC_NIST_EDWARDS25519 => {
            let seed = &pkcs8[16..48];
            let mut expanded = ec::ed25519::Expanded::default();
            expanded.set(seed.try_into().expect("32 bytes"));
            needles.bytes(seed);
            needles.memory(&expanded);
            let bytes: Vec<u8> =
                expanded.scalar[..4].iter().rev().flat_map(|w| w.to_be_bytes()).collect();
            needles.number(&bytes);
        }
        _ => needles.number(&ffi::private_scalar(&key).expect("a scalar")),
    }
    needles.except(spki);
    (key, needles)
}

fn pair(spec: u16) -> ffi::GeneratedPair {
    match spec {
        spec::RSA_2048..=spec::RSA_4096 => {
            ffi::generate_rsa(2048 + 1024 * i32::from(spec - spec::RSA_2048)).expect("a pair")
        }
        spec::ECC_NIST_EDWARDS25519 => ffi::generate_ed25519().expect("a pair"),
        _ => ffi::generate_ec(spec).expect("a pair"),
    }
}

#[test]
fn of_rsa() {
    for (spec, name) in [(spec::RSA_2048, "RSA_2048"), (spec::RSA_4096, "RSA_4096")] {
        for algorithm in [alg::RSASSA_PKCS1_V1_5_SHA_256, alg::RSASSA_PSS_SHA_512] {
            check(&format!("{name} Sign {algorithm}"), Control::Unwiped, || {
                let made = pair(spec);
                let (key, _) = private(spec, &made.pkcs8, &made.spki);
                let key = insert(KeyBody::Asymmetric(key));
                let job = Want { alg: algorithm, ..want(op::SIGN, key, [b"text", b"", b""], 512) };
                (job, move |_: &[Vec<u8>]| private(spec, &made.pkcs8, &made.spki).1)
            });
        }
        check(&format!("{name} Decrypt"), Control::Unwiped, || {
            let (made, text) = (pair(spec), fresh::<64>());
            let (key, _) = private(spec, &made.pkcs8, &made.spki);
            let oaep = alg::RSAES_OAEP_SHA_256;
            let mut sealed = [0u8; 512];
            let len = crate::rsa::encrypt(&key, oaep, &text, &mut sealed).expect("encrypted");
            let key = insert(KeyBody::Asymmetric(key));
            let job = want(op::RSA_DECRYPT, key, [&sealed[..len], b"", b""], 512);
            (Want { alg: oaep, ..job }, move |_: &[Vec<u8>]| {
                let mut needles = private(spec, &made.pkcs8, &made.spki).1;
                needles.bytes(&text);
                needles
            })
        });
    }
}

const CURVES: [(u16, u16, &str); 4] = [
    (spec::ECC_NIST_P256, alg::ECDSA_SHA_256, "P-256"),
    (spec::ECC_NIST_P384, alg::ECDSA_SHA_384, "P-384"),
    (spec::ECC_NIST_P521, alg::ECDSA_SHA_512, "P-521"),
    (spec::ECC_SECG_P256K1, alg::ECDSA_SHA_256, "secp256k1"),
];

#[test]
fn of_curves() {
    for (spec, algorithm, name) in CURVES {
        check(&format!("{name} Sign"), Control::Unwiped, || {
            let made = pair(spec);
            let (key, _) = private(spec, &made.pkcs8, &made.spki);
            let key = insert(KeyBody::Asymmetric(key));
            let digest = &fresh::<64>()[..ffi_digest_len(algorithm)];
            let job = want(op::SIGN, key, [digest, b"", b""], 144);
            let digest = digest.to_vec();
            (Want { alg: algorithm, param: 1, ..job }, move |outputs: &[Vec<u8>]| {
                let (key, mut needles) = private(spec, &made.pkcs8, &made.spki);
                for out in outputs {
                    nonces(&key, &digest, out).iter().for_each(|k| needles.number(k));
                }
                needles
            })
        });
        if spec == spec::ECC_SECG_P256K1 {
            continue;
        }
        check(&format!("{name} ECDH"), Control::Planted, || {
            let (made, peer) = (pair(spec), pair(spec));
            let (key, _) = private(spec, &made.pkcs8, &made.spki);
            let key = insert(KeyBody::Asymmetric(key));
            let job = want(op::ECDH, key, [&peer.spki, b"", b""], 66);
            (job, move |outputs: &[Vec<u8>]| {
                let mut needles = private(spec, &made.pkcs8, &made.spki).1;
                needles.number(&outputs[0]);
                needles
            })
        });
    }
    check("Ed25519 Sign", Control::Unwiped, || {
        let spec = spec::ECC_NIST_EDWARDS25519;
        let made = pair(spec);
        let (key, _) = private(spec, &made.pkcs8, &made.spki);
        let key = insert(KeyBody::Asymmetric(key));
        let job = want(op::SIGN, key, [b"message", b"", b""], 64);
        (Want { alg: alg::ED25519_SHA_512, ..job }, move |_: &[Vec<u8>]| {
            let mut needles = private(spec, &made.pkcs8, &made.spki).1;
            // The nonce as it is hashed.
            let mut expanded = ec::ed25519::Expanded::default();
            expanded.set(made.pkcs8[16..48].try_into().expect("32 bytes"));
            let mut digest = [0u8; 64];
            let text = [&expanded.prefix[..], b"message"].concat();
            ffi::Hash::Sha512.digest(&text, &mut digest);
            needles.bytes(&digest);
            needles
        })
    });
}

fn ffi_digest_len(algorithm: u16) -> usize {
    match algorithm {
        alg::ECDSA_SHA_384 => 48,
        alg::ECDSA_SHA_512 => 64,
        _ => 32,
    }
}

#[test]
fn of_made_keys() {
    let curves = CURVES.map(|(spec, _, name)| (spec, name));
    for (spec, name) in curves.into_iter().chain([
        (spec::ECC_NIST_EDWARDS25519, "Ed25519"),
        (spec::RSA_2048, "RSA_2048"),
        (spec::HMAC_512, "HMAC_512"),
    ]) {
        check(&format!("GenerateKey {name}"), Control::Planted, || {
            let bytes = fresh::<32>();
            let (key, _) = secret(spec::DOMAIN, &bytes);
            let job = want(op::GENERATE_KEY, key, [b"key id", b"aad", b""], 4096);
            (Want { alg: spec, ..job }, move |outputs: &[Vec<u8>]| {
                let mut needles = secret(spec::DOMAIN, &bytes).1;
                for out in outputs {
                    let len = u32::from_le_bytes(out[32..36].try_into().expect("4")) as usize;
                    let wrapped = &out[40..40 + len];
                    let made = run_single(op::DECRYPT, key, [wrapped, b"aad", b""], 4096);
                    let made = made.expect("wrapped by this key");
                    needles.bytes(&derived(&bytes, wrapped));
                    if spec == spec::HMAC_512 {
                        needles.bytes(&made);
                        continue;
                    }
                    needles.join(private(spec, &made, &out[40 + len..]).1);
                }
                needles
            })
        });
    }
}

#[test]
fn of_loaded_and_imported_keys() {
    for (spec, name) in [
        (spec::ECC_NIST_P384, "P-384"),
        (spec::ECC_NIST_EDWARDS25519, "Ed25519"),
        (spec::RSA_2048, "RSA_2048"),
    ] {
        check(&format!("LoadKey {name}"), Control::Planted, || {
            let (bytes, made) = (fresh::<32>(), pair(spec));
            let (key, _) = secret(spec::DOMAIN, &bytes);
            let wrapped = run_single(op::WRAP, key, [&made.pkcs8, b"aad", b""], 4096);
            let wrapped = wrapped.expect("wrapped");
            let job = want(op::LOAD_KEY, key, [&wrapped, b"aad", b""], 8);
            (Want { alg: spec, ..job }, move |_: &[Vec<u8>]| {
                let mut needles = secret(spec::DOMAIN, &bytes).1;
                needles.bytes(&derived(&bytes, &wrapped));
                needles.join(private(spec, &made.pkcs8, &made.spki).1);
                needles
            })
        });
    }
    for wrapping in [alg::RSAES_OAEP_SHA_256, alg::RSA_AES_KEY_WRAP_SHA_256] {
        check(&format!("ImportKey {wrapping}"), Control::Planted, || {
            let (domain, material, kek) = (fresh::<32>(), fresh::<32>(), fresh::<32>());
            let rsa = pair(spec::RSA_2048);
            let (key, _) = private(spec::RSA_2048, &rsa.pkcs8, &rsa.spki);
            let mut sealed = vec![0u8; 256];
            let hybrid = wrapping == alg::RSA_AES_KEY_WRAP_SHA_256;
            let oaep = alg::RSAES_OAEP_SHA_256;
            let inner = if hybrid { &kek } else { &material };
            crate::rsa::encrypt(&key, oaep, inner, &mut sealed).expect("encrypted");
            if hybrid {
                sealed.extend(wrapped_padded(&kek, &material));
            }
            let key = insert(KeyBody::Asymmetric(key));
            let mut job = want(op::IMPORT_KEY, key, [&sealed, b"aad", b"key id"], 4096);
            job.key2 = secret(spec::DOMAIN, &domain).0;
            job.alg = spec::SYMMETRIC_DEFAULT;
            job.param = u32::from(wrapping);
            (job, move |_: &[Vec<u8>]| {
                let mut needles = private(spec::RSA_2048, &rsa.pkcs8, &rsa.spki).1;
                needles.bytes(&material);
                if hybrid {
                    needles.bytes(&kek);
                }
                needles
            })
        });
    }
}
