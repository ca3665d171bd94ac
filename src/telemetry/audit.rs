//! The audit log: who signed in, who could not, who was turned away, who signed out, and whose sessions somebody ended.
//! One JSON object a line, and a line only for that: what was merely asked for and served is the access log's business,
//! which has the same decision ids.
//!
//! Events have the names of OWASP's logging vocabulary where it has one.

pub mod orders;

use std::fmt::Write as _;

use super::Line;
use super::json::{quoted, write_decision, write_judged};
use crate::domain::account::AccountKind;
use crate::domain::authority::AuthorityName;
use crate::domain::decision::Judged;
use crate::domain::time::Timestamp;

/// The version of what a line looks like: it goes up when a key changes its meaning or goes away.
const VERSION: u32 = 1;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happening {
    /// Somebody came back from their provider and has a session now.
    SignedIn,
    /// A sign-in ended without a session.
    SignInFailed,
    /// Somebody who is known was refused on a route.
    Refused,
    /// Somebody was let in whom the route would refuse, did it enforce its rules.
    WouldBeRefused,
    /// Somebody signed out, here or, in this browser, at their provider; or their authority ended a session when it was to be refreshed.
    SessionEnded,
    /// Somebody signed out in every browser: whatever they had before is over, wherever it is.
    SessionEndedEverywhere,
    /// A provider told us that a session of its own has ended, and with it whatever we had that began there.
    SessionRevoked,
}

impl Happening {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignedIn => "authn_login_success",
            Self::SignInFailed => "authn_login_fail",
            Self::Refused => "authz_fail",
            Self::WouldBeRefused => "authz_would_fail",
            Self::SessionEnded => "session_ended",
            Self::SessionEndedEverywhere => "session_ended_everywhere",
            Self::SessionRevoked => "session_revoked",
        }
    }
}

/// Something for the audit log to tell, beside the decision that it belongs to.
#[derive(Debug, Clone)]
pub struct Event {
    /// What happened.
    pub happening: Happening,
    /// To whom, if that is known.
    pub person: Option<Person>,
    /// At which authority, where nobody is known who would be its.
    pub authority: Option<AuthorityName>,
    /// The kind of account that somebody said they would sign in with, if they said so.
    pub chosen: Option<AccountKind>,
}

/// Somebody, as far as the audit log tells of them.
#[derive(Debug, Clone)]
pub struct Person {
    /// What every log may tell.
    pub judged: Judged,
    /// What they are called here: a keyed hash or their identifiers, as the configuration says; never an address.
    pub name: String,
}

/// Appends the line of an event.
pub(super) fn write_line(line: &Line<'_>, event: &Event, text: &mut String) {
    begin(text, line.at, event.happening.as_str());
    write_decision(text, line.decision);
    if let Some(person) = &event.person {
        write_judged(text, &person.judged);
        let _infallible = write!(text, r#","user":{}"#, quoted(&person.name));
    }
    if let Some(authority) = &event.authority {
        let _infallible = write!(text, r#","authority":"{authority}""#);
    }
    if let Some(kind) = event.chosen {
        let _infallible = write!(text, r#","account.kind_chosen":"{}""#, kind.as_str());
    }
    let _infallible = write!(text, r#","client.address":"{}"}}"#, line.client);
}

/// A whole line on how many lines are missing here; the last of them was written at `until`.
pub(super) fn lines_lost(lines: u64, until: Timestamp) -> String {
    let mut text = String::new();
    begin(&mut text, until, "audit_lines_lost");
    let _infallible = writeln!(text, r#","lines":{lines}}}"#);
    text
}

fn begin(text: &mut String, at: Timestamp, event: &str) {
    let _infallible = write!(text, r#"{{"log":"audit","version":{VERSION},"timestamp":{},"event":"{event}""#, at.unix_seconds());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::tests::{decision, line};

    fn written(event: &Event) -> serde_json::Value {
        let mut decision = decision();
        // The person of the event is told, not the decision's: one sign-out may end several people's sessions.
        decision.who = None;
        let mut text = String::new();
        write_line(&line(&decision, "/a?secret"), event, &mut text);
        assert!(!text.contains(['\n', '\u{1b}']) && !text.contains("secret"), "{text}");
        serde_json::from_str(&text).expect("JSON")
    }

    #[test]
    fn a_line_is_one_object_that_says_what_happened_to_whom_and_why() {
        let person = Person { judged: decision().who.expect("somebody"), name: "o\"\n\u{1b}d@t".into() };
        let line =
            written(&Event { happening: Happening::Refused, person: Some(person), authority: None, chosen: Some(AccountKind::Work) });
        for (key, value) in [
            ("log", "audit"),
            ("event", "authz_fail"),
            ("outcome", "deny"),
            ("reason", "personal_account_not_allowed"),
            ("decision_id", "0000-0000"),
            ("route", "fi\"nance"),
            ("account.kind", "personal"),
            ("account.membership", "unknown"),
            ("account.home", "personal"),
            ("account.tenant", "9188040d-6c67-4c5b-b112-36a304b66dad"),
            ("account.kind_chosen", "work"),
            ("authority", "personal"),
            ("user", "o\"\n\u{1b}d@t"),
            ("client.address", "127.0.0.1"),
        ] {
            assert_eq!(line[key], value, "{key} in {line}");
        }
        for (key, value) in [("version", 1), ("timestamp", 43_421), ("config.line", 7)] {
            assert_eq!(line[key], value, "{key} in {line}");
        }
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        let event = Event { happening: Happening::SignInFailed, person: None, authority: None, chosen: None };
        let line = written(&event);
        for key in ["user", "account.kind", "account.tenant", "account.kind_chosen", "authority", "would_refuse"] {
            assert!(line.get(key).is_none(), "{key} in {line}");
        }
        let line = written(&Event { authority: Some(AuthorityName::work()), ..event });
        assert_eq!(line["authority"], "work");
    }

    #[test]
    fn the_word_on_lost_lines_is_a_line_of_the_log() {
        let text = lines_lost(17, Timestamp::from_unix_seconds(5));
        let line: serde_json::Value = serde_json::from_str(text.strip_suffix('\n').expect("a line")).expect("JSON");
        assert_eq!((&line["log"], &line["lines"], &line["timestamp"]), (&"audit".into(), &17.into(), &5.into()));
    }
}
