//! Elements of a prime field in Montgomery form, one per lane.
//!
//! An element has digits below 2^RADIX and a value below some small multiple of p. Where digits leave
//! little room (256 bits in five digits of 52: R = 16p), callers keep to this: the product of the
//! bounds of two factors is at most 16 (then their product is below 2p), a sum is below 16p. The
//! other fields have room for bounds whose product is 2^16. `canonical` alone reduces fully.
use super::class::{Class, Task};
use super::column::Column;
use super::prime::{Modulus, Prime, WORDS, Words, bits};
use super::product::{carry, each};
use crate::vec::LANES;
use std::marker::PhantomData;

/// Eight elements of the field of P.
pub struct Fe<V, P, const N: usize> {
    pub(super) digits: [V; N],
    prime: PhantomData<P>,
}

impl<V: Copy, P, const N: usize> Clone for Fe<V, P, N> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}
impl<V: Copy, P, const N: usize> Copy for Fe<V, P, N> {}

/// A sum whose carries are not settled: at most 15 elements.
#[derive(Clone, Copy)]
pub struct Sum<V, P, const N: usize> {
    columns: [V; N],
    prime: PhantomData<P>,
}

struct Mul<'a, V, P, const N: usize>(&'a Fe<V, P, N>, &'a Fe<V, P, N>);
struct Square<'a, V, P, const N: usize>(&'a Fe<V, P, N>, u32);
struct Power<'a, V, P, const N: usize>(&'a Fe<V, P, N>, &'a Words);

impl<V: Class, P: Prime, const N: usize> Task for Mul<'_, V, P, N> {
    type Out = Fe<V, P, N>;
    #[inline(always)]
    fn run(self) -> Fe<V, P, N> {
        Fe::new(V::product::<P, N>(&self.0.digits, &self.1.digits))
    }
}

impl<V: Class, P: Prime, const N: usize> Task for Square<'_, V, P, N> {
    type Out = Fe<V, P, N>;
    #[inline(always)]
    fn run(self) -> Fe<V, P, N> {
        let mut x = self.0.digits;
        for _ in 0..self.1 {
            x = V::squared::<P, N>(&x);
        }
        Fe::new(x)
    }
}

impl<V: Class, P: Prime, const N: usize> Task for Power<'_, V, P, N> {
    type Out = Fe<V, P, N>;
    /// Windows of four bits; the exponent is public.
    #[inline(always)]
    fn run(self) -> Fe<V, P, N> {
        let mut table = [*self.0; 16];
        for i in 2..16 {
            table[i] = table[i - 1].mul(self.0);
        }
        let mut window = P::BITS.div_ceil(4) - 1;
        let mut x = table[bits(self.1, 4 * window, 4) as usize];
        while window > 0 {
            window -= 1;
            x = x.square_times(4);
            let digit = bits(self.1, 4 * window, 4);
            if digit != 0 {
                x = x.mul(&table[digit as usize]);
            }
        }
        x
    }
}

struct PowersInStep<'a, V, P, Q, const N: usize>(&'a Fe<V, P, N>, &'a Fe<V, Q, N>);

/// The exponent p - 2.
const fn less_two(p: &Words) -> Words {
    let mut exponent = *p;
    // The primes are odd and above 2: nothing is borrowed.
    exponent[0] -= 2;
    exponent
}

impl<V: Class, P: Prime, Q: Prime, const N: usize> Task for PowersInStep<'_, V, P, Q, N> {
    type Out = (Fe<V, P, N>, Fe<V, Q, N>);
    /// As `Power`, of two.
    #[inline(always)]
    fn run(self) -> Self::Out {
        let (e, f) = (&less_two(&P::VALUE), &less_two(&Q::VALUE));
        let (mut a, mut b) = ([*self.0; 16], [*self.1; 16]);
        for i in 2..16 {
            a[i] = a[i - 1].mul(self.0);
            b[i] = b[i - 1].mul(self.1);
        }
        let mut window = P::BITS.max(Q::BITS).div_ceil(4);
        let (mut x, mut y) = (Fe::one(self.0.proof()), Fe::one(self.0.proof()));
        while window > 0 {
            window -= 1;
            for _ in 0..4 {
                x = x.square();
                y = y.square();
            }
            let digits = (bits(e, 4 * window, 4), bits(f, 4 * window, 4));
            if digits.0 != 0 {
                x = x.mul(&a[digits.0 as usize]);
            }
            if digits.1 != 0 {
                y = y.mul(&b[digits.1 as usize]);
            }
        }
        (x, y)
    }
}

impl<V: Class, P: Prime, const N: usize> Fe<V, P, N> {
    #[inline(always)]
    fn new(digits: [V; N]) -> Self {
        Self { digits, prime: PhantomData }
    }

    /// The same constant, given as digits, in every lane.
    #[inline(always)]
    fn splat(proof: V, value: &[u64; N]) -> Self {
        let mut digits = [proof; N];
        each!(I < N, { digits[I] = V::constant(proof, value[I]) });
        Self::new(digits)
    }

