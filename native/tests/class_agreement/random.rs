//! Reproducible inputs: splitmix64 (Steele, Lea, Flood, 2014), and the numbers at which carries,
//! masks and signs change.

pub struct Random(u64);

impl Random {
    /// A stream of its own for each name, whatever else is run with the same seed.
    pub fn new(seed: u64, name: &str) -> Self {
        Self(name.bytes().fold(seed, |h, b| hash(h, u64::from(b))))
    }

    pub fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    /// Random, or one time in four near a power of two.
    pub fn edge_word(&mut self) -> u64 {
        const AT: [u32; 12] = [0, 1, 13, 25, 26, 32, 50, 51, 52, 53, 62, 63];
        let x = self.word();
        match x % 4 {
            0 => (1u64 << AT[(x >> 8) as usize % AT.len()])
                .wrapping_add(x >> 60)
                .wrapping_sub(8)
                .wrapping_mul(x >> 4 & 1 | u64::from(x & 32 == 0)),
            _ => self.word(),
        }
    }
}

/// One step of FNV-1a on words, with a final mixing: distinguishes results, nothing more.
pub fn hash(state: u64, word: u64) -> u64 {
    let x = (state ^ word).wrapping_mul(0x0000_0100_0000_01b3);
    (x ^ (x >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

pub fn hash_words(words: &[u64]) -> u64 {
    words.iter().fold(0xcbf2_9ce4_8422_2325, |h, w| hash(h, *w))
}
