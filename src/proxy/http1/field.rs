//! One field line (RFC 9112 §5): the same check for heads and for trailers. And the names that come with every request,
//! without an allocation for each.

use http::HeaderName;
use memchr::memchr;

use super::grammar::{is_field_value, token_length, trim};
use super::violation::Violation;

/// Name and trimmed value of a line without its line end.
pub(super) fn split(line: &[u8]) -> Result<(&[u8], &[u8]), Violation> {
    if let [b' ' | b'\t', ..] = line {
        return Err(Violation::ObsFold);
    }
    let (name, rest) = line.split_at(token_length(line));
    let [b':', value @ ..] = rest else { return Err(Violation::FieldName) };
    if name.is_empty() {
        return Err(Violation::FieldName);
    }
    let value = trim(value);
    if !is_field_value(value) {
        return Err(Violation::FieldValue);
    }
    Ok((name, value))
}

/// The line without its CR, if it has one there and nowhere else (RFC 9112 §2.2). `judge` says what else is to be said of
/// it; a CR that it found in the line is a matter of line ends first.
pub(super) fn whole_line<R>(line: &[u8], judge: impl FnOnce(&[u8]) -> Result<R, Violation>) -> Result<R, Violation> {
    let line = line.strip_suffix(b"\r").ok_or(Violation::LineEnd)?;
    // Nothing that is judged to be good may hold a CR, so it is looked for in what is bad only.
    judge(line).map_err(|violation| if memchr(b'\r', line).is_some() { Violation::LineEnd } else { violation })
}

/// What browsers and proxies send with each request and the library has no constants for: it would allocate for them.
static CUSTOMARY: [HeaderName; 14] = [
    HeaderName::from_static("priority"),
    HeaderName::from_static("sec-ch-ua"),
    HeaderName::from_static("sec-ch-ua-mobile"),
    HeaderName::from_static("sec-ch-ua-platform"),
    HeaderName::from_static("sec-fetch-dest"),
    HeaderName::from_static("sec-fetch-mode"),
    HeaderName::from_static("sec-fetch-site"),
    HeaderName::from_static("sec-fetch-user"),
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-proto"),
    HeaderName::from_static("x-request-id"),
    HeaderName::from_static("x-requested-with"),
];

/// The name of a line that was split.
pub(super) fn name(bytes: &[u8]) -> Result<HeaderName, Violation> {
    if let [b'p' | b'P' | b's' | b'S' | b't' | b'T' | b'x' | b'X', ..] = bytes {
        let known =
            CUSTOMARY.iter().find(|known| known.as_str().len() == bytes.len() && known.as_str().as_bytes().eq_ignore_ascii_case(bytes));
        if let Some(known) = known {
            return Ok(known.clone());
        }
    }
    HeaderName::from_bytes(bytes).map_err(|_| Violation::FieldName)
}
