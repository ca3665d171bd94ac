//! The `Date` of answers (RFC 9110 §6.6.1), written once a second and not once an answer.

use std::time::{SystemTime, UNIX_EPOCH};

use chrono::DateTime;

/// A second, as HTTP writes it (IMF-fixdate, RFC 9110 §5.6.7).
#[derive(Debug)]
pub(super) struct HttpDate {
    /// Since 1970-01-01.
    second: u64,
    text: String,
}

impl HttpDate {
    pub(super) fn now() -> Self {
        let mut date = Self { second: u64::MAX, text: String::new() };
        date.refresh();
        date
    }

    /// Looks at the clock.
    #[expect(clippy::disallowed_methods, reason = "it is told and decides nothing: no reason to hand the port for time through")]
    pub(super) fn refresh(&mut self) {
        let second = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        if second != self.second {
            *self = Self::at(second);
        }
    }

    fn at(second: u64) -> Self {
        let date = i64::try_from(second).ok().and_then(|second| DateTime::from_timestamp(second, 0)).unwrap_or_default();
        Self { second, text: date.format("%a, %d %b %Y %H:%M:%S GMT").to_string() }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_http_has_them() {
        let cases = [(0, "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT")];
        for (second, text) in cases {
            assert_eq!(HttpDate::at(second).as_bytes(), text.as_bytes());
        }
        assert!(HttpDate::now().as_bytes().ends_with(b" GMT"));
    }
}
