//! `homerealm run`: the proxy. SIGHUP makes it read its configuration again, and open its log files anew.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::runtime::{self, LogFormat};
use super::{Verdict, check, print};
use crate::app::{App, Source};
use crate::sockets::descriptors;
use crate::sockets::supervisor::{self, News};

/// How soon a change of a file is seen; it is acted upon when the next look finds it the same.
const LOOK_EVERY: Duration = Duration::from_secs(1);

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
    let source = match config.files.paths.first() {
        Some(path) => Source::File { path: path.clone(), look_every: LOOK_EVERY },
        None => Source::Nowhere,
    };
    let served = runtime::start().and_then(|runtime| {
        let served = runtime.block_on(async {
            let stop = runtime::asked_to_stop()?;
            let mut hangups = runtime::hangups()?;
            take_descriptors(config.limits.connections);
            let app = App::start(config, source).await.map_err(std::io::Error::other)?;
            for address in app.addresses() {
                tracing::info!(%address, "Listening on {address}");
            }
            if let Some(address) = app.admin_address() {
                tracing::info!(%address, "Admin listener on {address}");
            }
            supervisor::tell(News::Ready);
            let mut stop = std::pin::pin!(stop);
            loop {
                tokio::select! {
                    () = &mut stop => break,
                    Some(()) = hangups.recv() => {
                        app.reopen_logs();
                        let control = app.control();
                        tokio::spawn(async move { control.reload().await });
                    }
                }
            }
            supervisor::tell(News::Stopping);
            tracing::info!("Stopping: requests under way are finished first");
            app.stop().await;
            Ok(())
        });
        // A file that hangs in the middle of a reload must not hold up the end.
        runtime.shutdown_timeout(Duration::from_secs(1));
        served
    });
    match served {
        Ok(()) => Verdict::Fine,
        Err(error) => {
            print::complaint(format_args!("homerealm: {error}"));
            Verdict::Errors
        }
    }
}

/// Every connection takes a descriptor, and often a second one towards an upstream.
fn take_descriptors(connections: usize) {
    let (allowed, wanted) = (descriptors::take_all(), 2 * connections as u64);
    if let Some(allowed) = allowed.filter(|allowed| *allowed < wanted) {
        tracing::warn!(allowed, wanted, "Only {allowed} files may be open: too few for {connections} connections ([limits] connections)");
    }
}
