//! The access log: one line per request, written by a thread of its own so that a slow reader of the log slows nobody
//! down. A full queue drops lines and says how many.

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use http::{Method, StatusCode};

use crate::domain::decision::DecisionRecord;
use crate::domain::time::Timestamp;

/// How lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Human,
    /// One JSON object a line, with OpenTelemetry's names where it has some.
    Json,
}

/// One line, before it is written.
#[derive(Debug)]
pub struct Line<'a> {
    /// When the request came.
    pub at: Timestamp,
    /// What was decided.
    pub decision: &'a DecisionRecord,
    /// The request's method.
    pub method: &'a Method,
    /// The request's path: never the query, which may hold codes and addresses.
    pub path: &'a str,
    /// What was answered.
    pub status: StatusCode,
    /// From the request's head to the answer's head.
    pub took: Duration,
    /// Who asked.
    pub client: IpAddr,
}

/// The log.
#[derive(Debug, Clone)]
pub struct AccessLog {
    queue: Option<(Format, SyncSender<String>)>,
    dropped: Arc<AtomicU64>,
}

/// How many lines may wait.
const QUEUE: usize = 8192;

impl AccessLog {
    /// A log that writes nothing.
    #[must_use]
    pub fn off() -> Self {
        Self { queue: None, dropped: Arc::default() }
    }

    /// A log that writes to standard output.
    #[must_use]
    pub fn to_stdout(format: Format) -> Self {
        let (sender, receiver) = sync_channel(QUEUE);
        let dropped = Arc::<AtomicU64>::default();
        let counted = Arc::clone(&dropped);
        std::thread::Builder::new()
            .name("access-log".into())
            .spawn(move || write_lines(&receiver, &counted))
            .expect("a thread at start-up");
        Self { queue: Some((format, sender)), dropped }
    }

    /// Hands a line over.
    pub fn write(&self, line: &Line<'_>) {
        let Some((format, queue)) = &self.queue else { return };
        let text = match format {
            Format::Human => line.to_human(),
            Format::Json => line.to_json(),
        };
        match queue.try_send(text) {
            Ok(()) | Err(TrySendError::Disconnected(_)) => {}
            Err(TrySendError::Full(_)) => {
                self.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// Writes what is there in one go, then waits: a busy proxy makes one system call for many lines.
fn write_lines(queue: &Receiver<String>, dropped: &AtomicU64) {
    let mut out = std::io::BufWriter::with_capacity(64 * 1024, std::io::stdout());
    while let Ok(first) = queue.recv() {
        let written = std::iter::once(first).chain(queue.try_iter().take(QUEUE)).try_for_each(|line| writeln!(out, "{line}"));
        let lost = dropped.swap(0, Ordering::Relaxed);
        if lost > 0 {
            tracing::warn!(lines = lost, "Access log lines were dropped: whoever reads them is too slow");
        }
        if written.and_then(|()| out.flush()).is_err() {
            return;
        }
    }
}

impl Line<'_> {
    fn to_human(&self) -> String {
        let decision = self.decision;
        let mut text = clock(self.at);
        let _infallible = write!(
            text,
            " {:<9} {} {:<4} {:<24} {}",
            decision.outcome.as_str().to_ascii_uppercase(),
            self.status.as_u16(),
            self.method.as_str(),
            escaped(self.path),
            decision.reason.code()
        );
        if let Some(kind) = decision.kind {
            let _infallible = write!(text, " · {} account", kind.as_str());
        }
        if let Some(authority) = &decision.authority {
            let _infallible = write!(text, " by {authority}");
        }
        if let (Some(route), Some(position)) = (&decision.route, decision.position) {
            let _infallible = write!(text, " · route {route} (line {})", position.line);
        }
        let _infallible = write!(text, " · {} ms · id={}", self.took.as_millis(), decision.id);
        text
    }

    fn to_json(&self) -> String {
        let decision = self.decision;
        let mut text = String::with_capacity(384);
        let _infallible = write!(
            text,
            r#"{{"timestamp":{},"http.request.method":{},"url.path":{},"http.response.status_code":{},"duration_ms":{:.3},"client.address":"{}","outcome":"{}","reason":"{}","decision_id":"{}""#,
            self.at.unix_seconds(),
            quoted(self.method.as_str()),
            quoted(self.path),
            self.status.as_u16(),
            self.took.as_secs_f64() * 1e3,
            self.client,
            decision.outcome.as_str(),
            decision.reason.code(),
            decision.id
        );
        if let Some(route) = &decision.route {
            let _infallible = write!(text, r#","route":{}"#, quoted(route.as_str()));
        }
        if let Some(position) = decision.position {
            let _infallible = write!(text, r#","config.line":{}"#, position.line);
        }
        if let Some(kind) = decision.kind {
            let _infallible = write!(text, r#","account.kind":"{}""#, kind.as_str());
        }
        if let Some(authority) = &decision.authority {
            let _infallible = write!(text, r#","authority":"{authority}""#);
        }
        text.push('}');
        text
    }
}

/// A JSON string; serde knows how to escape, and a `&str` cannot fail.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
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
    use super::*;
    use crate::domain::account::AccountKind;
    use crate::domain::authority::AuthorityName;
    use crate::domain::decision::{DecisionId, Outcome};
    use crate::domain::reason::Reason;
    use crate::domain::route::{Position, RouteName};

    fn decision() -> DecisionRecord {
        DecisionRecord {
            id: DecisionId::from_random(0),
            outcome: Outcome::Deny,
            reason: Reason::PersonalAccountNotAllowed,
            route: Some(RouteName::new("fi\"nance")),
            position: Some(Position { line: 7, column: 1 }),
            kind: Some(AccountKind::Personal),
            authority: Some(AuthorityName::personal()),
        }
    }

    fn line<'a>(decision: &'a DecisionRecord, path: &'a str) -> Line<'a> {
        Line {
            at: Timestamp::from_unix_seconds(12 * 3600 + 3 * 60 + 41),
            decision,
            method: &Method::GET,
            path,
            status: StatusCode::FORBIDDEN,
            took: Duration::from_millis(3),
            client: [127, 0, 0, 1].into(),
        }
    }

    #[test]
    fn a_json_line_is_one_object_whatever_is_in_the_path() {
        let decision = decision();
        let text = line(&decision, "/a\"\n\u{1b}[31m").to_json();
        assert!(!text.contains('\n') && !text.contains('\u{1b}'));
        let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(value["reason"], "personal_account_not_allowed");
        assert_eq!(value["route"], "fi\"nance");
        assert_eq!(value["account.kind"], "personal");
        assert_eq!(value["config.line"], 7);
    }

    #[test]
    fn a_human_line_reads_on_its_own_and_holds_no_escape_codes() {
        let decision = decision();
        let text = line(&decision, "/work/\u{1b}[31m").to_human();
        assert!(text.starts_with("12:03:41 DENY      403 GET  /work/"), "{text}");
        assert!(text.contains("personal_account_not_allowed · personal account by personal"), "{text}");
        assert!(!text.contains('\u{1b}'));
    }
}
