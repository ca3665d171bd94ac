//! A configuration's text, and what it is read in: the one way from there to what runs, or to what decides alone.

use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use toml::de::DeTable;

use super::file::File;
use super::files_read::Reading;
use super::lines::Lines;
use super::mask::{self, Masked};
use super::problem::{Code, Findings, Found, Span};
use super::report::Report;
use super::resolve::{self, Resolved, Surroundings};
use super::{Config, MAX_FILE_LENGTH, fingerprint, not_toml};
use crate::domain::rules::Rules;
use crate::domain::written::Fingerprint;

/// The rules of a configuration file, without anything that only the running proxy needs.
#[derive(Debug)]
pub struct KnownRules {
    /// Everything that decides.
    pub rules: Arc<Rules>,
    /// Names the file's text.
    pub fingerprint: Fingerprint,
}

/// What is wrong with other files and with variables, which may well be right where the proxy runs; and promises that do
/// not hold, which is what somebody may want to see explained.
const OUTSIDE: [Code; 6] = [Code::Unreadable, Code::Unusable, Code::ShortKey, Code::Unwritable, Code::TestFailed, Code::KeyMismatch];

/// A text, and what it is read in.
pub(super) struct Source<'a> {
    pub(super) text: &'a str,
    pub(super) file_name: &'a str,
    /// What relative paths are relative to.
    pub(super) directory: &'a Path,
    pub(super) environment: &'a dyn Fn(&str) -> Option<String>,
    /// The present moment.
    pub(super) now: DateTime<Utc>,
    pub(super) reading: &'a Reading,
}

impl Source<'_> {
    /// Everything.
    pub(super) fn config(&self) -> Result<Config, Report> {
        let (resolved, report) = self.examine(|_| true)?;
        match resolved.config {
            Some(config) if report.counts().errors == 0 => {
                Ok(Config { warnings: report, fingerprint: fingerprint(self.text), files: self.reading.so_far(), ..config })
            }
            Some(_) | None => Err(report),
        }
    }

    /// What decides.
    pub(super) fn rules(&self) -> Result<KnownRules, Report> {
        let (resolved, report) = self.examine(|code| !OUTSIDE.contains(&code))?;
        match resolved.rules {
            Some(rules) if report.counts().errors == 0 => Ok(KnownRules { rules, fingerprint: fingerprint(self.text) }),
            Some(_) | None => Err(report),
        }
    }

    /// Reads and resolves the text. Of what is wrong with it, only what is heeded is told.
    fn examine(&self, is_heeded: impl Fn(Code) -> bool) -> Result<(Resolved, Report), Report> {
        let Self { text, file_name, directory, environment, now, reading } = *self;
        if text.len() as u64 > MAX_FILE_LENGTH {
            return Err(Report::of_file(file_name, "it is larger than 1 MiB"));
        }
        let (table, syntax_errors) = DeTable::parse_recoverable(text);
        if !syntax_errors.is_empty() {
            return Err(not_toml(text, file_name, &syntax_errors));
        }
        let lines = Lines::of(text);
        let findings = Findings::default();
        let position = |at: Span| lines.position(at.start);
        let around = Surroundings { directory, environment, now, position: &position, findings: &findings, reading };
        let file = File::read(table.get_ref(), &findings);
        let resolved = resolve::resolve(&file, file_name, &around);
        let Found { mut problems, hidden, redirect_uris } = findings.into_found();
        problems.retain(|problem| is_heeded(problem.code));
        let masked = Masked::new(text, mask::secrets_of(text, table.get_ref()).into_iter().chain(hidden).collect());
        let config = resolved.config.map(|config| Config { text: masked.text().to_owned(), ..config });
        Ok((Resolved { config, ..resolved }, Report::new(file_name, &masked, problems, redirect_uris)))
    }
}
