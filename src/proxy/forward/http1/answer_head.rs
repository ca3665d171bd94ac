//! The head of an answer: read strictly, and where its body ends (RFC 9112 §6.3).
//!
//! What two readers could take in two ways is refused. What only breaks a rule (two equal lengths, a length beside the
//! chunked coding) is read as the RFC says, and its connection is not used again.

use std::mem::MaybeUninit;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use httparse::{ParserConfig, Status};

use super::numerals::read_decimal;
use crate::proxy::forward::hop_by_hop::{self, MAX_OPTIONS};

/// The most bytes of a head.
pub(super) const MAX_HEAD: usize = 64 * 1024;
/// The most fields of a head.
const MAX_FIELDS: usize = 100;
/// Fields that we add to an answer.
const ADDED_FIELDS: usize = 4;

/// What was asked, as far as it says how to read the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::proxy::forward) enum Asked {
    /// For a head alone.
    Head,
    /// For anything else.
    Other,
}

/// A head that was read, without what was about the connection.
#[derive(Debug)]
pub(in crate::proxy::forward) struct AnswerHead {
    pub(in crate::proxy::forward) status: StatusCode,
    pub(in crate::proxy::forward) headers: HeaderMap,
    pub(in crate::proxy::forward) framing: Framing,
    pub(in crate::proxy::forward) after: After,
    /// The only `Upgrade` field.
    pub(in crate::proxy::forward) upgrade: Option<HeaderValue>,
}

/// Where the body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::proxy::forward) enum Framing {
    /// There is none.
    Empty,
    /// After so many bytes; not 0.
    Sized(u64),
    /// Where it says.
    Chunked,
    /// With the connection.
    UntilClose,
}

/// What becomes of the connection after the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::proxy::forward) enum After {
    Reuse,
    Close,
}

/// Why bytes are not the head of an answer, or not one that has one meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OddHead {
    /// A line that ends otherwise than with CRLF.
    #[error("a line does not end with CRLF")]
    BareLineFeed,
    /// Transfer codings other than `chunked` alone, or any in HTTP/1.0.
    #[error("a transfer coding other than chunked")]
    Coding,
    /// A `Content-Length` that is no number, or two that differ.
    #[error("no length or two")]
    Length,
    /// A field line that is none.
    #[error("a malformed field line")]
    Field,
    /// 1xx with a body, or more of them than anybody sends.
    #[error("an odd interim answer")]
    Interim,
    /// Not HTTP/1.0 or HTTP/1.1.
    #[error("no HTTP/1 status line")]
    StatusLine,
    /// More than is read.
    #[error("too large a head")]
    TooLarge,
}

/// Whether these bytes can begin a head: what speaks another protocol is not waited for.
pub(super) fn can_begin(bytes: &[u8]) -> bool {
    let start = b"HTTP/1.";
    let length = bytes.len().min(start.len());
    bytes[..length] == start[..length]
}

/// Reads a head. `raw` is all of it, the empty line included, and nothing behind it.
pub(super) fn read(raw: &Bytes, asked: Asked) -> Result<AnswerHead, OddHead> {
    if !can_begin(raw) {
        return Err(OddHead::StatusLine);
    }
    if memchr::memchr_iter(b'\n', raw).any(|at| at == 0 || raw[at - 1] != b'\r') {
        return Err(OddHead::BareLineFeed);
    }
    let mut fields = [const { MaybeUninit::uninit() }; MAX_FIELDS];
    let mut parsed = httparse::Response::new(&mut []);
    match ParserConfig::default().parse_response_with_uninit_headers(&mut parsed, raw, &mut fields) {
        Ok(Status::Complete(length)) if length == raw.len() => {}
        Ok(Status::Complete(_) | Status::Partial) => return Err(OddHead::Field),
        Err(httparse::Error::TooManyHeaders) => return Err(OddHead::TooLarge),
        Err(httparse::Error::HeaderName | httparse::Error::HeaderValue) => return Err(OddHead::Field),
        Err(httparse::Error::Status | httparse::Error::Version | httparse::Error::NewLine | httparse::Error::Token) => {
            return Err(OddHead::StatusLine);
        }
    }
    let status = parsed.code.and_then(|code| StatusCode::from_u16(code).ok()).ok_or(OddHead::StatusLine)?;
    let mut told = Told { is_1_0: parsed.version == Some(0), ..Told::default() };
    let mut headers = HeaderMap::with_capacity(parsed.headers.len() + ADDED_FIELDS);
    for field in parsed.headers.iter() {
        let name = HeaderName::from_bytes(field.name.as_bytes()).map_err(|_| OddHead::Field)?;
        let value = HeaderValue::from_maybe_shared(raw.slice_ref(field.value)).map_err(|_| OddHead::Field)?;
        if let Some(value) = told.keep(&name, value)? {
            headers.append(name, value);
        }
    }
    for name in &told.named {
        headers.remove(name);
    }
    let (framing, after) = told.framing(status, asked)?;
    if told.codings > 0 || status == StatusCode::NO_CONTENT {
        headers.remove(header::CONTENT_LENGTH);
    }
    let upgrade = told.upgrade.filter(|_| told.upgrades == 1);
    Ok(AnswerHead { status, headers, framing, after, upgrade })
}

