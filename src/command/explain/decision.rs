//! A real decision: found in the access log on standard input or at the admin listener, and told by the file at hand.

use std::io::{BufRead, IsTerminal as _, Read as _};
use std::path::Path;

use serde_json::json;

use super::Told;
use crate::command::admin_client;
use crate::command::print::escaped;
use crate::config::KnownRules;
use crate::domain::decision::{DecisionId, DecisionRecord};
use crate::domain::rules::Rules;
use crate::review::explain::Explanation;
use crate::telemetry::recorded::Recorded;

/// Where a decision is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// At the admin listener.
    Admin,
    /// In the access log on standard input.
    Log,
    /// There if anything comes from there, else at the admin listener.
    LogIfAny,
}

impl Source {
    /// Where to look if nobody says: a log is piped, and nobody types one.
    pub(super) fn either() -> Self {
        if std::io::stdin().is_terminal() { Self::Admin } else { Self::LogIfAny }
    }
}

/// A longer line is no decision's, in bytes: its path has at most 8 KiB, each of which JSON may write as six.
const LONGEST_LINE: usize = 64 * 1024;

/// Finds a decision.
///
/// # Errors
/// A sentence that says what to do.
pub(super) fn find(id: DecisionId, source: Source, admin: Option<&str>, file: &Path) -> Result<Recorded, String> {
    match source {
        Source::Admin => ask(id, admin, file),
        Source::Log | Source::LogIfAny => match (search(id, &mut std::io::stdin().lock())?, source) {
            (Found::Decision(recorded), _) => Ok(*recorded),
            (Found::Nothing { lines: 0 }, Source::LogIfAny) => ask(id, admin, file),
            (Found::Nothing { lines }, _) => Err(format!(
                "no decision {id} in {lines} line{} of standard input; it reads what access_log = \"json\" writes",
                if lines == 1 { "" } else { "s" }
            )),
        },
    }
}

fn ask(id: DecisionId, admin: Option<&str>, file: &Path) -> Result<Recorded, String> {
    let at = admin_client::find(admin, Some(file))?;
    let answer = admin_client::get(&at, &format!("/decisions/{id}"))?;
    match answer.status {
        200 => Recorded::parse(&answer.body).map_err(|error| format!("the admin listener at {at} answers, but {error}")),
        status => {
            let body: serde_json::Value = serde_json::from_str(&answer.body).unwrap_or_default();
            Err(body["error"].as_str().map_or_else(|| format!("the admin listener at {at} answers with {status}"), str::to_owned))
        }
    }
}

/// What a log holds.
#[derive(Debug)]
enum Found {
    Decision(Box<Recorded>),
    Nothing { lines: usize },
}

/// Looks for the line of a decision. What stands in front of the JSON, as some tools put it there, and lines of other
/// sorts are passed over.
fn search(id: DecisionId, log: &mut impl BufRead) -> Result<Found, String> {
    let id_text = id.to_string();
    let mut line = Vec::new();
    for lines in 0.. {
        line.clear();
        let unreadable = |error: std::io::Error| format!("standard input cannot be read: {error}");
        let length = log.by_ref().take(LONGEST_LINE as u64).read_until(b'\n', &mut line).map_err(unreadable)?;
        if length == 0 {
            return Ok(Found::Nothing { lines });
        }
        if length == LONGEST_LINE && line.last() != Some(&b'\n') {
            log.skip_until(b'\n').map_err(unreadable)?;
            continue;
        }
        let text = String::from_utf8_lossy(&line);
        let object = text.find('{').map(|at| text[at..].trim_end()).filter(|object| object.contains(&id_text));
        let recorded = object.and_then(|object| Recorded::parse(object).ok());
        // The audit log may be in the same stream: its lines have the id as well, and tell less of the request.
        if let Some(recorded) = recorded.filter(|recorded| recorded.decision.id == id) {
            return Ok(Found::Decision(Box::new(recorded)));
        }
    }
    Ok(Found::Nothing { lines: usize::MAX })
}

/// Tells a decision by the rules of now.
pub(super) fn told(recorded: &Recorded, known: &KnownRules) -> Told {
    let Recorded { at, method, path, status, decision, .. } = recorded;
    let mut explanation = Explanation::of_record(&known.rules, decision, *status);
    explanation.note = differences(recorded, known);
    let moment = chrono::DateTime::from_timestamp(i64::try_from(at.unix_seconds()).unwrap_or_default(), 0).unwrap_or_default();
    let moment = moment.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let mut lines = vec![format!("{}  {moment}  {} {}", decision.id, escaped(method), escaped(path))];
    lines.extend(explanation.lines());
    let mut document = json!(explanation);
    for (key, value) in
        [("decision_id", json!(decision.id.to_string())), ("timestamp", json!(moment)), ("method", json!(method)), ("path", json!(path))]
    {
        document[key] = value;
    }
    Told { lines, document }
}

/// What shows that another file decided than the one at hand.
fn differences(recorded: &Recorded, known: &KnownRules) -> Option<String> {
    let (rules, at_hand) = (&*known.rules, known.fingerprint.to_string());
    let another = recorded.fingerprint.as_ref().filter(|decided| **decided != at_hand).map(|decided| {
        let file = &rules.file_name;
        format!("another configuration decided ({decided}; {file} is {at_hand}): what is told here is by the one at hand")
    });
    moved(&recorded.decision, rules).or(another)
}

fn moved(decision: &DecisionRecord, rules: &Rules) -> Option<String> {
    let (name, then) = (decision.route.as_ref()?, decision.position?);
    let file = &rules.file_name;
    let Some(route) = rules.routes.named(name.as_str()) else {
        return Some(format!("{file} has no route \"{}\": it is not the file that decided", escaped(name.as_str())));
    };
    let now = route.decided_at(decision.would_refuse.unwrap_or(decision.reason));
    (now.line != then.line)
        .then(|| format!("line {} decided; in {file} it is line {} now: the file has changed since", then.line, now.line))
}

#[cfg(test)]
mod tests;
