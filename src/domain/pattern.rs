//! Path patterns of routes: literal segments, `*` for one segment, `**` for the rest.
//!
//! A literal segment is compared as the octets it stands for: `/a%40b` is the same place as `/a@b` to an upstream, so
//! it must not slip past the route of the other. That is safe segment by segment, because no target has an encoded
//! slash.

use std::ops::RangeInclusive;

use super::prefix::Prefix;
use super::target::BadTarget;
use super::target::path::{normalise, octet_at};

/// A parsed pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathPattern {
    text: String,
    segments: Vec<Segment>,
    end: End,
    has_upper_case: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    /// `*`
    Any,
    /// The octets, nothing encoded.
    Literal(Box<[u8]>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// No further segment.
    Exact,
    /// `**`: none or any number of further segments.
    Open,
}

/// Why a text is not a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPattern {
    /// `.` or `..`
    #[error("a pattern has no `.` or `..` segments: requests with them are refused")]
    DotSegment,
    /// `//`
    #[error("a pattern has no empty segments: requests with `//` are refused")]
    EmptySegment,
    /// No `/` at the start.
    #[error("a pattern starts with `/`; the host goes into `host`")]
    NoLeadingSlash,
    /// `;`
    #[error("a pattern has no path parameters: routes are found by the path without `;…`")]
    Parameters,
    /// `?` or `#`
    #[error("a pattern is a path only: no route is chosen by a query or fragment")]
    QueryOrFragment,
    /// `**` before the end.
    #[error("`**` stands for the rest of the path and so can only be the last segment; `*` is one segment")]
    RestInTheMiddle,
    /// `a*`
    #[error("`*` and `**` are whole segments: `/x/*` and `/x/**` are patterns, `/x/a*` is not")]
    StarInSegment,
    /// `/x/`
    #[error("a pattern does not end with `/`: `/x` also matches `/x/`, and `/x/**` everything below as well")]
    TrailingSlash,
    /// No request could have this path.
    #[error("no request can have this path: {0}")]
    Unreachable(BadTarget),
}

impl PathPattern {
    /// Reads a pattern; its literal segments are normalised by the rules for request targets.
    ///
    /// # Errors
    /// [`InvalidPattern`], the first mistake that is found.
    pub fn parse(text: &str) -> Result<Self, InvalidPattern> {
        if text.contains(['?', '#']) {
            return Err(InvalidPattern::QueryOrFragment);
        }
        let (path, _) = normalise(text).map_err(InvalidPattern::from)?;
        if path.contains(';') {
            return Err(InvalidPattern::Parameters);
        }
        let pieces = || path[1..].split('/').filter(|_| path != "/");
        if pieces().any(str::is_empty) {
            return Err(InvalidPattern::TrailingSlash);
        }
        let count = pieces().count();
        let (mut segments, mut end) = (Vec::with_capacity(count), End::Exact);
        for (index, piece) in pieces().enumerate() {
            match piece {
                "**" if index + 1 == count => end = End::Open,
                "**" => return Err(InvalidPattern::RestInTheMiddle),
                "*" => segments.push(Segment::Any),
                piece if piece.contains('*') => return Err(InvalidPattern::StarInSegment),
                piece => segments.push(Segment::Literal(octets(piece).collect())),
            }
        }
        let has_upper_case = segments.iter().any(Segment::has_upper_case);
        Ok(Self { text: text.into(), segments, end, has_upper_case })
    }

    /// `/**`
    #[must_use]
    pub fn everything() -> Self {
        Self { text: "/**".into(), segments: Vec::new(), end: End::Open, has_upper_case: false }
    }

