//! `homerealm reload`: asks a running proxy to read its configuration again, and tells what came of it.

use std::path::PathBuf;

use clap::Args;
use serde::Deserialize;

use super::Verdict;
use super::admin_client::{self, Answer};
use super::print::{self, Foreign};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The admin listener: 127.0.0.1:9090 or unix:/path. By default where the configuration file says
    #[arg(long, value_name = "ADDRESS")]
    admin: Option<String>,

    /// The configuration file; by default homerealm.toml, then /etc/homerealm/homerealm.toml
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// What the admin listener says to `POST /reload`.
#[derive(Debug, Deserialize)]
struct Told {
    #[serde(flatten)]
    outcome: Outcome,
    #[serde(default)]
    wants_restart: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
enum Outcome {
    Applied,
    Refused { problems: String },
    Unchanged,
}

pub(super) fn main(arguments: &Arguments) -> Verdict {
    let answer = admin_client::find(arguments.admin.as_deref(), arguments.config.as_deref())
        .and_then(|admin| admin_client::post(&admin, "/reload"))
        .and_then(|answer| told(&answer));
    let Told { outcome, wants_restart } = match answer {
        Ok(told) => told,
        Err(why) => {
            print::complaint(format_args!("homerealm reload: {}", Foreign(&why)));
            return Verdict::Errors;
        }
    };
    let verdict = match outcome {
        Outcome::Applied => {
            print::line("applied");
            Verdict::Fine
        }
        Outcome::Unchanged => {
            print::line("unchanged");
            Verdict::Fine
        }
        Outcome::Refused { problems } => {
            print::complaint(Foreign(&problems));
            print::complaint("\nnot applied: the configuration from before stays in force");
            Verdict::Errors
        }
    };
    if !wants_restart.is_empty() {
        print::complaint(format_args!("this takes a restart: {}", Foreign(&wants_restart.join(", "))));
    }
    verdict
}

fn told(answer: &Answer) -> Result<Told, String> {
    serde_json::from_str(&answer.body).map_err(|_| format!("the admin listener answers {}: {}", answer.status, answer.body.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Told, String> {
        told(&Answer { status: 403, body: body.into() })
    }

    #[test]
    fn every_outcome_is_understood_and_everything_else_is_shown_as_it_came() {
        let applied = read(r#"{"outcome":"applied","wants_restart":["listen"],"at":1}"#);
        assert!(matches!(applied, Ok(Told { outcome: Outcome::Applied, wants_restart }) if wants_restart == ["listen"]));
        let unchanged = read(r#"{"outcome":"unchanged","wants_restart":["listen"]}"#);
        assert!(matches!(unchanged, Ok(Told { outcome: Outcome::Unchanged, wants_restart }) if wants_restart == ["listen"]));
        let refused = read(r#"{"outcome":"refused","problems":"error[E001]"}"#);
        let Ok(Told { outcome: Outcome::Refused { problems }, wants_restart }) = refused else { panic!("{refused:?}") };
        assert_eq!((problems.as_str(), wants_restart.len()), ("error[E001]", 0));
        assert_eq!(read("not from here\n").err().as_deref(), Some("the admin listener answers 403: not from here"));
        assert!(read(r#"{"outcome":"perhaps"}"#).is_err());
    }
}
