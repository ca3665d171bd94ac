//! Path patterns of routes: literal segments, `*` for one segment, `**` for the rest.

/// A parsed pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathPattern {
    text: String,
}

/// Why a text is not a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPattern {
    /// Everything, for now.
    #[error("bad pattern")]
    Bad,
}

impl PathPattern {
    /// Parses.
    ///
    /// # Errors
    /// [`InvalidPattern`]
    pub fn parse(_text: &str) -> Result<Self, InvalidPattern> {
        todo!()
    }

    /// Whether a normalised path matches.
    #[must_use]
    pub fn matches(&self, _path: &str) -> bool {
        todo!()
    }

    /// Whether every path that `other` matches is matched by this one too.
    #[must_use]
    pub fn covers(&self, _other: &Self) -> bool {
        todo!()
    }

    /// As written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}
