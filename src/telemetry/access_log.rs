//! What the access log looks like: a line per request, for people or for programs.

use std::fmt::Write as _;

use super::Line;
use super::json::{quoted, write_decision, write_judged};
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
        let _infallible = write!(
            text,
            r#"{{"timestamp":{},"http.request.method":{},"url.path":{},"http.response.status_code":{},"duration_ms":{:.3},"client.address":"{}""#,
            self.at.unix_seconds(),
            quoted(self.method.as_str()),
            quoted(self.path),
            self.status.as_u16(),
            self.took.as_secs_f64() * 1e3,
            self.client
        );
        write_decision(text, self.decision);
        if let Some(who) = &self.decision.who {
            write_judged(text, who);
        }
        text.push('}');
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
