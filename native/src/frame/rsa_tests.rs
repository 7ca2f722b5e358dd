//! RSA jobs in frames: batches must answer as the executor does for a frame of one.
use super::test_frames::{One, run_all};
use super::*;
use crate::arena::{self, Handle, KeyBody};
use crate::ffi::{self, AsymmetricKey};

/// A job with one key and two inputs at most.
fn want<'a>(op: u16, alg: u16, key: Handle, inputs: [&'a [u8]; 2], cap: usize) -> One<'a> {
    let [first, second] = inputs;
    One { op, alg, key: Some(key), key2: None, param: 0, inputs: [first, second, &[]], cap }
}

fn key(spec: u16) -> Handle {
    let made = ffi::generate_rsa(2048 + 1024 * i32::from(spec - spec::RSA_2048)).expect("a key");
    let key = AsymmetricKey::from_pkcs8(spec, &made.pkcs8).expect("own key");
    arena::insert(KeyBody::Asymmetric(key)).expect("room")
}

#[test]
fn frames_of_rsa_jobs_answer_as_single_ones_do() {
    let keys = [key(spec::RSA_2048), key(spec::RSA_3072), key(spec::RSA_2048)];
    let gone = key(spec::RSA_2048);
    arena::free(gone.slot, gone.generation);
    let message = b"frames of RSA jobs".as_slice();
    let pkcs1 = alg::RSASSA_PKCS1_V1_5_SHA_256;
    let signs: Vec<One<'_>> = (0..21)
        .map(|i| {
            let algorithm = if i == 5 { alg::ECDSA_SHA_256 } else { pkcs1 };
            let key = if i == 9 { gone } else { keys[i % 3] };
            let cap = if i == 7 { 16 } else { 512 };
            want(op::SIGN, algorithm, key, [message, &[]], cap)
        })
        .collect();
    let signed = run_all(&signs);
    for (i, (job, got)) in signs.iter().zip(&signed).enumerate() {
        let single = run_all(std::slice::from_ref(job));
        assert_eq!(*got, single[0], "job {i}");
    }
    assert_eq!(signed.iter().filter(|(status, _)| *status == 0).count(), 18);
    // Verifications, good and bad, with encryptions and decryptions between them.
    let mut spoiled: Vec<Vec<u8>> = signed.iter().map(|(_, signature)| signature.clone()).collect();
    for signature in spoiled.iter_mut().skip(1).step_by(4).filter(|s| !s.is_empty()) {
        signature[100] ^= 4;
    }
    let oaep = alg::RSAES_OAEP_SHA_256;
    let sealed = run_all(
        &(0..8)
            .map(|i| want(op::RSA_ENCRYPT, oaep, keys[i % 3], [message, &[]], 512))
            .collect::<Vec<_>>(),
    );
    let mut mixed = Vec::new();
    for i in 0..21 {
        mixed.push(want(op::VERIFY, pkcs1, keys[i % 3], [message, &spoiled[i]], 0));
        if let Some((_, blob)) = sealed.get(i) {
            // One under the wrong key.
            let key = if i == 6 { keys[2] } else { keys[i % 3] };
            mixed.push(want(op::RSA_DECRYPT, oaep, key, [blob, &[]], 512));
        }
    }
    for (i, (job, got)) in mixed.iter().zip(run_all(&mixed)).enumerate() {
        let single = run_all(std::slice::from_ref(job));
        assert_eq!(got, single[0], "job {i}");
        if job.op == op::RSA_DECRYPT && got.0 == 0 {
            assert_eq!(got.1, message);
        }
    }
}
