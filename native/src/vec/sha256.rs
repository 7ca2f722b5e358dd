//! SHA-256's compression function (FIPS 180-4, 6.2.2) on sixteen lanes of 32 bits with AVX-512. A
//! block costs a lane less than half of what the SHA extensions take for it.
#[cfg(target_arch = "x86_64")]
use super::sha_rounds::ROUNDS;
#[cfg(target_arch = "x86_64")]
use core::arch::x86_64::*;

/// Lanes of a call.
pub const LANES32: usize = 16;
/// One word of each lane.
pub type Row = [u32; LANES32];

#[cfg(target_arch = "x86_64")]
macro_rules! xor3 {
    ($a:expr, $b:expr, $c:expr) => {
        _mm512_ternarylogic_epi32::<0x96>($a, $b, $c)
    };
}

/// Absorbs a block per lane: `words[i][lane]`, in the CPU's order.
///
/// # Safety
/// The CPU has AVX-512 F.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
pub unsafe fn compress(states: &mut [Row; 8], words: &[Row; 16]) {
    // SAFETY: all loads and stores lie within the arrays.
    unsafe {
        let mut w = [_mm512_setzero_si512(); 16];
        let mut s = [_mm512_setzero_si512(); 8];
        for i in 0..16 {
            w[i] = _mm512_loadu_si512(words[i].as_ptr().cast());
        }
        for i in 0..8 {
            s[i] = _mm512_loadu_si512(states[i].as_ptr().cast());
        }
        for chunk in 0..4 {
            for i in 0..16 {
                if chunk > 0 {
                    let (x, y) = (w[(i + 1) % 16], w[(i + 14) % 16]);
                    let x = xor3!(
                        _mm512_ror_epi32::<7>(x),
                        _mm512_ror_epi32::<18>(x),
                        _mm512_srli_epi32::<3>(x)
                    );
                    let y = xor3!(
                        _mm512_ror_epi32::<17>(y),
                        _mm512_ror_epi32::<19>(y),
                        _mm512_srli_epi32::<10>(y)
                    );
                    let sum = _mm512_add_epi32(w[i], w[(i + 9) % 16]);
                    w[i] = _mm512_add_epi32(sum, _mm512_add_epi32(x, y));
                }
                let [a, b, c, d, e, f, g, h] = s;
                // SHA-256's constants are the upper halves of SHA-512's first 64.
                let k = _mm512_set1_epi32((ROUNDS[16 * chunk + i] >> 32) as i32);
                let big1 = xor3!(
                    _mm512_ror_epi32::<6>(e),
                    _mm512_ror_epi32::<11>(e),
                    _mm512_ror_epi32::<25>(e)
                );
                let choice = _mm512_ternarylogic_epi32::<0xca>(e, f, g);
                let known = _mm512_add_epi32(_mm512_add_epi32(h, k), w[i]);
                let t = _mm512_add_epi32(_mm512_add_epi32(known, choice), big1);
                let big0 = xor3!(
                    _mm512_ror_epi32::<2>(a),
                    _mm512_ror_epi32::<13>(a),
                    _mm512_ror_epi32::<22>(a)
                );
                let majority = _mm512_ternarylogic_epi32::<0xe8>(a, b, c);
                let top = _mm512_add_epi32(t, _mm512_add_epi32(big0, majority));
                s = [top, a, b, c, _mm512_add_epi32(d, t), e, f, g];
            }
        }
        for i in 0..8 {
            let at = states[i].as_mut_ptr();
            let start = _mm512_loadu_si512(at.cast_const().cast());
            _mm512_storeu_si512(at.cast(), _mm512_add_epi32(start, s[i]));
        }
    }
}
