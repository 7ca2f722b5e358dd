//! Secrets do not stay behind on the stack: after each operation the pages that its frames used are read,
//! and no word of a key (as it came, and in the digits of the class) may stand there. A control that
//! does not wipe must be found. What lives longer is in cells of locked memory, whose wiping the tests
//! of the arena look at.
use keystrel_native::arena::{self, KeyBody};
use keystrel_native::ec::batch::{self as curves, CurveName, Kernels};
use keystrel_native::ec::{self, Nonces, ed25519};
use keystrel_native::ffi::{self, AsymmetricKey};
use keystrel_native::field::{WORDS, Words};
use keystrel_native::frame::{
    DESCRIPTOR_BYTES, FRAME_MAGIC, HEADER_BYTES, Status, field, op, run_frame, spec,
};
use keystrel_native::keygen::generate_pairs;
use keystrel_native::rsa::batch::{self, Numbers};
use keystrel_native::rsa::lane_key::{Kernel, PrivateLanes, WORDS_MAX};
use keystrel_native::symmetric::SecretKey;
use keystrel_native::vec::LANES;
use std::arch::asm;
use std::hint::black_box;

/// Stack below the caller that is looked at; more than any operation uses.
const DEPTH: usize = 1 << 20;
/// Room for the frames that paint and copy.
const MARGIN: usize = 64 << 10;

/// Fills the stack below with what is no secret.
#[inline(never)]
fn paint() {
    let mut space = [0x5au8; DEPTH];
    black_box(&mut space);
}

/// Copies the stack below the caller to `to`. In assembly, because these are frames of functions that
/// have ended.
#[inline(never)]
fn copy_stack(to: &mut [u8]) {
    let here = black_box(0u64);
    let from = (&raw const here as usize & !7) - 256 - to.len();
    // SAFETY: reads this thread's stack, which `paint` has made so deep, and writes `to` alone.
    unsafe {
        asm!(
            "rep movsb",
            inout("rcx") to.len() => _,
            inout("rsi") from => _,
            inout("rdi") to.as_mut_ptr() => _,
            options(nostack, preserves_flags)
        );
    }
}

/// False where frames are not on the stack: AddressSanitizer keeps them elsewhere to find their use after
/// return.
fn frames_are_on_the_stack() -> bool {
    let options = std::env::var("ASAN_OPTIONS").unwrap_or_default();
    !options.contains("detect_stack_use_after_return=1")
}

/// Runs `operation` on a stack of its own, on what `make` gave, and tells which of the words that `words`
/// gives, which are secret, stand there afterwards. What making and listing them leaves does not
/// count.
fn left_behind<S>(
    make: impl FnOnce() -> S + Send,
    operation: impl FnOnce(&mut S) + Send,
    words: impl FnOnce(&S) -> Vec<u64> + Send,
) -> Vec<usize> {
    let run = || {
        let mut stack = vec![0u8; DEPTH - MARGIN];
        let mut state = make();
        paint();
        operation(&mut state);
        if !frames_are_on_the_stack() {
            return Vec::new();
        }
        copy_stack(&mut stack);
        let mut sorted: Vec<(u64, usize)> = words(&state).into_iter().zip(0..).collect();
        // Small numbers stand everywhere.
        assert!(!sorted.is_empty() && sorted.iter().all(|w| w.0 >> 32 != 0 && w.0 << 32 != 0));
        sorted.sort_unstable();
        let mut seen: Vec<usize> = (0..stack.len() - 8)
            .step_by(4)
            .filter_map(|at| {
                let word = u64::from_le_bytes(stack[at..at + 8].try_into().expect("eight"));
                sorted.binary_search_by_key(&word, |(w, _)| *w).ok().map(|i| sorted[i].1)
            })
            .collect();
        seen.sort_unstable();
        seen.dedup();
        seen
    };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(4 * DEPTH);
        thread.spawn_scoped(scope, run).expect("a thread").join().expect("the thread ends well")
    })
}

/// Words that are no coincidence.
fn telling(words: impl IntoIterator<Item = u64>) -> Vec<u64> {
    words.into_iter().filter(|w| w >> 32 != 0 && w << 32 != 0).collect()
}

fn random_words(count: usize) -> Vec<u64> {
    let mut bytes = vec![0u8; 8 * count];
    ffi::random(&mut bytes);
    bytes.as_chunks::<8>().0.iter().map(|b| u64::from_le_bytes(*b)).collect()
}

#[test]
fn a_secret_that_is_not_wiped_is_found() {
    #[inline(never)]
    fn careless(words: &[u64]) -> u64 {
        let mut copy = [0u64; 64];
        copy[..words.len()].copy_from_slice(words);
        black_box(&mut copy).iter().fold(0, |sum, w| sum ^ w)
    }
    let seen = left_behind(
        || random_words(8),
        |words| {
            black_box(careless(words));
        },
        |words| words.clone(),
    );
    assert_eq!(seen.len(), if frames_are_on_the_stack() { 8 } else { 0 });
}

