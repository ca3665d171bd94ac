//! A request's head in the one form that everything behind works on: origin-form target, one `host`, one `cookie`
//! (RFC 9113 §8.2, §8.3), an extended CONNECT (RFC 8441) as the GET with `Upgrade` that it stands for.
//!
//! The library has parsed it by then, and has refused what no HTTP/2 head may have: upper-case names, fields about the
//! connection, control bytes, repeated pseudo fields. It lets through what is refused here. One thing it hides: a
//! fragment in `:path` is cut off, and so reaches nobody, neither us nor an upstream.

use http::uri::{Authority, Scheme};
use http::{HeaderMap, HeaderValue, Method, Uri, header, request};

use crate::proxy::http1::grammar::{is_host, is_target};
use crate::proxy::http1::request_head::MAX_FIELDS;
use crate::proxy::http1::request_line::check_method;
use crate::proxy::http1::violation::Violation;

/// What a request wants to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    /// Answered.
    Answer,
    /// A WebSocket.
    WebSocket,
}

/// Reads a head.
pub(super) fn read(head: &mut request::Parts) -> Result<Wish, Violation> {
    let wish = wish(head)?;
    // They count as one: browsers cut them apart.
    join_cookies(&mut head.headers)?;
    if head.headers.len() > MAX_FIELDS {
        return Err(Violation::TooManyFields);
    }
    if head.headers.values().any(|value| matches!(value.as_bytes(), [b' ' | b'\t', ..] | [.., b' ' | b'\t'])) {
        return Err(Violation::FieldValue);
    }
    if head.headers.get_all(header::CONTENT_LENGTH).iter().nth(1).is_some() {
        return Err(Violation::ContentLength);
    }
    host(head)?;
    target(head)?;
    if wish == Wish::WebSocket {
        stand_for_upgrade(head);
    }
    Ok(wish)
}

fn wish(head: &request::Parts) -> Result<Wish, Violation> {
    match head.extensions.get::<h2::ext::Protocol>() {
        // The library lets it come with CONNECT only.
        Some(protocol) if protocol.as_str() == "websocket" => Ok(Wish::WebSocket),
        Some(_) => Err(Violation::Method),
        None => check_method(head.method.as_str().as_bytes()).map(|()| Wish::Answer),
    }
}

/// Puts `:authority` into `host`. Both may be there, and must agree then: an upstream could look at either.
fn host(head: &mut request::Parts) -> Result<(), Violation> {
    let named = head.uri.authority().map(Authority::as_str).filter(|named| is_host(named.as_bytes())).ok_or(Violation::Host)?;
    let mut hosts = head.headers.get_all(header::HOST).into_iter();
    match (hosts.next(), hosts.next()) {
        (None, _) => {
            let host = HeaderValue::from_str(named).map_err(|_| Violation::Host)?;
            head.headers.insert(header::HOST, host);
            Ok(())
        }
        (Some(host), None) if host.as_bytes().eq_ignore_ascii_case(named.as_bytes()) => Ok(()),
        (Some(_), _) => Err(Violation::Host),
    }
}

fn target(head: &mut request::Parts) -> Result<(), Violation> {
    if !head.uri.scheme().is_some_and(|scheme| [Scheme::HTTP, Scheme::HTTPS].contains(scheme)) {
        return Err(Violation::Target);
    }
    let target = head.uri.path_and_query().cloned().ok_or(Violation::Target)?;
    let is_in_form = match target.as_str() {
        "*" => head.method == Method::OPTIONS,
        path => path.starts_with('/') && is_target(path.as_bytes()),
    };
    if !is_in_form {
        return Err(Violation::Target);
    }
    head.uri = Uri::from(target);
    // Nothing but a fragment, which is cut off.
    if head.uri.path().is_empty() { Err(Violation::Target) } else { Ok(()) }
}

/// Clients split the field so that it compresses better (RFC 9113 §8.2.3).
fn join_cookies(headers: &mut HeaderMap) -> Result<(), Violation> {
    if headers.get_all(header::COOKIE).iter().nth(1).is_some() {
        let crumbs: Vec<&[u8]> = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes).collect();
        let cookie = HeaderValue::from_bytes(&crumbs.join(&b"; "[..])).map_err(|_| Violation::FieldValue)?;
        headers.insert(header::COOKIE, cookie);
    }
    Ok(())
}

/// RFC 8441 §5: what HTTP/2 says with `:protocol`, HTTP/1.1 says with these.
fn stand_for_upgrade(head: &mut request::Parts) {
    head.method = Method::GET;
    head.headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    head.headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    head.headers.insert(header::SEC_WEBSOCKET_KEY, crate::proxy::http2::handshake::key());
}
