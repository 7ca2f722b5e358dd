//! Five digits of 51 bits and either sign, as doubles: AVX2 + FMA.
//!
//! 2^255 is a power of the radix, so the upper five columns of a product come back times 19 as they
//! are. Digits are rounded to nearest: at most 2^50 in size, the lowest 2^50 + 2^12 because of what
//! comes back from the top. A product of digits may reach 2^102 (`vec/quad.rs`): sizes whose product
//! is 3 give 3 * (2^50 + 2^13)^2, which is less.
//!
//! Columns: five low halves (2^50) and five high ones (2^51), and 19 times as much, stay below 2^59.
use super::{DIGITS, Element25519, freeze};
use crate::field::class::{Class, Task};
use crate::field::column::Column;
use crate::field::element::{digits_of_words, words_of_digits};
use crate::field::prime::Words;
use crate::field::product::each;
use crate::vec::{Avx2, LANES, Multiply, Quad, Vector};

type Digit = <Quad as Multiply>::Digit;
/// Four elements.
type Half = [Digit; DIGITS];

#[derive(Clone, Copy)]
pub struct Balanced([Half; 2]);

const COLUMNS: usize = 2 * DIGITS;
const RADIX: u32 = 51;
/// Makes columns positive, and is a multiple of 2^51: the carry has this much too many.
const LIFT: u64 = 1 << 62;
const LIFT_CARRIED: u64 = LIFT >> RADIX;

/// What column k starts from: minus the biases of its products; in the lower half the lift, half a
/// unit for rounding, and minus the lift of the carry that comes in. `square`: pairs count once.
const fn start(k: usize, square: bool) -> u64 {
    let (mut lo, mut hi) = (0u64, 0u64);
    let mut i = 0;
    while i < DIGITS {
        let mut j = if square { i } else { 0 };
        while j < DIGITS {
            lo += (i + j == k) as u64;
            hi += (i + j + 1 == k) as u64;
            j += 1;
        }
        i += 1;
    }
    let bias = Quad::BIAS_LO.wrapping_mul(lo).wrapping_add(Quad::BIAS_HI.wrapping_mul(hi));
    let lift = match k {
        0 => LIFT + (1 << (RADIX - 1)),
        1..DIGITS => LIFT + (1 << (RADIX - 1)) - LIFT_CARRIED,
        _ => 0,
    };
    lift.wrapping_sub(bias)
}

#[inline(always)]
fn columns(proof: Digit, square: bool) -> [Quad; COLUMNS] {
    let proof = Quad::bits_of(proof);
    let mut c = [proof; COLUMNS];
    each!(K < COLUMNS, {
        let from = const { [start(K, false), start(K, true)] };
        c[K] = <Quad as Column>::constant(proof, from[square as usize]);
    });
    c
}

#[inline(always)]
fn mac(c: &mut [Quad; COLUMNS], k: usize, a: Digit, b: Digit) {
    let (mut lo, mut hi) = (c[k], c[k + 1]);
    Quad::mac(&mut lo, &mut hi, a, b);
    c[k] = lo;
    c[k + 1] = hi;
}

/// The number of ten columns modulo p.
#[inline(always)]
fn reduce(mut c: [Quad; COLUMNS]) -> Half {
    each!(K < DIGITS, {
        let high = c[K + DIGITS];
        // 19 = 1 + 2 + 16.
        c[K] = c[K].plus(high).plus(high.shl::<1>()).plus(high.shl::<4>());
    });
    let mut out = [c[0].balanced_digit(); DIGITS];
    each!(K < DIGITS, {
        if K > 0 {
            c[K] = c[K].plus(c[K - 1].high());
            out[K] = c[K].balanced_digit();
        }
    });
    let top = c[DIGITS - 1].high().digit_less(LIFT_CARRIED);
    out[0] = Quad::digit_times_plus(top, 19, out[0]);
    out
}

#[inline(always)]
fn product(a: &Half, b: &Half) -> Half {
    let mut c = columns(a[0], false);
    each!(I < DIGITS, {
        each!(J < DIGITS, {
            let (mut lo, mut hi) = (c[I + J], c[I + J + 1]);
            Quad::mac_long(&mut lo, &mut hi, a[I], b[J]);
            c[I + J] = lo;
            c[I + J + 1] = hi;
        });
    });
    reduce(c)
}

#[inline(always)]
fn square(a: &Half) -> Half {
    let mut c = columns(a[0], true);
    each!(I < DIGITS, {
        mac(&mut c, 2 * I, a[I], a[I]);
        let twice = Quad::digit_plus(a[I], a[I]);
        each!(J < DIGITS, {
            if I < J {
                mac(&mut c, I + J, twice, a[J]);
            }
        });
    });
    reduce(c)
}

/// Rounds the digits anew.
#[inline(always)]
fn tight(a: &Half) -> Half {
    let mut out = *a;
    let mut carries = *a;
    each!(I < DIGITS, { (carries[I], out[I]) = Quad::digit_split(a[I]) });
    each!(I < DIGITS, {
        out[(I + 1) % DIGITS] = Quad::digit_carry(
            carries[I],
            if I + 1 < DIGITS { 1 } else { 19 },
            out[(I + 1) % DIGITS],
        );
    });
    out
}

