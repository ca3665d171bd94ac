//! A report as SARIF 2.1.0 (Static Analysis Results Interchange Format, OASIS), which code hosts and editors show beside
//! the lines. Only what a consumer needs: one run, its rules, its results.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use url::Url;

use super::{Diagnostic, Region, Report};
use crate::config::codes;
use crate::config::problem::Code;

/// Everything that need not be itself in a path of a URI (RFC 3986 §3.3). `:` is not among what may: in the first segment
/// of a relative reference it would end a scheme.
const SEGMENTS: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// The document.
#[derive(Debug, Serialize)]
pub struct Log<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run<'a>; 1],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Run<'a> {
    tool: Tool,
    /// What a column is.
    column_kind: &'static str,
    artifacts: [Artifact; 1],
    results: Vec<Finding<'a>>,
}

#[derive(Debug, Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Debug, Serialize)]
struct Driver {
    name: &'static str,
    version: &'static str,
    rules: Vec<Rule>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: &'static str,
    name: String,
    short_description: Text<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<Help>,
    default_configuration: Configuration,
}

#[derive(Debug, Serialize)]
struct Help {
    text: String,
    markdown: &'static str,
}

#[derive(Debug, Serialize)]
struct Configuration {
    level: &'static str,
}

#[derive(Debug, Serialize)]
struct Text<T> {
    text: T,
}

#[derive(Debug, Serialize)]
struct Artifact {
    location: ArtifactLocation,
}

#[derive(Debug, Clone, Serialize)]
struct ArtifactLocation {
    uri: String,
    index: usize,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Finding<'a> {
    rule_id: &'static str,
    rule_index: usize,
    level: &'static str,
    message: Text<String>,
    locations: [Location<'a>; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_locations: Vec<Location<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Location<'a> {
    physical_location: PhysicalLocation,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Text<&'a str>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: ArtifactLocation,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<Stretch>,
}

/// `endColumn` is the column behind the last character (SARIF §3.30.8).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Stretch {
    start_line: u32,
    start_column: u32,
    end_line: u32,
    end_column: u32,
}

impl Report {
    /// The report as a SARIF log to be serialized.
    #[must_use]
    pub fn sarif(&self) -> Log<'_> {
        let file = ArtifactLocation { uri: uri(&self.file), index: 0 };
        let results = self.diagnostics.iter().map(|diagnostic| finding(diagnostic, &file)).collect();
        let driver =
            Driver { name: "homerealm", version: env!("CARGO_PKG_VERSION"), rules: Code::ALL.iter().map(|code| rule(*code)).collect() };
        Log {
            schema: "https://json.schemastore.org/sarif-2.1.0.json",
            version: "2.1.0",
            runs: [Run { tool: Tool { driver }, column_kind: "unicodeCodePoints", artifacts: [Artifact { location: file }], results }],
        }
    }
}

fn rule(code: Code) -> Rule {
    Rule {
        id: code.as_str(),
        name: format!("{code:?}"),
        short_description: Text { text: code.meaning() },
        help: codes::explanation(code).map(|explanation| Help { text: explanation.plain(), markdown: explanation.markdown() }),
        default_configuration: Configuration { level: code.severity().as_str() },
    }
}

fn finding<'a>(diagnostic: &'a Diagnostic, file: &ArtifactLocation) -> Finding<'a> {
    let code = diagnostic.code;
    let location = |region: Option<Region>, message: Option<&'a str>| Location {
        physical_location: PhysicalLocation { artifact_location: file.clone(), region: region.map(Stretch::from) },
        message: message.filter(|text| !text.is_empty()).map(|text| Text { text }),
    };
    let label = Some(&diagnostic.label).filter(|label| !label.is_empty());
    let sentences = std::iter::once(&diagnostic.title).chain(label).chain(&diagnostic.notes);
    Finding {
        rule_id: code.as_str(),
        rule_index: code as usize,
        level: code.severity().as_str(),
        message: Text { text: sentences.map(String::as_str).collect::<Vec<_>>().join("\n") },
        locations: [location(diagnostic.region, label.map(String::as_str))],
        related_locations: diagnostic.context.iter().map(|(region, label)| location(Some(*region), Some(label))).collect(),
    }
}

impl From<Region> for Stretch {
    fn from(region: Region) -> Self {
        let Region { start, end, .. } = region;
        Self { start_line: start.line, start_column: start.column, end_line: end.line, end_column: end.column }
    }
}

/// A reference to a file by its name as it was given: relative to where the command ran, or absolute.
fn uri(file: &str) -> String {
    match Url::from_file_path(file) {
        Ok(absolute) => absolute.into(),
        Err(()) => utf8_percent_encode(file, SEGMENTS).to_string(),
    }
}