/// Scalars and their digits of 52, 51 and 48 bits.
fn forms(scalars: &[Words]) -> Vec<u64> {
    let mut all: Vec<u64> = scalars.iter().flatten().copied().collect();
    for radix in [52, 51, 48] {
        for scalar in scalars {
            all.extend((0..11).map(|i| keystrel_native::field::bits(scalar, radix * i, radix)));
        }
    }
    telling(all)
}

#[test]
fn curves_leave_no_scalar() {
    for kernels in Kernels::all() {
        for curve in CurveName::ALL {
            for what in ["sign", "public key", "ECDH"] {
                let make = || -> Vec<Words> {
                    let len = curve.coordinate_len() / 8;
                    let scalar = |_| {
                        let mut scalar = [0; WORDS];
                        scalar[..len].copy_from_slice(&random_words(len));
                        scalar[len - 1] >>= 1;
                        scalar
                    };
                    (0..24).map(scalar).collect()
                };
                let operation = |scalars: &mut Vec<Words>| {
                    run_curve(kernels, curve, what, scalars);
                };
                let seen = left_behind(make, operation, |scalars| forms(scalars));
                assert!(seen.is_empty(), "{} {curve:?} {what}: {seen:?}", kernels.name());
            }
        }
    }
}

#[inline(never)]
fn run_curve(kernels: Kernels, curve: CurveName, what: &str, scalars: &[Words]) {
    let digest = [7; 64];
    let hash_len = match curve {
        CurveName::P384 => 48,
        CurveName::P521 => 64,
        _ => 32,
    };
    let mut jobs: Vec<_> = scalars.iter().map(ec::PublicJob::new).collect();
    curves::public(kernels, curve, &mut jobs);
    let points: Vec<_> = jobs.iter().map(|job| job.point).collect();
    match what {
        "sign" => {
            let mut jobs: Vec<_> =
                scalars.iter().map(|d| ec::SignJob::new(d, &digest[..hash_len])).collect();
            curves::sign(kernels, curve, Nonces::Hedged, &mut jobs);
            assert!(jobs.iter().all(|job| job.status == Status::Ok));
        }
        "ECDH" => {
            let mut jobs: Vec<_> =
                scalars.iter().zip(&points).map(|(d, q)| ec::AgreeJob::new(d, q)).collect();
            curves::agree(kernels, curve, &mut jobs);
            assert!(jobs.iter().all(|job| job.status == Status::Ok));
        }
        _ => assert!(jobs.iter().all(|job| job.status == Status::Ok)),
    }
}

#[test]
fn ed25519_leaves_no_scalar_and_no_prefix() {
    for kernels in Kernels::all() {
        let make = || -> Vec<ed25519::Expanded> {
            let key = |_| {
                let mut key = ed25519::Expanded::default();
                key.scalar[..4].copy_from_slice(&random_words(4));
                key.scalar[3] = key.scalar[3] >> 2 | 1 << 62;
                ffi::random(&mut key.prefix);
                key
            };
            (0..24).map(key).collect()
        };
        let words = |keys: &Vec<ed25519::Expanded>| {
            let prefixes = keys.iter().flat_map(|key| key.prefix.as_chunks::<8>().0);
            // As bytes and as SHA-512 reads them.
            let both = prefixes.flat_map(|b| [u64::from_le_bytes(*b), u64::from_be_bytes(*b)]);
            let scalars: Vec<Words> = keys.iter().map(|key| key.scalar).collect();
            [telling(both), forms(&scalars)].concat()
        };
        let seen = left_behind(make, |keys| run_ed25519(kernels, keys), words);
        assert!(seen.is_empty(), "{}: {seen:?}", kernels.name());
    }
}

#[inline(never)]
fn run_ed25519(kernels: Kernels, keys: &[ed25519::Expanded]) {
    let mut jobs: Vec<_> = keys.iter().map(ed25519::PublicJob::new).collect();
    ed25519::batch::public(kernels, &mut jobs);
    let publics: Vec<_> = jobs.iter().map(|job| job.public).collect();
    let mut jobs: Vec<_> = keys
        .iter()
        .zip(&publics)
        .map(|(key, p)| ed25519::SignJob::new(key, p, ed25519::Variant::Pure, b"message"))
        .collect();
    ed25519::batch::sign(kernels, &mut jobs);
    assert!(jobs.iter().all(|job| job.status == Status::Ok));
}

fn kernels() -> Vec<Kernel> {
    let all = [Kernel::Ifma, Kernel::Avx2, Kernel::Portable];
    all.into_iter().filter(|kernel| kernel.is_available()).collect()
}

