//! RSA with secret keys on the classes that valgrind runs: eight private operations with their check,
//! signatures, OAEP on good and bad ciphertexts. Sizes differ in the number of digits and in nothing
//! else; all are run.
use crate::{Checks, Expect};
use keystrel_native::cpu;
use keystrel_native::ffi::{self, AsymmetricKey, Hash};
use keystrel_native::frame::{Status, alg, spec};
use keystrel_native::rsa::batch::{self, Numbers};
use keystrel_native::rsa::lane_key::{Kernel, PrivateLanes, WORDS_MAX};
use keystrel_native::rsa::{LaneKey, RsaJob, decrypt_batch, sign_batch};
use keystrel_native::secrecy::{classify_behind, declassify_all};
use keystrel_native::vec::LANES;
use std::hint::black_box;

/// The keys of the class agreement test: PKCS#8 in DER, one behind the other.
fn keys(spec: u16) -> Vec<AsymmetricKey> {
    let mut rest: &[u8] = match spec {
        spec::RSA_2048 => include_bytes!("../../tests/class_agreement/keys/rsa_2048.der"),
        spec::RSA_3072 => include_bytes!("../../tests/class_agreement/keys/rsa_3072.der"),
        _ => include_bytes!("../../tests/class_agreement/keys/rsa_4096.der"),
    };
    let mut keys = Vec::new();
    while let [0x30, 0x82, high, low, ..] = rest {
        let (one, behind) = rest.split_at(4 + 256 * usize::from(*high) + usize::from(*low));
        keys.push(AsymmetricKey::from_pkcs8(spec, one).expect("a private key"));
        rest = behind;
    }
    keys
}

/// Marks all secret numbers of a key.
fn hide(key: &PrivateLanes) {
    for half in [&key.p, &key.q] {
        for number in [&half.m, &half.r2, &half.words] {
            classify_behind(&number.0);
        }
    }
    classify_behind(&key.qinv.0);
}

fn lane_keys(spec: u16, kernel: Kernel) -> Vec<(AsymmetricKey, LaneKey)> {
    keys(spec)
        .into_iter()
        .map(|key| {
            let lanes = LaneKey::for_kernel(&key, kernel);
            match &lanes {
                LaneKey::Private(private) => hide(private),
                _ => panic!("a kernel serves the key"),
            }
            (key, lanes)
        })
        .collect()
}

fn private(spec: u16, kernel: Kernel) -> Numbers {
    let keys: Vec<PrivateLanes> = keys(spec)
        .iter()
        .map(|key| ffi::private_lanes(key, kernel).expect("a kernel serves it"))
        .collect();
    keys.iter().for_each(hide);
    let chosen: Vec<&PrivateLanes> = keys.iter().collect();
    let mut input: Numbers = [[0; WORDS_MAX]; LANES];
    for (lane, number) in input.iter_mut().enumerate() {
        number[0] = 2 + lane as u64;
        number[7] = 0x0123_4567_89ab_cdef;
    }
    let mut out: Numbers = [[0; WORDS_MAX]; LANES];
    let failed = batch::private(&chosen, &input, &mut out).expect("a kernel");
    assert_eq!(failed, [false; LANES]);
    out
}

/// Secrets reach the result: else a clean report would mean nothing.
fn planted(kernel: Kernel) {
    let out = private(spec::RSA_2048, kernel);
    if black_box(out)[0][0] & 1 == 1 {
        println!("odd");
    }
}

fn run_jobs(
    keys: &[(AsymmetricKey, LaneKey)],
    algorithm: impl Fn(usize) -> u16,
    inputs: &[Vec<u8>],
    run: fn(&mut [RsaJob<'_>]),
) -> Vec<Result<usize, Status>> {
    let mut outs = vec![[0u8; 512]; inputs.len()];
    let mut jobs: Vec<RsaJob<'_>> = outs
        .iter_mut()
        .zip(keys)
        .enumerate()
        .map(|(i, (out, (key, lanes)))| RsaJob {
            key,
            lanes,
            algorithm: algorithm(i),
            input: &inputs[i],
            is_digest: false,
            signature: &[],
            out,
            result: Err(Status::Pending),
        })
        .collect();
    run(&mut jobs);
    jobs.iter().map(|job| job.result).collect()
}

fn signatures(kernel: Kernel) {
    const ALGORITHMS: [u16; 2] = [alg::RSASSA_PKCS1_V1_5_SHA_256, alg::RSASSA_PSS_SHA_256];
    let keys = lane_keys(spec::RSA_2048, kernel);
    let messages: Vec<Vec<u8>> = (0..LANES as u8).map(|i| vec![i; 40]).collect();
    let results = run_jobs(&keys, |i| ALGORITHMS[i % 2], &messages, sign_batch);
    assert_eq!(results, [Ok(256); LANES]);
}

fn oaep(kernel: Kernel) {
    let keys = lane_keys(spec::RSA_2048, kernel);
    let sealed: Vec<Vec<u8>> = keys
        .iter()
        .enumerate()
        .map(|(i, (key, _))| {
            let mut out = vec![0u8; 256];
            let message = vec![i as u8; 11 * i];
            ffi::oaep_encrypt(key, Hash::Sha256, &message, &mut out).expect("it fits");
            if i >= 6 {
                out[100] ^= 1;
            }
            out
        })
        .collect();
    let results = run_jobs(&keys, |_| alg::RSAES_OAEP_SHA_256, &sealed, decrypt_batch);
    for (i, result) in results.into_iter().enumerate() {
        let want = if i >= 6 { Err(Status::InvalidCiphertext) } else { Ok(11 * i) };
        assert_eq!(result, want, "job {i}");
    }
}

pub fn run(checks: &mut Checks) {
    let mut kernels = vec![(Kernel::Portable, "portable")];
    if cpu::best() != cpu::Class::Generic {
        kernels.push((Kernel::Avx2, "avx2"));
    }
    for (kernel, name) in kernels {
        for (spec, size) in [(spec::RSA_2048, 2048), (spec::RSA_3072, 3072), (spec::RSA_4096, 4096)]
        {
            let title = format!("RSA-{size} private operation, {name}");
            checks.check(&title, Expect::Nothing, || {
                declassify_all(&mut private(spec, kernel));
            });
        }
        let title = format!("RSA branch on the result, {name}");
        checks.check(&title, Expect::Leak, || planted(kernel));
        let title = format!("RSA signatures, {name}");
        checks.check(&title, Expect::Nothing, || signatures(kernel));
        let title = format!("RSA OAEP decryption, {name}");
        checks.check(&title, Expect::Nothing, || oaep(kernel));
    }
}
