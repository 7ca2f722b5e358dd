//! RSA private operations with the key marked as secret, for valgrind's memcheck: whatever branch or
//! address depends on the key is reported as a use of undefined memory.
//!
//! `cargo build --release --no-default-features --features ct-check --example constant_time`
//! `valgrind --error-exitcode=9 target/release/examples/constant_time portable|avx2 [leak]`
//!
//! With `leak` a branch on a bit of the exponent is planted, which must be reported.
use keystrel_native::ct::{classify, declassify};
use keystrel_native::ffi::{self, AsymmetricKey};
use keystrel_native::frame::spec;
use keystrel_native::rsa::batch;
use keystrel_native::rsa::lane_key::{Kernel, WORDS_MAX};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let kernel = match arguments.get(1).map(String::as_str) {
        Some("avx2") => Kernel::Avx2,
        _ => Kernel::Portable,
    };
    let leak = arguments.get(2).is_some_and(|a| a == "leak");
    let pair = ffi::generate_rsa(2048).expect("a key");
    let key = AsymmetricKey::from_pkcs8(spec::RSA_2048, &pair.pkcs8).expect("own key");
    let lanes = ffi::private_lanes(&key, kernel).expect("a usual key");
    let secrets = [
        &lanes.p.m,
        &lanes.p.r2,
        &lanes.p.words,
        &lanes.q.m,
        &lanes.q.r2,
        &lanes.q.words,
        &lanes.qinv,
    ];
    secrets.iter().for_each(|number| classify(&number.0));
    let mut input = [[0u64; WORDS_MAX]; 8];
    for (lane, number) in input.iter_mut().enumerate() {
        number[..31].fill(0x0123_4567_89ab_cdef << lane);
    }
    let mut out = [[0u64; WORDS_MAX]; 8];
    let failed = batch::private(&[&lanes; 8], &input, &mut out).expect("a kernel");
    if leak && lanes.p.exponent(16)[3] >> 17 & 1 == 1 {
        println!("planted");
    }
    secrets.iter().for_each(|number| declassify(&number.0));
    assert_eq!(failed, [false; 8]);
    println!("{kernel:?}: eight operations{}", if leak { ", one leak planted" } else { "" });
}
