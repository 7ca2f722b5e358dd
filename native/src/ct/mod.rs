//! Marks of secrets for valgrind: memory that is "undefined" must not decide a branch or an address,
//! which is just what memcheck reports. Without the feature `ct-check` all of this is nothing.

/// Marks what `bytes` holds as secret.
#[inline(always)]
pub fn classify<T>(value: &T) {
    request(CLASSIFY, value);
}

/// Marks it as public: it is about to be released, or was checked to be so.
#[inline(always)]
pub fn declassify<T>(value: &T) {
    request(DECLASSIFY, value);
}

/// VALGRIND_MAKE_MEM_UNDEFINED and VALGRIND_MAKE_MEM_DEFINED (valgrind/memcheck.h).
const CLASSIFY: u64 = 0x4d43_0001;
const DECLASSIFY: u64 = 0x4d43_0002;

#[cfg(not(all(feature = "ct-check", target_arch = "x86_64")))]
#[inline(always)]
fn request<T>(_what: u64, _value: &T) {}

/// A client request of valgrind, which does nothing on a bare CPU (valgrind/valgrind.h).
#[cfg(all(feature = "ct-check", target_arch = "x86_64"))]
fn request<T>(what: u64, value: &T) {
    let arguments = [what, std::ptr::from_ref(value) as u64, size_of::<T>() as u64, 0, 0, 0];
    // SAFETY: rotations by 128 bits in all, and an exchange of a register with itself.
    unsafe {
        std::arch::asm!(
            "rol rdi, 3",
            "rol rdi, 13",
            "rol rdi, 61",
            "rol rdi, 51",
            "xchg rbx, rbx",
            in("rax") arguments.as_ptr(),
            inout("rdx") 0u64 => _,
        );
    }
}
