//! Ed25519 signatures (RFC 8032, 5.1.6) and public keys (5.1.5) of up to 64 jobs with independent
//! keys, in constant time.
//!
//! Fault check: that r * B lies on the curve, per lane. Nonces are deterministic, as the standard has
//! it: two signatures of one message, one of them with a fault that stays on the curve (a wrong
//! digit), would give the key away. docs/side-channels.md says so.
use super::Variant;
use super::comb::{BaseMultiples, Digits, WINDOWS, recode_base};
use super::hash::{Message, sha512};
use super::point::{Element, Extended, to_bytes};
use super::scalar::{self, Scalar};
use crate::ec::comb::{GROUPS_MAX, Table};
use crate::ffi::Hash;
use crate::field::{Element25519, Field25519, Task, WORDS, Words, invert_all_25519, wipe};
use crate::frame::Status;
use crate::secrecy::declassify;
use crate::vec::LANES;

/// What a seed stands for: the scalar a, and the prefix of the nonce's hash.
#[derive(Default)]
pub struct Expanded {
    /// Clamped, below 2^255.
    pub scalar: Words,
    pub prefix: [u8; 32],
}

impl Expanded {
    /// SHA-512 of the seed, in place.
    pub fn set(&mut self, seed: &[u8; 32]) {
        let mut digest = [0u8; 64];
        Hash::Sha512.digest(seed, &mut digest);
        for (i, word) in digest[..32].as_chunks::<8>().0.iter().enumerate() {
            self.scalar[i] = u64::from_le_bytes(*word);
        }
        self.scalar[0] &= !7;
        self.scalar[3] = self.scalar[3] & (u64::MAX >> 2) | 1 << 62;
        self.prefix.copy_from_slice(&digest[32..]);
        zeroize::Zeroize::zeroize(&mut digest);
    }
}

/// One signature.
pub struct SignJob<'a> {
    pub key: &'a Expanded,
    /// The encoded public key that belongs to `key`, which the caller has checked.
    pub public: &'a [u8; 32],
    pub variant: Variant,
    /// The message, or its digest for `Prehashed`.
    pub message: &'a [u8],
    pub signature: [u8; 64],
    /// `Ok`, or `Fault` when a check failed: then there is no signature.
    pub status: Status,
}

impl<'a> SignJob<'a> {
    pub fn new(
        key: &'a Expanded,
        public: &'a [u8; 32],
        variant: Variant,
        message: &'a [u8],
    ) -> Self {
        Self { key, public, variant, message, signature: [0; 64], status: Status::Pending }
    }
}

/// One public key.
pub struct PublicJob<'a> {
    pub key: &'a Expanded,
    pub public: [u8; 32],
    /// As a signature's.
    pub status: Status,
}

impl<'a> PublicJob<'a> {
    pub fn new(key: &'a Expanded) -> Self {
        Self { key, public: [0; 32], status: Status::Pending }
    }
}

/// What a pass keeps in memory; all of it is wiped.
struct Scratch {
    r: [[Words; LANES]; GROUPS_MAX],
    odd: [Words; LANES],
    signs: [[u64; LANES]; GROUPS_MAX],
    digits: [Digits; GROUPS_MAX],
}

impl Scratch {
    fn new() -> Self {
        Self {
            r: [[[0; WORDS]; LANES]; GROUPS_MAX],
            odd: [[0; WORDS]; LANES],
            signs: [[0; LANES]; GROUPS_MAX],
            digits: [[[0; LANES]; WINDOWS]; GROUPS_MAX],
        }
    }

    /// Takes the scalars of a group.
    fn set(&mut self, group: usize, scalars: &[Words; LANES]) {
        self.r[group] = *scalars;
        (self.odd, self.signs[group]) = scalar::make_odd(scalars);
        recode_base(&self.odd, &mut self.digits[group]);
    }

    /// The encodings of r * B for the first `groups`, and ones where all went well: public now.
    #[inline(always)]
    fn points<V: Field25519>(
        &self,
        proof: V,
        table: &Table,
        groups: usize,
    ) -> [([Words; LANES], [u64; LANES]); GROUPS_MAX] {
        let mut points = [Extended::<V>::identity(proof); GROUPS_MAX];
        let (out, digits) = (&mut points[..groups], &self.digits[..groups]);
        V::outline(proof, BaseMultiples { proof, table, digits, out });
        let mut inverses = [Element::<V>::small(proof, 1); GROUPS_MAX];
        for g in 0..groups {
            inverses[g] = points[g].z;
        }
        invert_all_25519::<V>(&mut inverses[..groups]);
        let mut encoded = [([[0; WORDS]; LANES], [0; LANES]); GROUPS_MAX];
        for g in 0..groups {
            // SAFETY: a value of V exists.
            let point = points[g].negate_where(unsafe { V::load(&self.signs[g]) });
            let right = declassify(point.is_on_curve().store());
            encoded[g] = (declassify(point.encoded(&inverses[g])), right);
        }
        // SAFETY: vectors of numbers.
        unsafe {
            wipe(&mut points);
            wipe(&mut inverses);
        }
        encoded
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // SAFETY: integers alone.
        unsafe { wipe(self) };
    }
}

