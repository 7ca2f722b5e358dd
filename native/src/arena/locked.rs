//! Cells of locked memory for secrets: pages that are never swapped (mlock), never dumped
//! (MADV_DONTDUMP), empty in a forked child (MADV_WIPEONFORK), with an inaccessible page on both
//! sides, wiped when a cell is freed and when the process ends.
use std::ptr::NonNull;
use std::sync::Mutex;
use zeroize::Zeroize;

/// Bytes of a cell: what the largest secret body needs.
pub const CELL_BYTES: usize = 512;
const SLAB_CELLS: usize = 1024;
const SLAB_BYTES: usize = CELL_BYTES * SLAB_CELLS;

struct Pool {
    slabs: Vec<NonNull<u8>>,
    free: Vec<NonNull<u8>>,
    all_locked: bool,
}

// SAFETY: the pointers name process-wide mappings that live until exit; access to a cell belongs to
// the one `LockedBox` that holds it.
unsafe impl Send for Pool {}

static POOL: Mutex<Pool> =
    Mutex::new(Pool { slabs: Vec::new(), free: Vec::new(), all_locked: true });

fn pool() -> std::sync::MutexGuard<'static, Pool> {
    POOL.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl Pool {
    fn grow(&mut self) -> Option<()> {
        // SAFETY: a fresh anonymous mapping, checked; the guard pages are inside it.
        let (base, locked) = unsafe {
            let page = libc::sysconf(libc::_SC_PAGESIZE) as usize;
            let total = SLAB_BYTES + 2 * page;
            let map = libc::mmap(
                std::ptr::null_mut(),
                total,
                libc::PROT_NONE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            );
            if map == libc::MAP_FAILED {
                return None;
            }
            let base = map.cast::<u8>().add(page);
            if libc::mprotect(base.cast(), SLAB_BYTES, libc::PROT_READ | libc::PROT_WRITE) != 0 {
                libc::munmap(map, total);
                return None;
            }
            libc::madvise(base.cast(), SLAB_BYTES, libc::MADV_DONTDUMP);
            libc::madvise(base.cast(), SLAB_BYTES, libc::MADV_WIPEONFORK);
            (NonNull::new(base)?, libc::mlock(base.cast(), SLAB_BYTES) == 0)
        };
        self.all_locked &= locked;
        self.slabs.push(base);
        for i in (0..SLAB_CELLS).rev() {
            // SAFETY: inside the slab.
            self.free.push(unsafe { base.add(i * CELL_BYTES) });
        }
        Some(())
    }
}

/// A value in a locked cell; wiped and given back when dropped.
pub struct LockedBox<T>(NonNull<T>);

// SAFETY: `LockedBox` owns its cell as Box owns its allocation.
unsafe impl<T: Send> Send for LockedBox<T> {}
// SAFETY: as above; shared access gives only `&T`.
unsafe impl<T: Sync> Sync for LockedBox<T> {}

impl<T: Default> LockedBox<T> {
    /// Makes a default value in a fresh cell, then fills it in place, so that the secret never
    /// stands on a stack. None when no memory is left.
    pub fn new_with(fill: impl FnOnce(&mut T)) -> Option<Self> {
        const {
            assert!(size_of::<T>() <= CELL_BYTES && align_of::<T>() <= 64);
            assert!(!std::mem::needs_drop::<T>());
        }
        let mut pool = pool();
        if pool.free.is_empty() {
            pool.grow()?;
        }
        let cell = pool.free.pop()?.cast::<T>();
        drop(pool);
        // SAFETY: the cell is ours, large and aligned enough (asserted above).
        unsafe {
            cell.write(T::default());
            fill(&mut *cell.as_ptr());
        }
        Some(Self(cell))
    }
}

impl<T> std::ops::Deref for LockedBox<T> {
    type Target = T;
    fn deref(&self) -> &T {
        // SAFETY: initialised in `new_with`, owned by us.
        unsafe { self.0.as_ref() }
    }
}

impl<T> Drop for LockedBox<T> {
    fn drop(&mut self) {
        let cell = self.0.cast::<u8>();
        // SAFETY: the whole cell is ours.
        unsafe { std::slice::from_raw_parts_mut(cell.as_ptr(), CELL_BYTES) }.zeroize();
        pool().free.push(cell);
    }
}

/// Cells in use, and whether all of their memory could be locked.
pub fn stats() -> (usize, bool) {
    let pool = pool();
    (pool.slabs.len() * SLAB_CELLS - pool.free.len(), pool.all_locked)
}

/// Overwrites all cells, used or not. For the end of the process only: keys are gone afterwards.
pub fn wipe_all() {
    let pool = pool();
    for slab in &pool.slabs {
        // SAFETY: the slab is mapped for the life of the process; readers racing with the end of
        // the process see zeros, which no operation releases a secret by.
        unsafe { std::slice::from_raw_parts_mut(slab.as_ptr(), SLAB_BYTES) }.zeroize();
    }
}
