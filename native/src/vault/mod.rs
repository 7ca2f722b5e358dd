//! Root keys at rest: made, read and opened here, so that their bytes never reach JavaScript.
//!
//! ```text
//! plain       0 "KSRK"   4 version 1   5 kind 0   6 zero (2)   8 root key (32)
//!            40 first 8 bytes of SHA-256 of bytes 0..40                          48 bytes
//! passphrase  0 "KSRK"   4 version 1   5 kind 1   6 zero (2)
//!             8 u32 memory (KiB)  12 u32 passes  16 u32 lanes (little-endian)
//!            20 salt (16)  36 IV (12)  48 AES-256-GCM(root key) (32)  80 tag (16) 96 bytes
//!             key = argon2id v1.3(passphrase, salt), AAD = bytes 0..48
//! ```
//! A file is created with mode 0600, never over another, and reaches the disk (fsync of the file and
//! of its directory) before its key is used. One that others may read or write is refused.
use crate::arena::{self, Handle, KeyBody};
use crate::ffi::{Aes256Gcm, Hash, random};
use crate::frame::{Status, spec};
use crate::symmetric::SecretKey;
use argon2::{Algorithm, Argon2, Params, Version};
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use zeroize::Zeroizing;

const MAGIC: &[u8; 4] = b"KSRK";
const PLAIN_BYTES: usize = 48;
const SEALED_BYTES: usize = 96;
/// argon2id: 64 MiB, 3 passes, 1 lane (RFC 9106, second choice, one lane).
const MEMORY_KIB: u32 = 65_536;
const PASSES: u32 = 3;
const LANES: u32 = 1;
/// A file that asks for more is refused, so that a forged one cannot exhaust memory.
const MEMORY_KIB_MAX: u32 = 1_048_576;
const PASSES_MAX: u32 = 16;
const PASSPHRASE_MAX: u64 = 4096;

/// Where a passphrase is read from.
pub enum Passphrase<'a> {
    File(&'a str),
    Env(&'a str),
}

impl Passphrase<'_> {
    fn read(&self) -> Result<Zeroizing<Vec<u8>>, String> {
        let mut text = Zeroizing::new(Vec::with_capacity(PASSPHRASE_MAX as usize));
        match self {
            Passphrase::File(path) => {
                File::open(path)
                    .and_then(|f| f.take(PASSPHRASE_MAX).read_to_end(&mut text))
                    .map_err(|e| format!("passphrase file {path}: {e}"))?;
            }
            Passphrase::Env(name) => {
                use std::os::unix::ffi::OsStringExt;
                let value = std::env::var_os(name)
                    .ok_or_else(|| format!("environment variable {name} is not set"))?;
                text = Zeroizing::new(value.into_vec());
            }
        }
        while text.last().is_some_and(|b| matches!(b, b'\n' | b'\r')) {
            text.pop();
        }
        if text.len() < 12 {
            return Err("the passphrase is shorter than 12 bytes".to_owned());
        }
        Ok(text)
    }
}

/// Makes a root key and writes it in plain to `path`.
pub fn create_file(path: &str) -> Result<Handle, String> {
    let mut file = Zeroizing::new([0u8; PLAIN_BYTES]);
    file[..4].copy_from_slice(MAGIC);
    file[4] = 1;
    random(&mut file[8..40]);
    let mut digest = [0u8; 64];
    Hash::Sha256.digest(&file[..40], &mut digest);
    file[40..].copy_from_slice(&digest[..8]);
    write_new(path, &file[..])?;
    load(&file[8..40])
}

/// Opens a root key that stands in plain in `path`.
pub fn open_file(path: &str) -> Result<Handle, String> {
    let file = read_private(path, PLAIN_BYTES)?;
    let mut digest = [0u8; 64];
    Hash::Sha256.digest(&file[..40], &mut digest);
    if file[5] != 0 || file[6..8] != [0, 0] || file[40..] != digest[..8] {
        return Err(format!("{path}: damaged, or sealed in another way"));
    }
    load(&file[8..40])
}

