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
    let (routes, warnings) = (counted(config.rules.routes.routes().len(), "route"), counted(config.warnings.len(), "warning"));
    print::line(format_args!("{routes}, no errors, {warnings}"));
    print::line("\nRegister these redirect URIs:");
    for (authority, uri) in redirect_uris(&config) {
        print::line(format_args!("  {authority:<12} {uri}"));
    }
    for origin in config.rules.origins.iter() {
        print::line(format_args!("  {:<12} {origin}{}/signed-out", "(sign-out)", config.rules.prefix));
    }
    Verdict::Fine
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// Loads a configuration file, or says what is wrong with it.
pub(super) fn load(file: Option<PathBuf>) -> Option<Config> {
    let Some(file) = file.or_else(|| config::default_files().into_iter().find(|file| file.is_file())) else {
        let [here, system] = config::default_files();
        print::complaint(format_args!("homerealm: there is neither {} nor {}; name a file", here.display(), system.display()));
        return None;
    };
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
        config.rules.origins.iter().map(move |origin| (name, format!("{origin}{}/callback/{name}", config.rules.prefix)))
    })
}
