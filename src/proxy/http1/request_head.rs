//! The strict reading of request heads (RFC 9112 §3, §5, §6): one pass that judges every line and finds what it says about
//! framing and the connection. It is the only reading there is: what could be read in two ways is refused, and what is not
//! refused is a request. It decides nothing about paths, hosts or people.

use bytes::{Bytes, BytesMut};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Request, Version};
use memchr::memchr;

use super::content::Content;
use super::field;
use super::grammar::{is_host, trim};
use super::request_line::RequestLine;
use super::violation::Violation;

/// The largest head, in bytes, line ends included.
pub const MAX_HEAD: usize = 64 * 1024;
/// The most fields in a head.
pub const MAX_FIELDS: usize = 100;
/// So many fields are added to a head on its way to the upstream, about: room for them from the beginning.
const ROOM: usize = 12;

/// A request without its content.
#[derive(Debug)]
pub struct RequestHead {
    /// Method, target, version, fields.
    pub parts: Parts,
    /// The content that follows.
    pub content: Content,
    /// What it says about its connection.
    pub wishes: Wishes,
}

/// What a request says about its connection and its answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wishes {
    /// Whether the connection may be used again (RFC 9112 §9.3).
    pub is_persistent: bool,
    /// Whether the content waits for `100 Continue` (RFC 9110 §10.1.1).
    pub expects_continue: bool,
    /// Whether there is an `Upgrade` field (RFC 9110 §7.8). HTTP/1.0 cannot ask for it.
    pub asks_for_upgrade: bool,
    /// Whether trailers of the answer are welcome (RFC 9110 §10.1.4).
    pub takes_trailers: bool,
}

/// Reads the heads of one connection, wherever they are cut. Small while no head is incomplete.
#[derive(Debug, Default)]
pub struct HeadReader(Option<Box<Lines>>);

impl HeadReader {
    /// Takes the next head off the beginning of what was read; `None` if it is not all there. To be called again with
    /// more.
    ///
    /// # Errors
    /// [`Violation`], as soon as the line at fault is there; the connection is of no more use.
    pub fn next(&mut self, read: &mut BytesMut) -> Result<Option<RequestHead>, Violation> {
        let Some(begun) = &mut self.0 else {
            let mut lines = Lines::default();
            let Some(length) = lines.read(read)? else {
                self.0 = Some(Box::new(lines));
                return Ok(None);
            };
            return lines.make(&read.split_to(length).freeze()).map(Some);
        };
        let Some(length) = begun.read(read)? else { return Ok(None) };
        let head = begun.make(&read.split_to(length).freeze());
        self.0 = None;
        head.map(Some)
    }
}

/// The lines of a head so far. All positions are in bytes from its beginning.
#[derive(Debug)]
struct Lines {
    /// Where the first line begins that is not judged yet.
    at: usize,
    /// Up to here there is no further line end.
    searched: usize,
    request_line: Option<RequestLine>,
    fields: [Span; MAX_FIELDS],
    count: usize,
    facts: Facts,
}

/// Where a field is. A head is not larger than what these can tell.
#[derive(Debug, Clone, Copy, Default)]
struct Span {
    name: u16,
    name_end: u16,
    value: u16,
    value_end: u16,
}

impl Default for Lines {
    fn default() -> Self {
        let fields = [Span::default(); MAX_FIELDS];
        Self { at: 0, searched: 0, request_line: None, fields, count: 0, facts: Facts::default() }
    }
}

impl Lines {
    /// Judges every complete line; says how long the head is once it is complete.
    fn read(&mut self, bytes: &[u8]) -> Result<Option<usize>, Violation> {
        // Not only stricter than skipping empty lines (RFC 9112 §2.2): anything that speaks another protocol (TLS, say) is
        // told so at its first byte instead of at the end of a line that may never come.
        if bytes.first().is_some_and(|byte| !byte.is_ascii_uppercase()) {
            return Err(Violation::Method);
        }
        while let Some(found) = memchr(b'\n', &bytes[self.searched..]) {
            let end = self.searched + found;
            if end >= MAX_HEAD {
                return Err(Violation::TooLarge);
            }
            let is_last = field::whole_line(&bytes[self.at..end], |line| self.line(bytes, line))?;
            (self.at, self.searched) = (end + 1, end + 1);
            if is_last {
                return Ok(Some(end + 1));
            }
        }
        self.searched = bytes.len();
        if bytes.len() > MAX_HEAD { Err(Violation::TooLarge) } else { Ok(None) }
    }

