//! Which values are secret: marks for the constant-time check, after BoringSSL's CONSTTIME_SECRET.
//!
//! Built with the feature `valgrind`, `classify` marks memory as undefined and `declassify` as
//! defined, by client requests that mean something to valgrind alone: memcheck then reports every
//! branch and every address that depends on a secret (Langley, ctgrind, 2010). Without the feature
//! these are nothing. `declassify` belongs where a value becomes public: a verdict, a signature.

#[cfg(test)]
pub mod remains;

/// False in the control runs of tests alone: there nothing is overwritten.
#[inline(always)]
pub fn wipes() -> bool {
    #[cfg(test)]
    return remains::wipes();
    #[cfg(not(test))]
    true
}

/// Overwrites so much of the stack below the caller, where functions that have returned left what the
/// compiler spilled from registers or moved: no wiping of variables reaches that.
#[inline(never)]
pub fn wipe_stack<const BYTES: usize>() {
    if wipes() {
        let mut space = [0u8; BYTES];
        std::hint::black_box(&mut space);
    }
}

/// `value`, secret from here on.
#[inline(always)]
pub fn classify<T: Copy>(value: T) -> T {
    #[cfg(feature = "valgrind")]
    {
        client::mark(client::MAKE_MEM_UNDEFINED, (&raw const value).cast(), size_of::<T>());
        value
    }
    #[cfg(not(feature = "valgrind"))]
    value
}

/// `value`, public from here on.
#[inline(always)]
pub fn declassify<T: Copy>(value: T) -> T {
    #[cfg(feature = "valgrind")]
    {
        client::mark(client::MAKE_MEM_DEFINED, (&raw const value).cast(), size_of::<T>());
        value
    }
    #[cfg(not(feature = "valgrind"))]
    value
}

/// As `classify`, in place.
#[inline(always)]
pub fn classify_all<T: Copy>(values: &mut [T]) {
    #[cfg(feature = "valgrind")]
    client::mark(client::MAKE_MEM_UNDEFINED, values.as_ptr().cast(), size_of_val(values));
    #[cfg(not(feature = "valgrind"))]
    let _ = values;
}

/// As `classify`, for what is behind a shared reference: keys that are made already.
#[inline(always)]
pub fn classify_behind<T: ?Sized>(value: &T) {
    #[cfg(feature = "valgrind")]
    client::mark(client::MAKE_MEM_UNDEFINED, (&raw const *value).cast(), size_of_val(value));
    #[cfg(not(feature = "valgrind"))]
    let _ = value;
}

/// As `declassify`, in place.
#[inline(always)]
pub fn declassify_all<T: Copy>(values: &mut [T]) {
    #[cfg(feature = "valgrind")]
    client::mark(client::MAKE_MEM_DEFINED, values.as_ptr().cast(), size_of_val(values));
    #[cfg(not(feature = "valgrind"))]
    let _ = values;
}

/// Errors that valgrind has reported so far; None when the program does not run under it.
#[cfg(feature = "valgrind")]
pub fn errors_reported() -> Option<usize> {
    client::errors_reported()
}

#[cfg(feature = "valgrind")]
mod client {
    //! Client requests (valgrind.h, memcheck.h): an instruction sequence that does nothing on a CPU.
    use std::arch::asm;

    pub const MAKE_MEM_UNDEFINED: usize = 0x4d43_0001;
    pub const MAKE_MEM_DEFINED: usize = 0x4d43_0002;
    const RUNNING_ON_VALGRIND: usize = 0x1001;
    const COUNT_ERRORS: usize = 0x1201;

    fn request(code: usize, first: usize, second: usize) -> usize {
        let arguments = [code, first, second, 0, 0, 0];
        let mut result = 0;
        // SAFETY: rdi is rotated by 128 bits in all; under valgrind the request reads `arguments`
        // and sets rdx.
        #[cfg(target_arch = "x86_64")]
        unsafe {
            asm!(
                "rol rdi, 3",
                "rol rdi, 13",
                "rol rdi, 61",
                "rol rdi, 51",
                "xchg rbx, rbx",
                in("rax") arguments.as_ptr(),
                inout("rdx") result,
            );
        }
        result
    }

    pub fn mark(code: usize, at: *const u8, len: usize) {
        request(code, at.expose_provenance(), len);
    }

    pub fn errors_reported() -> Option<usize> {
        (request(RUNNING_ON_VALGRIND, 0, 0) > 0).then(|| request(COUNT_ERRORS, 0, 0))
    }
}
