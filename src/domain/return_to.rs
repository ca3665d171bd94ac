//! Where to go after a sign-in or sign-out: a place inside our own origins, or it does not parse.
//!
//! Nothing here guesses at what a browser would make of a text: what is not plainly a path, or plainly a URL that
//! starts with one of our origins, is refused, and what is sent on is put together anew from parsed parts. Own
//! endpoints are places too; whether they make sense as a destination is the caller's question.

use super::origin::{Origin, Origins};
use super::target::path::normalise;

/// A path and query at one of our origins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReturnTo {
    origin: Origin,
    path_and_query: String,
}

/// The text leads elsewhere, or cannot be read one way only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the return target leaves our origins")]
pub struct LeavesOurOrigins;

impl ReturnTo {
    /// The longest text, in bytes: it travels in cookies and URLs.
    pub const MAX_LENGTH: usize = 2048;

    /// Reads a path (`/x?y`, resolved at `here`) or an absolute URL at one of `origins`. A fragment is dropped: it is
    /// no part of a request, and a browser would resolve it at the same place.
    ///
    /// # Errors
    /// [`LeavesOurOrigins`]: another origin, a user name, `//`, backslash, white space, control or non-ASCII character
    /// anywhere, or a path that no request could have.
    pub fn parse(text: &str, here: &Origin, origins: &Origins) -> Result<Self, LeavesOurOrigins> {
        if text.len() > Self::MAX_LENGTH || !text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') {
            return Err(LeavesOurOrigins);
        }
        let text = text.split_once('#').map_or(text, |(before, _)| before);
        let (origin, rest) =
            if text.starts_with('/') { (origins.iter().find(|ours| *ours == here), text) } else { split_origin(text, origins) };
        let origin = origin.ok_or(LeavesOurOrigins)?;
        let bare = rest.is_empty() || rest.starts_with('?');
        let normal = if bare { normalise(&format!("/{rest}")) } else { normalise(rest) };
        let (path_and_query, _) = normal.map_err(|_| LeavesOurOrigins)?;
        Ok(Self { origin: origin.clone(), path_and_query })
    }

    /// The front page of an origin.
    #[must_use]
    pub fn front_page(origin: &Origin) -> Self {
        Self { origin: origin.clone(), path_and_query: "/".into() }
    }

    /// Which origin.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Path and query; starts with exactly one `/`.
    #[must_use]
    pub fn path_and_query(&self) -> &str {
        &self.path_and_query
    }

    /// The absolute URL.
    #[must_use]
    pub fn to_url(&self) -> String {
        format!("{}{}", self.origin, self.path_and_query)
    }
}

/// The origin of ours that an absolute URL is at, and what follows it.
fn split_origin<'a, 'o>(url: &'a str, origins: &'o Origins) -> (Option<&'o Origin>, &'a str) {
    let Some((scheme, rest)) = url.split_once("://") else { return (None, url) };
    let (authority, rest) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let ours = |origin: &&Origin| scheme.eq_ignore_ascii_case(origin.scheme().as_str()) && origin.is_named_by(authority);
    (origins.iter().find(ours), rest)
}

#[cfg(test)]
mod tests;