    /// A value of the class, which proves that the CPU has its features.
    #[inline(always)]
    pub fn proof(&self) -> V {
        self.digits[0]
    }

    #[inline(always)]
    pub fn one(proof: V) -> Self {
        Self::splat(proof, &Modulus::<V, P, N>::ONE)
    }

    #[inline(always)]
    pub fn zero(proof: V) -> Self {
        Self::splat(proof, &[0; N])
    }

    /// From digits in memory: `digits[i][lane]`.
    #[inline(always)]
    pub fn load(proof: V, digits: &[[u64; LANES]; N]) -> Self {
        let mut out = [proof; N];
        // SAFETY: a value of V exists.
        each!(I < N, { out[I] = unsafe { V::load(&digits[I]) } });
        Self::new(out)
    }

    /// Digits as they are, `digits[i][lane]`.
    #[inline(always)]
    pub fn store(&self) -> [[u64; LANES]; N] {
        let mut out = [[0; LANES]; N];
        each!(I < N, { out[I] = self.digits[I].store() });
        out
    }

    /// Entries `index` of a table of `len` (16, 32 or 64) numbers, digit by digit.
    #[inline(always)]
    pub fn lookup(table: &[u64], len: usize, index: V) -> Self {
        let mut out = [index; N];
        each!(I < N, { out[I] = V::lookup(&table[I * len..(I + 1) * len], index) });
        Self::new(out)
    }

    /// Numbers below R as they are, one per lane, not in Montgomery form.
    #[inline(always)]
    pub fn from_words(proof: V, values: &[Words; LANES]) -> Self {
        let mut digits = digits_of_words(values, V::RADIX);
        let out = Self::load(proof, &digits);
        zeroize::Zeroize::zeroize(&mut digits);
        out
    }

    /// The digits' values as numbers.
    #[inline(always)]
    pub fn to_words(&self) -> [Words; LANES] {
        let mut digits = self.store();
        let out = words_of_digits(&digits, V::RADIX);
        zeroize::Zeroize::zeroize(&mut digits);
        out
    }

    /// Into Montgomery form; the value is below R.
    #[inline(always)]
    pub fn to_montgomery(&self) -> Self {
        self.mul(&Self::splat(self.proof(), &Modulus::<V, P, N>::SQUARE))
    }

    /// Out of Montgomery form, fully reduced.
    #[inline(always)]
    pub fn canonical(&self) -> Self {
        let mut one = [0; N];
        one[0] = 1;
        // At most p: (x + q * p) / R with x, q < R.
        let x = self.mul(&Self::splat(self.proof(), &one));
        x.less_p()
    }

    /// x - p where x >= p, else x, for x < 2p.
    #[inline(always)]
    pub fn less_p(&self) -> Self {
        let x = &self.digits;
        let mut less = *x;
        let mut borrow = V::constant(x[0], 0);
        let mask = V::constant(x[0], (1 << V::RADIX) - 1);
        for i in 0..N {
            let d = x[i].sub(V::constant(x[0], Modulus::<V, P, N>::DIGITS[i])).sub(borrow);
            borrow = d.shr::<63>();
            less[i] = d.and(mask);
        }
        let keep = V::constant(x[0], 0).sub(borrow);
        for i in 0..N {
            less[i] = V::select(keep, x[i], less[i]);
        }
        Self::new(less)
    }

    #[inline(always)]
    pub fn mul(&self, b: &Self) -> Self {
        if V::INLINES && P::IS_HOT {
            Mul(self, b).run()
        } else {
            V::outline(self.proof(), Mul(self, b))
        }
    }

    #[inline(always)]
    pub fn square(&self) -> Self {
        if V::INLINES && P::IS_HOT {
            Square(self, 1).run()
        } else {
            V::outline(self.proof(), Square(self, 1))
        }
    }

    /// Squared `times` times.
    #[inline(always)]
    pub fn square_times(&self, times: u32) -> Self {
        V::outline(self.proof(), Square(self, times))
    }

    /// x^exponent for a public exponent below 2^BITS.
    #[inline(always)]
    pub fn power(&self, exponent: &Words) -> Self {
        V::outline(self.proof(), Power(self, exponent))
    }

    /// 1 / x (Fermat), and 0 for 0.
    #[inline(always)]
    pub fn invert(&self) -> Self {
        self.power(&less_two(&P::VALUE))
    }

    /// The inverses of an element of each of two fields, as `invert`: two chains of products in step,
    /// so that one has the multiplier while the other waits for it.
    #[inline(always)]
    pub fn invert_both<Q: Prime>(a: &Self, b: &Fe<V, Q, N>) -> (Self, Fe<V, Q, N>) {
        V::outline(a.proof(), PowersInStep(a, b))
    }

    /// The start of a sum.
    #[inline(always)]
    pub fn sum(&self) -> Sum<V, P, N> {
        Sum { columns: self.digits, prime: PhantomData }
    }

    #[inline(always)]
    pub fn add(&self, b: &Self) -> Self {
        self.sum().plus(b.sum()).carry()
    }

