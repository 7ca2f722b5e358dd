//! ECDH (SP 800-56A, 5.7.1.2): the x coordinate of d * Q for up to 64 jobs; and key pairs.
use super::comb::{
    BaseMultiples, GROUPS_MAX, POINT_WIDTH, POINT_WINDOWS_MAX, PointMultiple, Table, WINDOWS_MAX,
    affine_words, recode, width,
};
use super::curve::Curve;
use super::point::{Affine, Field, Jacobian, invert_all};
use super::scalar;
use crate::field::{Class, Fe, Task, WORDS, Words, wipe};
use crate::frame::Status;
use crate::secrecy::declassify;
use crate::vec::LANES;
use zeroize::Zeroize;

/// Bytes of the longest coordinate.
pub const COORDINATE_MAX: usize = 66;

/// One agreement.
pub struct AgreeJob<'a> {
    /// The private scalar.
    pub scalar: &'a Words,
    /// The peer's point, x and y below p.
    pub point: &'a [Words; 2],
    /// The x coordinate, big-endian, in the first bytes, as many as the field has.
    pub shared: [u8; COORDINATE_MAX],
    /// `BadKey` when the scalar is not in [1, n), `BadPeerKey` when the point is not on the curve,
    /// `Fault` when the result is not.
    pub status: Status,
}

impl<'a> AgreeJob<'a> {
    pub fn new(scalar: &'a Words, point: &'a [Words; 2]) -> Self {
        Self { scalar, point, shared: [0; COORDINATE_MAX], status: Status::Pending }
    }
}

impl Drop for AgreeJob<'_> {
    fn drop(&mut self) {
        self.shared.zeroize();
    }
}

pub struct Agree<'a, 'j, V: Class, C: Curve, const N: usize> {
    pub proof: V,
    pub jobs: &'a mut [AgreeJob<'j>],
    pub curve: std::marker::PhantomData<C>,
}

impl<V: Class, C: Curve, const N: usize> Task for Agree<'_, '_, V, C, N> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        let (proof, jobs) = (self.proof, self.jobs);
        let groups = jobs.len().div_ceil(LANES);
        let mut one = [0; WORDS];
        one[0] = 1;
        let zero = Field::<V, C, N>::zero(proof);
        let mut points = [Jacobian::<V, C, N> { x: zero, y: zero, z: zero }; GROUPS_MAX];
        let mut zs = [zero; GROUPS_MAX];
        let mut digits = [[0; LANES]; POINT_WINDOWS_MAX];
        for (g, jobs) in jobs.chunks_mut(LANES).enumerate() {
            let mut scalars = [one; LANES];
            let mut coordinates = [[C::GX; LANES], [C::GY; LANES]];
            for (lane, job) in jobs.iter_mut().enumerate() {
                job.status = Status::Ok;
                if scalar::is_in_range::<C>(job.scalar) {
                    scalars[lane] = *job.scalar;
                } else {
                    job.status = Status::BadKey;
                }
                coordinates[0][lane] = job.point[0];
                coordinates[1][lane] = job.point[1];
            }
            let point = checked_point::<V, C, N>(proof, &mut coordinates, jobs);
            recode::<C>(&scalars, POINT_WIDTH, &mut digits);
            scalars.zeroize();
            points[g] = V::outline(proof, PointMultiple { point: &point, digits: &digits });
            zs[g] = points[g].z;
        }
        digits.zeroize();
        invert_all(&mut zs[..groups]);
        for (g, jobs) in jobs.chunks_mut(LANES).enumerate() {
            let right = declassify(points[g].is_on_curve().store());
            let mut x = affine_words(&points[g], &zs[g])[0];
            for (lane, job) in jobs.iter_mut().enumerate() {
                if job.status == Status::Ok && right[lane] == 0 {
                    job.status = Status::Fault;
                }
                if job.status == Status::Ok {
                    scalar::to_bytes(&x[lane], &mut job.shared[..C::LEN]);
                }
            }
            x.zeroize();
        }
        // SAFETY: vectors of integers.
        unsafe {
            wipe(&mut zs);
            wipe(&mut points);
        }
    }
}

