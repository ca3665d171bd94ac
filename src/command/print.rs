//! Writing to the terminal. A closed pipe (`homerealm check | head -1`) is not an error of ours.

use std::io::Write;

/// A line on standard output.
pub(super) fn line(text: impl std::fmt::Display) {
    let _closed_pipe = writeln!(std::io::stdout(), "{text}");
}

/// A line on standard error.
pub(super) fn complaint(text: impl std::fmt::Display) {
    let _closed_pipe = writeln!(std::io::stderr(), "{text}");
}
