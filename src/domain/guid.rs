//! GUIDs as Microsoft writes them: parsed once, compared as bytes, printed in one spelling.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A 128-bit identifier in the 8-4-4-4-12 form (RFC 9562 §4).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Guid([u8; 16]);

/// The text is not a GUID in the 8-4-4-4-12 form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a GUID of the form 3a0c0000-0000-4000-8000-0000000000aa")]
pub struct NotAGuid;

impl Guid {
    /// Reads the hyphenated form, in either case. Braces, missing hyphens and surrounding space are refused, so that
    /// one value has one spelling.
    ///
    /// # Errors
    /// [`NotAGuid`] for every other text.
    pub const fn parse(text: &str) -> Result<Self, NotAGuid> {
        let text = text.as_bytes();
        if text.len() != 36 {
            return Err(NotAGuid);
        }
        let mut bytes = [0; 16];
        let (mut at, mut nibbles) = (0, 0);
        while at < 36 {
            if matches!(at, 8 | 13 | 18 | 23) {
                if text[at] != b'-' {
                    return Err(NotAGuid);
                }
            } else {
                let digit = match text[at] {
                    digit @ b'0'..=b'9' => digit - b'0',
                    digit @ b'a'..=b'f' => digit - b'a' + 10,
                    digit @ b'A'..=b'F' => digit - b'A' + 10,
                    _ => return Err(NotAGuid),
                };
                bytes[nibbles / 2] = bytes[nibbles / 2] << 4 | digit;
                nibbles += 1;
            }
            at += 1;
        }
        Ok(Self(bytes))
    }

    /// The one text that is printed for it, if this is it: in lower case.
    #[must_use]
    pub fn parse_canonical(text: &str) -> Option<Self> {
        let is_lower = !text.bytes().any(|byte| byte.is_ascii_uppercase());
        Self::parse(text).ok().filter(|_| is_lower)
    }

    /// Hands on the hyphenated form in lower case. A session may hold hundreds, so no formatter is run for each byte.
    pub fn with_text<T>(self, then: impl FnOnce(&str) -> T) -> T {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let (mut text, mut at) = ([b'-'; 36], 0);
        for (index, byte) in self.0.into_iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                at += 1;
            }
            text[at] = DIGITS[usize::from(byte >> 4)];
            text[at + 1] = DIGITS[usize::from(byte & 0x0f)];
            at += 2;
        }
        then(std::str::from_utf8(&text).expect("digits and hyphens are ASCII"))
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.with_text(|text| f.write_str(text))
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

    #[test]
    fn both_cases_are_one_value_with_one_spelling() {
        let lower = Guid::parse(TEXT).expect("a GUID");
        assert_eq!(Guid::parse(&TEXT.to_uppercase()), Ok(lower));
        assert_eq!(lower.to_string(), TEXT);
    }

    #[test]
    fn only_what_is_printed_is_canonical() {
        assert_eq!(Guid::parse_canonical(TEXT), Guid::parse(TEXT).ok());
        assert_eq!(Guid::parse_canonical(&TEXT.to_uppercase()), None);
        assert_eq!(Guid::parse_canonical("staff"), None);
    }

    #[test]
    fn other_forms_are_refused() {
        let braced = format!("{{{TEXT}}}");
        let moved_hyphen = "9188040d6-c67-4c5b-b112-36a304b66dad";
        let spaced = format!(" {TEXT}");
        for text in ["", "9188040d6c674c5bb11236a304b66dad", &braced, moved_hyphen, &spaced, "é188040d-6c67-4c5b-b112-36a304b66da"] {
            assert_eq!(Guid::parse(text), Err(NotAGuid), "{text}");
        }
    }
}
