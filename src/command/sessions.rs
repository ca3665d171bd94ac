//! `homerealm sessions`: who is signed in at a running proxy, and the end of sessions before their time. The proxy is asked
//! by its admin listener.

mod list;
mod revoke;
mod table;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::admin_client::{self, Answer};
use super::print::{Format, escaped};
use super::{Verdict, print};
use crate::config::AdminListen;

pub(super) const CASES: &str = "Examples:
  homerealm sessions list --tenant contoso
  homerealm sessions show 0f8b5c1de2a94b0c8d6f7a3b21e4c590
  homerealm sessions revoke --user 6b0d…@3a0c… --reason \"laptop was stolen\"
  homerealm sessions revoke --all --reason \"key leaked\" --yes";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,

    /// The admin listener: 127.0.0.1:9090 or unix:/path. By default where the configuration file says
    #[arg(long, value_name = "ADDRESS", global = true)]
    admin: Option<String>,

    /// The configuration file; by default homerealm.toml, then /etc/homerealm/homerealm.toml
    #[arg(short, long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,

    /// How it is told
    #[arg(long, value_enum, default_value = "human", global = true)]
    format: Format,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Sessions, newest first, and the revocations in force; 1 if nobody can tell who is signed in
    #[command(after_help = "Example: homerealm sessions list --kind personal")]
    List(list::Filter),

    /// One session
    #[command(after_help = "Example: homerealm sessions show 0f8b5c1de2a94b0c8d6f7a3b21e4c590")]
    Show {
        /// Its id
        #[arg(value_parser = session_id)]
        id: String,
    },

    /// Ends sessions that have begun up to now; whoever is meant may sign in again
    #[command(after_help = "Example: homerealm sessions revoke --tenant contoso --reason \"their accounts were phished\"")]
    Revoke(revoke::Order),
}

fn session_id(text: &str) -> Result<String, &'static str> {
    let id = crate::domain::session::SessionId::parse(text).ok_or("a session id has 32 hexadecimal digits")?;
    Ok(id.to_string())
}

/// Why it did not work.
enum Failure {
    /// The arguments cannot be meant so.
    Usage(String),
    /// They can, and it did not work.
    Error(String),
}

impl From<String> for Failure {
    fn from(why: String) -> Self {
        Self::Error(why)
    }
}

pub(super) fn main(arguments: &Arguments) -> Verdict {
    match act(arguments) {
        Ok(verdict) => verdict,
        Err(Failure::Usage(why)) => complain(&why, Verdict::Usage),
        Err(Failure::Error(why)) => complain(&why, Verdict::Errors),
    }
}

fn complain(why: &str, verdict: Verdict) -> Verdict {
    print::complaint(format_args!("homerealm sessions: {why}"));
    verdict
}

fn act(arguments: &Arguments) -> Result<Verdict, Failure> {
    let find = || admin_client::find(arguments.admin.as_deref(), arguments.config.as_deref());
    match &arguments.action {
        Action::List(filter) => list::main(&find()?, filter, arguments.format),
        Action::Show { id } => list::one(&find()?, id, arguments.format),
        Action::Revoke(order) => {
            order.confirm()?;
            revoke::main(&find()?, order, arguments.format)
        }
    }
}

/// The answer's document, if it is one; else what the listener says instead.
fn document(at: &AdminListen, answer: &Answer) -> Result<Value, Failure> {
    let document = serde_json::from_str::<Value>(&answer.body).ok().filter(Value::is_object);
    document
        .ok_or_else(|| Failure::Error(format!("the admin listener at {at} answers {}: {}", answer.status, escaped(answer.body.trim_end()))))
}

/// What the listener complains of.
fn complaint_of(at: &AdminListen, status: u16, document: &Value) -> String {
    match document["error"].as_str() {
        Some(why) => escaped(why),
        None => format!("the admin listener at {at} answers with {status}"),
    }
}
