//! What an upstream is told: of the client's head whatever may go on, then what we say.
//!
//! The order cannot be got wrong: the client's fields go through the [`Sieve`] one by one, and what we say is written
//! apart, after them, under names that the sieve lets nobody else use. It is said in terms of [`Fields`]: the bytes of an HTTP/1
//! head, or a map. Framing and what is about the connection are added by whoever writes the message.

use std::io::Write as _;
use std::net::IpAddr;

use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::error::ForwardError;
use super::http1::numerals::write_decimal;
use super::ids::Ids;
use super::sieve::Sieve;
use super::{Passage, hop_by_hop};
use crate::domain::destination::Upstream;
use crate::domain::identity_headers;
use crate::domain::identity_headers::fields::Fields;
use crate::domain::principal::Principal;
use crate::proxy::visit::Peer;

static X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
static X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
static X_FORWARDED_PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");
static X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
static X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
static TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// The longest `X-Forwarded-For` that is passed on and added to, in bytes.
const MAX_CHAIN: usize = 1024;
/// The longest request id that is passed on, in bytes.
const MAX_REQUEST_ID: usize = 128;

/// Everything that the head of one request says, whichever upstream it goes to and however often it is written.
#[derive(Debug)]
pub(super) struct Telling<'a> {
    headers: &'a HeaderMap,
    sieve: Sieve<'a>,
    passage: &'a Passage<'a>,
    who: Option<&'a Principal>,
    request_id: RequestId<'a>,
    trace: Option<&'a HeaderValue>,
    /// Whether the client takes trailers.
    pub(super) takes_trailers: bool,
}

#[derive(Debug)]
enum RequestId<'a> {
    Theirs(&'a HeaderValue),
    Ours([u8; 32]),
}

impl<'a> Telling<'a> {
    /// # Errors
    /// [`ForwardError::TooManyConnectionOptions`].
    pub(super) fn new(
        headers: &'a HeaderMap,
        who: Option<&'a Principal>,
        passage: &'a Passage<'a>,
        ids: &Ids,
    ) -> Result<Self, ForwardError> {
        let sieve = Sieve::new(headers, passage.rules, passage.peer)?;
        let only = |name: &HeaderName| only(headers, name).filter(|_| !sieve.ends_here(name.as_str()));
        let request_id = match passage.peer {
            Peer::Stranger => None,
            Peer::TrustedProxy => only(&X_REQUEST_ID).filter(|id| is_request_id(id)),
        };
        Ok(Self {
            headers,
            sieve,
            passage,
            who,
            request_id: request_id.map_or_else(|| RequestId::Ours(ids.next()), RequestId::Theirs),
            trace: only(&TRACEPARENT).filter(|parent| is_traceparent(parent)),
            takes_trailers: hop_by_hop::lists(headers, &header::TE, "trailers"),
        })
    }

    /// Writes the fields of the head.
    pub(super) fn write(&self, upstream: &Upstream, fields: &mut impl Fields) {
        let authority = self.passage.origin.authority();
        fields.put_value(&header::HOST, upstream.host_field(authority).as_bytes());
        for (name, value) in self.headers {
            let is_told_apart = *name == header::COOKIE || (self.trace.is_none() && *name == TRACESTATE);
            if !is_told_apart && self.sieve.passes(name.as_str()) {
                fields.pass(name, value);
            }
        }
        if self.sieve.passes(header::COOKIE.as_str()) && self.headers.contains_key(header::COOKIE) {
            fields.put(&header::COOKIE, |out| self.write_cookies(out));
        }
        fields.put_value(&X_FORWARDED_HOST, authority.as_bytes());
        fields.put_value(&X_FORWARDED_PROTO, self.passage.origin.scheme().as_str().as_bytes());
        fields.put(&X_FORWARDED_FOR, |out| self.write_chain(out));
        if let Some(prefix) = self.passage.strip_prefix {
            fields.put_value(&X_FORWARDED_PREFIX, prefix.as_str().as_bytes());
        }
        match &self.request_id {
            RequestId::Theirs(id) => fields.pass(&X_REQUEST_ID, id),
            RequestId::Ours(id) => fields.put_value(&X_REQUEST_ID, id),
        }
        if let Some(parent) = self.trace {
            fields.pass(&TRACEPARENT, parent);
        }
        identity_headers::render(fields, self.passage.rules.preset, &self.passage.rules.set, self.who);
    }

    /// The client's cookies without ours, as one field: HTTP/2 may cut it into many (RFC 9113 §8.2.3).
    fn write_cookies(&self, out: &mut Vec<u8>) -> Option<()> {
        let start = out.len();
        for field in self.headers.get_all(header::COOKIE) {
            let before = out.len();
            if before > start {
                out.extend_from_slice(b"; ");
            }
            let joint = out.len();
            (self.passage.cookies.write_others)(field.as_bytes(), out);
            if out.len() == joint {
                out.truncate(before);
            }
        }
        (out.len() > start).then_some(())
    }

    /// Who passed the request on before us, if that can be believed, and who passed it to us.
    fn write_chain(&self, out: &mut Vec<u8>) -> Option<()> {
        let start = out.len();
        if self.passage.peer == Peer::TrustedProxy && !self.sieve.ends_here(X_FORWARDED_FOR.as_str()) {
            for line in self.headers.get_all(&X_FORWARDED_FOR) {
                out.extend_from_slice(line.as_bytes());
                out.extend_from_slice(b", ");
            }
            let told = &out[start..];
            if told.len() > MAX_CHAIN + 2 || !told.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\t')) || told == b", " {
                out.truncate(start);
            }
        }
        match self.passage.address.to_canonical() {
            IpAddr::V4(address) => {
                for (at, octet) in address.octets().into_iter().enumerate() {
                    if at > 0 {
                        out.push(b'.');
                    }
                    write_decimal(octet.into(), out);
                }
                Some(())
            }
            IpAddr::V6(address) => write!(out, "{address}").ok(),
        }
    }
}

fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    let mut values = headers.get_all(name).into_iter();
    match (values.next(), values.next()) {
        (Some(value), None) => Some(value),
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
    match value.as_bytes().split_at_checked(3) {
        Some((b"00-", rest)) if rest.len() == 52 && rest[32] == b'-' && rest[49] == b'-' => {
            id(&rest[..32]) && id(&rest[33..49]) && hex(&rest[50..])
        }
        _ => false,
    }
}
