//! The multi-buffer operations against AWS-LC: every class, every partial batch, every lane, good
//! and bad jobs side by side, and a fault in one CRT half.
use super::batch::{self, Numbers};
use super::jobs::*;
use super::lane_key::{Components, Kernel, PrivateLanes, WORDS_MAX};
use super::words;
use crate::cpu;
use crate::ffi::{self, AsymmetricKey};
use crate::frame::{Status, alg, spec};
use std::sync::OnceLock;

pub(super) const SIGNING: [u16; 6] = [
    alg::RSASSA_PKCS1_V1_5_SHA_256,
    alg::RSASSA_PKCS1_V1_5_SHA_384,
    alg::RSASSA_PKCS1_V1_5_SHA_512,
    alg::RSASSA_PSS_SHA_256,
    alg::RSASSA_PSS_SHA_384,
    alg::RSASSA_PSS_SHA_512,
];

/// The kernels that this CPU runs.
pub(super) fn kernels() -> Vec<Kernel> {
    let mut kernels = vec![Kernel::Portable];
    if cpu::best() != cpu::Class::Generic {
        kernels.push(Kernel::Avx2);
    }
    if cpu::best() == cpu::Class::Ifma {
        kernels.push(Kernel::Ifma);
    }
    kernels
}

pub(super) struct Pair {
    pub private: AsymmetricKey,
    pub public: AsymmetricKey,
}

/// Keys of each size, made once.
pub(super) fn pairs(spec: u16) -> &'static [Pair] {
    static PAIRS: [OnceLock<Vec<Pair>>; 3] = [const { OnceLock::new() }; 3];
    let index = usize::from(spec - spec::RSA_2048);
    PAIRS[index].get_or_init(|| {
        (0..[8, 3, 2][index])
            .map(|_| {
                let made = ffi::generate_rsa(2048 + 1024 * index as i32).expect("a key");
                Pair {
                    private: AsymmetricKey::from_pkcs8(spec, &made.pkcs8).expect("own key"),
                    public: AsymmetricKey::from_spki(spec, &made.spki).expect("own key"),
                }
            })
            .collect()
    })
}

pub(super) const SPECS: [u16; 3] = [spec::RSA_2048, spec::RSA_3072, spec::RSA_4096];

fn random_below(n: &[u64]) -> [u64; WORDS_MAX] {
    let mut bytes = [0u8; 512];
    ffi::random(&mut bytes[..n.len() * 8]);
    let mut out = [0; WORDS_MAX];
    words::from_be(&mut out[..n.len()], &bytes[..n.len() * 8]);
    out[n.len() - 1] >>= 1;
    out
}

#[test]
fn every_partial_batch_and_lane_inverts_the_public_operation() {
    let mut jobs = 0;
    for kernel in kernels() {
        for spec in SPECS {
            let keys: Vec<PrivateLanes> = pairs(spec)
                .iter()
                .map(|p| ffi::private_lanes(&p.private, kernel).expect("a usual key"))
                .collect();
            for count in 1..=8 {
                let chosen: Vec<&PrivateLanes> =
                    (0..count).map(|i| &keys[(i * 5 + count) % keys.len()]).collect();
                let mut input: Numbers = [[0; WORDS_MAX]; 8];
                let mut out: Numbers = [[7; WORDS_MAX]; 8];
                for lane in 0..8 {
                    let n = &chosen[lane.min(count - 1)].public.n;
                    input[lane] = random_below(n);
                    match (lane + count) % 8 {
                        0 => input[lane] = [0; WORDS_MAX],
                        1 => {
                            input[lane] = [0; WORDS_MAX];
                            input[lane][0] = 1;
                        }
                        2 => {
                            input[lane] = [0; WORDS_MAX];
                            input[lane][..n.len()].copy_from_slice(n);
                            input[lane][0] -= 1;
                        }
                        // A multiple of a prime.
                        3 => {
                            input[lane] = [0; WORDS_MAX];
                            let half = n.len() / 2;
                            let p = chosen[lane.min(count - 1)].p.prime(half);
                            input[lane][..half].copy_from_slice(p);
                        }
                        _ => (),
                    }
                }
                for lane in count..8 {
                    input[lane] = input[0];
                }
                let failed = batch::private(&chosen, &input, &mut out).expect("a kernel");
                assert_eq!(failed, [false; 8]);
                let public: Vec<_> = chosen.iter().map(|k| &k.public).collect();
                let mut back: Numbers = [[0; WORDS_MAX]; 8];
                batch::public(&public, &out, &mut back).expect("a kernel");
                assert_eq!(back, input);
                for lane in 0..count {
                    let n = &chosen[lane].public.n;
                    assert!(words::less_vartime(&out[lane][..n.len()], n), "below n");
                }
                jobs += count;
            }
        }
    }
    println!("{jobs} private operations, kernels {:?}", kernels());
}

