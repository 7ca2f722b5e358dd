//! Points in Jacobian coordinates, eight lanes: (X, Y, Z) stands for (X / Z^2, Y / Z^3), Z = 0 for
//! infinity. Formulas after Cohen, Miyaji, Ono (1998) and Bernstein's dbl-2001-b.
//!
//! Bounds, as multiples of p. Where digits leave little room: coordinates X and Y below 2.1, Z below
//! 2.75; each product is then below 1 + (product of its factors' bounds) / 16. The other fields:
//! X and Y below 32, products below 2. The numbers beside the formulas are the first kind's.
use super::curve::Curve;
use crate::field::{Class, Fe, Modulus, Prime, Task, wipe};

/// Most values that share one inversion.
const INVERSIONS_MAX: usize = 32;

pub type Field<V, C, const N: usize> = Fe<V, <C as Curve>::Field, N>;

/// Points with coordinates X, Y, Z, one per lane.
#[derive(Clone, Copy)]
pub struct Jacobian<V: Class, C: Curve, const N: usize> {
    pub x: Field<V, C, N>,
    pub y: Field<V, C, N>,
    pub z: Field<V, C, N>,
}

/// Points with coordinates x, y; not infinity.
#[derive(Clone, Copy)]
pub struct Affine<V: Class, C: Curve, const N: usize> {
    pub x: Field<V, C, N>,
    pub y: Field<V, C, N>,
}

struct Double<'a, V: Class, C: Curve, const N: usize>(&'a Jacobian<V, C, N>, u32);
struct IsOnCurve<'a, V: Class, C: Curve, const N: usize>(&'a Jacobian<V, C, N>);
struct Add<'a, V: Class, C: Curve, const N: usize>(&'a Jacobian<V, C, N>, &'a Jacobian<V, C, N>);
struct AddMixed<'a, V: Class, C: Curve, const N: usize>(
    &'a mut Jacobian<V, C, N>,
    &'a Affine<V, C, N>,
);
struct AddComplete<'a, V: Class, C: Curve, const N: usize>(
    &'a Jacobian<V, C, N>,
    &'a Jacobian<V, C, N>,
);

impl<V: Class, C: Curve, const N: usize> Jacobian<V, C, N> {
    /// What X and Y are below, rounded up.
    const BOUND: u64 = if Modulus::<V, C::Field, N>::IS_ROOMY { 32 } else { 3 };

    #[inline(always)]
    fn proof(&self) -> V {
        self.x.proof()
    }

    /// 2^times * self.
    #[inline(always)]
    pub fn double_times(&self, times: u32) -> Self {
        V::outline(self.proof(), Double(self, times))
    }

    /// self + q, where neither is infinity and self is not q. (For self = -q it gives infinity.)
    #[inline(always)]
    pub fn add(&self, q: &Self) -> Self {
        V::outline(self.proof(), Add(self, q)).0
    }

    /// self += q, as `add`.
    #[inline(always)]
    pub fn add_mixed(&mut self, q: &Affine<V, C, N>) {
        V::outline(self.proof(), AddMixed(self, q));
    }

    /// self + q whatever they are, in constant time.
    #[inline(always)]
    pub fn add_complete(&self, q: &Self) -> Self {
        V::outline(self.proof(), AddComplete(self, q))
    }

    #[inline(always)]
    pub fn select(mask: V, a: &Self, b: &Self) -> Self {
        Self {
            x: Fe::select(mask, &a.x, &b.x),
            y: Fe::select(mask, &a.y, &b.y),
            z: Fe::select(mask, &a.z, &b.z),
        }
    }

    /// -self in the lanes of the mask.
    #[inline(always)]
    pub fn negate_where(&self, mask: V) -> Self {
        let zero = Fe::zero(self.proof());
        let y = zero.sum().minus(self.y.sum(), Self::BOUND + 1).carry_low();
        Self { x: self.x, y: Fe::select(mask, &y, &self.y), z: self.z }
    }

    /// All ones where Y^2 = X^3 + a*X*Z^4 + b*Z^6 and Z is not 0.
    #[inline(always)]
    pub fn is_on_curve(&self) -> V {
        V::outline(self.proof(), IsOnCurve(self))
    }

