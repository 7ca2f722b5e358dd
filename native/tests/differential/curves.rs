//! ECDSA, ECDH and key pairs on every curve against AWS-LC, on secp256k1 against libsecp256k1.
use crate::ed25519::some;
use crate::lc::{Arithmetic, Bn, Group};
use crate::random::Random;
use crate::{Class, Done};
use aws_lc_sys as lc;
use keystrel_native::ec::batch::{self, CurveName};
use keystrel_native::ec::curve::{Curve, NistP256, NistP384, NistP521, Secp256k1};
use keystrel_native::ec::scalar::to_bytes;
use keystrel_native::ec::{AgreeJob, Nonces, PublicJob, SignJob, VerifyJob};
use keystrel_native::ffi::{self, AsymmetricKey};
use keystrel_native::field::{Prime, WORDS, Words, subtract, sum};
use keystrel_native::frame::{Status, spec};

type Point = [Words; 2];

fn small(x: u64) -> Words {
    std::array::from_fn(|i| if i == 0 { x } else { 0 })
}

fn name_of<C: Curve>() -> CurveName {
    match (C::LEN, C::LOW_S) {
        (48, _) => CurveName::P384,
        (66, _) => CurveName::P521,
        (_, true) => CurveName::Secp256k1,
        _ => CurveName::P256,
    }
}

fn bytes_of<C: Curve>(value: &Words) -> Vec<u8> {
    let mut out = vec![0; C::LEN];
    to_bytes(value, &mut out);
    out
}

fn words_of(bytes: &[u8]) -> Words {
    keystrel_native::ec::scalar::from_bytes(bytes)
}

fn in_range<C: Curve>(k: &Words) -> bool {
    *k != [0; WORDS] && subtract(k, &C::Order::VALUE).1
}

/// Mostly random below n; else 0, 1, 2, n - 1, n, n + 1, all ones, short, one bit, near n.
fn scalar<C: Curve>(random: &mut Random) -> Words {
    let (n, bits) = (C::Order::VALUE, C::Order::BITS);
    let ones: Words = std::array::from_fn(|i| match bits.saturating_sub(64 * i as u32) {
        0 => 0,
        left if left < 64 => (1 << left) - 1,
        _ => u64::MAX,
    });
    let value: Words = std::array::from_fn(|i| random.word() & ones[i]);
    let (less, negative) = subtract(&value, &n);
    let mut value = if negative { value } else { less };
    match random.word() % 40 {
        0 => value = [0; WORDS],
        1 => value = small(1 + random.word() % 4),
        2 => value = subtract(&n, &small(1)).0,
        3 => value = n,
        4 => value = sum(&n, &small(1)),
        5 => value[(random.word() as usize % 4)..].fill(0),
        6 => value = subtract(&n, &small(random.word() >> 40)).0,
        7 => {
            let bit = random.word() % u64::from(bits - 1);
            value = [0; WORDS];
            value[bit as usize / 64] = 1 << (bit % 64);
        }
        8 => value = ones,
        // As the last addition of the comb meets equal points.
        9 => value = subtract(&n, &small(random.word() % 130)).0,
        _ => {}
    }
    value
}

fn digest<C: Curve>(random: &mut Random) -> Vec<u8> {
    let len = C::HASH.digest_len();
    match random.word() % 16 {
        0 => vec![0; len],
        1 => vec![0xff; len],
        2 => {
            let mut n = bytes_of::<C>(&C::Order::VALUE);
            n.resize(len, 0);
            n
        }
        _ => (0..len).map(|_| random.word() as u8).collect(),
    }
}

fn secp() -> &'static secp256k1::Secp256k1<secp256k1::All> {
    static CONTEXT: std::sync::OnceLock<secp256k1::Secp256k1<secp256k1::All>> =
        std::sync::OnceLock::new();
    CONTEXT.get_or_init(secp256k1::Secp256k1::new)
}

/// The other implementation of a curve.
struct Reference {
    group: Option<Group>,
}

impl Reference {
    fn new<C: Curve>() -> Self {
        let nid = match name_of::<C>() {
            CurveName::P256 => lc::NID_X9_62_prime256v1,
            CurveName::P384 => lc::NID_secp384r1,
            CurveName::P521 => lc::NID_secp521r1,
            CurveName::Secp256k1 => return Self { group: None },
        };
        Self { group: Some(Group::new(nid)) }
    }

