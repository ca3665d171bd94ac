//! A report as a JSON document for programs. Its keys are stable: more may come within one `version`, none goes and none
//! changes its meaning. Keys that say nothing here (the place of a problem with the file as a whole, an empty label) are
//! left out.

use serde::Serialize;

use super::{Diagnostic, Region, Report};

/// The version of the document's form.
const VERSION: u32 = 1;

/// The document.
#[derive(Debug, Serialize)]
pub struct Document<'a> {
    version: u32,
    file: &'a str,
    /// Of all problems; `diagnostics` has the first thousand.
    counts: Counts,
    diagnostics: Vec<Problem<'a>>,
    redirect_uris: Vec<RedirectUri<'a>>,
    signed_out_uris: &'a [String],
}

#[derive(Debug, Serialize)]
struct Counts {
    errors: usize,
    warnings: usize,
}

#[derive(Debug, Serialize)]
struct Problem<'a> {
    code: &'static str,
    /// `error` or `warning`.
    severity: &'static str,
    title: &'a str,
    #[serde(flatten)]
    place: Option<Place>,
    #[serde(skip_serializing_if = "str::is_empty")]
    label: &'a str,
    context: Vec<Context<'a>>,
    notes: &'a [String],
    /// What the code means, whatever the file.
    meaning: &'static str,
}

/// Lines and columns count from 1, columns in characters; the end is the first place behind the stretch.
#[derive(Debug, Serialize)]
struct Place {
    start: Position,
    end: Position,
}

#[derive(Debug, Serialize)]
struct Position {
    line: u32,
    column: u32,
}

#[derive(Debug, Serialize)]
struct Context<'a> {
    #[serde(flatten)]
    place: Place,
    label: &'a str,
}

#[derive(Debug, Serialize)]
struct RedirectUri<'a> {
    authority: &'a str,
    uri: &'a str,
}

impl Report {
    /// The report as a document to be serialized.
    #[must_use]
    pub fn json(&self) -> Document<'_> {
        Document {
            version: VERSION,
            file: &self.file,
            counts: Counts { errors: self.counts.errors, warnings: self.counts.warnings },
            diagnostics: self.diagnostics.iter().map(problem).collect(),
            redirect_uris: self
                .redirect_uris
                .callbacks
                .iter()
                .map(|(authority, uri)| RedirectUri { authority: authority.as_str(), uri })
                .collect(),
            signed_out_uris: &self.redirect_uris.signed_out,
        }
    }
}

fn problem(diagnostic: &Diagnostic) -> Problem<'_> {
    Problem {
        code: diagnostic.code.as_str(),
        severity: diagnostic.code.severity().as_str(),
        title: &diagnostic.title,
        place: diagnostic.region.map(Place::from),
        label: &diagnostic.label,
        context: diagnostic.context.iter().map(|(region, label)| Context { place: (*region).into(), label }).collect(),
        notes: &diagnostic.notes,
        meaning: diagnostic.code.meaning(),
    }
}

impl From<Region> for Place {
    fn from(region: Region) -> Self {
        let position = |at: crate::domain::written::Position| Position { line: at.line, column: at.column };
        Self { start: position(region.start), end: position(region.end) }
    }
}
