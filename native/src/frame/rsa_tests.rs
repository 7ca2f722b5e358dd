//! RSA jobs in frames: batches must answer as the executor does for a frame of one.
use super::*;
use crate::arena::{self, Handle, KeyBody};
use crate::ffi::{self, AsymmetricKey};

struct Want<'a> {
    op: u16,
    alg: u16,
    key: Handle,
    inputs: [&'a [u8]; 2],
    cap: usize,
}

/// Runs the jobs as one frame; status and output of each.
fn run(jobs: &[Want<'_>]) -> Vec<(u32, Vec<u8>)> {
    let mut frame = vec![0u8; HEADER_BYTES + jobs.len() * DESCRIPTOR_BYTES];
    let put = |frame: &mut Vec<u8>, at: usize, value: usize| {
        frame[at..at + 4].copy_from_slice(&(value as u32).to_le_bytes());
    };
    put(&mut frame, 0, FRAME_MAGIC as usize);
    put(&mut frame, 4, jobs.len());
    for (i, job) in jobs.iter().enumerate() {
        let d = HEADER_BYTES + i * DESCRIPTOR_BYTES;
        put(&mut frame, d + field::op, usize::from(job.op) | usize::from(job.alg) << 16);
        put(&mut frame, d + field::status, 1);
        put(&mut frame, d + field::keySlot, job.key.slot as usize);
        put(&mut frame, d + field::keyGen, job.key.generation as usize);
        for (n, input) in job.inputs.iter().enumerate() {
            let at = frame.len();
            put(&mut frame, d + field::in0 + 8 * n, at);
            put(&mut frame, d + field::in0 + 8 * n + 4, input.len());
            frame.extend_from_slice(input);
        }
        let at = frame.len();
        put(&mut frame, d + field::out, at);
        put(&mut frame, d + field::outCap, job.cap);
        frame.resize(at + job.cap, 0);
    }
    let used = frame.len();
    put(&mut frame, 8, used);
    assert_eq!(run_frame(&mut frame), Status::Ok);
    let read = |at: usize| u32::from_le_bytes(frame[at..at + 4].try_into().expect("4 bytes"));
    (0..jobs.len())
        .map(|i| {
            let d = HEADER_BYTES + i * DESCRIPTOR_BYTES;
            let (at, len) = (read(d + field::out) as usize, read(d + field::outLen) as usize);
            (read(d + field::status), frame[at..at + len].to_vec())
        })
        .collect()
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
    let signs: Vec<Want<'_>> = (0..21)
        .map(|i| Want {
            op: op::SIGN,
            alg: if i == 5 { alg::ECDSA_SHA_256 } else { pkcs1 },
            key: if i == 9 { gone } else { keys[i % 3] },
            inputs: [message, &[]],
            cap: if i == 7 { 16 } else { 512 },
        })
        .collect();
    let signed = run(&signs);
    for (i, (job, got)) in signs.iter().zip(&signed).enumerate() {
        let single = run(std::slice::from_ref(job));
        assert_eq!(*got, single[0], "job {i}");
    }
    assert_eq!(signed.iter().filter(|(status, _)| *status == 0).count(), 18);
    // Verifications, good and bad, with encryptions and decryptions between them.
    let mut spoiled: Vec<Vec<u8>> = signed.iter().map(|(_, signature)| signature.clone()).collect();
    for signature in spoiled.iter_mut().skip(1).step_by(4).filter(|s| !s.is_empty()) {
        signature[100] ^= 4;
    }
    let sealed = run(&(0..8)
        .map(|i| Want {
            op: op::RSA_ENCRYPT,
            alg: alg::RSAES_OAEP_SHA_256,
            key: keys[i % 3],
            inputs: [message, &[]],
            cap: 512,
        })
        .collect::<Vec<_>>());
    let mut mixed = Vec::new();
    for i in 0..21 {
        mixed.push(Want {
            op: op::VERIFY,
            alg: pkcs1,
            key: keys[i % 3],
            inputs: [message, &spoiled[i]],
            cap: 0,
        });
        if let Some((_, blob)) = sealed.get(i) {
            mixed.push(Want {
                op: op::RSA_DECRYPT,
                alg: alg::RSAES_OAEP_SHA_256,
                // One under the wrong key.
                key: if i == 6 { keys[2] } else { keys[i % 3] },
                inputs: [blob, &[]],
                cap: 512,
            });
        }
    }
    for (i, (job, got)) in mixed.iter().zip(run(&mixed)).enumerate() {
        let single = run(std::slice::from_ref(job));
        assert_eq!(got, single[0], "job {i}");
        if job.op == op::RSA_DECRYPT && got.0 == 0 {
            assert_eq!(got.1, message);
        }
    }
}
