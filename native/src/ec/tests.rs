//! Kernels of every class against RFC 6979, AWS-LC and libsecp256k1.
use super::batch::{self, CurveName, Kernels};
use super::curve::{Curve, NistP256, NistP384, NistP521, Secp256k1};
use super::scalar::{from_bytes, to_bytes};
use super::{AgreeJob, Nonces, PublicJob, SignJob, VerifyJob, der};
use crate::ffi::{self, AsymmetricKey};
use crate::field::tests::{Random, modulo, times};
use crate::field::{Prime, WORDS, Words, bits, subtract, sum};
use crate::frame::{Status, spec};

const POINT: [Words; 2] = [[0; WORDS]; 2];

fn spec_of(curve: CurveName) -> u16 {
    match curve {
        CurveName::P256 => spec::ECC_NIST_P256,
        CurveName::P384 => spec::ECC_NIST_P384,
        CurveName::P521 => spec::ECC_NIST_P521,
        CurveName::Secp256k1 => spec::ECC_SECG_P256K1,
    }
}

fn order(curve: CurveName) -> Words {
    match curve {
        CurveName::P256 => <<NistP256 as Curve>::Order as Prime>::VALUE,
        CurveName::P384 => <<NistP384 as Curve>::Order as Prime>::VALUE,
        CurveName::P521 => <<NistP521 as Curve>::Order as Prime>::VALUE,
        CurveName::Secp256k1 => <<Secp256k1 as Curve>::Order as Prime>::VALUE,
    }
}

fn digest_len(curve: CurveName) -> usize {
    match curve {
        CurveName::P384 => 48,
        CurveName::P521 => 64,
        _ => 32,
    }
}

fn small(x: u64) -> Words {
    let mut out = [0; WORDS];
    out[0] = x;
    out
}

fn tlv(tag: u8, body: &[u8]) -> Vec<u8> {
    let len = body.len();
    let mut out = vec![tag];
    match len {
        0..=0x7f => out.push(len as u8),
        0x80..=0xff => out.extend([0x81, len as u8]),
        _ => out.extend([0x82, (len >> 8) as u8, len as u8]),
    }
    out.extend(body);
    out
}

fn algorithm(curve: CurveName) -> Vec<u8> {
    let oid: &[u8] = match curve {
        CurveName::P256 => &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7],
        CurveName::P384 => &[0x2b, 0x81, 4, 0, 34],
        CurveName::P521 => &[0x2b, 0x81, 4, 0, 35],
        CurveName::Secp256k1 => &[0x2b, 0x81, 4, 0, 10],
    };
    let key = tlv(6, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1]);
    tlv(0x30, &[key, tlv(6, oid)].concat())
}

fn bytes_of(value: &Words, len: usize) -> Vec<u8> {
    let mut out = vec![0; len];
    to_bytes(value, &mut out);
    out
}

fn private_key(curve: CurveName, d: &Words) -> AsymmetricKey {
    let scalar = tlv(4, &bytes_of(d, curve.len()));
    let key = tlv(0x30, &[tlv(2, &[1]), scalar].concat());
    let der = tlv(0x30, &[tlv(2, &[0]), algorithm(curve), tlv(4, &key)].concat());
    AsymmetricKey::from_pkcs8(spec_of(curve), &der).expect("a key")
}

fn public_key(curve: CurveName, point: &[Words; 2]) -> Result<AsymmetricKey, Status> {
    let (x, y) = (bytes_of(&point[0], curve.len()), bytes_of(&point[1], curve.len()));
    let bits = tlv(3, &[vec![0, 4], x, y].concat());
    AsymmetricKey::from_spki(spec_of(curve), &tlv(0x30, &[algorithm(curve), bits].concat()))
}

fn point_of(key: &AsymmetricKey) -> [Words; 2] {
    let bytes = ffi::public_point(key).expect("a point");
    let len = (bytes.len() - 1) / 2;
    [from_bytes(&bytes[1..=len]), from_bytes(&bytes[1 + len..])]
}

fn inverse(x: &Words, p: &Words) -> Words {
    let (exponent, _) = subtract(p, &small(2));
    let mut out = small(1);
    for i in (0..521).rev() {
        out = times(&out, &out, p);
        if bits(&exponent, i, 1) == 1 {
            out = times(&out, x, p);
        }
    }
    out
}