/// Digit by digit, in both halves.
macro_rules! digits {
    ($a:expr, $b:expr, $x:ident, $y:ident => $out:expr) => {{
        let mut out = *$a;
        for half in 0..2 {
            each!(I < DIGITS, {
                let ($x, $y) = ($a.0[half][I], $b.0[half][I]);
                out.0[half][I] = $out;
            });
        }
        out
    }};
}

struct Mul<'a>(&'a Balanced, &'a Balanced);
struct Square<'a>(&'a Balanced, u32);

impl Task for Mul<'_> {
    type Out = Balanced;
    #[inline(always)]
    fn run(self) -> Balanced {
        let mut out = *self.0;
        for half in 0..2 {
            out.0[half] = product(&self.0.0[half], &self.1.0[half]);
        }
        out
    }
}

impl Task for Square<'_> {
    type Out = Balanced;
    #[inline(always)]
    fn run(self) -> Balanced {
        let mut out = *self.0;
        for _ in 0..self.1 {
            for half in 0..2 {
                out.0[half] = square(&out.0[half]);
            }
        }
        out
    }
}

impl Balanced {
    #[inline(always)]
    fn of_bits(bits: &[Avx2; DIGITS]) -> Self {
        let mut out = [[bits[0].halves()[0].digit_of_bits(); DIGITS]; 2];
        each!(I < DIGITS, {
            out[0][I] = bits[I].halves()[0].digit_of_bits();
            out[1][I] = bits[I].halves()[1].digit_of_bits();
        });
        Self(out)
    }

    #[inline(always)]
    fn bits(&self) -> [Avx2; DIGITS] {
        let mut out = [self.proof(); DIGITS];
        each!(I < DIGITS, {
            out[I] = Avx2::of_halves(Quad::bits_of(self.0[0][I]), Quad::bits_of(self.0[1][I]));
        });
        out
    }
}

impl Element25519<Avx2> for Balanced {
    #[inline(always)]
    fn proof(&self) -> Avx2 {
        Avx2::of_halves(Quad::bits_of(self.0[0][0]), Quad::bits_of(self.0[1][0]))
    }
    #[inline(always)]
    fn load(proof: Avx2, bits: &[[u64; LANES]; DIGITS]) -> Self {
        let mut out = [proof; DIGITS];
        // SAFETY: a value of the class exists.
        each!(I < DIGITS, { out[I] = unsafe { Avx2::load(&bits[I]) } });
        Self::of_bits(&out)
    }
    #[inline(always)]
    fn store(&self) -> [[u64; LANES]; DIGITS] {
        let mut out = [[0; LANES]; DIGITS];
        let bits = self.bits();
        each!(I < DIGITS, { out[I] = bits[I].store() });
        out
    }
    #[inline(always)]
    fn lookup(table: &[u64], len: usize, index: Avx2) -> Self {
        let mut out = [index; DIGITS];
        each!(I < DIGITS, { out[I] = Avx2::lookup(&table[I * len..(I + 1) * len], index) });
        Self::of_bits(&out)
    }
    #[inline(always)]
    fn from_words(proof: Avx2, values: &[Words; LANES]) -> Self {
        let digits: [[u64; LANES]; DIGITS] = digits_of_words(values, RADIX);
        let mut out = Self::of_bits(&[proof; DIGITS]);
        for i in 0..DIGITS {
            // SAFETY: a value of the class exists.
            let digit = Multiply::digit(unsafe { Avx2::load(&digits[i]) });
            out.0[0][i] = digit[0];
            out.0[1][i] = digit[1];
        }
        out.tight()
    }
    #[inline(always)]
    fn to_words(&self) -> [Words; LANES] {
        let tight = self.tight();
        let mut x = self.bits();
        for i in 0..DIGITS {
            // 2p, digit by digit, makes them positive.
            let p = (1u64 << RADIX) - if i == 0 { 19 } else { 1 };
            let digit = <Avx2 as Multiply>::integer([tight.0[0][i], tight.0[1][i]]);
            x[i] = Vector::add(digit, <Avx2 as Column>::constant(x[0], 2 * p));
        }
        let digits = freeze(x);
        let mut out = [[0; LANES]; DIGITS];
        for i in 0..DIGITS {
            out[i] = digits[i].store();
        }
        words_of_digits(&out, RADIX)
    }
    #[inline(always)]
    fn mul(&self, b: &Self) -> Self {
        Mul(self, b).run()
    }
    #[inline(always)]
    fn square(&self) -> Self {
        Square(self, 1).run()
    }
    #[inline(always)]
    fn square_times(&self, times: u32) -> Self {
        Avx2::outline(self.proof(), Square(self, times))
    }
    #[inline(always)]
    fn add(&self, b: &Self) -> Self {
        digits!(self, b, x, y => Quad::digit_plus(x, y))
    }
    #[inline(always)]
    fn sub(&self, b: &Self) -> Self {
        digits!(self, b, x, y => Quad::digit_minus(x, y))
    }
    #[inline(always)]
    fn add_twice(&self, b: &Self) -> Self {
        digits!(self, b, x, y => Quad::digit_times_plus(y, 2, x))
    }
    #[inline(always)]
    fn tight(&self) -> Self {
        Self([tight(&self.0[0]), tight(&self.0[1])])
    }
    #[inline(always)]
    fn select(mask: Avx2, a: &Self, b: &Self) -> Self {
        let (a, b) = (a.bits(), b.bits());
        let mut out = a;
        each!(I < DIGITS, { out[I] = Avx2::select(mask, a[I], b[I]) });
        Self::of_bits(&out)
    }
}
