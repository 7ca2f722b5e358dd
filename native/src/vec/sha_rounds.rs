//! The constants of SHA-2 (FIPS 180-4, 4.2.2 and 4.2.3), computed from their definition.

/// Of SHA-384 and SHA-512: the first 64 bits of the fractional parts of the cube roots of the first 80
/// primes. SHA-256 has the upper halves of the first 64.
pub const ROUNDS: [u64; 80] = rounds();

const fn rounds() -> [u64; 80] {
    let mut out = [0; 80];
    let mut found = 0;
    let mut candidate = 2u64;
    while found < 80 {
        let mut divisor = 2;
        let mut prime = true;
        while divisor * divisor <= candidate {
            if candidate.is_multiple_of(divisor) {
                prime = false;
            }
            divisor += 1;
        }
        if prime {
            out[found] = cube_root_fraction(candidate);
            found += 1;
        }
        candidate += 1;
    }
    out
}

/// floor(2^64 * cbrt(prime)) mod 2^64, bit by bit: the largest x with x^3 <= prime * 2^192.
const fn cube_root_fraction(prime: u64) -> u64 {
    // x has 67 bits at most; x^3 is compared in 32-bit limbs.
    let mut x = 0u128;
    let mut bit = 67;
    while bit > 0 {
        bit -= 1;
        let y = x | 1 << bit;
        if cube_is_at_most(y, prime) {
            x = y;
        }
    }
    x as u64
}

/// y^3 <= prime * 2^192, for y below 2^68.
const fn cube_is_at_most(y: u128, prime: u64) -> bool {
    let limbs = [y as u64 & 0xffff_ffff, (y >> 32) as u64 & 0xffff_ffff, (y >> 64) as u64];
    let mut square = [0u64; 8];
    let mut cube = [0u64; 8];
    multiply_into(&mut square, &[limbs[0], limbs[1], limbs[2], 0, 0, 0], &limbs);
    let six = [square[0], square[1], square[2], square[3], square[4], square[5]];
    multiply_into(&mut cube, &six, &limbs);
    let top = cube[6] | cube[7] << 32;
    let low = cube[0] | cube[1] | cube[2] | cube[3] | cube[4] | cube[5];
    top < prime || (top == prime && low == 0)
}

const fn multiply_into(out: &mut [u64; 8], a: &[u64; 6], b: &[u64; 3]) {
    let mut i = 0;
    while i < 6 {
        let mut carry = 0;
        let mut j = 0;
        while i + j < 8 && (j < 3 || carry != 0) {
            let x = out[i + j] + carry + if j < 3 { a[i] * b[j] } else { 0 };
            out[i + j] = x & 0xffff_ffff;
            carry = x >> 32;
            j += 1;
        }
        i += 1;
    }
}
