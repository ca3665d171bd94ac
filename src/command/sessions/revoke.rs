//! `homerealm sessions revoke`.

use std::io::{BufRead, IsTerminal as _};

use clap::Args;
use serde_json::Value;

use super::{Failure, complaint_of, document, session_id};
use crate::command::Verdict;
use crate::command::admin_client;
use crate::command::print::{self, Format, escaped};
use crate::config::AdminListen;

#[derive(Debug, Args)]
pub(super) struct Order {
    #[command(flatten)]
    whose: Whose,

    /// Why: 1 to 200 characters for lists and the audit log
    #[arg(long, value_name = "TEXT")]
    reason: String,

    /// Do not ask whether --tenant or --all is meant
    #[arg(long)]
    yes: bool,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Whose {
    /// The one session of this id
    #[arg(value_parser = session_id)]
    id: Option<String>,

    /// This person's, in all their browsers: oid@tid or sub@host
    #[arg(long)]
    user: Option<String>,

    /// Everybody's of this organisation: its name in the configuration, or its id
    #[arg(long)]
    tenant: Option<String>,

    /// Everybody's
    #[arg(long)]
    all: bool,
}

impl Whose {
    /// As a field of the order.
    fn field(&self) -> (&'static str, &str) {
        match self {
            Self { id: Some(id), .. } => ("session", id),
            Self { user: Some(user), .. } => ("user", user),
            Self { tenant: Some(tenant), .. } => ("tenant", tenant),
            Self { id: None, user: None, tenant: None, .. } => ("all", "true"),
        }
    }
}

impl Order {
    /// Makes sure that many are meant where many are.
    pub(super) fn confirm(&self) -> Result<(), Failure> {
        let question = match self.whose.field() {
            _ if self.yes => return Ok(()),
            ("tenant", tenant) => format!("End the sessions of everybody of {}?", escaped(tenant)),
            ("all", _) => "End everybody's sessions?".to_owned(),
            _ => return Ok(()),
        };
        if !std::io::stdin().is_terminal() {
            return Err(Failure::Usage(format!("{question} Say --yes if that is meant")));
        }
        ask(&question, &mut std::io::stdin().lock())
    }
}

fn ask(question: &str, answers: &mut impl BufRead) -> Result<(), Failure> {
    print::complaint(format_args!("{question} Type yes:"));
    let mut answer = String::new();
    let read = std::io::Read::take(answers, 64).read_line(&mut answer);
    match read {
        Ok(_) if answer.trim() == "yes" => Ok(()),
        Ok(_) | Err(_) => Err(Failure::Error("nothing was ended".into())),
    }
}

pub(super) fn main(at: &AdminListen, order: &Order, format: Format) -> Result<Verdict, Failure> {
    let fields = [order.whose.field(), ("reason", &order.reason)];
    let answer = admin_client::post_form(at, "/sessions/revoke", &fields)?;
    let document = document(at, &answer)?;
    match (answer.status, document["reach"].as_str()) {
        (_, Some(_)) => {}
        (400 | 422, None) => return Err(Failure::Usage(complaint_of(at, answer.status, &document))),
        (status, None) => return Err(Failure::Error(complaint_of(at, status, &document))),
    }
    match format {
        Format::Human => lines(&document).iter().for_each(print::line),
        Format::Json => print::document(&document),
    }
    if answer.status == 200 {
        return Ok(Verdict::Fine);
    }
    Err(Failure::Error(complaint_of(at, answer.status, &document)))
}

/// What came of an order.
fn lines(told: &Value) -> Vec<String> {
    let text = |value: &Value| escaped(value.as_str().unwrap_or_default());
    let moment = text(&told["revocation"]["not_before"]);
    let mut lines = vec![format!("Sessions that began up to {moment}: {}", text(&told["means"]))];
    lines.push(format!("In the audit log: {}", text(&told["decision_id"])));
    if let Some(table) = told["configuration"].as_str() {
        lines.push("So that it lasts, and reaches every replica, put this at the end of the configuration:\n".into());
        lines.extend(table.lines().map(escaped));
    }
    lines
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        order: Order,
    }

    fn parse(words: &[&str]) -> Result<Order, clap::Error> {
        Line::try_parse_from([&["revoke"], words].concat()).map(|line| line.order)
    }

    const ID: &str = "0f8b5c1de2a94b0c8d6f7a3b21e4c590";

    #[test]
    fn an_order_means_exactly_one_and_says_why() {
        for (words, field) in [
            (&[ID, "--reason", "x"][..], ("session", ID)),
            (&["--user", "a@b", "--reason", "x"], ("user", "a@b")),
            (&["--tenant", "contoso", "--reason", "x"], ("tenant", "contoso")),
            (&["--all", "--reason", "x"], ("all", "true")),
        ] {
            let order = parse(words).unwrap_or_else(|error| panic!("{words:?}: {error}"));
            assert_eq!(order.whose.field(), field, "{words:?}");
        }
        for words in [
            &["--reason", "x"][..],
            &["--all"],
            &["--all", "--user", "a@b", "--reason", "x"],
            &[ID, "--all", "--reason", "x"],
            &["not-an-id", "--reason", "x"],
        ] {
            assert!(parse(words).is_err(), "{words:?}");
        }
    }

    #[test]
    fn only_yes_is_yes() {
        for (typed, expected) in [("yes\n", true), (" yes \n", true), ("yes", true), ("y\n", false), ("", false), ("no\nyes\n", false)] {
            assert_eq!(ask("Really?", &mut typed.as_bytes()).is_ok(), expected, "{typed:?}");
        }
    }

    #[test]
    fn one_person_is_ended_without_a_question_and_many_are_not() {
        let confirmed = |words: &[&str]| parse(words).expect("an order").confirm();
        assert!(confirmed(&["--user", "a@b", "--reason", "x"]).is_ok());
        assert!(confirmed(&["--all", "--yes", "--reason", "x"]).is_ok());
    }

    #[test]
    fn what_came_of_it_is_told_and_what_to_write_down() {
        let told = json!({
            "means": "They are over.\u{1b}[2J",
            "decision_id": "7K3F-9QXD",
            "revocation": { "not_before": "2026-11-22T10:00:00Z" },
            "configuration": "[[session.not_before]]\nat = 2026-11-22T10:00:00Z\nwhy = \"x\u{1b}\"",
        });
        let text = lines(&told).join("\n");
        assert!(text.contains(r"They are over.\u{1b}[2J") && text.contains("7K3F-9QXD"), "{text}");
        assert!(text.ends_with("\n\n[[session.not_before]]\nat = 2026-11-22T10:00:00Z\nwhy = \"x\\u{1b}\""), "{text}");
        assert!(!lines(&json!({ "configuration": null })).join("\n").contains("[session"));
    }
}
