//! Path and query in their one spelling (RFC 3986 §6.2.2), or the reason why there is none. Requests, patterns and
//! return targets all pass through [`normalise`], so they cannot disagree.

use super::{BadTarget, Target};

/// The normal form of a path and query, and the length of the path in it.
///
/// # Errors
/// [`BadTarget`], the first mistake that is found.
pub(in crate::domain) fn normalise(text: &str) -> Result<(String, usize), BadTarget> {
    normalise_with_room(text, 0)
}

/// Likewise, with room for so many bytes behind it.
pub(super) fn normalise_with_room(text: &str, room: usize) -> Result<(String, usize), BadTarget> {
    if text.len() > Target::MAX_LENGTH {
        return Err(BadTarget::TooLong);
    }
    if !text.starts_with('/') {
        return Err(BadTarget::NoLeadingSlash);
    }
    let (path, query) = text.split_at(text.find('?').unwrap_or(text.len()));
    check_query(query)?;
    let mut normal = String::with_capacity(text.len() + room);
    write_path(&mut normal, path)?;
    // Only the normal form is checked: what is hidden by an encoding is in the open there.
    if is_simple(&normal) {
        check_segments(&normal, |segment| segment)?;
    } else {
        check_segments(&normal, without_parameters)?;
        check_double_encoding(&normal)?;
        check_utf8(&normal)?;
    }
    let path_length = normal.len();
    normal.push_str(query);
    Ok((normal, path_length))
}

/// Whether a normal path, as nearly all are, has neither percent-encodings nor parameters.
pub(super) fn is_simple(path: &str) -> bool {
    !path.bytes().any(|byte| matches!(byte, b'%' | b';'))
}

/// The octet that the percent-encoding at this place stands for, if there is one.
pub(in crate::domain) fn octet_at(text: &[u8], at: usize) -> Option<u8> {
    match text.get(at..at + 3)? {
        [b'%', high, low] => Some(hex_digit(*high)? << 4 | hex_digit(*low)?),
        _ => None,
    }
}

fn hex_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// `pchar` of RFC 3986 §3.3 but for the percent-encoding, and the slash between segments.
const fn is_plain(byte: u8) -> bool {
    is_unreserved(byte) || matches!(byte, b'/' | b':' | b'@' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=')
}

/// [`is_plain`] of every byte: most of a path is looked at with it alone.
const PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        plain[byte as usize] = is_plain(byte);
        byte += 1;
    }
    plain
};

fn write_path(normal: &mut String, path: &str) -> Result<(), BadTarget> {
    let bytes = path.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let run = bytes[at..].iter().position(|byte| !PLAIN[usize::from(*byte)]).unwrap_or(bytes.len() - at);
        normal.push_str(&path[at..at + run]);
        at += run;
        let Some(byte) = bytes.get(at) else { break };
        match byte {
            b'%' => write_octet(normal, octet_at(bytes, at).ok_or(BadTarget::PercentSign)?)?,
            b'\\' => return Err(BadTarget::Backslash),
            b'#' => return Err(BadTarget::Fragment),
            0..=0x1f | 0x7f => return Err(BadTarget::Control),
            0x80.. => return Err(BadTarget::NotAscii),
            _ => return Err(BadTarget::Character),
        }
        at += 3;
    }
    Ok(())
}

fn write_octet(normal: &mut String, octet: u8) -> Result<(), BadTarget> {
    match octet {
        b'/' | b'\\' => return Err(BadTarget::EncodedSeparator),
        0..=0x1f | 0x7f => return Err(BadTarget::EncodedControl),
        octet if is_unreserved(octet) => normal.push(char::from(octet)),
        octet => {
            const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
            normal.push('%');
            normal.push(char::from(DIGITS[usize::from(octet >> 4)]));
            normal.push(char::from(DIGITS[usize::from(octet & 0xf)]));
        }
    }
    Ok(())
}

/// Some servers drop path parameters before they resolve dot segments and merge slashes, and some decode the semicolon
/// first: segments are judged by what is left then.
fn check_segments(path: &str, name_of: impl Fn(&[u8]) -> &[u8]) -> Result<(), BadTarget> {
    let mut segments = path.as_bytes()[1..].split(|byte| *byte == b'/').peekable();
    while let Some(segment) = segments.next() {
        let name = name_of(segment);
        if name.is_empty() && segments.peek().is_some() {
            return Err(BadTarget::EmptySegment);
        }
        if matches!(name, b"." | b"..") {
            return Err(BadTarget::DotSegment);
        }
    }
    Ok(())
}

/// A segment of a normal path up to its first semicolon, plain or percent-encoded.
pub(super) fn without_parameters(segment: &[u8]) -> &[u8] {
    let starts = |at: usize| segment[at] == b';' || segment[at..].starts_with(b"%3B");
    &segment[..(0..segment.len()).find(|at| starts(*at)).unwrap_or(segment.len())]
}

/// A percent sign in a name is fine; what would read as another path if it were decoded once more is not. That takes
/// in letters: `%2561dmin` is `admin` to whoever decodes twice. Only spaces may pass, which are encoded twice by
/// mistake all over the web, and characters beyond ASCII.
fn check_double_encoding(path: &str) -> Result<(), BadTarget> {
    for (at, _) in path.match_indices("%25") {
        let Some(digits) = path.as_bytes().get(at + 3..at + 5) else { continue };
        let (Some(high), Some(low)) = (hex_digit(digits[0]), hex_digit(digits[1])) else { continue };
        let octet = high << 4 | low;
        if octet.is_ascii() && octet != b' ' {
            return Err(BadTarget::DoubleEncoding);
        }
    }
    Ok(())
}

/// Overlong forms (`%C0%AF` for a slash) are what this is about: lenient decoders read them as ASCII.
fn check_utf8(path: &str) -> Result<(), BadTarget> {
    let bytes = path.as_bytes();
    let mut at = 0;
    while let Some(found) = bytes[at..].iter().position(|byte| *byte == b'%') {
        at += found;
        let length = match octet_at(bytes, at) {
            Some(0..=0x7f) => 1,
            Some(0xc2..=0xdf) => 2,
            Some(0xe0..=0xef) => 3,
            Some(0xf0..=0xf4) => 4,
            Some(_) | None => return Err(BadTarget::NotUtf8),
        };
        let mut sequence = [0; 4];
        for (index, octet) in sequence[..length].iter_mut().enumerate() {
            *octet = octet_at(bytes, at + index * 3).ok_or(BadTarget::NotUtf8)?;
        }
        std::str::from_utf8(&sequence[..length]).map_err(|_| BadTarget::NotUtf8)?;
        at += length * 3;
    }
    Ok(())
}

fn check_query(query: &str) -> Result<(), BadTarget> {
    match query.bytes().find(|byte| matches!(byte, b'#' | b' ' | b'"' | b'<' | b'>' | 0..=0x1f | 0x7f..)) {
        None => Ok(()),
        Some(b'#') => Err(BadTarget::Fragment),
        Some(b' ' | b'"' | b'<' | b'>') => Err(BadTarget::QueryCharacter),
        Some(0x80..) => Err(BadTarget::NotAscii),
        Some(_) => Err(BadTarget::Control),
    }
}
