//! Trial division of secret candidates: no division instruction, no branch on a remainder.
use std::sync::OnceLock;

/// Odd primes to divide by; about one odd candidate in eight has none of them as a factor.
const PRIMES: usize = 1024;

/// Primes whose product fits 63 bits.
struct Group {
    product: u64,
    /// -1 / product mod 2^64.
    negative_inverse: u64,
    /// For each prime: its inverse modulo 2^64, and the largest multiple's quotient (2^64 - 1) / p.
    primes: Vec<(u64, u64)>,
}

fn inverse(odd: u64) -> u64 {
    let mut x = odd;
    for _ in 0..5 {
        x = x.wrapping_mul(2u64.wrapping_sub(odd.wrapping_mul(x)));
    }
    x
}

fn groups() -> &'static [Group] {
    static GROUPS: OnceLock<Vec<Group>> = OnceLock::new();
    GROUPS.get_or_init(|| {
        let mut primes: Vec<u64> = Vec::with_capacity(PRIMES);
        let mut n = 3u64;
        while primes.len() < PRIMES {
            if primes.iter().take_while(|p| *p * *p <= n).all(|p| !n.is_multiple_of(*p)) {
                primes.push(n);
            }
            n += 2;
        }
        let mut groups: Vec<Group> = Vec::new();
        for p in primes {
            let entry = (inverse(p), u64::MAX / p);
            match groups.last_mut() {
                Some(group) if group.product <= (u64::MAX >> 1) / p => {
                    group.product *= p;
                    group.primes.push(entry);
                }
                _ => groups.push(Group { product: p, negative_inverse: 0, primes: vec![entry] }),
            }
        }
        for group in &mut groups {
            group.negative_inverse = inverse(group.product).wrapping_neg();
        }
        groups
    })
}

/// A number that the divisors of `modulus` divide just where they divide the one in `words`.
fn remainder(words: &[u64], modulus: u64, negative_inverse: u64) -> u64 {
    // Montgomery's reduction, a word at a time: the result is words / 2^(64 * len) mod modulus.
    let mut acc = 0u128;
    for word in words {
        acc += u128::from(*word);
        let q = (acc as u64).wrapping_mul(negative_inverse);
        acc = (acc + u128::from(q) * u128::from(modulus)) >> 64;
    }
    acc as u64
}

/// True when none of the small primes divides the number. Which of them divides a composite number
/// shows in the time; a number that passes takes the same time as any other that does.
pub fn survives(words: &[u64]) -> bool {
    groups().iter().all(|group| {
        let rest = remainder(words, group.product, group.negative_inverse);
        // p divides x where x / p modulo 2^64 is no larger than a quotient can be.
        let mut hit = false;
        for (inverse, limit) in &group.primes {
            hit |= rest.wrapping_mul(*inverse) <= *limit;
        }
        !hit
    })
}

/// The residue modulo 65537, of which 2^64 is 1.
pub fn mod_65537(words: &[u64]) -> u64 {
    let sum: u128 = words.iter().map(|w| u128::from(*w)).sum();
    (sum as u64 % 65537 + (sum >> 64) as u64) % 65537
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_small_factors_do_not_survive() {
        // 2^127 - 1 and 2^89 - 1 are prime; 8179 is the 1024th odd prime's neighbourhood.
        let m127 = [u64::MAX, u64::MAX >> 1];
        assert!(survives(&m127));
        assert!(survives(&[u64::MAX, (1 << 25) - 1]));
        for p in [3u64, 5, 7, 31, 641, 8111, 8117, 8161] {
            let wide = u128::from(p) * (u128::from(u64::MAX) - 58);
            assert!(!survives(&[wide as u64, (wide >> 64) as u64]), "{p}");
            assert!(!survives(&[0, p]) && !survives(&[p, 0]));
        }
        assert_eq!(mod_65537(&[65537, 65537]), 0);
        assert_eq!(mod_65537(&[u64::MAX, u64::MAX]), 0);
        assert_eq!(mod_65537(&[5, 7]), 12);
    }
}