/// Scalars at the edges, those whose last digit meets P = Q among them, then random ones.
fn scalars(random: &mut Random, curve: CurveName, count: usize) -> Vec<Words> {
    let n = order(curve);
    let mut all: Vec<Words> = (1..=4).map(small).collect();
    // n - 2|d| for every digit of both widths: the last addition may double.
    all.extend((1..130).map(|i| subtract(&n, &small(i)).0));
    for window in [5, 6] {
        let top = (n.iter().enumerate().rev().find(|(_, w)| **w != 0))
            .map_or(0, |(i, w)| 64 * i as u32 + 63 - w.leading_zeros());
        let at = top / window * window;
        // k = n - 2 * (n mod 2^at), the comb's doubling in the top window.
        let mut low = n;
        for i in at..576 {
            low[(i / 64) as usize] &= !(1 << (i % 64));
        }
        let (k, negative) = subtract(&n, &sum(&low, &low));
        if !negative {
            all.push(k);
            all.push(subtract(&n, &k).0);
        }
    }
    for i in [5, 6, 51, 52, 63, 64, 65, 104, 128, 200, 255] {
        let mut x = [0; WORDS];
        x[i / 64] = 1 << (i % 64);
        all.push(modulo(x, &n));
        all.push(modulo(subtract(&x, &small(1)).0, &n));
        all.push(modulo(subtract(&n, &modulo(x, &n)).0, &n));
    }
    all.retain(|x| *x != [0; WORDS]);
    while all.len() < count {
        all.push(modulo(std::array::from_fn(|_| random.word()), &n));
    }
    all
}

fn count() -> usize {
    std::env::var("JOBS").ok().and_then(|n| n.parse().ok()).unwrap_or(700)
}

fn digest(random: &mut Random, len: usize) -> Vec<u8> {
    (0..len).map(|_| random.word() as u8).collect()
}

fn words(hex: &str) -> Words {
    crate::field::words(hex)
}

#[test]
fn rfc6979_signatures() {
    let vectors = [
        (
            CurveName::P256,
            "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721",
            "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716",
            "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
        ),
        (
            CurveName::P384,
            "6b9d3dad2e1b8c1c05b19875b6659f4de23c3b667bf297ba9aa47740787137d896d5724e4c70a825f872c9ea60d2edf5",
            "94edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c81a648152e44acf96e36dd1e80fabe46",
            "99ef4aeb15f178cea1fe40db2603138f130e740a19624526203b6351d0a3a94fa329c145786e679e7b82c71a38628ac8",
        ),
        (
            CurveName::P521,
            "00fad06daa62ba3b25d2fb40133da757205de67f5bb0018fee8c86e1b68c7e75caa896eb32f1f47c70855836a6d16fcc1466f6d8fbec67db89ec0c08b0e996b83538",
            "00c328fafcbd79dd77850370c46325d987cb525569fb63c5d3bc53950e6d4c5f174e25a1ee9017b5d450606add152b534931d7d4e8455cc91f9b15bf05ec36e377fa",
            "00617cce7cf5064806c467f678d3b4080d6f1cc50af26ca209417308281b68af282623eaa63e5b5c0723d8b8c37ff0777b1a20f8ccb1dccc43997f1ee0e44da4a67a",
        ),
    ];
    for kernels in Kernels::all() {
        for (curve, x, r, s) in vectors {
            let hash = match curve {
                CurveName::P384 => ffi::Hash::Sha384,
                CurveName::P521 => ffi::Hash::Sha512,
                _ => ffi::Hash::Sha256,
            };
            let mut out = [0; 64];
            hash.digest(b"sample", &mut out);
            let x = words(x);
            let mut jobs = [SignJob::new(&x, &out[..digest_len(curve)])];
            batch::sign(kernels, curve, Nonces::Deterministic, &mut jobs);
            assert_eq!(jobs[0].status, Status::Ok);
            let signature = &jobs[0].signature[..jobs[0].len];
            let got = match curve {
                CurveName::P256 => der::read::<NistP256>(signature),
                CurveName::P384 => der::read::<NistP384>(signature),
                _ => der::read::<NistP521>(signature),
            };
            assert_eq!(got, Some((words(r), words(s))), "{} {curve:?}", kernels.name());
        }
    }
}

