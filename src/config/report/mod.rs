//! What there is to say about a configuration: its problems, errors and warnings together, and what to register at the
//! providers. One structure for all who read it; how it looks is the business of [`json`], [`sarif`] and, for
//! people, `text`.

pub mod json;
pub mod sarif;
mod text;

use std::fmt;

use super::lines::Lines;
use super::mask::Masked;
use super::problem::{Code, Problem, Severity, Span};
use crate::domain::authority::AuthorityName;
use crate::domain::origin::Origins;
use crate::domain::written::Position;

/// More diagnostics are counted, not kept.
const MOST_KEPT: usize = 1000;

/// What was found in a configuration file, in the order of the file. It holds the file's text with its secrets masked, and
/// nothing else of it.
#[derive(Debug, Clone, Default)]
pub struct Report {
    file: Box<str>,
    source: Box<str>,
    diagnostics: Vec<Diagnostic>,
    counts: Counts,
    redirect_uris: RedirectUris,
}

/// One problem.
#[derive(Debug, Clone)]
pub struct Diagnostic {
    /// What kind of problem.
    pub code: Code,
    /// What it is, in this file's words.
    pub title: String,
    /// Where; `None`: in the file as a whole.
    pub region: Option<Region>,
    /// What stands behind the caret; may be empty.
    pub label: String,
    /// Other places that have to do with it.
    pub context: Vec<(Region, String)>,
    /// What is expected, how to get out of it.
    pub notes: Vec<String>,
}

/// A stretch of the file, as it is with its secrets masked: behind a secret that stands on the same line, columns count its
/// mask, so that they do not tell how long it is. Lines are always the file's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    /// The first character.
    pub start: Position,
    /// The first character behind it.
    pub end: Position,
    bytes: Span,
}

/// How many problems there are, those included that were not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Nothing starts with one of these.
    pub errors: usize,
    /// Everything starts in spite of these.
    pub warnings: usize,
}

/// What to register at the providers. Known as soon as origins, prefix and the routes' authorities are, since whoever
/// registers needs it before there is a secret to put into a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RedirectUris {
    /// Where authorization responses come back: one for each origin and authority that some route uses.
    pub callbacks: Vec<(AuthorityName, String)>,
    /// Where signing out ends, one for each origin.
    pub signed_out: Vec<String>,
}

/// Whether text is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colours {
    /// By ANSI escape sequences, for terminals.
    Ansi,
    /// Not at all.
    Plain,
}

impl Report {
    pub(super) fn new(file: &str, source: &Masked, problems: Vec<Problem>, redirect_uris: RedirectUris) -> Self {
        let mut counts = Counts::default();
        problems.iter().for_each(|problem| counts.add(problem.code));
        let lines = Lines::of(source.text());
        let region = |at: Span| {
            let bytes = source.place(at);
            Region { start: lines.position(bytes.start), end: lines.position(bytes.end), bytes }
        };
        let diagnostic = |problem: Problem| Diagnostic {
            code: problem.code,
            title: problem.title,
            region: Some(region(problem.at)),
            label: problem.label,
            context: problem.context.into_iter().map(|(at, label)| (region(at), label)).collect(),
            notes: problem.notes,
        };
        let diagnostics = problems.into_iter().take(MOST_KEPT).map(diagnostic).collect();
        Self { file: file.into(), source: source.text().into(), diagnostics, counts, redirect_uris }
    }

    /// About a file that cannot even be read.
    pub(super) fn of_file(file: &str, why: &str) -> Self {
        let diagnostic = Diagnostic {
            code: Code::File,
            title: "the configuration file cannot be used".into(),
            region: None,
            label: String::new(),
            context: Vec::new(),
            notes: vec![why.to_owned()],
        };
        Self { file: file.into(), diagnostics: vec![diagnostic], counts: Counts { errors: 1, warnings: 0 }, ..Self::default() }
    }

    /// The file's name, as it was given.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The problems, in the order of the file.
    #[must_use]
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// How many there are.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// Whether there is nothing to complain about.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.counts.errors == 0 && self.counts.warnings == 0
    }

    /// What to register at the providers, as far as it is known: with errors in the file there may be more to come.
    #[must_use]
    pub const fn redirect_uris(&self) -> &RedirectUris {
        &self.redirect_uris
    }

    /// One text per problem: `error[E003]: … --> file:line:col …`, with the lines that it speaks of.
    #[must_use]
    pub fn rendered(&self, colours: Colours) -> Vec<String> {
        text::rendered(self, colours)
    }
}

/// Without colours, a blank line between problems.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rendered(Colours::Plain).join("\n\n"))
    }
}

impl std::error::Error for Report {}

impl Counts {
    fn add(&mut self, code: Code) {
        match code.severity() {
            Severity::Error => self.errors += 1,
            Severity::Warning => self.warnings += 1,
        }
    }
}

/// `3 errors, 1 warning`
impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = |count| if count == 1 { "" } else { "s" };
        let Self { errors, warnings } = *self;
        write!(f, "{errors} error{}, {warnings} warning{}", plural(errors), plural(warnings))
    }
}

impl RedirectUris {
    pub(super) fn new<'a>(origins: &Origins, prefix: &str, authorities: impl Iterator<Item = &'a AuthorityName>) -> Self {
        let callback = |name: &AuthorityName| {
            let uri_at = |origin| (name.clone(), format!("{origin}{prefix}/callback/{name}"));
            origins.iter().map(uri_at).collect::<Vec<_>>()
        };
        let callbacks = authorities.flat_map(callback).collect();
        Self { callbacks, signed_out: origins.iter().map(|origin| format!("{origin}{prefix}/signed-out")).collect() }
    }

    /// Whether there is nothing to register: nobody signs in, or it is not known where.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.callbacks.is_empty()
    }
}
