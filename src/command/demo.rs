//! `homerealm demo`: everything on this machine, offline, nothing saved.

use std::net::{IpAddr, Ipv4Addr};

use clap::Args;
use tokio_util::sync::CancellationToken;

use super::dev_idp::{bind_to, made_up_secret, registration};
use super::print::Colour;
use super::runtime::{self, LogFormat};
use super::{Verdict, print};
use crate::app::{App, Source};
use crate::config::Config;
use crate::demo::settings::{self, CLIENT_ID, Ports};
use crate::demo::start_page;
use crate::dev_idp::{self, directory};
use crate::domain::origin::Origin;
use crate::protocol::secret::Secret;
use crate::sample_app;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The proxy's port; the identity provider and the sample app take the next two
    #[arg(long, default_value_t = 8080)]
    port: u16,

    /// The address the proxy and the identity provider listen on. Anything but loopback is for containers only, whose
    /// ports are published on 127.0.0.1
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    bind: IpAddr,

    /// Print the configuration the demo runs on, and end
    #[arg(long)]
    print_config: bool,
}

pub(super) fn main(arguments: &Arguments) -> Verdict {
    let ports = match Ports::starting_at(arguments.port) {
        Ok(ports) => ports,
        Err(error) => return complain(&error),
    };
    let text = settings::text(ports, arguments.bind);
    if arguments.print_config {
        print::line(text);
        return Verdict::Fine;
    }
    let secret = made_up_secret();
    let config = match settings::config(&text, secret.expose()) {
        Ok(config) => config,
        Err(report) => {
            print::report(&report, Colour::Auto);
            return Verdict::Errors;
        }
    };
    runtime::log_to_stderr(LogFormat::Human);
    match runtime::start().and_then(|runtime| runtime.block_on(serve(config, ports, arguments.bind, secret))) {
        Ok(()) => Verdict::Fine,
        Err(error) => complain(&error),
    }
}

async fn serve(config: Config, ports: Ports, bind: IpAddr, secret: Secret<String>) -> std::io::Result<()> {
    let stop = runtime::asked_to_stop()?;
    let ended = CancellationToken::new();
    let provider = bind_to(bind, ports.provider()).await?;
    let app = bind_to(IpAddr::V4(Ipv4Addr::LOCALHOST), ports.app()).await?;
    let pages = start_page::router(&config, ports).map_err(std::io::Error::other)?.merge(sample_app::router());
    let origin = Origin::parse(&ports.provider_origin()).map_err(std::io::Error::other)?;
    let settings = dev_idp::Settings::new(origin, vec![registration(CLIENT_ID, secret)]);
    tokio::spawn(dev_idp::serve(provider, settings, ended.clone().cancelled_owned()));
    tokio::spawn(axum::serve(app, pages).with_graceful_shutdown(ended.clone().cancelled_owned()).into_future());
    let proxy = App::start(config, Source::Nowhere).await.map_err(std::io::Error::other)?;
    introduce(ports);
    stop.await;
    print::line("Stopped. `homerealm demo --print-config` shows the configuration; the README tells how to write your own.");
    ended.cancel();
    proxy.stop().await;
    Ok(())
}

fn introduce(ports: Ports) {
    print::line(format_args!(
        "homerealm {} demo: everything is local; no registration, no password, nothing is saved",
        env!("CARGO_PKG_VERSION")
    ));
    print::line(format_args!("  open this   {}/", ports.proxy_origin()));
    print::line(format_args!(
        "  identity    {}/  keeps personal accounts, two organisations and their guests apart",
        ports.provider_origin()
    ));
    print::line(format_args!("  sample app  http://127.0.0.1:{}/  shows the identity headers it receives", ports.app()));
    print::line("  people");
    for person in directory::people() {
        let accounts: Vec<_> = person.accounts.iter().map(directory::Account::description).collect();
        let fails = if person.fails_at_provider { " (the provider fails)" } else { "" };
        print::line(format_args!("    {:<24} {}{fails}", person.sign_in_name, accounts.join(" · ")));
    }
    print::line("  below       one line per decision (Ctrl-C ends the demo)");
}

fn complain(error: &dyn std::fmt::Display) -> Verdict {
    print::complaint(format_args!("homerealm demo: {error}"));
    Verdict::Errors
}
