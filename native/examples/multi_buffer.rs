//! Cycles of the multi-buffer kernels, in units of the core's multiplier: each figure is the time of
//! eight lanes over the time of one cycle, measured beside it by a chain-free loop of vpmadd52 (or
//! FMA), so that frequency changes and neighbours cancel out. Medians of interleaved rounds.
//!
//! `cargo run --release --no-default-features --example multi_buffer`
#[cfg(target_arch = "x86_64")]
mod bench {
    use keystrel_native::bn52::{Limb, Modulus, Montgomery, negative_inverse};
    use keystrel_native::vec::{Ifma, Quad, Register};
    use std::arch::x86_64::{__m256d, __m512i, _mm256_setzero_pd, _mm512_setzero_si512, _rdtsc};

    fn ticks() -> u64 {
        // SAFETY: every x86-64 CPU has it.
        unsafe { _rdtsc() }
    }

    /// Ticks of the time stamp counter per cycle, two multiplications each.
    pub trait Probe {
        unsafe fn probe() -> f64;
    }

    impl Probe for Ifma {
        #[target_feature(enable = "avx512f,avx512ifma")]
        unsafe fn probe() -> f64 {
            let mut acc: [__m512i; 10] = [_mm512_setzero_si512(); 10];
            let start = ticks();
            for _ in 0..1000 {
                for x in &mut acc {
                    // SAFETY: registers only.
                    unsafe {
                        std::arch::asm!(
                            "vpmadd52luq {0}, {0}, {0}",
                            inout(zmm_reg) * x,
                            options(nomem, nostack, preserves_flags)
                        );
                    }
                }
            }
            (ticks() - start) as f64 / 5000.0
        }
    }

    impl Probe for Quad {
        #[target_feature(enable = "avx2,fma")]
        unsafe fn probe() -> f64 {
            let mut acc: [__m256d; 10] = [_mm256_setzero_pd(); 10];
            let start = ticks();
            for _ in 0..1000 {
                for x in &mut acc {
                    // SAFETY: registers only.
                    unsafe {
                        std::arch::asm!(
                            "vfmadd231pd {0}, {0}, {0}",
                            inout(ymm_reg) * x,
                            options(nomem, nostack, preserves_flags)
                        );
                    }
                }
            }
            (ticks() - start) as f64 / 5000.0
        }
    }

    fn median(mut samples: Vec<f64>) -> f64 {
        samples.sort_by(f64::total_cmp);
        samples[samples.len() / 2]
    }

    pub fn kernel<R: Montgomery<N> + Probe + Register, const N: usize>(
        name: &str,
        bits: usize,
        products: usize,
    ) {
        let mut state = 1u64;
        let mut number = |top: usize| {
            let mut limbs = [Limb::ZERO; N];
            for limb in &mut limbs[..top] {
                for lane in &mut limb.0 {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    *lane = R::encode((state >> 12 | 1) & ((1 << R::RADIX) - 1));
                }
            }
            limbs
        };
        let top = bits / R::RADIX as usize;
        let m = number(top);
        let k0 = Limb(m[0].0.map(|x| R::encode(negative_inverse::<R>(R::decode(x)))));
        let modulus = Modulus { m, k0 };
        let (mut a, b) = (number(top - 1), number(top - 1));
        let exponent = vec![Limb([0x9e37_79b9_7f4a_7c15; 8]); 4];
        let mut samples = [vec![], vec![], vec![]];
        for _ in 0..200 {
            // SAFETY: called where the CPU has the class.
            unsafe {
                let cycle = R::probe();
                let start = ticks();
                for _ in 0..4 {
                    R::square(&mut a, &modulus, 5);
                }
                samples[0].push((ticks() - start) as f64 / 20.0 / cycle);
                let cycle = R::probe();
                let start = ticks();
                for _ in 0..10 {
                    let mut out = [Limb::ZERO; N];
                    R::mul(&mut out, &a, &b, &modulus);
                    R::mul(&mut a, &out, &b, &modulus);
                }
                samples[1].push((ticks() - start) as f64 / 20.0 / cycle);
            }
        }
        for _ in 0..30 {
            // SAFETY: as above.
            unsafe {
                let cycle = R::probe();
                let start = ticks();
                let base = a;
                R::power(&mut a, &base, &b, &exponent, &modulus);
                samples[2].push((ticks() - start) as f64 / 256.0 / cycle);
            }
        }
        let [square, product, power] = samples.map(median);
        println!(
            "{name} {bits:4} bits, {N} digits, 8 lanes: square {square:5.0}, product {product:5.0}, \
             power {power:5.0} per bit (multiplications: {}, {})",
            (N * (N + 1) / 2 + N * N) * products / 2,
            2 * N * N * products / 2,
        );
    }

    pub fn run() {
        if is_x86_feature_detected!("avx512ifma") {
            kernel::<Ifma, 20>("ifma", 1024, 2);
            kernel::<Ifma, 30>("ifma", 1536, 2);
            kernel::<Ifma, 40>("ifma", 2048, 2);
            kernel::<Ifma, 60>("ifma", 3072, 2);
            kernel::<Ifma, 80>("ifma", 4096, 2);
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            kernel::<Quad, 21>("avx2", 1024, 4);
            kernel::<Quad, 32>("avx2", 1536, 4);
            kernel::<Quad, 42>("avx2", 2048, 4);
            kernel::<Quad, 63>("avx2", 3072, 4);
            kernel::<Quad, 81>("avx2", 4096, 4);
        }
    }
}

fn main() {
    println!("{}, class {}", keystrel_native::cpu::brand(), keystrel_native::cpu::best().name());
    #[cfg(target_arch = "x86_64")]
    bench::run();
}
