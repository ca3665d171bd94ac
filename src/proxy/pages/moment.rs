//! Moments and spans of time in words. Moments are shown in UTC: without scripts, nobody knows where a browser is.

use std::time::Duration;

use chrono::DateTime;

use crate::domain::time::Timestamp;

/// For people, to the minute.
pub(super) fn minute_shown(moment: Timestamp) -> String {
    formatted(moment, "%-d %b %Y, %H:%M UTC")
}

/// For people, to the second.
pub(super) fn second_shown(moment: Timestamp) -> String {
    formatted(moment, "%-d %b %Y, %H:%M:%S UTC")
}

/// For machines: the `datetime` attribute, and documents for programs (RFC 3339 §5.6).
pub(in crate::proxy) fn exact(moment: Timestamp) -> String {
    formatted(moment, "%Y-%m-%dT%H:%M:%SZ")
}

fn formatted(moment: Timestamp, pattern: &str) -> String {
    let seconds = i64::try_from(moment.unix_seconds()).unwrap_or(i64::MAX);
    DateTime::from_timestamp(seconds, 0).map(|time| time.format(pattern).to_string()).unwrap_or_default()
}

/// "5 minutes ago"
pub(super) fn ago(span: Duration) -> String {
    if span < Duration::from_secs(60) { "just now".to_owned() } else { format!("{} ago", words(span)) }
}

/// "in 5 minutes"
pub(super) fn ahead(span: Duration) -> String {
    if span < Duration::from_secs(60) { "in less than a minute".to_owned() } else { format!("in {}", words(span)) }
}

/// A span of at least a minute in its two largest units, to the nearest minute: nobody wants to read that an hour lasts 59
/// minutes.
fn words(span: Duration) -> String {
    let minutes = (span.as_secs() + 30) / 60;
    let (days, hours, minutes) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
    let two = match (days, hours) {
        (0, 0) => [(minutes, "minute"), (0, "")],
        (0, hours) => [(hours, "hour"), (minutes, "minute")],
        (days, hours) => [(days, "day"), (hours, "hour")],
    };
    let told = two.into_iter().filter(|(count, _)| *count > 0);
    told.map(|(count, unit)| format!("{count} {unit}{}", if count == 1 { "" } else { "s" })).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_told_in_two_units_at_most() {
        for (seconds, told) in [
            (60, "1 minute"),
            (89, "1 minute"),
            (90, "2 minutes"),
            (3_599, "1 hour"),
            (3_600, "1 hour"),
            (5_400, "1 hour 30 minutes"),
            (28_740, "7 hours 59 minutes"),
            (86_400, "1 day"),
            (93_600, "1 day 2 hours"),
            (1_209_600, "14 days"),
        ] {
            let span = Duration::from_secs(seconds);
            assert_eq!((ago(span), ahead(span)), (format!("{told} ago"), format!("in {told}")), "{seconds}");
        }
        assert_eq!((ago(Duration::ZERO), ahead(Duration::from_secs(59))), ("just now".to_owned(), "in less than a minute".to_owned()));
    }

    #[test]
    fn moments_are_shown_in_utc_and_told_to_machines() {
        let moment = Timestamp::from_unix_seconds(1_793_887_402);
        assert_eq!(minute_shown(moment), "5 Nov 2026, 14:03 UTC");
        assert_eq!(second_shown(moment), "5 Nov 2026, 14:03:22 UTC");
        assert_eq!(exact(moment), "2026-11-05T14:03:22Z");
        assert_eq!(exact(Timestamp::from_unix_seconds(u64::MAX)), "", "no such day");
    }
}
