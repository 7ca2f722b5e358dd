//! RSA on eight lanes against AWS-LC. Private operation: raw results and signatures are checked by
//! AWS-LC's public operation (which has one inverse), some of them against its private operation;
//! decryptions against what AWS-LC encrypted. Public operation: raw results and verdicts against its own.
use crate::random::Random;
use crate::rsa_keys::{Key, keys};
use crate::{Class, Done};
use keystrel_native::ffi::{self, Hash};
use keystrel_native::frame::{Status, alg};
use keystrel_native::rsa::batch::{self, Numbers};
use keystrel_native::rsa::lane_key::WORDS_MAX;
use keystrel_native::rsa::{RsaJob, decrypt_batch, encrypt_batch, sign, sign_batch, verify_batch};
use keystrel_native::rsa::{decrypt, verify};
use keystrel_native::vec::LANES;

const SIGNING: [u16; 6] = [
    alg::RSASSA_PKCS1_V1_5_SHA_256,
    alg::RSASSA_PKCS1_V1_5_SHA_384,
    alg::RSASSA_PKCS1_V1_5_SHA_512,
    alg::RSASSA_PSS_SHA_256,
    alg::RSASSA_PSS_SHA_384,
    alg::RSASSA_PSS_SHA_512,
];
const SEALING: [u16; 2] = [alg::RSAES_OAEP_SHA_1, alg::RSAES_OAEP_SHA_256];

fn bytes(random: &mut Random, len: usize) -> Vec<u8> {
    (0..len).map(|_| random.word() as u8).collect()
}

fn below(random: &mut Random, n: usize) -> usize {
    (random.word() >> 20) as usize % n
}

fn to_be(words: &[u64]) -> Vec<u8> {
    words.iter().rev().flat_map(|w| w.to_be_bytes()).collect()
}

/// Below the modulus: random, or 0, 1, n - 1, all ones, a prime of the key, a power of two.
fn number(random: &mut Random, key: &Key, class: Class) -> [u64; WORDS_MAX] {
    let (n, mut out) = (&key.public(class).n, [0u64; WORDS_MAX]);
    match random.word() % 24 {
        0 => {}
        1 => out[0] = 1 + random.word() % 2,
        2 => {
            out[..n.len()].copy_from_slice(n);
            out[0] -= 1 + random.word() % 2;
        }
        3 => out[..n.len() - 1].fill(u64::MAX),
        4 => out[..n.len() / 2].copy_from_slice(key.private(class).p.prime(n.len() / 2)),
        5 => out[..n.len() / 2].copy_from_slice(key.private(class).q.prime(n.len() / 2)),
        6 => out[below(random, n.len() - 1)] = 1 << (random.word() % 64),
        _ => {
            out[..n.len()].fill_with(|| random.word());
            // Moduli have their top bit set.
            out[n.len() - 1] >>= 1;
        }
    }
    out
}

/// Keys of a batch, mostly of eight, and numbers for them.
fn raw<'a>(random: &mut Random, class: Class, all: &'a [Key]) -> (Vec<&'a Key>, Numbers) {
    let count = if random.word().is_multiple_of(2) { LANES } else { 1 + below(random, LANES) };
    let chosen: Vec<&Key> = (0..count).map(|_| &all[below(random, all.len())]).collect();
    let mut input: Numbers = [[0; WORDS_MAX]; LANES];
    for lane in 0..LANES {
        input[lane] = match chosen.get(lane) {
            Some(key) => number(random, key, class),
            None => input[0],
        };
    }
    (chosen, input)
}

fn raw_private(random: &mut Random, class: Class, all: &[Key]) -> usize {
    let (chosen, input) = raw(random, class, all);
    let lanes: Vec<_> = chosen.iter().map(|key| key.private(class)).collect();
    let mut out: Numbers = [[7; WORDS_MAX]; LANES];
    let failed = batch::private(&lanes, &input, &mut out).expect("a kernel");
    for (lane, key) in chosen.iter().enumerate() {
        let len = key.public(class).n.len();
        assert!(!failed[lane]);
        let result = to_be(&out[lane][..len]);
        // AWS-LC refuses numbers that are not below the modulus.
        assert_eq!(key.raw.public(&result), to_be(&input[lane][..len]));
    }
    chosen.len()
}

