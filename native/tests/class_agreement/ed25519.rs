//! Ed25519 on eight lanes: signatures, verdicts and public keys, of whole frames and partial ones, with
//! clamped and extreme scalars, messages of mixed lengths, keys that are no points, signatures that
//! are wrong.
use crate::ec::calls;
use crate::machine::Machine;
use crate::random::{Random, hash, hash_words};
use keystrel_native::ec::ed25519::{
    DecodeJob, Expanded, PublicJob, PublicKey, SignJob, Variant, VerifyJob, batch,
};

fn bytes<const N: usize>(random: &mut Random) -> [u8; N] {
    std::array::from_fn(|_| random.word() as u8)
}

fn hash_bytes(bytes: &[u8]) -> u64 {
    bytes.iter().fold(7, |h, b| hash(h, u64::from(*b)))
}

/// Of a random seed; now and then a scalar that no seed has.
fn key(random: &mut Random) -> Expanded {
    let mut key = Expanded::default();
    key.set(&bytes(random));
    match random.word() % 8 {
        0 => key.scalar[1..4].fill(0),
        1 => key.scalar[..4].copy_from_slice(&[u64::MAX, u64::MAX, u64::MAX, u64::MAX >> 1]),
        2 => key.scalar.fill(0),
        _ => {}
    }
    key
}

fn message(random: &mut Random) -> (Variant, Vec<u8>) {
    let len = match random.word() % 8 {
        0 => return (Variant::Prehashed, bytes::<64>(random).to_vec()),
        1 => random.word() % 1025,
        _ => random.word() % 200,
    };
    (Variant::Pure, (0..len).map(|_| random.word() as u8).collect())
}

fn publics<M: Machine>(keys: &[Expanded]) -> Vec<[u8; 32]> {
    let mut jobs: Vec<_> = keys.iter().map(PublicJob::new).collect();
    batch::public(M::ec_kernels(), &mut jobs);
    jobs.iter().map(|job| job.public).collect()
}

pub fn public<M: Machine>(random: &mut Random, jobs: usize) -> Vec<u64> {
    calls(random, jobs, |random, count, out| {
        let keys: Vec<Expanded> = (0..count).map(|_| key(random)).collect();
        let mut jobs: Vec<_> = keys.iter().map(PublicJob::new).collect();
        batch::public(M::ec_kernels(), &mut jobs);
        out.extend(jobs.iter().map(|job| hash(hash_bytes(&job.public), job.status as u64)));
    })
}

pub fn sign<M: Machine>(random: &mut Random, jobs: usize) -> Vec<u64> {
    let keys: Vec<Expanded> = (0..64).map(|_| key(random)).collect();
    let known = publics::<M>(&keys);
    calls(random, jobs, |random, count, out| {
        let inputs: Vec<_> =
            (0..count).map(|_| (random.word() as usize % keys.len(), message(random))).collect();
        let mut jobs: Vec<_> = inputs
            .iter()
            .map(|(i, (variant, message))| SignJob::new(&keys[*i], &known[*i], *variant, message))
            .collect();
        batch::sign(M::ec_kernels(), &mut jobs);
        out.extend(jobs.iter().map(|job| hash(hash_bytes(&job.signature), job.status as u64)));
    })
}

pub fn verify<M: Machine>(random: &mut Random, jobs: usize) -> Vec<u64> {
    // Good signatures of 64 keys, spoiled on the way.
    let keys: Vec<Expanded> = (0..64).map(|_| key(random)).collect();
    let known = publics::<M>(&keys);
    let texts: Vec<_> = (0..64).map(|_| message(random)).collect();
    let mut signed: Vec<_> =
        (0..64).map(|i| SignJob::new(&keys[i], &known[i], texts[i].0, &texts[i].1)).collect();
    batch::sign(M::ec_kernels(), &mut signed);
    let signatures: Vec<[u8; 64]> = signed.iter().map(|job| job.signature).collect();
    calls(random, jobs, |random, count, out| {
        let chosen: Vec<_> = (0..count)
            .map(|_| {
                let at = random.word() as usize % signatures.len();
                let (mut public, mut signature) = (known[at], signatures[at]);
                match random.word() % 8 {
                    0 => signature[random.word() as usize % 64] ^= 1 << (random.word() % 8),
                    1 => public[random.word() as usize % 32] ^= 1 << (random.word() % 8),
                    2 => public = bytes(random),
                    3 => public = [[0; 32], [0xff; 32]][random.word() as usize % 2],
                    _ => {}
                }
                (at, public, signature)
            })
            .collect();
        let mut decodings: Vec<_> = chosen.iter().map(|(_, p, _)| DecodeJob::new(p)).collect();
        batch::decode(M::ec_kernels(), &mut decodings);
        let keys: Vec<_> = decodings
            .iter()
            .map(|job| PublicKey { encoded: *job.encoded, point: job.point })
            .collect();
        let mut jobs: Vec<_> = chosen
            .iter()
            .zip(&keys)
            .map(|((at, _, s), key)| VerifyJob::new(key, texts[*at].0, &texts[*at].1, s))
            .collect();
        batch::verify(M::ec_kernels(), &mut jobs);
        for (job, key) in jobs.iter().zip(&keys) {
            let point = key.point.map_or(0, |point| hash_words(point.as_flattened()));
            out.push(hash(point, job.status as u64));
        }
    })
}
