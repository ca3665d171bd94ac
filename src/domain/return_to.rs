//! Where to go after a sign-in or sign-out: a place inside our own origins, or it does not parse.

use super::origin::{Origin, Origins};

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
    /// Parses a path (`/x?y`, resolved at `here`) or an absolute URL at one of `origins`.
    ///
    /// # Errors
    /// [`LeavesOurOrigins`]
    pub fn parse(_text: &str, _here: &Origin, _origins: &Origins) -> Result<Self, LeavesOurOrigins> {
        todo!()
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
}
