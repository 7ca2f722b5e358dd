//! RSA on eight lanes: the private operation and the public one, all sizes, partial batches, edge
//! inputs. The keys are for tests alone: eight of each size, PKCS#8 in DER, one behind the other.
use crate::machine::Machine;
use crate::random::{Random, hash_words};
use keystrel_native::ffi::{self, AsymmetricKey};
use keystrel_native::frame::spec;
use keystrel_native::rsa::batch::{self, Numbers};
use keystrel_native::rsa::lane_key::{PrivateLanes, PublicLanes, WORDS_MAX};
use keystrel_native::vec::LANES;

fn der(spec: u16) -> &'static [u8] {
    match spec {
        spec::RSA_2048 => include_bytes!("keys/rsa_2048.der"),
        spec::RSA_3072 => include_bytes!("keys/rsa_3072.der"),
        _ => include_bytes!("keys/rsa_4096.der"),
    }
}

fn keys<M: Machine>(spec: u16) -> Vec<PrivateLanes> {
    let mut rest = der(spec);
    let mut keys = Vec::new();
    // 30 82 and the length in two bytes.
    while let [0x30, 0x82, high, low, ..] = rest {
        let (one, behind) = rest.split_at(4 + 256 * usize::from(*high) + usize::from(*low));
        let key = AsymmetricKey::from_pkcs8(spec, one).expect("a private key");
        keys.push(ffi::private_lanes(&key, M::KERNEL).expect("a kernel serves it"));
        rest = behind;
    }
    assert_eq!(keys.len(), LANES);
    keys
}

/// A number below the modulus: random, or 0, 1, n - 1, all ones below it.
fn input(random: &mut Random, n: &[u64]) -> [u64; WORDS_MAX] {
    let mut out = [0u64; WORDS_MAX];
    match random.word() % 16 {
        0 => {}
        1 => out[0] = 1,
        2 => {
            out[..n.len()].copy_from_slice(n);
            out[0] -= 1;
        }
        3 => out[..n.len() - 1].fill(u64::MAX),
        _ => {
            for word in &mut out[..n.len()] {
                *word = random.word();
            }
            // Moduli have their top bit set.
            out[n.len() - 1] >>= 1;
        }
    }
    out
}

/// Jobs of the next batch: mostly eight, and every smaller number in turn.
fn size_of(batch: usize) -> usize {
    if batch.is_multiple_of(4) { batch / 4 % LANES + 1 } else { LANES }
}

struct Batch<'a> {
    keys: Vec<&'a PrivateLanes>,
    input: Numbers,
}

fn batches<'a>(
    random: &mut Random,
    keys: &'a [PrivateLanes],
    jobs: usize,
) -> impl Iterator<Item = Batch<'a>> {
    let mut done = 0;
    (0..).map_while(move |number| {
        if done >= jobs {
            return None;
        }
        let size = size_of(number).min(jobs - done);
        done += size;
        let chosen: Vec<_> =
            (0..size).map(|_| &keys[random.word() as usize % keys.len()]).collect();
        let mut numbers: Numbers = [[0; WORDS_MAX]; LANES];
        for lane in 0..LANES {
            numbers[lane] = match chosen.get(lane) {
                Some(key) => input(random, &key.public.n),
                None => numbers[0],
            };
        }
        Some(Batch { keys: chosen, input: numbers })
    })
}

fn private<M: Machine>(spec: u16, random: &mut Random, jobs: usize) -> Vec<u64> {
    let keys = keys::<M>(spec);
    let mut results = Vec::with_capacity(jobs);
    for batch in batches(random, &keys, jobs) {
        let mut out: Numbers = [[0; WORDS_MAX]; LANES];
        let failed = batch::private(&batch.keys, &batch.input, &mut out).expect("a kernel");
        for lane in 0..batch.keys.len() {
            results.push(hash_words(&out[lane]) ^ u64::from(failed[lane]));
        }
    }
    results
}

fn public<M: Machine>(spec: u16, random: &mut Random, jobs: usize) -> Vec<u64> {
    let keys = keys::<M>(spec);
    let mut results = Vec::with_capacity(jobs);
    for batch in batches(random, &keys, jobs) {
        let mut out: Numbers = [[0; WORDS_MAX]; LANES];
        let keys: Vec<&PublicLanes> = batch.keys.iter().map(|k| &k.public).collect();
        batch::public(&keys, &batch.input, &mut out).expect("a kernel");
        results.extend(out[..keys.len()].iter().map(|number| hash_words(number)));
    }
    results
}

macro_rules! sizes {
    ($($name:ident, $function:ident, $spec:ident;)*) => {
        $(pub fn $name<M: Machine>(random: &mut Random, jobs: usize) -> Vec<u64> {
            $function::<M>(spec::$spec, random, jobs)
        })*
    };
}

sizes! {
    private_2048, private, RSA_2048;
    private_3072, private, RSA_3072;
    private_4096, private, RSA_4096;
    public_2048, public, RSA_2048;
    public_3072, public, RSA_3072;
    public_4096, public, RSA_4096;
}
