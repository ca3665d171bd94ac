//! `homerealm run`: the proxy.

use std::path::PathBuf;

use clap::Args;

use super::runtime::{self, LogFormat};
use super::{Verdict, check, print};
use crate::app::App;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The configuration file; by default homerealm.toml, then /etc/homerealm/homerealm.toml
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// How the operational log on standard error looks
    #[arg(long, value_enum, default_value = "human")]
    log_format: LogFormat,
}

pub(super) fn main(arguments: &Arguments) -> Verdict {
    let Some(config) = check::load(arguments.config.clone()) else { return Verdict::Errors };
    runtime::log_to_stderr(arguments.log_format);
    let served = runtime::start().and_then(|runtime| {
        runtime.block_on(async {
            let stop = runtime::asked_to_stop()?;
            let app = App::start(config).await.map_err(std::io::Error::other)?;
            for address in app.addresses() {
                tracing::info!(%address, "Listening on {address}");
            }
            if let Some(address) = app.admin_address() {
                tracing::info!(%address, "Admin listener on {address}");
            }
            stop.await;
            tracing::info!("Stopping: requests under way are finished first");
            app.stop().await;
            Ok(())
        })
    });
    match served {
        Ok(()) => Verdict::Fine,
        Err(error) => {
            print::complaint(format_args!("homerealm: {error}"));
            Verdict::Errors
        }
    }
}