    /// a - b + k * p for b < k * p.
    #[inline(always)]
    pub fn sub(&self, b: &Self, k: u64) -> Self {
        self.sum().minus(b.sum(), k).carry()
    }

    /// All ones in the lanes where the value is 0 modulo p.
    #[inline(always)]
    pub fn is_zero(&self) -> V {
        let x = self.canonical();
        let mut any = x.digits[0];
        for i in 1..N {
            any = any.or(x.digits[i]);
        }
        any.is_zero()
    }

    /// All ones in the lanes where the digits are the same.
    #[inline(always)]
    pub fn is_same(&self, b: &Self) -> V {
        let mut any = self.digits[0].xor(b.digits[0]);
        for i in 1..N {
            any = any.or(self.digits[i].xor(b.digits[i]));
        }
        any.is_zero()
    }

    /// `a` where the mask is ones, else `b`.
    #[inline(always)]
    pub fn select(mask: V, a: &Self, b: &Self) -> Self {
        let mut out = a.digits;
        for i in 0..N {
            out[i] = V::select(mask, a.digits[i], b.digits[i]);
        }
        Self::new(out)
    }
}

/// N digits of `radix` bits of each number, digit by digit.
#[inline(always)]
pub(super) fn digits_of_words<const N: usize>(
    values: &[Words; LANES],
    radix: u32,
) -> [[u64; LANES]; N] {
    let mut digits = [[0; LANES]; N];
    for (i, digit) in digits.iter_mut().enumerate() {
        for lane in 0..LANES {
            digit[lane] = bits(&values[lane], radix * i as u32, radix);
        }
    }
    digits
}

/// The inverse of `digits_of_words`.
#[inline(always)]
pub(super) fn words_of_digits<const N: usize>(
    digits: &[[u64; LANES]; N],
    radix: u32,
) -> [Words; LANES] {
    let mut out = [[0; WORDS]; LANES];
    for (i, digit) in digits.iter().enumerate() {
        let at = radix * i as u32;
        let (word, shift) = ((at / 64) as usize, at % 64);
        for lane in 0..LANES {
            out[lane][word] |= digit[lane] << shift;
            if shift > 0 && word + 1 < WORDS {
                out[lane][word + 1] |= digit[lane] >> (64 - shift);
            }
        }
    }
    out
}

impl<V: Class, P: Prime, const N: usize> Sum<V, P, N> {
    #[inline(always)]
    pub fn plus(mut self, b: Self) -> Self {
        for i in 0..N {
            self.columns[i] = self.columns[i].add(b.columns[i]);
        }
        self
    }

    /// Times 2^S.
    #[inline(always)]
    pub fn shifted<const S: u32>(mut self) -> Self {
        for i in 0..N {
            self.columns[i] = self.columns[i].shl::<S>();
        }
        self
    }

    #[inline(always)]
    pub fn tripled(self) -> Self {
        self.plus(self.plus(self))
    }

    /// Minus b, which is below k * p, plus k * p, for k up to 32. At most once in a sum.
    #[inline(always)]
    pub fn minus(mut self, b: Self, k: u64) -> Self {
        for i in 0..N {
            let lift = V::constant(self.columns[0], Modulus::<V, P, N>::lifted(k, i));
            self.columns[i] = self.columns[i].add(lift).sub(b.columns[i]);
        }
        self
    }

    /// The element; its bound is the sum's.
    #[inline(always)]
    pub fn carry(self) -> Fe<V, P, N> {
        Fe::new(carry(self.columns))
    }

    /// The element, below 2.1p: where room is scarce, p is subtracted as often as the bits above
    /// the prime say; else the bound stays as it is. Only after `minus`, and for a sum of at least
    /// p: the columns are lifted then, and the top ones positive.
    #[inline(always)]
    pub fn carry_low(mut self) -> Fe<V, P, N> {
        if !Modulus::<V, P, N>::IS_ROOMY {
            // What the lower columns are still to carry adds at most 1 to the top column, less than
            // 2^-40 of p: the estimate is right, or one too low at the border.
            let c = &mut self.columns;
            let times = c[N - 1].add(V::high(c[N - 2])).shr::<48>();
            c[0] = c[0].mac_lo(times, V::constant(times, Modulus::<V, P, N>::K));
            each!(I < N, {
                let t = Modulus::<V, P, N>::T[I];
                if I > 0 && t != 0 {
                    let zero = V::constant(times, 0);
                    c[I] = c[I].sub(zero.mac_lo(times, V::constant(times, t as u64)));
                }
            });
        }
        self.carry()
    }
}

/// Overwrites a value in memory with zeros, in a way that the compiler may not leave out.
///
/// # Safety
/// Zeros are a valid value of T.
pub unsafe fn wipe<T>(value: &mut T) {
    if !crate::secrecy::wipes() {
        return;
    }
    // SAFETY: the memory is borrowed mutably for its whole size; the caller vouches for zeros.
    unsafe { std::ptr::write_bytes(std::ptr::from_mut(value), 0, 1) };
    // What takes the address as an unknown function would, the store must precede.
    std::hint::black_box(value);
}