#[test]
fn public_keys_agree_with_aws_lc() {
    let mut random = Random::new("public");
    for curve in CurveName::ALL {
        let scalars = scalars(&mut random, curve, count());
        let expect: Vec<_> = scalars.iter().map(|d| point_of(&private_key(curve, d))).collect();
        for kernels in Kernels::all() {
            let mut jobs: Vec<_> = scalars.iter().map(PublicJob::new).collect();
            batch::public(kernels, curve, &mut jobs);
            for (i, job) in jobs.iter().enumerate() {
                assert_eq!(job.status, Status::Ok, "{} {curve:?} {i}", kernels.name());
                assert_eq!(job.point, expect[i], "{} {curve:?} {:x?}", kernels.name(), scalars[i]);
            }
            println!("public, {curve:?}, {}: {} jobs agree", kernels.name(), jobs.len());
        }
    }
}

#[test]
fn scalars_out_of_range_are_refused_alone() {
    for curve in CurveName::ALL {
        let n = order(curve);
        let mut ones = [0; WORDS];
        ones[..curve.len().div_ceil(8)].fill(u64::MAX);
        let scalars = [
            small(1),
            [0; WORDS],
            n,
            small(2),
            sum(&n, &small(1)),
            ones,
            subtract(&n, &small(1)).0,
        ];
        let fits = [true, false, false, true, false, false, true];
        let digest = vec![7; digest_len(curve)];
        for kernels in Kernels::all() {
            let mut jobs: Vec<_> = scalars.iter().map(|d| SignJob::new(d, &digest)).collect();
            batch::sign(kernels, curve, Nonces::Hedged, &mut jobs);
            for (i, job) in jobs.iter().enumerate() {
                assert_eq!(job.status, if fits[i] { Status::Ok } else { Status::BadKey });
                assert_eq!(job.len == 0, !fits[i]);
                if fits[i] {
                    let key = private_key(curve, &scalars[i]);
                    let signature = &job.signature[..job.len];
                    assert_eq!(ffi::ecdsa_verify(&key, &digest, signature), Ok(()));
                }
            }
            let peer = point_of(&private_key(curve, &small(5)));
            let mut jobs: Vec<_> = scalars.iter().map(|d| AgreeJob::new(d, &peer)).collect();
            batch::agree(kernels, curve, &mut jobs);
            for (i, job) in jobs.iter().enumerate() {
                assert_eq!(job.status, if fits[i] { Status::Ok } else { Status::BadKey });
                assert_eq!(job.shared == [0; 66], !fits[i]);
            }
        }
    }
}

#[test]
fn signatures_verify_in_aws_lc_and_here() {
    let mut random = Random::new("sign");
    for curve in CurveName::ALL {
        let scalars = scalars(&mut random, curve, count());
        let keys: Vec<_> = scalars.iter().map(|d| private_key(curve, d)).collect();
        let points: Vec<_> = keys.iter().map(point_of).collect();
        let mut digests: Vec<_> =
            scalars.iter().map(|_| digest(&mut random, digest_len(curve))).collect();
        digests[1].fill(0);
        digests[2].fill(0xff);
        digests[3] = bytes_of(&order(curve), curve.len());
        digests[3].truncate(digest_len(curve));
        let mut first: Vec<Vec<u8>> = Vec::new();
        for kernels in Kernels::all() {
            for nonces in [Nonces::Hedged, Nonces::Deterministic] {
                let mut jobs: Vec<_> =
                    scalars.iter().zip(&digests).map(|(d, e)| SignJob::new(d, e)).collect();
                batch::sign(kernels, curve, nonces, &mut jobs);
                let signatures: Vec<_> =
                    jobs.iter().map(|job| job.signature[..job.len].to_vec()).collect();
                for (i, job) in jobs.iter().enumerate() {
                    assert_eq!(job.status, Status::Ok, "{} {curve:?} {i}", kernels.name());
                    let verified = ffi::ecdsa_verify(&keys[i], &digests[i], &signatures[i]);
                    assert_eq!(verified, Ok(()), "{} {curve:?} {i}", kernels.name());
                }
                if nonces == Nonces::Deterministic {
                    if first.is_empty() {
                        first.clone_from(&signatures);
                    }
                    assert_eq!(first, signatures, "classes differ");
                } else {
                    assert!(first.iter().zip(&signatures).all(|(a, b)| a != b));
                }
                check_verify(&mut random, kernels, curve, &keys, &points, &digests, &signatures);
            }
            println!("sign, verify, {curve:?}, {}: {} jobs", kernels.name(), 2 * scalars.len());
        }
        for (i, key) in keys.iter().enumerate().filter(|_| curve == CurveName::Secp256k1) {
            // libsecp256k1 follows RFC 6979 too, with low S.
            let secret = secp256k1::SecretKey::from_byte_array(
                bytes_of(&scalars[i], 32).try_into().expect("32 bytes"),
            );
            let message = digests[i].clone().try_into().expect("32 bytes");
            let message = secp256k1::Message::from_digest(message);
            let theirs = secp256k1::Secp256k1::new()
                .sign_ecdsa(message, &secret.expect("a scalar"))
                .serialize_compact();
            let ours = der::read::<Secp256k1>(&first[i]).expect("a signature");
            // Where the digest is not below n, libsecp256k1 feeds it unreduced.
            if from_bytes(&digests[i]) == modulo(from_bytes(&digests[i]), &order(curve)) {
                assert_eq!(from_bytes(&theirs[..32]), ours.0);
                let other = subtract(&order(curve), &ours.1).0;
                assert!([ours.1, other].contains(&from_bytes(&theirs[32..])));
            }
            assert!(key.is_private());
        }
    }
}

