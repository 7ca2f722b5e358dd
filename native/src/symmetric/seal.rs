//! Encryption under a one-time key (SP 800-108 KDF, then AES-256-GCM):
//!
//! ```text
//! sealed = nonce (16) | IV (12) | ciphertext | tag (16)
//! K'     = HMAC-SHA-256(K, [1]_32 | "keystrel/enc/v1" | 00 | nonce | [256]_32)
//! ```
//! A 128-bit random nonce per message derives a fresh key, so no key has a limit on messages.
use super::{RandomPool, SecretKey, hmac::MAC_MAX};
use crate::ffi::Aes256Gcm;
use crate::frame::{KDF_LABEL, SEAL_OVERHEAD_BYTES, Status};
use zeroize::{Zeroize, Zeroizing};

const NONCE: usize = 16;
const IV: usize = 12;
/// Counter, label, zero byte, nonce, length.
pub const KDF_INPUT: usize = 4 + KDF_LABEL.len() + 1 + NONCE + 4;

/// The fixed input of the KDF.
pub fn kdf_input(nonce: &[u8; NONCE]) -> [u8; KDF_INPUT] {
    let mut input = [0u8; KDF_INPUT];
    input[3] = 1;
    input[4..4 + KDF_LABEL.len()].copy_from_slice(KDF_LABEL);
    input[KDF_INPUT - 20..KDF_INPUT - 4].copy_from_slice(nonce);
    input[KDF_INPUT - 4..].copy_from_slice(&256u32.to_be_bytes());
    input
}

/// Where the nonce begins in the words of `kdf_words`.
#[cfg(target_arch = "x86_64")]
pub const NONCE_WORD: usize = 5;

/// `kdf_input` as the single block of SHA-256 that follows HMAC's inner pad, in words.
#[cfg(target_arch = "x86_64")]
pub fn kdf_words(nonce: &[u8; NONCE]) -> [u32; 16] {
    const FIXED: [u32; 16] = {
        let mut words = [0u32; 16];
        words[0] = 1;
        let mut i = 0;
        while i < KDF_LABEL.len() {
            words[1 + i / 4] |= (KDF_LABEL[i] as u32) << (24 - 8 * (i % 4));
            i += 1;
        }
        words[9] = 256;
        words[10] = 0x8000_0000;
        words[15] = 8 * (64 + KDF_INPUT as u32);
        words
    };
    // Counter, label and zero byte fill five words, so that the nonce begins on a word.
    const { assert!(KDF_INPUT == 40 && KDF_LABEL.len() == 15) };
    let mut words = FIXED;
    for (word, bytes) in words[NONCE_WORD..].iter_mut().zip(nonce.as_chunks::<4>().0) {
        *word = u32::from_be_bytes(*bytes);
    }
    words
}

fn derive(key: &SecretKey, nonce: &[u8; NONCE]) -> Zeroizing<[u8; 32]> {
    let mut mac = [0u8; MAC_MAX];
    key.hmac().mac(&kdf_input(nonce), &mut mac);
    let mut derived = Zeroizing::new([0u8; 32]);
    derived.copy_from_slice(&mac[..32]);
    mac.zeroize();
    derived
}

/// header | context, the additional data of the AEAD; borrowed where one of them is empty.
fn aad<'a>(header: &'a [u8], context: &'a [u8], both: &'a mut Vec<u8>) -> &'a [u8] {
    if context.is_empty() {
        return header;
    }
    if header.is_empty() {
        return context;
    }
    both.extend_from_slice(header);
    both.extend_from_slice(context);
    both
}

/// Writes header | sealed(plaintext) to `out`; returns its length.
pub fn seal(
    key: &SecretKey,
    random: &mut RandomPool,
    header: &[u8],
    context: &[u8],
    plaintext: &[u8],
    out: &mut [u8],
) -> Result<usize, Status> {
    let len = header.len() + plaintext.len() + SEAL_OVERHEAD_BYTES;
    let out = out.get_mut(..len).ok_or(Status::OutTooSmall)?;
    let mut fresh = [0u8; NONCE + IV];
    random.take(&mut fresh);
    let (nonce, iv) = fresh.split_first_chunk::<NONCE>().ok_or(Status::Internal)?;
    let iv: &[u8; IV] = iv.try_into().map_err(|_| Status::Internal)?;
    let cipher = Aes256Gcm::new(&derive(key, nonce))?;
    let mut both = Vec::new();
    let (head, rest) = out.split_at_mut(header.len());
    head.copy_from_slice(header);
    let (front, body) = rest.split_at_mut(NONCE + IV);
    front.copy_from_slice(&fresh);
    cipher.seal(iv, aad(header, context, &mut both), plaintext, body)?;
    Ok(len)
}

/// Opens header | sealed; returns the plaintext's length. `InvalidCiphertext` whatever is wrong.
pub fn open(
    key: &SecretKey,
    header: &[u8],
    context: &[u8],
    blob: &[u8],
    out: &mut [u8],
) -> Result<usize, Status> {
    let sealed = blob.strip_prefix(header).ok_or(Status::InvalidCiphertext)?;
    let len = sealed.len().checked_sub(SEAL_OVERHEAD_BYTES).ok_or(Status::InvalidCiphertext)?;
    let out = out.get_mut(..len).ok_or(Status::OutTooSmall)?;
    let (nonce, rest) = sealed.split_first_chunk::<NONCE>().ok_or(Status::InvalidCiphertext)?;
    let (iv, body) = rest.split_first_chunk::<IV>().ok_or(Status::InvalidCiphertext)?;
    let cipher = Aes256Gcm::new(&derive(key, nonce))?;
    let mut both = Vec::new();
    cipher.open(iv, aad(header, context, &mut both), body, out)?;
    Ok(len)
}
