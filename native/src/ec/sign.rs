//! ECDSA signatures (FIPS 186-5, 6.4) of up to 64 jobs with independent keys.
//!
//! Fault check: that k * G lies on the curve and s * k = e + r * d, per lane; a job that fails has
//! status `Fault` and no signature. A fault that passes both (a wrong table entry) gives an invalid
//! signature under a nonce that is never used again, because nonces are hedged: two such signatures
//! do not share a nonce, hence reveal nothing. Verification would cost five times the signature.
use super::comb::{BaseMultiples, GROUPS_MAX, Table, WINDOWS_MAX, affine_words, recode, width};
use super::curve::Curve;
use super::der::{self, SIGNATURE_MAX};
use super::nonce::{self, EXTRA_LEN};
use super::point::{Field, Jacobian, invert_both};
use super::scalar;
use crate::ffi;
use crate::field::{Class, Fe, Task, WORDS, Words, wipe};
use crate::frame::Status;
use crate::secrecy::declassify;
use crate::vec::LANES;

/// Where nonces come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nonces {
    /// RFC 6979 with 32 fresh random bytes.
    Hedged,
    /// RFC 6979 as it is: for test vectors.
    Deterministic,
}

/// One signature.
pub struct SignJob<'a> {
    /// The private scalar.
    pub scalar: &'a Words,
    pub digest: &'a [u8],
    pub signature: [u8; SIGNATURE_MAX],
    /// Bytes of `signature`.
    pub len: usize,
    /// `BadKey` when the scalar is not in [1, n), `Fault` when a check failed, `Internal` when r or s
    /// is zero (the caller signs another way).
    pub status: Status,
}

impl<'a> SignJob<'a> {
    pub fn new(scalar: &'a Words, digest: &'a [u8]) -> Self {
        Self { scalar, digest, signature: [0; SIGNATURE_MAX], len: 0, status: Status::Pending }
    }
}

/// What a pass keeps in memory; all of it is wiped.
struct Scratch {
    d: [[Words; LANES]; GROUPS_MAX],
    e: [[Words; LANES]; GROUPS_MAX],
    k: [[Words; LANES]; GROUPS_MAX],
    digits: [[[u64; LANES]; WINDOWS_MAX]; GROUPS_MAX],
    extra: [[[u8; EXTRA_LEN]; LANES]; GROUPS_MAX],
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // SAFETY: integers alone.
        unsafe { wipe(self) };
    }
}

/// Signs up to 8 * GROUPS_MAX jobs.
pub struct Sign<'a, 'j, V: Class, C: Curve, const N: usize> {
    pub proof: V,
    pub table: &'a Table,
    pub nonces: Nonces,
    pub jobs: &'a mut [SignJob<'j>],
    pub curve: std::marker::PhantomData<C>,
}

