//! ECDSA verification (FIPS 186-5, 6.4.4) of up to 64 jobs with independent public keys.
use super::comb::{
    BaseMultiples, GROUPS_MAX, POINT_WIDTH, POINT_WINDOWS_MAX, PointMultiple, Table, WINDOWS_MAX,
    recode, width,
};
use super::curve::Curve;
use super::der;
use super::point::{Affine, Field, Jacobian, invert_all};
use super::scalar;
use crate::field::{Class, Fe, Prime, Task, WORDS, Words, subtract, sum};
use crate::frame::Status;
use crate::vec::LANES;

/// One verification.
pub struct VerifyJob<'a> {
    /// The public point, x and y; on the curve, which the caller has checked.
    pub point: &'a [Words; 2],
    pub digest: &'a [u8],
    /// DER.
    pub signature: &'a [u8],
    /// `Ok` or `InvalidSignature`.
    pub status: Status,
}

impl<'a> VerifyJob<'a> {
    pub fn new(point: &'a [Words; 2], digest: &'a [u8], signature: &'a [u8]) -> Self {
        Self { point, digest, signature, status: Status::Pending }
    }
}

pub struct Verify<'a, 'j, V: Class, C: Curve, const N: usize> {
    pub proof: V,
    pub table: &'a Table,
    pub jobs: &'a mut [VerifyJob<'j>],
    pub curve: std::marker::PhantomData<C>,
}

impl<V: Class, C: Curve, const N: usize> Task for Verify<'_, '_, V, C, N> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        let (proof, jobs) = (self.proof, self.jobs);
        let groups = jobs.len().div_ceil(LANES);
        let mut one = [0; WORDS];
        one[0] = 1;
        let mut r = [[one; LANES]; GROUPS_MAX];
        let mut e = [[one; LANES]; GROUPS_MAX];
        let mut inverses = [Fe::<V, C::Order, N>::zero(proof); GROUPS_MAX];
        for (g, jobs) in jobs.chunks_mut(LANES).enumerate() {
            let mut s = [one; LANES];
            for (lane, job) in jobs.iter_mut().enumerate() {
                job.status = Status::InvalidSignature;
                if let Some(pair) = der::read::<C>(job.signature) {
                    (r[g][lane], s[lane]) = pair;
                    job.status = Status::Ok;
                }
                e[g][lane] = scalar::from_digest::<C>(job.digest);
            }
            inverses[g] = Fe::from_words(proof, &s).to_montgomery();
        }
        // No s is zero: a job without a signature has 1.
        invert_all(&mut inverses[..groups]);
        let zero = Field::<V, C, N>::zero(proof);
        let infinity = Jacobian::<V, C, N> { x: zero, y: zero, z: zero };
        let mut base = [infinity; GROUPS_MAX];
        let mut digits = [[[0; LANES]; WINDOWS_MAX]; GROUPS_MAX];
        let mut base_signs = [[0; LANES]; GROUPS_MAX];
        let mut absent = [[0; LANES]; GROUPS_MAX];
        for g in 0..groups {
            let u = Fe::from_words(proof, &e[g]).mul(&inverses[g]);
            let mut u = u.to_montgomery().canonical().to_words();
            for lane in 0..LANES {
                // 0 * G has no odd digits: 1 * G is computed and left out.
                if u[lane] == [0; WORDS] {
                    absent[g][lane] = u64::MAX;
                    u[lane] = one;
                }
            }
            base_signs[g] = recode::<C>(&u, width::<V, C>(), &mut digits[g]);
        }
        let out = &mut base[..groups];
        V::outline(
            proof,
            BaseMultiples { proof, table: self.table, digits: &digits[..groups], out },
        );
        let mut digits = [[0; LANES]; POINT_WINDOWS_MAX];
        for (g, jobs) in jobs.chunks_mut(LANES).enumerate() {
            let mut coordinates = [[C::GX; LANES], [C::GY; LANES]];
            for (lane, job) in jobs.iter().enumerate() {
                coordinates[0][lane] = job.point[0];
                coordinates[1][lane] = job.point[1];
            }
            let point = Affine::<V, C, N> {
                x: Fe::from_words(proof, &coordinates[0]).to_montgomery(),
                y: Fe::from_words(proof, &coordinates[1]).to_montgomery(),
            };
            let u = Fe::from_words(proof, &r[g]).mul(&inverses[g]);
            let u = u.to_montgomery().canonical().to_words();
            let signs = recode::<C>(&u, POINT_WIDTH, &mut digits);
            let mut other = V::outline(proof, PointMultiple { point: &point, digits: &digits });
            // SAFETY: a value of V exists.
            let masks = unsafe { (V::load(&signs), V::load(&base_signs[g]), V::load(&absent[g])) };
            other = other.negate_where(masks.0);
            let first = base[g].negate_where(masks.1);
            let total = Jacobian::select(masks.2, &other, &first.add_complete(&other));
            let equal = V::outline(proof, HasX { point: &total, x: &r[g] }).store();
            for (lane, job) in jobs.iter_mut().enumerate() {
                if equal[lane] == 0 {
                    job.status = Status::InvalidSignature;
                }
            }
        }
    }
}

/// Ones where the affine x is r modulo n, without an inversion: X = r * Z^2 or X = (r + n) * Z^2.
struct HasX<'a, V: Class, C: Curve, const N: usize> {
    point: &'a Jacobian<V, C, N>,
    x: &'a [Words; LANES],
}

impl<V: Class, C: Curve, const N: usize> Task for HasX<'_, V, C, N> {
    type Out = V;
    #[inline(always)]
    fn run(self) -> V {
        let Jacobian { x, z, .. } = self.point;
        let proof = x.proof();
        let mut second = *self.x;
        for r in &mut second {
            let next = sum(r, &C::Order::VALUE);
            // Only where it is a field element.
            if subtract(&next, &<C::Field as Prime>::VALUE).1 {
                *r = next;
            }
        }
        let square = z.square();
        let mut equal = proof.sub(proof);
        for r in [self.x, &second] {
            let r = Fe::from_words(proof, r).to_montgomery();
            equal = equal.or(x.sub(&r.mul(&square), 2).is_zero());
        }
        let infinite = z.is_zero();
        equal.and(equal.xor(infinite))
    }
}
