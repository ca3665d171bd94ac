//! What becomes of a key: absent, broken or given, with its place; and why a text is not taken for a value.

use crate::config::problem::{Code, Problem, Span};

/// A value with its place and that of its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Located<T> {
    pub(crate) value: T,
    pub(crate) at: Span,
    pub(crate) key: Span,
}

/// What became of a key. Absent and broken are two things: only the first is worth a default or a complaint.
#[derive(Debug, Clone, Default)]
pub(crate) enum Setting<T> {
    /// Not there.
    #[default]
    Absent,
    /// There, unusable, and reported.
    Broken,
    /// There.
    Given(Located<T>),
}

impl<T> Setting<T> {
    pub(crate) fn given(&self) -> Option<&Located<T>> {
        match self {
            Self::Given(located) => Some(located),
            Self::Absent | Self::Broken => None,
        }
    }

    pub(crate) fn value(&self) -> Option<&T> {
        self.given().map(|located| &located.value)
    }

    pub(crate) const fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// This setting, or, where it is absent, the other.
    pub(crate) const fn or<'a>(&'a self, other: &'a Self) -> &'a Self {
        match self {
            Self::Absent => other,
            Self::Broken | Self::Given(_) => self,
        }
    }
}

impl<T> Setting<Option<T>> {
    /// A value that is there, but could not be made out, is broken.
    pub(crate) fn or_broken(self) -> Setting<T> {
        match self {
            Self::Absent => Setting::Absent,
            Self::Broken | Self::Given(Located { value: None, .. }) => Setting::Broken,
            Self::Given(Located { value: Some(value), at, key }) => Setting::Given(Located { value, at, key }),
        }
    }
}

/// Why a text is not taken, if the reason has a code of its own.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) code: Code,
    pub(crate) why: String,
}

impl Refusal {
    pub(crate) fn new(code: Code, why: impl Into<String>) -> Self {
        Self { code, why: why.into() }
    }

    pub(crate) fn malformed(why: impl Into<String>) -> Self {
        Self::new(Code::Malformed, why)
    }

    fn title(&self, key: &str, place: &str) -> String {
        const PREDICATES: [(Code, &str); 6] = [
            (Code::AdminExposed, "is not a loopback address"),
            (Code::ClearText, "is clear-text http"),
            (Code::ConnectionHeader, "names a header that is not an application's"),
            (Code::Empty, "is empty"),
            (Code::NotAvailable, "has a value that is not available in this version"),
            (Code::SecretInFile, "has a secret in the file itself"),
        ];
        match PREDICATES.iter().find(|(code, _)| *code == self.code) {
            Some((_, predicate)) => format!("`{key}` in {place} {predicate}"),
            None => format!("invalid value for `{key}` in {place}"),
        }
    }

    pub(crate) fn at(self, at: Span, key: &str, place: &str) -> Problem {
        Problem::new(self.code, at, self.title(key, place)).label(self.why)
    }
}

/// Turns a text into a value.
pub(crate) type Parse<T> = fn(&str) -> Result<T, Refusal>;
