//! What work leaves in memory, for tests: the stack of the thread that did it, and every block of the
//! heap that it freed, kept as it was instead of being given back.
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::HashSet;
use std::ptr::null_mut;
use std::sync::mpsc;

/// Blocks that one run may free.
const KEPT_MAX: usize = 1 << 17;
const STACK_BYTES: usize = 4 << 20;

struct Kept {
    blocks: Vec<(*mut u8, Layout)>,
    overflow: bool,
}

thread_local! {
    static KEPT: Cell<*mut Kept> = const { Cell::new(null_mut()) };
    static WIPES: Cell<bool> = const { Cell::new(true) };
}

/// False inside of a control run.
pub fn wipes() -> bool {
    WIPES.with(Cell::get)
}

struct Keeping;

#[global_allocator]
static ALLOCATOR: Keeping = Keeping;

// SAFETY: `System` but for blocks that are given back later.
unsafe impl GlobalAlloc for Keeping {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // What stood in a block before would count as left by the work: it gets zeros.
        // SAFETY: as the caller vouches (also below).
        unsafe {
            if KEPT.try_with(Cell::get).unwrap_or(null_mut()).is_null() {
                System.alloc(layout)
            } else {
                System.alloc_zeroed(layout)
            }
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let kept = KEPT.try_with(Cell::get).unwrap_or(null_mut());
        // SAFETY: `run` points it at what lives as long as it does, on this thread alone; there is
        // room, so that the push allocates nothing.
        unsafe {
            if kept.is_null() {
                System.dealloc(block, layout);
            } else if (*kept).blocks.len() < KEPT_MAX {
                (*kept).blocks.push((block, layout));
            } else {
                (*kept).overflow = true;
            }
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if KEPT.try_with(Cell::get).unwrap_or(null_mut()).is_null() {
            // SAFETY: as above.
            return unsafe { System.realloc(block, layout, size) };
        }
        // As a block that moves, which a larger one does.
        // SAFETY: as above; both blocks have the bytes that are copied.
        unsafe {
            let moved =
                System.alloc_zeroed(Layout::from_size_align_unchecked(size, layout.align()));
            if !moved.is_null() {
                block.copy_to_nonoverlapping(moved, layout.size().min(size));
                self.dealloc(block, layout);
            }
            moved
        }
    }
}

/// Memory after some work.
pub struct Left {
    stack: Vec<u8>,
    heap: Vec<Vec<u8>>,
}

/// Runs `work` on a thread of its own, and gives what it left; `wiping` off is the control.
pub fn run<T: Send>(wiping: bool, work: impl FnOnce() -> T + Send) -> (T, Left) {
    std::thread::scope(|scope| {
        let (sends, receives) = mpsc::channel();
        let (says, hears) = mpsc::channel::<()>();
        let builder = std::thread::Builder::new().stack_size(STACK_BYTES);
        let worker = builder
            .spawn_scoped(scope, move || {
                let mut kept = Kept { blocks: Vec::with_capacity(KEPT_MAX), overflow: false };
                KEPT.set(&raw mut kept);
                WIPES.set(wiping);
                let top = (&raw const kept).addr();
                let out = work();
                WIPES.set(true);
                KEPT.set(null_mut());
                assert!(!kept.overflow, "more blocks than are kept");
                let bottom = stack_bottom();
                let _ = sends.send((bottom, top));
                // The stack stands still while it is read.
                let _ = hears.recv();
                let heap = kept.blocks.iter().map(|(block, layout)| {
                    // SAFETY: a kept block, not yet given back.
                    unsafe { std::slice::from_raw_parts(*block, layout.size()) }.to_vec()
                });
                let heap: Vec<Vec<u8>> = heap.collect();
                for (block, layout) in kept.blocks.drain(..) {
                    // SAFETY: freed once, here.
                    unsafe { System.dealloc(block, layout) };
                }
                (out, heap)
            })
            .expect("a thread");
        let (bottom, top): (usize, usize) = receives.recv().expect("the work ended");
        let mut stack = vec![0u8; top - bottom];
        for (i, byte) in stack.iter_mut().enumerate() {
            // SAFETY: mapped memory of a thread that waits.
            *byte = unsafe { std::ptr::with_exposed_provenance::<u8>(bottom + i).read_volatile() };
        }
        drop(says);
        let (out, heap) = worker.join().expect("the work ended");
        (out, Left { stack, heap })
    })
}

/// Leaves a copy on the stack, deeper than what follows reaches, and one in a block that is freed.
#[inline(never)]
pub fn plant(secret: &[u8; 32]) {
    let mut deep = [[0u8; 32]; 512];
    deep[3] = *secret;
    std::hint::black_box(&mut deep);
    drop(std::hint::black_box(secret.to_vec()));
}

/// The lowest address of this thread's stack, above its guard.
fn stack_bottom() -> usize {
    // SAFETY: attributes of the calling thread, freed here.
    unsafe {
        let mut attributes = std::mem::zeroed::<libc::pthread_attr_t>();
        assert_eq!(libc::pthread_getattr_np(libc::pthread_self(), &raw mut attributes), 0);
        let (mut low, mut size, mut guard) = (null_mut(), 0, 0);
        libc::pthread_attr_getstack(&raw const attributes, &raw mut low, &raw mut size);
        libc::pthread_attr_getguardsize(&raw const attributes, &raw mut guard);
        libc::pthread_attr_destroy(&raw mut attributes);
        low.addr() + guard
    }
}

/// Secrets, as eight bytes each: any piece of that length counts as found.
#[derive(Default)]
pub struct Needles(HashSet<u64>, Vec<u64>);

impl Needles {
    fn insert(&mut self, piece: u64) {
        // Small numbers and repeated bytes stand everywhere.
        let bytes = piece.to_le_bytes();
        let distinct: HashSet<u8> = bytes.into_iter().filter(|byte| *byte != 0).collect();
        if distinct.len() >= 5 {
            self.0.insert(piece);
        }
    }

