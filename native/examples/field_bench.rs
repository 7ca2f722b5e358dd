//! Core cycles per eight-lane field operation, one chain and four independent ones.
use keystrel_native::ec::curve::{K256, P256, P384, P521};
use keystrel_native::field::{Class, Fe, Prime, Task};
use keystrel_native::vec::{Avx2, Ifma, Portable};
use std::marker::PhantomData;

/// CPU time of this thread in seconds: other processes on the core do not count.
fn cpu_time() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the clock writes into `time`.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// Nanoseconds of a core cycle, by a chain of dependent additions.
fn cycle_ns() -> f64 {
    let mut best = f64::MAX;
    for _ in 0..5 {
        let start = cpu_time();
        let mut x = 1u64;
        for _ in 0..2_000_000 {
            // Ten dependent additions.
            unsafe {
                std::arch::asm!(
                    "add {0}, {0}", "add {0}, {0}", "add {0}, {0}", "add {0}, {0}", "add {0}, {0}",
                    "add {0}, {0}", "add {0}, {0}", "add {0}, {0}", "add {0}, {0}", "add {0}, {0}",
                    inout(reg) x
                );
            }
        }
        std::hint::black_box(x);
        best = best.min((cpu_time() - start) * 1e9 / 2e7);
    }
    best
}

#[derive(Clone, Copy)]
enum Kind {
    Mul,
    Square,
    Muls,
    Add,
}

struct Loop<V, P, const N: usize>(Kind, u32, PhantomData<(V, P)>);

impl<V: Class, P: Prime, const N: usize> Task for Loop<V, P, N> {
    type Out = u64;
    #[inline(always)]
    fn run(self) -> u64 {
        // SAFETY: the caller has checked the class.
        let proof = unsafe { V::splat(3) };
        let digits = |seed: u64| {
            let mut out = [[0u64; 8]; N];
            for (i, row) in out.iter_mut().enumerate() {
                for (j, x) in row.iter_mut().enumerate() {
                    *x = (seed + i as u64 * 8 + j as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 17;
                }
            }
            std::hint::black_box(out)
        };
        let mut x = Fe::<V, P, N>::load(proof, &digits(1)).to_montgomery();
        let y = Fe::load(proof, &digits(1000)).to_montgomery();
        match self.0 {
            Kind::Mul => {
                for _ in 0..self.1 {
                    x = x.mul(&y);
                }
            }
            Kind::Square => {
                for _ in 0..self.1 {
                    x = x.square();
                }
            }
            Kind::Add => {
                for _ in 0..self.1 {
                    x = y.sub(&x, 3).sub(&y, 5);
                }
            }
            Kind::Muls => {
                let mut z = [x, y, x.add(&y), x.mul(&y)];
                for _ in 0..self.1 / 4 {
                    z[0] = z[0].mul(&y);
                    z[1] = z[1].mul(&y);
                    z[2] = z[2].mul(&y);
                    z[3] = z[3].mul(&y);
                }
                x = z[0].add(&z[1]).add(&z[2]).add(&z[3]);
            }
        }
        x.store()[0][0]
    }
}

fn measure<V: Class, P: Prime, const N: usize>(name: &str, ns: f64) {
    let mut line = format!("{:8} {name:10}", V::NAME);
    for (label, kind) in
        [("mul", Kind::Mul), ("4 muls", Kind::Muls), ("square", Kind::Square), ("sub", Kind::Add)]
    {
        let mut best = f64::MAX;
        for _ in 0..15 {
            let start = cpu_time();
            // SAFETY: checked in main.
            std::hint::black_box(unsafe { V::enter(Loop::<V, P, N>(kind, 4000, PhantomData)) });
            best = best.min((cpu_time() - start) * 1e9 / 4000.0 / ns);
        }
        line += &format!("  {label} {best:6.1}");
    }
    println!("{line}");
}

fn main() {
    let ns = cycle_ns();
    println!("{}: {:.2} GHz; core cycles per 8 lanes", keystrel_native::cpu::brand(), 1.0 / ns);
    measure::<Ifma, P256, 5>("P-256", ns);
    measure::<Ifma, K256, 5>("secp256k1", ns);
    measure::<Ifma, P384, 8>("P-384", ns);
    measure::<Ifma, P521, 11>("P-521", ns);
    measure::<Avx2, P256, 6>("P-256", ns);
    measure::<Avx2, K256, 6>("secp256k1", ns);
    measure::<Avx2, P384, 8>("P-384", ns);
    measure::<Avx2, P521, 11>("P-521", ns);
    measure::<Portable, P256, 5>("P-256", ns);
}
