//! Kernels of every class against RFC 8032 and AWS-LC, in every lane and partial batch, with good and
//! bad jobs mixed.
use super::point::{from_bytes, to_bytes};
use super::scalar::Order25519;
use super::*;
use crate::ec::batch::Kernels;
use crate::field::tests::Random;
use crate::field::{Prime, WORDS, Words, sum};
use crate::frame::Status;
use aws_lc_sys as lc;

pub(super) const L: Words = Order25519::VALUE;

/// A key pair of AWS-LC's, and what the kernels want of it.
pub(super) struct Key {
    /// Seed and public key.
    private: [u8; 64],
    pub expanded: Expanded,
    pub public: PublicKey,
}

impl Key {
    fn new(seed: &[u8; 32]) -> Self {
        let (mut public, mut private) = ([0u8; 32], [0u8; 64]);
        // SAFETY: the buffers have the lengths that the function wants.
        unsafe {
            lc::ED25519_keypair_from_seed(public.as_mut_ptr(), private.as_mut_ptr(), seed.as_ptr())
        };
        let mut expanded = Expanded::default();
        expanded.set(seed);
        Self { private, expanded, public: decoded(&public) }
    }

    pub fn random(random: &mut Random) -> Self {
        Self::new(&bytes(random))
    }

    fn sign(&self, variant: Variant, message: &[u8]) -> [u8; 64] {
        let mut out = [0u8; 64];
        let (text, len) = (message.as_ptr(), message.len());
        // SAFETY: as above.
        let ok = unsafe {
            match variant {
                Variant::Pure => {
                    lc::ED25519_sign(out.as_mut_ptr(), text, len, self.private.as_ptr())
                }
                Variant::Prehashed => lc::ED25519ph_sign_digest(
                    out.as_mut_ptr(),
                    text,
                    self.private.as_ptr(),
                    std::ptr::null(),
                    0,
                ),
            }
        };
        assert_eq!(ok, 1);
        out
    }
}

pub(super) fn bytes<const N: usize>(random: &mut Random) -> [u8; N] {
    std::array::from_fn(|_| random.word() as u8)
}

pub(super) fn decoded(encoded: &[u8; 32]) -> PublicKey {
    let mut jobs = [DecodeJob::new(encoded)];
    batch::decode(Kernels::portable(), &mut jobs);
    PublicKey { encoded: *encoded, point: jobs[0].point }
}

/// What AWS-LC says.
pub(super) fn verifies(
    public: &[u8; 32],
    variant: Variant,
    message: &[u8],
    signature: &[u8],
) -> Status {
    let Ok(signature) = <&[u8; 64]>::try_from(signature) else { return Status::InvalidSignature };
    let (text, len) = (message.as_ptr(), message.len());
    // SAFETY: the buffers have the lengths that the functions want.
    let ok = unsafe {
        match variant {
            Variant::Pure => lc::ED25519_verify(text, len, signature.as_ptr(), public.as_ptr()),
            Variant::Prehashed => lc::ED25519ph_verify_digest(
                text,
                signature.as_ptr(),
                public.as_ptr(),
                std::ptr::null(),
                0,
            ),
        }
    };
    if ok == 1 { Status::Ok } else { Status::InvalidSignature }
}

pub(super) fn small(x: u64) -> Words {
    let mut out = [0; WORDS];
    out[0] = x;
    out
}

pub(super) fn hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2)
        .map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).expect("hexadecimal"))
        .collect()
}

/// Jobs of the normal suite for each class; JOBS=n changes it.
fn count() -> usize {
    std::env::var("JOBS").ok().and_then(|n| n.parse().ok()).unwrap_or(20_000)
}

