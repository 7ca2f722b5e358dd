//! Encodings of RFC 8017 around the multi-buffer operation: EMSA-PKCS1-v1_5 (9.2), EMSA-PSS (9.1,
//! MGF1 with the same hash, salt as long as the digest), EME-OAEP (7.1, empty label).
use crate::ffi::{self, Hash};
use crate::frame::Status;
use crate::secrecy::declassify;
use std::hint::black_box;
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// Bytes of the longest modulus.
pub const MODULUS_MAX: usize = 512;

/// DER of DigestInfo up to the digest.
fn digest_info(hash: Hash) -> Option<&'static [u8]> {
    Some(match hash {
        Hash::Sha256 => {
            b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"
        }
        Hash::Sha384 => {
            b"\x30\x41\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\x04\x30"
        }
        Hash::Sha512 => {
            b"\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40"
        }
        Hash::Sha1 | Hash::Sha224 => return None,
    })
}

/// EMSA-PKCS1-v1_5 into the whole of `em`.
pub fn pkcs1(em: &mut [u8], hash: Hash, digest: &[u8]) -> Result<(), Status> {
    let info = digest_info(hash).ok_or(Status::Unsupported)?;
    let tail = info.len() + digest.len();
    if em.len() < tail + 11 {
        return Err(Status::Unsupported);
    }
    let at = em.len() - tail;
    em[..at].fill(0xff);
    (em[0], em[1], em[at - 1]) = (0, 1, 0);
    em[at..at + info.len()].copy_from_slice(info);
    em[at + info.len()..].copy_from_slice(digest);
    Ok(())
}

/// XORs MGF1(seed) (RFC 8017, B.2.1) into `out`.
fn mask(out: &mut [u8], hash: Hash, seed: &[u8]) {
    let mut input = [0u8; MODULUS_MAX + 4];
    let mut digest = [0u8; 64];
    input[..seed.len()].copy_from_slice(seed);
    for (counter, chunk) in out.chunks_mut(hash.digest_len()).enumerate() {
        input[seed.len()..seed.len() + 4].copy_from_slice(&(counter as u32).to_be_bytes());
        hash.digest(&input[..seed.len() + 4], &mut digest);
        for (byte, pad) in chunk.iter_mut().zip(&digest) {
            *byte ^= pad;
        }
    }
    input.zeroize();
    digest.zeroize();
}

/// H of EMSA-PSS: the hash of eight zeros, the digest and the salt.
fn pss_hash(hash: Hash, digest: &[u8], salt: &[u8]) -> [u8; 64] {
    let mut input = [0u8; 8 + 64 + 64];
    input[8..8 + digest.len()].copy_from_slice(digest);
    input[8 + digest.len()..8 + digest.len() + salt.len()].copy_from_slice(salt);
    let mut out = [0u8; 64];
    hash.digest(&input[..8 + digest.len() + salt.len()], &mut out);
    out
}

/// EMSA-PSS-ENCODE into the whole of `em`, whose bits are a multiple of eight: one bit fewer is used.
pub fn pss(em: &mut [u8], hash: Hash, digest: &[u8], salt: &[u8]) -> Result<(), Status> {
    let len = hash.digest_len();
    if em.len() < len + salt.len() + 2 {
        return Err(Status::Unsupported);
    }
    let h = pss_hash(hash, digest, salt);
    let (db, tail) = em.split_at_mut(em.len() - len - 1);
    db.fill(0);
    let at = db.len() - salt.len();
    db[at - 1] = 1;
    db[at..].copy_from_slice(salt);
    mask(db, hash, &h[..len]);
    db[0] &= 0x7f;
    tail[..len].copy_from_slice(&h[..len]);
    tail[len] = 0xbc;
    Ok(())
}

/// EMSA-PSS-VERIFY of a whole `em` (used up). All inputs are public.
pub fn pss_matches(em: &mut [u8], hash: Hash, digest: &[u8]) -> bool {
    let len = hash.digest_len();
    if em.len() < 2 * len + 2 || em[em.len() - 1] != 0xbc || em[0] >> 7 != 0 {
        return false;
    }
    let (db, tail) = em.split_at_mut(em.len() - len - 1);
    mask(db, hash, &tail[..len]);
    db[0] &= 0x7f;
    let at = db.len() - len;
    let zeros = db[..at - 1].iter().all(|b| *b == 0);
    zeros && db[at - 1] == 1 && pss_hash(hash, digest, &db[at..])[..len] == tail[..len]
}

/// EME-OAEP encoding into the whole of `em`. The caller checked that the message is short enough.
pub fn oaep(em: &mut [u8], hash: Hash, message: &[u8]) {
    let len = hash.digest_len();
    em[0] = 0;
    let (seed, db) = em[1..].split_at_mut(len);
    ffi::random(seed);
    let mut label = [0u8; 64];
    hash.digest(&[], &mut label);
    db.fill(0);
    db[..len].copy_from_slice(&label[..len]);
    let at = db.len() - message.len();
    db[at - 1] = 1;
    db[at..].copy_from_slice(message);
    mask(db, hash, seed);
    mask(seed, hash, db);
}

/// EME-OAEP decoding (uses up `em`): the message moves to the front of `out`, which is as long as
/// `em`. Constant time in the contents of `em`, but for the length of the message when it is good;
/// all failures are alike.
pub fn oaep_open(em: &mut [u8], hash: Hash, out: &mut [u8]) -> Result<usize, Status> {
    let len = hash.digest_len();
    let (first, rest) = em.split_at_mut(1);
    let (seed, db) = rest.split_at_mut(len);
    mask(seed, hash, db);
    mask(db, hash, seed);
    let mut label = [0u8; 64];
    hash.digest(&[], &mut label);
    let mut good = db[..len].ct_eq(&label[..len]) & first[0].ct_eq(&0);
    // Where the first 1 stands behind zeros only.
    let mut looking = subtle::Choice::from(1);
    let mut at = 0u32;
    for (i, byte) in db.iter().enumerate().skip(len) {
        let one = byte.ct_eq(&1);
        let here = looking & one;
        at |= (i as u32 + 1) & u32::from(here.unwrap_u8()).wrapping_neg();
        looking &= !one;
        good &= !(looking & !byte.ct_eq(&0));
    }
    good &= !looking;
    if declassify(black_box(good.unwrap_u8())) == 0 {
        return Err(Status::InvalidCiphertext);
    }
    let message = &db[declassify(at) as usize..];
    out[..message.len()].copy_from_slice(message);
    Ok(message.len())
}
