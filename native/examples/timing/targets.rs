//! What is timed: one line per target.
use crate::{Choose, Random, Target, curves, rsa, small_messages, vectors};
use keystrel_native::ffi::Hash;
use keystrel_native::symmetric::{HmacState, MAC_MAX};
use std::hint::black_box;
use subtle::ConstantTimeEq;

/// Name, target, and whether it is a control that must leak.
pub fn all() -> Vec<(&'static str, Box<dyn Target>, bool)> {
    let mut targets: Vec<(&'static str, Box<dyn Target>, bool)> = vec![
        ("control: comparison that stops early", Box::new(Compare::new(false)), true),
        ("comparison of MACs", Box::new(Compare::new(true)), false),
        ("HMAC-SHA-256, key set-up and MAC", Box::new(Hmac { key: [0; 32] }), false),
    ];
    targets.extend(vectors::targets());
    targets.extend(small_messages::targets());
    targets.extend(rsa::targets());
    targets.extend(curves::targets());
    targets
}

/// The right MAC against a given one: the fixed one is right up to its last byte.
struct Compare {
    constant_time: bool,
    right: [u8; 64],
    given: [u8; 64],
}

impl Compare {
    fn new(constant_time: bool) -> Self {
        Self { constant_time, right: [0xa5; 64], given: [0; 64] }
    }
}

impl Target for Compare {
    fn prepare(&mut self, fixed: bool, random: &mut Random) {
        let mut other = [0u8; 64];
        random.fill(&mut other);
        self.given = Choose::choose(fixed, self.right, other);
        self.given[63] ^= 1;
    }
    #[inline(never)]
    fn run(&mut self) {
        if self.constant_time {
            black_box(self.right.ct_eq(&self.given).unwrap_u8());
        } else {
            let same = |i: &usize| black_box(self.right[*i]) == self.given[*i];
            black_box((0..64).take_while(same).count());
        }
    }
}

struct Hmac {
    key: [u8; 32],
}

impl Target for Hmac {
    fn prepare(&mut self, fixed: bool, random: &mut Random) {
        let mut other = [0u8; 32];
        random.fill(&mut other);
        self.key = Choose::choose(fixed, [0; 32], other);
    }
    #[inline(never)]
    fn run(&mut self) {
        let mut state = HmacState::EMPTY;
        state.set_key(Hash::Sha256, &self.key);
        let mut mac = [0u8; MAC_MAX];
        state.mac(b"message", &mut mac);
        black_box(mac);
    }
}