#[test]
fn rsa_leaves_no_prime_and_no_exponent() {
    for kernel in kernels() {
        let make = || {
            let der: &[u8] = include_bytes!("../class_agreement/keys/rsa_2048.der");
            let len = 4 + 256 * usize::from(der[2]) + usize::from(der[3]);
            let key = AsymmetricKey::from_pkcs8(spec::RSA_2048, &der[..len]).expect("a key");
            ffi::private_lanes(&key, kernel).expect("a kernel serves it")
        };
        let operation = |lanes: &mut PrivateLanes| {
            let mut input: Numbers = [[0; WORDS_MAX]; LANES];
            input.iter_mut().for_each(|n| n[0] = 3);
            let mut out: Numbers = [[0; WORDS_MAX]; LANES];
            let failed = batch::private(&[&*lanes; LANES], &input, &mut out).expect("a kernel");
            assert_eq!(failed, [false; LANES]);
        };
        let words = |lanes: &PrivateLanes| {
            let numbers = [&lanes.p, &lanes.q].into_iter().flat_map(|h| [&h.m, &h.r2, &h.words]);
            telling(numbers.chain([&lanes.qinv]).flat_map(|n| n.0))
        };
        let seen = left_behind(make, operation, words);
        assert!(seen.is_empty(), "{kernel:?}: {} words, {seen:?}", seen.len());
    }
}

/// p and q of a PKCS#8 key, by their place in the DER: behind n, e and d, 1024 bits each.
fn primes(pkcs8: &[u8]) -> Vec<u64> {
    let head = [2u8, 0x81, 0x81, 0];
    let at = |from: usize| {
        from + pkcs8[from..].windows(4).position(|w| w == head).expect("a prime") + head.len()
    };
    let p = at(0);
    let q = at(p + 128);
    let both = [&pkcs8[p..p + 128], &pkcs8[q..q + 128]].concat();
    telling(both.as_chunks::<8>().0.iter().map(|b| u64::from_be_bytes(*b)))
}

#[test]
fn generation_of_rsa_keys_leaves_no_prime() {
    for kernel in kernels() {
        let operation = |pkcs8: &mut Vec<u8>| {
            let pairs = generate_pairs(kernel, 2048, 1).expect("a pair");
            pkcs8.extend_from_slice(&pairs[0].pkcs8);
        };
        let seen = left_behind(|| Vec::with_capacity(2048), operation, |key| primes(key));
        assert!(seen.is_empty(), "{kernel:?}: {} words, {seen:?}", seen.len());
    }
}

#[test]
fn frames_of_short_messages_leave_no_key() {
    let mut secrets = vec![0u8; 16 * 32];
    ffi::random(&mut secrets);
    let make = || {
        let load = |spec: u16, secret: &[u8]| {
            let key = SecretKey::load(spec, secret).expect("a good secret");
            arena::insert(KeyBody::Secret(key)).expect("room")
        };
        let handles: Vec<_> = secrets
            .chunks(32)
            .enumerate()
            .map(|(i, s)| {
                load(if i % 2 == 0 { spec::HMAC_256 } else { spec::SYMMETRIC_DEFAULT }, s)
            })
            .collect();
        let mut frame = vec![0u8; HEADER_BYTES + handles.len() * DESCRIPTOR_BYTES];
        let put = |frame: &mut Vec<u8>, at: usize, value: usize| {
            frame[at..at + 4].copy_from_slice(&(value as u32).to_le_bytes());
        };
        put(&mut frame, 0, FRAME_MAGIC as usize);
        put(&mut frame, 4, handles.len());
        for (i, handle) in handles.iter().enumerate() {
            let d = HEADER_BYTES + i * DESCRIPTOR_BYTES;
            let operation = if i % 2 == 0 { op::MAC } else { op::GENERATE_DATA_KEY };
            put(&mut frame, d + field::op, usize::from(operation));
            put(&mut frame, d + field::status, 1);
            put(&mut frame, d + field::keySlot, handle.slot as usize);
            put(&mut frame, d + field::keyGen, handle.generation as usize);
            put(&mut frame, d + field::param, 32);
            let at = frame.len();
            put(&mut frame, d + field::in0, at);
            put(&mut frame, d + field::in0 + 4, if i % 2 == 0 { 32 } else { 0 });
            put(&mut frame, d + field::out, at + 32);
            put(&mut frame, d + field::outCap, 128);
            frame.resize(at + 32 + 128, 1);
        }
        let used = frame.len();
        put(&mut frame, 8, used);
        (frame, handles)
    };
    let words = |(frame, handles): &(Vec<u8>, Vec<arena::Handle>)| {
        let mut words: Vec<u64> =
            secrets.as_chunks::<8>().0.iter().map(|b| u64::from_le_bytes(*b)).collect();
        for (i, handle) in handles.iter().enumerate() {
            let d = HEADER_BYTES + i * DESCRIPTOR_BYTES;
            assert_eq!(frame[d + field::status..d + field::status + 4], [0; 4]);
            let at = d + field::out;
            let out = u32::from_le_bytes(frame[at..at + 4].try_into().expect("4 bytes")) as usize;
            // A data key, or a MAC: secret until it is given out.
            let bytes = frame[out..out + 32].as_chunks::<8>().0;
            words.extend(bytes.iter().map(|b| u64::from_le_bytes(*b)));
            arena::free(handle.slot, handle.generation);
        }
        telling(words)
    };
    let run = |state: &mut (Vec<u8>, Vec<arena::Handle>)| {
        assert_eq!(run_frame(&mut state.0), Status::Ok);
    };
    let seen = left_behind(make, run, words);
    assert!(seen.is_empty(), "{seen:?}");
}
