//! Tables and ages for terminals. Whatever is in them comes from elsewhere, so nothing of it is obeyed.

use crate::command::print::escaped;
use crate::domain::time::Timestamp;

/// Lines with aligned columns, the first row being their names.
pub(super) fn aligned<const N: usize>(rows: &[[String; N]]) -> Vec<String> {
    let rows: Vec<_> = rows.iter().map(|row| row.each_ref().map(|cell| escaped(cell))).collect();
    let mut widths = [0; N];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let line = |row: &[String; N]| {
        let cells: Vec<_> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// How long ago a moment was, in its largest unit: `12 min ago`. A moment that cannot be read is shown as it came.
pub(super) fn age(moment: &str, now: Timestamp) -> String {
    let Some(at) = read(moment) else { return moment.to_owned() };
    let seconds = now.since(at).as_secs();
    let (count, unit) = match seconds {
        0..60 => (seconds, "s"),
        60..3_600 => (seconds / 60, "min"),
        3_600..172_800 => (seconds / 3_600, "h"),
        _ => (seconds / 86_400, "d"),
    };
    format!("{count} {unit} ago")
}

fn read(moment: &str) -> Option<Timestamp> {
    let seconds = chrono::DateTime::parse_from_rfc3339(moment).ok()?.timestamp();
    u64::try_from(seconds).ok().map(Timestamp::from_unix_seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_and_obey_nothing() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned);
        let lines = aligned(&[row(["A", "BB", "C"]), row(["möp", "", "x"]), row(["\u{1b}[2J", "b", ""])]);
        assert_eq!(lines, ["A          BB  C", "möp            x", r"\u{1b}[2J  b"]);
    }

    #[test]
    fn an_age_has_one_unit() {
        let now = read("2026-11-22T10:00:00Z").expect("a moment");
        for (moment, expected) in [
            ("2026-11-22T10:00:00Z", "0 s ago"),
            ("2026-11-22T10:00:09Z", "0 s ago"),
            ("2026-11-22T09:59:01Z", "59 s ago"),
            ("2026-11-22T09:59:00Z", "1 min ago"),
            ("2026-11-22T09:00:01Z", "59 min ago"),
            ("2026-11-21T10:00:00Z", "24 h ago"),
            ("2026-11-20T10:00:00Z", "2 d ago"),
            ("soon", "soon"),
        ] {
            assert_eq!(age(moment, now), expected, "{moment}");
        }
    }
}
