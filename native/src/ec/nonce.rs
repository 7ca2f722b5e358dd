//! Nonces of ECDSA: RFC 6979, section 3.2, for eight lanes at once, with fresh randomness as the
//! additional data k' of section 3.6. Without k' they are deterministic, for test vectors alone.
//! SHA-256 has a text of its own, `nonce256`.
use super::curve::Curve;
use super::nonce256;
use super::scalar;
use super::sha_lanes::{BLOCK, States, absorb, finish, start};
use crate::ffi::Hash;
use crate::field::{Class, Prime, Words, wipe};
use crate::vec::LANES;
use std::sync::OnceLock;

/// Bytes of fresh randomness per nonce.
pub const EXTRA_LEN: usize = 32;
/// V, one byte, x, h1, k' for P-521, and SHA-512's padding: two blocks.
const MESSAGE_MAX: usize = 256;
type Messages = [[u8; MESSAGE_MAX]; LANES];
type Values = [[u8; 64]; LANES];

/// HMAC keys after their pads.
struct Pads {
    inner: States,
    outer: States,
}

impl Drop for Pads {
    fn drop(&mut self) {
        // SAFETY: integers alone.
        unsafe { wipe(self) };
    }
}

struct Hmac<V> {
    proof: V,
    hash: Hash,
}

impl<V: Class> Hmac<V> {
    /// `keys` hold zeros after the bytes of a digest.
    fn pads(&self, keys: &Values) -> Pads {
        let mut padded = [[0u8; 128]; LANES];
        let mut pads = Pads { inner: start(self.hash), outer: start(self.hash) };
        for (states, pad) in [(&mut pads.inner, 0x36), (&mut pads.outer, 0x5c)] {
            for lane in 0..LANES {
                padded[lane] = [pad; 128];
                for i in 0..64 {
                    padded[lane][i] ^= keys[lane][i];
                }
            }
            absorb(self.proof, states, &padded, BLOCK);
        }
        // SAFETY: bytes.
        unsafe { wipe(&mut padded) };
        pads
    }

    /// The pads of the key that is all zeros, with which RFC 6979 starts.
    fn zero_pads(&self) -> Pads {
        static PADS: [OnceLock<[States; 2]>; 2] = [const { OnceLock::new() }; 2];
        let at = usize::from(self.hash == Hash::Sha512);
        let [inner, outer] = *PADS[at].get_or_init(|| {
            let pads = self.pads(&[[0; 64]; LANES]);
            [pads.inner, pads.outer]
        });
        Pads { inner, outer }
    }

    /// Pads the messages of `len` bytes, which follow one block already absorbed, and hashes.
    fn digest(&self, from: &States, messages: &mut Messages, len: usize) -> Values {
        let total = (len + 1 + BLOCK / 8).next_multiple_of(BLOCK);
        for message in messages.iter_mut() {
            message[len..total].fill(0);
            message[len] = 0x80;
            let bits = 8 * (BLOCK + len) as u64;
            message[total - 8..total].copy_from_slice(&bits.to_be_bytes());
        }
        let mut states = *from;
        absorb(self.proof, &mut states, messages, total);
        let mut out = finish(&states);
        for value in &mut out {
            value[self.hash.digest_len()..].fill(0);
        }
        // SAFETY: integers.
        unsafe { wipe(&mut states) };
        out
    }

    fn mac(&self, pads: &Pads, messages: &mut Messages, len: usize) -> Values {
        let mut inner = self.digest(&pads.inner, messages, len);
        for lane in 0..LANES {
            messages[lane][..64].copy_from_slice(&inner[lane]);
        }
        // SAFETY: bytes.
        unsafe { wipe(&mut inner) };
        self.digest(&pads.outer, messages, self.hash.digest_len())
    }
}

/// Inputs of nonces, by groups of eight.
pub struct Inputs<'a> {
    /// Private scalars.
    pub x: &'a [[Words; LANES]],
    /// Digests as numbers mod n.
    pub h1: &'a [[Words; LANES]],
    /// k', or none of it.
    pub extra: Option<&'a [[[u8; EXTRA_LEN]; LANES]]>,
}

/// Fills `k` with a nonce in [1, n) per lane.
pub fn nonces<V: Class, C: Curve>(proof: V, inputs: &Inputs<'_>, k: &mut [[Words; LANES]]) {
    if C::HASH == Hash::Sha256 {
        nonce256::nonces::<V, C>(proof, inputs, k);
        return;
    }
    for (g, k) in k.iter_mut().enumerate() {
        let extra = inputs.extra.map(|extra| &extra[g]);
        let group = Group { x: &inputs.x[g], h1: &inputs.h1[g], extra };
        nonces_of_group::<V, C>(proof, &group, k);
    }
}

