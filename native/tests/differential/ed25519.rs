//! Ed25519 and Ed25519ph against AWS-LC.
use crate::random::Random;
use crate::{Class, Done};
use aws_lc_sys as lc;
use keystrel_native::ec::ed25519::{
    DecodeJob, Expanded, PublicJob, PublicKey, SignJob, Variant, VerifyJob, batch,
};
use keystrel_native::frame::Status;

/// The order of the base point, little-endian.
const L: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

fn bytes<const N: usize>(random: &mut Random) -> [u8; N] {
    std::array::from_fn(|_| random.word() as u8)
}

struct Key {
    /// Seed and public key.
    private: [u8; 64],
    public: [u8; 32],
    expanded: Expanded,
}

impl Key {
    fn new(random: &mut Random) -> Self {
        let seed: [u8; 32] = match random.word() % 32 {
            0 => [0; 32],
            1 => [0xff; 32],
            _ => bytes(random),
        };
        let (mut public, mut private) = ([0u8; 32], [0u8; 64]);
        // SAFETY: the buffers have the lengths that the function wants.
        unsafe {
            lc::ED25519_keypair_from_seed(public.as_mut_ptr(), private.as_mut_ptr(), seed.as_ptr())
        };
        let mut expanded = Expanded::default();
        expanded.set(&seed);
        Self { private, public, expanded }
    }

    fn sign(&self, variant: Variant, message: &[u8]) -> [u8; 64] {
        let mut out = [0u8; 64];
        let (to, text, key) = (out.as_mut_ptr(), message.as_ptr(), self.private.as_ptr());
        // SAFETY: as above; a digest has 64 bytes.
        let ok = unsafe {
            match variant {
                Variant::Pure => lc::ED25519_sign(to, text, message.len(), key),
                Variant::Prehashed => lc::ED25519ph_sign_digest(to, text, key, std::ptr::null(), 0),
            }
        };
        assert_eq!(ok, 1);
        out
    }
}

fn verifies(public: &[u8; 32], variant: Variant, message: &[u8], signature: &[u8; 64]) -> bool {
    let (text, len, s, p) = (message.as_ptr(), message.len(), signature.as_ptr(), public.as_ptr());
    // SAFETY: the buffers have the lengths that the functions want.
    let ok = unsafe {
        match variant {
            Variant::Pure => lc::ED25519_verify(text, len, s, p),
            Variant::Prehashed => lc::ED25519ph_verify_digest(text, s, p, std::ptr::null(), 0),
        }
    };
    // SAFETY: no arguments.
    unsafe { lc::ERR_clear_error() };
    ok == 1
}

/// Up to 300 bytes, now and then some thousand, or a digest.
fn message(random: &mut Random) -> (Variant, Vec<u8>) {
    let len = match random.word() % 32 {
        0..=3 => return (Variant::Prehashed, bytes::<64>(random).to_vec()),
        4 => random.word() % 4097,
        5 => 0,
        _ => random.word() % 300,
    };
    (Variant::Pure, (0..len).map(|_| random.word() as u8).collect())
}

fn keys(random: &mut Random) -> Vec<Key> {
    (0..64).map(|_| Key::new(random)).collect()
}

/// Jobs of one call: every number up to nine is as likely as all the others.
pub fn some(random: &mut Random, most: usize) -> usize {
    let few = random.word().is_multiple_of(2);
    1 + random.word() as usize % if few { 9 } else { most }
}

pub fn sign(random: &mut Random, class: Class, jobs: usize) -> Done {
    let keys = keys(random);
    let mut done = Done::default();
    while done.jobs < jobs {
        let inputs: Vec<_> = (0..some(random, 130))
            .map(|_| (&keys[random.word() as usize % keys.len()], message(random)))
            .collect();
        let mut batch: Vec<_> = inputs
            .iter()
            .map(|(key, (v, m))| SignJob::new(&key.expanded, &key.public, *v, m))
            .collect();
        batch::sign(class.ec(), &mut batch);
        for (job, (key, (variant, message))) in batch.iter().zip(&inputs) {
            assert_eq!(job.status, Status::Ok);
            assert_eq!(job.signature, key.sign(*variant, message));
        }
        done.jobs += inputs.len();
    }
    done
}

/// Half of them are spoiled one way or another.
fn spoil(random: &mut Random, public: &mut [u8; 32], signature: &mut [u8; 64]) {
    match random.word() % 20 {
        0 | 1 => signature[random.word() as usize % 64] ^= 1 << (random.word() % 8),
        2 | 3 => public[random.word() as usize % 32] ^= 1 << (random.word() % 8),
        4 => *public = bytes(random),
        5 => *public = [[0; 32], [0xff; 32]][random.word() as usize % 2],
        6 => signature[..32].fill(random.word() as u8),
        7 => signature[32..].fill([0, 0xff, 0x1f][random.word() as usize % 3]),
        8 => signature[32..].copy_from_slice(&L),
        9 => {
            // The same s, L more.
            let mut carry = 0u16;
            for (byte, add) in signature[32..].iter_mut().zip(L) {
                carry += u16::from(*byte) + u16::from(add);
                *byte = carry as u8;
                carry >>= 8;
            }
        }
        _ => {}
    }
}

pub fn verify(random: &mut Random, class: Class, jobs: usize) -> Done {
    let keys = keys(random);
    let texts: Vec<_> = (0..256).map(|i| (i % keys.len(), message(random))).collect();
    let signed: Vec<[u8; 64]> = texts.iter().map(|(key, (v, m))| keys[*key].sign(*v, m)).collect();
    let mut done = Done::default();
    while done.jobs < jobs {
        let chosen: Vec<_> = (0..some(random, 130))
            .map(|_| {
                let at = random.word() as usize % texts.len();
                let (mut public, mut signature) = (keys[texts[at].0].public, signed[at]);
                spoil(random, &mut public, &mut signature);
                (at, public, signature)
            })
            .collect();
        let mut decodings: Vec<_> = chosen.iter().map(|(_, p, _)| DecodeJob::new(p)).collect();
        batch::decode(class.ec(), &mut decodings);
        let decoded: Vec<_> = decodings
            .iter()
            .map(|job| PublicKey { encoded: *job.encoded, point: job.point })
            .collect();
        let mut batch: Vec<_> = chosen
            .iter()
            .zip(&decoded)
            .map(|((at, _, s), key)| VerifyJob::new(key, texts[*at].1.0, &texts[*at].1.1, s))
            .collect();
        batch::verify(class.ec(), &mut batch);
        for (job, (at, public, signature)) in batch.iter().zip(&chosen) {
            let (variant, message) = &texts[*at].1;
            let good = verifies(public, *variant, message, signature);
            let want = if good { Status::Ok } else { Status::InvalidSignature };
            assert_eq!(job.status, want, "{public:x?} {signature:x?}");
            done.refused += usize::from(!good);
        }
        done.jobs += chosen.len();
    }
    done
}

pub fn public(random: &mut Random, class: Class, jobs: usize) -> Done {
    let mut done = Done::default();
    while done.jobs < jobs {
        let keys: Vec<Key> = (0..some(random, 130)).map(|_| Key::new(random)).collect();
        let mut batch: Vec<_> = keys.iter().map(|key| PublicJob::new(&key.expanded)).collect();
        batch::public(class.ec(), &mut batch);
        for (job, key) in batch.iter().zip(&keys) {
            assert_eq!((job.status, job.public), (Status::Ok, key.public));
        }
        done.jobs += keys.len();
    }
    done
}
