//! The kernels for short messages against AWS-LC: every length, every width, mixed batches.
use super::exec::run_frame_with;
use super::*;
use crate::arena::{self, Handle, KeyBody};
use crate::symmetric::SecretKey;
use crate::symmetric::small::{Kernels, Width};

/// One job: op, key, three inputs, param.
type Input = (u16, Handle, [Vec<u8>; 3], u32);

fn secret(spec: u16, seed: u8) -> Handle {
    let key = SecretKey::load(spec, &[seed; 32]).expect("a good secret");
    arena::insert(KeyBody::Secret(key)).expect("room")
}

/// Runs a frame; gives status and output of each job.
fn run(kernels: Option<Kernels>, jobs: &[Input]) -> Vec<(u32, Vec<u8>)> {
    const CAP: usize = 8192;
    let mut frame = vec![0u8; HEADER_BYTES + jobs.len() * DESCRIPTOR_BYTES];
    let put = |frame: &mut Vec<u8>, at: usize, value: u32| {
        frame[at..at + 4].copy_from_slice(&value.to_le_bytes());
    };
    put(&mut frame, 0, FRAME_MAGIC);
    put(&mut frame, 4, jobs.len() as u32);
    for (i, (op, key, inputs, param)) in jobs.iter().enumerate() {
        let d = HEADER_BYTES + i * DESCRIPTOR_BYTES;
        put(&mut frame, d + field::op, u32::from(*op));
        put(&mut frame, d + field::status, 1);
        put(&mut frame, d + field::keySlot, key.slot);
        put(&mut frame, d + field::keyGen, key.generation);
        for (n, input) in inputs.iter().enumerate() {
            let at = frame.len() as u32;
            put(&mut frame, d + field::in0 + 8 * n, at);
            put(&mut frame, d + field::in0 + 8 * n + 4, input.len() as u32);
            frame.extend_from_slice(input);
        }
        let at = frame.len();
        put(&mut frame, d + field::out, at as u32);
        put(&mut frame, d + field::outCap, CAP as u32);
        put(&mut frame, d + field::param, *param);
        frame.resize(at + CAP, 0);
    }
    let used = frame.len() as u32;
    put(&mut frame, 8, used);
    assert_eq!(run_frame_with(&mut frame, kernels), Status::Ok);
    let read = |at: usize| u32::from_le_bytes(frame[at..at + 4].try_into().expect("4 bytes"));
    (0..jobs.len())
        .map(|i| {
            let d = HEADER_BYTES + i * DESCRIPTOR_BYTES;
            let at = read(d + field::out) as usize;
            (read(d + field::status), frame[at..at + read(d + field::outLen) as usize].to_vec())
        })
        .collect()
}

fn bytes(len: usize, seed: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 31 + seed * 7 + 1) as u8).collect()
}

/// Kernels that this CPU has, narrowest first.
fn widths() -> Vec<Kernels> {
    [Width::One, Width::Two, Width::Four].into_iter().filter_map(Kernels::up_to).collect()
}

/// Lengths 0..=300 and some around every bound, in batches of each size from 1 to 9.
fn lengths() -> Vec<usize> {
    (0..=300).chain([511, 512, 513, 1023, 4095, 4096, 4097]).collect()
}

#[test]
fn what_kernels_seal_aws_lc_opens_and_the_reverse() {
    let keys: Vec<Handle> = (1..=3).map(|i| secret(spec::SYMMETRIC_DEFAULT, i)).collect();
    for kernels in widths() {
        for (sealer, opener) in [(Some(kernels), None), (None, Some(kernels))] {
            let lengths = lengths();
            let mut at = 0;
            for size in (1..=9).cycle() {
                let Some(some) = lengths.get(at..(at + size).min(lengths.len())) else { break };
                if some.is_empty() {
                    break;
                }
                at += size;
                let plain: Vec<Input> = some
                    .iter()
                    .enumerate()
                    .map(|(i, len)| {
                        let (context, header) = (bytes(len % 97 * 3, 1), bytes(len % 41, 2));
                        let key = keys[i % keys.len()];
                        (op::ENCRYPT, key, [bytes(*len, i), context, header], 0)
                    })
                    .collect();
                let sealed = run(sealer, &plain);
                let opening: Vec<Input> = plain
                    .iter()
                    .zip(&sealed)
                    .map(|((_, key, [_, context, header], _), (status, blob))| {
                        assert_eq!(*status, Status::Ok as u32);
                        (op::DECRYPT, *key, [blob.clone(), context.clone(), header.clone()], 0)
                    })
                    .collect();
                for (opened, input) in run(opener, &opening).iter().zip(&plain) {
                    assert_eq!(opened.0, Status::Ok as u32);
                    assert_eq!(opened.1, input.2[0]);
                }
                // Each job in turn spoilt: it alone is refused.
                for bad in 0..opening.len() {
                    let mut spoilt = opening.clone();
                    let blob = &mut spoilt[bad].2[0];
                    let end = blob.len() - 1 - at % 16;
                    blob[end] ^= 1;
                    for (i, (status, out)) in run(opener, &spoilt).iter().enumerate() {
                        let expected =
                            if i == bad { Status::InvalidCiphertext } else { Status::Ok };
                        assert_eq!(*status, expected as u32);
                        assert_eq!(out.len(), if i == bad { 0 } else { plain[i].2[0].len() });
                    }
                }
            }
        }
    }
}

