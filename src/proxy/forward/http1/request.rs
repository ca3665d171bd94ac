//! A request as bytes (RFC 9112 §3): its line, what [`Telling`] says, its framing, what is about the connection.

use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::numerals::write_decimal;
use crate::domain::destination::Upstream;
use crate::domain::identity_headers::fields::{Fields, is_field_value};
use crate::domain::prefix::path_sent;
use crate::proxy::forward::Protocol;
use crate::proxy::forward::errand::Errand;
use crate::proxy::forward::sieve::TrailerRules;
use crate::proxy::forward::upload::BodyFraming;

#[cfg(doc)]
use crate::proxy::forward::request_head::Telling;

/// Writes the head of a request.
pub(super) fn write_head(out: &mut Vec<u8>, errand: &Errand<'_>, upstream: &Upstream) {
    let [base, slash, path] = path_sent(&upstream.base_path, errand.target, errand.strip_prefix);
    for part in [errand.method.as_str(), " ", base, slash, path, " HTTP/1.1\r\n"] {
        out.extend_from_slice(part.as_bytes());
    }
    let mut lines = Lines(out);
    errand.telling.write(upstream, &mut lines);
    match errand.upload.framing {
        BodyFraming::Chunked => out.extend_from_slice(b"transfer-encoding: chunked\r\n"),
        // Methods that are about their content say that there is none (RFC 9110 §8.6).
        BodyFraming::Empty if matches!(*errand.method, Method::POST | Method::PUT | Method::PATCH) => {
            out.extend_from_slice(b"content-length: 0\r\n");
        }
        BodyFraming::Empty => {}
        BodyFraming::Sized(length) => {
            out.extend_from_slice(b"content-length: ");
            write_decimal(length, out);
            out.extend_from_slice(b"\r\n");
        }
    }
    out.extend_from_slice(match (errand.protocol, errand.telling.takes_trailers) {
        (Protocol::Http, false) => b"\r\n",
        (Protocol::Http, true) => b"te: trailers\r\nconnection: te\r\n\r\n",
        (Protocol::WebSocket, _) => b"connection: upgrade\r\nupgrade: websocket\r\n\r\n",
    });
}

/// Writes those trailers that may go on.
pub(super) fn write_trailers(out: &mut Vec<u8>, trailers: &HeaderMap, rules: &TrailerRules) {
    rules.sieve(trailers, &mut Lines(out));
}

/// Field lines.
struct Lines<'a>(&'a mut Vec<u8>);

impl Fields for Lines<'_> {
    fn pass(&mut self, name: &HeaderName, value: &HeaderValue) {
        self.0.extend_from_slice(name.as_str().as_bytes());
        self.0.extend_from_slice(b": ");
        self.0.extend_from_slice(value.as_bytes());
        self.0.extend_from_slice(b"\r\n");
    }

    fn put(&mut self, name: &HeaderName, write: impl FnOnce(&mut Vec<u8>) -> Option<()>) {
        let line = self.0.len();
        self.0.extend_from_slice(name.as_str().as_bytes());
        self.0.extend_from_slice(b": ");
        let value = self.0.len();
        if write(self.0).is_some() && is_field_value(&self.0[value..]) {
            self.0.extend_from_slice(b"\r\n");
        } else {
            self.0.truncate(line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_value_leaves_no_trace() {
        let mut out = b"GET / HTTP/1.1\r\n".to_vec();
        let mut lines = Lines(&mut out);
        let name = HeaderName::from_static("x-name");
        lines.put_value(&name, b"one");
        lines.put(&name, |out| {
            out.extend_from_slice(b"half");
            None
        });
        for bad in [&b"a\r\nX-Account-Kind: work"[..], b"a\nb", b"a\0", b"a\x7f"] {
            lines.put_value(&name, bad);
        }
        lines.put_value(&name, b"\xc3\xab\ttwo");
        lines.pass(&name, &HeaderValue::from_static("three"));
        assert_eq!(out, b"GET / HTTP/1.1\r\nx-name: one\r\nx-name: \xc3\xab\ttwo\r\nx-name: three\r\n");
    }
}