/// Good, spoiled and foreign signatures mixed: the kernels say what AWS-LC says.
fn check_verify(
    random: &mut Random,
    kernels: Kernels,
    curve: CurveName,
    keys: &[AsymmetricKey],
    points: &[[Words; 2]],
    digests: &[Vec<u8>],
    signatures: &[Vec<u8>],
) {
    let spoiled: Vec<Vec<u8>> = signatures
        .iter()
        .map(|signature| {
            let mut signature = signature.clone();
            let at = random.word() as usize % signature.len();
            match random.word() % 4 {
                0 => signature[at] ^= 1 << (random.word() % 8),
                1 => signature.truncate(at),
                2 => signature.push(0),
                _ => {}
            }
            signature
        })
        .collect();
    let mut jobs: Vec<_> =
        (0..keys.len()).map(|i| VerifyJob::new(&points[i], &digests[i], &spoiled[i])).collect();
    batch::verify(kernels, curve, &mut jobs);
    for (i, job) in jobs.iter().enumerate() {
        let expect = match ffi::ecdsa_verify(&keys[i], &digests[i], &spoiled[i]) {
            Ok(()) => Status::Ok,
            Err(status) => status,
        };
        assert_eq!(job.status, expect, "{} {curve:?} {i} {:x?}", kernels.name(), spoiled[i]);
    }
}

#[test]
fn verification_meets_equal_and_opposite_points() {
    let mut random = Random::new("edges");
    for curve in CurveName::ALL {
        let n = order(curve);
        let mut cases: Vec<([Words; 2], Vec<u8>, Vec<u8>, Status)> = Vec::new();
        let mut push = |point, e: Words, r: Words, s: Words, status| {
            let mut out = [0; der::SIGNATURE_MAX];
            let len = match curve {
                CurveName::P256 => der::write::<NistP256>(&r, &s, &mut out),
                CurveName::P384 => der::write::<NistP384>(&r, &s, &mut out),
                CurveName::P521 => der::write::<NistP521>(&r, &s, &mut out),
                CurveName::Secp256k1 => der::write::<Secp256k1>(&r, &s, &mut out),
            };
            // A digest as long as the order, so that e is any number; P-521's top bits go to waste.
            let e = if curve == CurveName::P521 { shifted(&e, 7) } else { e };
            cases.push((point, bytes_of(&e, curve.len()), out[..len].to_vec(), status));
        };
        for i in 0..6 {
            let d = modulo(std::array::from_fn(|_| random.word()), &n);
            let d = if i == 0 { small(1) } else { d };
            let u = modulo(std::array::from_fn(|_| random.word()), &n);
            let u = if i == 1 { small(1) } else { u };
            let point = point_of(&private_key(curve, &d));
            // u1 = u and u2 * d = u: the two halves are one point.
            let r = point_of(&private_key(curve, &modulo(sum(&u, &u), &n)))[0];
            let r = modulo(r, &n);
            let s = times(&times(&r, &d, &n), &inverse(&u, &n), &n);
            push(point, times(&u, &s, &n), r, s, Status::Ok);
            // u2 * d = -u: infinity.
            let s = subtract(&n, &s).0;
            push(point, times(&u, &s, &n), r, s, Status::InvalidSignature);
            // u1 = 0.
            let r = modulo(point_of(&private_key(curve, &times(&u, &d, &n)))[0], &n);
            let s = times(&r, &inverse(&u, &n), &n);
            push(point, [0; WORDS], r, s, Status::Ok);
        }
        for kernels in Kernels::all() {
            let mut jobs: Vec<_> =
                cases.iter().map(|(p, e, s, _)| VerifyJob::new(p, e, s)).collect();
            batch::verify(kernels, curve, &mut jobs);
            for (job, case) in jobs.iter().zip(&cases) {
                assert_eq!(job.status, case.3, "{} {curve:?}", kernels.name());
                let key = public_key(curve, &case.0).expect("a key");
                if case.1.len() == 32 || curve != CurveName::Secp256k1 {
                    let theirs = ffi::ecdsa_verify(&key, &case.1, &case.2);
                    assert_eq!(theirs.is_ok(), case.3 == Status::Ok);
                }
            }
        }
    }
}

