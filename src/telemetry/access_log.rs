//! The access log: one line per request. Each worker writes into a buffer of its own and hands it over ten times a
//! second to the one thread that writes: waking another thread for every line cost a quarter of the time of a request.
//! A reader that is too slow loses lines and is told how many.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::io::Write as _;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::Line;
use crate::domain::time::Timestamp;

/// How lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Human,
    /// One JSON object a line, with OpenTelemetry's names where it has some.
    Json,
}

/// How many bytes a worker collects at most before it hands them over.
const PAGE: usize = 32 * 1024;

/// How many pages may wait for the writer.
const QUEUE: usize = 64;

/// How old a line may get before it is written.
const PATIENCE: Duration = Duration::from_millis(100);

/// The log: the thread that writes, and the way to it.
#[derive(Debug)]
pub struct AccessLog {
    way: Option<Way>,
    writer: Option<JoinHandle<()>>,
}

#[derive(Debug, Clone)]
struct Way {
    format: Format,
    pages: SyncSender<String>,
    lost_lines: Arc<AtomicU64>,
}

impl AccessLog {
    /// A log that writes nothing.
    #[must_use]
    pub const fn off() -> Self {
        Self { way: None, writer: None }
    }

    /// A log that writes to standard output.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn to_stdout(format: Format) -> std::io::Result<Self> {
        let (pages, written) = sync_channel(QUEUE);
        let lost_lines = Arc::<AtomicU64>::default();
        let lost = Arc::clone(&lost_lines);
        let writer = std::thread::Builder::new().name("access-log".into()).spawn(move || write_pages(&written, &lost))?;
        Ok(Self { way: Some(Way { format, pages, lost_lines }), writer: Some(writer) })
    }

    /// One worker's share of the log.
    #[must_use]
    pub fn pen(&self) -> Pen {
        Pen { way: self.way.clone(), page: RefCell::default() }
    }

    /// Waits until everything handed over is written. Every [`Pen`] must be gone: its last page goes with it.
    pub fn close(self) {
        drop(self.way);
        if let Some(writer) = self.writer {
            let _has_said_so_already = writer.join();
        }
    }
}

/// Writes lines on one thread.
#[derive(Debug)]
pub struct Pen {
    way: Option<Way>,
    page: RefCell<String>,
}

impl Pen {
    /// Writes a line.
    pub fn write(&self, line: &Line<'_>) {
        let Some(way) = &self.way else { return };
        let mut page = self.page.borrow_mut();
        match way.format {
            Format::Human => line.write_human(&mut page),
            Format::Json => line.write_json(&mut page),
        }
        page.push('\n');
        if page.len() >= PAGE {
            way.send(&mut page);
        }
    }

    /// Hands over what was written, ten times a second, for ever.
    pub async fn keep_handing_over(self: Rc<Self>) {
        let Some(way) = &self.way else { return };
        let mut beat = tokio::time::interval(PATIENCE);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            beat.tick().await;
            way.send(&mut self.page.borrow_mut());
        }
    }
}

impl Drop for Pen {
    fn drop(&mut self) {
        if let Some(way) = &self.way {
            way.send(self.page.get_mut());
        }
    }
}

impl Way {
    fn send(&self, page: &mut String) {
        if page.is_empty() {
            return;
        }
        match self.pages.try_send(std::mem::take(page)) {
            Ok(()) | Err(TrySendError::Disconnected(_)) => {}
            Err(TrySendError::Full(page)) => {
                let lines = u64::try_from(page.lines().count()).unwrap_or(u64::MAX);
                self.lost_lines.fetch_add(lines, Ordering::Relaxed);
            }
        }
    }
}

fn write_pages(pages: &Receiver<String>, lost_lines: &AtomicU64) {
    let mut out = std::io::stdout();
    while let Ok(page) = pages.recv() {
        let lost = lost_lines.swap(0, Ordering::Relaxed);
        if lost > 0 {
            tracing::warn!(lines = lost, "Access log lines were lost: whoever reads them is too slow");
        }
        if out.write_all(page.as_bytes()).and_then(|()| out.flush()).is_err() {
            return;
        }
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

    fn write_json(&self, text: &mut String) {
        let decision = self.decision;
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
        if let Some(refusal) = decision.would_refuse {
            let _infallible = write!(text, r#","would_refuse":"{}""#, refusal.code());
        }
        if let Some(who) = &decision.who {
            let (kind, membership, home) = (who.kind.as_str(), who.membership.as_str(), who.home.as_str());
            let _infallible = write!(
                text,
                r#","account.kind":"{kind}","account.membership":"{membership}","account.home":"{home}","authority":"{}""#,
                who.authority
            );
            if let Some(tenant) = who.tenant {
                let _infallible = write!(text, r#","account.tenant":"{tenant}""#);
            }
        }
        text.push('}');
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
    use http::{Method, StatusCode};

    use super::*;
    use crate::domain::account::{AccountKind, Home, Membership, TenantId};
    use crate::domain::authority::AuthorityName;
    use crate::domain::decision::{DecisionId, DecisionRecord, Judged, Outcome};
    use crate::domain::reason::Reason;
    use crate::domain::route::{Position, RouteName};

    fn decision() -> DecisionRecord {
        DecisionRecord {
            id: DecisionId::from_random(0),
            outcome: Outcome::Deny,
            reason: Reason::PersonalAccountNotAllowed,
            would_refuse: None,
            route: Some(RouteName::new("fi\"nance")),
            position: Some(Position { line: 7, column: 1 }),
            who: Some(Judged {
                kind: AccountKind::Personal,
                authority: AuthorityName::personal(),
                tenant: Some(TenantId::CONSUMERS),
                membership: Membership::Unknown,
                home: Home::Personal,
            }),
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
        let mut text = String::new();
        line(&decision, "/a\"\n\u{1b}[31m").write_json(&mut text);
        assert!(!text.contains('\n') && !text.contains('\u{1b}'));
        let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(value["reason"], "personal_account_not_allowed");
        assert_eq!(value["route"], "fi\"nance");
        assert_eq!(value["account.kind"], "personal");
        assert_eq!(value["account.tenant"], "9188040d-6c67-4c5b-b112-36a304b66dad");
        assert_eq!(value["config.line"], 7);
    }

    #[test]
    fn a_human_line_reads_on_its_own_and_holds_no_escape_codes() {
        let decision = decision();
        let mut text = String::new();
        line(&decision, "/work/\u{1b}[31m").write_human(&mut text);
        assert!(text.starts_with("12:03:41 DENY      403 GET  /work/"), "{text}");
        assert!(text.contains("personal_account_not_allowed · personal account by personal"), "{text}");
        assert!(!text.contains('\u{1b}'));
    }
}