    /// Judges a line of `head`; says whether it is the last one.
    fn line(&mut self, head: &[u8], line: &[u8]) -> Result<bool, Violation> {
        let Some(request_line) = &self.request_line else {
            self.request_line = Some(RequestLine::read(line)?);
            return Ok(false);
        };
        if line.is_empty() {
            self.facts.check(request_line.version)?;
            return Ok(true);
        }
        if self.count == MAX_FIELDS {
            return Err(Violation::TooManyFields);
        }
        let (name, value) = field::split(line)?;
        self.facts.note(name, value, request_line, head)?;
        // Both are parts of the line, so their positions follow from lengths.
        let value_at = value.as_ptr().addr() - line.as_ptr().addr();
        let [name, name_end, value, value_end] =
            [0, name.len(), value_at, value_at + value.len()].map(|position| u16::try_from(self.at + position).unwrap_or(u16::MAX));
        self.fields[self.count] = Span { name, name_end, value, value_end };
        self.count += 1;
        Ok(false)
    }

    /// Makes the request of a complete head. Its values are slices of `head`.
    fn make(&self, head: &Bytes) -> Result<RequestHead, Violation> {
        let request_line = self.request_line.as_ref().ok_or(Violation::RequestLine)?;
        let mut headers = HeaderMap::with_capacity(self.count + ROOM);
        for span in &self.fields[..self.count] {
            let name = field::name(&head[usize::from(span.name)..usize::from(span.name_end)])?;
            let value = head.slice(usize::from(span.value)..usize::from(span.value_end));
            headers.append(name, HeaderValue::from_maybe_shared(value).map_err(|_| Violation::FieldValue)?);
        }
        let (mut parts, ()) = Request::new(()).into_parts();
        parts.method = request_line.method(head)?;
        parts.uri = request_line.uri(head)?;
        parts.version = request_line.version;
        parts.headers = headers;
        Ok(RequestHead { content: self.facts.content(), wishes: self.facts.wishes(request_line.version), parts })
    }
}

/// What the fields say that matters for reading on.
#[derive(Debug, Default)]
struct Facts {
    has_host: bool,
    length: Option<u64>,
    is_chunked: bool,
    says_close: bool,
    says_keep_alive: bool,
    wishes: Wishes,
}

impl Facts {
    fn note(&mut self, name: &[u8], value: &[u8], request_line: &RequestLine, head: &[u8]) -> Result<(), Violation> {
        // By length first: most fields are none of these.
        match name.len() {
            2 if name.eq_ignore_ascii_case(b"te") => self.wishes.takes_trailers |= lists(value, b"trailers"),
            4 if name.eq_ignore_ascii_case(b"host") => {
                let contradicts = request_line.authority(head).is_some_and(|authority| !authority.eq_ignore_ascii_case(value));
                if std::mem::replace(&mut self.has_host, true) || !is_host(value) || contradicts {
                    return Err(Violation::Host);
                }
            }
            6 if name.eq_ignore_ascii_case(b"expect") => self.wishes.expects_continue |= value.eq_ignore_ascii_case(b"100-continue"),
            7 if name.eq_ignore_ascii_case(b"upgrade") => self.wishes.asks_for_upgrade = true,
            10 if name.eq_ignore_ascii_case(b"connection") => {
                self.says_close |= lists(value, b"close");
                self.says_keep_alive |= lists(value, b"keep-alive");
            }
            14 if name.eq_ignore_ascii_case(b"content-length") => {
                if self.is_chunked {
                    return Err(Violation::Framing);
                }
                if self.length.replace(content_length(value)?).is_some() {
                    return Err(Violation::ContentLength);
                }
            }
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => {
                if self.length.is_some() {
                    return Err(Violation::Framing);
                }
                let is_old = request_line.version == Version::HTTP_10;
                if is_old || value != b"chunked" || std::mem::replace(&mut self.is_chunked, true) {
                    return Err(Violation::TransferEncoding);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn check(&self, version: Version) -> Result<(), Violation> {
        if self.has_host || version == Version::HTTP_10 { Ok(()) } else { Err(Violation::Host) }
    }

    fn content(&self) -> Content {
        match self.length {
            None | Some(0) if !self.is_chunked => Content::Done,
            Some(length) => Content::Sized(length),
            None => Content::chunked(),
        }
    }

    fn wishes(&self, version: Version) -> Wishes {
        let is_old = version == Version::HTTP_10;
        Wishes {
            is_persistent: !self.says_close && (!is_old || self.says_keep_alive),
            expects_continue: self.wishes.expects_continue && !is_old,
            asks_for_upgrade: self.wishes.asks_for_upgrade && !is_old,
            takes_trailers: self.wishes.takes_trailers && !is_old,
        }
    }
}

/// Whether a list has this member, whatever its case.
fn lists(value: &[u8], member: &[u8]) -> bool {
    value.split(|byte| *byte == b',').any(|listed| trim(listed).eq_ignore_ascii_case(member))
}

/// Digits only: no sign, no list, no white space, nothing that needs more than 19 digits.
fn content_length(value: &[u8]) -> Result<u64, Violation> {
    if !(1..=19).contains(&value.len()) {
        return Err(Violation::ContentLength);
    }
    value.iter().try_fold(0_u64, |length, byte| match byte {
        b'0'..=b'9' => Ok(length * 10 + u64::from(byte - b'0')),
        _ => Err(Violation::ContentLength),
    })
}
