//! The identity headers: which names are ours in every spelling, and what an upstream is told about a person.
//!
//! What [`is_forged`] tells is dropped from every forwarded request, whoever asks and wherever it goes; [`render`] comes
//! after that. Forwarding fields (`Forwarded`, `X-Forwarded-For` and the like) are the forwarder's, not ours; only their
//! spellings with `_`, `.` and the like fall here.
//!
//! Values beyond ASCII are sent as raw UTF-8, as oauth2-proxy does and apps of such proxies expect (to RFC 9110 §5.5
//! it is opaque `obs-text`). Names for showing lose their control characters; a value that identifies, and has one, is
//! left out instead: altered, it could be somebody else's.

mod fact;
pub mod fields;
mod names;

use http::{HeaderMap, HeaderName, HeaderValue};

use self::fact::Fact;
use self::fields::Fields;
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

/// The facts that a [`HeaderTemplate`] can name.
pub const PLACEHOLDERS: [&str; 13] = Fact::NAMES;

/// The longest value of an identity header, in bytes. A longer one is left out, never cut short: half a list of groups
/// is a wrong list.
pub const MAX_VALUE_LENGTH: usize = 8 * 1024;

/// A header value made of a person's facts: `{oid}@{tid}`. `{{` and `}}` stand for the braces themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderTemplate {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Fact(Fact),
    Literal(String),
}

/// Why a text is not a header template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTemplate {
    /// A character that no header value may have.
    #[error("a header value has no control characters")]
    Control,
    /// Nothing at all.
    #[error("a header value is not empty; leave the header out instead")]
    Empty,
    /// `}` alone.
    #[error("a `}}` stands alone: write `}}}}` for the brace itself")]
    StrayBrace,
    /// `{` alone.
    #[error("a `{{` is never closed: write `{{{{` for the brace itself")]
    Unclosed,
    /// No fact has this name.
    #[error("`{{{0}}}` is not known: there are {known}", known = fact::Known)]
    Unknown(String),
}

