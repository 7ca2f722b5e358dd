//! SHA-256's compression function (FIPS 180-4, 6.2.2) with SHA-NI on several independent streams at
//! once: SHA256RNDS2 waits four cycles for itself, so one stream leaves most of the unit idle.
use core::arch::x86_64::*;

pub const K: [u32; 64] = [
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
];

/// Streams that run at once: two fill the unit, more spill.
pub const STREAMS: usize = 2;

/// A block as words in the CPU's order (big-endian bytes already turned).
pub type Words = [u32; 16];

/// True where the CPU has what `compress` needs.
pub fn available() -> bool {
    is_x86_feature_detected!("sha")
        && is_x86_feature_detected!("ssse3")
        && is_x86_feature_detected!("sse4.1")
}

/// Runs the compression function on each state with its block.
///
/// # Safety
/// `available()` is true.
#[target_feature(enable = "sha,sse2,ssse3,sse4.1")]
pub unsafe fn compress(states: &mut [[u32; 8]; STREAMS], blocks: &[Words; STREAMS]) {
    // SAFETY: all loads and stores lie within the arrays; the features are the caller's word.
    unsafe {
        let mut abef = [_mm_setzero_si128(); STREAMS];
        let mut cdgh = abef;
        for n in 0..STREAMS {
            let low = _mm_shuffle_epi32::<0xb1>(_mm_loadu_si128(states[n].as_ptr().cast()));
            let high = _mm_shuffle_epi32::<0x1b>(_mm_loadu_si128(states[n].as_ptr().add(4).cast()));
            abef[n] = _mm_alignr_epi8::<8>(low, high);
            cdgh[n] = _mm_blend_epi16::<0xf0>(high, low);
        }
        let (abef0, cdgh0) = (abef, cdgh);
        let mut w = [[_mm_setzero_si128(); 4]; STREAMS];
        for n in 0..STREAMS {
            for i in 0..4 {
                w[n][i] = _mm_loadu_si128(blocks[n].as_ptr().add(4 * i).cast());
            }
        }
        macro_rules! rounds {
            ($($r:literal)*) => {$({
                const R: usize = $r;
                let k = _mm_loadu_si128(K.as_ptr().add(4 * R).cast());
                for n in 0..STREAMS {
                    if R >= 4 {
                        let (x, y) = (w[n][(R + 2) % 4], w[n][(R + 3) % 4]);
                        let t = _mm_sha256msg1_epu32(w[n][R % 4], w[n][(R + 1) % 4]);
                        let t = _mm_add_epi32(t, _mm_alignr_epi8::<4>(y, x));
                        w[n][R % 4] = _mm_sha256msg2_epu32(t, y);
                    }
                    let m = _mm_add_epi32(w[n][R % 4], k);
                    cdgh[n] = _mm_sha256rnds2_epu32(cdgh[n], abef[n], m);
                    abef[n] = _mm_sha256rnds2_epu32(abef[n], cdgh[n], _mm_shuffle_epi32::<0x0e>(m));
                }
            })*};
        }
        rounds!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
        for n in 0..STREAMS {
            let abef = _mm_add_epi32(abef[n], abef0[n]);
            let cdgh = _mm_add_epi32(cdgh[n], cdgh0[n]);
            let low = _mm_shuffle_epi32::<0x1b>(abef);
            let high = _mm_shuffle_epi32::<0xb1>(cdgh);
            _mm_storeu_si128(states[n].as_mut_ptr().cast(), _mm_blend_epi16::<0xf0>(low, high));
            _mm_storeu_si128(states[n].as_mut_ptr().add(4).cast(), _mm_alignr_epi8::<8>(high, low));
        }
    }
}
