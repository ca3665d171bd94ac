//! The `Date` field of answers (RFC 9110 §6.6.1), written once a second and thread.

use std::cell::RefCell;
use std::time::{SystemTime, UNIX_EPOCH};

use http::HeaderValue;

struct Written {
    second: u64,
    value: HeaderValue,
}

thread_local! {
    static LAST: RefCell<Written> = const { RefCell::new(Written { second: u64::MAX, value: HeaderValue::from_static("") }) };
}

/// The present time as HTTP writes it.
#[expect(clippy::disallowed_methods, reason = "nothing is decided by what this field says")]
pub(super) fn now() -> HeaderValue {
    let second = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    LAST.with_borrow_mut(|last| {
        if last.second != second {
            *last = Written { second, value: written(second) };
        }
        last.value.clone()
    })
}

/// IMF-fixdate.
fn written(second: u64) -> HeaderValue {
    let moment = i64::try_from(second).ok().and_then(|second| chrono::DateTime::from_timestamp(second, 0)).unwrap_or_default();
    HeaderValue::from_str(&moment.format("%a, %d %b %Y %H:%M:%S GMT").to_string()).expect("names, digits and colons")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_is_written_as_http_wants_it() {
        assert_eq!(written(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(now().len(), 29);
    }
}