    /// scalar * point (or * G) for a scalar in range; None for points that are not on the curve.
    fn multiple(&self, scalar: &Words, point: Option<&Point>) -> Option<Point> {
        if let Some(group) = &self.group {
            return group.multiple(scalar, point);
        }
        let bytes: [u8; 32] = bytes_of::<Secp256k1>(scalar).try_into().ok()?;
        let product = match point {
            None => {
                let key = secp256k1::SecretKey::from_byte_array(bytes).ok()?;
                secp256k1::PublicKey::from_secret_key(secp(), &key)
            }
            Some(point) => {
                if point.iter().any(|c| !subtract(c, &<Secp256k1 as Curve>::Field::VALUE).1) {
                    return None;
                }
                let [x, y] = point.map(|c| bytes_of::<Secp256k1>(&c));
                let point = secp256k1::PublicKey::from_slice(&[&[4], &x[..], &y].concat()).ok()?;
                point.mul_tweak(secp(), &secp256k1::Scalar::from_be_bytes(bytes).ok()?).ok()?
            }
        };
        let bytes = product.serialize_uncompressed();
        Some([words_of(&bytes[1..33]), words_of(&bytes[33..])])
    }
}

fn tlv(tag: u8, body: &[u8]) -> Vec<u8> {
    let len = body.len();
    let head = match len {
        0..=0x7f => vec![tag, len as u8],
        0x80..=0xff => vec![tag, 0x81, len as u8],
        _ => vec![tag, 0x82, (len >> 8) as u8, len as u8],
    };
    [&head, body].concat()
}

/// INTEGER, as short as it goes.
fn integer(value: &Words) -> Vec<u8> {
    // Numbers are below 2^522: there is room for the zero that keeps the sign.
    let mut bytes = vec![0; 72];
    to_bytes(value, &mut bytes);
    let skip = (0..71).take_while(|i| bytes[*i] == 0 && bytes[i + 1] < 0x80).count();
    tlv(2, &bytes[skip..])
}

fn signature_of(r: &Words, s: &Words) -> Vec<u8> {
    tlv(0x30, &[integer(r), integer(s)].concat())
}

fn public_key<C: Curve>(point: &Point) -> AsymmetricKey {
    let (spec, oid): (u16, &[u8]) = match name_of::<C>() {
        CurveName::P256 => (spec::ECC_NIST_P256, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7]),
        CurveName::P384 => (spec::ECC_NIST_P384, &[0x2b, 0x81, 4, 0, 34]),
        CurveName::P521 => (spec::ECC_NIST_P521, &[0x2b, 0x81, 4, 0, 35]),
        CurveName::Secp256k1 => (spec::ECC_SECG_P256K1, &[0x2b, 0x81, 4, 0, 10]),
    };
    let key = tlv(6, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1]);
    let algorithm = tlv(0x30, &[key, tlv(6, oid)].concat());
    let point = [vec![0, 4], bytes_of::<C>(&point[0]), bytes_of::<C>(&point[1])].concat();
    let spki = tlv(0x30, &[algorithm, tlv(3, &point)].concat());
    AsymmetricKey::from_spki(spec, &spki).expect("a public key")
}

struct Key {
    scalar: Words,
    point: Point,
    public: AsymmetricKey,
}

fn keys<C: Curve>(random: &mut Random, count: usize) -> Vec<Key> {
    let reference = Reference::new::<C>();
    let scalars = std::iter::repeat_with(|| scalar::<C>(random)).filter(|d| in_range::<C>(d));
    scalars
        .take(count)
        .map(|scalar| {
            let point = reference.multiple(&scalar, None).expect("a point");
            Key { scalar, point, public: public_key::<C>(&point) }
        })
        .collect()
}

fn sign<C: Curve>(random: &mut Random, class: Class, jobs: usize) -> Done {
    let keys = keys::<C>(random, 48);
    let bad = [[0; WORDS], C::Order::VALUE, sum(&C::Order::VALUE, &small(1))];
    let mut done = Done::default();
    while done.jobs < jobs {
        let inputs: Vec<_> = (0..some(random, 130))
            .map(|_| {
                let at = random.word() as usize % (keys.len() + 1);
                (keys.get(at), bad[random.word() as usize % 3], digest::<C>(random))
            })
            .collect();
        let mut batch: Vec<_> = inputs
            .iter()
            .map(|(key, bad, digest)| SignJob::new(key.map_or(bad, |key| &key.scalar), digest))
            .collect();
        let nonces =
            if random.word().is_multiple_of(4) { Nonces::Deterministic } else { Nonces::Hedged };
        batch::sign(class.ec(), name_of::<C>(), nonces, &mut batch);
        for (job, (key, _, digest)) in batch.iter().zip(&inputs) {
            let Some(key) = key else {
                assert_eq!((job.status, job.len), (Status::BadKey, 0));
                done.refused += 1;
                continue;
            };
            assert_eq!(job.status, Status::Ok);
            let signature = &job.signature[..job.len];
            assert_eq!(ffi::ecdsa_verify(&key.public, digest, signature), Ok(()));
        }
        done.jobs += inputs.len();
    }
    done
}

