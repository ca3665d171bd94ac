//! The one normal form of a request target. Matching, policy and forwarding all use it, and only it: a target that
//! cannot be read one way only does not parse.
//!
//! `path` holds the rules for path and query, `host` those for the host. Which of our origins the host belongs to
//! is [`super::origin`]'s business.

mod host;
pub(super) mod path;

use super::origin::Origin;

/// Host, path and query of a request, normalised (RFC 3986 §6.2.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Path and query, then the host: one piece of memory for a request.
    text: String,
    path_and_query_length: usize,
    path_length: usize,
}

/// Why a target cannot be read one way only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadTarget {
    /// `\`, which browsers and some servers take for `/`.
    #[error("the path has a backslash")]
    Backslash,
    /// A raw character that no path may have: space, `"`, `<`, `>`, `[`, `]`, `^`, backtick, `{`, `|`, `}`.
    #[error("the path has a character that must be percent-encoded (RFC 3986 §3.3)")]
    Character,
    /// A control byte, as it is.
    #[error("the target has a control character")]
    Control,
    /// A segment of `.` or `..` in any spelling, path parameters behind it or not.
    #[error("the path has a dot segment")]
    DotSegment,
    /// `%25` and two hexadecimal digits that a second decoding would turn into an ASCII character other than a space.
    #[error("the path is percent-encoded twice")]
    DoubleEncoding,
    /// `//`, or a segment that is empty without its parameters.
    #[error("the path has an empty segment")]
    EmptySegment,
    /// `%00` to `%1F` and `%7F`.
    #[error("the path has a percent-encoded control character")]
    EncodedControl,
    /// `%2F` or `%5C`.
    #[error("the path has a percent-encoded slash or backslash")]
    EncodedSeparator,
    /// `#`, which never belongs into a request.
    #[error("the target has a fragment")]
    Fragment,
    /// Neither a DNS name nor an IP address, or more than that and a port.
    #[error("the host is not a DNS name or IP address with an optional port")]
    Host,
    /// No `/` at the start: `*`, an absolute URL, an authority.
    #[error("the path does not start with a slash")]
    NoLeadingSlash,
    /// A byte beyond ASCII, as it is.
    #[error("the target has a character beyond ASCII that is not percent-encoded")]
    NotAscii,
    /// Percent-encoded bytes beyond ASCII that are not UTF-8, overlong forms among them.
    #[error("the path has percent-encoded bytes that are not UTF-8")]
    NotUtf8,
    /// `%` without two hexadecimal digits behind it.
    #[error("the path has a percent sign without two hexadecimal digits")]
    PercentSign,
    /// A raw space, `"`, `<` or `>`, which browsers always encode.
    #[error("the query has a space, quotation mark or angle bracket that is not percent-encoded")]
    QueryCharacter,
    /// Longer than [`Target::MAX_LENGTH`].
    #[error("the target is too long")]
    TooLong,
}

impl Target {
    /// The longest path and query, in bytes.
    pub const MAX_LENGTH: usize = 8 * 1024;

    /// Reads a `Host` field (or `:authority`) and the path and query of a request line.
    ///
    /// In the path, percent-encoded unreserved characters are decoded and the digits of other percent-encodings become
    /// upper case. The query is kept byte for byte, wrong percent signs included: apps give it meanings of their own,
    /// and no decision hangs on it.
    ///
    /// # Errors
    /// [`BadTarget`], the first mistake that is found.
    pub fn parse(host_field: &str, path_and_query: &str) -> Result<Self, BadTarget> {
        let (text, path_length) = path::normalise_with_room(path_and_query, host_field.len())?;
        Ok(Self::at(&host::parse(host_field)?, text, path_length))
    }

    /// Reads the path and query of a request for one of our origins.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_at(origin: &Origin, path_and_query: &str) -> Result<Self, BadTarget> {
        let (text, path_length) = path::normalise_with_room(path_and_query, origin.host().len())?;
        Ok(Self::at(origin.host(), text, path_length))
    }

    fn at(host: &str, mut text: String, path_length: usize) -> Self {
        let path_and_query_length = text.len();
        text.push_str(host);
        Self { text, path_and_query_length, path_length }
    }

    /// Host name without port, lower case; an IPv6 address stands in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.text[self.path_and_query_length..]
    }

    /// The normalised path; starts with `/`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.text[..self.path_length]
    }

    /// The query without `?`.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.path_and_query().get(self.path_length + 1..)
    }

    /// Path and query, as forwarded.
    #[must_use]
    pub fn path_and_query(&self) -> &str {
        &self.text[..self.path_and_query_length]
    }

    /// The path without path parameters (`;x=1`), as upstreams read it that drop them; `None` if it has none. A
    /// percent-encoded semicolon starts one as well: some upstreams decode first.
    #[must_use]
    pub fn path_without_parameters(&self) -> Option<String> {
        let path = self.path();
        if path::is_simple(path) || !path.contains(';') && !path.contains("%3B") {
            return None;
        }
        let mut bare = String::with_capacity(path.len());
        for segment in path[1..].split('/') {
            bare.push('/');
            bare.push_str(&segment[..path::without_parameters(segment.as_bytes()).len()]);
        }
        Some(bare)
    }
}

#[cfg(test)]
mod tests;
