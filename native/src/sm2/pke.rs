//! SM2PKE (GM/T 0003.4; draft-shen-sm2-ecdsa-02, section 6) with SM3. A ciphertext is DER as in
//! GM/T 0009: SEQUENCE { INTEGER x1, INTEGER y1, OCTET STRING C3, OCTET STRING C2 }.
use super::der::{OCTET_STRING, Reader, SEQUENCE, put, put_unsigned};
use super::key::{DIGEST_BYTES, Sm2Key, coordinates, point_of, random_scalar};
use crate::frame::Status;
use sm2::elliptic_curve::Group;
use sm2::{AffinePoint, ProjectivePoint, Scalar};
use sm3::{Digest, Sm3};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// What a ciphertext has more than its plaintext, bytes: two numbers, the hash, and heads.
pub const OVERHEAD_MAX: usize = 2 * (2 + 33) + (2 + DIGEST_BYTES) + 4 + 4;
/// Bytes of the longest plaintext: what a ciphertext of 6,144 bytes may hold.
const PLAINTEXT_MAX: usize = 6144;

/// (x2, y2), which both sides know.
struct Shared {
    x: Zeroizing<[u8; 32]>,
    y: Zeroizing<[u8; 32]>,
}

impl Shared {
    fn new(point: &AffinePoint, scalar: &Scalar) -> Self {
        let shared = Zeroizing::new(ProjectivePoint::from(*point) * scalar);
        let (x, y) = coordinates(&Zeroizing::new(shared.to_affine()));
        Self { x: Zeroizing::new(x), y: Zeroizing::new(y) }
    }

    /// Masks `text` with KDF(x2 | y2); false when the whole mask was zero.
    fn mask(&self, text: &mut [u8]) -> bool {
        let mut any = 0;
        for (counter, block) in (1u32..).zip(text.chunks_mut(DIGEST_BYTES)) {
            let mut mask: Zeroizing<[u8; DIGEST_BYTES]> = Zeroizing::new([0; DIGEST_BYTES]);
            Sm3::new()
                .chain_update(&self.x[..])
                .chain_update(&self.y[..])
                .chain_update(counter.to_be_bytes())
                .finalize_into((&mut *mask).into());
            for (byte, mask) in block.iter_mut().zip(&mask[..]) {
                *byte ^= mask;
                any |= mask;
            }
        }
        any != 0
    }

    /// C3.
    fn hash(&self, plaintext: &[u8]) -> [u8; DIGEST_BYTES] {
        Sm3::new()
            .chain_update(&self.x[..])
            .chain_update(plaintext)
            .chain_update(&self.y[..])
            .finalize()
            .into()
    }
}

/// The length of the ciphertext. `BadInput` for an empty plaintext, or one that is too long.
pub fn encrypt(key: &Sm2Key, plaintext: &[u8], out: &mut [u8]) -> Result<usize, Status> {
    if plaintext.is_empty() || plaintext.len() > PLAINTEXT_MAX {
        return Err(Status::BadInput);
    }
    loop {
        let nonce = random_scalar();
        let (x, y) = coordinates(&ProjectivePoint::mul_by_generator(&nonce).to_affine());
        let shared = Shared::new(key.point(), &nonce);
        let mut masked = Zeroizing::new(plaintext.to_vec());
        // One in 256 where the plaintext is a single byte.
        if !shared.mask(&mut masked) {
            continue;
        }
        let mut body = Vec::with_capacity(plaintext.len() + OVERHEAD_MAX);
        put_unsigned(&mut body, &x);
        put_unsigned(&mut body, &y);
        put(&mut body, OCTET_STRING, &shared.hash(plaintext));
        put(&mut body, OCTET_STRING, &masked);
        let mut ciphertext = Vec::with_capacity(body.len() + 4);
        put(&mut ciphertext, SEQUENCE, &body);
        let out = out.get_mut(..ciphertext.len()).ok_or(Status::OutTooSmall)?;
        out.copy_from_slice(&ciphertext);
        return Ok(ciphertext.len());
    }
}

/// The plaintext. `InvalidCiphertext` whatever is wrong.
pub fn decrypt(key: &Sm2Key, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, Status> {
    let secret = key.secret()?;
    let (point, hash, masked) = read(ciphertext).ok_or(Status::InvalidCiphertext)?;
    let shared = Shared::new(&point, &secret.scalar);
    let mut plaintext = Zeroizing::new(masked.to_vec());
    // A mask of zeros is not refused: some of those who encrypt do not look at it, and C3 tells that
    // the plaintext is right.
    shared.mask(&mut plaintext);
    if bool::from(shared.hash(&plaintext).ct_eq(hash)) {
        Ok(plaintext)
    } else {
        Err(Status::InvalidCiphertext)
    }
}

/// C1, C3, C2.
fn read(ciphertext: &[u8]) -> Option<(AffinePoint, &[u8; DIGEST_BYTES], &[u8])> {
    let mut reader = Reader(ciphertext);
    let mut body = reader.sequence()?;
    reader.end()?;
    let (x, y) = (body.unsigned()?, body.unsigned()?);
    let hash = body.element(OCTET_STRING)?.try_into().ok()?;
    let masked = body.element(OCTET_STRING)?;
    body.end()?;
    if masked.is_empty() || masked.len() > PLAINTEXT_MAX {
        return None;
    }
    let mut encoded = [4u8; 65];
    encoded[1..33].copy_from_slice(&x);
    encoded[33..].copy_from_slice(&y);
    Some((point_of(&encoded)?, hash, masked))
}
