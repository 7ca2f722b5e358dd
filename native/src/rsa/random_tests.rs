//! Random jobs, many of them, against AWS-LC. `SEED` repeats a run; `JOBS` asks for more jobs of the
//! class in force than the 2,000 of a usual run (the other classes get a tenth).
use super::jobs::*;
use super::lane_key::Kernel;
use super::tests::{SIGNING, SPECS, kernels, lane_keys, pairs};
use crate::frame::{Status, alg};

/// xorshift64*.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
    fn below(&mut self, n: usize) -> usize {
        (self.next() >> 32) as usize % n
    }
    fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next() as u8).collect()
    }
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// What one random job is about.
struct Plan {
    size: usize,
    key: usize,
    algorithm: u16,
    message: Vec<u8>,
    spoil: bool,
}

#[test]
fn random_jobs_agree_with_aws_lc() {
    let seed = number("SEED", 0x4b65_7973_7472_656c).max(1);
    let wanted = number("JOBS", 2_000) as usize;
    let mut random = Random(seed);
    for kernel in kernels() {
        let in_force = Kernel::in_force().is_none_or(|k| k == kernel);
        let wanted = if in_force { wanted } else { wanted / 10 };
        let lanes: Vec<_> = SPECS.map(|spec| lane_keys(kernel, spec)).into_iter().collect();
        let (mut signatures, mut texts, mut refusals) = (0, 0, 0);
        while signatures + texts < wanted {
            let count = 1 + random.below(40);
            let seals = random.below(4) == 0;
            let plans: Vec<Plan> = (0..count)
                .map(|_| {
                    // Mostly the smallest size, which is the fastest.
                    let size = [0, 0, 0, 0, 0, 1, 2][random.below(7)];
                    let key = random.below(pairs(SPECS[size]).len());
                    let algorithm = if seals {
                        [alg::RSAES_OAEP_SHA_1, alg::RSAES_OAEP_SHA_256][random.below(2)]
                    } else {
                        SIGNING[random.below(6)]
                    };
                    let len = random.below(191);
                    let message = random.bytes(len);
                    Plan { size, key, algorithm, message, spoil: random.below(5) == 0 }
                })
                .collect();
            let run = |batch: fn(&mut [RsaJob<'_>]), inputs: &[&[u8]], given: &[&[u8]]| {
                let mut outs = vec![[0u8; 512]; count];
                let mut jobs: Vec<RsaJob<'_>> = outs
                    .iter_mut()
                    .enumerate()
                    .map(|(i, out)| RsaJob {
                        key: &pairs(SPECS[plans[i].size])[plans[i].key].private,
                        lanes: &lanes[plans[i].size][plans[i].key].0,
                        algorithm: plans[i].algorithm,
                        input: inputs[i],
                        is_digest: false,
                        signature: given[i],
                        out,
                        result: Err(Status::Pending),
                    })
                    .collect();
                batch(&mut jobs);
                let results: Vec<_> = jobs.iter().map(|job| job.result).collect();
                (results, outs)
            };
            let messages: Vec<&[u8]> = plans.iter().map(|p| &p.message[..]).collect();
            let none: Vec<&[u8]> = vec![&[]; count];
            let first = if seals { encrypt_batch } else { sign_batch };
            let (made, mut outs) = run(first, &messages, &none);
            for (plan, (result, out)) in plans.iter().zip(made.iter().zip(&mut outs)) {
                let len = 256 + 128 * plan.size;
                assert_eq!(*result, Ok(len), "seed {seed}");
                let key = &pairs(SPECS[plan.size])[plan.key];
                let (mut own, algorithm) = ([0u8; 512], plan.algorithm);
                if seals {
                    let opened = super::decrypt(&key.private, algorithm, &out[..len], &mut own);
                    assert_eq!(opened, Ok(plan.message.len()), "seed {seed}");
                    assert_eq!(own[..plan.message.len()], plan.message, "seed {seed}");
                } else {
                    let text = &plan.message;
                    let good = super::verify(&key.public, algorithm, text, false, &out[..len]);
                    assert_eq!(good, Ok(()), "seed {seed}");
                }
                if plan.spoil {
                    out[random.below(len)] ^= 1 << random.below(8);
                }
            }
            let given: Vec<&[u8]> =
                outs.iter().zip(&plans).map(|(o, p)| &o[..256 + 128 * p.size]).collect();
            let (checked, texts_out) = if seals {
                run(decrypt_batch, &given, &none)
            } else {
                run(verify_batch, &messages, &given)
            };
            for (i, plan) in plans.iter().enumerate() {
                let want = match (seals, plan.spoil) {
                    (true, true) => Err(Status::InvalidCiphertext),
                    (false, true) => Err(Status::InvalidSignature),
                    (true, false) => Ok(plan.message.len()),
                    (false, false) => Ok(0),
                };
                assert_eq!(checked[i], want, "seed {seed}");
                if seals && !plan.spoil {
                    assert_eq!(texts_out[i][..plan.message.len()], plan.message, "seed {seed}");
                }
                refusals += usize::from(plan.spoil);
            }
            *(if seals { &mut texts } else { &mut signatures }) += count;
        }
        println!(
            "{kernel:?}: {signatures} signatures, {texts} encryptions, each made and checked, \
             {refusals} spoiled; seed {seed}"
        );
    }
}