    #[inline(always)]
    fn doubled(&self) -> Self {
        let Self { x, y, z } = self;
        let gamma = y.square(); // 1.3
        let beta = x.mul(&gamma).sum(); // 1.2
        let alpha = if C::A_IS_MINUS_3 {
            let delta = z.square(); // 1.5
            let sum = x.sum().plus(delta.sum()).tripled().carry(); // 10.8
            x.sub(&delta, 2).mul(&sum) // 4.1 * 10.8: 3.8
        } else {
            x.square().sum().tripled().carry() // 3.9
        };
        // 2.0 + 11; 8 * beta is below 9.6, elsewhere below 16.
        let k = if Self::BOUND == 3 { 11 } else { 16 };
        let x3 = alpha.square().sum().minus(beta.shifted::<3>(), k).carry_low();
        let t = beta.shifted::<2>().minus(x3.sum(), Self::BOUND).carry(); // 7.8
        // 2.9 + 10; 8 * gamma^2 is below 8.9, elsewhere below 16.
        let k = if Self::BOUND == 3 { 10 } else { 16 };
        let y3 = alpha.mul(&t).sum().minus(gamma.square().sum().shifted::<3>(), k).carry_low();
        let z3 = y.mul(z).sum().shifted::<1>().carry(); // 2.75
        Self { x: x3, y: y3, z: z3 }
    }

    /// The common end of the additions: h = U2 - U1, r = S2 - S1 (below 4.2), u1, s1, z1*z2.
    #[inline(always)]
    fn added(
        h: &Field<V, C, N>,
        r: &Field<V, C, N>,
        u1: &Field<V, C, N>,
        s1: &Field<V, C, N>,
        z: &Field<V, C, N>,
    ) -> Self {
        let h2 = h.square(); // 2.2
        let h3 = h.mul(&h2); // 1.6
        let v = u1.mul(&h2); // 1.3
        let less = h3.sum().plus(v.sum().shifted::<1>()); // 4.2, elsewhere 6
        let x3 = r.square().sum().minus(less, 7).carry_low(); // 9.2
        let t = v.sub(&x3, Self::BOUND); // 4.3
        let y3 = r.mul(&t).sum().minus(s1.mul(&h3).sum(), 3).carry_low(); // 5.2
        Self { x: x3, y: y3, z: z.mul(h) }
    }
}

impl<V: Class, C: Curve, const N: usize> Task for Double<'_, V, C, N> {
    type Out = Jacobian<V, C, N>;
    #[inline(always)]
    fn run(self) -> Self::Out {
        let mut p = *self.0;
        for _ in 0..self.1 {
            p = p.doubled();
        }
        p
    }
}

impl<V: Class, C: Curve, const N: usize> Task for IsOnCurve<'_, V, C, N> {
    type Out = V;
    #[inline(always)]
    fn run(self) -> V {
        let Jacobian { x, y, z } = self.0;
        let b = Fe::from_words(x.proof(), &[C::B; 8]).to_montgomery();
        let z2 = z.square();
        let z4 = z2.square();
        let mut right = x.square().mul(x).add(&z4.mul(&z2).mul(&b)); // 4
        if C::A_IS_MINUS_3 {
            let t = x.mul(&z4);
            right = right.sum().minus(t.sum().tripled(), 7).carry_low();
        }
        let equal = y.square().sub(&right, Jacobian::<V, C, N>::BOUND + 2).is_zero();
        let infinite = z.is_zero();
        equal.and(equal.xor(infinite))
    }
}

impl<V: Class, C: Curve, const N: usize> Task for Add<'_, V, C, N> {
    /// The sum, h and r.
    type Out = (Jacobian<V, C, N>, Field<V, C, N>, Field<V, C, N>);
    #[inline(always)]
    fn run(self) -> Self::Out {
        let (p, q) = (self.0, self.1);
        let (z1, z2) = (p.z.square(), q.z.square()); // 1.5
        let (u1, u2) = (p.x.mul(&z2), q.x.mul(&z1)); // 1.2
        let s1 = p.y.mul(&q.z.mul(&z2)); // 1.2
        let s2 = q.y.mul(&p.z.mul(&z1));
        let (h, r) = (u2.sub(&u1, 2), s2.sub(&s1, 2)); // 3.2
        (Jacobian::added(&h, &r, &u1, &s1, &p.z.mul(&q.z)), h, r)
    }
}

