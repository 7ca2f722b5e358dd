//! Each class against plain integers: every operation of `Vector`, and sums of products by `mac`.
use super::*;
use proptest::prelude::*;

type Lanes = [u64; LANES];

#[derive(Debug, PartialEq)]
struct Outcome {
    plain: Vec<Lanes>,
    product: Vec<u128>,
}

/// Runs everything once; `products` are sums over the rounds, as integers.
#[inline(always)]
unsafe fn run<V: Vector + Multiply>(a: Lanes, b: Lanes, table: &[u64; 64]) -> Outcome {
    // SAFETY: the caller vouches for the class.
    let (x, y, index) = unsafe { (V::load(&a), V::load(&b), V::load(&a.map(|x| x % 64))) };
    let zero = x.sub(x);
    let mask = x.xor(y).and(zero.sub(x).or(y)).is_zero();
    let plain = vec![
        x.add(y).store(),
        x.sub(y).store(),
        x.and(y).store(),
        x.or(y).store(),
        x.xor(y).store(),
        x.shl::<13>().store(),
        x.shr::<51>().store(),
        x.sar::<52>().store(),
        x.mac_lo(x, y).store(),
        y.mac_hi(x, y).store(),
        zero.is_zero().store(),
        V::select(mask, x, y).store(),
        V::lookup(table, index).store(),
    ];
    // 200 products, with the smallest and largest digits among them, into one pair of columns.
    let digits = |v: V| [v.digit(), v.shr::<13>().digit(), zero.digit(), zero.sub(x).digit()];
    // SAFETY: as above.
    let (mut lo, mut hi) = unsafe { (V::splat(V::settled(160, 0)), V::splat(V::settled(0, 160))) };
    for _ in 0..10 {
        for p in digits(x) {
            for q in digits(y) {
                V::mac(&mut lo, &mut hi, p, q);
            }
        }
    }
    let (lo, hi) = (lo.store(), hi.store());
    let product = (0..LANES)
        .map(|i| ((hi[i] as i64 as i128) << V::RADIX).wrapping_add(lo[i] as i64 as i128) as u128)
        .collect();
    for p in digits(x) {
        let back = V::integer(p).store();
        let again = V::integer(V::integer(p).digit()).store();
        let mask = (1u64 << V::RADIX) - 1;
        assert_eq!(back.map(|v| v & mask), again.map(|v| v & mask));
    }
    Outcome { plain, product }
}

fn expected(radix: u32, a: Lanes, b: Lanes) -> Vec<u128> {
    let mask = (1u64 << radix) - 1;
    let digits = |v: u64, x: u64| [v & mask, v >> 13 & mask, 0, x.wrapping_neg() & mask];
    (0..LANES)
        .map(|i| {
            let mut sum = 0;
            for p in digits(a[i], a[i]) {
                for q in digits(b[i], a[i]) {
                    sum += 10 * u128::from(p) * u128::from(q);
                }
            }
            sum
        })
        .collect()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512ifma")]
unsafe fn run_ifma(a: Lanes, b: Lanes, table: &[u64; 64]) -> Outcome {
    // SAFETY: the caller vouches for the class.
    unsafe { run::<Ifma>(a, b, table) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn run_avx2(a: Lanes, b: Lanes, table: &[u64; 64]) -> Outcome {
    // SAFETY: the caller vouches for the class.
    unsafe { run::<Avx2>(a, b, table) }
}

fn check(a: Lanes, b: Lanes, table: &[u64; 64]) {
    // SAFETY: the portable class needs nothing; the others are tried where the CPU has them.
    unsafe {
        let portable = run::<Portable>(a, b, table);
        assert_eq!(portable.product, expected(52, a, b));
        #[cfg(target_arch = "x86_64")]
        {
            if crate::cpu::best() == crate::cpu::Class::Ifma {
                assert_eq!(run_ifma(a, b, table), portable);
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                let avx2 = run_avx2(a, b, table);
                assert_eq!(avx2.plain, portable.plain);
                assert_eq!(avx2.product, expected(51, a, b));
            }
        }
    }
}

#[test]
fn edges_agree() {
    let table = std::array::from_fn(|i| (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let edges = [0, 1, (1 << 51) - 1, 1 << 51, MASK52, MASK52 - 1, u64::MAX, 1 << 26];
    for shift in 0..LANES {
        let b = std::array::from_fn(|i| edges[(i + shift) % LANES]);
        check(edges, b, &table);
    }
}

proptest! {
    #[test]
    fn classes_agree(a: Lanes, b: Lanes, table in proptest::collection::vec(any::<u64>(), 64)) {
        let table: [u64; 64] = table.try_into().expect("64 entries");
        check(a, b, &table);
    }
}

/// The three doubles of a product, as `Quad::mac` makes them.
fn fma_steps(a: u64, b: u64) -> [f64; 3] {
    let (c_hi, c_lo) = (1.5 * 2f64.powi(103), 1.5 * 2f64.powi(52));
    let (a, b) = (a as f64, b as f64);
    let high = a.mul_add(b, c_hi);
    let rest = c_hi + c_lo - high;
    [high, rest, a.mul_add(b, rest)]
}

fn check_fma(a: u64, b: u64) {
    let [high, rest, low] = fma_steps(a, b);
    for x in [a as f64, b as f64, high, rest, low] {
        assert!(x.is_normal() || x == 0.0, "{x:e}");
    }
    // Both sums stay where a unit in the last place is 2^51 and 1: halves are integers.
    assert!((2f64.powi(103)..=2f64.powi(104)).contains(&high));
    assert!((2f64.powi(52)..=2f64.powi(53)).contains(&low));
    let halves = (high.to_bits() - (1.5 * 2f64.powi(103)).to_bits(), low.to_bits());
    let low = i128::from(halves.1 as i64 - (1.5 * 2f64.powi(52)).to_bits() as i64);
    assert_eq!((i128::from(halves.0) << 51) + low, i128::from(a) * i128::from(b));
}

#[test]
fn no_operand_or_result_of_fma_is_denormal() {
    let top = 1u64 << 51;
    let edges = [0, 1, 2, 3, (1 << 25) - 1, 1 << 25, 1 << 26, top / 2, top - 2, top - 1, top];
    for a in edges {
        for b in edges {
            check_fma(a, b);
        }
    }
}

proptest! {
    #[test]
    fn fma_products_are_exact(a in 0u64..=1 << 51, b in 0u64..=1 << 51) {
        check_fma(a, b);
    }
}
