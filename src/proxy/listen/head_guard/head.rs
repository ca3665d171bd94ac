//! One request head, line by line (RFC 9112 §3, §5, §6).

use super::grammar::{is_host, is_target, without_cr};
use super::{Framing, MAX_FIELDS, MAX_HEAD, Violation, field};

/// What is known of the head so far.
#[derive(Debug, Default)]
pub(super) struct Head {
    bytes: usize,
    fields: usize,
    version: Option<Version>,
    authority: Option<Box<[u8]>>,
    host: Option<HostSeen>,
    length: Option<u64>,
    is_chunked: bool,
    /// Whether there is an `Upgrade` field.
    pub(super) wants_upgrade: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    Http10,
    Http11,
}

#[derive(Debug)]
struct HostSeen;

impl Head {
    pub(super) fn begin(&mut self) {
        *self = Self::default();
    }

    /// Counts bytes before they are a line: a line that never ends is too large as well.
    pub(super) const fn count(&mut self, bytes: usize) -> Result<(), Violation> {
        self.bytes += bytes;
        if self.bytes > MAX_HEAD { Err(Violation::TooLarge) } else { Ok(()) }
    }

    /// Takes the next line without its LF; `Some` after the last one.
    pub(super) fn line(&mut self, line: &[u8]) -> Result<Option<Framing>, Violation> {
        let line = without_cr(line).ok_or(Violation::LineEnd)?;
        if memchr::memchr(b'\r', line).is_some() {
            return Err(Violation::LineEnd);
        }
        let Some(version) = self.version else {
            self.request_line(line)?;
            return Ok(None);
        };
        if line.is_empty() {
            return self.end(version).map(Some);
        }
        self.fields += 1;
        if self.fields > MAX_FIELDS {
            return Err(Violation::TooManyFields);
        }
        let (name, value) = field::split(line)?;
        self.field(name, value, version)?;
        Ok(None)
    }

    fn request_line(&mut self, line: &[u8]) -> Result<(), Violation> {
        let space = memchr::memchr(b' ', line).ok_or(Violation::RequestLine)?;
        let (method, rest) = (&line[..space], &line[space + 1..]);
        let space = memchr::memrchr(b' ', rest).ok_or(Violation::RequestLine)?;
        let (target, version) = (&rest[..space], &rest[space + 1..]);
        self.version = Some(match version {
            b"HTTP/1.0" => Version::Http10,
            b"HTTP/1.1" => Version::Http11,
            _ => return Err(Violation::RequestLine),
        });
        check_method(method)?;
        self.authority = check_target(method, target)?.map(Into::into);
        Ok(())
    }

    fn field(&mut self, name: &[u8], value: &[u8], version: Version) -> Result<(), Violation> {
        // By length first: most fields are none of these.
        match name.len() {
            4 if name.eq_ignore_ascii_case(b"host") => {
                let contradicts = self.authority.as_deref().is_some_and(|authority| !authority.eq_ignore_ascii_case(value));
                if self.host.replace(HostSeen).is_some() || !is_host(value) || contradicts {
                    return Err(Violation::Host);
                }
            }
            7 if name.eq_ignore_ascii_case(b"upgrade") => self.wants_upgrade = version == Version::Http11,
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
                if version == Version::Http10 || value != b"chunked" || std::mem::replace(&mut self.is_chunked, true) {
                    return Err(Violation::TransferEncoding);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn end(&self, version: Version) -> Result<Framing, Violation> {
        if self.host.is_none() && version == Version::Http11 {
            return Err(Violation::Host);
        }
        Ok(match self.length {
            Some(length) => Framing::Sized(length),
            None if self.is_chunked => Framing::Chunked,
            None => Framing::None,
        })
    }
}

/// TRACE shows a request's secrets to whoever sent it, CONNECT makes a proxy of another kind.
pub(in crate::proxy::listen) fn check_method(method: &[u8]) -> Result<(), Violation> {
    let is_plain = matches!(method, [b'A'..=b'Z', ..]) && method.iter().all(|byte| matches!(byte, b'A'..=b'Z' | b'-' | b'_'));
    if !is_plain || method.len() > 32 || matches!(method, b"CONNECT" | b"TRACE" | b"TRACK") {
        return Err(Violation::Method);
    }
    Ok(())
}

/// The authority of an absolute-form target; `None` for the other accepted forms.
fn check_target<'a>(method: &[u8], target: &'a [u8]) -> Result<Option<&'a [u8]>, Violation> {
    if !is_target(target) {
        return Err(Violation::Target);
    }
    match target {
        [b'/', ..] => Ok(None),
        b"*" if method == b"OPTIONS" => Ok(None),
        absolute => {
            let rest = strip_scheme(absolute, b"http://").or_else(|| strip_scheme(absolute, b"https://")).ok_or(Violation::Target)?;
            let slash = memchr::memchr(b'/', rest).ok_or(Violation::Target)?;
            let authority = &rest[..slash];
            if is_host(authority) { Ok(Some(authority)) } else { Err(Violation::Target) }
        }
    }
}

fn strip_scheme<'a>(target: &'a [u8], scheme: &[u8]) -> Option<&'a [u8]> {
    let (start, rest) = target.split_at_checked(scheme.len())?;
    start.eq_ignore_ascii_case(scheme).then_some(rest)
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