impl<V: Class, C: Curve, const N: usize> Task for AddMixed<'_, V, C, N> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        let (p, q) = (self.0, self.1);
        let z1 = p.z.square();
        let u2 = q.x.mul(&z1);
        let s2 = q.y.mul(&p.z.mul(&z1));
        let bound = Jacobian::<V, C, N>::BOUND;
        let (h, r) = (u2.sub(&p.x, bound), s2.sub(&p.y, bound)); // 4.2
        *p = Jacobian::added(&h, &r, &p.x, &p.y, &p.z);
    }
}

impl<V: Class, C: Curve, const N: usize> Task for AddComplete<'_, V, C, N> {
    type Out = Jacobian<V, C, N>;
    #[inline(always)]
    fn run(self) -> Self::Out {
        let (p, q) = (self.0, self.1);
        let (sum, h, r) = V::outline(p.proof(), Add(p, q));
        let same = h.is_zero().and(r.is_zero());
        let mut out = Jacobian::select(same, &p.double_times(1), &sum);
        out = Jacobian::select(p.z.is_zero(), q, &out);
        Jacobian::select(q.z.is_zero(), p, &out)
    }
}

/// Replaces each value by its inverse: Montgomery's trick over the values, lane by lane, so that all
/// share one power. A zero would spoil its lane of every value: callers leave none.
#[inline(always)]
pub fn invert_all<V: Class, P: Prime, const N: usize>(values: &mut [Fe<V, P, N>]) {
    if let Some(first) = values.first() {
        V::outline(first.proof(), InvertAll(values));
    }
}

/// As `invert_all` of both, which are as many. The powers are chains of squarings that wait for the
/// multiplier: side by side they take little longer than one of them.
#[inline(always)]
pub fn invert_both<V: Class, P: Prime, Q: Prime, const N: usize>(
    p: &mut [Fe<V, P, N>],
    q: &mut [Fe<V, Q, N>],
) {
    if let Some(first) = p.first() {
        V::outline(first.proof(), InvertBoth(p, q));
    }
}

/// Products of values: of all, and of those before each.
struct Products<V, P, const N: usize> {
    before: [Fe<V, P, N>; INVERSIONS_MAX],
    all: Fe<V, P, N>,
}

impl<V: Class, P: Prime, const N: usize> Products<V, P, N> {
    #[inline(always)]
    fn of(values: &[Fe<V, P, N>]) -> Self {
        let mut out = Self { before: [values[0]; INVERSIONS_MAX], all: values[0] };
        for i in 1..values.len() {
            out.before[i] = out.all;
            out.all = out.all.mul(&values[i]);
        }
        out
    }

    /// The inverse of each, from that of all.
    #[inline(always)]
    fn finish(mut self, mut inverse: Fe<V, P, N>, values: &mut [Fe<V, P, N>]) {
        for i in (1..values.len()).rev() {
            let value = values[i];
            values[i] = inverse.mul(&self.before[i]);
            inverse = inverse.mul(&value);
        }
        values[0] = inverse;
        // SAFETY: vectors of integers.
        unsafe { wipe(&mut self) };
    }
}

struct InvertAll<'a, V, P, const N: usize>(&'a mut [Fe<V, P, N>]);
struct InvertBoth<'a, V, P, Q, const N: usize>(&'a mut [Fe<V, P, N>], &'a mut [Fe<V, Q, N>]);

impl<V: Class, P: Prime, const N: usize> Task for InvertAll<'_, V, P, N> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        let products = Products::of(self.0);
        let inverse = products.all.invert();
        products.finish(inverse, self.0);
    }
}

impl<V: Class, P: Prime, Q: Prime, const N: usize> Task for InvertBoth<'_, V, P, Q, N> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        let (p, q) = (Products::of(self.0), Products::of(self.1));
        let inverses = Fe::invert_both(&p.all, &q.all);
        p.finish(inverses.0, self.0);
        q.finish(inverses.1, self.1);
    }
}