/// Makes a root key and writes it to `path`, sealed by a passphrase.
pub fn create_passphrase_file(path: &str, source: &Passphrase<'_>) -> Result<Handle, String> {
    let passphrase = source.read()?;
    let mut file = [0u8; SEALED_BYTES];
    file[..4].copy_from_slice(MAGIC);
    file[4] = 1;
    file[5] = 1;
    file[8..12].copy_from_slice(&MEMORY_KIB.to_le_bytes());
    file[12..16].copy_from_slice(&PASSES.to_le_bytes());
    file[16..20].copy_from_slice(&LANES.to_le_bytes());
    random(&mut file[20..48]);
    let mut root = Zeroizing::new([0u8; 32]);
    random(&mut root[..]);
    let cipher = passphrase_cipher(&passphrase, &file)?;
    let (head, body) = file.split_at_mut(48);
    let iv: &[u8; 12] = head[36..].try_into().map_err(|_| "internal".to_owned())?;
    cipher.seal(iv, head, &root[..], body).map_err(|_| "sealing failed".to_owned())?;
    write_new(path, &file)?;
    load(&root[..])
}

/// Opens a root key sealed by a passphrase.
pub fn open_passphrase_file(path: &str, source: &Passphrase<'_>) -> Result<Handle, String> {
    let file = read_private(path, SEALED_BYTES)?;
    if file[5] != 1 || file[6..8] != [0, 0] {
        return Err(format!("{path}: damaged, or sealed in another way"));
    }
    let passphrase = source.read()?;
    let cipher = passphrase_cipher(&passphrase, &file)?;
    let iv: &[u8; 12] = file[36..48].try_into().map_err(|_| "internal".to_owned())?;
    let mut root = Zeroizing::new([0u8; 32]);
    cipher
        .open(iv, &file[..48], &file[48..], &mut root[..])
        .map_err(|_| format!("{path}: the passphrase is wrong, or the file is damaged"))?;
    load(&root[..])
}

fn passphrase_cipher(passphrase: &[u8], file: &[u8]) -> Result<Aes256Gcm, String> {
    let number =
        |at: usize| u32::from_le_bytes([file[at], file[at + 1], file[at + 2], file[at + 3]]);
    let (memory, passes, lanes) = (number(8), number(12), number(16));
    if memory > MEMORY_KIB_MAX || passes > PASSES_MAX || lanes != LANES {
        return Err("the root key file asks for more argon2id work than is allowed".to_owned());
    }
    let params = Params::new(memory, passes, lanes, Some(32)).map_err(|e| e.to_string())?;
    let mut key = Zeroizing::new([0u8; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase, &file[20..36], &mut key[..])
        .map_err(|e| e.to_string())?;
    Aes256Gcm::new(&key).map_err(|_| "AES-256-GCM failed".to_owned())
}

fn load(root: &[u8]) -> Result<Handle, String> {
    SecretKey::load(spec::ROOT, root)
        .and_then(|key| arena::insert(KeyBody::Secret(key)))
        .map_err(|status: Status| format!("no room for the root key: {status:?}"))
}

fn write_new(path: &str, bytes: &[u8]) -> Result<(), String> {
    let fail = |e: std::io::Error| format!("{path}: {e}");
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(fail)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(fail)?;
    let parent = match Path::new(path).parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    File::open(parent).and_then(|dir| dir.sync_all()).map_err(fail)
}

fn read_private(path: &str, len: usize) -> Result<Zeroizing<Vec<u8>>, String> {
    let fail = |e: std::io::Error| format!("{path}: {e}");
    let file = File::open(path).map_err(fail)?;
    let meta = file.metadata().map_err(fail)?;
    // SAFETY: no arguments, cannot fail.
    let uid = unsafe { libc::geteuid() };
    if meta.mode() & 0o077 != 0 {
        return Err(format!("{path}: others may read or write it; set mode 0600"));
    }
    if meta.uid() != uid && uid != 0 {
        return Err(format!("{path}: it belongs to another user"));
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(len + 1));
    file.take(len as u64 + 1).read_to_end(&mut bytes).map_err(fail)?;
    if bytes.len() != len || &bytes[..4] != MAGIC || bytes[4] != 1 {
        return Err(format!("{path}: damaged, or sealed in another way"));
    }
    Ok(bytes)
}
