//! Writing to the terminal. A closed pipe (`homerealm check | head -1`) is not an error of ours.

use std::fmt::{self, Write as _};
use std::io::{IsTerminal, Write};

use crate::config::report::{Colours, Report};

/// A line on standard output.
pub(super) fn line(text: impl fmt::Display) {
    let _closed_pipe = writeln!(std::io::stdout(), "{text}");
}

/// A line on standard error.
pub(super) fn complaint(text: impl fmt::Display) {
    let _closed_pipe = writeln!(std::io::stderr(), "{text}");
}

/// Text that came from elsewhere. It keeps its lines, and nothing in it steers the terminal.
pub(super) struct Foreign<'a>(pub(super) &'a str);

impl fmt::Display for Foreign<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| if steers(c) && c != '\n' { write!(f, "{}", c.escape_default()) } else { f.write_char(c) })
    }
}

/// Whether a terminal would obey it: control characters, and those that turn the direction of what follows (UAX #9).
fn steers(character: char) -> bool {
    let turns = matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || character.is_control()
}

/// What is wrong with a configuration, on standard error: a blank line between problems and behind the last.
pub(super) fn report(report: &Report, colour: Colour) {
    for problem in report.rendered(colour.on_stderr()) {
        complaint(format_args!("{problem}\n"));
    }
}

/// For a terminal: what comes from elsewhere may hold characters that steer it, which are shown, not obeyed.
pub(super) fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if steers(character) {
            let _infallible = write!(shown, "{}", character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// A JSON document on standard output. JSON leaves some characters that steer terminals in its texts as they are; this does not.
pub(super) fn document(document: &serde_json::Value) {
    let mut shown = String::new();
    for character in format!("{document:#}").chars() {
        if steers(character) && character != '\n' {
            let _infallible = write!(shown, "\\u{:04x}", u32::from(character));
        } else {
            shown.push(character);
        }
    }
    line(shown);
}

/// `--format`
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// Lines, for people
    Human,
    /// One JSON document
    Json,
}

/// `--color`
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Colour {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Also into files and pipes
    Always,
    /// Nowhere
    Never,
}

impl Colour {
    /// <https://no-color.org>: an empty NO_COLOR says nothing.
    fn on_stderr(self) -> Colours {
        let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        match self {
            Self::Always => Colours::Ansi,
            Self::Auto if std::io::stderr().is_terminal() && !is_set("NO_COLOR") => Colours::Ansi,
            Self::Auto | Self::Never => Colours::Plain,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_from_elsewhere_steers_no_terminal() {
        for (text, shown) in [
            ("ready\nlast reload: applied", "ready\nlast reload: applied"),
            ("“Zürich”", "“Zürich”"),
            ("\u{1b}[2Jred\r\n", "\\u{1b}[2Jred\\r\n"),
            ("a\u{202e}b\u{2066}c\u{200f}d\u{61c}", "a\\u{202e}b\\u{2066}c\\u{200f}d\\u{61c}"),
            ("\u{9b}31m\t\u{7f}", "\\u{9b}31m\\t\\u{7f}"),
        ] {
            assert_eq!(Foreign(text).to_string(), shown);
            assert_eq!(escaped(text).replace("\\n", "\n"), shown);
        }
    }
}
