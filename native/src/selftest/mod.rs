//! Start-up self-tests: known answers, computed by other implementations, for every algorithm.
mod known_answers;
mod lanes;
mod seeded;
mod seeded_answers;
mod sm2;

use crate::arena::{self, KeyBody};
use crate::break_even::{BreakEven, forced};
use crate::ffi::AsymmetricKey;
use crate::frame::{self, Status, alg, op, spec};
use crate::rsa::RsaJob;
use crate::symmetric::{self, MAC_MAX, RandomPool, SecretKey};
use crate::{ec, rsa, sigv4};
use known_answers as known;
pub use known_answers::RSA_PKCS8;

/// Outcome of one algorithm's test.
pub struct Outcome {
    pub operation: &'static str,
    pub algorithm: &'static str,
    pub passed: bool,
}

pub fn hex(text: &str) -> Vec<u8> {
    let nibble = |c: u8| (c as char).to_digit(16).unwrap_or(0) as u8;
    text.as_bytes().as_chunks::<2>().0.iter().map(|[a, b]| nibble(*a) << 4 | nibble(*b)).collect()
}

fn counted(len: usize) -> Vec<u8> {
    (0..len as u8).collect()
}

/// Runs every test; a panic inside one is a failure of that one.
pub fn run() -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    let mut note = |operation, algorithm, test: &dyn Fn() -> Result<bool, Status>| {
        let ran = std::panic::catch_unwind(std::panic::AssertUnwindSafe(test));
        let passed = matches!(ran, Ok(Ok(true)));
        outcomes.push(Outcome { operation, algorithm, passed });
    };
    note("Encrypt", "SYMMETRIC_DEFAULT", &sealed);
    for (name, spec, answer) in [
        ("HMAC_SHA_224", spec::HMAC_224, known::HMAC_224),
        ("HMAC_SHA_256", spec::HMAC_256, known::HMAC_256),
        ("HMAC_SHA_384", spec::HMAC_384, known::HMAC_384),
        ("HMAC_SHA_512", spec::HMAC_512, known::HMAC_512),
    ] {
        note("GenerateMac", name, &|| mac(spec, answer));
    }
    note("SigV4", "AWS4-HMAC-SHA256", &signature_v4);
    for (name, algorithm, answer, fixed) in [
        ("RSASSA_PKCS1_V1_5_SHA_256", alg::RSASSA_PKCS1_V1_5_SHA_256, known::RSA_PKCS1_256, true),
        ("RSASSA_PKCS1_V1_5_SHA_384", alg::RSASSA_PKCS1_V1_5_SHA_384, known::RSA_PKCS1_384, true),
        ("RSASSA_PKCS1_V1_5_SHA_512", alg::RSASSA_PKCS1_V1_5_SHA_512, known::RSA_PKCS1_512, true),
        ("RSASSA_PSS_SHA_256", alg::RSASSA_PSS_SHA_256, known::RSA_PSS_256, false),
        ("RSASSA_PSS_SHA_384", alg::RSASSA_PSS_SHA_384, known::RSA_PSS_384, false),
        ("RSASSA_PSS_SHA_512", alg::RSASSA_PSS_SHA_512, known::RSA_PSS_512, false),
    ] {
        note("Sign", name, &|| rsa_signature(algorithm, answer, fixed));
    }
    for (name, algorithm, answer) in [
        ("RSAES_OAEP_SHA_1", alg::RSAES_OAEP_SHA_1, known::RSA_OAEP_1),
        ("RSAES_OAEP_SHA_256", alg::RSAES_OAEP_SHA_256, known::RSA_OAEP_256),
    ] {
        note("Encrypt", name, &|| oaep(algorithm, answer));
    }
    for (name, spec, algorithm, key, answer) in [
        (
            "ECC_NIST_P256",
            spec::ECC_NIST_P256,
            alg::ECDSA_SHA_256,
            known::P256_PKCS8,
            known::P256_SIGNATURE,
        ),
        (
            "ECC_NIST_P384",
            spec::ECC_NIST_P384,
            alg::ECDSA_SHA_384,
            known::P384_PKCS8,
            known::P384_SIGNATURE,
        ),
        (
            "ECC_NIST_P521",
            spec::ECC_NIST_P521,
            alg::ECDSA_SHA_512,
            known::P521_PKCS8,
            known::P521_SIGNATURE,
        ),
        (
            "ECC_SECG_P256K1",
            spec::ECC_SECG_P256K1,
            alg::ECDSA_SHA_256,
            known::P256K1_PKCS8,
            known::P256K1_SIGNATURE,
        ),
    ] {
        note("Sign", name, &|| ecdsa(spec, algorithm, key, answer));
    }
    for (name, spec, key, peer, answer) in [
        (
            "ECC_NIST_P256",
            spec::ECC_NIST_P256,
            known::P256_PKCS8,
            known::P256_PEER,
            known::P256_SHARED,
        ),
        (
            "ECC_NIST_P384",
            spec::ECC_NIST_P384,
            known::P384_PKCS8,
            known::P384_PEER,
            known::P384_SHARED,
        ),
        (
            "ECC_NIST_P521",
            spec::ECC_NIST_P521,
            known::P521_PKCS8,
            known::P521_PEER,
            known::P521_SHARED,
        ),
    ] {
        note("DeriveSharedSecret", name, &|| agreement(spec, key, peer, answer));
    }
    for test in seeded::TESTS {
        note(test.operation, test.algorithm, &|| test.run());
    }
    note("Sign", "SM2DSA", &|| sm2::signature(sm2::SIGNATURE));
    note("Encrypt", "SM2PKE", &|| sm2::encryption(sm2::CIPHERTEXT));
    note("DeriveSharedSecret", "SM2", &|| sm2::agreement(sm2::SHARED));
    outcomes
}

