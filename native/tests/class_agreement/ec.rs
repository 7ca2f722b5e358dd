//! ECDSA, ECDH and public keys on eight lanes, every curve: whole frames and partial ones, extreme
//! scalars, points that are on no curve, signatures that are wrong. Nonces are RFC 6979's as they
//! are, so that signatures can be compared.
use crate::machine::Machine;
use crate::random::{Random, hash, hash_words};
use keystrel_native::ec::batch::{self, CurveName};
use keystrel_native::ec::curve::{Curve, NistP256, NistP384, NistP521, Secp256k1};
use keystrel_native::ec::{AgreeJob, Nonces, PublicJob, SignJob, VerifyJob};
use keystrel_native::field::{Prime, WORDS, Words, subtract, sum};

/// Jobs of one call, at most: nine groups of eight lanes and one job more than a pass.
const CALL: usize = 65;

fn small(x: u64) -> Words {
    std::array::from_fn(|i| if i == 0 { x } else { 0 })
}

/// Random below n, or one of 0, 1, 2, n - 1, n, n + 1, all ones, short ones, one bit.
fn scalar<C: Curve>(random: &mut Random) -> Words {
    let n = C::Order::VALUE;
    let mut value: Words = std::array::from_fn(|_| random.word());
    // As long as the order, then below it.
    let bits = C::Order::BITS;
    for (i, word) in value.iter_mut().enumerate() {
        let above = 64 * i as u32;
        *word = match bits.saturating_sub(above) {
            0 => 0,
            left if left < 64 => *word & ((1 << left) - 1),
            _ => *word,
        };
    }
    let (less, negative) = subtract(&value, &n);
    let mut value = if negative { value } else { less };
    match random.word() % 24 {
        0 => value = [0; WORDS],
        1 => value = small(1),
        2 => value = small(2),
        3 => value = subtract(&n, &small(1)).0,
        4 => value = n,
        5 => value = sum(&n, &small(1)),
        6 => value[2..].fill(0),
        7 => value = subtract(&n, &small(random.word() >> 40)).0,
        8 => {
            let bit = random.word() % u64::from(bits - 1);
            value = [0; WORDS];
            value[bit as usize / 64] = 1 << (bit % 64);
        }
        9 => value = std::array::from_fn(|i| if 64 * (i as u32 + 1) < bits { u64::MAX } else { 0 }),
        _ => {}
    }
    value
}

fn digest<C: Curve>(random: &mut Random) -> Vec<u8> {
    let len = C::HASH.digest_len();
    match random.word() % 16 {
        0 => vec![0; len],
        1 => vec![0xff; len],
        _ => (0..len).map(|_| random.word() as u8).collect(),
    }
}

/// Runs `call` on 1 to `CALL` jobs at a time.
pub fn calls(
    random: &mut Random,
    jobs: usize,
    mut call: impl FnMut(&mut Random, usize, &mut Vec<u64>),
) -> Vec<u64> {
    let mut out = Vec::with_capacity(jobs);
    while out.len() < jobs {
        let count = match random.word() % 4 {
            0 => 1 + random.word() as usize % CALL,
            1 => 1 + random.word() as usize % 8,
            2 => CALL,
            _ => 64,
        };
        call(random, count.min(jobs - out.len()), &mut out);
    }
    out
}

fn sign<M: Machine, C: Curve>(curve: CurveName, random: &mut Random, jobs: usize) -> Vec<u64> {
    calls(random, jobs, |random, count, out| {
        let inputs: Vec<_> =
            (0..count).map(|_| (scalar::<C>(random), digest::<C>(random))).collect();
        let mut batch: Vec<_> = inputs.iter().map(|(d, e)| SignJob::new(d, e)).collect();
        batch::sign(M::ec_kernels(), curve, Nonces::Deterministic, &mut batch);
        for job in &batch {
            let signature = job.signature[..job.len].iter().fold(0, |h, b| hash(h, u64::from(*b)));
            out.push(hash(signature, job.status as u64));
        }
    })
}

fn points<M: Machine>(curve: CurveName, scalars: &[Words]) -> Vec<[Words; 2]> {
    let mut batch: Vec<_> = scalars.iter().map(PublicJob::new).collect();
    batch::public(M::ec_kernels(), curve, &mut batch);
    batch.iter().map(|job| job.point).collect()
}

fn public<M: Machine, C: Curve>(curve: CurveName, random: &mut Random, jobs: usize) -> Vec<u64> {
    calls(random, jobs, |random, count, out| {
        let scalars: Vec<Words> = (0..count).map(|_| scalar::<C>(random)).collect();
        let mut batch: Vec<_> = scalars.iter().map(PublicJob::new).collect();
        batch::public(M::ec_kernels(), curve, &mut batch);
        for job in &batch {
            out.push(hash(hash_words(job.point.as_flattened()), job.status as u64));
        }
    })
}

