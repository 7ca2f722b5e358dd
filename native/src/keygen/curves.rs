//! Key pairs of elliptic curves, many at a time: fresh scalars by rejection (FIPS 186-5, A.2.2), or
//! seeds (RFC 8032, 5.1.5), and their public points from the eight-lane kernels.
use crate::break_even::Row;
use crate::cpu;
use crate::ec::batch::{self, CurveName, Kernels};
use crate::ec::{PublicJob, ed25519, scalar};
use crate::ffi::{self, GeneratedPair};
use crate::field::{WORDS, Words};
use crate::frame::{Status, spec};
use crate::symmetric::RandomPool;
use zeroize::{Zeroize, Zeroizing};

/// `count` pairs of a curve, each with its own outcome: as many on the kernels as is worth it, the
/// others one by one.
pub fn generate_many(key_spec: u16, count: usize) -> Vec<Result<GeneratedPair, Status>> {
    generate_with(Kernels::of_class(cpu::class().0), key_spec, count)
}

pub(super) fn generate_with(
    kernels: Option<Kernels>,
    key_spec: u16,
    count: usize,
) -> Vec<Result<GeneratedPair, Status>> {
    let mut pairs = Vec::with_capacity(count);
    if let (Some(kernels), Some(row)) = (kernels, Row::make(key_spec)) {
        let many = row.break_even(kernels.class()).batched(count);
        match CurveName::of_spec(key_spec) {
            _ if many == 0 => {}
            Some(curve) => weierstrass(kernels, curve, many, &mut pairs),
            None => edwards(kernels, many, &mut pairs),
        }
    }
    while pairs.len() < count {
        pairs.push(one(key_spec));
    }
    pairs
}

fn one(key_spec: u16) -> Result<GeneratedPair, Status> {
    match key_spec {
        spec::ECC_NIST_EDWARDS25519 => ffi::generate_ed25519(),
        _ => ffi::generate_ec(key_spec),
    }
}

type Outcomes = Vec<Result<GeneratedPair, Status>>;

fn weierstrass(kernels: Kernels, curve: CurveName, count: usize, pairs: &mut Outcomes) {
    let mut random = RandomPool::new(count * curve.coordinate_len());
    let mut scalars = Zeroizing::new(vec![[0; WORDS]; count]);
    scalars.iter_mut().for_each(|k| fresh(curve, k, &mut random));
    let mut jobs: Vec<_> = scalars.iter().map(PublicJob::new).collect();
    batch::public(kernels, curve, &mut jobs);
    pairs.extend(jobs.iter().map(|job| match job.status {
        Status::Ok => Ok(encoded(curve, job.scalar, &job.point)),
        status => Err(status),
    }));
}

/// A scalar between 1 and n - 1, uniformly.
fn fresh(curve: CurveName, k: &mut Words, random: &mut RandomPool) {
    let mut store = Zeroizing::new([0u8; 72]);
    let bytes = &mut store[..curve.coordinate_len()];
    loop {
        random.take(bytes);
        // P-521's order has one bit of its first byte.
        if curve == CurveName::P521 {
            bytes[0] &= 1;
        }
        scalar::read_bytes(bytes, k);
        // A number that is refused says nothing about those that are not.
        if curve.has_scalar(k) {
            return;
        }
    }
}

/// DER object identifiers: id-ecPublicKey, and the named curves (RFC 5480, 2.1).
const EC_PUBLIC_KEY: &[u8] = &[6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];

fn named_curve(curve: CurveName) -> &'static [u8] {
    match curve {
        CurveName::P256 => &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7],
        CurveName::P384 => &[6, 5, 0x2b, 0x81, 4, 0, 34],
        CurveName::P521 => &[6, 5, 0x2b, 0x81, 4, 0, 35],
        CurveName::Secp256k1 => &[6, 5, 0x2b, 0x81, 4, 0, 10],
    }
}

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const SEQUENCE: u8 = 0x30;
const EXPLICIT_1: u8 = 0xa1;

/// Bytes of a value of `len` bytes with its tag and length.
const fn whole(len: usize) -> usize {
    len + if len < 128 { 2 } else { 3 }
}