fn shifted(x: &Words, left: u32) -> Words {
    let mut out = *x;
    for _ in 0..left {
        out = sum(&out, &out);
    }
    out
}

#[test]
fn agreements_agree_with_aws_lc() {
    let mut random = Random::new("agree");
    for curve in [CurveName::P256, CurveName::P384, CurveName::P521] {
        let scalars = scalars(&mut random, curve, count());
        let keys: Vec<_> = scalars.iter().map(|d| private_key(curve, d)).collect();
        let peers: Vec<_> = (0..scalars.len())
            .map(|i| {
                let mut point = point_of(&keys[(random.word() % keys.len() as u64) as usize]);
                match (i % 16, random.word() % 4) {
                    (5, 0) => point = POINT,
                    (5, 1) => point[1] = small(1),
                    (5, 2) => point[0] = [u64::MAX; WORDS],
                    (5, _) => point[1][0] ^= 1,
                    _ => {}
                }
                point
            })
            .collect();
        let expect: Vec<_> = (0..scalars.len())
            .map(|i| {
                let fits = bits(&peers[i][0], 8 * curve.len() as u32, 1) == 0;
                let peer =
                    if fits { public_key(curve, &peers[i]) } else { Err(Status::BadPeerKey) };
                let mut out = [0; 66];
                peer.and_then(|peer| ffi::ecdh(&keys[i], &peer, &mut out)).map(|_| out)
            })
            .collect();
        for kernels in Kernels::all() {
            let mut jobs: Vec<_> =
                scalars.iter().zip(&peers).map(|(d, p)| AgreeJob::new(d, p)).collect();
            batch::agree(kernels, curve, &mut jobs);
            for (i, job) in jobs.iter().enumerate() {
                let got = if job.status == Status::Ok { Ok(job.shared) } else { Err(job.status) };
                assert_eq!(got, expect[i], "{} {curve:?} {:x?}", kernels.name(), scalars[i]);
            }
            println!("agree, {curve:?}, {}: {} jobs agree", kernels.name(), jobs.len());
        }
    }
}

#[test]
fn every_partial_batch_and_lane() {
    let mut random = Random::new("partial");
    for curve in CurveName::ALL {
        let scalars = scalars(&mut random, curve, 300).split_off(200);
        let keys: Vec<_> = scalars.iter().map(|d| private_key(curve, d)).collect();
        let points: Vec<_> = keys.iter().map(point_of).collect();
        let digest = digest(&mut random, digest_len(curve));
        for kernels in Kernels::all() {
            for len in (0..=17).chain([63, 64, 65]) {
                let first = random.word() as usize % 20;
                let some = first..first + len;
                let mut jobs: Vec<_> =
                    scalars[some.clone()].iter().map(|d| SignJob::new(d, &digest)).collect();
                batch::sign(kernels, curve, Nonces::Hedged, &mut jobs);
                let signatures: Vec<_> =
                    jobs.iter().map(|job| job.signature[..job.len].to_vec()).collect();
                let bad = if len > 0 { random.word() as usize % len } else { 0 };
                let mut jobs: Vec<_> = some
                    .clone()
                    .map(|i| VerifyJob::new(&points[i], &digest, &signatures[i - first]))
                    .collect();
                if len > 1 {
                    jobs[bad].signature = &signatures[(bad + 1) % len];
                }
                batch::verify(kernels, curve, &mut jobs);
                for (i, job) in jobs.iter().enumerate() {
                    let expect =
                        if len > 1 && i == bad { Status::InvalidSignature } else { Status::Ok };
                    assert_eq!(job.status, expect, "{} {curve:?} {len} {i}", kernels.name());
                }
                let mut jobs: Vec<_> = some.clone().map(|i| PublicJob::new(&scalars[i])).collect();
                batch::public(kernels, curve, &mut jobs);
                assert!(jobs.iter().zip(some).all(|(job, i)| job.point == points[i]));
            }
        }
    }
}
