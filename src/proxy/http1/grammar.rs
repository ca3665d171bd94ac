//! Byte classes of HTTP/1 heads as tables (RFC 9110 §5.6.2, §5.5; RFC 3986 §2).

/// `tchar`: what names and methods are made of.
const TOKEN: [bool; 256] = class(b"!#$%&'*+-.^_`|~");
/// What a `Host` field may be made of: a name, an address in brackets, a port. No user name, no path.
const HOST: [bool; 256] = class(b"-._:[]");

const fn class(others: &[u8]) -> [bool; 256] {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        table[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let mut at = 0;
    while at < others.len() {
        table[others[at] as usize] = true;
        at += 1;
    }
    table
}

/// How many bytes at the beginning could be a name.
pub(super) fn token_length(bytes: &[u8]) -> usize {
    bytes.iter().position(|byte| !TOKEN[usize::from(*byte)]).unwrap_or(bytes.len())
}

pub(in crate::proxy) fn is_host(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|byte| HOST[usize::from(*byte)])
}

/// Visible ASCII without `#`: a fragment never belongs in a request.
pub(in crate::proxy) fn is_target(bytes: &[u8]) -> bool {
    // Folds instead of stopping early: the compiler then checks many bytes at once.
    !bytes.is_empty() && bytes.iter().fold(true, |good, byte| good & matches!(byte, 0x21..=0x7e) & (*byte != b'#'))
}

/// No control byte but the tab. Bytes above 0x7f are opaque and allowed.
pub(super) fn is_field_value(bytes: &[u8]) -> bool {
    bytes.iter().fold(true, |good, byte| good & ((*byte >= 0x20) | (*byte == b'\t')) & (*byte != 0x7f))
}

pub(super) fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}
