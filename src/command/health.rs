//! `homerealm health`: asks a running proxy how it is. For images without a shell, whose probes can only run us.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::print::{self, Foreign};
use super::{Verdict, admin_client};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// What to ask
    #[arg(value_enum, default_value = "readyz")]
    probe: Probe,

    /// The admin listener: 127.0.0.1:9090 or unix:/path. By default where the configuration file says
    #[arg(long, value_name = "ADDRESS")]
    admin: Option<String>,

    /// The configuration file; by default homerealm.toml, then /etc/homerealm/homerealm.toml
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Probe {
    /// Whether the process answers at all
    Livez,
    /// Whether new requests should come here
    Readyz,
    /// Whether it has started
    Startupz,
}

impl Probe {
    const fn path(self) -> &'static str {
        match self {
            Self::Livez => "/livez",
            Self::Readyz => "/readyz",
            Self::Startupz => "/startupz",
        }
    }
}

pub(super) fn main(arguments: &Arguments) -> Verdict {
    let asked = admin_client::find(arguments.admin.as_deref(), arguments.config.as_deref())
        .and_then(|admin| admin_client::get(&admin, &format!("{}?format=text", arguments.probe.path())));
    match asked {
        Ok(answer) if answer.status == 200 => {
            print::line(Foreign(answer.body.trim_end()));
            Verdict::Fine
        }
        Ok(answer) => {
            print::complaint(format_args!("{} ({})", Foreign(answer.body.trim_end()), answer.status));
            Verdict::Errors
        }
        Err(why) => {
            print::complaint(format_args!("homerealm health: {why}"));
            Verdict::Errors
        }
    }
}
