//! The JavaScript boundary: the only code that knows Node.
use crate::break_even::{self, BreakEven, Row};
use crate::vault::{self, Passphrase};
use crate::{arena, cpu, frame, sigv4};
use napi::bindgen_prelude::{Error, Result, Uint8Array};
use napi_derive::napi;
use std::sync::Once;

/// Runs a frame in place; 0, or 2 when its header is wrong.
#[napi]
pub fn run_frame(mut bytes: Uint8Array) -> u32 {
    // SAFETY: JavaScript hands the buffer over for the length of this synchronous call and shares
    // it with no other thread (see engine/port.ts).
    let slice = unsafe { bytes.as_mut() };
    frame::run_frame(slice) as u32
}

/// A handle as JavaScript sees it.
#[napi(object)]
pub struct HandleParts {
    pub slot: u32,
    pub generation: u32,
}

#[napi]
pub fn free_key(slot: u32, generation: u32) -> bool {
    let freed = arena::free(slot, generation);
    if freed {
        sigv4::forget(slot, generation);
    }
    freed
}

#[napi(object)]
pub struct ArenaStats {
    pub keys: u32,
    pub limit: u32,
    pub cells: u32,
    pub locked: bool,
}

#[napi]
pub fn arena_stats() -> ArenaStats {
    let stats = arena::stats();
    ArenaStats {
        keys: stats.keys as u32,
        limit: stats.limit as u32,
        cells: stats.cells as u32,
        locked: stats.locked,
    }
}

/// Lowers the number of keys that the arena takes.
#[napi]
pub fn set_arena_limit(limit: u32) {
    arena::set_limit(limit as usize);
}

#[napi(object)]
pub struct Info {
    pub version: String,
    pub cpu: String,
    pub cpu_class: String,
    pub cpu_reason: Option<String>,
    pub library: String,
    /// What runs the short messages of a frame.
    pub short_messages: String,
}

#[napi]
pub fn info() -> Info {
    let (class, reason) = cpu::class();
    Info {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        cpu: cpu::brand(),
        cpu_class: class.name().to_owned(),
        cpu_reason: reason,
        library: "AWS-LC".to_owned(),
        short_messages: frame::short_messages().to_owned(),
    }
}

/// From how many jobs a primitive runs in batches; `first` 0 = never.
#[napi(object)]
pub struct BreakEvenRow {
    pub name: String,
    pub first: u32,
    pub further: u32,
}

fn break_even_row(row: Row, value: BreakEven) -> BreakEvenRow {
    let (first, further) = value.numbers();
    BreakEvenRow { name: row.name().to_owned(), first, further }
}

/// What counts now; no rows where no kernels are in force.
#[napi]
pub fn break_evens() -> Vec<BreakEvenRow> {
    let class = cpu::class().0;
    break_even::rows().into_iter().map(|row| break_even_row(row, row.break_even(class))).collect()
}

/// False, and nothing changes, where name or numbers are out of their bounds.
#[napi]
pub fn set_break_even(name: String, first: u32, further: u32) -> bool {
    match (Row::named(&name), BreakEven::checked(first, further)) {
        (Some(row), Some(value)) => {
            row.set(value);
            true
        }
        _ => false,
    }
}

/// Measures a row and sets it; null where that failed.
#[napi]
pub fn measure_break_even(name: String) -> Option<BreakEvenRow> {
    let row = Row::named(&name)?;
    let value = break_even::measure(row)?;
    row.set(value);
    Some(break_even_row(row, value))
}

#[napi]
pub fn layout_fingerprint() -> String {
    frame::layout_fingerprint()
}

extern "C" fn wipe_at_exit() {
    arena::wipe_all();
}

/// Core dumps and debuggers of other users are kept away from this process, and the arena is wiped
/// when it ends. Called once by the server.
#[napi]
pub fn protect_process() -> bool {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: registers a plain function.
        unsafe { libc::atexit(wipe_at_exit) };
    });
    // SAFETY: prctl and setrlimit with constant arguments.
    unsafe {
        let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0) == 0
            && libc::setrlimit(libc::RLIMIT_CORE, &none) == 0
    }
}

fn handle(made: std::result::Result<arena::Handle, String>) -> Result<HandleParts> {
    match made {
        Ok(h) => Ok(HandleParts { slot: h.slot, generation: h.generation }),
        Err(text) => Err(Error::from_reason(text)),
    }
}

fn passphrase<'a>(kind: &str, from: &'a str) -> Result<Passphrase<'a>> {
    match kind {
        "file" => Ok(Passphrase::File(from)),
        "env" => Ok(Passphrase::Env(from)),
        _ => Err(Error::from_reason("the passphrase source is 'file' or 'env'")),
    }
}

#[napi]
pub fn vault_create_file(path: String) -> Result<HandleParts> {
    handle(vault::create_file(&path))
}

#[napi]
pub fn vault_open_file(path: String) -> Result<HandleParts> {
    handle(vault::open_file(&path))
}

#[napi]
pub fn vault_create_passphrase_file(
    path: String,
    kind: String,
    from: String,
) -> Result<HandleParts> {
    handle(vault::create_passphrase_file(&path, &passphrase(&kind, &from)?))
}

#[napi]
pub fn vault_open_passphrase_file(path: String, kind: String, from: String) -> Result<HandleParts> {
    handle(vault::open_passphrase_file(&path, &passphrase(&kind, &from)?))
}

#[napi(object)]
pub struct SelfTest {
    pub operation: String,
    pub algorithm: String,
    pub passed: bool,
}

/// Known answers of every algorithm.
#[napi]
pub fn self_test() -> Vec<SelfTest> {
    crate::selftest::run()
        .into_iter()
        .map(|outcome| SelfTest {
            operation: outcome.operation.to_owned(),
            algorithm: outcome.algorithm.to_owned(),
            passed: outcome.passed,
        })
        .collect()
}