/// What the fields say about the connection and the body.
#[derive(Debug, Default)]
struct Told {
    is_1_0: bool,
    closes: bool,
    codings: u8,
    length: Option<u64>,
    lengths: u8,
    options: usize,
    /// What `Connection` names besides its usual options.
    named: Vec<HeaderName>,
    upgrade: Option<HeaderValue>,
    upgrades: u8,
}

impl Told {
    /// Reads a field; it is given back if clients are to see it.
    fn keep(&mut self, name: &HeaderName, value: HeaderValue) -> Result<Option<HeaderValue>, OddHead> {
        match name.as_str() {
            "content-length" => return self.length(value),
            "transfer-encoding" => {
                if self.codings > 0 || !value.as_bytes().eq_ignore_ascii_case(b"chunked") {
                    return Err(OddHead::Coding);
                }
                self.codings += 1;
            }
            "connection" => self.connection(&value)?,
            "upgrade" => {
                self.upgrades = self.upgrades.saturating_add(1);
                self.upgrade = Some(value);
            }
            name if hop_by_hop::is_fixed(name) => {}
            _ => return Ok(Some(value)),
        }
        Ok(None)
    }

    fn length(&mut self, value: HeaderValue) -> Result<Option<HeaderValue>, OddHead> {
        let length = read_decimal(value.as_bytes()).ok_or(OddHead::Length)?;
        self.lengths = self.lengths.saturating_add(1);
        match self.length.replace(length) {
            None => Ok(Some(value)),
            Some(first) if first == length => Ok(None),
            Some(_) => Err(OddHead::Length),
        }
    }

    fn connection(&mut self, value: &HeaderValue) -> Result<(), OddHead> {
        for option in hop_by_hop::options(value) {
            self.options += 1;
            if self.options > MAX_OPTIONS {
                return Err(OddHead::TooLarge);
            }
            if option.eq_ignore_ascii_case(b"close") {
                self.closes = true;
            } else if !option.eq_ignore_ascii_case(b"keep-alive") {
                // What is no field name names no field.
                self.named.extend(HeaderName::from_bytes(option));
            }
        }
        Ok(())
    }

    fn framing(&self, status: StatusCode, asked: Asked) -> Result<(Framing, After), OddHead> {
        if status.is_informational() && (self.codings > 0 || self.lengths > 0) {
            return Err(OddHead::Interim);
        }
        if self.codings > 0 && self.is_1_0 {
            return Err(OddHead::Coding);
        }
        let is_odd = self.lengths > 1 || (self.codings > 0 && self.lengths > 0);
        let after = if self.closes || self.is_1_0 || is_odd { After::Close } else { After::Reuse };
        if status == StatusCode::NO_CONTENT {
            // Whoever sends a body after all is not listened to any further.
            let says_more = self.codings > 0 || self.length.is_some_and(|length| length > 0);
            return Ok((Framing::Empty, if says_more { After::Close } else { after }));
        }
        Ok(match (self.length, self.codings) {
            _ if status.is_informational() || status == StatusCode::NOT_MODIFIED || asked == Asked::Head => (Framing::Empty, after),
            (_, 1..) => (Framing::Chunked, after),
            (Some(0), 0) => (Framing::Empty, after),
            (Some(length), 0) => (Framing::Sized(length), after),
            (None, 0) => (Framing::UntilClose, After::Close),
        })
    }
}

#[cfg(test)]
mod tests;