fn raw_public(random: &mut Random, class: Class, all: &[Key]) -> usize {
    let (chosen, input) = raw(random, class, all);
    let lanes: Vec<_> = chosen.iter().map(|key| key.public(class)).collect();
    let mut out: Numbers = [[7; WORDS_MAX]; LANES];
    batch::public(&lanes, &input, &mut out).expect("a kernel");
    for (lane, key) in chosen.iter().enumerate() {
        let len = key.public(class).n.len();
        assert_eq!(to_be(&out[lane][..len]), key.raw.public(&to_be(&input[lane][..len])));
    }
    chosen.len()
}

/// One job of a call.
struct Plan<'a> {
    key: &'a Key,
    algorithm: u16,
    input: Vec<u8>,
    signature: Vec<u8>,
}

/// Jobs whose groups of eight, and what is left of them, are all worth a batch.
fn call(random: &mut Random, private: bool, class: Class) -> usize {
    let least = match (class, private) {
        (Class::Ifma, true) => 3,
        (Class::Ifma, false) => 2,
        (Class::Avx2, _) => 5,
        (Class::Portable, _) => 1,
    };
    least + below(random, LANES + 1 - least) + LANES * below(random, 4)
}

type Outcome = (Result<usize, Status>, [u8; 512]);

fn run(class: Class, plans: &[Plan<'_>], operation: fn(&mut [RsaJob<'_>])) -> Vec<Outcome> {
    let mut outs = vec![[0u8; 512]; plans.len()];
    let mut jobs: Vec<RsaJob<'_>> = outs
        .iter_mut()
        .zip(plans)
        .map(|(out, plan)| RsaJob {
            key: &plan.key.key,
            lanes: plan.key.lanes(class),
            algorithm: plan.algorithm,
            input: &plan.input,
            is_digest: false,
            signature: &plan.signature,
            out,
            result: Err(Status::Pending),
        })
        .collect();
    operation(&mut jobs);
    let results: Vec<_> = jobs.iter().map(|job| job.result).collect();
    results.into_iter().zip(outs).collect()
}

fn signatures(random: &mut Random, class: Class, all: &[Key]) -> usize {
    let plans: Vec<_> = (0..call(random, true, class))
        .map(|_| {
            let len = below(random, 200);
            Plan {
                key: &all[below(random, all.len())],
                algorithm: SIGNING[below(random, SIGNING.len())],
                input: bytes(random, len),
                signature: Vec::new(),
            }
        })
        .collect();
    for (plan, (result, out)) in plans.iter().zip(run(class, &plans, sign_batch)) {
        let key = &plan.key.key;
        let signature = &out[..result.expect("a signature")];
        assert_eq!(verify(key, plan.algorithm, &plan.input, false, signature), Ok(()));
        if plan.algorithm < alg::RSASSA_PSS_SHA_256 && random.word().is_multiple_of(8) {
            let mut own = [0u8; 512];
            assert_eq!(sign(key, plan.algorithm, &plan.input, false, &mut own), result);
            assert_eq!(own, out);
        }
    }
    plans.len()
}

fn hash(algorithm: u16) -> Hash {
    if algorithm == alg::RSAES_OAEP_SHA_1 { Hash::Sha1 } else { Hash::Sha256 }
}

/// A plaintext of any length that fits.
fn text(random: &mut Random, algorithm: u16, modulus: usize) -> Vec<u8> {
    let longest = modulus - 2 * hash(algorithm).digest_len() - 2;
    let len = match random.word() % 8 {
        0 => 0,
        1 => longest,
        _ => below(random, longest + 1),
    };
    bytes(random, len)
}

fn decryptions(random: &mut Random, class: Class, all: &[Key]) -> Done {
    let mut want = Vec::new();
    let plans: Vec<_> = (0..call(random, true, class))
        .map(|_| {
            let key = &all[below(random, all.len())];
            let algorithm = SEALING[below(random, 2)];
            let modulus = 8 * key.public(class).n.len();
            let plain = text(random, algorithm, modulus);
            let mut input = vec![0u8; modulus];
            ffi::oaep_encrypt(&key.key, hash(algorithm), &plain, &mut input).expect("it fits");
            let spoil = random.word() % 16;
            match spoil {
                0..=2 => input[below(random, modulus)] ^= 1 << (random.word() % 8),
                3 => input.fill(0xff),
                4 => input.fill(0),
                _ => {}
            }
            want.push(if spoil < 5 { Err(Status::InvalidCiphertext) } else { Ok(plain) });
            Plan { key, algorithm, input, signature: Vec::new() }
        })
        .collect();
    let mut done = Done { jobs: plans.len(), refused: 0 };
    for ((plan, want), (result, out)) in
        plans.iter().zip(&want).zip(run(class, &plans, decrypt_batch))
    {
        let got = result.map(|len| out[..len].to_vec());
        assert_eq!(got, *want);
        if got.is_err() || random.word().is_multiple_of(8) {
            let mut own = [0u8; 512];
            let theirs = decrypt(&plan.key.key, plan.algorithm, &plan.input, &mut own);
            assert_eq!(theirs, result);
        }
        done.refused += usize::from(got.is_err());
    }
    done
}