#[test]
fn rfc8032_vectors() {
    let abc = hex("ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
                   2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
    let vectors = [
        (
            Variant::Pure,
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            hex(""),
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155\
             5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
        (
            Variant::Pure,
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            hex("72"),
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
             085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
        (
            Variant::Pure,
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            hex("af82"),
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac\
             18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        ),
        (
            Variant::Pure,
            "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
            abc.clone(),
            "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589\
             09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
        ),
        // Of "abc", whose SHA-512 digest is the message of the vector before.
        (
            Variant::Prehashed,
            "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
            abc,
            "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae41\
             31f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406",
        ),
    ];
    let publics = [
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
    ];
    for kernels in Kernels::all() {
        for (i, (variant, seed, message, signature)) in vectors.iter().enumerate() {
            let key = Key::new(&hex(seed).try_into().expect("32 bytes"));
            let mut jobs = [PublicJob::new(&key.expanded)];
            batch::public(kernels, &mut jobs);
            assert_eq!((jobs[0].status, jobs[0].public), (Status::Ok, key.public.encoded));
            if let Some(public) = publics.get(i) {
                assert_eq!(jobs[0].public[..], hex(public));
            }
            let public = &key.public.encoded;
            let mut jobs = [SignJob::new(&key.expanded, public, *variant, message)];
            batch::sign(kernels, &mut jobs);
            assert_eq!(jobs[0].status, Status::Ok);
            assert_eq!(jobs[0].signature[..], hex(signature), "{} {i}", kernels.name());
            let mut jobs = [VerifyJob::new(&key.public, *variant, message, &jobs[0].signature)];
            batch::verify(kernels, &mut jobs);
            assert_eq!(jobs[0].status, Status::Ok);
        }
    }
}

/// A message of up to 300 bytes, now and then a long one, or a digest.
fn message(random: &mut Random) -> (Variant, Vec<u8>) {
    let len = match random.word() % 16 {
        0 => return (Variant::Prehashed, bytes::<64>(random).to_vec()),
        1 => random.word() % 4097,
        2 => [0, 47, 48, 79, 80, 111, 112, 127, 128, 175, 176][random.word() as usize % 11],
        _ => random.word() % 300,
    };
    (Variant::Pure, (0..len).map(|_| random.word() as u8).collect())
}

#[test]
fn signatures_and_verdicts_are_those_of_aws_lc() {
    let mut random = Random::new("ed25519");
    let keys: Vec<Key> = (0..97).map(|_| Key::random(&mut random)).collect();
    for kernels in Kernels::all() {
        let count = if kernels == Kernels::portable() { count() / 4 } else { count() };
        let (mut done, mut bad) = (0, 0);
        while done < count {
            let some = 1 + random.word() as usize % 130;
            let inputs: Vec<_> = (0..some)
                .map(|_| (&keys[random.word() as usize % keys.len()], message(&mut random)))
                .collect();
            let mut jobs: Vec<_> = inputs
                .iter()
                .map(|(k, (v, m))| SignJob::new(&k.expanded, &k.public.encoded, *v, m))
                .collect();
            batch::sign(kernels, &mut jobs);
            let mut given = Vec::with_capacity(some);
            for (job, (key, (variant, message))) in jobs.iter().zip(&inputs) {
                assert_eq!(job.status, Status::Ok);
                let expect = key.sign(*variant, message);
                assert_eq!(job.signature, expect, "{} {}", kernels.name(), message.len());
                given.push(spoiled(&mut random, &expect));
            }
            let mut jobs: Vec<_> = inputs
                .iter()
                .zip(&given)
                .map(|((k, (v, m)), s)| VerifyJob::new(&k.public, *v, m, s))
                .collect();
            batch::verify(kernels, &mut jobs);
            for (job, signature) in jobs.iter().zip(&given) {
                let public = &job.key.encoded;
                let expect = verifies(public, job.variant, job.message, signature);
                assert_eq!(job.status, expect, "{} {signature:x?}", kernels.name());
                bad += usize::from(expect != Status::Ok);
            }
            done += some;
        }
        assert!(bad > done / 4 && bad < done);
        println!("ed25519, {}: {done} signed and verified, {bad} of them bad", kernels.name());
    }
}

/// Four of nine as they are.
fn spoiled(random: &mut Random, signature: &[u8; 64]) -> Vec<u8> {
    let mut out = signature.to_vec();
    match random.word() % 9 {
        0 => out[random.word() as usize % 64] ^= 1 << (random.word() % 8),
        1 => out.truncate(random.word() as usize % 64),
        2 => {
            // The same s, L more.
            let s = from_bytes(&signature[32..].try_into().expect("32 bytes"));
            out[32..].copy_from_slice(&to_bytes(&sum(&s, &L)));
        }
        3 => out[..32].fill(random.word() as u8),
        4 => out[32..].fill([0, 0xff, 0x1f][random.word() as usize % 3]),
        _ => {}
    }
    out
}

#[test]
fn every_partial_batch_and_lane() {
    let mut random = Random::new("ed25519 partial");
    let keys: Vec<Key> = (0..70).map(|_| Key::random(&mut random)).collect();
    let texts: Vec<_> = (0..70).map(|_| message(&mut random)).collect();
    for kernels in Kernels::all() {
        for len in (0..=17).chain([63, 64, 65]) {
            let mut jobs: Vec<_> = (0..len)
                .map(|i| {
                    let key = &keys[i];
                    SignJob::new(&key.expanded, &key.public.encoded, texts[i].0, &texts[i].1)
                })
                .collect();
            batch::sign(kernels, &mut jobs);
            let signatures: Vec<_> = jobs.iter().map(|job| job.signature).collect();
            let mut jobs: Vec<_> = (0..len).map(|i| PublicJob::new(&keys[i].expanded)).collect();
            batch::public(kernels, &mut jobs);
            for (i, job) in jobs.iter().enumerate() {
                assert_eq!(job.public, keys[i].public.encoded);
                assert_eq!(signatures[i], keys[i].sign(texts[i].0, &texts[i].1));
            }
            // One bad job in each lane in turn.
            for bad in 0..len.min(17) {
                let mut jobs: Vec<_> = (0..len)
                    .map(|i| {
                        let signature = &signatures[if i == bad { (i + 1) % len } else { i }];
                        VerifyJob::new(&keys[i].public, texts[i].0, &texts[i].1, signature)
                    })
                    .collect();
                batch::verify(kernels, &mut jobs);
                for (i, job) in jobs.iter().enumerate() {
                    let good = i != bad || len == 1;
                    assert_eq!(job.status == Status::Ok, good, "{} {len} {i}", kernels.name());
                }
            }
        }
    }
}
