//! Our cookies (RFC 6265): their names and attributes, reading them out of a request, and taking them out of it before
//! it goes upstream. What is in them is sealed and read elsewhere.
//!
//! For https origins names begin with `__Host-`, which browsers only accept with `Secure`, `Path=/` and no `Domain`
//! (RFC 6265bis): no sibling domain can plant one. An http origin on loopback gets plain names, because not every
//! browser keeps `Secure` cookies there. Any other http origin gets the strict names, and so, in every browser, no
//! sign-in at all: that is what is meant.

use std::time::Duration;

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use memchr::{memchr, memchr_iter};

use crate::domain::origin::{Origin, Scheme};

const HOST_PREFIX: &str = "__Host-homerealm-";
const PLAIN_PREFIX: &str = "homerealm-";

/// The most of our cookies that one request may carry. A browser that follows us never comes near it.
const MAX_OWN_COOKIES: usize = 64;

/// How cookies of one origin are named and guarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `__Host-homerealm-…; Secure`
    Host,
    /// `homerealm-…`
    Loopback,
}

/// With which requests from other sites a cookie travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SameSite {
    /// Only with top-level navigations by GET.
    Lax,
    /// With all: an authorization response by POST (`form_post`) is a request from another site. Needs `Secure`, which
    /// is therefore set on loopback as well: Chromium and Firefox keep such a cookie there, Safari does not.
    None,
}

/// How long the browser keeps a cookie. When it stops to mean anything is sealed inside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// So long.
    For(Duration),
    /// Until the browser is closed.
    WhileOpen,
}

impl Dialect {
    /// The one for an origin.
    #[must_use]
    pub fn of(origin: &Origin) -> Self {
        match origin.scheme() {
            Scheme::Http if origin.is_loopback() => Self::Loopback,
            Scheme::Http | Scheme::Https => Self::Host,
        }
    }

    /// What all names begin with.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Host => HOST_PREFIX,
            Self::Loopback => PLAIN_PREFIX,
        }
    }

    /// Sets the cookie `name` (without the prefix).
    ///
    /// # Panics
    /// If name or value have characters that cannot stand there: both are made by us, of base64url, digits, hyphens
    /// and dots.
    pub fn set(self, name: &str, value: &str, keep: Keep, same_site: SameSite) -> SetCookie {
        let age = match keep {
            Keep::For(span) => format!("; Max-Age={}", span.as_secs()),
            Keep::WhileOpen => String::new(),
        };
        let secure = match (self, same_site) {
            (Self::Host, SameSite::Lax | SameSite::None) | (Self::Loopback, SameSite::None) => "; Secure",
            (Self::Loopback, SameSite::Lax) => "",
        };
        let same_site = match same_site {
            SameSite::Lax => "Lax",
            SameSite::None => "None",
        };
        let prefix = self.prefix();
        let text = format!("{prefix}{name}={value}{age}; Path=/{secure}; HttpOnly; SameSite={same_site}");
        let mut field = HeaderValue::try_from(text).expect("names and values of ours are plain ASCII");
        field.set_sensitive(true);
        SetCookie(field)
    }

    /// Deletes the cookie `name` (without the prefix). With the same attributes: a browser ignores a `__Host-` cookie
    /// without them, a deletion like any other.
    pub fn delete(self, name: &str) -> SetCookie {
        self.set(name, "", Keep::For(Duration::ZERO), SameSite::Lax)
    }
}

/// The value of a `Set-Cookie` field, marked sensitive. `Debug` prints none of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a cookie that is not sent is not set"]
pub struct SetCookie(HeaderValue);

impl SetCookie {
    /// For the response's head.
    #[must_use]
    pub const fn as_header_value(&self) -> &HeaderValue {
        &self.0
    }

    /// For the response's head.
    #[must_use]
    pub fn into_header_value(self) -> HeaderValue {
        self.0
    }
}

/// Whether a request carries a cookie of this name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Presence<'h> {
    /// No.
    Absent,
    /// More than once: somebody else planted one of them, and it cannot be told which. As good as none.
    Ambiguous,
    /// Once, with this value.
    Once(&'h str),
}

/// Our cookies in one request: names without prefix, and values. Nothing is judged yet.
#[derive(Clone, Default)]
pub struct OwnCookies<'h> {
    found: Vec<(&'h str, &'h str)>,
    overflow: bool,
}