/// Tag and length of a value below 256 bytes.
fn head(out: &mut Vec<u8>, tag: u8, len: usize) {
    match len {
        0..128 => out.extend([tag, len as u8]),
        _ => out.extend([tag, 0x81, len as u8]),
    }
}

/// SEQUENCE { id-ecPublicKey, curve }
fn algorithm(out: &mut Vec<u8>, curve: CurveName) {
    head(out, SEQUENCE, EC_PUBLIC_KEY.len() + named_curve(curve).len());
    out.extend(EC_PUBLIC_KEY);
    out.extend(named_curve(curve));
}

/// BIT STRING { 04 | x | y }
fn point_bits(out: &mut Vec<u8>, len: usize, point: &[Words; 2]) {
    head(out, BIT_STRING, 2 + 2 * len);
    out.extend([0, 4]);
    for coordinate in point {
        let at = out.len();
        out.resize(at + len, 0);
        scalar::to_bytes(coordinate, &mut out[at..]);
    }
}

/// PKCS#8 (RFC 5208) around ECPrivateKey (RFC 5915) with its public key, and SPKI (RFC 5480): the
/// forms that AWS-LC writes.
fn encoded(curve: CurveName, k: &Words, point: &[Words; 2]) -> GeneratedPair {
    let len = curve.coordinate_len();
    let names = whole(EC_PUBLIC_KEY.len() + named_curve(curve).len());
    let bits = whole(2 + 2 * len);
    let private = 3 + whole(len) + whole(bits);
    let content = 3 + names + whole(whole(private));
    // With all of its room from the start: a buffer that grew would leave the scalar behind.
    let mut pkcs8 = Zeroizing::new(Vec::with_capacity(whole(content)));
    head(&mut pkcs8, SEQUENCE, content);
    pkcs8.extend([INTEGER, 1, 0]);
    algorithm(&mut pkcs8, curve);
    head(&mut pkcs8, OCTET_STRING, whole(private));
    head(&mut pkcs8, SEQUENCE, private);
    pkcs8.extend([INTEGER, 1, 1]);
    head(&mut pkcs8, OCTET_STRING, len);
    let at = pkcs8.len();
    pkcs8.resize(at + len, 0);
    scalar::to_bytes(k, &mut pkcs8[at..]);
    head(&mut pkcs8, EXPLICIT_1, bits);
    point_bits(&mut pkcs8, len, point);
    let mut spki = Vec::with_capacity(whole(names + bits));
    head(&mut spki, SEQUENCE, names + bits);
    algorithm(&mut spki, curve);
    point_bits(&mut spki, len, point);
    GeneratedPair { pkcs8, spki }
}

/// DER before the seed and before the public key (RFC 8410, 7 and 4).
const ED25519_PKCS8: [u8; 16] = [0x30, 46, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 34, 4, 32];
const ED25519_SPKI: [u8; 12] = [0x30, 42, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 33, 0];

fn edwards(kernels: Kernels, count: usize, pairs: &mut Outcomes) {
    let mut seeds = Zeroizing::new(vec![[0u8; 32]; count]);
    ffi::random(seeds.as_flattened_mut());
    let mut expanded: Vec<_> = (0..count).map(|_| ed25519::Expanded::default()).collect();
    expanded.iter_mut().zip(seeds.iter()).for_each(|(expanded, seed)| expanded.set(seed));
    let mut jobs: Vec<_> = expanded.iter().map(ed25519::PublicJob::new).collect();
    ed25519::batch::public(kernels, &mut jobs);
    pairs.extend(jobs.iter().zip(seeds.iter()).map(|(job, seed)| match job.status {
        Status::Ok => Ok(GeneratedPair {
            pkcs8: Zeroizing::new([&ED25519_PKCS8[..], seed].concat()),
            spki: [&ED25519_SPKI[..], &job.public].concat(),
        }),
        status => Err(status),
    }));
    for key in &mut expanded {
        key.scalar.zeroize();
        key.prefix.zeroize();
    }
}