/// Public point, digest, DER signature.
type Case = (Point, Vec<u8>, Vec<u8>);

/// A signature whose two halves are equal points, or opposite ones (infinity), or one of them
/// nothing.
fn special<C: Curve>(random: &mut Random, reference: &Reference) -> Case {
    let a = Arithmetic::new();
    let n = Bn::from_words(&C::Order::VALUE);
    let number = |random: &mut Random| {
        std::iter::repeat_with(|| scalar::<C>(random)).find(|k| in_range::<C>(k)).expect("endless")
    };
    let (d, u) = (number(random), number(random));
    let point = reference.multiple(&d, None).expect("a point");
    let (d, u) = (Bn::from_words(&d), Bn::from_words(&u));
    let kind = random.word() % 3;
    // The abscissa of (u + u) * G, or of u * d * G.
    let sum = if kind == 2 { a.mod_mul(&u, &d, &n) } else { a.modulo(&a.add(&u, &u), &n) };
    let total = reference.multiple(&sum.words(), None);
    let r = a.modulo(&Bn::from_words(&total.unwrap_or([small(1); 2])[0]), &n);
    let inverse = a.inverse(&u, &n).expect("n is prime");
    // u2 = r / s: u2 * d = u, or -u, or u1 = 0 and u2 = u.
    let s = match kind {
        0 => a.mod_mul(&a.mod_mul(&r, &d, &n), &inverse, &n),
        1 => a.sub(&n, &a.mod_mul(&a.mod_mul(&r, &d, &n), &inverse, &n)),
        _ => a.mod_mul(&r, &inverse, &n),
    };
    let e = if kind == 2 { Bn::of(0) } else { a.mod_mul(&u, &s, &n) };
    // As long as the order; P-521's top seven bits go to waste.
    let e = if C::LEN == 66 { a.mul(&e, &Bn::of(128)) } else { e };
    (point, e.to_be(C::LEN), signature_of(&r.words(), &s.words()))
}

/// A good signature, or one spoiled.
fn spoiled<C: Curve>(random: &mut Random, case: &Case) -> Case {
    let (mut point, mut digest, mut signature) = case.clone();
    match random.word() % 24 {
        0..=3 => {
            let i = random.word() as usize % signature.len();
            signature[i] ^= 1 << (random.word() % 8);
        }
        4 => signature.truncate(random.word() as usize % signature.len()),
        5 => signature.push(0),
        6 => digest[random.word() as usize % C::HASH.digest_len()] ^= 1 << (random.word() % 8),
        7 => point[1] = subtract(&C::Field::VALUE, &point[1]).0,
        8 => point = [C::GX, C::GY],
        9 => signature = signature_of(&scalar::<C>(random), &scalar::<C>(random)),
        10 => signature = signature_of(&small(random.word() % 3), &C::Order::VALUE),
        _ => {}
    }
    (point, digest, signature)
}

fn verify<C: Curve>(random: &mut Random, class: Class, jobs: usize) -> Done {
    let reference = Reference::new::<C>();
    let keys = keys::<C>(random, 24);
    let inputs: Vec<_> =
        (0..128).map(|_| (&keys[random.word() as usize % 24], digest::<C>(random))).collect();
    let mut signed: Vec<_> = inputs.iter().map(|(key, e)| SignJob::new(&key.scalar, e)).collect();
    batch::sign(class.ec(), name_of::<C>(), Nonces::Hedged, &mut signed);
    let good: Vec<Case> = signed
        .iter()
        .zip(&inputs)
        .map(|(job, (key, e))| (key.point, e.clone(), job.signature[..job.len].to_vec()))
        .collect();
    let mut done = Done::default();
    while done.jobs < jobs {
        let cases: Vec<Case> = (0..some(random, 130))
            .map(|_| {
                let at = random.word() as usize;
                match at % 32 {
                    0 => special::<C>(random, &reference),
                    _ => spoiled::<C>(random, &good[at / 32 % good.len()]),
                }
            })
            .collect();
        let mut batch: Vec<_> = cases.iter().map(|(q, e, s)| VerifyJob::new(q, e, s)).collect();
        batch::verify(class.ec(), name_of::<C>(), &mut batch);
        for (job, (point, digest, signature)) in batch.iter().zip(&cases) {
            let known = keys.iter().find(|key| key.point == *point);
            let theirs = match known {
                Some(key) => ffi::ecdsa_verify(&key.public, digest, signature),
                None => ffi::ecdsa_verify(&public_key::<C>(point), digest, signature),
            };
            let want = theirs.map_or_else(|status| status, |()| Status::Ok);
            assert_eq!(job.status, want, "{point:x?} {digest:x?} {signature:x?}");
            done.refused += usize::from(want != Status::Ok);
        }
        done.jobs += cases.len();
    }
    done
}