/// Opens a known blob, refuses it when spoiled, and opens what it sealed itself.
fn sealed() -> Result<bool, Status> {
    let key = SecretKey::load(spec::SYMMETRIC_DEFAULT, &counted(32))?;
    let (header, context) = (hex(known::HEADER), hex(known::CONTEXT));
    let (message, mut blob) = (hex(known::MESSAGE), hex(known::BLOB));
    let mut out = [0u8; 128];
    let len = symmetric::open(&key, &header, &context, &blob, &mut out)?;
    let known_good = out[..len] == message[..];
    if let Some(last) = blob.last_mut() {
        *last ^= 1;
    }
    let refused = symmetric::open(&key, &header, &context, &blob, &mut out).is_err();
    let mut own = [0u8; 128];
    let mut random = RandomPool::new(28);
    let len = symmetric::seal(&key, &mut random, &header, &context, &message, &mut own)?;
    let opened = symmetric::open(&key, &header, &context, &own[..len], &mut out)?;
    Ok(known_good && refused && out[..opened] == message[..] && sealed_in_frames()?)
}

/// The same through a frame, where the kernels for short messages run.
fn sealed_in_frames() -> Result<bool, Status> {
    let inputs = [hex(known::BLOB), hex(known::CONTEXT), hex(known::HEADER)];
    let [blob, context, header] = inputs.each_ref().map(Vec::as_slice);
    let message = hex(known::MESSAGE);
    let key = KeyBody::Secret(SecretKey::load(spec::SYMMETRIC_DEFAULT, &counted(32))?);
    in_frame(key, |run| {
        let known_good = run(op::DECRYPT, [blob, context, header]) == Ok(message.clone());
        let Ok(own) = run(op::ENCRYPT, [&message, context, header]) else { return false };
        let mut spoilt = blob.to_vec();
        spoilt[blob.len() - 1] ^= 1;
        known_good
            && run(op::DECRYPT, [&own, context, header]) == Ok(message.clone())
            && run(op::DECRYPT, [&spoilt, context, header]) == Err(Status::InvalidCiphertext as u32)
    })
}

/// Runs one job: its output, or its status.
type RunJob<'a> = &'a dyn Fn(u16, [&[u8]; 3]) -> Result<Vec<u8>, u32>;

