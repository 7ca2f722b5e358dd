//! The check of an AWS Signature Version 4 in one call: hash of the body, string to sign, signing
//! key (cached per secret and scope), comparison in constant time.
mod prefix;

use crate::arena::LockedBox;
use crate::ffi::Hash;
use crate::frame::Status;
use crate::secrecy::declassify;
use crate::symmetric::{HmacState, MAC_MAX, SecretKey};
use std::sync::{Mutex, PoisonError};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

/// Signing keys kept; one per access key, day, region. The oldest gives way.
const CACHE: usize = 256;
const ALGORITHM: &[u8] = b"AWS4-HMAC-SHA256\n";

struct Entry {
    slot: u32,
    generation: u32,
    scope: Vec<u8>,
    key: LockedBox<SigningKey>,
}

struct SigningKey(HmacState);

impl Default for SigningKey {
    fn default() -> Self {
        Self(HmacState::EMPTY)
    }
}

static KEYS: Mutex<(Vec<Entry>, usize)> = Mutex::new((Vec::new(), 0));

/// Lower-case hexadecimal. The right signature passes through here before it is compared, so there
/// is no table that it could index.
fn hex(bytes: &[u8], out: &mut [u8]) {
    // From '9' + 1 up to 'a' it is 39 places.
    let digit = |n: u8| n + b'0' + (9u8.wrapping_sub(n) >> 7) * 39;
    for (byte, pair) in bytes.iter().zip(out.as_chunks_mut::<2>().0) {
        *pair = [digit(byte >> 4), digit(byte & 15)];
    }
}

/// kSigning = HMAC(HMAC(HMAC(HMAC("AWS4" secret, date), region), service), "aws4_request").
fn signing_key(secret: &SecretKey, scope: &[u8], out: &mut HmacState) -> Result<(), Status> {
    let mut first = Zeroizing::new(Vec::with_capacity(4 + secret.bytes().len()));
    first.extend_from_slice(b"AWS4");
    first.extend_from_slice(secret.bytes());
    out.set_key(Hash::Sha256, &first);
    let mut mac = [0u8; MAC_MAX];
    let mut parts = 0;
    for part in scope.split(|b| *b == b'/') {
        out.mac(part, &mut mac);
        out.set_key(Hash::Sha256, &mac[..32]);
        parts += 1;
    }
    mac.zeroize();
    if parts == 4 { Ok(()) } else { Err(Status::BadInput) }
}

/// Checks one signature. `handle` names `secret` in the cache of signing keys. `tail` is
/// 64 hex digits | amzDate "\n" scope "\n". Writes the hex SHA-256 of `body` (64 bytes) to `out`.
pub fn verify(
    handle: (u32, u32),
    secret: &SecretKey,
    canonical: &[u8],
    body: &[u8],
    tail: &[u8],
    out: &mut [u8],
) -> Result<usize, Status> {
    let out = out.get_mut(..64).ok_or(Status::OutTooSmall)?;
    let (signature, dates) = tail.split_at_checked(64).ok_or(Status::BadInput)?;
    let scope = dates
        .strip_suffix(b"\n")
        .and_then(|d| d.split(|b| *b == b'\n').nth(1))
        .ok_or(Status::BadInput)?;

    let mut digest = [0u8; 64];
    Hash::Sha256.digest(body, &mut digest);
    let body_hash: &mut [u8; 64] = out.try_into().map_err(|_| Status::OutTooSmall)?;
    hex(&digest[..32], body_hash);
    let mut request_hash = [0u8; 32];
    prefix::digest(canonical, body_hash, &mut request_hash);
    let mut text = Vec::with_capacity(ALGORITHM.len() + dates.len() + 64);
    text.extend_from_slice(ALGORITHM);
    text.extend_from_slice(dates);
    let at = text.len();
    text.resize(at + 64, 0);
    hex(&request_hash, &mut text[at..]);

    let mut mac = [0u8; MAC_MAX];
    with_key(handle, secret, scope, |key| key.mac(&text, &mut mac))?;
    let mut expect = [0u8; 64];
    hex(&mac[..32], &mut expect);
    let equal = declassify(expect.ct_eq(signature).unwrap_u8());
    mac.zeroize();
    expect.zeroize();
    if equal == 1 { Ok(64) } else { Err(Status::InvalidSignature) }
}

fn with_key(
    handle: (u32, u32),
    secret: &SecretKey,
    scope: &[u8],
    run: impl FnOnce(&HmacState),
) -> Result<(), Status> {
    let mut cache = KEYS.lock().unwrap_or_else(PoisonError::into_inner);
    let found = cache.0.iter().find(|e| (e.slot, e.generation) == handle && e.scope == scope);
    if let Some(entry) = found {
        run(&entry.key.0);
        return Ok(());
    }
    let mut made = Ok(());
    let key = LockedBox::new_with(|key: &mut SigningKey| {
        made = signing_key(secret, scope, &mut key.0);
    })
    .ok_or(Status::Exhausted)?;
    made?;
    run(&key.0);
    let entry = Entry { slot: handle.0, generation: handle.1, scope: scope.to_vec(), key };
    let (entries, oldest) = &mut *cache;
    if entries.len() < CACHE {
        entries.push(entry);
    } else {
        entries[*oldest] = entry;
        *oldest = (*oldest + 1) % CACHE;
    }
    Ok(())
}

/// Drops the signing keys of a secret that is freed.
pub fn forget(slot: u32, generation: u32) {
    let mut cache = KEYS.lock().unwrap_or_else(PoisonError::into_inner);
    cache.0.retain(|e| (e.slot, e.generation) != (slot, generation));
    if cache.1 >= cache.0.len() {
        cache.1 = 0;
    }
}