fn status(right: u64) -> Status {
    if right != 0 { Status::Ok } else { Status::Fault }
}

/// Signs up to 8 * GROUPS_MAX jobs.
pub struct Sign<'a, 'r, 'j, V, const N: usize> {
    pub proof: V,
    pub table: &'a Table,
    pub jobs: &'a mut [&'r mut SignJob<'j>],
}

impl<V: Field25519, const N: usize> Task for Sign<'_, '_, '_, V, N> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        let (proof, jobs) = (self.proof, self.jobs);
        let groups = jobs.len().div_ceil(LANES);
        let mut scratch = Scratch::new();
        for (g, some) in jobs.chunks(LANES).enumerate() {
            let mut messages = [Message::default(); LANES];
            for (message, job) in messages.iter_mut().zip(some) {
                *message = Message([job.variant.domain(), &job.key.prefix, job.message, &[]]);
            }
            let nonces = Nonces::<V, N> { proof, messages: &messages };
            let mut r = V::outline(proof, nonces);
            scratch.set(g, &r);
            zeroize::Zeroize::zeroize(&mut r);
        }
        let points = scratch.points(proof, self.table, groups);
        for (g, some) in jobs.chunks_mut(LANES).enumerate() {
            let (encoded, right) = &points[g];
            let mut a = [[0; WORDS]; LANES];
            let mut parts = [[0u8; 32]; LANES];
            let mut messages = [Message::default(); LANES];
            for (lane, job) in some.iter().enumerate() {
                a[lane] = job.key.scalar;
                parts[lane] = to_bytes(&encoded[lane]);
            }
            for (lane, job) in some.iter().enumerate() {
                let parts = [job.variant.domain(), &parts[lane], job.public, job.message];
                messages[lane] = Message(parts);
            }
            let end = Finish::<V, N> { proof, messages: &messages, r: &scratch.r[g], a: &a };
            // A signature is public, but for a fault.
            let s = declassify(V::outline(proof, end));
            zeroize::Zeroize::zeroize(&mut a);
            for (lane, job) in some.iter_mut().enumerate() {
                job.status = status(right[lane]);
                if job.status == Status::Ok {
                    job.signature[..32].copy_from_slice(&parts[lane]);
                    job.signature[32..].copy_from_slice(&to_bytes(&s[lane]));
                }
            }
        }
    }
}

/// r: hashes modulo L.
struct Nonces<'a, V, const N: usize> {
    proof: V,
    messages: &'a [Message<'a>; LANES],
}

impl<V: Field25519, const N: usize> Task for Nonces<'_, V, N> {
    type Out = [Words; LANES];
    #[inline(always)]
    fn run(self) -> [Words; LANES] {
        let mut digests = sha512(self.proof, self.messages);
        let r: Scalar<V, N> = scalar::from_digests(self.proof, &digests);
        // SAFETY: integers.
        unsafe { wipe(&mut digests) };
        r.canonical().to_words()
    }
}

/// s = r + k * a modulo L.
struct Finish<'a, V, const N: usize> {
    proof: V,
    /// What k is the hash of.
    messages: &'a [Message<'a>; LANES],
    r: &'a [Words; LANES],
    a: &'a [Words; LANES],
}

impl<V: Field25519, const N: usize> Task for Finish<'_, V, N> {
    type Out = [Words; LANES];
    #[inline(always)]
    fn run(self) -> [Words; LANES] {
        let proof = self.proof;
        let k: Scalar<V, N> = scalar::from_digests(proof, &sha512(proof, self.messages));
        let a = scalar::from_words(proof, self.a);
        let r = scalar::from_words(proof, self.r);
        r.add(&k.mul(&a)).canonical().to_words()
    }
}

/// Public keys of up to 8 * GROUPS_MAX jobs.
pub struct Public<'a, 'j, V, const N: usize> {
    pub proof: V,
    pub table: &'a Table,
    pub jobs: &'a mut [PublicJob<'j>],
}

impl<V: Field25519, const N: usize> Task for Public<'_, '_, V, N> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        let (proof, jobs) = (self.proof, self.jobs);
        let mut scratch = Scratch::new();
        for (g, some) in jobs.chunks(LANES).enumerate() {
            let mut a = [[0; WORDS]; LANES];
            for (a, job) in a.iter_mut().zip(some) {
                *a = job.key.scalar;
            }
            let reduced: Scalar<V, N> = scalar::from_words(proof, &a);
            a = reduced.canonical().to_words();
            scratch.set(g, &a);
            zeroize::Zeroize::zeroize(&mut a);
        }
        let points = scratch.points(proof, self.table, jobs.len().div_ceil(LANES));
        for (i, job) in jobs.iter_mut().enumerate() {
            let (encoded, right) = &points[i / LANES];
            job.status = status(right[i % LANES]);
            if job.status == Status::Ok {
                job.public = to_bytes(&encoded[i % LANES]);
            }
        }
    }
}