impl HeaderTemplate {
    /// Reads a template.
    ///
    /// # Errors
    /// [`InvalidTemplate`], the first mistake that is found.
    pub fn parse(text: &str) -> Result<Self, InvalidTemplate> {
        if text.is_empty() {
            return Err(InvalidTemplate::Empty);
        }
        if text.chars().any(char::is_control) {
            return Err(InvalidTemplate::Control);
        }
        let (mut parts, mut literal, mut rest) = (Vec::new(), String::new(), text);
        while let Some(at) = rest.find(['{', '}']) {
            literal.push_str(&rest[..at]);
            rest = &rest[at..];
            if let Some(after) = rest.strip_prefix("{{").or_else(|| rest.strip_prefix("}}")) {
                literal.push_str(&rest[..1]);
                rest = after;
                continue;
            }
            let inner = rest.strip_prefix('{').ok_or(InvalidTemplate::StrayBrace)?;
            let (name, after) = inner.split_once('}').ok_or(InvalidTemplate::Unclosed)?;
            let fact = Fact::named(name).ok_or_else(|| InvalidTemplate::Unknown(name.into()))?;
            if !literal.is_empty() {
                parts.push(Part::Literal(std::mem::take(&mut literal)));
            }
            parts.push(Part::Fact(fact));
            rest = after;
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Ok(Self { parts })
    }

    /// Whether the value is the same for everybody.
    #[must_use]
    pub fn is_constant(&self) -> bool {
        self.parts.iter().all(|part| matches!(part, Part::Literal(_)))
    }

    /// The value for this person; `None` if a fact it names is not known.
    #[must_use]
    pub fn render(&self, who: &Principal) -> Option<HeaderValue> {
        let mut value = Vec::new();
        bounded(&mut value, |out| self.write_for(Some(who), out))?;
        HeaderValue::try_from(value).ok()
    }

    /// A template without facts has a value for nobody, too.
    fn write_for(&self, who: Option<&Principal>, out: &mut Vec<u8>) -> Option<()> {
        for part in &self.parts {
            match part {
                Part::Literal(text) => out.extend_from_slice(text.as_bytes()),
                Part::Fact(fact) => fact.write(who?, out)?,
            }
        }
        Some(())
    }
}

/// Whether a name, however it is spelled, is one of the identity headers: neither `set` nor `remove` may name it.
#[must_use]
pub fn is_owned(name: &str) -> bool {
    names::is_owned(name)
}

/// Whether a name, however it is spelled, is one under which the forwarder speaks: `set` and `remove` may not name it
/// either.
#[must_use]
pub fn is_forwarding(name: &str) -> bool {
    names::is_forwarding(name)
}

/// Whether a name has one spelling only. Others are dropped from every request, whoever sent it.
#[must_use]
pub fn is_plain(name: &str) -> bool {
    names::is_plain(name)
}

/// Whether upstreams may take two names for the same.
#[must_use]
pub fn are_alike(one: &str, other: &str) -> bool {
    names::fold_alike(one, other)
}

/// Whether a header could be mistaken for one of ours, in any spelling, or has anything but letters, digits and hyphens
/// in its name: upstreams fold such names into others, of the forwarder's fields as well. `further` are the names that
/// the route sets itself.
#[must_use]
pub fn is_forged(name: &str, further: &[(HeaderName, HeaderTemplate)]) -> bool {
    !names::is_plain(name) || names::is_owned(name) || further.iter().any(|(ours, _)| names::fold_alike(name, ours.as_str()))
}

/// Adds the preset's and the route's own identity headers for a person. Where nobody is known, only the route's
/// constant ones are added. What [`is_forged`] must not be among the fields: what is left out here must not be there.
pub fn render(fields: &mut impl Fields, preset: Preset, further: &[(HeaderName, HeaderTemplate)], who: Option<&Principal>) {
    match (preset, who) {
        (Preset::Standard, Some(who)) => render_standard(fields, who),
        (Preset::Standard, None) | (Preset::None, _) => {}
    }
    for (name, template) in further {
        fields.put(name, |out| bounded(out, |out| template.write_for(who, out)));
    }
}

/// Adds every identity header that is not there, with nothing in it; `further` are the names that routes set themselves.
/// For a proxy in front that copies these fields onto a request: what we leave out would stay as the client sent it.
pub fn blank_the_rest<'a>(headers: &mut HeaderMap, further: impl IntoIterator<Item = &'a HeaderName>) {
    let owned = names::OWNED.into_iter().map(HeaderName::from_static);
    for name in owned.chain(further.into_iter().cloned()) {
        headers.entry(name).or_insert(HeaderValue::from_static(""));
    }
}

fn render_standard(fields: &mut impl Fields, who: &Principal) {
    static USER: HeaderName = HeaderName::from_static(names::USER);
    static FACTS: [(HeaderName, Fact); 8] = [
        (HeaderName::from_static(names::PREFERRED_USERNAME), Fact::PreferredUsername),
        (HeaderName::from_static(names::EMAIL), Fact::Email),
        (HeaderName::from_static(names::NAME), Fact::Name),
        (HeaderName::from_static(names::GROUPS), Fact::Groups),
        (HeaderName::from_static(names::KIND), Fact::Kind),
        (HeaderName::from_static(names::TENANT), Fact::Tenant),
        (HeaderName::from_static(names::MEMBERSHIP), Fact::Membership),
        (HeaderName::from_static(names::HOME), Fact::Home),
    ];
    fields.put(&USER, |out| bounded(out, |out| fact::write_user(who, out)));
    for (name, fact) in &FACTS {
        fields.put(name, |out| bounded(out, |out| fact.write(who, out)));
    }
}

/// Lets a value be written, and takes it for none if it is too long.
fn bounded(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>) -> Option<()>) -> Option<()> {
    let start = out.len();
    write(out)?;
    (out.len() - start <= MAX_VALUE_LENGTH).then_some(())
}

#[cfg(test)]
mod tests;
