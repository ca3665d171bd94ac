//! The part of the WebSocket handshake that HTTP/2 has no use for, and HTTP/1.1 has (RFC 6455 §4.1, §4.2.2).

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;

/// A fresh `Sec-WebSocket-Key`.
#[expect(clippy::disallowed_methods, reason = "it guards nothing: it only tells an answer to this request from one to another")]
pub(in crate::proxy) fn key() -> HeaderValue {
    let mut key = [0; 16];
    // Without chance, a key that repeats is still answered rightly.
    let _ = aws_lc_rs::rand::fill(&mut key);
    HeaderValue::from_str(&STANDARD.encode(key)).expect("Base64")
}

/// The `Sec-WebSocket-Accept` that answers a key.
pub(in crate::proxy) fn accept(key: &HeaderValue) -> HeaderValue {
    const WEBSOCKET: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    let accept = STANDARD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, &[key.as_bytes(), WEBSOCKET].concat()).as_ref());
    HeaderValue::from_str(&accept).expect("Base64")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_fits_its_key_only() {
        // RFC 6455 §1.3.
        assert_eq!(accept(&HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ==")), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert_ne!(accept(&key()), accept(&key()));
    }
}
