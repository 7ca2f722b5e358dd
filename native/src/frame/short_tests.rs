//! The kernels for short messages against AWS-LC: every length, every width, mixed batches.
use super::exec::run_frame_with;
use super::test_frames::{One, build, read};
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
    let ones: Vec<One<'_>> = jobs
        .iter()
        .map(|(op, key, inputs, param)| One {
            op: *op,
            alg: 0,
            key: Some(*key),
            key2: None,
            param: *param,
            inputs: inputs.each_ref().map(Vec::as_slice),
            cap: 8192,
        })
        .collect();
    let mut frame = build(&ones);
    assert_eq!(run_frame_with(&mut frame, kernels), Status::Ok);
    read(&frame)
}

fn bytes(len: usize, seed: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 31 + seed * 7 + 1) as u8).collect()
}

/// Kernels that this CPU has, narrowest first.
fn widths() -> Vec<Kernels> {
    [Width::One, Width::Two, Width::Four].into_iter().filter_map(Kernels::up_to).collect()
}

/// Sizes of batches: up to one more than the kernels take at once, and beyond.
const SIZES: [usize; 13] = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 33, 64];

/// Lengths 0..=300 and some around every bound.
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
            for size in SIZES.into_iter().cycle() {
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

/// xorshift64*.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) as usize % n
    }
    fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.below(256) as u8).collect()
    }
    /// Mostly around the borders of SHA-256's blocks, which an AES block divides.
    fn len(&mut self) -> usize {
        match self.below(8) {
            0 => self.below(301),
            1 => 64 * self.below(64) + self.below(64),
            2 => 64,
            3 => [0, 1, 3, 4, 15, 16, 17, 32][self.below(8)],
            _ => (64 * (1 + self.below(5))).saturating_sub(12) + self.below(16),
        }
    }
}

#[test]
fn random_frames_agree_with_aws_lc() {
    let number = |name, default| {
        std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    let seed = number("SEED", 0x6b65_7973_7472_656c).max(1);
    let wanted = number("JOBS", 20_000) as usize;
    println!("SEED={seed} JOBS={wanted}");
    let key = |spec, i: u8| secret(spec, 20 + i);
    let macs: Vec<Handle> = (0..5).map(|i| key(spec::HMAC_256, i)).collect();
    let ciphers: Vec<Handle> = (0..5).map(|i| key(spec::SYMMETRIC_DEFAULT, i)).collect();
    for kernels in widths() {
        let mut random = Random(seed);
        let mut done = 0;
        while done < wanted {
            let count = 1 + random.below(64);
            // One key and one length, as in a burst of one client, or of all kinds.
            let (one_key, one_len) = (random.below(2) == 0, random.below(2) == 0);
            let (keys, len) = (if one_key { 1 } else { 5 }, random.len());
            let jobs: Vec<Input> = (0..count)
                .map(|_| {
                    let len = if one_len { len } else { random.len() };
                    let text = random.bytes(len);
                    (op::MAC, macs[random.below(keys)], [text, vec![], vec![]], 0)
                })
                .collect();
            let expected = run(None, &jobs);
            assert_eq!(run(Some(kernels), &jobs), expected, "SEED={seed}, after {done}");
            let bad = random.below(count);
            let seals: Vec<Input> = jobs
                .iter()
                .map(|(_, _, [text, _, _], _)| {
                    let context = random.below(100);
                    let inputs = [text.clone(), random.bytes(context), bytes(38, 2)];
                    (op::ENCRYPT, ciphers[random.below(keys)], inputs, 0)
                })
                .collect();
            let mut opens = seals.clone();
            let mut checks = jobs.clone();
            for (i, (_, blob)) in run(Some(kernels), &seals).into_iter().enumerate() {
                opens[i].0 = op::DECRYPT;
                opens[i].2[0] = blob;
                checks[i].0 = op::MAC_VERIFY;
                checks[i].2[1] = expected[i].1.clone();
            }
            checks[bad].2[1][random.below(32)] ^= 1 << random.below(8);
            // The header is 38 bytes.
            let at = 38 + random.below(opens[bad].2[0].len() - 38);
            opens[bad].2[0][at] ^= 1 << random.below(8);
            for kernels in [None, Some(kernels)] {
                for (i, (status, text)) in run(kernels, &opens).iter().enumerate() {
                    let refused = *status == Status::InvalidCiphertext as u32 && text.is_empty();
                    let opened = *status == Status::Ok as u32 && *text == seals[i].2[0];
                    assert!(if i == bad { refused } else { opened }, "SEED={seed}, after {done}");
                }
                for (i, (status, _)) in run(kernels, &checks).iter().enumerate() {
                    let due = if i == bad { Status::InvalidMac } else { Status::Ok };
                    assert_eq!(*status, due as u32, "SEED={seed}, after {done}");
                }
            }
            done += count;
        }
    }
}