fn agree<M: Machine, C: Curve>(curve: CurveName, random: &mut Random, jobs: usize) -> Vec<u64> {
    let own: Vec<Words> = (0..64).map(|_| scalar::<C>(random)).collect();
    let known = points::<M>(curve, &own);
    calls(random, jobs, |random, count, out| {
        let inputs: Vec<(Words, [Words; 2])> = (0..count)
            .map(|_| {
                let mut point = known[random.word() as usize % known.len()];
                match random.word() % 16 {
                    0 => point[0] = sum(&point[0], &small(1)),
                    1 => point[1] = subtract(&C::Field::VALUE, &point[1]).0,
                    2 => point[0] = sum(&point[0], &C::Field::VALUE),
                    3 => point = [[0; WORDS]; 2],
                    4 => point = [C::GX, C::GY],
                    _ => {}
                }
                (scalar::<C>(random), point)
            })
            .collect();
        let mut batch: Vec<_> = inputs.iter().map(|(d, q)| AgreeJob::new(d, q)).collect();
        batch::agree(M::ec_kernels(), curve, &mut batch);
        for job in &batch {
            let shared = job.shared.iter().fold(0, |h, b| hash(h, u64::from(*b)));
            // What is released is what a good job has.
            let released = if job.status as u64 == 0 { shared } else { 0 };
            out.push(hash(released, job.status as u64));
        }
    })
}

fn verify<M: Machine, C: Curve>(curve: CurveName, random: &mut Random, jobs: usize) -> Vec<u64> {
    // Good signatures of 64 keys, spoiled on the way.
    let inputs: Vec<_> = (0..64).map(|_| (scalar::<C>(random), digest::<C>(random))).collect();
    let scalars: Vec<Words> = inputs.iter().map(|(d, _)| *d).collect();
    let known = points::<M>(curve, &scalars);
    let mut signed: Vec<_> = inputs.iter().map(|(d, e)| SignJob::new(d, e)).collect();
    batch::sign(M::ec_kernels(), curve, Nonces::Deterministic, &mut signed);
    let good: Vec<usize> = (0..64).filter(|i| signed[*i].len > 0).collect();
    calls(random, jobs, |random, count, out| {
        let chosen: Vec<_> = (0..count)
            .map(|_| {
                let at = good[random.word() as usize % good.len()];
                let mut signature = signed[at].signature[..signed[at].len].to_vec();
                let mut digest = inputs[at].1.clone();
                let mut point = known[at];
                match random.word() % 8 {
                    0 => {
                        let i = random.word() as usize % signature.len();
                        signature[i] ^= 1 << (random.word() % 8);
                    }
                    1 => digest[0] ^= 1,
                    2 => point[1] = subtract(&C::Field::VALUE, &point[1]).0,
                    3 => point = [C::GX, C::GY],
                    _ => {}
                }
                (point, digest, signature)
            })
            .collect();
        let mut batch: Vec<_> = chosen.iter().map(|(q, e, s)| VerifyJob::new(q, e, s)).collect();
        batch::verify(M::ec_kernels(), curve, &mut batch);
        out.extend(batch.iter().map(|job| hash(7, job.status as u64)));
    })
}

macro_rules! operations {
    ($($curve:ident: $sign:ident $verify:ident $agree:ident $public:ident;)*) => {
        $(
            operations!($sign, sign, $curve);
            operations!($verify, verify, $curve);
            operations!($agree, agree, $curve);
            operations!($public, public, $curve);
        )*
    };
    ($name:ident, $function:ident, $curve:ident) => {
        pub fn $name<M: Machine>(random: &mut Random, jobs: usize) -> Vec<u64> {
            $function::<M, $curve>(name_of::<$curve>(), random, jobs)
        }
    };
}

fn name_of<C: Curve>() -> CurveName {
    match (C::LEN, C::LOW_S) {
        (48, _) => CurveName::P384,
        (66, _) => CurveName::P521,
        (_, true) => CurveName::Secp256k1,
        _ => CurveName::P256,
    }
}

operations! {
    NistP256: sign_p256 verify_p256 agree_p256 public_p256;
    NistP384: sign_p384 verify_p384 agree_p384 public_p384;
    NistP521: sign_p521 verify_p521 agree_p521 public_p521;
    Secp256k1: sign_k256 verify_k256 agree_k256 public_k256;
}
