//! The part of the WebSocket handshake that HTTP/2 has no use for, and HTTP/1.1 upstreams have (RFC 6455 §4.1, §4.2.2).

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;

/// A fresh `Sec-WebSocket-Key`.
#[expect(clippy::disallowed_methods, reason = "it guards nothing: it only tells an answer to this request from one to another")]
pub(super) fn key() -> HeaderValue {
    let mut key = [0; 16];
    // Without chance, a key that repeats is still answered rightly.
    let _ = aws_lc_rs::rand::fill(&mut key);
    HeaderValue::from_str(&STANDARD.encode(key)).expect("Base64")
}

/// Whether a `Sec-WebSocket-Accept` answers this key.
pub(super) fn accepts(key: &HeaderValue, accept: &HeaderValue) -> bool {
    const WEBSOCKET: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    accept == STANDARD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, &[key.as_bytes(), WEBSOCKET].concat()).as_ref()).as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_fits_its_key_only() {
        // RFC 6455 §1.3.
        let accept = HeaderValue::from_static("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert!(accepts(&HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ=="), &accept));
        assert!(!accepts(&key(), &accept));
    }
}
