//! `homerealm sessions list` and `show`.

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

use super::table::{age, aligned};
use super::{Failure, complain, complaint_of, document};
use crate::adapters::clock::SystemClock;
use crate::command::Verdict;
use crate::command::admin_client;
use crate::command::print::{self, Format};
use crate::config::AdminListen;
use crate::domain::time::Timestamp;
use crate::flow::ports::Clock as _;

/// More sessions than this are for programs, which can ask for a part at a time.
const MOST: usize = 10_000;

#[derive(Debug, Args)]
pub(super) struct Filter {
    /// Sessions of this person: oid@tid or sub@host, or as the audit log calls them
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    user: Option<String>,

    /// Sessions of this organisation: its name in the configuration, or its id
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    tenant: Option<String>,

    /// Sessions of this kind of account
    #[arg(long, value_enum)]
    kind: Option<Kind>,

    /// Sessions of this authority
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    authority: Option<String>,
}

/// `--kind`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    Work,
    Personal,
    Customer,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Work => "work",
            Self::Personal => "personal",
            Self::Customer => "customer",
        }
    }
}

impl Filter {
    fn path(&self, from: Option<&str>) -> String {
        let words = [
            ("user", self.user.as_deref()),
            ("tenant", self.tenant.as_deref()),
            ("kind", self.kind.map(Kind::as_str)),
            ("authority", self.authority.as_deref()),
            ("from", from),
        ];
        let mut query = Serializer::new(String::new());
        format!("/sessions?{}", query.extend_pairs(words.into_iter().filter_map(|(name, word)| Some((name, word?)))).finish())
    }
}