fn private(bits: usize, random: &mut Random, class: Class, jobs: usize) -> Done {
    let all = keys(bits);
    let mut done = Done::default();
    while done.jobs < jobs {
        match random.word() % 8 {
            0..=4 => done.jobs += raw_private(random, class, all),
            5 | 6 => done.jobs += signatures(random, class, all),
            _ => {
                let some = decryptions(random, class, all);
                done.jobs += some.jobs;
                done.refused += some.refused;
            }
        }
    }
    done
}

/// Verdicts on signatures of `signed`, half of them spoiled.
fn verifications(random: &mut Random, class: Class, signed: &[Plan<'_>]) -> Done {
    let plans: Vec<_> = (0..call(random, false, class))
        .map(|_| {
            let from = &signed[below(random, signed.len())];
            let (mut input, mut signature) = (from.input.clone(), from.signature.clone());
            let mut algorithm = from.algorithm;
            let at = below(random, signature.len());
            match random.word() % 16 {
                0..=2 => signature[at] ^= 1 << (random.word() % 8),
                3 => signature.truncate(at),
                4 => signature.push(0),
                5 => signature.fill(0xff),
                6 => input.push(0),
                7 => algorithm = SIGNING[below(random, SIGNING.len())],
                _ => {}
            }
            Plan { key: from.key, algorithm, input, signature }
        })
        .collect();
    let mut done = Done { jobs: plans.len(), refused: 0 };
    for (plan, (result, _)) in plans.iter().zip(run(class, &plans, verify_batch)) {
        let key = &plan.key.key;
        let theirs = verify(key, plan.algorithm, &plan.input, false, &plan.signature);
        assert_eq!(result, theirs.map(|()| 0));
        done.refused += usize::from(theirs.is_err());
    }
    done
}

/// What the kernels encrypt, AWS-LC decrypts.
fn encryptions(random: &mut Random, class: Class, all: &[Key]) -> usize {
    let plans: Vec<_> = (0..call(random, false, class).min(LANES))
        .map(|_| {
            let key = &all[below(random, all.len())];
            let algorithm = SEALING[below(random, 2)];
            let input = text(random, algorithm, 8 * key.public(class).n.len());
            Plan { key, algorithm, input, signature: Vec::new() }
        })
        .collect();
    for (plan, (result, out)) in plans.iter().zip(run(class, &plans, encrypt_batch)) {
        let (sealed, mut own) = (&out[..result.expect("it fits")], [0u8; 512]);
        let opened = decrypt(&plan.key.key, plan.algorithm, sealed, &mut own);
        assert_eq!(opened, Ok(plan.input.len()));
        assert_eq!(own[..plan.input.len()], plan.input);
    }
    plans.len()
}

fn public(bits: usize, random: &mut Random, class: Class, jobs: usize) -> Done {
    let all = keys(bits);
    let signed: Vec<_> = (0..32)
        .map(|i| {
            let (key, algorithm) = (&all[i % all.len()], SIGNING[i % SIGNING.len()]);
            let len = below(random, 200);
            let input = bytes(random, len);
            let mut signature = vec![0u8; bits / 8];
            sign(&key.key, algorithm, &input, false, &mut signature).expect("a signature");
            Plan { key, algorithm, input, signature }
        })
        .collect();
    let mut done = Done::default();
    while done.jobs < jobs {
        match random.word() % 64 {
            0..=31 => done.jobs += raw_public(random, class, all),
            32 => done.jobs += encryptions(random, class, all),
            _ => {
                let some = verifications(random, class, &signed);
                done.jobs += some.jobs;
                done.refused += some.refused;
            }
        }
    }
    done
}

macro_rules! sizes {
    ($($name:ident, $function:ident, $bits:literal;)*) => {
        $(pub fn $name(random: &mut Random, class: Class, jobs: usize) -> Done {
            $function($bits, random, class, jobs)
        })*
    };
}

sizes! {
    private_2048, private, 2048;
    private_3072, private, 3072;
    private_4096, private, 4096;
    public_2048, public, 2048;
    public_3072, public, 3072;
    public_4096, public, 4096;
}