#[test]
fn data_keys_and_wrapping_of_kernels_open_in_aws_lc() {
    let key = secret(spec::DOMAIN, 5);
    for kernels in widths() {
        let jobs: Vec<Input> = (1..=70)
            .map(|i| {
                let (context, header) = (bytes(i, 1), bytes(38, 2));
                if i % 3 == 0 {
                    (op::WRAP, key, [bytes(i, 3), context, vec![]], 0)
                } else {
                    (op::GENERATE_DATA_KEY, key, [vec![], context, header], i as u32)
                }
            })
            .collect();
        for ((status, out), (op, _, [text, context, header], param)) in
            run(Some(kernels), &jobs).into_iter().zip(jobs)
        {
            assert_eq!(status, Status::Ok as u32);
            let (plain, blob) = match op {
                op::WRAP => (text, out),
                _ => (out[..param as usize].to_vec(), out[param as usize..].to_vec()),
            };
            let header = if op == op::WRAP { vec![] } else { header };
            let opened = run(None, &[(op::DECRYPT, key, [blob, context, header], 0)]);
            assert_eq!(opened[0], (Status::Ok as u32, plain));
        }
    }
}

#[test]
fn macs_of_kernels_are_those_of_aws_lc() {
    let keys = [secret(spec::HMAC_256, 6), secret(spec::HMAC_256, 7)];
    for kernels in widths() {
        for some in lengths().chunks(33) {
            let jobs: Vec<Input> = some
                .iter()
                .enumerate()
                .map(|(i, len)| (op::MAC, keys[i % 2], [bytes(*len, i), vec![], vec![]], 0))
                .collect();
            let expected = run(None, &jobs);
            assert_eq!(run(Some(kernels), &jobs), expected);
            let mut checks: Vec<Input> = jobs
                .iter()
                .zip(&expected)
                .map(|((_, key, [m, _, _], _), (_, mac))| {
                    (op::MAC_VERIFY, *key, [m.clone(), mac.clone(), vec![]], 0)
                })
                .collect();
            assert!(run(Some(kernels), &checks).iter().all(|(s, _)| *s == Status::Ok as u32));
            checks[0].2[1][31] ^= 1;
            checks[1].2[1].pop();
            let refused = run(Some(kernels), &checks);
            assert_eq!(refused[0].0, Status::InvalidMac as u32);
            assert_eq!(refused[1].0, Status::InvalidMac as u32);
            assert!(refused[2..].iter().all(|(s, _)| *s == Status::Ok as u32));
        }
    }
}

#[test]
fn odd_jobs_among_short_ones_have_the_executors_status() {
    let key = secret(spec::SYMMETRIC_DEFAULT, 8);
    let mac = secret(spec::HMAC_256, 9);
    let stale = Handle { slot: key.slot, generation: key.generation + 1 };
    let jobs: Vec<Input> = vec![
        (op::ENCRYPT, key, [bytes(5, 1), vec![], vec![]], 0),
        (op::ENCRYPT, stale, [bytes(5, 1), vec![], vec![]], 0),
        (op::ENCRYPT, mac, [bytes(5, 1), vec![], vec![]], 0),
        (op::MAC, key, [bytes(5, 1), vec![], vec![]], 0),
        (op::GENERATE_DATA_KEY, key, [vec![], vec![], vec![]], 0),
        (op::GENERATE_DATA_KEY, key, [vec![], vec![], vec![]], 1025),
        (op::DECRYPT, key, [bytes(43, 1), vec![], vec![]], 0),
        (op::DECRYPT, key, [bytes(60, 1), vec![], bytes(4, 9)], 0),
        (op::MAC, mac, [bytes(5, 1), vec![], vec![]], 0),
    ];
    for kernels in widths() {
        let with = run(Some(kernels), &jobs);
        let without = run(None, &jobs);
        let statuses = |outcomes: &[(u32, Vec<u8>)]| -> Vec<u32> {
            outcomes.iter().map(|(status, _)| *status).collect()
        };
        assert_eq!(statuses(&with), statuses(&without));
        assert_eq!(with[8], without[8]);
    }
}