/// All parts of the list, put together.
struct Whole {
    /// Why nobody can tell who is signed in, or the sessions.
    sessions: Result<Vec<Value>, String>,
    /// Whether there are more.
    rest: Rest,
    revocations: Value,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Rest {
    Left,
    None,
}

pub(super) fn main(at: &AdminListen, filter: &Filter, format: Format) -> Result<Verdict, Failure> {
    let whole = read(at, filter)?;
    let now = SystemClock.now();
    match format {
        Format::Human => {
            if let Ok(sessions) = &whole.sessions {
                if sessions.is_empty() { print::line("no sessions") } else { sessions_table(sessions, now).iter().for_each(print::line) }
            }
            revocations_lines(&whole.revocations, now).iter().for_each(print::line);
        }
        Format::Json => {
            let error = whole.sessions.as_ref().err();
            print::document(&json!({ "sessions": whole.sessions.as_ref().ok(), "error": error, "revocations": whole.revocations }));
        }
    }
    match whole.sessions {
        Err(why) => Ok(complain(&why, Verdict::Errors)),
        Ok(_) if whole.rest == Rest::Left => Ok(complain("there are more: ask for fewer at a time", Verdict::Errors)),
        Ok(_) => Ok(Verdict::Fine),
    }
}

fn read(at: &AdminListen, filter: &Filter) -> Result<Whole, Failure> {
    let mut sessions = Vec::new();
    let mut from = None;
    loop {
        let answer = admin_client::get(at, &filter.path(from.as_deref()))?;
        // A question that nothing can fit is answered with a line of text.
        if answer.status == 400 {
            return Err(Failure::Usage(print::escaped(answer.body.trim_end())));
        }
        let mut part = document(at, &answer)?;
        let revocations = part["revocations"].take();
        let Value::Array(more) = part["sessions"].take() else {
            let why = match part["kept_in"].as_str() {
                Some("cookies") => "sessions are kept in cookies: only the browsers know who is signed in".to_owned(),
                Some(_) | None => complaint_of(at, answer.status, &part),
            };
            return Ok(Whole { sessions: Err(why), rest: Rest::None, revocations });
        };
        sessions.extend(more);
        from = part["next"].as_str().map(str::to_owned);
        if from.is_none() || sessions.len() >= MOST {
            let rest = if from.is_none() { Rest::None } else { Rest::Left };
            return Ok(Whole { sessions: Ok(sessions), rest, revocations });
        }
    }
}

pub(super) fn one(at: &AdminListen, id: &str, format: Format) -> Result<Verdict, Failure> {
    let answer = admin_client::get(at, &format!("/sessions/{id}"))?;
    let document = document(at, &answer)?;
    if answer.status != 200 {
        return Err(Failure::Error(complaint_of(at, answer.status, &document)));
    }
    match format {
        Format::Json => print::document(&document),
        Format::Human => facts(&document, SystemClock.now()).iter().for_each(print::line),
    }
    Ok(Verdict::Fine)
}

fn text(of: &Value, key: &str) -> String {
    of[key].as_str().unwrap_or_default().to_owned()
}

fn organisation(of: &Value) -> String {
    of["tenant_name"].as_str().or_else(|| of["tenant"].as_str()).unwrap_or("-").to_owned()
}

fn sessions_table(sessions: &[Value], now: Timestamp) -> Vec<String> {
    let mut rows = vec![["SESSION", "ACCOUNT", "BY", "USER", "ORGANISATION", "SIGNED IN", "LAST HERE"].map(str::to_owned)];
    rows.extend(sessions.iter().map(|session| {
        let ages = ["signed_in_at", "last_seen"].map(|key| age(&text(session, key), now));
        let [signed_in, last_here] = ages;
        let [id, kind, authority, user] = ["id", "kind", "authority", "user"].map(|key| text(session, key));
        [id, kind, authority, user, organisation(session), signed_in, last_here]
    }));
    aligned(&rows)
}

/// What was revoked, below the sessions; nothing if nothing was.
fn revocations_lines(revocations: &Value, now: Timestamp) -> Vec<String> {
    let entries = revocations["entries"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut lines = Vec::new();
    if !entries.is_empty() {
        let mut rows = vec![["REVOKED", "WHOSE", "WHEN", "FROM", "WHY"].map(str::to_owned)];
        rows.extend(entries.iter().map(|entry| {
            let whose = ["user", "tenant_name", "tenant", "session"].into_iter().find_map(|key| entry[key].as_str()).map(str::to_owned);
            // Of what an authority ended, its own name for it is not told.
            let whose = whose.or_else(|| {
                let what = if entry["scope"] == "provider_session" { "a session" } else { "somebody" };
                Some(format!("{what} at {}", entry["authority"].as_str()?))
            });
            let when = age(&text(entry, "not_before"), now);
            [text(entry, "scope"), whose.unwrap_or_else(|| "everybody".to_owned()), when, text(entry, "from"), text(entry, "why")]
        }));
        lines.push(String::new());
        lines.extend(aligned(&rows));
        let total = revocations["total"].as_u64().unwrap_or_default();
        if total > entries.len() as u64 {
            lines.push(format!("and {} more, of fewer people", total - entries.len() as u64));
        }
    }
    if let Some(why) = revocations["trouble"].as_str() {
        lines.push(format!("What other replicas have revoked may be missing: {}", print::escaped(why)));
    }
    lines
}

fn facts(session: &Value, now: Timestamp) -> Vec<String> {
    let moment = |key| {
        let at = text(session, key);
        format!("{at}, {}", age(&at, now))
    };
    let mut rows = vec![
        ["session", &text(session, "id")],
        ["account", &text(session, "kind")],
        ["signed in by", &text(session, "authority")],
        ["user", &text(session, "user")],
    ]
    .into_iter()
    .map(|row| row.map(str::to_owned))
    .collect::<Vec<_>>();
    if let Some(name) = session["user_in_audit_log"].as_str() {
        rows.push(["in the audit log".to_owned(), name.to_owned()]);
    }
    if let Some(id) = session["tenant"].as_str() {
        let name = session["tenant_name"].as_str().map(|name| format!("{name} ")).unwrap_or_default();
        rows.push(["organisation".to_owned(), format!("{name}{id}")]);
    }
    rows.push(["signed in".to_owned(), moment("signed_in_at")]);
    rows.push(["last here".to_owned(), moment("last_seen")]);
    rows.push(["ends by itself".to_owned(), text(session, "ends_at")]);
    aligned(&rows)
}

#[cfg(test)]
mod tests;
