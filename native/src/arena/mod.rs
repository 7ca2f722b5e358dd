//! The key arena: process-wide, so that handles are valid in every worker thread.
//!
//! A handle is slot + generation; a freed slot gets the next generation, so that a stale handle
//! never names a later key. Bodies are shared by reference count: a key freed while a job uses it
//! is wiped when that job ends.
mod locked;
#[cfg(test)]
mod tests;

pub use locked::{CELL_BYTES, LockedBox, wipe_all};

use crate::ffi::AsymmetricKey;
use crate::frame::{Status, spec};
use crate::sm2::Sm2Key;
use crate::symmetric::SecretKey;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

/// Most keys that can be loaded at one time.
pub const SLOTS_MAX: usize = 65_536;
/// Generations end before 2^20, so that slot + generation * 2^32 is a safe integer.
pub const GENERATION_MAX: u32 = (1 << 20) - 1;
const CHUNK: usize = 1024;

/// What a handle names.
pub enum KeyBody {
    Secret(LockedBox<SecretKey>),
    Asymmetric(AsymmetricKey),
    Sm2(Sm2Key),
}

impl KeyBody {
    pub fn spec(&self) -> u16 {
        match self {
            KeyBody::Secret(key) => key.spec,
            KeyBody::Asymmetric(key) => key.spec(),
            KeyBody::Sm2(_) => spec::SM2,
        }
    }

    /// The secret key, if it is one that may encrypt (KMS key, domain key, root key).
    pub fn encryption_key(&self) -> Result<&SecretKey, Status> {
        match self {
            KeyBody::Secret(key)
                if matches!(key.spec, spec::SYMMETRIC_DEFAULT | spec::DOMAIN | spec::ROOT) =>
            {
                Ok(key)
            }
            _ => Err(Status::BadKey),
        }
    }

    /// The secret key, if it is an HMAC_* key.
    pub fn mac_key(&self) -> Result<&SecretKey, Status> {
        match self {
            KeyBody::Secret(key) if (spec::HMAC_224..=spec::HMAC_512).contains(&key.spec) => {
                Ok(key)
            }
            _ => Err(Status::BadKey),
        }
    }

    pub fn asymmetric(&self) -> Result<&AsymmetricKey, Status> {
        match self {
            KeyBody::Asymmetric(key) => Ok(key),
            KeyBody::Secret(_) | KeyBody::Sm2(_) => Err(Status::BadKey),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handle {
    pub slot: u32,
    pub generation: u32,
}

struct Slot {
    generation: u32,
    body: Option<Arc<KeyBody>>,
}

type Chunk = Box<[RwLock<Slot>]>;

struct Arena {
    chunks: [OnceLock<Chunk>; SLOTS_MAX / CHUNK],
    free: Mutex<Free>,
    used: AtomicUsize,
    limit: AtomicUsize,
}

struct Free {
    /// Slots that were used before.
    slots: Vec<u32>,
    /// First slot never used.
    next: u32,
}

static ARENA: Arena = Arena {
    chunks: [const { OnceLock::new() }; SLOTS_MAX / CHUNK],
    free: Mutex::new(Free { slots: Vec::new(), next: 0 }),
    used: AtomicUsize::new(0),
    limit: AtomicUsize::new(SLOTS_MAX),
};

impl Arena {
    fn slot(&self, index: u32) -> Option<&RwLock<Slot>> {
        self.chunks.get(index as usize / CHUNK)?.get()?.get(index as usize % CHUNK)
    }
}

/// Puts a key into the arena. `Status::Exhausted` when it is full.
pub fn insert(body: KeyBody) -> Result<Handle, Status> {
    let mut free = ARENA.free.lock().unwrap_or_else(PoisonError::into_inner);
    if ARENA.used.load(Ordering::Relaxed) >= ARENA.limit.load(Ordering::Relaxed) {
        return Err(Status::Exhausted);
    }
    let slot = match free.slots.pop() {
        Some(slot) => slot,
        None if (free.next as usize) < SLOTS_MAX => {
            let slot = free.next;
            ARENA.chunks[slot as usize / CHUNK].get_or_init(|| {
                (0..CHUNK).map(|_| RwLock::new(Slot { generation: 1, body: None })).collect()
            });
            free.next += 1;
            slot
        }
        None => return Err(Status::Exhausted),
    };
    ARENA.used.fetch_add(1, Ordering::Relaxed);
    drop(free);
    let cell = ARENA.slot(slot).ok_or(Status::Internal)?;
    let mut entry = cell.write().unwrap_or_else(PoisonError::into_inner);
    entry.body = Some(Arc::new(body));
    Ok(Handle { slot, generation: entry.generation })
}

/// The key of a handle; `Status::BadKey` when the handle is zero, stale or freed.
pub fn get(slot: u32, generation: u32) -> Result<Arc<KeyBody>, Status> {
    let cell = ARENA.slot(slot).ok_or(Status::BadKey)?;
    let entry = cell.read().unwrap_or_else(PoisonError::into_inner);
    match &entry.body {
        Some(body) if entry.generation == generation => Ok(Arc::clone(body)),
        _ => Err(Status::BadKey),
    }
}

/// Frees a key; a stale or foreign handle changes nothing. True when a key was freed.
pub fn free(slot: u32, generation: u32) -> bool {
    let Some(cell) = ARENA.slot(slot) else { return false };
    let mut entry = cell.write().unwrap_or_else(PoisonError::into_inner);
    if entry.generation != generation || entry.body.is_none() {
        return false;
    }
    let body = entry.body.take();
    entry.generation += 1;
    let reusable = entry.generation <= GENERATION_MAX;
    drop(entry);
    drop(body);
    ARENA.used.fetch_sub(1, Ordering::Relaxed);
    if reusable {
        ARENA.free.lock().unwrap_or_else(PoisonError::into_inner).slots.push(slot);
    }
    true
}

/// Lowers the number of keys that may be loaded (tests of exhaustion); never above `SLOTS_MAX`.
pub fn set_limit(limit: usize) {
    ARENA.limit.store(limit.min(SLOTS_MAX), Ordering::Relaxed);
}

pub struct Stats {
    pub keys: usize,
    pub limit: usize,
    pub cells: usize,
    pub locked: bool,
}

pub fn stats() -> Stats {
    let (cells, locked) = locked::stats();
    Stats {
        keys: ARENA.used.load(Ordering::Relaxed),
        limit: ARENA.limit.load(Ordering::Relaxed),
        cells,
        locked,
    }
}