    /// Whether a normalised path matches. One slash at its end does not count.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        self.matches_by(path, |octet, wanted| octet == wanted)
    }

    /// Whether a literal segment has a capital letter (ASCII only).
    #[must_use]
    pub const fn has_upper_case(&self) -> bool {
        self.has_upper_case
    }

    /// Whether a normalised path matches an upstream's reading that knows no letter case (ASCII only).
    #[must_use]
    pub fn matches_in_any_case(&self, path: &str) -> bool {
        self.matches_by(path, |octet, wanted| octet.eq_ignore_ascii_case(&wanted))
    }

    fn matches_by(&self, path: &str, same: fn(u8, u8) -> bool) -> bool {
        let Some(path) = path.strip_prefix('/') else { return false };
        let path = path.strip_suffix('/').unwrap_or(path);
        let mut pieces = path.split('/').filter(|_| !path.is_empty());
        let start = self.segments.iter().all(|segment| pieces.next().is_some_and(|piece| segment.matches(piece, same)));
        start
            && match self.end {
                End::Exact => pieces.next().is_none(),
                End::Open => true,
            }
    }

    /// Whether two patterns are the same but for letter case (ASCII only).
    #[must_use]
    pub fn differs_in_case_only(&self, other: &Self) -> bool {
        let same = |(ours, theirs): (&Segment, &Segment)| match (ours, theirs) {
            (Segment::Any, Segment::Any) => true,
            (Segment::Literal(ours), Segment::Literal(theirs)) => ours.eq_ignore_ascii_case(theirs),
            (Segment::Any, Segment::Literal(_)) | (Segment::Literal(_), Segment::Any) => false,
        };
        self.end == other.end && self.segments.len() == other.segments.len() && self.segments.iter().zip(&other.segments).all(same)
    }

    /// Whether every path that `other` matches is matched by this one too.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.covers_lengths(other) && self.agrees_with(other, |ours, theirs| ours == theirs)
    }

    /// Whether every path that `other` matches is matched by this one, if letter case is disregarded (ASCII only).
    #[must_use]
    pub fn covers_in_any_case(&self, other: &Self) -> bool {
        self.covers_lengths(other) && self.agrees_with(other, <[u8]>::eq_ignore_ascii_case)
    }

    /// How many segments are written, `**` not counted.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.segments.len()
    }

    /// How many segments the paths have that it matches, as far as `deepest`, and in any case one number.
    #[must_use]
    pub fn depths_up_to(&self, deepest: usize) -> RangeInclusive<usize> {
        match self.end {
            End::Exact => self.depth()..=self.depth(),
            End::Open => self.depth()..=deepest.max(self.depth()),
        }
    }

    /// Whether every path of `depth` segments that `other` matches is matched by this one too. Several patterns cover what
    /// one does not only by sharing out the depths: whoever has a literal segment misses nearly all that `*` stands for.
    #[must_use]
    pub fn covers_at(&self, depth: usize, other: &Self) -> bool {
        self.depths_up_to(depth).contains(&depth) && self.agrees_with(other, |ours, theirs| ours == theirs)
    }

    fn covers_lengths(&self, other: &Self) -> bool {
        match (self.end, other.end) {
            (End::Exact, End::Exact) => self.depth() == other.depth(),
            (End::Exact, End::Open) => false,
            (End::Open, End::Exact | End::Open) => self.depth() <= other.depth(),
        }
    }

    /// Whether each of our segments takes all that stands there in `other`; behind its last one anything may stand.
    fn agrees_with(&self, other: &Self, same: fn(&[u8], &[u8]) -> bool) -> bool {
        let theirs = other.segments.iter().map(Some).chain(std::iter::repeat(None));
        self.segments.iter().zip(theirs).all(|(ours, theirs)| match (ours, theirs) {
            (Segment::Any, _) => true,
            (Segment::Literal(ours), Some(Segment::Literal(theirs))) => same(ours, theirs),
            (Segment::Literal(_), Some(Segment::Any) | None) => false,
        })
    }

    /// The octets of its segments in order; `None` for `*`. Whether `**` follows is [`Self::is_open`].
    pub fn segments(&self) -> impl Iterator<Item = Option<&[u8]>> {
        self.segments.iter().map(|segment| match segment {
            Segment::Any => None,
            Segment::Literal(octets) => Some(&**octets),
        })
    }

    /// Whether it ends with `**`.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        match self.end {
            End::Exact => false,
            End::Open => true,
        }
    }

    /// What is in front of `/**`, if that is literal segments, and at least one.
    #[must_use]
    pub fn literal_prefix(&self) -> Option<Prefix> {
        let is_literal = !self.segments.is_empty() && self.segments.iter().all(|segment| matches!(segment, Segment::Literal(_)));
        let written = self.text.strip_suffix("/**").filter(|_| is_literal)?;
        Some(Prefix::new(written, self.segments.len()))
    }

    /// As written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl Segment {
    fn has_upper_case(&self) -> bool {
        match self {
            Self::Any => false,
            Self::Literal(wanted) => wanted.iter().any(u8::is_ascii_uppercase),
        }
    }

    fn matches(&self, piece: &str, same: fn(u8, u8) -> bool) -> bool {
        match self {
            Self::Any => !piece.is_empty(),
            Self::Literal(wanted) => {
                let mut octets = octets(piece);
                wanted.iter().all(|wanted| octets.next().is_some_and(|octet| same(octet, *wanted))) && octets.next().is_none()
            }
        }
    }
}

impl From<BadTarget> for InvalidPattern {
    fn from(mistake: BadTarget) -> Self {
        match mistake {
            BadTarget::DotSegment => Self::DotSegment,
            BadTarget::EmptySegment => Self::EmptySegment,
            BadTarget::Fragment => Self::QueryOrFragment,
            BadTarget::NoLeadingSlash => Self::NoLeadingSlash,
            BadTarget::Backslash
            | BadTarget::Character
            | BadTarget::Control
            | BadTarget::DoubleEncoding
            | BadTarget::EncodedControl
            | BadTarget::EncodedSeparator
            | BadTarget::Host
            | BadTarget::NotAscii
            | BadTarget::NotUtf8
            | BadTarget::PercentSign
            | BadTarget::QueryCharacter
            | BadTarget::TooLong => Self::Unreachable(mistake),
        }
    }
}

/// What a segment stands for, percent-encodings decoded.
pub(super) fn octets(segment: &str) -> impl Iterator<Item = u8> + '_ {
    let bytes = segment.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        let byte = *bytes.get(at)?;
        let encoded = if byte == b'%' { octet_at(bytes, at) } else { None };
        at += if encoded.is_some() { 3 } else { 1 };
        Some(encoded.unwrap_or(byte))
    })
}

#[cfg(test)]
mod tests;
