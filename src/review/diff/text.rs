//! The comparison as text for a terminal: the requests of a route, and under them a line for each change.

use std::fmt::Write as _;

use super::{Change, Diff, Direction, Place};

/// Whether colours may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// On a terminal.
    Coloured,
    /// Everywhere else.
    Plain,
}

/// Longer ones do not push what stands behind all of them to the right.
const WIDEST: usize = 88;

/// Renders it.
#[must_use]
pub fn text(diff: &Diff, style: Style) -> String {
    let widths = diff.changes.iter().map(|change| change.phrase.chars().count());
    let width = widths.filter(|width| *width <= WIDEST).max().unwrap_or(0);
    let mut text = String::new();
    let mut above = None;
    for change in &diff.changes {
        let heading = heading(change, style);
        if above.as_ref() != Some(&heading) {
            let gap = if above.is_some() { "\n" } else { "" };
            let _written_to_memory = writeln!(text, "{gap}{heading}");
            above = Some(heading);
        }
        let _written_to_memory = writeln!(text, "  {:width$}  {}", change.phrase, verdict(change, &diff.files, style));
    }
    if above.is_some() {
        text.push('\n');
    }
    text + &summary(diff)
}

const BOLD: &str = "\x1b[1m";
const FAINT: &str = "\x1b[2m";
const RESET: &str = "\x1b[0m";

fn heading(change: &Change, style: Style) -> String {
    let (name, asked) = (name(change), &change.asked);
    match style {
        Style::Coloured => format!("{BOLD}{name}{RESET}  {asked}"),
        Style::Plain => format!("{name}  {asked}"),
    }
}

fn verdict(change: &Change, files: &[String; 2], style: Style) -> String {
    let place = |file: &String, place: Option<&Place>| {
        place.map_or_else(|| format!("{file}: no route"), |place| format!("{file}:{}", place.position.line))
    };
    let (old, new) = (place(&files[0], change.old.as_ref()), place(&files[1], change.new.as_ref()));
    let (word, colour) = match change.direction {
        Direction::Gain => ("GAIN access", "\x1b[1;31m"),
        Direction::Lose => ("LOSE access", "\x1b[1;33m"),
        Direction::Change => ("CHANGES    ", BOLD),
    };
    match style {
        Style::Coloured => format!("{colour}{word}{RESET}  {FAINT}{old}  {new}{RESET}"),
        Style::Plain => format!("{word}  {old}  {new}"),
    }
}

/// The route, and what it was before where that is another one.
fn name(change: &Change) -> String {
    match (&change.old, &change.new) {
        (Some(old), Some(new)) if old.route != new.route => format!("{} (was {})", new.route, old.route),
        _ => change.route().map(ToString::to_string).unwrap_or_default(),
    }
}

fn summary(diff: &Diff) -> String {
    let counted = |count, one: &str, more: &str| match count {
        0 => format!("no {one}"),
        1 => format!("1 {one}"),
        count => format!("{count} {more}"),
    };
    let people = match (diff.count(Direction::Gain), diff.count(Direction::Lose)) {
        (0, 0) => "nobody gains or loses access".to_owned(),
        (gains, losses) => format!("{} and {} of access", counted(gains, "gain", "gains"), counted(losses, "loss", "losses")),
    };
    match diff.count(Direction::Change) {
        0 => people,
        1 => format!("{people}; 1 other change"),
        count => format!("{people}; {count} other changes"),
    }
}