impl<V: Class, C: Curve, const N: usize> Task for Sign<'_, '_, V, C, N> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        let (proof, jobs) = (self.proof, self.jobs);
        let groups = jobs.len().div_ceil(LANES);
        let mut one = [0; WORDS];
        one[0] = 1;
        let mut scratch = Scratch {
            d: [[one; LANES]; GROUPS_MAX],
            e: [[[0; WORDS]; LANES]; GROUPS_MAX],
            k: [[one; LANES]; GROUPS_MAX],
            digits: [[[0; LANES]; WINDOWS_MAX]; GROUPS_MAX],
            extra: [[[0; EXTRA_LEN]; LANES]; GROUPS_MAX],
        };
        for (i, job) in jobs.iter_mut().enumerate() {
            let (group, lane) = (i / LANES, i % LANES);
            // A key that is none keeps the place of its lane: 1.
            if scalar::is_in_range::<C>(job.scalar) {
                scratch.d[group][lane] = *job.scalar;
                job.status = Status::Ok;
            } else {
                job.status = Status::BadKey;
            }
            scratch.e[group][lane] = scalar::from_digest::<C>(job.digest);
        }
        if self.nonces == Nonces::Hedged {
            ffi::random(scratch.extra[..groups].as_flattened_mut().as_flattened_mut());
        }
        let extra = (self.nonces == Nonces::Hedged).then_some(&scratch.extra[..groups]);
        let (x, h1) = (&scratch.d[..groups], &scratch.e[..groups]);
        let inputs = nonce::Inputs { x, h1, extra };
        nonce::nonces::<V, C>(proof, &inputs, &mut scratch.k[..groups]);
        for g in 0..groups {
            // k and n - k give the same r.
            recode::<C>(&scratch.k[g], width::<V, C>(), &mut scratch.digits[g]);
        }
        let zero = Field::<V, C, N>::zero(proof);
        let mut all = [Jacobian::<V, C, N> { x: zero, y: zero, z: zero }; GROUPS_MAX];
        let points = &mut all[..groups];
        let digits = &scratch.digits[..groups];
        V::outline(proof, BaseMultiples { proof, table: self.table, digits, out: points });
        let mut zs = [zero; GROUPS_MAX];
        let mut inverses = [Fe::<V, C::Order, N>::zero(proof); GROUPS_MAX];
        for g in 0..groups {
            zs[g] = points[g].z;
            inverses[g] = Fe::from_words(proof, &scratch.k[g]).to_montgomery();
        }
        invert_both(&mut zs[..groups], &mut inverses[..groups]);
        for g in 0..groups {
            let on_curve = points[g].is_on_curve();
            let r = affine_words(&points[g], &zs[g])[0];
            let end = Finish::<V, C, N> {
                r: &r,
                k: &scratch.k[g],
                d: &scratch.d[g],
                e: &scratch.e[g],
                inverse: &inverses[g],
            };
            let (r, s, fits) = V::outline(proof, end);
            // A signature is public, but for a fault.
            let (r, s) = (declassify(r), declassify(s));
            let right = declassify(fits.and(on_curve).store());
            for lane in 0..LANES {
                let Some(job) = jobs.get_mut(g * LANES + lane) else { continue };
                if job.status != Status::Ok {
                    continue;
                }
                job.status = match (right[lane] != 0, &r[lane], &s[lane]) {
                    (false, ..) => Status::Fault,
                    (true, r, s) if *r == [0; WORDS] || *s == [0; WORDS] => Status::Internal,
                    (true, r, s) => {
                        let s = if C::LOW_S { scalar::low::<C>(s) } else { *s };
                        job.len = der::write::<C>(r, &s, &mut job.signature);
                        Status::Ok
                    }
                };
            }
        }
        // SAFETY: vectors of integers.
        unsafe {
            wipe(&mut zs);
            wipe(&mut inverses);
            wipe(&mut all);
        }
    }
}

/// s = (e + r * d) / k.
struct Finish<'a, V: Class, C: Curve, const N: usize> {
    /// The affine x of k * G, not yet modulo n.
    r: &'a [Words; LANES],
    k: &'a [Words; LANES],
    d: &'a [Words; LANES],
    e: &'a [Words; LANES],
    inverse: &'a Fe<V, C::Order, N>,
}

impl<V: Class, C: Curve, const N: usize> Task for Finish<'_, V, C, N> {
    /// r, s, and ones where s * k = e + r * d.
    type Out = ([Words; LANES], [Words; LANES], V);
    #[inline(always)]
    fn run(self) -> Self::Out {
        let proof = self.inverse.proof();
        let mut r = *self.r;
        for r in &mut r {
            // p < 2n on every curve.
            *r = scalar::reduce_once::<C>(r);
        }
        let order = Fe::<V, C::Order, N>::from_words(proof, &r).to_montgomery();
        let d = Fe::from_words(proof, self.d).to_montgomery();
        let e = Fe::from_words(proof, self.e).to_montgomery();
        let sum = e.add(&order.mul(&d));
        let s = sum.mul(self.inverse);
        let k = Fe::from_words(proof, self.k).to_montgomery();
        let fits = s.mul(&k).sub(&sum, 4).is_zero();
        (r, s.canonical().to_words(), fits)
    }
}