pub(super) fn lane_keys(kernel: Kernel, spec: u16) -> Vec<(LaneKey, LaneKey)> {
    pairs(spec)
        .iter()
        .map(|p| {
            let private = LaneKey::for_kernel(&p.private, kernel);
            let public = LaneKey::for_kernel(&p.public, kernel);
            assert!(matches!((&private, &public), (LaneKey::Private(_), LaneKey::Public(_))));
            (private, public)
        })
        .collect()
}

#[test]
fn signatures_equal_those_of_aws_lc_and_verify() {
    let mut jobs = 0;
    for kernel in kernels() {
        // All sizes in one frame, in an order that mixes them.
        let lanes: Vec<_> = SPECS.map(|spec| lane_keys(kernel, spec)).into_iter().collect();
        let total = 40;
        let messages: Vec<Vec<u8>> = (0..total).map(|i| vec![i as u8; i * 7 % 90]).collect();
        let mut outs = vec![[0u8; 512]; total];
        let mut batch: Vec<RsaJob<'_>> = outs
            .iter_mut()
            .enumerate()
            .map(|(i, out)| {
                let size = i % 3;
                let keys = pairs(SPECS[size]);
                let at = i / 3 % keys.len();
                RsaJob {
                    key: &keys[at].private,
                    lanes: &lanes[size][at].0,
                    algorithm: if i == 17 { alg::ECDSA_SHA_256 } else { SIGNING[i % 6] },
                    input: &messages[i],
                    is_digest: i == 18,
                    signature: &[],
                    out: if i == 19 { &mut out[..100] } else { out },
                    result: Err(Status::Pending),
                }
            })
            .collect();
        sign_batch(&mut batch);
        let results: Vec<_> = batch.iter().map(|job| job.result).collect();
        let mut verify = Vec::new();
        let mut spoiled = outs.clone();
        for (i, result) in results.iter().enumerate() {
            let size = i % 3;
            let keys = pairs(SPECS[size]);
            let at = i / 3 % keys.len();
            let mut expected = [0u8; 512];
            let want = match i {
                17 => Err(Status::Unsupported),
                18 => Err(Status::BadInput),
                19 => Err(Status::OutTooSmall),
                _ => super::sign(
                    &keys[at].private,
                    SIGNING[i % 6],
                    &messages[i],
                    false,
                    &mut expected,
                ),
            };
            assert_eq!(*result, want, "job {i}");
            if let Ok(len) = want {
                if i % 6 < 3 {
                    assert_eq!(outs[i][..len], expected[..len]);
                }
                let good = super::verify(
                    &keys[at].public,
                    SIGNING[i % 6],
                    &messages[i],
                    false,
                    &outs[i][..len],
                );
                assert_eq!(good, Ok(()));
                if i % 5 == 0 {
                    spoiled[i][i] ^= 1;
                }
                if i % 7 == 0 {
                    spoiled[i][..len].fill(0xff);
                }
                verify.push((i, len));
            }
        }
        let mut nothing = vec![[0u8; 0]; verify.len()];
        let mut checks: Vec<RsaJob<'_>> = verify
            .iter()
            .zip(&mut nothing)
            .map(|(&(i, len), out)| {
                let size = i % 3;
                let keys = pairs(SPECS[size]);
                let at = i / 3 % keys.len();
                RsaJob {
                    key: &keys[at].public,
                    lanes: if i % 2 == 0 { &lanes[size][at].1 } else { &lanes[size][at].0 },
                    algorithm: SIGNING[i % 6],
                    input: &messages[i],
                    is_digest: false,
                    signature: &spoiled[i][..if i == 20 { len - 1 } else { len }],
                    out,
                    result: Err(Status::Pending),
                }
            })
            .collect();
        verify_batch(&mut checks);
        for (check, (i, _)) in checks.iter().zip(&verify) {
            let bad = i % 5 == 0 || i % 7 == 0 || *i == 20;
            let want = if bad { Err(Status::InvalidSignature) } else { Ok(0) };
            assert_eq!(check.result, want, "job {i}");
        }
        jobs += total + verify.len();
    }
    println!("{jobs} signatures and verifications, kernels {:?}", kernels());
}