/// The peers' points; one that is not on the curve gets status `BadPeerKey`, and the generator takes
/// its place, so that no lane leaves the group.
#[inline(always)]
fn checked_point<V: Class, C: Curve, const N: usize>(
    proof: V,
    coordinates: &mut [[Words; LANES]; 2],
    jobs: &mut [AgreeJob<'_>],
) -> Affine<V, C, N> {
    for (lane, job) in jobs.iter_mut().enumerate() {
        if !(0..2).all(|c| is_below_p::<C>(&coordinates[c][lane])) {
            job.status = Status::BadPeerKey;
            coordinates[0][lane] = C::GX;
            coordinates[1][lane] = C::GY;
        }
    }
    let (x, y) = (
        Fe::from_words(proof, &coordinates[0]).to_montgomery(),
        Fe::from_words(proof, &coordinates[1]).to_montgomery(),
    );
    let on_curve = Jacobian::<V, C, N> { x, y, z: Fe::one(proof) }.is_on_curve();
    let right = on_curve.store();
    for (lane, job) in jobs.iter_mut().enumerate() {
        if right[lane] == 0 {
            job.status = Status::BadPeerKey;
        }
    }
    let g = [
        Fe::from_words(proof, &[C::GX; LANES]).to_montgomery(),
        Fe::from_words(proof, &[C::GY; LANES]).to_montgomery(),
    ];
    Affine { x: Fe::select(on_curve, &x, &g[0]), y: Fe::select(on_curve, &y, &g[1]) }
}

fn is_below_p<C: Curve>(x: &Words) -> bool {
    use crate::field::{Prime, subtract};
    subtract(x, &<C::Field as Prime>::VALUE).1
}

/// One public key: d * G.
pub struct PublicJob<'a> {
    /// The private scalar.
    pub scalar: &'a Words,
    /// x and y.
    pub point: [Words; 2],
    /// `BadKey` when the scalar is not in [1, n), `Fault` when the result is not on the curve.
    pub status: Status,
}

impl<'a> PublicJob<'a> {
    pub fn new(scalar: &'a Words) -> Self {
        Self { scalar, point: [[0; WORDS]; 2], status: Status::Pending }
    }
}

pub struct Public<'a, 'j, V: Class, C: Curve, const N: usize> {
    pub proof: V,
    pub table: &'a Table,
    pub jobs: &'a mut [PublicJob<'j>],
    pub curve: std::marker::PhantomData<C>,
}

impl<V: Class, C: Curve, const N: usize> Task for Public<'_, '_, V, C, N> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        let (proof, jobs) = (self.proof, self.jobs);
        let groups = jobs.len().div_ceil(LANES);
        let mut one = [0; WORDS];
        one[0] = 1;
        let zero = Field::<V, C, N>::zero(proof);
        let mut points = [Jacobian::<V, C, N> { x: zero, y: zero, z: zero }; GROUPS_MAX];
        let mut zs = [zero; GROUPS_MAX];
        let mut digits = [[[0; LANES]; WINDOWS_MAX]; GROUPS_MAX];
        let mut signs = [[0; LANES]; GROUPS_MAX];
        for (g, jobs) in jobs.chunks_mut(LANES).enumerate() {
            let mut scalars = [one; LANES];
            for (lane, job) in jobs.iter_mut().enumerate() {
                job.status = Status::BadKey;
                if scalar::is_in_range::<C>(job.scalar) {
                    scalars[lane] = *job.scalar;
                    job.status = Status::Ok;
                }
            }
            signs[g] = recode::<C>(&scalars, width::<V, C>(), &mut digits[g]);
            scalars.zeroize();
        }
        let out = &mut points[..groups];
        let some = &digits[..groups];
        V::outline(proof, BaseMultiples { proof, table: self.table, digits: some, out });
        for g in 0..groups {
            // SAFETY: a value of V exists.
            points[g] = points[g].negate_where(unsafe { V::load(&signs[g]) });
            zs[g] = points[g].z;
        }
        invert_all(&mut zs[..groups]);
        for (g, jobs) in jobs.chunks_mut(LANES).enumerate() {
            let right = declassify(points[g].is_on_curve().store());
            let [x, y] = affine_words(&points[g], &zs[g]);
            for (lane, job) in jobs.iter_mut().enumerate() {
                if job.status == Status::Ok && right[lane] == 0 {
                    job.status = Status::Fault;
                }
                if job.status == Status::Ok {
                    job.point = [x[lane], y[lane]];
                }
            }
        }
        // SAFETY: integers and vectors of integers.
        unsafe {
            wipe(&mut digits);
            wipe(&mut signs);
            wipe(&mut zs);
            wipe(&mut points);
        }
    }
}