    /// Every eight bytes in a row, at every byte, and the same backwards.
    pub fn bytes(&mut self, secret: &[u8]) {
        for window in secret.windows(8) {
            let piece = u64::from_le_bytes(window.try_into().expect("8 bytes"));
            self.insert(piece);
            self.insert(piece.swap_bytes());
        }
        // Words of 32 bits in the other order, as hash states have them.
        for window in secret.windows(8).step_by(4) {
            let piece = u64::from_le_bytes(window.try_into().expect("8 bytes"));
            self.insert(piece.rotate_left(32));
            self.insert(piece.swap_bytes().rotate_left(32));
        }
    }

    /// A big-endian number: its bytes, and its digits of the radices that the kernels use.
    pub fn number(&mut self, big_endian: &[u8]) {
        self.bytes(big_endian);
        let bits = 8 * big_endian.len();
        let bit = |at: usize| {
            let byte = big_endian[big_endian.len() - 1 - at / 8];
            u64::from(byte >> (at % 8) & 1)
        };
        for radix in [44, 48, 50, 51, 52] {
            for low in (0..bits).step_by(radix) {
                let digit = (low..bits.min(low + radix)).fold(0, |d, at| d | bit(at) << (at - low));
                self.insert(digit);
            }
        }
    }

    /// What a structure in memory holds.
    pub fn memory<T>(&mut self, value: &T) {
        // SAFETY: the memory of a live value.
        let bytes =
            unsafe { std::slice::from_raw_parts(std::ptr::from_ref(value).cast(), size_of::<T>()) };
        self.bytes(bytes);
    }

    pub fn join(&mut self, others: Needles) {
        self.0.extend(others.0);
    }

    /// No secret: what is public of a structure given to `memory`.
    pub fn except(&mut self, public: &[u8]) {
        let mut others = Needles::default();
        others.number(public);
        for piece in others.0 {
            self.0.remove(&piece);
        }
    }

    /// Where pieces stand: on the stack (bytes below the caller), in freed blocks (bytes of the block).
    pub fn found(&mut self, left: &Left) -> Vec<String> {
        assert!(self.0.len() >= 3, "something to look for");
        let mut filter = vec![0u64; 1024];
        for piece in &self.0 {
            filter[(piece & 0xffff) as usize / 64] |= 1 << (piece & 63);
        }
        self.1 = filter;
        let mut places = Vec::new();
        for at in self.places(&left.stack) {
            places.push(format!("stack, {} bytes down", left.stack.len() - at));
        }
        for block in &left.heap {
            for at in self.places(block).into_iter().take(3) {
                places.push(format!("a block of {} bytes at {at}", block.len()));
            }
        }
        places
    }

    fn places(&self, memory: &[u8]) -> Vec<usize> {
        let mut places = Vec::new();
        for (at, window) in memory.windows(8).enumerate() {
            let piece = u64::from_le_bytes(window.try_into().expect("8 bytes"));
            let maybe = self.1[(piece & 0xffff) as usize / 64] >> (piece & 63) & 1 == 1;
            if maybe && self.0.contains(&piece) {
                places.push(at);
            }
        }
        places
    }
}