impl<'h> OwnCookies<'h> {
    /// Reads all `Cookie` fields. Other people's cookies cost no allocation; names and values that we
    /// cannot have written are passed over.
    #[must_use]
    pub fn read(headers: &'h HeaderMap, dialect: Dialect) -> Self {
        let mut own = Self::default();
        for field in headers.get_all(COOKIE) {
            for pair in pairs(field.as_bytes()) {
                let (name, value) = split_pair(pair);
                let Some(name) = name.strip_prefix(dialect.prefix().as_bytes()) else { continue };
                if let (Some(name), Some(value)) = (ascii(name).filter(|name| is_of_our_alphabet(name)), ascii(value)) {
                    own.add(name, value);
                }
            }
        }
        own
    }

    fn add(&mut self, name: &'h str, value: &'h str) {
        if self.found.len() < MAX_OWN_COOKIES {
            self.found.push((name, value));
        } else {
            self.overflow = true;
        }
    }

    /// The cookie `name` (without the prefix). In a request with too many of our cookies, every one is ambiguous: what
    /// was not read may be its double.
    #[must_use]
    pub fn presence(&self, name: &str) -> Presence<'h> {
        self.presence_of(|found| found == name)
    }

    /// Likewise, of the cookie whose name `is_meant`.
    #[must_use]
    pub fn presence_of(&self, is_meant: impl Fn(&str) -> bool) -> Presence<'h> {
        let mut values = self.found.iter().filter(|(found, _)| is_meant(found)).map(|(_, value)| *value);
        match (values.next(), values.next()) {
            (Some(value), None) if !self.overflow => Presence::Once(value),
            (None, _) if !self.overflow => Presence::Absent,
            (Some(_) | None, _) => Presence::Ambiguous,
        }
    }

    /// Names without prefix, in the order of the request, doubles included. They have only characters that stand in
    /// names of ours, and so can be handed to [`Dialect::delete`].
    pub fn names(&self) -> impl Iterator<Item = &'h str> {
        self.found.iter().map(|(name, _)| *name)
    }
}

/// Appends what is left of a `Cookie` field without our cookies, of either dialect: the others byte for byte, or nothing.
pub fn write_others(field: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    let mut any_own = false;
    for pair in pairs(field) {
        if is_own(pair) {
            any_own = true;
        } else if out.len() == start {
            out.extend_from_slice(pair.trim_ascii_start());
        } else {
            out.push(b';');
            out.extend_from_slice(pair);
        }
    }
    if !any_own {
        out.truncate(start);
        out.extend_from_slice(field);
    } else if out[start..].iter().all(|byte| matches!(byte, b';' | b' ' | b'\t')) {
        out.truncate(start);
    }
}

/// Whether a cookie pair, or a `Set-Cookie` value, names one of ours in either dialect. A cookie without a name is sent
/// back as its value alone (RFC 6265bis), so `=homerealm-r=x` names one as well.
#[must_use]
pub fn is_own(pair: &[u8]) -> bool {
    let start = pair.iter().position(|byte| *byte != b'=' && !byte.is_ascii_whitespace()).unwrap_or(pair.len());
    let (name, _) = split_pair(&pair[start..]);
    name.starts_with(HOST_PREFIX.as_bytes()) || name.starts_with(PLAIN_PREFIX.as_bytes())
}

/// The pieces between semicolons. Browsers know no other separator; quotes have no meaning (RFC 6265 §4.2.1).
fn pairs(field: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut start = 0;
    memchr_iter(b';', field).chain(std::iter::once(field.len())).map(move |end| {
        let pair = &field[start..end];
        start = end + 1;
        pair
    })
}

fn split_pair(pair: &[u8]) -> (&[u8], &[u8]) {
    match memchr(b'=', pair) {
        Some(at) => (pair[..at].trim_ascii(), pair[at + 1..].trim_ascii()),
        None => (pair.trim_ascii(), &[]),
    }
}

fn is_of_our_alphabet(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'))
}

fn ascii(bytes: &[u8]) -> Option<&str> {
    if bytes.is_ascii() { std::str::from_utf8(bytes).ok() } else { None }
}

#[cfg(test)]
mod tests;
