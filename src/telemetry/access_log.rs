//! What the access log looks like: a line per request, for people or for programs.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::time::Duration;

use super::Line;
use super::json::{write_decision, write_judged, write_number, write_quoted};
use crate::domain::time::Timestamp;

/// How lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Human,
    /// One JSON object a line, with OpenTelemetry's names where it has some.
    Json,
}

/// Appends the line of a request.
pub(super) fn write_line(line: &Line<'_>, format: Format, text: &mut String) {
    match format {
        Format::Human => line.write_human(text),
        Format::Json => line.write_json(text),
    }
}

impl Line<'_> {
    fn write_human(&self, text: &mut String) {
        let decision = self.decision;
        text.push_str(&clock(self.at));
        let _infallible = write!(
            text,
            " {:<9} {} {:<4} {:<24} {}",
            decision.outcome.as_str().to_ascii_uppercase(),
            self.status.as_u16(),
            self.method.as_str(),
            escaped(self.path),
            decision.reason.code()
        );
        if let Some(refusal) = decision.would_refuse {
            let _infallible = write!(text, " · would refuse: {}", refusal.code());
        }
        if let Some(who) = &decision.who {
            let _infallible = write!(text, " · {} account by {}", who.kind.as_str(), who.authority);
        }
        if let (Some(route), Some(position)) = (&decision.route, decision.position) {
            let _infallible = write!(text, " · route {route} (line {})", position.line);
        }
        let _infallible = write!(text, " · {} ms · id={}", self.took.as_millis(), decision.id);
    }

    /// Appends the line as a JSON object, with the keys that every place shows that tells of decisions.
    pub(super) fn write_json(&self, text: &mut String) {
        text.push_str(r#"{"timestamp":"#);
        write_number(text, self.at.unix_seconds());
        text.push_str(r#","http.request.method":"#);
        write_quoted(text, self.method.as_str());
        text.push_str(r#","url.path":"#);
        write_quoted(text, self.path);
        text.push_str(r#","http.response.status_code":"#);
        write_number(text, self.status.as_u16());
        text.push_str(r#","duration_ms":"#);
        write_milliseconds(text, self.took);
        text.push_str(r#","client.address":""#);
        write_address(text, self.client);
        text.push('"');
        write_decision(text, self.decision);
        if let Some(who) = &self.decision.who {
            write_judged(text, who);
        }
        text.push('}');
    }
}

/// With three places, as microseconds are worth it.
fn write_milliseconds(text: &mut String, span: Duration) {
    let microseconds = (span.as_nanos() + 500) / 1000;
    write_number(text, microseconds / 1000);
    // A one in front keeps the zeros; it becomes the point.
    let start = text.len();
    write_number(text, 1000 + microseconds % 1000);
    text.replace_range(start..=start, ".");
}

fn write_address(text: &mut String, address: IpAddr) {
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            write_number(text, a);
            for octet in [b, c, d] {
                text.push('.');
                write_number(text, octet);
            }
        }
        IpAddr::V6(address) => {
            let _infallible = write!(text, "{address}");
        }
    }
}

/// A path holds no raw control bytes once it has parsed; one that did not parse may.
fn escaped(path: &str) -> String {
    path.chars().map(|character| if character.is_control() { '\u{fffd}' } else { character }).collect()
}

fn clock(at: Timestamp) -> String {
    let of_day = at.unix_seconds() % 86_400;
    format!("{:02}:{:02}:{:02}", of_day / 3600, of_day / 60 % 60, of_day % 60)
}

#[cfg(test)]
mod tests {
    use crate::domain::decision::{DecisionRecord, Outcome};
    use crate::domain::reason::Reason;
    use crate::telemetry::tests::{decision, line};

    use super::*;

    fn written(decision: &DecisionRecord, path: &str, format: Format) -> String {
        let mut text = String::new();
        write_line(&line(decision, path), format, &mut text);
        text
    }

    #[test]
    fn a_json_line_is_one_object_whatever_is_in_the_path() {
        let text = written(&decision(), "/a\"\n\u{1b}[31m", Format::Json);
        assert!(!text.contains('\n') && !text.contains('\u{1b}'));
        let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(value["reason"], "personal_account_not_allowed");
        assert_eq!(value["route"], "fi\"nance");
        assert_eq!(value["account.kind"], "personal");
        assert_eq!(value["account.tenant"], "9188040d-6c67-4c5b-b112-36a304b66dad");
        assert_eq!(value["config.line"], 7);
        assert_eq!(value.get("would_refuse"), None);
    }

    #[test]
    fn numbers_and_addresses_are_written_as_everywhere() {
        for (microseconds, written) in [(0, "0.000"), (7, "0.007"), (1_234, "1.234"), (12_340, "12.340"), (3_600_000_005, "3600000.005")] {
            let mut text = String::new();
            write_milliseconds(&mut text, Duration::from_micros(microseconds));
            assert_eq!(text, written);
        }
        for address in ["0.0.0.0", "192.0.2.10", "255.255.255.255", "::1", "2001:db8::a", "::ffff:192.0.2.10"] {
            let mut text = String::new();
            write_address(&mut text, address.parse().expect("an address"));
            assert_eq!(text, address);
        }
    }

    #[test]
    fn a_human_line_reads_on_its_own_and_holds_no_escape_codes() {
        let text = written(&decision(), "/work/\u{1b}[31m", Format::Human);
        assert!(text.starts_with("12:03:41 DENY      403 GET  /work/"), "{text}");
        assert!(text.contains("personal_account_not_allowed · personal account by personal"), "{text}");
        assert!(!text.contains('\u{1b}'));
    }

    #[test]
    fn a_request_that_a_tried_rule_would_refuse_says_so_in_both_formats() {
        let would_refuse = Some(Reason::PersonalAccountNotAllowed);
        let decision = DecisionRecord { outcome: Outcome::Allow, reason: Reason::SignedIn, would_refuse, ..decision() };
        let value: serde_json::Value = serde_json::from_str(&written(&decision, "/work", Format::Json)).expect("JSON");
        assert_eq!((&value["outcome"], &value["would_refuse"]), (&"allow".into(), &"personal_account_not_allowed".into()));
        let text = written(&decision, "/work", Format::Human);
        assert!(text.contains("signed_in · would refuse: personal_account_not_allowed · personal account by"), "{text}");
    }
}
