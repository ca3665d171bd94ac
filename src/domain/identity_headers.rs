//! The identity headers: which names are ours in every spelling, and what an upstream is told about a person.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::principal::Principal;

/// `headers.preset`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Preset {
    /// No identity headers.
    None,
    /// `X-Forwarded-User` and its company.
    #[default]
    Standard,
}

/// A header value made of a person's facts: `{oid}@{tid}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderTemplate {
    text: String,
}

/// Why a text is not a header template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTemplate {
    /// Everything, for now.
    #[error("bad template")]
    Bad,
}

impl HeaderTemplate {
    /// Parses.
    ///
    /// # Errors
    /// [`InvalidTemplate`]
    pub fn parse(_text: &str) -> Result<Self, InvalidTemplate> {
        todo!()
    }

    /// The value for this person; `None` if a fact it names is not known.
    #[must_use]
    pub fn render(&self, _who: &Principal) -> Option<HeaderValue> {
        todo!()
    }
}

/// Removes every header that could be mistaken for one of ours, in any spelling, and every name that upstreams might
/// fold into one (`_`, `.`). `further` are the names that the route sets itself.
pub fn strip(_headers: &mut HeaderMap, _further: &[(HeaderName, HeaderTemplate)]) {
    todo!()
}

/// Adds the preset's and the route's own identity headers for a person.
pub fn render(_headers: &mut HeaderMap, _preset: Preset, _further: &[(HeaderName, HeaderTemplate)], _who: Option<&Principal>) {
    todo!()
}
