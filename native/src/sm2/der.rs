//! The little DER (X.690) that keys, signatures and ciphertexts of SM2 are written in: definite
//! lengths in their one right form, below 65,536 bytes.

pub const INTEGER: u8 = 0x02;
pub const BIT_STRING: u8 = 0x03;
pub const OCTET_STRING: u8 = 0x04;
pub const OID: u8 = 0x06;
pub const SEQUENCE: u8 = 0x30;

/// Bytes not yet read. Every method gives None where the next element is another, or badly formed.
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    pub fn element(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (&found, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (len, rest) = match (first, rest) {
            (0..=0x7f, rest) => (usize::from(first), rest),
            (0x81, [len @ 0x80..=0xff, rest @ ..]) => (usize::from(*len), rest),
            (0x82, [high @ 1..=0xff, low, rest @ ..]) => {
                (usize::from(*high) << 8 | usize::from(*low), rest)
            }
            _ => return None,
        };
        if found != tag {
            return None;
        }
        let (content, rest) = rest.split_at_checked(len)?;
        self.0 = rest;
        Some(content)
    }

    pub fn sequence(&mut self) -> Option<Reader<'a>> {
        self.element(SEQUENCE).map(Reader)
    }

    /// True when the next element has that tag.
    pub fn is_next(&self, tag: u8) -> bool {
        self.0.first() == Some(&tag)
    }

    /// An INTEGER that is not negative and below 2^256, big-endian.
    pub fn unsigned(&mut self) -> Option<[u8; 32]> {
        let bytes = match self.element(INTEGER)? {
            [0, rest @ ..] if rest.first().is_some_and(|next| *next >= 0x80) => rest,
            [0] => &[],
            bytes if bytes.first().is_some_and(|first| (1..0x80).contains(first)) => bytes,
            _ => return None,
        };
        let mut out = [0; 32];
        let start = out.len().checked_sub(bytes.len())?;
        out[start..].copy_from_slice(bytes);
        Some(out)
    }

    /// Some when all was read.
    pub fn end(&self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

/// Appends an element. The caller gives less than 65,536 bytes.
pub fn put(out: &mut Vec<u8>, tag: u8, content: &[u8]) {
    let len = content.len();
    debug_assert!(len < 1 << 16);
    out.push(tag);
    match len {
        0..=0x7f => out.push(len as u8),
        0x80..=0xff => out.extend([0x81, len as u8]),
        _ => out.extend([0x82, (len >> 8) as u8, len as u8]),
    }
    out.extend_from_slice(content);
}

/// Appends an INTEGER. `value`: big-endian.
pub fn put_unsigned(out: &mut Vec<u8>, value: &[u8; 32]) {
    // One byte more: room for the zero that keeps the sign.
    let mut bytes = [0u8; 33];
    bytes[1..].copy_from_slice(value);
    let mut skip = 0;
    while skip < 32 && bytes[skip] == 0 && bytes[skip + 1] < 0x80 {
        skip += 1;
    }
    put(out, INTEGER, &bytes[skip..]);
}
