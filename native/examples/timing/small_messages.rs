//! The kernels for short messages: KDF, key expansion, CTR and GHASH of sixteen messages and of two,
//! and HMAC of as many; under a fixed key and under random ones.
#[cfg(not(target_arch = "x86_64"))]
pub fn targets() -> Vec<(&'static str, Box<dyn crate::Target>, bool)> {
    Vec::new()
}

#[cfg(target_arch = "x86_64")]
pub use x86::targets;

#[cfg(target_arch = "x86_64")]
mod x86 {
    use crate::{Choose, Random, Target};
    use keystrel_native::symmetric::small::{BATCH, Kernels, MacJob, MacScratch, Row, Scratch};
    use std::hint::black_box;

    pub fn targets() -> Vec<(&'static str, Box<dyn Target>, bool)> {
        let Some(kernels) = Kernels::get() else { return Vec::new() };
        let seal = |count| {
            Box::new(Seal { count, mac: mac(kernels, count), scratch: Box::new(Scratch::EMPTY) })
        };
        vec![
            ("sixteen messages: KDF, AES-256-GCM", seal(BATCH), false),
            ("two messages: KDF, AES-256-GCM", seal(2), false),
            ("sixteen messages: HMAC-SHA-256", Box::new(mac(kernels, BATCH)), false),
            ("two messages: HMAC-SHA-256", Box::new(mac(kernels, 2)), false),
        ]
    }

    fn mac(kernels: Kernels, count: usize) -> Mac {
        Mac { kernels, count, states: [[0; 8]; 2], work: MacScratch::EMPTY }
    }

    fn secret_states(fixed: bool, random: &mut Random) -> [[u32; 8]; 2] {
        let other: [u32; 16] = std::array::from_fn(|_| random.next_word() as u32);
        let chosen = Choose::choose(fixed, [0; 16], other);
        let (inner, outer) = chosen.split_at(8);
        [inner, outer].map(|half| std::array::from_fn(|i| half[i]))
    }

    struct Seal {
        count: usize,
        mac: Mac,
        scratch: Box<Scratch>,
    }

    impl Target for Seal {
        fn prepare(&mut self, fixed: bool, random: &mut Random) {
            self.mac.prepare(fixed, random);
        }
        #[inline(never)]
        fn run(&mut self) {
            let nonces: Row = [[9; 16]; BATCH];
            let Mac { kernels, states, work, .. } = &mut self.mac;
            let pads = [(&states[0], &states[1]); BATCH];
            kernels.derive(&pads[..self.count], &nonces, &mut self.scratch, work);
            kernels.prepare(&mut self.scratch, self.count, 2);
            self.scratch.hash[..4].fill([[3; 16]; BATCH]);
            kernels.authenticate(&mut self.scratch, self.count, 4);
            black_box(&self.scratch.tag);
        }
    }

    struct Mac {
        kernels: Kernels,
        count: usize,
        /// After HMAC's inner and outer pad: all that the kernels see of a key.
        states: [[u32; 8]; 2],
        work: MacScratch,
    }

    impl Target for Mac {
        fn prepare(&mut self, fixed: bool, random: &mut Random) {
            self.states = secret_states(fixed, random);
        }
        #[inline(never)]
        fn run(&mut self) {
            let pads = (&self.states[0], &self.states[1]);
            let jobs = [MacJob { pads, message: &[1; 64] }; BATCH];
            self.kernels.hmac256(&jobs[..self.count], &mut self.work);
            black_box(&self.work.macs);
        }
    }
}
