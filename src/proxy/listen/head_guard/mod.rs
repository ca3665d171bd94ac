//! The strict reading of HTTP/1 request heads, byte by byte, in front of the HTTP library.
//!
//! The library is lenient where two readers of one stream can disagree: it drops `Content-Length` beside
//! `Transfer-Encoding`, takes a bare LF for a line end, cuts `#…` off a target. Those are the places where requests are
//! smuggled (RFC 9112 §11.2), and none of them can be seen any more once a request is parsed. So this machine reads
//! along: it knows where each message of a connection begins and ends, checks every line of every head, and refuses what
//! could be read in two ways. It decides nothing about paths, hosts or people; it does no I/O.

mod chunks;
mod field;
mod grammar;
mod head;

use memchr::memchr;

use chunks::Chunks;
use head::Head;

pub(super) use grammar::{is_host, is_target};
pub(super) use head::check_method;

/// The largest head, in bytes, line ends included.
pub const MAX_HEAD: usize = 64 * 1024;
/// The most fields in a head. The library's own limit is the same: what passes here must not be refused there.
pub const MAX_FIELDS: usize = 100;

/// Why a request cannot be read one way only, or is larger than anybody needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Violation {
    /// Bytes behind a request to change protocols, before it is answered (RFC 9110 §7.8).
    #[error("bytes behind a request to upgrade, before its answer")]
    BytesBeforeUpgrade,
    /// Chunk framing other than `size [; extension] CRLF data CRLF` (RFC 9112 §7.1).
    #[error("malformed chunk framing")]
    Chunk,
    /// `Content-Length` is repeated or is not a number (RFC 9112 §6.3).
    #[error("content-length is repeated or not a number")]
    ContentLength,
    /// A field name that is not a token, or is followed by white space (RFC 9112 §5.1).
    #[error("malformed field name")]
    FieldName,
    /// A control byte in a field value (RFC 9110 §5.5); on HTTP/2, white space around it (RFC 9113 §8.2.1).
    #[error("malformed field value")]
    FieldValue,
    /// More HTTP/2 frames that carry nothing than anybody needs (RFC 9113 §10.5): the connection is closed.
    #[error("too many frames that carry nothing")]
    Flood,
    /// Both `Content-Length` and `Transfer-Encoding` (RFC 9112 §6.1).
    #[error("content-length and transfer-encoding together")]
    Framing,
    /// `Host` is missing, repeated, malformed, or names something else than the target does (RFC 9112 §3.2).
    #[error("host is missing, repeated, malformed or contradicts the target")]
    Host,
    /// A line that does not end with CRLF (RFC 9112 §2.2).
    #[error("line end other than CRLF")]
    LineEnd,
    /// A method that is not an upper-case token of at most 32 bytes, or is CONNECT, TRACE or TRACK.
    #[error("method not accepted")]
    Method,
    /// A field continued on a second line (RFC 9112 §5.2).
    #[error("folded field line")]
    ObsFold,
    /// More than `METHOD SP target SP HTTP/1.x`, or less (RFC 9112 §3).
    #[error("malformed request line")]
    RequestLine,
    /// A target in a form that is not for us, or with bytes that do not belong there (RFC 9112 §3.2).
    #[error("malformed request target")]
    Target,
    /// More than [`MAX_HEAD`] bytes.
    #[error("head too large")]
    TooLarge,
    /// More than [`MAX_FIELDS`] fields.
    #[error("too many fields")]
    TooManyFields,
    /// A trailer field that frames, routes or authenticates (RFC 9110 §6.5.1).
    #[error("field not accepted in trailers")]
    Trailer,
    /// A `Transfer-Encoding` other than one `chunked`, or any on HTTP/1.0 (RFC 9112 §6.1).
    #[error("transfer-encoding not accepted")]
    TransferEncoding,
}

impl Violation {
    /// The status it is answered with.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::TooLarge | Self::TooManyFields => 431,
            Self::BytesBeforeUpgrade
            | Self::Chunk
            | Self::ContentLength
            | Self::FieldName
            | Self::FieldValue
            | Self::Flood
            | Self::Framing
            | Self::Host
            | Self::LineEnd
            | Self::Method
            | Self::ObsFold
            | Self::RequestLine
            | Self::Target
            | Self::Trailer
            | Self::TransferEncoding => 400,
        }
    }
}

/// What became of the bytes that were fed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// So many of them may be passed on: they belong to complete, checked heads and to bodies. What comes after them is
    /// the beginning of a head that is not complete yet.
    pub passable: usize,
    /// What is wrong with what follows, and where.
    pub fault: Option<(Part, Violation)>,
}

/// Which part of a message a violation is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// In a head: nothing of that message was passed on.
    Head,
    /// In a body whose head was passed on already, or between a request to upgrade and its answer.
    Body,
}

/// Reads along on one connection.
#[derive(Debug)]
pub struct HeadGuard {
    state: State,
    head: Head,
    lines: Lines,
}

#[derive(Debug)]
enum State {
    /// Nothing of the next message is here.
    Border,
    /// In a head.
    Head,
    /// In a body: so many bytes to come.
    Sized(u64),
    /// In a chunked body.
    Chunked(Chunks),
    /// Behind a request to upgrade.
    AwaitsAnswer,
    /// Another protocol.
    Tunnel,
    /// For good.
    Refused(Part, Violation),
}

