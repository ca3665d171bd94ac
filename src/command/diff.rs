//! `homerealm diff`: who gains and who loses access when one configuration takes the place of another.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};

use super::{Verdict, print};
use crate::config;
use crate::domain::rules::Rules;
use crate::domain::written::Fingerprint;
use crate::review::diff::{self, Direction, Style};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The configuration as it was
    old: PathBuf,

    /// The configuration as it is to be
    new: PathBuf,

    /// How the answer looks
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Human,
    /// For programs
    Json,
}

/// Said of files that are not the same, where nothing else is to be said.
const NOT_LOOKED_AT: &str = "The files differ in other things: diff looks at who gets in, where requests go and what apps are told of people, \
                             not at listeners, sessions, secrets, pages, limits or logs.";

pub(super) fn main(arguments: &Arguments) -> Verdict {
    // Both are read before either is complained of: so all that is wrong is told at once.
    let (old, new) = (rules_of(&arguments.old), rules_of(&arguments.new));
    let (Some((old, old_text)), Some((new, new_text))) = (old, new) else { return Verdict::Errors };
    let diff = match diff::diff(&old, &new) {
        Ok(diff) => diff,
        Err(error) => {
            print::complaint(format_args!("homerealm diff: {error}"));
            return Verdict::Errors;
        }
    };
    match arguments.format {
        Format::Human => {
            print::line(diff::text(&diff, style()));
            if diff.changes.is_empty() && old_text != new_text {
                print::line(NOT_LOOKED_AT);
            }
        }
        Format::Json => print::line(format_args!("{:#}", diff::json(&diff, [old_text, new_text]))),
    }
    if diff.count(Direction::Gain) > 0 { Verdict::Widened } else { Verdict::Fine }
}

/// What a file decides, and the name of its text; `None` if it cannot be used, which is told.
fn rules_of(file: &Path) -> Option<(Arc<Rules>, Fingerprint)> {
    match config::rules_of(file) {
        Ok(known) => Some((known.rules, known.fingerprint)),
        Err(problems) => {
            print::report(&problems, print::Colour::Auto);
            None
        }
    }
}

/// Colours are for terminals whose owners did not decline them.
fn style() -> Style {
    let is_declined = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if std::io::stdout().is_terminal() && !is_declined { Style::Coloured } else { Style::Plain }
}
