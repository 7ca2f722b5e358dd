//! The kernels for short messages: KDF, key expansion, CTR and GHASH of eight messages, HMAC of two;
//! under a fixed key and under random ones.
#[cfg(not(target_arch = "x86_64"))]
pub fn targets() -> Vec<(&'static str, Box<dyn crate::Target>, bool)> {
    Vec::new()
}

#[cfg(target_arch = "x86_64")]
pub use x86::targets;

#[cfg(target_arch = "x86_64")]
mod x86 {
    use crate::{Choose, Random, Target};
    use keystrel_native::symmetric::small::{BATCH, Kernels, MacScratch, Row, Scratch};
    use std::hint::black_box;

    pub fn targets() -> Vec<(&'static str, Box<dyn Target>, bool)> {
        let Some(kernels) = Kernels::get() else { return Vec::new() };
        vec![
            (
                "eight messages: KDF, AES-256-GCM",
                Box::new(Seal { kernels, states: [[0; 8]; 2], scratch: Box::new(Scratch::EMPTY) }),
                false,
            ),
            (
                "two messages: HMAC-SHA-256",
                Box::new(Mac { kernels, states: [[0; 8]; 2], work: MacScratch::default() }),
                false,
            ),
        ]
    }

    fn secret_states(fixed: bool, random: &mut Random) -> [[u32; 8]; 2] {
        let other: [u32; 16] = std::array::from_fn(|_| random.next_word() as u32);
        let chosen = Choose::choose(fixed, [0; 16], other);
        let (inner, outer) = chosen.split_at(8);
        [inner, outer].map(|half| std::array::from_fn(|i| half[i]))
    }

    struct Seal {
        kernels: Kernels,
        /// After HMAC's inner and outer pad: all that the kernels see of a key.
        states: [[u32; 8]; 2],
        scratch: Box<Scratch>,
    }

    impl Target for Seal {
        fn prepare(&mut self, fixed: bool, random: &mut Random) {
            self.states = secret_states(fixed, random);
        }
        #[inline(never)]
        fn run(&mut self) {
            let nonces: Row = [[9; 16]; BATCH];
            let pads = [(&self.states[0], &self.states[1]); BATCH];
            self.kernels.derive(&pads, &nonces, &mut self.scratch);
            self.kernels.prepare(&mut self.scratch, 2);
            self.scratch.hash[..4].fill([[3; 16]; BATCH]);
            self.kernels.authenticate(&mut self.scratch, 4);
            black_box(&self.scratch.tag);
        }
    }

    struct Mac {
        kernels: Kernels,
        states: [[u32; 8]; 2],
        work: MacScratch,
    }

    impl Target for Mac {
        fn prepare(&mut self, fixed: bool, random: &mut Random) {
            self.states = secret_states(fixed, random);
        }
        #[inline(never)]
        fn run(&mut self) {
            let pads = [(&self.states[0], &self.states[1]); 2];
            self.kernels.hmac256(pads, [&[1; 64], &[2; 64]], &mut self.work);
            black_box(&self.work.macs);
        }
    }
}