/// How the body that follows a head is framed (RFC 9112 §6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Framing {
    Chunked,
    None,
    Sized(u64),
}

impl Default for HeadGuard {
    fn default() -> Self {
        Self { state: State::Border, head: Head::default(), lines: Lines::default() }
    }
}

impl HeadGuard {
    /// Reads the next bytes of the connection, wherever they were cut.
    pub fn feed(&mut self, bytes: &[u8]) -> Verdict {
        let (mut at, mut passable) = (0, 0);
        while at < bytes.len() {
            match self.step(&bytes[at..]) {
                Ok(Step::Withhold(used)) => at += used,
                Ok(Step::Pass(used)) => {
                    at += used;
                    passable = at;
                }
                Err(violation) => {
                    let part = match self.state {
                        State::Border | State::Head | State::Refused(Part::Head, _) => Part::Head,
                        State::Sized(_) | State::Chunked(_) | State::AwaitsAnswer | State::Tunnel | State::Refused(Part::Body, _) => {
                            Part::Body
                        }
                    };
                    self.state = State::Refused(part, violation);
                    return Verdict { passable, fault: Some((part, violation)) };
                }
            }
        }
        Verdict { passable, fault: None }
    }

    /// Whether the last message is complete and nothing of the next one has come.
    #[must_use]
    pub const fn is_between_messages(&self) -> bool {
        matches!(self.state, State::Border | State::AwaitsAnswer)
    }

    /// Whether part of a head has come.
    #[must_use]
    pub const fn is_in_head(&self) -> bool {
        matches!(self.state, State::Head)
    }

    /// Whether part of a body is still to come.
    #[must_use]
    pub const fn is_in_body(&self) -> bool {
        matches!(self.state, State::Sized(_) | State::Chunked(_))
    }

    /// A request to upgrade was answered with something else than 101: HTTP goes on.
    pub fn stays(&mut self) {
        self.head.wants_upgrade = false;
        if matches!(self.state, State::AwaitsAnswer) {
            self.state = State::Border;
        }
    }

    /// A request to upgrade was answered with 101: what follows is not HTTP.
    pub fn switches(&mut self) {
        if matches!(self.state, State::AwaitsAnswer) {
            self.state = State::Tunnel;
        }
    }

    fn step(&mut self, bytes: &[u8]) -> Result<Step, Violation> {
        match &mut self.state {
            State::Border => {
                // Not only stricter than skipping empty lines: anything that speaks another protocol (TLS, say) is
                // told so at its first byte instead of at the end of a line that may never come.
                if !bytes[0].is_ascii_uppercase() {
                    return Err(Violation::Method);
                }
                self.head.begin();
                self.state = State::Head;
                Ok(Step::Withhold(0))
            }
            State::Head => self.head_line(bytes),
            State::Sized(left) => {
                let used = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                *left -= used as u64;
                if *left == 0 {
                    self.end_message();
                }
                Ok(Step::Pass(used))
            }
            State::Chunked(chunks) => {
                let used = chunks.feed(bytes, &mut self.lines)?;
                if chunks.is_complete() {
                    self.end_message();
                }
                Ok(Step::Pass(used))
            }
            State::AwaitsAnswer => Err(Violation::BytesBeforeUpgrade),
            State::Tunnel => Ok(Step::Pass(bytes.len())),
            State::Refused(_, violation) => Err(*violation),
        }
    }

    fn head_line(&mut self, bytes: &[u8]) -> Result<Step, Violation> {
        let (used, line) = self.lines.take(bytes);
        self.head.count(used)?;
        let Some(line) = line else { return Ok(Step::Withhold(used)) };
        let framing = self.head.line(line)?;
        self.lines.clear();
        match framing {
            None => return Ok(Step::Withhold(used)),
            Some(Framing::None | Framing::Sized(0)) => self.end_message(),
            Some(Framing::Sized(length)) => self.state = State::Sized(length),
            Some(Framing::Chunked) => self.state = State::Chunked(Chunks::default()),
        }
        Ok(Step::Pass(used))
    }

    fn end_message(&mut self) {
        self.state = if self.head.wants_upgrade { State::AwaitsAnswer } else { State::Border };
    }
}

/// So many bytes were read.
enum Step {
    Pass(usize),
    Withhold(usize),
}

/// Puts lines together that come in pieces. A line that comes whole is not copied.
#[derive(Debug, Default)]
struct Lines(Vec<u8>);

impl Lines {
    /// How many bytes were used, and the line they complete, without its LF.
    fn take<'a>(&'a mut self, bytes: &'a [u8]) -> (usize, Option<&'a [u8]>) {
        match memchr(b'\n', bytes) {
            None => {
                self.0.extend_from_slice(bytes);
                (bytes.len(), None)
            }
            Some(at) if self.0.is_empty() => (at + 1, Some(&bytes[..at])),
            Some(at) => {
                self.0.extend_from_slice(&bytes[..at]);
                (at + 1, Some(&self.0))
            }
        }
    }

    fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests;
