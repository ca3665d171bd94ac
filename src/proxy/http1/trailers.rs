//! Trailer fields (RFC 9110 §6.5): which of them change what their message is, and are therefore no trailers.

use http::{HeaderMap, HeaderName};

/// Fields that frame, route, authenticate or condition a message (RFC 9110 §6.5.1).
const FORBIDDEN: [&str; 21] = [
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "max-forwards",
    "origin",
    "proxy-authorization",
    "proxy-connection",
    "range",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Whether a field must not stand in a trailer section.
#[must_use]
pub fn changes_the_message(name: &HeaderName) -> bool {
    FORBIDDEN.binary_search(&name.as_str()).is_ok()
}

/// Whether there is such a field among these.
#[must_use]
pub fn change_the_message(trailers: &HeaderMap) -> bool {
    trailers.keys().any(changes_the_message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_frames_or_authenticates_is_no_trailer() {
        for (name, is_forbidden) in FORBIDDEN.map(|name| (name, true)).into_iter().chain([("grpc-status", false), ("x-checksum", false)]) {
            assert_eq!(changes_the_message(&HeaderName::from_static(name)), is_forbidden, "{name}");
        }
    }
}
