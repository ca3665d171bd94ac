//! The head that an upstream gets: the client's, without what it must not say, with what we say.
//!
//! The order matters and is the order of [`prepare`]. First what belongs to the client's connection goes, with everything
//! `Connection` names, so that no client can have our own fields removed. Then everything a client could forge goes. Only
//! then ours are added.

use std::net::IpAddr;

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};

use super::error::ForwardError;
use super::ids::Ids;
use super::{Passage, Protocol, hop_by_hop};
use crate::domain::identity_headers;
use crate::domain::policy::Permit;
use crate::proxy::visit::Peer;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// The longest `X-Forwarded-For` that is passed on and added to, in bytes.
const MAX_CHAIN: usize = 1024;
/// The longest request id that is passed on, in bytes.
const MAX_REQUEST_ID: usize = 128;

/// How the request's body is framed towards the upstream. Never taken from the client's own framing fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyFraming {
    Chunked,
    Empty,
    Sized(u64),
}

/// Turns the client's fields into those for the upstream.
pub(super) fn prepare(
    headers: &mut HeaderMap,
    method: &Method,
    framing: BodyFraming,
    protocol: Protocol,
    permit: &Permit<'_>,
    passage: &Passage<'_>,
    ids: &Ids,
) -> Result<(), ForwardError> {
    let takes_trailers = hop_by_hop::lists(headers, &header::TE, "trailers");
    hop_by_hop::remove(headers)?;
    let told = Told::take(headers, passage.peer);
    remove_forgeable(headers, passage.peer);
    identity_headers::strip(headers, &passage.rules.set);
    for name in &passage.rules.remove {
        headers.remove(name);
    }
    (passage.cookies.strip)(headers);

    headers.insert(header::HOST, text(passage.origin.authority()));
    headers.insert(X_FORWARDED_HOST, text(passage.origin.authority()));
    headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static(passage.origin.scheme().as_str()));
    headers.insert(X_FORWARDED_FOR, chain(told.chain.as_ref(), passage.address));
    if let Some(prefix) = passage.strip_prefix {
        headers.insert(X_FORWARDED_PREFIX, text(prefix.as_str()));
    }
    headers.insert(X_REQUEST_ID, told.request_id.unwrap_or_else(|| ids.next()));
    if let Some(parent) = told.trace {
        headers.insert(TRACEPARENT, parent);
    } else {
        headers.remove(TRACESTATE);
    }
    identity_headers::render(headers, passage.rules.preset, &passage.rules.set, permit.principal());
    frame(headers, method, framing, protocol);
    if takes_trailers {
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
        headers.append(header::CONNECTION, HeaderValue::from_static("te"));
    }
    Ok(())
}

/// What a client says that is kept if it holds.
struct Told {
    chain: Option<HeaderValue>,
    request_id: Option<HeaderValue>,
    trace: Option<HeaderValue>,
}

impl Told {
    fn take(headers: &mut HeaderMap, peer: Peer) -> Self {
        let (chain, request_id) = match peer {
            Peer::Stranger => (None, None),
            Peer::TrustedProxy => (joined(headers, &X_FORWARDED_FOR), only(headers, &X_REQUEST_ID).filter(is_request_id)),
        };
        let trace = only(headers, &TRACEPARENT).filter(is_traceparent);
        headers.remove(X_REQUEST_ID);
        headers.remove(TRACEPARENT);
        Self { chain, request_id, trace }
    }
}

/// Removes what claims to speak for somebody else: where a request comes from, what it really asks for, how it is framed.
fn remove_forgeable(headers: &mut HeaderMap, peer: Peer) {
    let forgeable: Vec<HeaderName> = headers.keys().filter(|name| is_forgeable(name.as_str(), peer)).cloned().collect();
    for name in forgeable {
        headers.remove(name);
    }
}

fn is_forgeable(name: &str, peer: Peer) -> bool {
    match name {
        // `Proxy` becomes HTTP_PROXY in CGI. `Expect` was answered by us. Trailers are not passed on.
        "content-length" | "expect" | "forwarded" | "http2-settings" | "proxy" | "trailer" => true,
        "x-real-ip" | "x-rewrite-url" | "x-http-method" | "x-http-method-override" | "x-method-override" => true,
        // Proxies in front of us that tell the client's address their own way.
        "cf-connecting-ip" | "fastly-client-ip" | "true-client-ip" | "x-client-ip" | "x-cluster-client-ip" | "x-originating-ip" => {
            peer == Peer::Stranger
        }
        _ => name.starts_with("x-forwarded-") || name.starts_with("x-original-"),
    }
}

fn frame(headers: &mut HeaderMap, method: &Method, framing: BodyFraming, protocol: Protocol) {
    match framing {
        // Explicit, because the library takes a GET for one without a body otherwise.
        BodyFraming::Chunked => {
            headers.insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        }
        // Methods that are about their content say that there is none (RFC 9110 §8.6).
        BodyFraming::Empty if matches!(*method, Method::POST | Method::PUT | Method::PATCH) => {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        BodyFraming::Empty => {}
        BodyFraming::Sized(length) => {
            headers.insert(header::CONTENT_LENGTH, length.into());
        }
    }
    match protocol {
        Protocol::Http => {}
        Protocol::WebSocket => {
            headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
            headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        }
    }
}

fn chain(told: Option<&HeaderValue>, peer: IpAddr) -> HeaderValue {
    let peer = peer.to_canonical();
    let chain = match told.and_then(|told| told.to_str().ok()) {
        Some(told) => format!("{told}, {peer}"),
        None => peer.to_string(),
    };
    text(&chain)
}

fn text(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("origins, addresses and values that were values before are visible ASCII")
}

/// All lines of a list-valued field as one.
fn joined(headers: &HeaderMap, name: &HeaderName) -> Option<HeaderValue> {
    let mut lines = headers.get_all(name).into_iter();
    let first = lines.next()?;
    let joined = match lines.next() {
        None => first.clone(),
        Some(second) => {
            let lines: Vec<&[u8]> = [first, second].into_iter().chain(lines).map(HeaderValue::as_bytes).collect();
            HeaderValue::from_bytes(&lines.join(&b", "[..])).ok()?
        }
    };
    (!joined.is_empty() && joined.len() <= MAX_CHAIN && joined.to_str().is_ok()).then_some(joined)
}

fn only(headers: &HeaderMap, name: &HeaderName) -> Option<HeaderValue> {
    let mut values = headers.get_all(name).into_iter();
    match (values.next(), values.next()) {
        (Some(value), None) => Some(value.clone()),
        (None | Some(_), _) => None,
    }
}

fn is_request_id(id: &HeaderValue) -> bool {
    (1..=MAX_REQUEST_ID).contains(&id.len()) && id.as_bytes().iter().all(u8::is_ascii_graphic)
}

/// `00-{32 hex}-{16 hex}-{2 hex}`, neither id all zeros (W3C Trace Context §3.2).
fn is_traceparent(value: &HeaderValue) -> bool {
    let hex = |part: &[u8]| part.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let id = |part: &[u8]| hex(part) && part.iter().any(|byte| *byte != b'0');
    let parts: Vec<&[u8]> = value.as_bytes().splitn(5, |byte| *byte == b'-').collect();
    match parts[..] {
        [b"00", trace, span, flags] => trace.len() == 32 && span.len() == 16 && flags.len() == 2 && id(trace) && id(span) && hex(flags),
        _ => false,
    }
}
