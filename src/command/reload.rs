//! `homerealm reload`: asks a running proxy to read its configuration again, and tells what came of it.

use std::path::PathBuf;

use clap::Args;
use serde::Deserialize;

use super::admin_client::{self, Answer};
use super::{Verdict, print};

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
#[serde(tag = "outcome", rename_all = "snake_case")]
enum Outcome {
    Applied { wants_restart: Vec<String> },
    Refused { problems: String },
    Unchanged,
}

pub(super) fn main(arguments: &Arguments) -> Verdict {
    let answer = admin_client::find(arguments.admin.as_deref(), arguments.config.as_deref())
        .and_then(|admin| admin_client::post(&admin, "/reload"))
        .and_then(|answer| outcome(&answer));
    match answer {
        Ok(Outcome::Applied { wants_restart }) => {
            print::line("applied");
            if !wants_restart.is_empty() {
                print::complaint(format_args!("this takes a restart: {}", wants_restart.join(", ")));
            }
            Verdict::Fine
        }
        Ok(Outcome::Unchanged) => {
            print::line("unchanged");
            Verdict::Fine
        }
        Ok(Outcome::Refused { problems }) => {
            print::complaint(problems);
            print::complaint("\nnot applied: the configuration from before stays in force");
            Verdict::Errors
        }
        Err(why) => {
            print::complaint(format_args!("homerealm reload: {why}"));
            Verdict::Errors
        }
    }
}

fn outcome(answer: &Answer) -> Result<Outcome, String> {
    serde_json::from_str(&answer.body).map_err(|_| format!("the admin listener answers {}: {}", answer.status, answer.body.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Outcome, String> {
        outcome(&Answer { status: 403, body: body.into() })
    }

    #[test]
    fn every_outcome_is_understood_and_everything_else_is_shown_as_it_came() {
        let applied = read(r#"{"outcome":"applied","wants_restart":["listen"],"at":1}"#);
        assert!(matches!(applied, Ok(Outcome::Applied { wants_restart }) if wants_restart == ["listen"]));
        assert!(matches!(read(r#"{"outcome":"unchanged"}"#), Ok(Outcome::Unchanged)));
        let refused = read(r#"{"outcome":"refused","problems":"error[E001]"}"#);
        assert!(matches!(refused, Ok(Outcome::Refused { problems }) if problems == "error[E001]"));
        assert_eq!(read("not from here\n").err().as_deref(), Some("the admin listener answers 403: not from here"));
        assert!(read(r#"{"outcome":"perhaps"}"#).is_err());
    }
}
