//! Points of edwards25519 in extended coordinates (Hisil, Wong, Carter, Dawson, 2008): (X, Y, Z, T)
//! stands for (X / Z, Y / Z), with T = X * Y / Z. The additions are complete: -1 is a square modulo
//! 2^255 - 19 and d is none, so that no pair of points is an exception and Z is never 0.
//!
//! The numbers beside the formulas are sizes, see `field/f25519`; what is kept has size 1.
use crate::field::{Element25519, Field25519, Task, WORDS, Words, words};
use crate::vec::LANES;

pub const D: Words = words("52036cee2b6ffe738cc740797779e89800700a4d4141d8ab75eb4dca135978a3");
/// 2 * d.
pub const D2: Words = words("2406d9dc56dffce7198e80f2eef3d13000e0149a8283b156ebd69b9426b2f159");
/// A square root of -1.
pub const ROOT: Words = words("2b8324804fc1df0b2b4d00993dfbd7a72f431806ad2fe478c4ee1b274a0ea0b0");
/// 1 / 2.
pub const HALF: Words = words("3ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7");
pub const BX: Words = words("216936d3cd6e53fec0a4e231fdd6dc5c692cc7609525a7b2c9562d608f25d51a");
pub const BY: Words = words("6666666666666666666666666666666666666666666666666666666666666658");

pub type Element<V> = <V as Field25519>::Element;

#[derive(Clone, Copy)]
pub struct Extended<V: Field25519> {
    pub x: Element<V>,
    pub y: Element<V>,
    pub z: Element<V>,
    /// Of no meaning where the point is only doubled or encoded next.
    pub t: Element<V>,
}

/// A point with Z = 1 as the second summand: y + x, y - x, 2 * d * x * y.
#[derive(Clone, Copy)]
pub struct Affine<V: Field25519> {
    pub plus: Element<V>,
    pub minus: Element<V>,
    pub t2d: Element<V>,
}

/// Any point as the second summand: Y + X, Y - X, 2 * Z, 2 * d * T.
#[derive(Clone, Copy)]
pub struct Cached<V: Field25519> {
    pub plus: Element<V>,
    pub minus: Element<V>,
    /// Size 2.
    pub z2: Element<V>,
    pub t2d: Element<V>,
}

impl<V: Field25519> Extended<V> {
    #[inline(always)]
    pub fn proof(&self) -> V {
        self.x.proof()
    }

    #[inline(always)]
    pub fn identity(proof: V) -> Self {
        let (zero, one) = (Element::<V>::small(proof, 0), Element::<V>::small(proof, 1));
        Self { x: zero, y: one, z: one, t: zero }
    }

    /// From coordinates below 2^255.
    #[inline(always)]
    pub fn from_words(proof: V, x: &[Words; LANES], y: &[Words; LANES]) -> Self {
        let (x, y) = (Element::<V>::from_words(proof, x), Element::<V>::from_words(proof, y));
        Self { x, y, z: Element::<V>::small(proof, 1), t: x.mul(&y) }
    }

    /// 2 * self; T only where it is wanted.
    #[inline(always)]
    fn doubled(&self, with_t: bool) -> Self {
        let a = self.x.square();
        let b = self.y.square();
        let c = self.z.square();
        let s = self.x.add(&self.y).tight().square();
        let h = a.add(&b).tight(); // 1
        let e = h.sub(&s); // 2
        let g = a.sub(&b); // 2
        let f = g.add_twice(&c).tight(); // 1
        let t = if with_t { e.mul(&h) } else { self.t };
        Self { x: e.mul(&f), y: g.mul(&h), z: f.mul(&g), t }
    }

    /// 2^times * self, with T.
    #[inline(always)]
    pub fn double_times(&self, times: u32) -> Self {
        V::outline(self.proof(), Double(self, times))
    }

    #[inline(always)]
    pub fn add(&self, q: &Cached<V>) -> Self {
        V::outline(self.proof(), Add(self, q))
    }

    #[inline(always)]
    pub fn add_affine(&self, q: &Affine<V>) -> Self {
        V::outline(self.proof(), AddAffine(self, q))
    }

    /// From (y1 - x1)(y2 - x2), (y1 + x1)(y2 + x2), 2 * d * t1 * t2 and 2 * z1 * z2.
    #[inline(always)]
    fn added(a: &Element<V>, b: &Element<V>, c: &Element<V>, d: &Element<V>) -> Self {
        let e = b.sub(a).tight(); // 1
        let f = d.sub(c); // at most 3
        let g = d.add(c).tight(); // 1
        let h = b.add(a); // 2
        Self { x: e.mul(&f), y: g.mul(&h), z: f.mul(&g), t: e.mul(&h) }
    }

    #[inline(always)]
    pub fn cached(&self) -> Cached<V> {
        let d2 = Element::<V>::splat(self.proof(), &D2);
        Cached {
            plus: self.y.add(&self.x).tight(),
            minus: self.y.sub(&self.x).tight(),
            z2: self.z.add(&self.z),
            t2d: self.t.mul(&d2),
        }
    }

    #[inline(always)]
    pub fn negated(&self) -> Self {
        Self { x: self.x.negated(), t: self.t.negated(), ..*self }
    }

    /// -self in the lanes of the mask.
    #[inline(always)]
    pub fn negate_where(&self, mask: V) -> Self {
        let opposite = self.negated();
        Self {
            x: Element::<V>::select(mask, &opposite.x, &self.x),
            t: Element::<V>::select(mask, &opposite.t, &self.t),
            ..*self
        }
    }