fn agree<C: Curve>(random: &mut Random, class: Class, jobs: usize) -> Done {
    let reference = Reference::new::<C>();
    let known: Vec<Point> = keys::<C>(random, 24).iter().map(|key| key.point).collect();
    let mut done = Done::default();
    while done.jobs < jobs {
        let inputs: Vec<(Words, Point)> = (0..some(random, 130))
            .map(|_| {
                let mut point = known[random.word() as usize % known.len()];
                match random.word() % 32 {
                    0 => point[0] = sum(&point[0], &small(1)),
                    1 => point[1] = subtract(&C::Field::VALUE, &point[1]).0,
                    2 => point[0] = sum(&point[0], &C::Field::VALUE),
                    3 => point = [[0; WORDS]; 2],
                    4 => point = [C::GX, C::GY],
                    5 => point[1] = C::Field::VALUE,
                    6 => point[random.word() as usize % 2][0] ^= 1 << (random.word() % 64),
                    _ => {}
                }
                (scalar::<C>(random), point)
            })
            .collect();
        let mut batch: Vec<_> = inputs.iter().map(|(d, q)| AgreeJob::new(d, q)).collect();
        batch::agree(class.ec(), name_of::<C>(), &mut batch);
        for (job, (scalar, point)) in batch.iter().zip(&inputs) {
            let shared = if in_range::<C>(scalar) {
                reference.multiple(scalar, Some(point)).ok_or(Status::BadPeerKey)
            } else {
                Err(Status::BadKey)
            };
            let expect = shared.map(|[x, _]| bytes_of::<C>(&x));
            let got = match job.status {
                Status::Ok => Ok(job.shared[..C::LEN].to_vec()),
                // Of two faults either may be named.
                Status::BadPeerKey if expect == Err(Status::BadKey) => Err(Status::BadKey),
                status => Err(status),
            };
            assert_eq!(got, expect, "{scalar:x?} {point:x?}");
            done.refused += usize::from(expect.is_err());
        }
        done.jobs += inputs.len();
    }
    done
}

fn public<C: Curve>(random: &mut Random, class: Class, jobs: usize) -> Done {
    let reference = Reference::new::<C>();
    let mut done = Done::default();
    while done.jobs < jobs {
        let scalars: Vec<Words> = (0..some(random, 130)).map(|_| scalar::<C>(random)).collect();
        let mut batch: Vec<_> = scalars.iter().map(PublicJob::new).collect();
        batch::public(class.ec(), name_of::<C>(), &mut batch);
        for (job, scalar) in batch.iter().zip(&scalars) {
            let expect = in_range::<C>(scalar).then(|| reference.multiple(scalar, None));
            let got = (job.status == Status::Ok).then_some(Some(job.point));
            assert_eq!(got, expect, "{scalar:x?}");
            assert!(expect.is_some() || job.status == Status::BadKey);
            done.refused += usize::from(expect.is_none());
        }
        done.jobs += scalars.len();
    }
    done
}

macro_rules! operations {
    ($($curve:ident: $sign:ident $verify:ident $agree:ident $public:ident;)*) => {
        $(
            operations!($sign, sign, $curve);
            operations!($verify, verify, $curve);
            operations!($agree, agree, $curve);
            operations!($public, public, $curve);
        )*
    };
    ($name:ident, $function:ident, $curve:ident) => {
        pub fn $name(random: &mut Random, class: Class, jobs: usize) -> Done {
            $function::<$curve>(random, class, jobs)
        }
    };
}

operations! {
    NistP256: sign_p256 verify_p256 agree_p256 public_p256;
    NistP384: sign_p384 verify_p384 agree_p384 public_p384;
    NistP521: sign_p521 verify_p521 agree_p521 public_p521;
    Secp256k1: sign_k256 verify_k256 agree_k256 public_k256;
}
