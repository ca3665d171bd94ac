//! One field line (RFC 9112 §5): the same check for heads and for trailers.

use memchr::memchr;

use super::Violation;
use super::grammar::{is_field_value, is_token, trim};

/// Name and trimmed value of a line without its line end.
pub(super) fn split(line: &[u8]) -> Result<(&[u8], &[u8]), Violation> {
    if let [b' ' | b'\t', ..] = line {
        return Err(Violation::ObsFold);
    }
    let colon = memchr(b':', line).ok_or(Violation::FieldName)?;
    let (name, value) = (&line[..colon], trim(&line[colon + 1..]));
    if !is_token(name) {
        return Err(Violation::FieldName);
    }
    if !is_field_value(value) {
        return Err(Violation::FieldValue);
    }
    Ok((name, value))
}
