//! The first line of a request (RFC 9112 §3).

use std::ops::Range;

use http::{Method, Uri, Version};
use memchr::{memchr, memrchr};

use bytes::Bytes;

use super::grammar::{is_host, is_target};
use super::violation::Violation;

/// The longest method, in bytes.
const MAX_METHOD: usize = 32;

/// Where the parts of a request line are, in bytes from the beginning of the head.
#[derive(Debug, Clone)]
pub(super) struct RequestLine {
    method: Range<usize>,
    target: Range<usize>,
    /// The authority in an absolute-form target.
    authority: Option<Range<usize>>,
    pub(super) version: Version,
}

impl RequestLine {
    /// Judges a line without its line end.
    pub(super) fn read(line: &[u8]) -> Result<Self, Violation> {
        let method = 0..memchr(b' ', line).ok_or(Violation::RequestLine)?;
        let start = method.end + 1;
        let target = start..start + memrchr(b' ', &line[start..]).ok_or(Violation::RequestLine)?;
        let version = match &line[target.end + 1..] {
            b"HTTP/1.1" => Version::HTTP_11,
            b"HTTP/1.0" => Version::HTTP_10,
            _ => return Err(Violation::RequestLine),
        };
        check_method(&line[method.clone()])?;
        let authority = check_target(&line[method.clone()], &line[target.clone()])?;
        let authority = authority.map(|authority| target.start + authority.start..target.start + authority.end);
        Ok(Self { method, target, authority, version })
    }

    /// What `Host` has to say as well, if the target names an authority (RFC 9112 §3.2.2).
    pub(super) fn authority<'a>(&self, head: &'a [u8]) -> Option<&'a [u8]> {
        self.authority.clone().map(|authority| &head[authority])
    }

    pub(super) fn method(&self, head: &[u8]) -> Result<Method, Violation> {
        Method::from_bytes(&head[self.method.clone()]).map_err(|_| Violation::Method)
    }

    /// The target, as a slice of the head.
    pub(super) fn uri(&self, head: &Bytes) -> Result<Uri, Violation> {
        // It refuses a few characters more: `<`, `>` and the backtick.
        Uri::from_maybe_shared(head.slice(self.target.clone())).map_err(|_| Violation::Target)
    }
}

/// TRACE shows a request's secrets to whoever sent it, CONNECT makes a proxy of another kind, and PRI is how HTTP/2 begins.
pub(in crate::proxy) fn check_method(method: &[u8]) -> Result<(), Violation> {
    let is_plain = matches!(method, [b'A'..=b'Z', ..]) && method.iter().all(|byte| matches!(byte, b'A'..=b'Z' | b'-' | b'_'));
    if !is_plain || method.len() > MAX_METHOD || matches!(method, b"CONNECT" | b"PRI" | b"TRACE" | b"TRACK") {
        return Err(Violation::Method);
    }
    Ok(())
}

/// The authority of an absolute-form target; `None` for the other accepted forms.
fn check_target(method: &[u8], target: &[u8]) -> Result<Option<Range<usize>>, Violation> {
    if !is_target(target) {
        return Err(Violation::Target);
    }
    match target {
        [b'/', ..] => Ok(None),
        b"*" if method == b"OPTIONS" => Ok(None),
        absolute => {
            let start = scheme_length(absolute, b"http://").or_else(|| scheme_length(absolute, b"https://")).ok_or(Violation::Target)?;
            let slash = memchr(b'/', &absolute[start..]).ok_or(Violation::Target)?;
            let authority = start..start + slash;
            if is_host(&absolute[authority.clone()]) { Ok(Some(authority)) } else { Err(Violation::Target) }
        }
    }
}

fn scheme_length(target: &[u8], scheme: &[u8]) -> Option<usize> {
    let (start, _) = target.split_at_checked(scheme.len())?;
    start.eq_ignore_ascii_case(scheme).then_some(scheme.len())
}