/// Puts a key into the arena for as long as `test` runs.
fn in_frame(key: KeyBody, test: impl FnOnce(RunJob<'_>) -> bool) -> Result<bool, Status> {
    let handle = arena::insert(key)?;
    let passed = test(&|op, inputs| frame::run_single(op, handle, inputs, 256));
    arena::free(handle.slot, handle.generation);
    Ok(passed)
}

fn mac(spec: u16, answer: &str) -> Result<bool, Status> {
    let answer = hex(answer);
    let key = SecretKey::load(spec, &counted(answer.len()))?;
    let mut out = [0u8; MAC_MAX];
    key.hmac().mac(&hex(known::MESSAGE), &mut out);
    let message = hex(known::MESSAGE);
    let framed = in_frame(KeyBody::Secret(key), |run| {
        run(op::MAC, [&message, &[], &[]]) == Ok(answer.clone())
            && run(op::MAC_VERIFY, [&message, &answer, &[]]) == Ok(Vec::new())
            && run(op::MAC_VERIFY, [&answer, &answer, &[]]) == Err(Status::InvalidMac as u32)
    })?;
    Ok(out[..answer.len()] == answer[..] && framed)
}

fn signature_v4() -> Result<bool, Status> {
    let secret = SecretKey::load(spec::SIGV4_SECRET, &hex(known::SIGV4_SECRET))?;
    let (canonical, body) = (hex(known::SIGV4_CANONICAL), hex(known::MESSAGE));
    let mut tail = hex(known::SIGV4_TAIL);
    let mut out = [0u8; 64];
    // No key of the arena has slot u32::MAX, so nothing else can meet this entry of the cache.
    let handle = (u32::MAX, 0);
    let len = sigv4::verify(handle, &secret, &canonical, &body, &tail, &mut out)?;
    tail[0] ^= 1;
    let refused = sigv4::verify(handle, &secret, &canonical, &body, &tail, &mut [0; 64]);
    sigv4::forget(handle.0, handle.1);
    Ok(out[..len] == hex(known::SIGV4_PAYLOAD_HASH)[..] && refused == Err(Status::InvalidSignature))
}

fn rsa_signature(algorithm: u16, answer: &str, deterministic: bool) -> Result<bool, Status> {
    let key = AsymmetricKey::from_pkcs8(spec::RSA_2048, &hex(known::RSA_PKCS8))?;
    let (message, mut answer) = (hex(known::MESSAGE), hex(answer));
    let mut own = [0u8; 256];
    let len = rsa::sign(&key, algorithm, &message, false, &mut own)?;
    let same = !deterministic || own[..len] == answer[..];
    rsa::verify(&key, algorithm, &message, false, &own[..len])?;
    rsa::verify(&key, algorithm, &message, false, &answer)?;
    let batches = rsa_batches(&key, algorithm, &message, &answer, deterministic);
    answer[100] ^= 1;
    let refused = rsa::verify(&key, algorithm, &message, false, &answer).is_err();
    Ok(same && refused && batches)
}

/// Eight signatures at a time by the kernels in force, then eight verifications, one of them of a
/// wrong signature.
fn rsa_batches(
    key: &AsymmetricKey,
    algorithm: u16,
    message: &[u8],
    answer: &[u8],
    deterministic: bool,
) -> bool {
    let mut outs = [[0u8; 256]; 8];
    let run = |batch: fn(&mut [RsaJob<'_>]), signatures: &[&[u8]; 8], outs: &mut [[u8; 256]; 8]| {
        let mut jobs: Vec<RsaJob<'_>> = outs
            .iter_mut()
            .zip(signatures)
            .map(|(out, signature)| RsaJob {
                key,
                lanes: key.rsa_lanes(),
                algorithm,
                input: message,
                is_digest: false,
                signature,
                out,
                result: Err(Status::Pending),
            })
            .collect();
        forced(BreakEven::ALWAYS, || batch(&mut jobs));
        <[_; 8]>::try_from(jobs.iter().map(|job| job.result).collect::<Vec<_>>())
            .unwrap_or([Err(Status::Internal); 8])
    };
    let signed = run(rsa::sign_batch, &[&[]; 8], &mut outs);
    let same = !deterministic || outs.iter().all(|out| out[..] == answer[..]);
    outs[5][7] ^= 1;
    let signatures = outs;
    let signatures: [&[u8]; 8] =
        std::array::from_fn(|i| if i == 0 { answer } else { &signatures[i][..] });
    let verified = run(rsa::verify_batch, &signatures, &mut [[0; 256]; 8]);
    let right = (0..8).all(|i| verified[i].is_ok() == (i != 5));
    same && right && signed.iter().all(|result| *result == Ok(256))
}

fn oaep(algorithm: u16, answer: &str) -> Result<bool, Status> {
    let key = AsymmetricKey::from_pkcs8(spec::RSA_2048, &hex(known::RSA_PKCS8))?;
    let (message, mut answer) = (hex(known::MESSAGE), hex(answer));
    let mut out = [0u8; 256];
    let len = rsa::decrypt(&key, algorithm, &answer, &mut out)?;
    let known_good = out[..len] == message[..];
    answer[100] ^= 1;
    let refused = rsa::decrypt(&key, algorithm, &answer, &mut out).is_err();
    let mut own = [0u8; 256];
    rsa::encrypt(&key, algorithm, &message, &mut own)?;
    let len = rsa::decrypt(&key, algorithm, &own, &mut out)?;
    Ok(known_good && refused && out[..len] == message[..])
}

fn ecdsa(spec: u16, algorithm: u16, key: &str, answer: &str) -> Result<bool, Status> {
    let key = AsymmetricKey::from_pkcs8(spec, &hex(key))?;
    let (mut message, answer) = (hex(known::MESSAGE), hex(answer));
    let mut own = [0u8; 160];
    let len = ec::sign(&key, algorithm, &message, false, &mut own)?;
    ec::verify(&key, algorithm, &message, false, &own[..len])?;
    ec::verify(&key, algorithm, &message, false, &answer)?;
    let batches = lanes::ecdsa(&key, algorithm, &message, &answer);
    message[0] ^= 1;
    Ok(batches && ec::verify(&key, algorithm, &message, false, &answer).is_err())
}

fn agreement(spec: u16, key: &str, peer: &str, answer: &str) -> Result<bool, Status> {
    let key = AsymmetricKey::from_pkcs8(spec, &hex(key))?;
    let (peer, answer) = (hex(peer), hex(answer));
    let mut out = [0u8; 66];
    let len = ec::ecdh(&key, &peer, &mut out)?;
    Ok(out[..len] == answer[..] && lanes::agreement(&key, &peer, &answer))
}

#[cfg(test)]
mod tests {
    #[test]
    fn all_known_answers_hold() {
        let outcomes = super::run();
        assert_eq!(outcomes.len(), 32);
        for outcome in outcomes {
            assert!(outcome.passed, "{} {}", outcome.operation, outcome.algorithm);
        }
    }

    /// One hex digit of an answer changed.
    fn spoilt(answer: &str) -> String {
        let middle = answer.len() / 2;
        let digit = if answer.as_bytes()[middle] == b'0' { "1" } else { "0" };
        format!("{}{digit}{}", &answer[..middle], &answer[middle + 1..])
    }

    /// Each number of each example spoilt, in turn, on every class of kernels of this CPU.
    #[test]
    fn wrong_examples_of_rfc_8032_are_caught() {
        use super::lanes::{EXAMPLES, ed25519_on};
        for kernels in crate::ec::batch::Kernels::all() {
            assert!(ed25519_on(kernels, &EXAMPLES), "{}", kernels.name());
            for at in 0..EXAMPLES.len() {
                let (variant, seed, public, message, signature) = EXAMPLES[at];
                let [other_seed, other_public, other_signature] =
                    [seed, public, signature].map(|text| &*spoilt(text).leak());
                for wrong in [
                    (variant, other_seed, public, message, signature),
                    (variant, seed, other_public, message, signature),
                    (variant, seed, public, "73", signature),
                    (variant, seed, public, message, other_signature),
                ] {
                    let mut examples = EXAMPLES;
                    examples[at] = wrong;
                    assert!(!ed25519_on(kernels, &examples), "{} {at}", kernels.name());
                }
            }
        }
    }

    #[test]
    fn wrong_answers_are_caught() {
        use super::*;
        let passes = |outcome: Result<bool, Status>| matches!(outcome, Ok(true));
        assert!(passes(mac(spec::HMAC_256, known::HMAC_256)));
        for (spec, answer) in [
            (spec::HMAC_224, known::HMAC_224),
            (spec::HMAC_256, known::HMAC_256),
            (spec::HMAC_384, known::HMAC_384),
            (spec::HMAC_512, known::HMAC_512),
        ] {
            assert!(!passes(mac(spec, &spoilt(answer))));
        }
        let (pkcs1, pss) = (alg::RSASSA_PKCS1_V1_5_SHA_256, alg::RSASSA_PSS_SHA_256);
        assert!(!passes(rsa_signature(pkcs1, &spoilt(known::RSA_PKCS1_256), true)));
        assert!(!passes(rsa_signature(pss, &spoilt(known::RSA_PSS_256), false)));
        assert!(!passes(oaep(alg::RSAES_OAEP_SHA_256, &spoilt(known::RSA_OAEP_256))));
        let (key, answer) = (known::P256_PKCS8, spoilt(known::P256_SIGNATURE));
        assert!(!passes(ecdsa(spec::ECC_NIST_P256, alg::ECDSA_SHA_256, key, &answer)));
        let shared = spoilt(known::P384_SHARED);
        let (own, peer) = (known::P384_PKCS8, known::P384_PEER);
        assert!(!passes(agreement(spec::ECC_NIST_P384, own, peer, &shared)));
        assert!(passes(sm2::signature(sm2::SIGNATURE)));
        assert!(!passes(sm2::signature(&spoilt(sm2::SIGNATURE))));
        assert!(!passes(sm2::encryption(&spoilt(sm2::CIPHERTEXT))));
        assert!(!passes(sm2::agreement(&spoilt(sm2::SHARED))));
        for test in seeded::TESTS {
            assert!(passes(test.run()), "{}", test.algorithm);
            let answer = spoilt(test.answer);
            assert!(!passes(test.with_answer(&answer).run()), "{}", test.algorithm);
        }
    }
}
