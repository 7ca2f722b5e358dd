//! Ed25519 verification (RFC 8032, 5.1.7, without the cofactor) of up to 64 jobs with independent keys.
//! All inputs are public.
use super::Variant;
use super::comb::{BaseMultiples, POINT_WIDTH, POINT_WINDOWS, PointMultiple, WINDOWS, recode_base};
use super::decode::PublicKey;
use super::hash::{Message, sha512};
use super::point::{BX, BY, Element, Extended, from_bytes, to_bytes};
use super::scalar::{self, Order25519, Scalar};
use crate::ec::comb::{GROUPS_MAX, Table};
use crate::field::{
    Element25519, Field25519, Prime, Task, WORDS, Words, invert_all_25519, subtract,
};
use crate::frame::Status;
use crate::vec::LANES;

/// One verification.
pub struct VerifyJob<'a> {
    pub key: &'a PublicKey,
    pub variant: Variant,
    /// The message, or its digest for `Prehashed`.
    pub message: &'a [u8],
    pub signature: &'a [u8],
    /// `Ok` or `InvalidSignature`.
    pub status: Status,
}

impl<'a> VerifyJob<'a> {
    pub fn new(
        key: &'a PublicKey,
        variant: Variant,
        message: &'a [u8],
        signature: &'a [u8],
    ) -> Self {
        Self { key, variant, message, signature, status: Status::Pending }
    }

    /// The encoded R, and s below L.
    #[inline(always)]
    fn parts(&self) -> Option<(&'a [u8; 32], Words)> {
        let (r, s) = self.signature.split_first_chunk::<32>()?;
        let s = from_bytes(s.try_into().ok()?);
        subtract(&s, &Order25519::VALUE).1.then_some((r, s))
    }
}

pub struct Verify<'a, 'r, 'j, V, const N: usize> {
    pub proof: V,
    pub table: &'a Table,
    pub jobs: &'a mut [&'r mut VerifyJob<'j>],
}

impl<V: Field25519, const N: usize> Task for Verify<'_, '_, '_, V, N> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        let (proof, jobs) = (self.proof, self.jobs);
        let groups = jobs.len().div_ceil(LANES);
        let mut points = [Extended::<V>::identity(proof); GROUPS_MAX];
        let mut digits = [[[0; LANES]; WINDOWS]; GROUPS_MAX];
        let mut signs = [[0; LANES]; GROUPS_MAX];
        for (g, some) in jobs.chunks_mut(LANES).enumerate() {
            let mut s = [[0; WORDS]; LANES];
            for (lane, job) in some.iter_mut().enumerate() {
                job.status = Status::InvalidSignature;
                if let Some((_, value)) = job.parts().filter(|_| job.key.point.is_some()) {
                    s[lane] = value;
                    job.status = Status::Ok;
                }
            }
            let odd;
            (odd, signs[g]) = scalar::make_odd(&s);
            recode_base(&odd, &mut digits[g]);
        }
        let (out, digits) = (&mut points[..groups], &digits[..groups]);
        V::outline(proof, BaseMultiples { proof, table: self.table, digits, out });
        let mut inverses = [Element::<V>::small(proof, 1); GROUPS_MAX];
        for (g, some) in jobs.chunks(LANES).enumerate() {
            // SAFETY: a value of V exists.
            points[g] = points[g].negate_where(unsafe { V::load(&signs[g]) });
            let mut messages = [Message::default(); LANES];
            let mut coordinates = [[BX; LANES], [BY; LANES]];
            for (lane, job) in some.iter().enumerate() {
                let (Some((r, _)), Some([x, y])) = (job.parts(), job.key.point) else { continue };
                messages[lane] = Message([job.variant.domain(), r, &job.key.encoded, job.message]);
                coordinates[0][lane] = x;
                coordinates[1][lane] = y;
            }
            let k = V::outline(proof, Challenges::<V, N> { proof, messages: &messages });
            let mut digits = [[0; LANES]; POINT_WINDOWS];
            scalar::recode_signed(&k, POINT_WIDTH, &mut digits);
            let key = Extended::<V>::from_words(proof, &coordinates[0], &coordinates[1]);
            let opposite = key.negated();
            let other = V::outline(proof, PointMultiple { point: &opposite, digits: &digits });
            points[g] = points[g].add(&other.cached());
            inverses[g] = points[g].z;
        }
        invert_all_25519::<V>(&mut inverses[..groups]);
        for (g, some) in jobs.chunks_mut(LANES).enumerate() {
            let encoded = points[g].encoded(&inverses[g]);
            for (lane, job) in some.iter_mut().enumerate() {
                if job.signature.get(..32) != Some(&to_bytes(&encoded[lane])[..]) {
                    job.status = Status::InvalidSignature;
                }
            }
        }
    }
}

struct Challenges<'a, V, const N: usize> {
    proof: V,
    messages: &'a [Message<'a>; LANES],
}

impl<V: Field25519, const N: usize> Task for Challenges<'_, V, N> {
    type Out = [Words; LANES];
    #[inline(always)]
    fn run(self) -> [Words; LANES] {
        let digests = sha512(self.proof, self.messages);
        let k: Scalar<V, N> = scalar::from_digests(self.proof, &digests);
        k.canonical().to_words()
    }
}
