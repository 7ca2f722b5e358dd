//! ECDSA signatures in DER (RFC 3279, 2.2.3): SEQUENCE { INTEGER r, INTEGER s }, strict both ways.
use super::curve::Curve;
use super::scalar;
use crate::field::Words;

/// Bytes of the longest signature: P-521's.
pub const SIGNATURE_MAX: usize = 3 + 2 * (2 + 66);

/// Writes r and s; the length.
pub fn write<C: Curve>(r: &Words, s: &Words, out: &mut [u8; SIGNATURE_MAX]) -> usize {
    let mut body = [0u8; SIGNATURE_MAX];
    let mut len = 0;
    for value in [r, s] {
        // One byte more than a scalar: room for the zero that keeps the sign.
        let mut bytes = [0u8; 73];
        let bytes = &mut bytes[..C::LEN + 1];
        scalar::to_bytes(value, bytes);
        let mut skip = 0;
        while skip < C::LEN && bytes[skip] == 0 && bytes[skip + 1] < 0x80 {
            skip += 1;
        }
        let bytes = &bytes[skip..];
        body[len] = 2;
        body[len + 1] = bytes.len() as u8;
        body[len + 2..len + 2 + bytes.len()].copy_from_slice(bytes);
        len += 2 + bytes.len();
    }
    let head: &[u8] = if len < 0x80 { &[0x30, len as u8] } else { &[0x30, 0x81, len as u8] };
    out[..head.len()].copy_from_slice(head);
    out[head.len()..head.len() + len].copy_from_slice(&body[..len]);
    head.len() + len
}

/// Reads r and s; None unless the encoding is the only right one and both are in [1, n).
pub fn read<C: Curve>(signature: &[u8]) -> Option<(Words, Words)> {
    let (tag, rest) = signature.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (len, rest) = match first {
        0x81 => rest.split_first().filter(|(len, _)| **len >= 0x80)?,
        0..=0x7f => (first, rest),
        _ => return None,
    };
    if *tag != 0x30 || usize::from(*len) != rest.len() {
        return None;
    }
    let (r, rest) = integer::<C>(rest)?;
    let (s, rest) = integer::<C>(rest)?;
    rest.is_empty().then_some((r, s))
}

fn integer<C: Curve>(der: &[u8]) -> Option<(Words, &[u8])> {
    let [2, len, rest @ ..] = der else { return None };
    let len = usize::from(*len);
    if len == 0 || len > C::LEN + 1 || len > rest.len() {
        return None;
    }
    let (bytes, rest) = rest.split_at(len);
    // Not negative, and no zero byte that the sign does not need.
    if bytes[0] >= 0x80 || (len > 1 && bytes[0] == 0 && bytes[1] < 0x80) {
        return None;
    }
    let value = scalar::from_bytes(bytes);
    scalar::is_in_range::<C>(&value).then_some((value, rest))
}
