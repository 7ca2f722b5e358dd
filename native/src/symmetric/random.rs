//! Nonces and IVs for the jobs of a frame from few generator calls: AWS-LC's generator costs as much
//! for 32 bytes as for thousands.
use crate::ffi;

const POOL_BYTES: usize = 4096;

/// Random bytes of one frame: drawn in large pieces, wiped at the end. It lives no longer than a
/// native call, so a forked child can never replay it.
pub struct RandomPool {
    bytes: [u8; POOL_BYTES],
    /// Bytes not yet taken stand in `at..end`.
    at: usize,
    end: usize,
    /// Bytes ever drawn into `bytes`.
    drawn: usize,
    /// Bytes that the rest of the frame may still want.
    expected: usize,
}

impl RandomPool {
    /// `expected`: how many bytes the frame will take, as far as is known.
    pub fn new(expected: usize) -> Self {
        Self { bytes: [0; POOL_BYTES], at: 0, end: 0, drawn: 0, expected }
    }

    /// Fills `out`.
    pub fn take(&mut self, out: &mut [u8]) {
        if out.len() > self.end - self.at {
            if out.len() >= POOL_BYTES / 2 {
                return ffi::random(out);
            }
            self.draw(out.len());
        }
        out.copy_from_slice(&self.bytes[self.at..self.at + out.len()]);
        self.taken(out.len());
    }

    /// `N` bytes in registers: read back from where `take` put them, they would wait for the stores.
    #[inline]
    pub fn take_array<const N: usize>(&mut self) -> [u8; N] {
        const { assert!(N <= POOL_BYTES) };
        if N > self.end - self.at {
            self.draw(N);
        }
        let mut out = [0; N];
        out.copy_from_slice(&self.bytes[self.at..self.at + N]);
        self.taken(N);
        out
    }

    /// Draws anew, at least `len` bytes.
    #[inline(never)]
    fn draw(&mut self, len: usize) {
        self.end = self.expected.clamp(len, POOL_BYTES);
        self.at = 0;
        self.drawn = self.drawn.max(self.end);
        ffi::random(&mut self.bytes[..self.end]);
    }

    fn taken(&mut self, len: usize) {
        self.at += len;
        self.expected = self.expected.saturating_sub(len);
    }
}

impl Drop for RandomPool {
    fn drop(&mut self) {
        ffi::wipe(&mut self.bytes[..self.drawn]);
    }
}

/// Fills `out` straight from the generator.
pub fn fill(out: &mut [u8]) {
    ffi::random(out);
}
