//! `homerealm init`: a commented configuration file to start from. What it says is in the templates beside this file.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::{Verdict, print};

/// Shown below the help, which is also what `homerealm init` alone answers with.
pub(super) const CASES: &str = "\
Cases:
  one-tenant          one app, the people of one organisation
  consumers-and-work  personal and work accounts, each with routes of their own
  behind-nginx        nginx in front asks about every request (auth_request)

Example: homerealm init one-tenant -o homerealm.toml";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// What to start from
    #[arg(value_enum, hide_possible_values = true)]
    case: Case,

    /// Write a new file instead of printing
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Case {
    OneTenant,
    ConsumersAndWork,
    BehindNginx,
}

impl Case {
    const fn text(self) -> &'static str {
        match self {
            Self::OneTenant => include_str!("one-tenant.toml"),
            Self::ConsumersAndWork => include_str!("consumers-and-work.toml"),
            Self::BehindNginx => include_str!("behind-nginx.toml"),
        }
    }
}

pub(super) fn main(arguments: &Arguments) -> Verdict {
    let text = arguments.case.text();
    let Some(file) = &arguments.output else {
        print::line(text.trim_end());
        return Verdict::Fine;
    };
    match write_new(file, text) {
        Ok(()) => {
            print::line(what_is_next(file));
            Verdict::Fine
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            print::complaint(format_args!("homerealm init: {} is there already; name another file", file.display()));
            Verdict::Errors
        }
        Err(error) => {
            print::complaint(format_args!("homerealm init: {} cannot be written: {error}", file.display()));
            Verdict::Errors
        }
    }
}

fn write_new(file: &Path, text: &str) -> std::io::Result<()> {
    OpenOptions::new().write(true).create_new(true).open(file)?.write_all(text.as_bytes())
}

/// The commands that lead from a starter to a configuration without a mistake.
fn what_is_next(file: &Path) -> String {
    let beside = |name: &str| quoted(&file.with_file_name(name));
    format!(
        "{} is written. Replace the ids and names in it; then, in a shell:\n  \
         (umask 077; openssl rand -hex 32 > {})\n  \
         (umask 077; cat > {})  # paste the client secret, Enter, Ctrl-D\n  \
         homerealm check {}",
        file.display(),
        beside("session-key"),
        beside("client-secret"),
        quoted(file),
    )
}

/// A path as one word of a shell command.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'-' | b'_'));
    if plain && !text.starts_with('-') { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}
