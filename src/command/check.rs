//! `homerealm check`: every problem of a configuration at once, and what to register at the provider.

use std::path::PathBuf;

use clap::Args;

use super::{Verdict, print};
use crate::config::{self, Config};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The configuration file; by default homerealm.toml, then /etc/homerealm/homerealm.toml
    file: Option<PathBuf>,
}

pub(super) fn main(arguments: &Arguments) -> Verdict {
    let Some(config) = load(arguments.file.clone()) else { return Verdict::Errors };
    let routes = config.routes.routes().len();
    print::line(format_args!("{routes} {}, no errors, {} warnings", if routes == 1 { "route" } else { "routes" }, config.warnings.len()));
    print::line("\nRegister these redirect URIs:");
    for (authority, uri) in redirect_uris(&config) {
        print::line(format_args!("  {authority:<12} {uri}"));
    }
    Verdict::Fine
}

/// Loads a configuration file, or says what is wrong with it.
pub(super) fn load(file: Option<PathBuf>) -> Option<Config> {
    let file = file.or_else(|| config::default_files().into_iter().find(|file| file.is_file())).unwrap_or_else(|| "homerealm.toml".into());
    match config::load(&file) {
        Ok(config) => {
            config.warnings.iter().for_each(print::complaint);
            Some(config)
        }
        Err(problems) => {
            problems.rendered.iter().for_each(print::complaint);
            None
        }
    }
}

fn redirect_uris(config: &Config) -> impl Iterator<Item = (&str, String)> {
    config.authorities.iter().flat_map(move |authority| {
        let name = authority.name.as_str();
        config.origins.iter().map(move |origin| (name, format!("{origin}{}/callback/{name}", config.prefix)))
    })
}
