//! SM2DSA (GM/T 0003.2; draft-shen-sm2-ecdsa-02, section 5) with SM3 and the distinguishing id that
//! AWS KMS uses. Signatures are DER: SEQUENCE { INTEGER r, INTEGER s }.
use super::der::{Reader, SEQUENCE, put, put_unsigned};
use super::key::{DIGEST_BYTES, Sm2Key, coordinates};
use crate::ffi::{self, Hash};
use crate::frame::Status;
use crate::symmetric::{HmacState, MAC_MAX};
use sm2::elliptic_curve::ops::{LinearCombination, Reduce};
use sm2::elliptic_curve::{Group, PrimeField};
use sm2::{FieldBytes, ProjectivePoint, Scalar};
use sm3::{Digest, Sm3};
use zeroize::{Zeroize, Zeroizing};

/// Bytes of the longest signature.
pub const SIGNATURE_MAX: usize = 2 + 2 * (2 + 33);
/// Bytes of fresh randomness per nonce.
const EXTRA_BYTES: usize = 32;

/// What is signed: SM3(ZA | message), or a digest that is that already. `BadInput` for a digest of
/// another length.
pub fn digest_of(
    key: &Sm2Key,
    message: &[u8],
    is_digest: bool,
) -> Result<[u8; DIGEST_BYTES], Status> {
    if is_digest {
        return message.try_into().map_err(|_| Status::BadInput);
    }
    Ok(Sm3::new_with_prefix(key.identity()).chain_update(message).finalize().into())
}

/// `digest` as a number below the order.
fn reduced(digest: &[u8; DIGEST_BYTES]) -> Scalar {
    Scalar::reduce(&FieldBytes::from(*digest))
}

/// Signs `digest`; the length of what was written.
pub fn sign(key: &Sm2Key, digest: &[u8; DIGEST_BYTES], out: &mut [u8]) -> Result<usize, Status> {
    let secret = key.secret()?;
    let e = reduced(digest);
    let mut nonces = Nonces::new(&secret.scalar, digest);
    // A nonce that cannot be used comes once in 2^255.
    for _ in 0..8 {
        let nonce = nonces.next();
        let point = ProjectivePoint::mul_by_generator(&nonce);
        let (x, _) = coordinates(&point.to_affine());
        let r = e + Scalar::reduce(&FieldBytes::from(x));
        let mut minuend = *nonce - r * secret.scalar;
        let s = secret.inverse * minuend;
        minuend.zeroize();
        let unusable = r.is_zero() | s.is_zero() | (r + *nonce).is_zero();
        if bool::from(unusable) {
            continue;
        }
        let signature = encode(&r, &s);
        let out = out.get_mut(..signature.len()).ok_or(Status::OutTooSmall)?;
        out.copy_from_slice(&signature);
        return Ok(signature.len());
    }
    Err(Status::Internal)
}

fn encode(r: &Scalar, s: &Scalar) -> Vec<u8> {
    let mut body = Vec::with_capacity(SIGNATURE_MAX);
    put_unsigned(&mut body, &r.to_repr().into());
    put_unsigned(&mut body, &s.to_repr().into());
    let mut signature = Vec::with_capacity(SIGNATURE_MAX);
    put(&mut signature, SEQUENCE, &body);
    signature
}

/// `InvalidSignature` when it is none of `digest` by that key, or not the one encoding of it.
pub fn verify(key: &Sm2Key, digest: &[u8; DIGEST_BYTES], signature: &[u8]) -> Result<(), Status> {
    let verified = || {
        let mut reader = Reader(signature);
        let mut body = reader.sequence()?;
        reader.end()?;
        let r = nonzero(&body.unsigned()?)?;
        let s = nonzero(&body.unsigned()?)?;
        body.end()?;
        let t = r + s;
        let terms = [(ProjectivePoint::GENERATOR, s), (ProjectivePoint::from(*key.point()), t)];
        let point = ProjectivePoint::lincomb(&terms);
        if bool::from(t.is_zero() | point.is_identity()) {
            return None;
        }
        let (x, _) = coordinates(&point.to_affine());
        (r == reduced(digest) + Scalar::reduce(&FieldBytes::from(x))).then_some(())
    };
    verified().ok_or(Status::InvalidSignature)
}

fn nonzero(bytes: &[u8; 32]) -> Option<Scalar> {
    let value = Scalar::from_repr(FieldBytes::from(*bytes)).into_option()?;
    (!bool::from(value.is_zero())).then_some(value)
}

/// Nonces: RFC 6979, section 3.2, by HMAC-SHA-256, with fresh randomness as the additional data of
/// section 3.6.
struct Nonces {
    key: Zeroizing<[u8; 32]>,
    value: Zeroizing<[u8; 32]>,
}

impl Nonces {
    fn new(secret: &Scalar, digest: &[u8; DIGEST_BYTES]) -> Self {
        let mut state = Self { key: Zeroizing::new([0; 32]), value: Zeroizing::new([1; 32]) };
        let mut seed = Zeroizing::new([0u8; 32 + DIGEST_BYTES + EXTRA_BYTES]);
        let mut scalar: [u8; 32] = secret.to_repr().into();
        seed[..32].copy_from_slice(&scalar);
        scalar.zeroize();
        let reduced: [u8; 32] = reduced(digest).to_repr().into();
        seed[32..64].copy_from_slice(&reduced);
        ffi::random(&mut seed[64..]);
        state.update(0, &seed[..]);
        state.update(1, &seed[..]);
        state
    }

    fn update(&mut self, round: u8, seed: &[u8]) {
        let mut message = Zeroizing::new(vec![0u8; 33 + seed.len()]);
        message[..32].copy_from_slice(&self.value[..]);
        message[32] = round;
        message[33..].copy_from_slice(seed);
        self.key = hmac(&self.key, &message);
        self.value = hmac(&self.key, &self.value[..]);
    }

    /// A scalar in [1, n-1].
    fn next(&mut self) -> Zeroizing<Scalar> {
        loop {
            self.value = hmac(&self.key, &self.value[..]);
            let candidate = nonzero(&self.value).map(Zeroizing::new);
            // Also after one that is in range, for the next that may be asked for.
            self.update(0, &[]);
            if let Some(nonce) = candidate {
                return nonce;
            }
        }
    }
}

fn hmac(key: &[u8; 32], message: &[u8]) -> Zeroizing<[u8; 32]> {
    let mut state = HmacState::EMPTY;
    state.set_key(Hash::Sha256, key);
    let mut mac = Zeroizing::new([0u8; MAC_MAX]);
    state.mac(message, &mut mac);
    state.zeroize();
    let mut out = Zeroizing::new([0u8; 32]);
    out.copy_from_slice(&mac[..32]);
    out
}
