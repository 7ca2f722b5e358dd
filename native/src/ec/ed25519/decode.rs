//! Public keys: encoded points (RFC 8032, 5.1.3), decoded eight at a time, once per key.
use super::point::{D, Element, ROOT, from_bytes};
use crate::field::{Element25519, Field25519, P25519, Task, WORDS, Words, subtract};
use crate::vec::LANES;

/// A public key and its point.
#[derive(Clone)]
pub struct PublicKey {
    pub encoded: [u8; 32],
    /// x and y; None where the bytes are no canonical encoding of a point, and no signature is good.
    pub point: Option<[Words; 2]>,
}

/// One decoding.
pub struct DecodeJob<'a> {
    pub encoded: &'a [u8; 32],
    pub point: Option<[Words; 2]>,
}

impl<'a> DecodeJob<'a> {
    pub fn new(encoded: &'a [u8; 32]) -> Self {
        Self { encoded, point: None }
    }
}

/// Decodes up to eight keys.
pub struct Decode<'a, 'j, V> {
    pub proof: V,
    pub jobs: &'a mut [DecodeJob<'j>],
}

impl<V: Field25519> Task for Decode<'_, '_, V> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        let mut y = [[0; WORDS]; LANES];
        let mut odd = [0; LANES];
        let mut fits = [false; LANES];
        for (lane, job) in self.jobs.iter().enumerate() {
            y[lane] = from_bytes(job.encoded);
            odd[lane] = y[lane][3] >> 63;
            y[lane][3] &= u64::MAX >> 1;
            fits[lane] = subtract(&y[lane], &P25519).1;
        }
        let (x, square) = roots(self.proof, &y);
        for (lane, job) in self.jobs.iter_mut().enumerate() {
            let mut x = x[lane];
            // 0 has no odd namesake.
            let none = x == [0; WORDS] && odd[lane] == 1;
            if x[0] & 1 != odd[lane] {
                x = subtract(&P25519, &x).0;
            }
            job.point = (fits[lane] && square[lane] && !none).then_some([x, y[lane]]);
        }
    }
}

/// x with x^2 = (y^2 - 1) / (d * y^2 + 1), and whether there is one.
#[inline(always)]
fn roots<V: Field25519>(proof: V, y: &[Words; LANES]) -> ([Words; LANES], [bool; LANES]) {
    let one = Element::<V>::small(proof, 1);
    let y2 = Element::<V>::from_words(proof, y).square();
    let u = y2.sub(&one).tight();
    let v = y2.mul(&Element::<V>::splat(proof, &D)).add(&one).tight();
    // u * v^3 * (u * v^7)^((p - 5) / 8).
    let v3 = v.square().mul(&v);
    let (power, _) = v3.square().mul(&v).mul(&u).power_252_3();
    let mut x = u.mul(&v3).mul(&power);
    let vx2 = x.square().mul(&v);
    let (right, opposite) = (vx2.sub(&u).is_zero(), vx2.add(&u).is_zero());
    let turned = x.mul(&Element::<V>::splat(proof, &ROOT));
    x = Element::<V>::select(right, &x, &turned);
    let square = right.or(opposite).store().map(|mask| mask != 0);
    (x.to_words(), square)
}
