//! Keys of SM2 (GM/T 0003.1) on the recommended curve (GM/T 0003.5): PKCS#8 and SPKI, the forms of
//! other elliptic-curve keys (RFC 5915, RFC 5480) with the curve's own object identifier.
use super::der::{BIT_STRING, INTEGER, OCTET_STRING, OID, Reader, SEQUENCE, put};
use crate::arena::LockedBox;
use crate::ffi::{self, GeneratedPair};
use crate::frame::Status;
use sm2::elliptic_curve::sec1::{FromSec1Point, ToSec1Point};
use sm2::elliptic_curve::{Group, PrimeField};
use sm2::{AffinePoint, FieldBytes, ProjectivePoint, Scalar, Sec1Point};
use sm3::{Digest, Sm3};
use zeroize::{Zeroize, Zeroizing};

pub const DIGEST_BYTES: usize = 32;
pub const FIELD_BYTES: usize = 32;
/// Bytes of a point: 04 | x | y.
const POINT_BYTES: usize = 1 + 2 * FIELD_BYTES;

/// id-ecPublicKey.
const KEY_TYPE: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
/// 1.2.156.10197.1.301.
const CURVE: &[u8] = &[0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x82, 0x2d];
/// The distinguishing id of the signer, where none is agreed on: its bits, then its characters.
const SIGNER: &[u8] = b"\x00\x801234567812345678";
/// a | b | x and y of the generator (GM/T 0003.5).
const CURVE_PARAMETERS: [[u8; FIELD_BYTES]; 4] = [
    unhex(b"fffffffeffffffffffffffffffffffffffffffff00000000fffffffffffffffc"),
    unhex(b"28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93"),
    unhex(b"32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7"),
    unhex(b"bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0"),
];

const fn unhex(text: &[u8; 2 * FIELD_BYTES]) -> [u8; FIELD_BYTES] {
    let mut out = [0; FIELD_BYTES];
    let mut i = 0;
    while i < text.len() {
        let digit = if text[i] <= b'9' { text[i] - b'0' } else { text[i] - b'a' + 10 };
        out[i / 2] = out[i / 2] << 4 | digit;
        i += 1;
    }
    out
}

/// What only the owner of a key knows.
#[derive(Default)]
pub struct Secret {
    /// d, in [1, n-2].
    pub scalar: Scalar,
    /// 1 / (1 + d).
    pub inverse: Scalar,
}

/// A private or public key.
pub struct Sm2Key {
    secret: Option<LockedBox<Secret>>,
    point: AffinePoint,
    /// ZA: the hash of signer and key that stands before every message.
    identity: [u8; DIGEST_BYTES],
}

impl Sm2Key {
    fn new(point: AffinePoint, secret: Option<LockedBox<Secret>>) -> Self {
        let (x, y) = coordinates(&point);
        let mut hash = Sm3::new_with_prefix(SIGNER);
        CURVE_PARAMETERS.iter().for_each(|parameter| hash.update(parameter));
        let identity = hash.chain_update(x).chain_update(y).finalize().into();
        Self { secret, point, identity }
    }

    /// Parses DER PKCS#8. `BadInput` when it is no SM2 key, or its parts do not belong together.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, Status> {
        let (scalar, public) = read_pkcs8(der).ok_or(Status::BadInput)?;
        let scalar = scalar_of(scalar).ok_or(Status::BadInput)?;
        let point = Zeroizing::new(ProjectivePoint::mul_by_generator(&scalar)).to_affine();
        let same = public.is_none_or(|public| {
            let compressed = public.len() != POINT_BYTES;
            point.to_sec1_point(compressed).as_bytes() == public
        });
        if !same {
            return Err(Status::BadInput);
        }
        // 1 + d is not zero, because d is not n-1.
        let inverse = Zeroizing::new((*scalar + Scalar::ONE).invert().unwrap_or(Scalar::ZERO));
        let secret = LockedBox::new_with(|secret: &mut Secret| {
            secret.scalar = *scalar;
            secret.inverse = *inverse;
        });
        Ok(Self::new(point, Some(secret.ok_or(Status::Exhausted)?)))
    }

    /// Parses DER SPKI. `BadPeerKey` when it is no SM2 key, or not the one encoding of it.
    pub fn from_spki(der: &[u8]) -> Result<Self, Status> {
        let point = der
            .strip_prefix(&spki_head()[..])
            .and_then(|point| point_of(point.try_into().ok()?))
            .ok_or(Status::BadPeerKey)?;
        Ok(Self::new(point, None))
    }

    pub fn is_private(&self) -> bool {
        self.secret.is_some()
    }

    /// `BadKey` for a public key.
    pub fn secret(&self) -> Result<&Secret, Status> {
        self.secret.as_deref().ok_or(Status::BadKey)
    }

    pub fn point(&self) -> &AffinePoint {
        &self.point
    }

    pub fn identity(&self) -> &[u8; DIGEST_BYTES] {
        &self.identity
    }

    /// The key in the one form in which private keys are kept.
    pub fn pair(&self) -> Result<GeneratedPair, Status> {
        Ok(write(&self.secret()?.scalar, &self.point))
    }
}

/// A fresh pair.
pub fn generate() -> GeneratedPair {
    let scalar = random_scalar();
    let point = Zeroizing::new(ProjectivePoint::mul_by_generator(&scalar)).to_affine();
    write(&scalar, &point)
}

