//! `homerealm check`: every problem of a configuration at once, and what to register at the provider. Diagnostics for
//! people go to standard error; documents, and what people asked for, to standard output.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::print::Colour;
use super::{Verdict, print};
use crate::config::report::{RedirectUris, Report, json};
use crate::config::{self, Config};
use online::{Answer, Outcome};

mod online;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The configuration file; by default homerealm.toml, then /etc/homerealm/homerealm.toml
    file: Option<PathBuf>,

    /// How problems are told
    #[arg(long, value_enum, default_value = "human")]
    format: Format,

    /// Take warnings for errors: end with 1 if there is one
    #[arg(long)]
    deny_warnings: bool,

    /// Also ask the providers, compare clocks with them, and connect to the upstreams and to the session store
    #[arg(long)]
    online: bool,

    /// Whether problems are coloured
    #[arg(long, value_enum, value_name = "WHEN", default_value = "auto")]
    color: Colour,
}

/// `--format`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Lines with carets, for people
    Human,
    /// One JSON document
    Json,
    /// One SARIF 2.1.0 document, for code hosts and editors
    Sarif,
}

pub(super) fn main(arguments: &Arguments) -> Verdict {
    let Some(file) = find(arguments.file.clone()) else { return Verdict::Errors };
    let loaded = config::load(&file);
    let (report, config) = match &loaded {
        Ok(config) => (&config.warnings, Some(config)),
        Err(report) => (report, None),
    };
    let answers = match config.filter(|_| arguments.online).map(online::ask).transpose() {
        Ok(answers) => answers,
        Err(error) => {
            print::complaint(format_args!("homerealm check: {error}"));
            return Verdict::Errors;
        }
    };
    let examination = Examination { report, contents: config.map(Contents::of), answers };
    match arguments.format {
        Format::Human => examination.tell(arguments),
        Format::Json => print::line(as_json(&examination.document())),
        Format::Sarif => {
            // A finding of SARIF's is about a line of the file; what the network says is not.
            examination.answers.iter().flatten().for_each(print::complaint);
            print::line(as_json(&report.sarif()));
        }
    }
    examination.verdict(arguments)
}

/// Loads a configuration file and prints its warnings, or says what is wrong with it.
pub(super) fn load(file: Option<PathBuf>) -> Option<Config> {
    match config::load(&find(file)?) {
        Ok(config) => {
            print::report(&config.warnings, Colour::Auto);
            Some(config)
        }
        Err(report) => {
            print::report(&report, Colour::Auto);
            None
        }
    }
}

/// The file that was named, or the first of those that are looked for; says so if there is none.
pub(super) fn find(file: Option<PathBuf>) -> Option<PathBuf> {
    let found = file.or_else(|| config::default_files().into_iter().find(|file| file.is_file()));
    if found.is_none() {
        let [here, system] = config::default_files();
        print::complaint(format_args!("homerealm: there is neither {} nor {}; name a file", here.display(), system.display()));
    }
    found
}

/// What was found out about a configuration.
struct Examination<'a> {
    report: &'a Report,
    /// `None`: it has errors.
    contents: Option<Contents>,
    /// `None`: nobody was asked.
    answers: Option<Vec<Answer>>,
}

/// What is in a configuration, counted. Its policy tests have passed, or there would be an error.
#[derive(Debug, Clone, Copy, Serialize)]
struct Contents {
    routes: usize,
    tenants: usize,
    policy_tests: usize,
}

/// The JSON document: the report's, and what only this command knows.
#[derive(Debug, Serialize)]
struct Document<'a> {
    #[serde(flatten)]
    report: json::Document<'a>,
    /// Of a file without errors.
    #[serde(skip_serializing_if = "Option::is_none")]
    contents: Option<Contents>,
    /// With `--online`, of a file without errors.
    #[serde(skip_serializing_if = "Option::is_none")]
    online: Option<&'a [Answer]>,
}

impl Examination<'_> {
    fn document(&self) -> Document<'_> {
        Document { report: self.report.json(), contents: self.contents, online: self.answers.as_deref() }
    }

    fn tell(&self, arguments: &Arguments) {
        print::report(self.report, arguments.color);
        self.answers.iter().flatten().for_each(print::line);
        if arguments.online && self.answers.is_none() {
            print::line("Nobody was asked: the file has errors.");
        }
        let redirect_uris = self.report.redirect_uris();
        if !redirect_uris.is_empty() {
            print::line(match self.contents {
                Some(_) => "Register these redirect URIs:",
                None => "Register these redirect URIs (there may be more once the errors are gone):",
            });
            list(redirect_uris);
            print::line("");
        }
        print::line(self.summary());
    }

    /// `homerealm.toml: 4 routes · 2 tenants · 3 policy tests passed · 0 errors, 1 warning`
    fn summary(&self) -> String {
        let contents = self.contents.map(|contents| {
            let tests = match contents.policy_tests {
                0 => "no policy tests".to_owned(),
                count => format!("{} passed", counted(count, "policy test")),
            };
            format!("{} · {} · {tests} · ", counted(contents.routes, "route"), counted(contents.tenants, "tenant"))
        });
        let answers = self.answers.as_ref().map(|answers| {
            let failed = answers.iter().filter(|answer| answer.outcome == Outcome::Failed).count();
            format!(" · {} of {} online", answers.len() - failed, answers.len())
        });
        let [contents, answers] = [contents, answers].map(Option::unwrap_or_default);
        format!("{}: {contents}{}{answers}", self.report.file(), self.report.counts())
    }

    fn verdict(&self, arguments: &Arguments) -> Verdict {
        let answered = |outcome| self.answers.iter().flatten().any(|answer| answer.outcome == outcome);
        let has_errors = self.report.counts().errors > 0 || answered(Outcome::Failed);
        let has_warnings = self.report.counts().warnings > 0 || answered(Outcome::Warning);
        if has_errors || (arguments.deny_warnings && has_warnings) { Verdict::Errors } else { Verdict::Fine }
    }
}

impl Contents {
    fn of(config: &Config) -> Self {
        Self { routes: config.rules.routes.routes().len(), tenants: config.rules.tenants.len(), policy_tests: config.tests.len() }
    }
}

fn list(redirect_uris: &RedirectUris) {
    for (authority, uri) in &redirect_uris.callbacks {
        print::line(format_args!("  {:<12} {uri}", authority.as_str()));
    }
    for uri in &redirect_uris.signed_out {
        print::line(format_args!("  {:<12} {uri}", "(sign-out)"));
    }
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn as_json(document: &impl Serialize) -> String {
    serde_json::to_string_pretty(document).expect("a document of texts and numbers")
}