/// As `Inputs`, of one group.
struct Group<'a> {
    x: &'a [Words; LANES],
    h1: &'a [Words; LANES],
    extra: Option<&'a [[u8; EXTRA_LEN]; LANES]>,
}

fn nonces_of_group<V: Class, C: Curve>(proof: V, inputs: &Group<'_>, k: &mut [Words; LANES]) {
    let hmac = Hmac { proof, hash: C::HASH };
    let mut messages = [[0u8; MESSAGE_MAX]; LANES];
    let mut keys = [[0u8; 64]; LANES];
    let mut values = [[1u8; 64]; LANES];
    let mut pads = hmac.zero_pads();
    for round in 0..2 {
        let mut len = 0;
        for lane in 0..LANES {
            len = fill::<C>(inputs, lane, &values[lane], round, &mut messages[lane]);
        }
        keys = hmac.mac(&pads, &mut messages, len);
        pads = hmac.pads(&keys);
        values = step(&hmac, &pads, &values, &mut messages);
    }
    let mut missing = [true; LANES];
    loop {
        let mut wide = [[0u8; 128]; LANES];
        let hash_len = C::HASH.digest_len();
        for part in 0..C::LEN.div_ceil(hash_len) {
            values = step(&hmac, &pads, &values, &mut messages);
            for lane in 0..LANES {
                wide[lane][part * hash_len..(part + 1) * hash_len]
                    .copy_from_slice(&values[lane][..hash_len]);
            }
        }
        for lane in 0..LANES {
            let mut candidate = leftmost::<C>(&wide[lane]);
            // Whether a candidate is refused says nothing about the one that is taken.
            if missing[lane] && scalar::is_in_range::<C>(&candidate) {
                k[lane] = candidate;
                missing[lane] = false;
            }
            // SAFETY: integers.
            unsafe { wipe(&mut candidate) };
        }
        // SAFETY: bytes.
        unsafe { wipe(&mut wide) };
        if !missing.contains(&true) {
            break;
        }
        for lane in 0..LANES {
            messages[lane][..64].copy_from_slice(&values[lane]);
            messages[lane][hash_len] = 0;
        }
        keys = hmac.mac(&pads, &mut messages, hash_len + 1);
        pads = hmac.pads(&keys);
        values = step(&hmac, &pads, &values, &mut messages);
    }
    // SAFETY: bytes.
    unsafe {
        wipe(&mut messages);
        wipe(&mut keys);
        wipe(&mut values);
    }
}

/// V = HMAC_K(V).
fn step<V: Class>(hmac: &Hmac<V>, pads: &Pads, values: &Values, messages: &mut Messages) -> Values {
    for lane in 0..LANES {
        messages[lane][..64].copy_from_slice(&values[lane]);
    }
    hmac.mac(pads, messages, hmac.hash.digest_len())
}

/// V || round || int2octets(x) || bits2octets(h1) || k'; its length.
fn fill<C: Curve>(
    inputs: &Group<'_>,
    lane: usize,
    value: &[u8; 64],
    round: u8,
    message: &mut [u8; MESSAGE_MAX],
) -> usize {
    let mut at = C::HASH.digest_len();
    message[..at].copy_from_slice(&value[..at]);
    message[at] = round;
    at += 1;
    scalar::to_bytes(&inputs.x[lane], &mut message[at..at + C::LEN]);
    at += C::LEN;
    scalar::to_bytes(&inputs.h1[lane], &mut message[at..at + C::LEN]);
    at += C::LEN;
    if let Some(extra) = inputs.extra {
        message[at..at + EXTRA_LEN].copy_from_slice(&extra[lane]);
        at += EXTRA_LEN;
    }
    at
}

/// bits2int: the leftmost bits, as many as the order has.
fn leftmost<C: Curve>(bytes: &[u8; 128]) -> Words {
    let mut x = scalar::from_bytes(&bytes[..C::LEN]);
    let excess = 8 * C::LEN as u32 - C::Order::BITS;
    if excess > 0 {
        for i in 0..x.len() {
            let above = if i + 1 < x.len() { x[i + 1] << (64 - excess) } else { 0 };
            x[i] = x[i] >> excess | above;
        }
    }
    x
}

const _: () = assert!(MESSAGE_MAX >= 64 + 1 + 66 + 66 + EXTRA_LEN + 17);