/// A random scalar in [1, n-2], by rejection.
pub fn random_scalar() -> Zeroizing<Scalar> {
    let mut bytes = Zeroizing::new([0u8; FIELD_BYTES]);
    loop {
        ffi::random(&mut bytes[..]);
        if let Some(scalar) = scalar_of(&bytes) {
            return scalar;
        }
    }
}

/// The scalar of big-endian bytes; None unless it is in [1, n-2].
fn scalar_of(bytes: &[u8; FIELD_BYTES]) -> Option<Zeroizing<Scalar>> {
    let mut copy = FieldBytes::from(*bytes);
    let scalar = Scalar::from_repr(copy).into_option().map(Zeroizing::new);
    copy.zeroize();
    let scalar = scalar?;
    let last = (*scalar + Scalar::ONE).is_zero();
    (!bool::from(scalar.is_zero() | last)).then_some(scalar)
}

/// x and y of a point that is not at infinity.
pub fn coordinates(point: &AffinePoint) -> ([u8; FIELD_BYTES], [u8; FIELD_BYTES]) {
    let mut encoded = point.to_sec1_point(false);
    let (mut x, mut y) = ([0; FIELD_BYTES], [0; FIELD_BYTES]);
    if let [_, rest @ ..] = encoded.as_bytes()
        && rest.len() == 2 * FIELD_BYTES
    {
        x.copy_from_slice(&rest[..FIELD_BYTES]);
        y.copy_from_slice(&rest[FIELD_BYTES..]);
    }
    encoded.zeroize();
    (x, y)
}

/// The point of 04 | x | y; None when it is none of the curve.
pub fn point_of(encoded: &[u8; POINT_BYTES]) -> Option<AffinePoint> {
    if encoded[0] != 4 {
        return None;
    }
    AffinePoint::from_sec1_point(&Sec1Point::from_bytes(encoded).ok()?).into_option()
}

/// The scalar, and the public key where there is one, encoded in some form.
#[allow(clippy::type_complexity)]
fn read_pkcs8(der: &[u8]) -> Option<(&[u8; FIELD_BYTES], Option<&[u8]>)> {
    let mut reader = Reader(der);
    let mut info = reader.sequence()?;
    reader.end()?;
    let version = info.element(INTEGER)?;
    let mut algorithm = info.sequence()?;
    let named = algorithm.element(OID)? == KEY_TYPE && algorithm.element(OID)? == CURVE;
    algorithm.end()?;
    let mut inner = Reader(info.element(OCTET_STRING)?);
    // Attributes may follow, which say nothing of the key.
    let mut key = inner.sequence()?;
    inner.end()?;
    let inner_version = key.element(INTEGER)?;
    let scalar = key.element(OCTET_STRING)?.try_into().ok()?;
    let mut parameters_fit = true;
    if key.is_next(0xa0) {
        let mut parameters = Reader(key.element(0xa0)?);
        parameters_fit = parameters.element(OID)? == CURVE;
        parameters.end()?;
    }
    let mut public = None;
    if key.is_next(0xa1) {
        let mut outer = Reader(key.element(0xa1)?);
        public = Some(outer.element(BIT_STRING)?.strip_prefix(&[0])?);
        outer.end()?;
    }
    key.end()?;
    (named && parameters_fit && matches!(version, [0 | 1]) && inner_version == [1])
        .then_some((scalar, public))
}

fn algorithm_identifier() -> Vec<u8> {
    let mut content = Vec::new();
    put(&mut content, OID, KEY_TYPE);
    put(&mut content, OID, CURVE);
    let mut out = Vec::new();
    put(&mut out, SEQUENCE, &content);
    out
}

/// All of an SPKI before its point.
fn spki_head() -> Vec<u8> {
    let mut out = spki_of(&[0; POINT_BYTES]);
    out.truncate(out.len() - POINT_BYTES);
    out
}

fn spki_of(point: &[u8; POINT_BYTES]) -> Vec<u8> {
    let mut content = algorithm_identifier();
    put(&mut content, BIT_STRING, &[&[0][..], point].concat());
    let mut out = Vec::new();
    put(&mut out, SEQUENCE, &content);
    out
}

/// PKCS#8 with the public key, and SPKI. Buffers that hold the scalar have room from the start, so
/// that no copy is left behind where they grow.
fn write(scalar: &Scalar, point: &AffinePoint) -> GeneratedPair {
    let mut encoded = [4u8; POINT_BYTES];
    let (x, y) = coordinates(point);
    encoded[1..=FIELD_BYTES].copy_from_slice(&x);
    encoded[1 + FIELD_BYTES..].copy_from_slice(&y);
    let mut public = Vec::new();
    put(&mut public, BIT_STRING, &[&[0][..], &encoded].concat());
    let room = || Zeroizing::new(Vec::with_capacity(256));
    let mut key = room();
    put(&mut key, INTEGER, &[1]);
    put(&mut key, OCTET_STRING, &Zeroizing::new(<[u8; FIELD_BYTES]>::from(scalar.to_repr()))[..]);
    put(&mut key, 0xa1, &public);
    let mut sequence = room();
    put(&mut sequence, SEQUENCE, &key);
    let mut info = room();
    put(&mut info, INTEGER, &[0]);
    info.extend_from_slice(&algorithm_identifier());
    put(&mut info, OCTET_STRING, &sequence);
    let mut pkcs8 = room();
    put(&mut pkcs8, SEQUENCE, &info);
    GeneratedPair { pkcs8, spki: spki_of(&encoded) }
}