#[test]
fn oaep_opens_what_it_sealed_and_nothing_else() {
    for kernel in kernels() {
        let lanes: Vec<_> = SPECS.map(|spec| lane_keys(kernel, spec)).into_iter().collect();
        let total = 30;
        let algorithm = |i: usize| [alg::RSAES_OAEP_SHA_1, alg::RSAES_OAEP_SHA_256][i / 3 % 2];
        // The longest message, the empty one, and lengths between.
        let longest = |i: usize| 256 + 128 * (i % 3) - 2 * [20, 32][i / 3 % 2] - 2;
        let length = |i: usize| match i % 4 {
            0 => longest(i),
            1 => 0,
            _ => i,
        };
        let messages: Vec<Vec<u8>> =
            (0..total).map(|i| vec![i as u8; length(i) + usize::from(i == 12)]).collect();
        let mut sealed = vec![[0u8; 512]; total];
        let mut opened = vec![[0u8; 512]; total];
        macro_rules! jobs {
            ($outs:expr, $input:expr) => {
                $outs
                    .iter_mut()
                    .enumerate()
                    .map(|(i, out)| {
                        let size = i % 3;
                        let at = i / 3 % pairs(SPECS[size]).len();
                        RsaJob {
                            key: &pairs(SPECS[size])[at].private,
                            lanes: &lanes[size][at].0,
                            algorithm: algorithm(i),
                            input: $input(i),
                            is_digest: false,
                            signature: &[],
                            out: &mut out[..],
                            result: Err(Status::Pending),
                        }
                    })
                    .collect::<Vec<RsaJob<'_>>>()
            };
        }
        let mut batch = jobs!(sealed, |i: usize| &messages[i][..]);
        encrypt_batch(&mut batch);
        for (i, job) in batch.iter().enumerate() {
            let want = if i == 12 { Err(Status::BadInput) } else { Ok(256 + 128 * (i % 3)) };
            assert_eq!(job.result, want, "job {i}");
        }
        for (i, blob) in sealed.iter_mut().enumerate() {
            if i % 11 == 5 {
                blob[i] ^= 1;
            }
            if i == 7 {
                blob.fill(0xff);
            }
        }
        let bad = |i: usize| i % 11 == 5 || i == 7 || i == 12;
        let mut batch = jobs!(opened, |i: usize| &sealed[i][..256 + 128 * (i % 3)]);
        decrypt_batch(&mut batch);
        let results: Vec<_> = batch.iter().map(|job| job.result).collect();
        for (i, result) in results.iter().enumerate() {
            let (size, mut out) = (i % 3, [0u8; 512]);
            let key = &pairs(SPECS[size])[i / 3 % pairs(SPECS[size]).len()].private;
            let blob = &sealed[i][..256 + 128 * size];
            if bad(i) {
                assert_eq!(*result, Err(Status::InvalidCiphertext), "job {i}");
                assert!(opened[i].iter().all(|b| *b == 0), "nothing is released");
            } else {
                assert_eq!(*result, Ok(messages[i].len()), "job {i}");
                assert_eq!(opened[i][..messages[i].len()], messages[i]);
                assert_eq!(super::decrypt(key, algorithm(i), blob, &mut out), *result);
            }
        }
    }
}

/// A key whose exponent modulo one prime has a wrong bit. A right q^-1 is not needed for a wrong result.
fn broken(kernel: Kernel, good: &PrivateLanes, in_p: bool, bit: usize) -> PrivateLanes {
    let half = good.public.n.len() / 2;
    let be = |words: &[u64]| {
        let mut bytes = vec![0u8; words.len() * 8];
        words::to_be(&mut bytes, words);
        bytes
    };
    let [mut dp, mut dq] = [&good.p, &good.q].map(|half_key| half_key.exponent(half).to_vec());
    (if in_p { &mut dp } else { &mut dq })[3] ^= 1 << bit;
    let key = Components {
        n: &be(&good.public.n),
        e: 65537,
        p: &be(good.p.prime(half)),
        q: &be(good.q.prime(half)),
        dp: &be(&dp),
        dq: &be(&dq),
        qinv: &[1],
    };
    PrivateLanes::from_components(kernel, &key).expect("a well-formed key")
}

#[test]
fn a_fault_in_one_half_fails_that_job_alone() {
    for (kernel, spec) in kernels().into_iter().flat_map(|k| SPECS.map(|spec| (k, spec))) {
        let keys: Vec<PrivateLanes> = pairs(spec)
            .iter()
            .map(|p| ffi::private_lanes(&p.private, kernel).expect("a usual key"))
            .collect();
        for (lane, in_p) in (0..8).flat_map(|lane| [(lane, false), (lane, true)]) {
            let bad = broken(kernel, &keys[lane % keys.len()], in_p, lane);
            let chosen: Vec<&PrivateLanes> =
                (0..8).map(|i| if i == lane { &bad } else { &keys[i % keys.len()] }).collect();
            let input: Numbers = std::array::from_fn(|i| random_below(&chosen[i].public.n));
            let mut out: Numbers = [[0; WORDS_MAX]; 8];
            let failed = batch::private(&chosen, &input, &mut out).expect("a kernel");
            for i in 0..8 {
                assert_eq!(failed[i], i == lane);
                assert_eq!(out[i] == [0; WORDS_MAX], i == lane, "nothing is released");
            }
        }
    }
}