    /// All ones where (Y^2 - X^2) * Z^2 = Z^4 + d * X^2 * Y^2.
    #[inline(always)]
    pub fn is_on_curve(&self) -> V {
        V::outline(self.proof(), IsOnCurve(self))
    }

    /// The encodings (RFC 8032, 5.1.2) as numbers; `inverse` is 1 / Z.
    #[inline(always)]
    pub fn encoded(&self, inverse: &Element<V>) -> [Words; LANES] {
        V::outline(self.proof(), Encode(self, inverse))
    }
}

impl<V: Field25519> Affine<V> {
    #[inline(always)]
    pub fn negate_where(&self, mask: V) -> Self {
        Self {
            plus: Element::<V>::select(mask, &self.minus, &self.plus),
            minus: Element::<V>::select(mask, &self.plus, &self.minus),
            t2d: Element::<V>::select(mask, &self.t2d.negated(), &self.t2d),
        }
    }

    /// (2x, 2y, 2, 2xy).
    #[inline(always)]
    pub fn extended(&self) -> Extended<V> {
        let proof = self.plus.proof();
        let x = self.plus.sub(&self.minus).tight();
        let y = self.plus.add(&self.minus).tight();
        let t = x.mul(&y).mul(&Element::<V>::splat(proof, &HALF));
        Extended { x, y, z: Element::<V>::small(proof, 2), t }
    }
}

impl<V: Field25519> Cached<V> {
    #[inline(always)]
    pub fn identity(proof: V) -> Self {
        let (zero, one) = (Element::<V>::small(proof, 0), Element::<V>::small(proof, 1));
        Self { plus: one, minus: one, z2: Element::<V>::small(proof, 2), t2d: zero }
    }

    #[inline(always)]
    pub fn select(mask: V, a: &Self, b: &Self) -> Self {
        Self {
            plus: Element::<V>::select(mask, &a.plus, &b.plus),
            minus: Element::<V>::select(mask, &a.minus, &b.minus),
            z2: Element::<V>::select(mask, &a.z2, &b.z2),
            t2d: Element::<V>::select(mask, &a.t2d, &b.t2d),
        }
    }

    #[inline(always)]
    pub fn negate_where(&self, mask: V) -> Self {
        Self {
            plus: Element::<V>::select(mask, &self.minus, &self.plus),
            minus: Element::<V>::select(mask, &self.plus, &self.minus),
            z2: self.z2,
            t2d: Element::<V>::select(mask, &self.t2d.negated(), &self.t2d),
        }
    }
}

struct Double<'a, V: Field25519>(&'a Extended<V>, u32);
struct Add<'a, V: Field25519>(&'a Extended<V>, &'a Cached<V>);
struct AddAffine<'a, V: Field25519>(&'a Extended<V>, &'a Affine<V>);
struct IsOnCurve<'a, V: Field25519>(&'a Extended<V>);
struct Encode<'a, V: Field25519>(&'a Extended<V>, &'a Element<V>);

impl<V: Field25519> Task for Double<'_, V> {
    type Out = Extended<V>;
    #[inline(always)]
    fn run(self) -> Extended<V> {
        let mut p = *self.0;
        for i in 1..=self.1 {
            p = p.doubled(i == self.1);
        }
        p
    }
}

impl<V: Field25519> Task for Add<'_, V> {
    type Out = Extended<V>;
    #[inline(always)]
    fn run(self) -> Extended<V> {
        let (p, q) = (self.0, self.1);
        let a = p.y.sub(&p.x).mul(&q.minus);
        let b = p.y.add(&p.x).mul(&q.plus);
        let c = p.t.mul(&q.t2d);
        let d = p.z.mul(&q.z2);
        Extended::added(&a, &b, &c, &d)
    }
}

impl<V: Field25519> Task for AddAffine<'_, V> {
    type Out = Extended<V>;
    #[inline(always)]
    fn run(self) -> Extended<V> {
        let (p, q) = (self.0, self.1);
        let a = p.y.sub(&p.x).mul(&q.minus);
        let b = p.y.add(&p.x).mul(&q.plus);
        let c = p.t.mul(&q.t2d);
        Extended::added(&a, &b, &c, &p.z.add(&p.z))
    }
}

impl<V: Field25519> Task for IsOnCurve<'_, V> {
    type Out = V;
    #[inline(always)]
    fn run(self) -> V {
        let p = self.0;
        let (x, y, z) = (p.x.square(), p.y.square(), p.z.square());
        let left = y.sub(&x).mul(&z);
        let d = Element::<V>::splat(p.proof(), &D);
        let right = z.square().add(&x.mul(&y).mul(&d));
        left.sub(&right).is_zero()
    }
}

impl<V: Field25519> Task for Encode<'_, V> {
    type Out = [Words; LANES];
    #[inline(always)]
    fn run(self) -> [Words; LANES] {
        let x = self.0.x.mul(self.1).to_words();
        let mut y = self.0.y.mul(self.1).to_words();
        for lane in 0..LANES {
            y[lane][3] |= x[lane][0] << 63;
        }
        y
    }
}

/// The 32 bytes of a number.
#[inline(always)]
pub fn to_bytes(value: &Words) -> [u8; 32] {
    let mut out = [0; 32];
    for i in 0..4 {
        out[8 * i..8 * i + 8].copy_from_slice(&value[i].to_le_bytes());
    }
    out
}

/// The number of 32 bytes.
#[inline(always)]
pub fn from_bytes(bytes: &[u8; 32]) -> Words {
    let mut out = [0; WORDS];
    for (word, bytes) in out.iter_mut().zip(bytes.as_chunks::<8>().0) {
        *word = u64::from_le_bytes(*bytes);
    }
    out
}
