//! RSA-2048 on the kernels in force: a fixed input against random ones, and a fixed key against seven
//! others. Every job of a batch is of one class.
use crate::{Choose, Random, Target};
use keystrel_native::ffi::{self, AsymmetricKey};
use keystrel_native::frame::spec;
use keystrel_native::rsa::batch::{self, Numbers};
use keystrel_native::rsa::lane_key::{Kernel, PrivateLanes, WORDS_MAX};
use keystrel_native::vec::LANES;
use std::hint::black_box;

/// Words of the modulus.
const WORDS: usize = 32;

fn keys(kernel: Kernel) -> Vec<PrivateLanes> {
    let mut rest: &[u8] = include_bytes!("../../tests/class_agreement/keys/rsa_2048.der");
    let mut keys = Vec::new();
    while let [0x30, 0x82, high, low, ..] = rest {
        let (one, behind) = rest.split_at(4 + 256 * usize::from(*high) + usize::from(*low));
        let key = AsymmetricKey::from_pkcs8(spec::RSA_2048, one).expect("a private key");
        keys.push(ffi::private_lanes(&key, kernel).expect("a kernel serves it"));
        rest = behind;
    }
    keys
}

pub fn targets() -> Vec<(&'static str, Box<dyn Target>, bool)> {
    let Some(kernel) = Kernel::in_force() else { return Vec::new() };
    let target = |changes| {
        Box::new(Private {
            keys: keys(kernel),
            changes,
            at: 0,
            input: [[0; WORDS_MAX]; LANES],
            out: [[0; WORDS_MAX]; LANES],
        })
    };
    vec![
        ("RSA-2048 private operation, input 1", target(Changes::Input), false),
        ("RSA-2048 private operation, one key", target(Changes::Key), false),
    ]
}

#[derive(PartialEq)]
enum Changes {
    Input,
    Key,
}

struct Private {
    keys: Vec<PrivateLanes>,
    changes: Changes,
    /// The key of the batch.
    at: usize,
    input: Numbers,
    out: Numbers,
}

impl Private {
    /// Reads the whole key, so that the fixed one is not the only one in the cache.
    fn touch(&self) {
        let key = &self.keys[self.at];
        let secret = [&key.p, &key.q].into_iter().flat_map(|h| [&h.m, &h.r2, &h.words]);
        for number in secret.chain([&key.qinv]) {
            black_box(number.0.iter().fold(0, |sum, word| sum ^ word));
        }
        for number in [&key.public.n, &key.public.m, &key.public.r2] {
            black_box(number.iter().fold(0, |sum, word| sum ^ word));
        }
    }
}

impl Target for Private {
    fn prepare(&mut self, fixed: bool, random: &mut Random) {
        let input_is_fixed = fixed && self.changes == Changes::Input;
        for number in &mut self.input {
            let mut other: [u64; WORDS] = std::array::from_fn(|_| random.next_word());
            other[WORDS - 1] >>= 1;
            let one = std::array::from_fn(|i| u64::from(i == 0));
            number[..WORDS].copy_from_slice(&Choose::choose(input_is_fixed, one, other));
        }
        let other = 1 + random.next_word() % (self.keys.len() as u64 - 1);
        let [at] = Choose::choose(fixed && self.changes == Changes::Key, [0u64], [other]);
        self.at = if self.changes == Changes::Key { at as usize } else { 0 };
        self.touch();
    }
    #[inline(never)]
    fn run(&mut self) {
        let chosen = [&self.keys[self.at]; LANES];
        let failed = batch::private(&chosen, &self.input, &mut self.out);
        black_box((failed.expect("a kernel"), &self.out));
    }
}
