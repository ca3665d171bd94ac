//! The one normal form of a request target. Matching, policy and forwarding all use it, and only it: a target that
//! cannot be read one way only does not parse.

/// Host, path and query of a request, normalised (RFC 3986 §6.2.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    host: String,
    path_and_query: String,
    path_length: usize,
}

/// Why a target cannot be read one way only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadTarget {
    /// Everything, for now.
    #[error("bad target")]
    Bad,
}

impl Target {
    /// Parses.
    ///
    /// # Errors
    /// [`BadTarget`]
    pub fn parse(_host: &str, _path_and_query: &str) -> Result<Self, BadTarget> {
        todo!()
    }

    /// Host name without port, lower case.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The normalised path; starts with `/`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path_and_query[..self.path_length]
    }

    /// The query without `?`.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.path_and_query.get(self.path_length + 1..)
    }

    /// Path and query, as forwarded.
    #[must_use]
    pub fn path_and_query(&self) -> &str {
        &self.path_and_query
    }

    /// The same target without path parameters (`;x=1`); `None` if it has none.
    #[must_use]
    pub fn without_parameters(&self) -> Option<Self> {
        todo!()
    }
}
